//! One difference of policy, and what follows from it.

use runner_gate::policy::{GateChange, GateChangeKind};
use serde::{Deserialize, Serialize};

use crate::event::RunResult;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// What kind of thing changed.
    pub kind: ChangeKind,
    /// Where: a stage, a step, a key.
    pub place: String,
    /// In the base.
    pub before: Option<String>,
    /// In the head.
    pub after: Option<String>,
    /// In which way, in words.
    pub how: Vec<String>,
}

/// Kinds of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A step is granted something more.
    Capability,
    /// A secret is new, or goes elsewhere.
    Secret,
    /// A step uses another plugin, or other bytes of it.
    Plugin,
    /// A step uses another image.
    Image,
    /// A gate is gone.
    GateRemoved,
    /// A gate cannot be shown to be as strict as before.
    GateLoosened,
    /// A gate is waived.
    Waiver,
    /// When a stage with gates runs, or what has to come before a promotion.
    Order,
    /// What is promoted, and to where.
    Promotion,
    /// What candidates are compared with.
    Baseline,
    /// What a metric means.
    Metric,
    /// What is measured: data, or cells of a matrix that are gone.
    Measured,
    /// What the workflow tolerates, and who may approve.
    Tolerance,
    /// A workflow with gates or a promotion is gone, and nothing stands for it.
    WorkflowRemoved,
    /// The base cannot be read.
    Base,
    /// A gate is stricter.
    GateTightened,
    /// A gate is new.
    GateAdded,
}

impl ChangeKind {
    /// How a run ends that nobody approved; none where nobody has to.
    #[must_use]
    pub fn withholds(self) -> Option<RunResult> {
        match self {
            Self::Capability | Self::Secret | Self::Plugin | Self::Image => Some(RunResult::Denied),
            Self::GateRemoved
            | Self::GateLoosened
            | Self::Waiver
            | Self::Order
            | Self::Promotion
            | Self::Baseline
            | Self::Metric
            | Self::Measured
            | Self::Tolerance
            | Self::WorkflowRemoved
            | Self::Base => Some(RunResult::Held),
            Self::GateTightened | Self::GateAdded => None,
        }
    }

    /// In words, as the start of a line.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Capability => "new capability",
            Self::Secret => "secret changed",
            Self::Plugin => "plugin changed",
            Self::Image => "image changed",
            Self::GateRemoved => "gate removed",
            Self::GateLoosened => "gate loosened",
            Self::Waiver => "gate waived",
            Self::Order => "order of gates changed",
            Self::Promotion => "promotion changed",
            Self::Baseline => "baseline changed",
            Self::Metric => "metric changed",
            Self::Measured => "what is measured changed",
            Self::Tolerance => "policy changed",
            Self::WorkflowRemoved => "workflow removed",
            Self::Base => "base cannot be read",
            Self::GateTightened => "gate tightened",
            Self::GateAdded => "gate added",
        }
    }
}

impl PolicyChange {
    /// Something at a place that was one thing and is another now.
    pub(super) fn new(kind: ChangeKind, place: &str, before: Option<String>, after: Option<String>) -> Self {
        Self { kind, place: place.to_owned(), before, after, how: Vec::new() }
    }
}

impl From<GateChange> for PolicyChange {
    fn from(change: GateChange) -> Self {
        let (kind, before, after, how) = match change.kind {
            GateChangeKind::Removed { base } => (ChangeKind::GateRemoved, Some(base), None, Vec::new()),
            GateChangeKind::Loosened { base, head, how } => {
                (ChangeKind::GateLoosened, Some(base), Some(head), how)
            }
            GateChangeKind::Tightened { base, head } => {
                (ChangeKind::GateTightened, Some(base), Some(head), Vec::new())
            }
            GateChangeKind::Added { head } => (ChangeKind::GateAdded, None, Some(head), Vec::new()),
        };
        Self { kind, place: change.stage, before, after, how }
    }
}
