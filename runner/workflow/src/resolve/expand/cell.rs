//! A step in one cell of its matrix, as it stands in the plan.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;

use super::{Expander, shared::Shared};
use crate::{
    diagnostic::Diagnostic,
    expr::{Expr, Part, Template},
    plan::{Action, ConfigTemplate, Output, PlannedStep, Script, Source, StepId},
    resolve::{action, configuration, names, path, reference::Choice},
};

impl<'d> Expander<'_, 'd, '_> {
    pub(super) fn cell(
        &mut self,
        index: usize,
        cell: usize,
        shared: &Shared<'d>,
        inputs: IndexMap<String, Source>,
    ) -> PlannedStep {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        let values = &stage.cells[cell];
        let localise = |expr: &Expr| {
            if names::asks(expr) {
                names::localise(expr, self.outline, step.stage, cell)
            } else {
                expr.clone()
            }
        };
        let localise_template = |template: &Template| Template {
            parts: template
                .parts
                .iter()
                .map(
                    |part| {
                        if let Part::Expr(expr) = part { Part::Expr(localise(expr)) } else { part.clone() }
                    },
                )
                .collect(),
        };
        let env =
            shared.env.iter().map(|(name, value)| ((*name).to_owned(), localise_template(value))).collect();
        let with = step.document.with.as_ref().map_or_else(
            || ConfigTemplate::Map(IndexMap::new()),
            |with| configuration::map(&with.value.template, &localise_template),
        );
        let script = shared.script.as_ref().map(|script| Script {
            text: script.text.clone(),
            variables: script.variables.iter().map(|(name, expr)| (name.clone(), localise(expr))).collect(),
            shell: script.shell.clone(),
        });
        let condition = step.document.condition.as_ref().map(|condition| localise(&condition.value.0));
        self.configurations.check(step, &with, values, self.context);
        let action = self.action(index, cell, script);
        let outputs = self.outputs(index, cell);
        let mut after = BTreeSet::new();
        for source in inputs.values() {
            match source {
                Source::Output(output) => {
                    after.insert(output.step);
                }
                Source::AllCells(cells) => after.extend(cells.iter().map(|output| output.step)),
                Source::Data(_) | Source::Baseline(_) | Source::Path(_) => {}
            }
        }
        for asked in shared.asked.iter().chain(&shared.needs) {
            let first = self.outline.steps[asked.step].first;
            match asked.choice {
                Choice::Same => {
                    after.insert(first + cell);
                }
                Choice::One(cell) => {
                    after.insert(first + cell);
                }
                Choice::All => {
                    let cells = self.outline.stages[self.outline.steps[asked.step].stage].cells.len();
                    after.extend(first..first + cells);
                }
            }
        }
        let seed = self.seed(index, cell);
        PlannedStep {
            id: StepId { name: step.name.clone(), cell: values.id.clone() },
            stage: step.stage,
            action,
            with,
            inputs,
            outputs,
            env,
            after: after.into_iter().collect(),
            condition,
            retry: shared.retry.clone(),
            timeout: shared.timeout,
            limits: shared.limits.clone(),
            allow: shared.allow.clone(),
            resources: shared.resources.clone(),
            seed,
            matrix: values.values.clone(),
            params_used: shared.params.iter().cloned().collect(),
            span: step.span.clone(),
            line_number: self.context.line_of(step.span.start),
        }
    }

    fn action(&mut self, index: usize, cell: usize, script: Option<Script>) -> Action {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        match &step.action {
            Some(action::Form::Plugin { uses }) => Action::Plugin { uses: uses.value.clone() },
            Some(action::Form::Container(form)) => {
                let container = form.plan(&stage.cells[cell], stage.keys(), self.context);
                Action::Container { container: Box::new(container), run: script }
            }
            Some(action::Form::Process) | None => Action::Process {
                run: script.unwrap_or(Script { text: String::new(), variables: Vec::new(), shell: None }),
            },
        }
    }

    fn outputs(&mut self, index: usize, cell: usize) -> IndexMap<String, Output> {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        let mut outputs: IndexMap<String, Output> = IndexMap::new();
        let mut paths = HashMap::new();
        for (name, output) in step.outputs.iter().filter(|(_, output)| output.always) {
            let mut path = output.default_path.clone();
            if let Some((template, span)) = &output.path {
                let reason = "the place of an output is known before the run";
                let Some(text) = self.context.static_text(template, &stage.cells[cell], stage.keys(), reason)
                else {
                    continue;
                };
                if let Err(message) = path::check(&text) {
                    let problem = Diagnostic::error("output::path", span.clone(), message);
                    self.context.problems.push(problem.help("an output lies below the step's own folder"));
                }
                path = text;
            }
            let path = path::normal(&path);
            if let Some(other) = paths.insert(path.clone(), name) {
                let span = output.path.as_ref().map_or_else(|| step.span.clone(), |(_, span)| span.clone());
                let message = format!("the outputs `{other}` and `{name}` have the same path `{path}`");
                self.context.problems.push(Diagnostic::error("output::same-path", span, message));
            }
            outputs.insert(name.clone(), Output { path, kind: output.kind });
        }
        outputs
    }

    /// `seed:` of the step, the matrix value `seed`, `defaults.seed`, or 0.
    fn seed(&mut self, index: usize, cell: usize) -> u64 {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        let values = &stage.cells[cell];
        if let Some(seed) = &step.document.seed {
            let reason = "the seed is known before the run";
            let text = self.context.static_text(&seed.value.0, values, stage.keys(), reason);
            let Some(text) = text else { return 0 };
            return text.parse().unwrap_or_else(|_| {
                let message = format!("expected a whole number of 0 or more, found `{text}`");
                self.context.problems.push(Diagnostic::error("workflow::type", seed.span.clone(), message));
                0
            });
        }
        let default = self.document.defaults.as_ref().and_then(|defaults| defaults.seed.as_ref());
        values
            .values
            .get("seed")
            .and_then(serde_json::Value::as_u64)
            .or_else(|| default.map(|seed| seed.value))
            .unwrap_or(0)
    }
}
