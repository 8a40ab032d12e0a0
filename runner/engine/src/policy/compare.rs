//! What differs between two revisions of a workflow, as far as it is policy.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use runner_gate::policy::{PolicyGate, compare_policy};
use runner_workflow::plan::{
    Action, Allow, Container, DataSet, ImageSource, Plan, PlannedGate, PlannedStage, PlannedStep, Policy,
    PolicyLevel,
};

use super::{ChangeKind, PolicyChange, gate_change};
use crate::{judging::defaults, promotion::waits_for, refusal::read_gate};

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
    for step in &head.steps {
        // The cells of a matrix differ in their images at most.
        let old: Vec<&PlannedStep> = base.steps.iter().filter(|old| old.id.name == step.id.name).collect();
        let mut found = Vec::new();
        capabilities(&old, step, &mut found);
        action(base, &old, step, plugins, &mut found);
        for change in found {
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    measured(base, head, &mut changes);
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
    grants.extend(allow.capabilities.iter().map(|name| format!("capabilities: {name}")));
    grants.extend(allow.write_root.then(|| "write-root".to_owned()));
    grants
}

fn capabilities(old: &[&PlannedStep], step: &PlannedStep, changes: &mut Vec<PolicyChange>) {
    let before = old.first().map(|old| grants(&old.allow)).unwrap_or_default();
    for grant in grants(&step.allow).difference(&before) {
        changes.push(change(ChangeKind::Capability, &step.id.name, None, Some(grant.clone())));
    }
}

/// Where an image comes from, with all that its recipe is told.
fn image(container: &Container) -> String {
    match &container.image {
        ImageSource::Named { reference, .. } => reference.clone(),
        ImageSource::Built { context, file, args } => {
            let mut text = format!("build:{context} ({file}");
            for (name, value) in args {
                let _ = write!(text, " {name}={value}");
            }
            text + ")"
        }
    }
}

fn action(
    base: &Plan,
    old: &[&PlannedStep],
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
            let before: Vec<String> = old
                .iter()
                .filter_map(|old| match &old.action {
                    Action::Plugin { uses } => Some(with_digest(uses, &plugins.base)),
                    _ => None,
                })
                .collect();
            let after = with_digest(uses, &plugins.head);
            if !before.contains(&after) {
                changes.push(change(ChangeKind::Plugin, name, before.into_iter().next(), Some(after)));
            }
        }
        Action::Container { container, .. } => {
            let before: Vec<&Container> = old
                .iter()
                .filter_map(|old| match &old.action {
                    Action::Container { container, .. } => Some(&**container),
                    _ => None,
                })
                .collect();
            let after = image(container);
            if !before.iter().any(|before| image(before) == after) {
                let before = before.first().map(|before| image(before));
                changes.push(change(ChangeKind::Image, name, before, Some(after)));
            }
            if let Some(user) = &container.user
                && !before.iter().any(|before| before.user.as_ref() == Some(user))
            {
                changes.push(change(ChangeKind::Capability, name, None, Some(format!("user: {user}"))));
            }
        }
        Action::Process { .. } => {
            let is_host = |step: &PlannedStep| matches!(step.action, Action::Process { .. });
            // A workflow whose steps are all confined stays so; one more step on the host is nothing new elsewhere.
            let known = match old.first() {
                Some(old) => is_host(old),
                None => base.steps.iter().any(is_host),
            };
            if !known {
                let what = "runs on the host, without a sandbox".to_owned();
                changes.push(change(ChangeKind::Capability, name, None, Some(what)));
            }
        }
        Action::Plugin { .. } => {}
    }
}

