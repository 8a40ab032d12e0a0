//! What expressions see.

use std::collections::HashMap;

use indexmap::IndexMap;
use runner_workflow::{
    expr::{EvalError, Scope, Status},
    plan::{ConfigTemplate, Plan, PlannedStep, StepIndex},
};
use serde_json::{Map, Value};

use crate::{executor::Metric, options::GitState, staging::Published};

/// What is known of the steps while a run goes on.
#[derive(Debug, Default)]
pub(crate) struct StepFacts {
    /// The word of `steps.<id>.outcome`; none while it has not ended.
    pub(crate) outcome: Option<&'static str>,
    /// Its outputs in the store.
    pub(crate) outputs: IndexMap<String, Published>,
    /// Its metrics, each name and slice once.
    pub(crate) metrics: Vec<Metric>,
    /// Metrics that the host computed from its predictions.
    pub(crate) host_metrics: Vec<Metric>,
}

/// Everything that expressions of a run can see, beside what belongs to a step.
pub(crate) struct Surroundings<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) facts: &'a [StepFacts],
    pub(crate) by_id: &'a HashMap<String, StepIndex>,
    pub(crate) event: &'a Value,
    pub(crate) git: &'a GitState,
    /// Somebody stopped the run.
    pub(crate) is_cancelled: bool,
}

/// The scope of one step, or of a stage where there is no step.
pub(crate) struct StepScope<'a> {
    pub(crate) around: &'a Surroundings<'a>,
    pub(crate) step: Option<&'a PlannedStep>,
    pub(crate) env: IndexMap<String, String>,
    pub(crate) status: Status,
}

impl StepScope<'_> {
    /// Evaluates the environment of the step; each variable sees those above it.
    pub(crate) fn evaluate_env(&mut self) -> Result<(), EvalError> {
        let Some(step) = self.step else { return Ok(()) };
        for (name, template) in &step.env {
            let value = template.render(self)?;
            self.env.insert(name.clone(), value);
        }
        Ok(())
    }

    /// The configuration with all its templates evaluated.
    pub(crate) fn config(&self, template: &ConfigTemplate) -> Result<Value, EvalError> {
        Ok(match template {
            ConfigTemplate::Scalar(value) => value.clone(),
            ConfigTemplate::Text(text) => text.evaluate(self)?,
            ConfigTemplate::List(items) => {
                Value::Array(items.iter().map(|item| self.config(item)).collect::<Result<_, _>>()?)
            }
            ConfigTemplate::Map(map) => {
                let mut object = Map::with_capacity(map.len());
                for (key, item) in map {
                    object.insert(key.clone(), self.config(item)?);
                }
                Value::Object(object)
            }
        })
    }

    fn lookup_step(&self, path: &[String]) -> Option<Value> {
        let (id, path) = path.split_first()?;
        let facts = &self.around.facts[*self.around.by_id.get(id)?];
        match path.first().map(String::as_str) {
            Some("outcome") if path.len() == 1 => facts.outcome.map(Value::from),
            Some("outputs") => {
                let digest = |published: &Published| Value::from(published.object.digest.to_string());
                match &path[1..] {
                    [] => {
                        let outputs = facts.outputs.iter();
                        Some(Value::Object(outputs.map(|(name, one)| (name.clone(), digest(one))).collect()))
                    }
                    [name] => facts.outputs.get(name).map(digest),
                    _ => None,
                }
            }
            Some("metrics") => {
                let mut whole = facts.metrics.iter().filter(|metric| metric.slice.is_empty());
                match &path[1..] {
                    // JSON has no NaN: a metric that is not finite has no value, which is an error where it is used.
                    [name] => Some(finite(whole.find(|metric| metric.name == *name)?.value)?),
                    [] => Some(Value::Object(
                        whole
                            .filter_map(|metric| Some((metric.name.clone(), finite(metric.value)?)))
                            .collect(),
                    )),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn lookup_git(&self, path: &[String]) -> Option<Value> {
        let git = self.around.git;
        let text = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
        match path {
            [] => Some(serde_json::json!({
                "commit": git.commit, "branch": git.branch, "tag": git.tag, "dirty": git.dirty,
            })),
            [name] => match name.as_str() {
                "commit" => Some(text(&git.commit)),
                "branch" => Some(text(&git.branch)),
                "tag" => Some(text(&git.tag)),
                "dirty" => Some(Value::from(git.dirty)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Scope for StepScope<'_> {
    fn lookup(&self, path: &[String]) -> Option<Value> {
        let (root, rest) = path.split_first()?;
        match root.as_str() {
            "params" => walk_map(&self.around.plan.params, rest),
            "matrix" => walk_map(&self.step?.matrix, rest),
            "env" => match rest {
                [name] => self.env.get(name).map(|value| Value::from(value.as_str())),
                _ => None,
            },
            "event" => walk(self.around.event, rest).cloned(),
            "git" => self.lookup_git(rest),
            "steps" => self.lookup_step(rest),
            _ => None,
        }
    }

    fn status(&self) -> Status {
        self.status
    }

    fn is_cancelled(&self) -> bool {
        self.around.is_cancelled
    }
}

fn finite(value: f64) -> Option<Value> {
    serde_json::Number::from_f64(value).map(Value::Number)
}

fn walk_map(map: &IndexMap<String, Value>, path: &[String]) -> Option<Value> {
    match path.split_first() {
        Some((key, rest)) => walk(map.get(key)?, rest).cloned(),
        None => Some(Value::Object(map.iter().map(|(key, value)| (key.clone(), value.clone())).collect())),
    }
}

fn walk<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}
