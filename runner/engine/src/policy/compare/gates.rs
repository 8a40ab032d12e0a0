//! Gates: what is asked of a model.

use runner_gate::{
    Defaults,
    policy::{GateChange, PolicyGate, compare_policy},
};
use runner_workflow::plan::{Baseline, GateFrame, Plan, PlannedGate};

use crate::{judging::case::Frame, refusal::read_gate};

/// Gates with where they come from, index by index.
pub(in crate::policy) struct Gates {
    gates: Vec<PolicyGate>,
    pub(in crate::policy) planned: Vec<PlannedGate>,
}

/// The gates of a plan. One that cannot be read is left out: a run with it is refused anyway.
pub(in crate::policy) fn policy_gates(plan: &Plan) -> Gates {
    let frame = Frame::new(&plan.gate_defaults, &plan.metrics, allows_rubber_stamp(plan));
    let mut gates = Gates { gates: Vec::new(), planned: Vec::new() };
    for stage in &plan.stages {
        for planned in &stage.gates {
            if let Ok(gate) = read_gate(planned) {
                gates.gates.push(PolicyGate {
                    stage: stage.name.clone(),
                    gate,
                    defaults: Defaults::from(&frame.defaults),
                    units: frame.units.clone(),
                    better: frame.directions(),
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
    plan.baseline.as_ref().is_some_and(Baseline::allows_rubber_stamp)
}

/// What became of the gates of the base, and those that are new.
pub(in crate::policy) fn differences(base: &Gates, head: &Gates) -> Vec<GateChange> {
    compare_policy(&base.gates, &head.gates)
}
