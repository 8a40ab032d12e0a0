//! The policy of a workflow: what it asks of a model before it is promoted.

use std::collections::BTreeMap;

use runner_store::Digest;
use runner_workflow::plan::{Better, Plan};
use serde::{Deserialize, Serialize};

use crate::judging::{
    case::{CaseDefaults, GateText, directions, units},
    defaults,
};

/// Every gate of a workflow with what decides how it is judged. Two workflows with the same policy ask the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Gates by stage; stages without gates are left out.
    pub gates: BTreeMap<String, Vec<GateText>>,
    /// What holds for every gate that does not say otherwise.
    pub defaults: CaseDefaults,
    /// Declared unit of each metric.
    pub units: BTreeMap<String, String>,
    /// Declared direction of each metric.
    pub better: BTreeMap<String, Better>,
    /// `baseline:` as written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub baseline: BTreeMap<String, String>,
}

impl Policy {
    /// SHA-256 of its canonical form: JSON with the fields in this order and maps sorted.
    #[must_use]
    pub fn digest(&self) -> String {
        // Cannot fail: it is made of text and numbers.
        Digest::of_bytes(&serde_json::to_vec(self).unwrap_or_default()).to_string()
    }
}

/// The policy of a plan.
#[must_use]
pub fn policy_of(plan: &Plan) -> Policy {
    let stages = plan.stages.iter().filter(|stage| !stage.gates.is_empty());
    let gates = stages.map(|stage| (stage.name.clone(), stage.gates.iter().map(GateText::from).collect()));
    let defaults = defaults(plan);
    let mut baseline = BTreeMap::new();
    if let Some(written) = &plan.baseline {
        baseline.insert("model".to_owned(), written.model.clone());
        let optional =
            [("evaluate", &written.evaluate), ("first", &written.first), ("anchor", &written.anchor)];
        for (key, value) in optional {
            baseline.extend(value.clone().map(|value| (key.to_owned(), value)));
        }
    }
    Policy {
        gates: gates.collect(),
        defaults: CaseDefaults {
            confidence: defaults.confidence,
            min_samples: defaults.min_samples,
            rubber_stamp: false,
        },
        units: units(&plan.metrics),
        better: directions(&plan.metrics),
        baseline,
    }
}
