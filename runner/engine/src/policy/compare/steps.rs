//! Steps: what runs, where, and what it is granted; what they measure.

use std::collections::BTreeMap;

use runner_workflow::plan::{Action, Container, Plan, PlannedStep};

use crate::policy::{
    ChangeKind, Contents, PolicyChange,
    contents::{image, with_digest},
    grants::new_grants,
};

/// Differences of the steps.
pub(super) fn compare(base: &Plan, head: &Plan, contents: &Contents, changes: &mut Vec<PolicyChange>) {
    for step in &head.steps {
        // The cells of a matrix differ in their images at most.
        let old: Vec<&PlannedStep> = base.steps.iter().filter(|old| old.id.name == step.id.name).collect();
        let mut found = Vec::new();
        let before = old.first().map(|old| &old.allow);
        for grant in new_grants(before, &step.allow) {
            let grant = Some(grant.to_string());
            found.push(PolicyChange::new(ChangeKind::Capability, &step.id.name, None, grant));
        }
        action(base, &old, step, contents, &mut found);
        for change in found {
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    cells(base, head, changes);
}

fn action(
    base: &Plan,
    old: &[&PlannedStep],
    step: &PlannedStep,
    contents: &Contents,
    changes: &mut Vec<PolicyChange>,
) {
    let name = &step.id.name;
    match &step.action {
        Action::Plugin { uses } if !uses.starts_with("builtin:") => {
            let before: Vec<String> = old
                .iter()
                .filter_map(|old| match &old.action {
                    Action::Plugin { uses } => Some(with_digest(uses, &contents.base)),
                    _ => None,
                })
                .collect();
            let after = with_digest(uses, &contents.head);
            if !before.contains(&after) {
                let before = before.into_iter().next();
                changes.push(PolicyChange::new(ChangeKind::Plugin, name, before, Some(after)));
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
            let after = image(container, &contents.head);
            if !before.iter().any(|before| image(before, &contents.base) == after) {
                let first = before.first();
                let how = first.map(|before| contents.rebuilt(before, container)).unwrap_or_default();
                let before = first.map(|before| image(before, &contents.base));
                let change = PolicyChange::new(ChangeKind::Image, name, before, Some(after));
                changes.push(PolicyChange { how, ..change });
            }
            if let Some(user) = &container.user
                && !before.iter().any(|before| before.user.as_ref() == Some(user))
            {
                let user = Some(format!("user: {user}"));
                changes.push(PolicyChange::new(ChangeKind::Capability, name, None, user));
            }
        }
        Action::Process { .. } => {
            // A workflow whose steps are all confined stays so; one more step on the host is nothing new elsewhere.
            let known = match old.first() {
                Some(old) => is_on_host(old),
                None => base.steps.iter().any(is_on_host),
            };
            if !known {
                let what = Some("runs on the host, without a sandbox".to_owned());
                changes.push(PolicyChange::new(ChangeKind::Capability, name, None, what));
            }
        }
        Action::Plugin { .. } => {}
    }
}

/// Whether a step runs without a sandbox.
pub(in crate::policy) fn is_on_host(step: &PlannedStep) -> bool {
    matches!(step.action, Action::Process { .. })
}

/// Cells that nobody measures any more.
fn cells(base: &Plan, head: &Plan, changes: &mut Vec<PolicyChange>) {
    let mut gone: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for old in base.steps.iter().filter(|old| !old.id.cell.is_empty()) {
        let mut cells = head.steps.iter().filter(|step| step.id.name == old.id.name).peekable();
        if cells.peek().is_some() && !cells.any(|step| step.id.cell == old.id.cell) {
            gone.entry(&old.id.name).or_default().push(old.id.to_string());
        }
    }
    for (name, cells) in gone {
        changes.push(PolicyChange::new(ChangeKind::Measured, name, Some(cells.join(", ")), None));
    }
}
