//! What started a run: the event, and what it says about the checkout.

use std::path::{Path, PathBuf};

use runner_engine::GitState;
use runner_github::{
    event::Event,
    filter::{Selection, select},
};
use runner_workflow::plan::Plan;
use serde_json::Value;

use super::{changed, variables::Variables};
use crate::{failure::Failure, workflow_file};

/// What started a run.
#[derive(Debug)]
pub(crate) struct Started {
    /// The variables of the job.
    pub(crate) variables: Variables,
    /// The payload, with its `name`, for `event.*`.
    pub(crate) payload: Value,
    /// The event, where there is one.
    pub(crate) event: Option<Event>,
}

impl Started {
    /// From `--event`, `--event-name`, or the variables of a job.
    pub(crate) fn read(event: Option<&Path>, name: Option<&str>) -> Result<Self, Failure> {
        let variables = Variables::read();
        let of_job = variables.in_actions.then(|| variables.event_path.clone()).flatten();
        let path: Option<PathBuf> = event.map(Path::to_path_buf).or(of_job);
        let mut payload = workflow_file::read_event(path.as_deref())?;
        let name = match name {
            Some(name) => Some(name.to_owned()),
            // A file that was named does not have to be that of the job.
            None if event.is_some() => Event::guess(&payload)
                .map(str::to_owned)
                .or_else(|| payload.get("name").and_then(Value::as_str).map(str::to_owned)),
            None if variables.in_actions => variables.event_name.clone(),
            None => None,
        };
        let Some(name) = name else { return Ok(Self { variables, payload, event: None }) };
        let event = match Event::parse(&name, &payload) {
            Ok(event) => event,
            // By hand one may give any part of a payload: expressions see it, and nothing is reported.
            Err(_) if event.is_some() && !variables.in_actions => Event::Other(name.clone()),
            Err(error) => return Err(Failure::usage("github::event", error.to_string())),
        };
        if let Value::Object(payload) = &mut payload {
            payload.entry("name").or_insert(Value::String(name));
        }
        Ok(Self { variables, payload, event: Some(event) })
    }

    /// Whether `on:` lets the event through.
    pub(crate) fn select(&self, plan: &Plan, workspace: &Path) -> Selection {
        match &self.event {
            Some(event) => {
                select(plan.triggers.as_deref(), event, || changed::files(workspace, event, &self.variables))
            }
            None => Selection::Runs { notice: None },
        }
    }

    /// A job has a commit checked out and not a branch; the variables know which branch it is about.
    pub(crate) fn complete(&self, git: &mut GitState) {
        if !self.variables.in_actions {
            return;
        }
        let variables = &self.variables;
        git.commit = git.commit.take().or_else(|| variables.sha.clone());
        if git.branch.is_none() && !variables.is_tag {
            git.branch = variables.head_ref.clone().or_else(|| variables.ref_name.clone());
        }
        if git.tag.is_none() && variables.is_tag {
            git.tag.clone_from(&variables.ref_name);
        }
    }

    /// The commit that is judged.
    pub(crate) fn head_sha(&self, git: &GitState) -> Option<String> {
        let of_event = self.event.as_ref().and_then(|event| event.head_sha().map(str::to_owned));
        of_event.or_else(|| git.commit.clone())
    }

    /// The commit to compare with: the base of a pull request, or what was there before a push.
    pub(crate) fn compared_with(&self) -> Option<String> {
        let event = self.event.as_ref()?;
        let before = match event {
            Event::Push(push) => {
                Some(push.before.as_str()).filter(|sha| sha.bytes().any(|byte| byte != b'0'))
            }
            _ => None,
        };
        event.base_sha().or(before).map(str::to_owned)
    }
}
