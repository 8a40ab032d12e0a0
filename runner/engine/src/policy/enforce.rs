//! Judging a change by what its base asks for.

use runner_workflow::plan::{Plan, PlannedGate, PolicyLevel};
use serde_json::Value;

use super::{
    compare::{
        gates::{differences, frame, policy_gates},
        settings::stricter,
        steps::is_on_host,
    },
    grants::take_away,
};

/// Has the head judged by what the base asks for: adds its gates that were loosened or removed, each judged by the
/// defaults, units and directions of the base, takes away what it did not grant, and tolerates no more than it does.
pub fn enforce(head: &mut Plan, base: &Plan) {
    let old = policy_gates(base);
    for change in differences(&old, &policy_gates(head)) {
        let Some(index) = change.base.filter(|_| change.loosens()) else { continue };
        let mut gate = named_after_base(&old.planned[index]);
        gate.frame = Some(Box::new(frame(base)));
        let stage = head.stages.iter().position(|stage| stage.name == change.stage);
        // A gate whose stage is gone is judged at the end, where it misses its metric and says so.
        if let Some(stage) = stage.or(head.stages.len().checked_sub(1)) {
            head.stages[stage].gates.push(gate);
        }
    }
    let (own, theirs) = (&mut head.policy, &base.policy);
    own.host_steps = stricter(own.host_steps, theirs.host_steps);
    if !base.steps.iter().any(is_on_host) {
        // A workflow whose steps are all confined stays so.
        own.host_steps = PolicyLevel::Deny;
    }
    own.unsigned_plugins = stricter(own.unsigned_plugins, theirs.unsigned_plugins);
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
