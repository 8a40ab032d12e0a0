//! What is refused before anything runs, all of it at once.

use std::{path::Path, sync::Arc};

use runner_gate::grammar::Gate;
use runner_workflow::plan::{Action, Plan, PlannedGate, PolicyLevel, Source};

use crate::{
    data::{self, DataError},
    event::RunResult,
    executor::Executor,
    resources::Machine,
};

/// One reason not to start.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) result: RunResult,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    fn new(result: RunResult, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { result, code: code.into(), message: message.into() }
    }
}

/// Everything that forbids to start a run of the selected stages.
pub(crate) fn refusals(
    plan: &Plan,
    selected: &[bool],
    workspace: &Path,
    executors: &[Arc<dyn Executor>],
    machine: &Machine,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for unavailable in &plan.unavailable {
        if unavailable.stage.is_none_or(|stage| selected[stage]) {
            let key = &unavailable.key;
            refusals.push(Refusal::new(
                RunResult::Environment,
                "engine::unavailable",
                format!("`{key}` is not available yet: this version checks it and cannot carry it out"),
            ));
        }
    }
    for stage in plan.stages.iter().zip(selected).filter_map(|(stage, selected)| selected.then_some(stage)) {
        for gate in &stage.gates {
            refuse_gate(&stage.name, gate, &mut refusals);
        }
    }
    refuse_host_steps(plan, selected, &mut refusals);
    for step in plan.steps.iter().filter(|step| selected[step.stage]) {
        if !executors.iter().any(|executor| executor.accepts(&step.action)) {
            let what = match &step.action {
                Action::Plugin { uses } => format!("the plugin `{uses}`"),
                Action::Container { container, .. } => format!("the container `{}`", container.image),
                Action::Process { .. } => "a `run:` on the host".to_owned(),
            };
            refusals.push(Refusal::new(
                RunResult::Environment,
                "engine::no-executor",
                format!("step `{}` needs something that can run {what}, and there is nothing", step.id),
            ));
        }
        if let Some(lacks) = machine.lacks(&step.resources) {
            refusals.push(Refusal::new(
                RunResult::Environment,
                "engine::resources",
                format!("step `{}` needs {lacks}: it could never run here", step.id),
            ));
        }
        // A step that may not run may name data that is not there.
        if step.condition.is_none() && plan.stages[step.stage].condition.is_none() {
            for source in step.inputs.values() {
                refuse_data(plan, workspace, source, &mut refusals);
            }
        }
    }
    refusals
}

/// The gate as the gate crate reads it, in whichever form it was written.
pub(crate) fn read_gate(gate: &PlannedGate) -> Result<Gate, String> {
    read_text(gate.line.as_deref(), gate.mapping.as_ref())
}

/// The same of its two forms.
pub(crate) fn read_text(line: Option<&str>, mapping: Option<&serde_json::Value>) -> Result<Gate, String> {
    match (line, mapping) {
        (Some(line), _) => runner_gate::grammar::parse(line).map_err(|error| error.to_string()),
        (None, Some(mapping)) => runner_gate::mapping::from_json(mapping).map_err(|problems| {
            let messages: Vec<_> =
                problems.iter().map(|problem| format!("{}: {}", problem.pointer, problem.message)).collect();
            messages.join("; ")
        }),
        (None, None) => Err("it says nothing".to_owned()),
    }
}

fn refuse_gate(stage: &str, gate: &PlannedGate, refusals: &mut Vec<Refusal>) {
    let line = gate.line_number;
    if let Err(problem) = read_gate(gate) {
        refusals.push(Refusal::new(
            RunResult::Invalid,
            "engine::gate",
            format!("a gate of stage `{stage}` (line {line}) cannot be read: {problem}"),
        ));
    }
}

fn refuse_host_steps(plan: &Plan, selected: &[bool], refusals: &mut Vec<Refusal>) {
    if plan.policy.host_steps != PolicyLevel::Deny {
        return;
    }
    for step in host_steps(plan, selected) {
        refusals.push(Refusal::new(
            RunResult::Denied,
            "policy::host-steps",
            format!(
                "step `{step}` runs on the host without a sandbox, which is denied (`policy: {{ host-steps: deny }}`, here or by the base)"
            ),
        ));
    }
}

/// Ids of the selected steps that run without a sandbox.
pub(crate) fn host_steps(plan: &Plan, selected: &[bool]) -> Vec<String> {
    let host = plan.steps.iter().filter(|step| selected[step.stage]);
    let host = host.filter(|step| matches!(step.action, Action::Process { .. }));
    host.map(|step| step.id.to_string()).collect()
}

fn refuse_data(plan: &Plan, workspace: &Path, source: &Source, refusals: &mut Vec<Refusal>) {
    let path = match source {
        Source::Data(name) => match plan.data.get(name) {
            Some(data) => &data.path,
            None => return,
        },
        Source::Path(path) => path,
        Source::Output(_) | Source::AllCells(_) | Source::Baseline(_) => return,
    };
    if let Err(error) = data::look(workspace, path) {
        let refusal = Refusal::new(result_of(&error), error.code(), format!("{error}: {}", error.help()));
        if !refusals.iter().any(|known| known.message == refusal.message) {
            refusals.push(refusal);
        }
    }
}

fn result_of(error: &DataError) -> RunResult {
    match error {
        DataError::Outside { .. } => RunResult::Denied,
        DataError::Missing { .. }
        | DataError::Dangling { .. }
        | DataError::Circle { .. }
        | DataError::Special { .. }
        | DataError::TooMany { .. }
        | DataError::Unreadable { .. } => RunResult::Environment,
    }
}
