//! Stages: when they run, what a promotion waits for and where it goes, and the services beside them.

use std::{collections::BTreeSet, fmt::Write as _};

use runner_workflow::plan::{Plan, PlannedStage, Promotion};

use crate::{
    policy::{ChangeKind, Contents, PolicyChange, contents::image, grants::new_grants},
    promotion::waits_for,
};

/// Differences of the stages.
pub(super) fn compare(base: &Plan, head: &Plan, contents: &Contents, changes: &mut Vec<PolicyChange>) {
    for stage in &head.stages {
        let old = base.stages.iter().find(|old| old.name == stage.name);
        services(old, stage, contents, changes);
        if let Some(old) = old {
            order((base, old), (head, stage), changes);
        }
        promotion((base, old), (head, stage), changes);
    }
}

fn services(
    old: Option<&PlannedStage>,
    stage: &PlannedStage,
    contents: &Contents,
    changes: &mut Vec<PolicyChange>,
) {
    for service in &stage.services {
        let known = old.and_then(|old| old.services.iter().find(|known| known.name == service.name));
        let before = known.map(|known| image(&known.container, &contents.base));
        let after = image(&service.container, &contents.head);
        if before.as_ref() != Some(&after) {
            let how = known.map(|known| contents.rebuilt(&known.container, &service.container));
            let change = PolicyChange::new(ChangeKind::Image, &service.name, before, Some(after));
            changes.push(PolicyChange { how: how.unwrap_or_default(), ..change });
        }
        for grant in new_grants(known.map(|known| &known.allow), &service.allow) {
            let grant = Some(grant.to_string());
            changes.push(PolicyChange::new(ChangeKind::Capability, &service.name, None, grant));
        }
    }
}

/// When a stage runs, and which gates a promotion waits for.
fn order(
    (base, old): (&Plan, &PlannedStage),
    (head, stage): (&Plan, &PlannedStage),
    changes: &mut Vec<PolicyChange>,
) {
    if !old.gates.is_empty() || old.promote.is_some() || old.environment.is_some() {
        let (before, after) = (condition(base, old), condition(head, stage));
        if before != after {
            changes.push(PolicyChange::new(ChangeKind::Order, &stage.name, Some(before), Some(after)));
        }
    }
    if stage.promote.is_some() || stage.environment.is_some() {
        let (before, after) = (gated_before(base, old), gated_before(head, stage));
        // A stage that is gone, or has no gate any more, is told of by its gates.
        let there =
            |name: &&String| head.stages.iter().any(|stage| stage.name == **name && !stage.gates.is_empty());
        if before.iter().filter(there).any(|name| !after.contains(name)) {
            let list = |names: &BTreeSet<String>| {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
                Some(format!("waits for the gates of {names}"))
            };
            changes.push(PolicyChange::new(ChangeKind::Order, &stage.name, list(&before), list(&after)));
        }
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

fn promotion(
    (base, old): (&Plan, Option<&PlannedStage>),
    (head, stage): (&Plan, &PlannedStage),
    changes: &mut Vec<PolicyChange>,
) {
    let Some(promotion) = &stage.promote else { return };
    let before = old.and_then(|old| old.promote.as_ref()).map(|promotion| target(base, promotion));
    let after = Some(target(head, promotion));
    if before != after {
        changes.push(PolicyChange::new(ChangeKind::Promotion, &stage.name, before, after));
    }
}

/// What is promoted, and to where.
fn target(plan: &Plan, promotion: &Promotion) -> String {
    let from = plan.steps.get(promotion.model.step).map(|step| step.id.to_string());
    let (from, output) = (from.unwrap_or_default(), &promotion.model.output);
    format!("{from}.{output} to {}@{}", promotion.registry, promotion.alias)
}