/// Data that is other data now, and cells that nobody measures any more.
fn measured(base: &Plan, head: &Plan, changes: &mut Vec<PolicyChange>) {
    let said = |data: &DataSet| {
        let part = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(", {name} {value}")).unwrap_or_default()
        };
        format!("{}{}{}", data.path, part("id", &data.id), part("label", &data.label))
    };
    for (name, data) in &base.data {
        let now = head.data.get(name);
        if now != Some(data) {
            changes.push(change(ChangeKind::Measured, name, Some(said(data)), now.map(said)));
        }
    }
    let mut gone: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for old in base.steps.iter().filter(|old| !old.id.cell.is_empty()) {
        let mut cells = head.steps.iter().filter(|step| step.id.name == old.id.name).peekable();
        if cells.peek().is_some() && !cells.any(|step| step.id.cell == old.id.cell) {
            gone.entry(&old.id.name).or_default().push(old.id.to_string());
        }
    }
    for (name, cells) in gone {
        changes.push(change(ChangeKind::Measured, name, Some(cells.join(", ")), None));
    }
}

/// A condition as text, with the values of the parameters that it asks for.
fn condition(plan: &Plan, stage: &PlannedStage) -> String {
    let Some(condition) = &stage.condition else { return "always".to_owned() };
    let mut text = condition.to_string();
    let params: BTreeSet<&String> = condition
        .paths()
        .into_iter()
        .filter_map(|path| match path {
            [root, name, ..] if root == "params" => Some(name),
            _ => None,
        })
        .collect();
    for name in params {
        let value = plan.params.get(name).map_or("nothing".to_owned(), ToString::to_string);
        let _ = write!(text, ", {name} = {value}");
    }
    text
}

/// Names of the stages with gates that a stage waits for, directly or not.
fn gated_before(plan: &Plan, stage: &PlannedStage) -> BTreeSet<String> {
    let Some(index) = plan.stages.iter().position(|known| known.name == stage.name) else {
        return BTreeSet::new();
    };
    let awaited = waits_for(plan, index).into_iter().map(|index| &plan.stages[index]);
    awaited.filter(|stage| !stage.gates.is_empty()).map(|stage| stage.name.clone()).collect()
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
            let (before, after) = (known.map(|known| image(&known.container)), image(&service.container));
            if before.as_ref() != Some(&after) {
                changes.push(change(ChangeKind::Image, &service.name, before, Some(after)));
            }
            let granted = known.map(|known| grants(&known.allow)).unwrap_or_default();
            for grant in grants(&service.allow).difference(&granted) {
                changes.push(change(ChangeKind::Capability, &service.name, None, Some(grant.clone())));
            }
        }
        let matters = |stage: &PlannedStage| {
            !stage.gates.is_empty() || stage.promote.is_some() || stage.environment.is_some()
        };
        if let Some(old) = old.filter(|old| matters(old)) {
            let (before, after) = (condition(base, old), condition(head, stage));
            if before != after {
                changes.push(change(ChangeKind::Order, &stage.name, Some(before), Some(after)));
            }
        }
        if let Some(old) = old.filter(|_| stage.promote.is_some() || stage.environment.is_some()) {
            let (before, after) = (gated_before(base, old), gated_before(head, stage));
            // A stage that is gone, or has no gate any more, is told of by its gates.
            let there = |name: &&String| {
                head.stages.iter().any(|stage| stage.name == **name && !stage.gates.is_empty())
            };
            if before.iter().filter(there).any(|name| !after.contains(name)) {
                let list = |names: &BTreeSet<String>| {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
                    format!("waits for the gates of {names}")
                };
                changes.push(change(ChangeKind::Order, &stage.name, Some(list(&before)), Some(list(&after))));
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
    // A direction that nobody gave before turns the rules that ask for better and worse.
    for (name, metric) in head.metrics.iter().filter(|(name, _)| !base.metrics.contains_key(*name)) {
        if metric.better.is_some()
            && base.stages.iter().flat_map(|stage| &stage.gates).any(|gate| asks(gate, name))
        {
            let after = metric.better.map(|better| format!("{better:?} is better").to_lowercase());
            changes.push(change(ChangeKind::Metric, name, None, after));
        }
    }
    tolerance(&base.policy, &head.policy, changes);
}

/// Whether a gate may be about a metric: its name stands in it.
fn asks(gate: &PlannedGate, metric: &str) -> bool {
    let mapping = gate.mapping.as_ref().map(ToString::to_string);
    [gate.line.as_deref(), mapping.as_deref()].into_iter().flatten().any(|text| text.contains(metric))
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
