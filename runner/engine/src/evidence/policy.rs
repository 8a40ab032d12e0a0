//! The policy of a workflow: what it asks of a model before it is promoted.

use std::collections::BTreeMap;

use runner_store::Digest;
use runner_workflow::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::judging::case::{Frame, GateText};

/// Every gate of a workflow with what decides how it is judged. Two workflows with the same policy ask the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Gates by stage; stages without gates are left out.
    pub gates: BTreeMap<String, Vec<GateText>>,
    /// What else decides how they are judged.
    #[serde(flatten)]
    pub frame: Frame,
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
    let mut baseline = BTreeMap::new();
    if let Some(written) = &plan.baseline {
        baseline.insert("model".to_owned(), written.model.clone());
        let optional =
            [("evaluate", &written.evaluate), ("first", &written.first), ("anchor", &written.anchor)];
        for (key, value) in optional {
            baseline.extend(value.clone().map(|value| (key.to_owned(), value)));
        }
    }
    Policy { gates: gates.collect(), frame: Frame::new(&plan.gate_defaults, &plan.metrics, false), baseline }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest is of these fields in this order, wherever they stand in the code.
    #[test]
    fn the_canonical_form_stays() {
        let mut policy =
            Policy { gates: BTreeMap::new(), frame: Frame::default(), baseline: BTreeMap::new() };
        policy.frame.defaults.confidence = Some(0.95);
        policy.frame.units.insert("latency".to_owned(), "ms".to_owned());
        policy.baseline.insert("model".to_owned(), "registry:m@champion".to_owned());
        let text = r#"{"gates":{},"defaults":{"confidence":0.95},"units":{"latency":"ms"},"better":{},"baseline":{"model":"registry:m@champion"}}"#;
        assert_eq!(serde_json::to_string(&policy).unwrap(), text);
        assert_eq!(serde_json::from_str::<Policy>(text).unwrap(), policy);
    }
}
