//! What the double knows: seeded by a test, changed by calls, looked at by the test.

use std::collections::BTreeMap;

use serde_json::Value;

use super::identity::Identity;

/// A call that arrived, with what was answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query without its question mark.
    pub query: String,
    /// Body as JSON; null if there was none.
    pub body: Value,
    /// The answer's status.
    pub status: u16,
}

/// A comment on a pull request.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Number of the pull request or issue.
    pub issue: u64,
    /// Text as it was sent.
    pub body: String,
    /// Who wrote it.
    pub author: Identity,
    /// When, in RFC 3339.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// One annotation of a check run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// File in the repository.
    pub path: String,
    /// First line, from 1.
    pub start_line: u64,
    /// Last line.
    pub end_line: u64,
    /// `notice`, `warning` or `failure`.
    pub level: String,
    /// Heading.
    pub title: String,
    /// Text.
    pub message: String,
}

/// A check run.
#[derive(Debug, Clone)]
pub struct CheckRun {
    /// Its number.
    pub id: u64,
    /// Commit.
    pub head_sha: String,
    /// Name, as branch protection knows it.
    pub name: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// Set once it is completed.
    pub conclusion: Option<String>,
    /// The creator's own reference.
    pub external_id: Option<String>,
    /// Where its details are.
    pub details_url: Option<String>,
    /// Title of the output.
    pub title: Option<String>,
    /// Summary of the output (Markdown).
    pub summary: Option<String>,
    /// Text of the output (Markdown).
    pub text: Option<String>,
    /// All annotations, over all requests.
    pub annotations: Vec<Annotation>,
    /// The App that made it.
    pub app: (String, u64),
}

/// A commit status.
#[derive(Debug, Clone)]
pub struct CommitStatus {
    /// Its number.
    pub id: u64,
    /// Commit.
    pub sha: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// What tells it from others.
    pub context: String,
    /// One line.
    pub description: Option<String>,
    /// Where to read more.
    pub target_url: Option<String>,
    /// Who set it.
    pub creator: Identity,
}

/// One status of a deployment.
#[derive(Debug, Clone)]
pub struct DeploymentStatus {
    /// Its number.
    pub id: u64,
    /// `in_progress`, `success`, `failure`, …
    pub state: String,
    /// One line.
    pub description: String,
}

/// A deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    /// What is deployed.
    pub reference: String,
    /// The commit behind it.
    pub sha: String,
    /// Where to.
    pub environment: String,
    /// One line.
    pub description: Option<String>,
    /// The creator's own data.
    pub payload: Value,
    /// Who made it.
    pub creator: Identity,
    /// Its statuses, oldest first.
    pub statuses: Vec<DeploymentStatus>,
}

/// A pull request.
#[derive(Debug, Clone)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Login of the author.
    pub author: String,
    /// `open` or `closed`.
    pub state: String,
    /// Name of the head branch.
    pub head_ref: String,
    /// Commit of the head.
    pub head_sha: String,
    /// Owner and name of the repository the head is in: another one for a fork.
    pub head_repository: String,
    /// Name of the base branch.
    pub base_ref: String,
    /// Commit of the base.
    pub base_sha: String,
    /// Changed files.
    pub files: Vec<String>,
}

/// Everything of the one repository.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Owner and name.
    pub(super) repository: String,
    /// Address that links in answers start with.
    pub(super) public_url: String,
    pub(super) tokens: BTreeMap<String, Identity>,
    /// Number of the App that may ask for installation tokens, with what those are.
    pub(super) installation: Option<Identity>,
    /// Access of people to the repository: `read`, `write`, `admin`, …
    pub(super) people: BTreeMap<String, String>,
    /// Members of teams, as `org/team`.
    pub(super) teams: BTreeMap<String, Vec<String>>,
    pub(super) commits: Vec<String>,
    pub(super) branches: BTreeMap<String, String>,
    pub(super) pulls: Vec<PullRequest>,
    pub(super) comments: Vec<Comment>,
    pub(super) check_runs: Vec<CheckRun>,
    pub(super) statuses: Vec<CommitStatus>,
    pub(super) deployments: Vec<Deployment>,
    pub(super) calls: Vec<Call>,
    /// Releases as path → content.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) last_id: u64,
}

impl State {
    /// A number that nothing has yet.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        1_000 + self.last_id
    }
}
