//! The event that started a run, from the payload that GitHub describes it with.
//!
//! Only what is used is read, and read as what it is: a payload in which it is missing or of another kind is an error
//! that names the key. Fields are those of GitHub's "Webhook events and payloads".

mod payload;
#[cfg(test)]
pub(crate) mod tests;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use payload::{
    App, Base, Comment, Head, Issue, IssueCommentEvent, MergeGroup, MergeGroupEvent, PullRequest,
    PullRequestEvent, PullRequestRef, PushEvent, Repository, ScheduleEvent, User, WorkflowDispatchEvent,
    WorkflowRun, WorkflowRunEvent,
};

/// An event with what is used of its payload.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A pull request was opened, pushed to, labelled …
    PullRequest(Box<PullRequestEvent>),
    /// Commits or a tag were pushed.
    Push(Box<PushEvent>),
    /// A merge queue asks for checks.
    MergeGroup(Box<MergeGroupEvent>),
    /// A schedule fired.
    Schedule(ScheduleEvent),
    /// Somebody started it by hand.
    WorkflowDispatch(WorkflowDispatchEvent),
    /// Somebody commented on an issue or a pull request.
    IssueComment(Box<IssueCommentEvent>),
    /// A workflow of GitHub was requested or ended.
    WorkflowRun(Box<WorkflowRunEvent>),
    /// Any other event.
    Other(String),
}

/// A payload that does not hold what its event promises.
#[derive(Debug, thiserror::Error)]
#[error("the payload is not one of `{event}`: {why}")]
pub struct EventError {
    /// Name of the event.
    pub event: String,
    /// What is wrong with it.
    pub why: String,
}

impl Event {
    /// Read the payload of an event by GitHub's name of it.
    pub fn parse(name: &str, payload: &Value) -> Result<Self, EventError> {
        Ok(match name {
            // The payload is the same; what differs is whose workflow file runs and which secrets it has.
            "pull_request" | "pull_request_target" => Self::PullRequest(read(name, payload)?),
            "push" => Self::Push(read(name, payload)?),
            "merge_group" => Self::MergeGroup(read(name, payload)?),
            "schedule" => Self::Schedule(read(name, payload)?),
            "workflow_dispatch" => Self::WorkflowDispatch(read(name, payload)?),
            "issue_comment" => Self::IssueComment(read(name, payload)?),
            "workflow_run" => Self::WorkflowRun(read(name, payload)?),
            other => Self::Other(other.to_owned()),
        })
    }

    /// The name that a payload's shape points to, for a payload that comes without one.
    pub fn guess(payload: &Value) -> Option<&'static str> {
        let has = |key: &str| payload.get(key).is_some_and(|value| !value.is_null());
        match () {
            () if has("pull_request") && !has("review") => Some("pull_request"),
            () if has("workflow_run") => Some("workflow_run"),
            () if has("merge_group") => Some("merge_group"),
            () if has("comment") && has("issue") => Some("issue_comment"),
            () if has("ref") && has("after") => Some("push"),
            () if has("schedule") => Some("schedule"),
            () if has("inputs") && has("workflow") => Some("workflow_dispatch"),
            () => None,
        }
    }

    /// GitHub's name of it.
    pub fn name(&self) -> &str {
        match self {
            Self::PullRequest(_) => "pull_request",
            Self::Push(_) => "push",
            Self::MergeGroup(_) => "merge_group",
            Self::Schedule(_) => "schedule",
            Self::WorkflowDispatch(_) => "workflow_dispatch",
            Self::IssueComment(_) => "issue_comment",
            Self::WorkflowRun(_) => "workflow_run",
            Self::Other(name) => name,
        }
    }

    /// Kind of activity, such as `opened`.
    pub fn action(&self) -> Option<&str> {
        match self {
            Self::PullRequest(event) => Some(&event.action),
            Self::MergeGroup(event) => Some(&event.action),
            Self::IssueComment(event) => Some(&event.action),
            Self::WorkflowRun(event) => Some(&event.action),
            Self::Push(_) | Self::Schedule(_) | Self::WorkflowDispatch(_) | Self::Other(_) => None,
        }
    }

    /// The commit that is judged: of a pull request its head, not the merge that GitHub makes for the run. None where it is
    /// whatever is checked out.
    pub fn head_sha(&self) -> Option<&str> {
        match self {
            Self::PullRequest(event) => Some(&event.pull_request.head.sha),
            Self::Push(event) => Some(&event.after),
            Self::MergeGroup(event) => Some(&event.merge_group.head_sha),
            // A job on `workflow_run` has the default branch checked out, not what that workflow ran on.
            Self::WorkflowRun(_)
            | Self::Schedule(_)
            | Self::WorkflowDispatch(_)
            | Self::IssueComment(_)
            | Self::Other(_) => None,
        }
    }

    /// The commit whose policy counts.
    pub fn base_sha(&self) -> Option<&str> {
        match self {
            Self::PullRequest(event) => Some(&event.pull_request.base.sha),
            Self::MergeGroup(event) => Some(&event.merge_group.base_sha),
            _ => None,
        }
    }

    /// Number of the pull request that a report belongs to.
    pub fn pull_request(&self) -> Option<u64> {
        match self {
            Self::PullRequest(event) => Some(event.pull_request.number),
            _ => None,
        }
    }

    /// Whether it comes from another repository than it goes to: such a run has a read-only token and no secrets.
    pub fn is_from_fork(&self) -> bool {
        match self {
            Self::PullRequest(event) => {
                let pull = &event.pull_request;
                pull.head
                    .repo
                    .as_ref()
                    .is_none_or(|head| Some(head.id) != pull.base.repo.as_ref().map(|base| base.id))
            }
            _ => false,
        }
    }
}

fn read<T: DeserializeOwned>(event: &str, payload: &Value) -> Result<T, EventError> {
    serde_json::from_value(payload.clone())
        .map_err(|error| EventError { event: event.to_owned(), why: error.to_string() })
}
