//! Gates: what is asked of a model.

use std::collections::BTreeMap;

use runner_gate::{
    Defaults,
    grammar::Better,
    policy::{GateChange, PolicyGate, compare_policy},
};
use runner_workflow::plan::{GateFrame, Plan, PlannedGate};

use crate::{
    judging::{
        case::{better, directions, units},
        defaults,
    },
    references::RUBBER_STAMP,
    refusal::read_gate,
};

/// Gates with where they come from, index by index.
pub(in crate::policy) struct Gates {
    gates: Vec<PolicyGate>,
    pub(in crate::policy) planned: Vec<PlannedGate>,
}

/// The gates of a plan. One that cannot be read is left out: a run with it is refused anyway.
pub(in crate::policy) fn policy_gates(plan: &Plan) -> Gates {
    let directions: BTreeMap<String, Better> =
        directions(&plan.metrics).into_iter().map(|(name, direction)| (name, better(direction))).collect();
    let mut gates = Gates { gates: Vec::new(), planned: Vec::new() };
    for stage in &plan.stages {
        for planned in &stage.gates {
            if let Ok(gate) = read_gate(planned) {
                gates.gates.push(PolicyGate {
                    stage: stage.name.clone(),
                    gate,
                    defaults: Defaults { rubber_stamp: allows_rubber_stamp(plan), ..defaults(plan) },
                    units: units(&plan.metrics),
                    better: directions.clone(),
                });
                gates.planned.push(planned.clone());
            }
        }
    }
    gates
}

/// What holds for the gates of a plan beside their text.
pub(in crate::policy) fn frame(plan: &Plan) -> GateFrame {
    GateFrame {
        defaults: plan.gate_defaults.clone(),
        metrics: plan.metrics.clone(),
        rubber_stamp: allows_rubber_stamp(plan),
    }
}

fn allows_rubber_stamp(plan: &Plan) -> bool {
    let first = plan.baseline.as_ref().and_then(|baseline| baseline.first.as_deref());
    first == Some(RUBBER_STAMP)
}

/// What became of the gates of the base, and those that are new.
pub(in crate::policy) fn differences(base: &Gates, head: &Gates) -> Vec<GateChange> {
    compare_policy(&base.gates, &head.gates)
}
