//! What differs between two revisions of a workflow, as far as it is policy.

pub(super) mod gates;
pub(super) mod settings;
mod stages;
pub(super) mod steps;

use runner_workflow::plan::Plan;

use super::{Contents, PolicyChange};

/// All differences of policy between two revisions of a workflow, and of what they name in their workspace.
#[must_use]
pub fn compare(base: &Plan, head: &Plan, contents: &Contents) -> Vec<PolicyChange> {
    let gates = gates::differences(&gates::policy_gates(base), &gates::policy_gates(head));
    let mut changes: Vec<PolicyChange> = gates.into_iter().map(PolicyChange::from).collect();
    steps::compare(base, head, contents, &mut changes);
    stages::compare(base, head, contents, &mut changes);
    settings::compare(base, head, contents, &mut changes);
    changes
}
