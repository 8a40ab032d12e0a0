//! Gates: what is asked of a model.

use runner_gate::policy::{GateChange, PolicyGate, compare_policy};
use runner_workflow::plan::{Plan, PlannedGate};

use crate::{judging::defaults, refusal::read_gate};

/// Gates with where they come from, index by index.
pub(in crate::policy) struct Gates {
    gates: Vec<PolicyGate>,
    pub(in crate::policy) planned: Vec<PlannedGate>,
}

/// The gates of a plan. One that cannot be read is left out: a run with it is refused anyway.
pub(in crate::policy) fn policy_gates(plan: &Plan) -> Gates {
    let mut gates = Gates { gates: Vec::new(), planned: Vec::new() };
    for stage in &plan.stages {
        for planned in &stage.gates {
            if let Ok(gate) = read_gate(planned) {
                gates.gates.push(PolicyGate { stage: stage.name.clone(), gate, defaults: defaults(plan) });
                gates.planned.push(planned.clone());
            }
        }
    }
    gates
}

/// What became of the gates of the base, and those that are new.
pub(in crate::policy) fn differences(base: &Gates, head: &Gates) -> Vec<GateChange> {
    compare_policy(&base.gates, &head.gates)
}
