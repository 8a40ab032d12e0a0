//! What differs between two revisions of a workflow, as far as it is policy.

use std::collections::{BTreeMap, BTreeSet};

use runner_gate::policy::{PolicyGate, compare_policy};
use runner_workflow::plan::{
    Action, Allow, Plan, PlannedGate, PlannedStage, PlannedStep, Policy, PolicyLevel,
};

use super::{ChangeKind, PolicyChange, gate_change};
use crate::{judging::defaults, refusal::read_gate};

/// Digests of the bytes behind `uses:`, where they are files of the workspace: the reference says nothing about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginDigests {
    /// In the base.
    pub base: BTreeMap<String, String>,
    /// In the head.
    pub head: BTreeMap<String, String>,
}

/// Gates with where they come from.
pub(super) struct Gates {
    pub(super) gates: Vec<PolicyGate>,
    pub(super) planned: Vec<PlannedGate>,
}

/// The gates of a plan. One that cannot be read is left out: a run with it is refused anyway.
pub(super) fn policy_gates(plan: &Plan) -> Gates {
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

/// All differences of policy between two revisions of a workflow.
#[must_use]
pub fn compare(base: &Plan, head: &Plan, plugins: &PluginDigests) -> Vec<PolicyChange> {
    let gates = compare_policy(&policy_gates(base).gates, &policy_gates(head).gates);
    let mut changes: Vec<PolicyChange> = gates.into_iter().map(gate_change).collect();
    let mut seen = BTreeSet::new();
    // The cells of a matrix share what is compared here.
    for step in head.steps.iter().filter(|step| seen.insert(step.id.name.as_str())) {
        let old = base.steps.iter().find(|old| old.id.name == step.id.name);
        capabilities(old, step, &mut changes);
        action(old, step, plugins, &mut changes);
    }
    secrets(base, head, &mut changes);
    stages(base, head, &mut changes);
    settings(base, head, &mut changes);
    changes
}

fn change(kind: ChangeKind, place: &str, before: Option<String>, after: Option<String>) -> PolicyChange {
    PolicyChange { kind, place: place.to_owned(), before, after, how: Vec::new() }
}

fn grants(allow: &Allow) -> BTreeSet<String> {
    let mut grants: BTreeSet<String> = BTreeSet::new();
    grants.extend(allow.net.iter().map(|origin| format!("net: {origin}")));
    grants.extend(allow.read.iter().map(|path| format!("read: {path}")));
    grants.extend(allow.env.iter().map(|name| format!("env: {name}")));
    grants.extend(allow.clock.then(|| "clock".to_owned()));
    grants.extend(allow.random.then(|| "random".to_owned()));
    grants
}

fn capabilities(old: Option<&PlannedStep>, step: &PlannedStep, changes: &mut Vec<PolicyChange>) {
    let before = old.map(|old| grants(&old.allow)).unwrap_or_default();
    for grant in grants(&step.allow).difference(&before) {
        changes.push(change(ChangeKind::Capability, &step.id.name, None, Some(grant.clone())));
    }
}

fn action(
    old: Option<&PlannedStep>,
    step: &PlannedStep,
    plugins: &PluginDigests,
    changes: &mut Vec<PolicyChange>,
) {
    let name = &step.id.name;
    match &step.action {
        Action::Plugin { uses } if !uses.starts_with("builtin:") => {
            let with_digest = |uses: &String, digests: &BTreeMap<String, String>| match digests.get(uses) {
                Some(digest) => format!("{uses} ({digest})"),
                None => uses.clone(),
            };
            let before = old.and_then(|old| match &old.action {
                Action::Plugin { uses } => Some(with_digest(uses, &plugins.base)),
                _ => None,
            });
            let after = with_digest(uses, &plugins.head);
            if before.as_ref() != Some(&after) {
                changes.push(change(ChangeKind::Plugin, name, before, Some(after)));
            }
        }
        Action::Container { container, .. } => {
            let image = container.image.to_string();
            let before = old.and_then(|old| match &old.action {
                Action::Container { container, .. } => Some(container.image.to_string()),
                _ => None,
            });
            if before.as_ref() != Some(&image) {
                changes.push(change(ChangeKind::Image, name, before, Some(image)));
            }
        }
        Action::Plugin { .. } | Action::Process { .. } => {}
    }
}

fn secrets(base: &Plan, head: &Plan, changes: &mut Vec<PolicyChange>) {
    let said = |secret: &runner_workflow::plan::Secret| {
        let to = secret.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
        format!("{}{to}", secret.from)
    };
    for (name, secret) in &head.secrets {
        let before = base.secrets.get(name);
        if before != Some(secret) {
            changes.push(change(ChangeKind::Secret, name, before.map(said), Some(said(secret))));
        }
    }
}

fn stages(base: &Plan, head: &Plan, changes: &mut Vec<PolicyChange>) {
    for stage in &head.stages {
        let old = base.stages.iter().find(|old| old.name == stage.name);
        for service in &stage.services {
            let known = old.and_then(|old| old.services.iter().find(|known| known.name == service.name));
            let (before, after) =
                (known.map(|known| known.container.image.to_string()), service.container.image.to_string());
            if before.as_ref() != Some(&after) {
                changes.push(change(ChangeKind::Image, &service.name, before, Some(after)));
            }
            let granted = known.map(|known| grants(&known.allow)).unwrap_or_default();
            for grant in grants(&service.allow).difference(&granted) {
                changes.push(change(ChangeKind::Capability, &service.name, None, Some(grant.clone())));
            }
        }
        if let Some(old) = old.filter(|old| !old.gates.is_empty()) {
            let condition = |stage: &PlannedStage| stage.condition.as_ref().map(ToString::to_string);
            let (before, after) = (condition(old), condition(stage));
            if before != after {
                changes.push(change(
                    ChangeKind::Order,
                    &stage.name,
                    Some(before.unwrap_or_else(|| "always".to_owned())),
                    Some(after.unwrap_or_else(|| "always".to_owned())),
                ));
            }
        }
        let Some(promotion) = &stage.promote else { continue };
        let target = |plan: &Plan, promotion: &runner_workflow::plan::Promotion| {
            let from = plan.steps.get(promotion.model.step).map(|step| step.id.to_string());
            let (from, output) = (from.unwrap_or_default(), &promotion.model.output);
            format!("{from}.{output} to {}@{}", promotion.registry, promotion.alias)
        };
        let before = old.and_then(|old| old.promote.as_ref()).map(|promotion| target(base, promotion));
        let after = target(head, promotion);
        if before.as_ref() != Some(&after) {
            changes.push(change(ChangeKind::Promotion, &stage.name, before.clone(), Some(after)));
        }
        let needs = |plan: &Plan, stage: &PlannedStage| -> BTreeSet<String> {
            stage.needs.iter().map(|need| plan.stages[*need].name.clone()).collect()
        };
        if let Some(old) = old.filter(|_| before.is_some()) {
            let (before, after) = (needs(base, old), needs(head, stage));
            if !before.is_subset(&after) {
                let list = |names: &BTreeSet<String>| {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    format!(
                        "needs {}",
                        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
                    )
                };
                changes.push(change(ChangeKind::Order, &stage.name, Some(list(&before)), Some(list(&after))));
            }
        }
    }
}

fn settings(base: &Plan, head: &Plan, changes: &mut Vec<PolicyChange>) {
    let baseline = |plan: &Plan| {
        plan.baseline.as_ref().map(|baseline| {
            let part = |name: &str, value: &Option<String>| {
                value.as_ref().map(|value| format!(", {name} {value}")).unwrap_or_default()
            };
            format!(
                "{}{}{}{}",
                baseline.model,
                part("evaluate", &baseline.evaluate),
                part("first", &baseline.first),
                part("anchor", &baseline.anchor)
            )
        })
    };
    let (before, after) = (baseline(base), baseline(head));
    if before.is_some() && before != after {
        changes.push(change(ChangeKind::Baseline, "baseline", before, after));
    }
    for (name, metric) in &base.metrics {
        let said = |metric: &runner_workflow::plan::MetricDeclaration| {
            let better = metric.better.map(|better| format!("{better:?} is better").to_lowercase());
            let unit = metric.unit.as_ref().map(|unit| format!("unit {unit}"));
            let parts: Vec<String> = [unit, better].into_iter().flatten().collect();
            if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
        };
        let now = head.metrics.get(name);
        if now != Some(metric) {
            changes.push(change(ChangeKind::Metric, name, Some(said(metric)), now.map(said)));
        }
    }
    tolerance(&base.policy, &head.policy, changes);
}

fn tolerance(base: &Policy, head: &Policy, changes: &mut Vec<PolicyChange>) {
    let strictness = |level: PolicyLevel| match level {
        PolicyLevel::Allow => 0,
        PolicyLevel::Warn => 1,
        PolicyLevel::Deny => 2,
    };
    for (name, before, after) in [
        ("host-steps", base.host_steps, head.host_steps),
        ("unsigned-plugins", base.unsigned_plugins, head.unsigned_plugins),
    ] {
        if strictness(after) < strictness(before) {
            let said = |level: PolicyLevel| Some(format!("{level:?}").to_lowercase());
            changes.push(change(ChangeKind::Tolerance, name, said(before), said(after)));
        }
    }
    if base.approvers != head.approvers {
        let said = |names: &[String]| {
            Some(if names.is_empty() { "everybody who may push".to_owned() } else { names.join(", ") })
        };
        changes.push(change(
            ChangeKind::Tolerance,
            "approvers",
            said(&base.approvers),
            said(&head.approvers),
        ));
    }
}
