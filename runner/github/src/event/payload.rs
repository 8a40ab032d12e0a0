//! The parts of payloads that are used. Unknown keys are GitHub's to add.

use serde::Deserialize;

/// `pull_request`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PullRequestEvent {
    /// `opened`, `synchronize`, `reopened` …
    pub action: String,
    /// The pull request.
    pub pull_request: PullRequest,
    /// Where it goes.
    pub repository: Repository,
}

/// A pull request, in an event or from the API.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// `open` or `closed`.
    #[serde(default)]
    pub state: Option<String>,
    /// Who opened it; none where the account is gone.
    pub user: Option<User>,
    /// What it brings.
    pub head: Head,
    /// What it goes into.
    pub base: Base,
}

/// Where the commits of a pull request come from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Head {
    /// Branch.
    #[serde(rename = "ref")]
    pub branch: String,
    /// Commit.
    pub sha: String,
    /// Its repository; none where the fork is gone.
    pub repo: Option<Repository>,
}

/// Where the commits of a pull request go.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Base {
    /// Branch.
    #[serde(rename = "ref")]
    pub branch: String,
    /// Commit.
    pub sha: String,
    /// Its repository.
    pub repo: Option<Repository>,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Repository {
    /// Its number.
    pub id: u64,
    /// `OWNER/NAME`; not in the short form that `workflow_run` gives.
    #[serde(default)]
    pub full_name: Option<String>,
    /// Its owner; not in that short form.
    #[serde(default)]
    pub owner: Option<User>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its name; an organisation of a push has none here.
    #[serde(default)]
    pub login: String,
    /// Its number.
    #[serde(default)]
    pub id: u64,
    /// `User`, `Bot`, `Organization`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// `push`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PushEvent {
    /// `refs/heads/main`, `refs/tags/v1`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Commit before; zeros for a new branch.
    pub before: String,
    /// Commit after; zeros for a deleted branch.
    pub after: String,
    /// Whether the branch was deleted.
    #[serde(default)]
    pub deleted: bool,
}

/// `merge_group`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MergeGroupEvent {
    /// `checks_requested` or `destroyed`.
    pub action: String,
    /// The group.
    pub merge_group: MergeGroup,
}

/// What a merge queue would merge.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MergeGroup {
    /// The commit to check.
    pub head_sha: String,
    /// `refs/heads/gh-readonly-queue/main/pr-1-…`.
    pub head_ref: String,
    /// The commit it was made on.
    pub base_sha: String,
    /// `refs/heads/main`.
    pub base_ref: String,
}

/// `schedule`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ScheduleEvent {
    /// The cron line that fired.
    pub schedule: String,
}

/// `workflow_dispatch`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WorkflowDispatchEvent {
    /// `refs/heads/main`.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// `issue_comment`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct IssueCommentEvent {
    /// `created`, `edited`, `deleted`.
    pub action: String,
    /// What was commented on.
    pub issue: Issue,
    /// The comment.
    pub comment: Comment,
}

/// An issue or a pull request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Who opened it.
    pub user: Option<User>,
    /// Only a pull request has it.
    #[serde(default)]
    pub pull_request: Option<serde_json::Value>,
}

/// A comment, in an event or from the API.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Its text.
    #[serde(default)]
    pub body: Option<String>,
    /// Who wrote it.
    pub user: Option<User>,
    /// When, RFC 3339.
    pub created_at: jiff::Timestamp,
    /// When it was last changed.
    pub updated_at: jiff::Timestamp,
    /// The App that wrote it, if one did.
    #[serde(default)]
    pub performed_via_github_app: Option<App>,
    /// Its page.
    #[serde(default)]
    pub html_url: Option<String>,
}

/// A GitHub App.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct App {
    /// Its number.
    pub id: u64,
    /// The name in its address.
    #[serde(default)]
    pub slug: Option<String>,
}

/// `workflow_run`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WorkflowRunEvent {
    /// `requested`, `in_progress`, `completed`.
    pub action: String,
    /// The run.
    pub workflow_run: WorkflowRun,
    /// Where this event belongs.
    pub repository: Repository,
}

/// A run of a workflow of GitHub.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WorkflowRun {
    /// Its number.
    pub id: u64,
    /// Name of the workflow.
    #[serde(default)]
    pub name: Option<String>,
    /// The event that started it.
    pub event: String,
    /// `success`, `failure`, …; none before it ended.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// Its commit; of a pull request the head.
    pub head_sha: String,
    /// Its branch.
    #[serde(default)]
    pub head_branch: Option<String>,
    /// Where the branch lives.
    #[serde(default)]
    pub head_repository: Option<Repository>,
    /// Pull requests of this repository with that head; empty for those of forks.
    #[serde(default)]
    pub pull_requests: Vec<PullRequestRef>,
    /// Its page.
    #[serde(default)]
    pub html_url: Option<String>,
}

/// A pull request as `workflow_run` names it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PullRequestRef {
    /// Its number.
    pub number: u64,
    /// What it brings.
    pub head: Head,
}
