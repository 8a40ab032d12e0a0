//! The policy of the base: what another revision of a workflow asks for, and what this one takes away from it.
//!
//! A change under review must not weaken the rules it is reviewed by. So the plan of the base is compared with that of
//! the head; gates that were loosened or removed are judged all the same, new capabilities are not granted, and the run
//! is withheld until somebody approves the digest of exactly these changes.

mod compare;

use runner_gate::policy::GateChangeKind;
use runner_store::Digest;
use runner_workflow::plan::{Allow, Plan, PlannedGate};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::compare::{PluginDigests, compare};
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
    /// The workflow of this commit cannot be read.
    Unreadable {
        /// The commit.
        commit: String,
        /// Why.
        why: String,
    },
}

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
            Self::Base => "base cannot be read",
            Self::GateTightened => "gate tightened",
            Self::GateAdded => "gate added",
        }
    }
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

/// Has the head judged by what the base asks for: adds its gates that were loosened or removed, and takes away what it
/// did not grant.
pub fn enforce(head: &mut Plan, base: &Plan) {
    let (old, new) = (compare::policy_gates(base), compare::policy_gates(head));
    for change in runner_gate::policy::compare_policy(&old.gates, &new.gates) {
        let Some(index) = change.base.filter(|_| change.loosens()) else { continue };
        let gate = named_after_base(&old.planned[index]);
        let stage = head.stages.iter().position(|stage| stage.name == change.stage);
        // A gate whose stage is gone is judged at the end, where it misses its metric and says so.
        if let Some(stage) = stage.or(head.stages.len().checked_sub(1)) {
            head.stages[stage].gates.push(gate);
        }
    }
    let (own, theirs) = (&mut head.gate_defaults, &base.gate_defaults);
    own.min_samples = own.min_samples.max(theirs.min_samples);
    own.confidence = match (own.confidence, theirs.confidence) {
        (Some(own), Some(theirs)) => Some(own.max(theirs)),
        (own, theirs) => own.or(theirs),
    };
    for step in &mut head.steps {
        let old = base.steps.iter().find(|old| old.id.name == step.id.name);
        take_away(&mut step.allow, old.map(|old| &old.allow));
    }
    for stage in &mut head.stages {
        let old = base.stages.iter().find(|old| old.name == stage.name);
        for service in &mut stage.services {
            let old = old.and_then(|old| old.services.iter().find(|old| old.name == service.name));
            take_away(&mut service.allow, old.map(|old| &old.allow));
        }
    }
}

/// Leaves what was granted before.
fn take_away(allow: &mut Allow, before: Option<&Allow>) {
    let nothing = Allow::default();
    let before = before.unwrap_or(&nothing);
    allow.net.retain(|origin| before.net.contains(origin));
    allow.read.retain(|path| before.read.contains(path));
    allow.env.retain(|name| before.env.contains(name));
    allow.clock &= before.clock;
    allow.random &= before.random;
    allow.capabilities.retain(|name| before.capabilities.contains(name));
    allow.write_root &= before.write_root;
}

/// The gate of the base with an id that says so, where it has one: the head has another gate of that id.
fn named_after_base(gate: &PlannedGate) -> PlannedGate {
    let mut gate = PlannedGate { line_number: 0, span: 0..0, ..gate.clone() };
    let renamed = |id: &str| format!("base.{id}");
    if let Some(line) = &mut gate.line
        && let Ok(mut read) = runner_gate::grammar::parse(line)
        && let Some(id) = &read.id
    {
        read.id = Some(renamed(id));
        *line = read.to_string();
    }
    if let Some(Value::Object(mapping)) = &mut gate.mapping
        && let Some(Value::String(id)) = mapping.get_mut("id")
    {
        *id = renamed(id);
    }
    gate
}

/// A change of a gate as one of the policy.
fn gate_change(change: runner_gate::policy::GateChange) -> PolicyChange {
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
    PolicyChange { kind, place: change.stage, before, after, how }
}
