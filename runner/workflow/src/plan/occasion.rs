//! When a workflow runs (`on:`), and whom it tells (`report:`).

use serde::Serialize;

/// One event that starts a workflow, with what must be true of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trigger {
    /// GitHub's name of the event, such as `pull_request`.
    pub event: String,
    /// Branches: of a pull request the one it goes into.
    pub branches: Patterns,
    /// Tags.
    pub tags: Patterns,
    /// Paths of changed files.
    pub paths: Patterns,
    /// Kinds of activity, such as `opened`; empty for GitHub's default.
    pub types: Vec<String>,
    /// Names of workflows of GitHub, for `workflow_run`; empty for any.
    pub workflows: Vec<String>,
}

/// Globs that let something through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub enum Patterns {
    /// Everything.
    #[default]
    Any,
    /// What the last matching pattern does not exclude with `!`.
    Only(Vec<String>),
    /// What no pattern matches.
    Except(Vec<String>),
}

/// `report:`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// A comment on the pull request.
    pub comment: Option<Comment>,
    /// A check run on the commit.
    pub check: bool,
    /// The summary of the job; on unless it is switched off.
    pub summary: Option<bool>,
}

/// `report.comment`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// How.
    pub mode: CommentMode,
    /// When.
    pub on: CommentOn,
}

/// `report.comment.mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum CommentMode {
    /// One comment that is edited.
    #[default]
    Sticky,
    /// A new one for each run.
    New,
}

/// `report.comment.on`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum CommentOn {
    /// After every run.
    #[default]
    Always,
    /// Where the verdict or a judged number is another than last time, or there was no last time and it did not pass.
    Change,
    /// Where it did not pass, or did not pass last time.
    Failure,
}
