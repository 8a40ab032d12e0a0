//! What holds for the whole workflow: data, baseline, metrics, secrets, what it tolerates.

use std::collections::BTreeMap;

use runner_workflow::plan::{
    Baseline, DataSet, MetricDeclaration, Plan, PlannedGate, Policy, PolicyLevel, Secret,
};

use crate::policy::{ChangeKind, Content, Contents, PolicyChange, contents::with_digest};

/// Differences of the settings.
pub(super) fn compare(base: &Plan, head: &Plan, contents: &Contents, changes: &mut Vec<PolicyChange>) {
    data(base, head, changes);
    secrets(base, head, changes);
    let said = |plan: &Plan, contents| plan.baseline.as_ref().map(|known| baseline(known, contents));
    let (before, after) = (said(base, &contents.base), said(head, &contents.head));
    if before.is_some() && before != after {
        changes.push(PolicyChange::new(ChangeKind::Baseline, "baseline", before, after));
    }
    metrics(base, head, changes);
    tolerance(&base.policy, &head.policy, changes);
}

/// `, name value`, or nothing.
fn part(name: &str, value: Option<&String>) -> String {
    value.map(|value| format!(", {name} {value}")).unwrap_or_default()
}

/// Data that is other data now.
fn data(base: &Plan, head: &Plan, changes: &mut Vec<PolicyChange>) {
    let said = |data: &DataSet| {
        format!("{}{}{}", data.path, part("id", data.id.as_ref()), part("label", data.label.as_ref()))
    };
    for (name, data) in &base.data {
        let now = head.data.get(name);
        if now != Some(data) {
            changes.push(PolicyChange::new(ChangeKind::Measured, name, Some(said(data)), now.map(said)));
        }
    }
}

fn secrets(base: &Plan, head: &Plan, changes: &mut Vec<PolicyChange>) {
    let said = |secret: &Secret| {
        let to = secret.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
        format!("{}{to}", secret.from)
    };
    for (name, secret) in &head.secrets {
        let before = base.secrets.get(name);
        if before != Some(secret) {
            let (before, after) = (before.map(said), Some(said(secret)));
            changes.push(PolicyChange::new(ChangeKind::Secret, name, before, after));
        }
    }
}

/// What candidates are compared with; of a file, with its digest.
fn baseline(baseline: &Baseline, contents: &BTreeMap<String, Content>) -> String {
    let Baseline { model, evaluate, first, anchor } = baseline;
    let (evaluate, first) = (part("evaluate", evaluate.as_ref()), part("first", first.as_ref()));
    let anchor = anchor.as_ref().map(|anchor| with_digest(anchor, contents));
    format!("{}{evaluate}{first}{}", with_digest(model, contents), part("anchor", anchor.as_ref()))
}

fn metrics(base: &Plan, head: &Plan, changes: &mut Vec<PolicyChange>) {
    let direction = |metric: &MetricDeclaration| {
        metric.better.map(|better| format!("{better:?} is better").to_lowercase())
    };
    let said = |metric: &MetricDeclaration| {
        let unit = metric.unit.as_ref().map(|unit| format!("unit {unit}"));
        let parts: Vec<String> = [unit, direction(metric)].into_iter().flatten().collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    };
    for (name, metric) in &base.metrics {
        let now = head.metrics.get(name);
        if now != Some(metric) {
            changes.push(PolicyChange::new(ChangeKind::Metric, name, Some(said(metric)), now.map(said)));
        }
    }
    // A direction that nobody gave before turns the rules that ask for better and worse.
    for (name, metric) in head.metrics.iter().filter(|(name, _)| !base.metrics.contains_key(*name)) {
        if metric.better.is_some()
            && base.stages.iter().flat_map(|stage| &stage.gates).any(|gate| asks(gate, name))
        {
            changes.push(PolicyChange::new(ChangeKind::Metric, name, None, direction(metric)));
        }
    }
}

/// Whether a gate may be about a metric: its name stands in it.
fn asks(gate: &PlannedGate, metric: &str) -> bool {
    let mapping = gate.mapping.as_ref().map(ToString::to_string);
    [gate.line.as_deref(), mapping.as_deref()].into_iter().flatten().any(|text| text.contains(metric))
}

fn strictness(level: PolicyLevel) -> u8 {
    match level {
        PolicyLevel::Allow => 0,
        PolicyLevel::Warn => 1,
        PolicyLevel::Deny => 2,
    }
}

/// The one that tolerates less.
pub(in crate::policy) fn stricter(a: PolicyLevel, b: PolicyLevel) -> PolicyLevel {
    if strictness(a) < strictness(b) { b } else { a }
}

fn tolerance(base: &Policy, head: &Policy, changes: &mut Vec<PolicyChange>) {
    for (name, before, after) in [
        ("host-steps", base.host_steps, head.host_steps),
        ("unsigned-plugins", base.unsigned_plugins, head.unsigned_plugins),
    ] {
        if strictness(after) < strictness(before) {
            let said = |level: PolicyLevel| Some(format!("{level:?}").to_lowercase());
            changes.push(PolicyChange::new(ChangeKind::Tolerance, name, said(before), said(after)));
        }
    }
    if base.approvers != head.approvers {
        let said = |names: &[String]| {
            Some(if names.is_empty() { "everybody who may push".to_owned() } else { names.join(", ") })
        };
        let (before, after) = (said(&base.approvers), said(&head.approvers));
        changes.push(PolicyChange::new(ChangeKind::Tolerance, "approvers", before, after));
    }
}
