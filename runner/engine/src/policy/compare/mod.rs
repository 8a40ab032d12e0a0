//! What differs between two revisions of a workflow, as far as it is policy.

pub(super) mod gates;
pub(super) mod settings;
mod stages;
mod steps;

use std::collections::BTreeMap;

use runner_workflow::plan::Plan;

use super::PolicyChange;

/// Digests of the bytes behind `uses:`, where they are files of the workspace: the reference says nothing about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginDigests {
    /// In the base.
    pub base: BTreeMap<String, String>,
    /// In the head.
    pub head: BTreeMap<String, String>,
}

/// All differences of policy between two revisions of a workflow.
#[must_use]
pub fn compare(base: &Plan, head: &Plan, plugins: &PluginDigests) -> Vec<PolicyChange> {
    let gates = gates::differences(&gates::policy_gates(base), &gates::policy_gates(head));
    let mut changes: Vec<PolicyChange> = gates.into_iter().map(PolicyChange::from).collect();
    steps::compare(base, head, plugins, &mut changes);
    stages::compare(base, head, &mut changes);
    settings::compare(base, head, &mut changes);
    changes
}
