//! The policy of the base: what another revision of a workflow asks for, and what this one takes away from it.
//!
//! A change under review must not weaken the rules it is reviewed by. So the plan of the base is compared with that of
//! the head; gates that were loosened or removed are judged all the same, new capabilities are not granted, and the run
//! is withheld until somebody approves the digest of exactly these changes.

mod change;
mod compare;
mod contents;
mod enforce;
mod grants;

use runner_store::Digest;
use serde::{Deserialize, Serialize};

pub use self::{
    change::{ChangeKind, PolicyChange},
    compare::compare,
    contents::{Content, Contents, Named, named},
    enforce::enforce,
};
use crate::event::RunResult;

/// The policy of the base and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyReport {
    /// What it was compared with.
    pub base: PolicyBase,
    /// All differences; those that need an approval first.
    pub changes: Vec<PolicyChange>,
    /// Digest of the changes that need an approval, `sha256:…`; none where none does.
    pub digest: Option<String>,
    /// Who agreed with them.
    pub approval: Option<Approval>,
}

/// What a policy was compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PolicyBase {
    /// Nothing: the run answers no change under review.
    #[default]
    None,
    /// The workflow of this commit.
    Commit(String),
    /// This commit has no such workflow: there is nothing that could be loosened.
    NewWorkflow(String),
    /// This commit has the workflow in another file.
    Moved {
        /// The commit.
        commit: String,
        /// The file, from the workspace.
        path: String,
    },
    /// The workflow of this commit cannot be read.
    Unreadable {
        /// The commit.
        commit: String,
        /// Why.
        why: String,
    },
}

/// Somebody agreed with something, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// What was approved: `sha256:…`.
    pub digest: String,
    /// Who.
    pub by: String,
    /// When, UTC.
    pub at: jiff::Timestamp,
    /// Until when it counts, UTC.
    pub until: jiff::Timestamp,
    /// Where it was said, such as the address of a comment.
    pub said_at: Option<String>,
}

impl PolicyReport {
    /// Of the differences between two plans.
    #[must_use]
    pub fn new(base: PolicyBase, mut changes: Vec<PolicyChange>) -> Self {
        changes.sort_by_key(|change| change.kind);
        let mut report = Self { base, changes, digest: None, approval: None };
        let needed: Vec<&PolicyChange> = report.needing_approval().collect();
        if !needed.is_empty() {
            let json = serde_json::to_vec(&needed).unwrap_or_default();
            report.digest = Some(Digest::of_bytes(&json).to_string());
        }
        report
    }

    /// The differences somebody has to agree with.
    pub fn needing_approval(&self) -> impl Iterator<Item = &PolicyChange> {
        self.changes.iter().filter(|change| change.kind.withholds().is_some())
    }

    /// Whether somebody still has to.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.digest.is_some() && self.approval.is_none()
    }

    /// Why a run must not pass, for [`RunOptions::withheld`](crate::RunOptions::withheld).
    #[must_use]
    pub fn withheld(&self) -> Vec<Withheld> {
        if !self.waits() {
            return Vec::new();
        }
        let digest = self.digest.as_deref().unwrap_or_default();
        let say = |change: &PolicyChange| {
            let result = change.kind.withholds()?;
            let place = &change.place;
            let reason = format!("{} ({place}), which nobody approved: {digest}", change.kind.words());
            Some(Withheld { result, code: "policy::unapproved".to_owned(), reason })
        };
        self.changes.iter().filter_map(say).collect()
    }
}

/// Why a run ends without passing whatever its gates say, and promotes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// How it ends at best.
    pub result: RunResult,
    /// Stable code.
    pub code: String,
    /// In one line.
    pub reason: String,
}
