//! What candidates are compared with: found before the run starts, scored again with the steps that score the candidate.

mod find;
mod rescore;
mod resolve;
mod stored;

use std::{collections::HashMap, fmt};

use runner_gate::grammar::{Bound, Gate, Reference, Test};
use runner_workflow::plan::{Plan, StepIndex};
use serde::{Deserialize, Serialize};

use crate::{refusal::read_gate, staging::Published};

pub(crate) use resolve::resolve;
pub use stored::StoredMeasurements;

/// Which reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The model in service.
    Baseline,
    /// A slower second reference.
    Anchor,
    /// The run before.
    Previous,
}

impl Role {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Baseline, Self::Anchor, Self::Previous];

    /// The word of the gate grammar.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Anchor => "anchor",
            Self::Previous => "previous",
        }
    }

    /// The role behind `baseline.NAME` of an input: `model` is the baseline's.
    pub(crate) fn of_input(name: &str) -> Option<Self> {
        match name {
            "model" => Some(Self::Baseline),
            _ => Self::ALL.into_iter().find(|role| role.word() == name),
        }
    }

    /// The reverse.
    pub(crate) fn input(self) -> &'static str {
        match self {
            Self::Baseline => "model",
            other => other.word(),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What became of one reference when it was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRecord {
    /// Which one.
    pub role: Role,
    /// As written, such as `registry:churn@champion`; `the run before` for `previous`.
    pub reference: String,
    /// Digest of the model; none where there is none, or only its measurements are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Version in the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The run that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What follows from it.
    pub state: ReferenceState,
}

/// What follows from looking for a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceState {
    /// It is scored in this run, by the steps that score the candidate.
    SameRun,
    /// The measurements of its own run are used.
    Stored,
    /// It is there, and no gate asks for its measurements.
    Found,
    /// There has never been one.
    Never,
    /// It cannot be read, or not be compared with; with the reason. Gates that ask for it are errors.
    Unreadable(String),
}

/// A step that scores a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rescored {
    /// Which reference.
    pub(crate) role: Role,
    /// The step of the workflow that scores the candidate.
    pub(crate) original: StepIndex,
}

/// The references of a run.
#[derive(Debug, Default)]
pub(crate) struct ReferencesInUse {
    /// What was found, for events and evidence.
    pub(crate) records: Vec<ReferenceRecord>,
    /// There has never been a baseline, and the workflow allows that.
    pub(crate) rubber_stamp: bool,
    pub(crate) unreadable: HashMap<Role, String>,
    /// Measurements of earlier runs.
    pub(crate) stored: HashMap<Role, StoredMeasurements>,
    /// Models, for steps that take them.
    pub(crate) models: HashMap<Role, Published>,
    /// Steps that were added to the plan.
    pub(crate) rescored: HashMap<StepIndex, Rescored>,
    /// What the baseline's alias pointed to: model, alias and version. A promotion over it is refused where that has
    /// changed, because the comparison was made with another model.
    pub(crate) expected: Option<(String, String, Option<u64>)>,
}

/// Which references a gate compares with.
pub(crate) fn roles_of(gate: &Gate) -> Vec<Role> {
    fn of(reference: &Reference) -> Option<Role> {
        match reference {
            Reference::Baseline => Some(Role::Baseline),
            Reference::Anchor => Some(Role::Anchor),
            Reference::Previous => Some(Role::Previous),
            Reference::Metric(_) => None,
        }
    }
    fn in_bound(bound: &Bound) -> Option<Role> {
        match bound {
            Bound::Relative { reference, .. } => of(reference),
            Bound::Constant(_) => None,
        }
    }
    let mut roles = Vec::new();
    for rule in &gate.rules {
        match &rule.test {
            Test::Compare { bound, .. } => roles.extend(in_bound(bound)),
            Test::Within { lower, upper } => roles.extend(in_bound(lower).into_iter().chain(in_bound(upper))),
            Test::Relative { reference, .. } => roles.extend(of(reference)),
        }
        if matches!(rule.term.metric.as_str(), "harmful_flips" | "helpful_flips") {
            roles.push(Role::Baseline);
        }
    }
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// For each stage, the references its gates compare with.
pub(crate) fn roles_of_stages(plan: &Plan, selected: &[bool]) -> Vec<Vec<Role>> {
    let stages = plan.stages.iter().zip(selected);
    stages
        .map(|(stage, selected)| {
            let gates = stage.gates.iter().filter(|_| *selected);
            let mut roles: Vec<Role> =
                gates.filter_map(|gate| read_gate(gate).ok()).flat_map(|gate| roles_of(&gate)).collect();
            roles.sort_unstable();
            roles.dedup();
            roles
        })
        .collect()
}
