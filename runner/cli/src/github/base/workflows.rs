//! Workflows of the base commit: which one a file that is new stands for, and which are gone.
//!
//! A file that is renamed is new to the base, and its gates would be too. So it is held against the workflow whose name it
//! carries: checks and waivers go by that name.

use std::{fs, path::Path};

use runner_engine::policy::{ChangeKind, PolicyChange};
use runner_workflow::{CheckOptions, plan::Plan};

use super::revision::Revision;
use crate::{
    git::{self, tree},
    report::quantity,
    workflow_file::Loaded,
};

/// A workflow of the base.
pub(super) struct OfBase {
    /// From the workspace.
    pub(super) path: String,
    /// Its text.
    pub(super) source: Vec<u8>,
    /// None where it cannot be read.
    pub(super) plan: Option<Plan>,
    /// The head has no file there.
    is_gone: bool,
    /// `name:` as it is written.
    written: Option<String>,
}

impl OfBase {
    fn name(&self) -> Option<&str> {
        self.plan.as_ref().map(|plan| plan.name.as_str()).or(self.written.as_deref())
    }

    /// What goes with it; none where nothing hangs on it.
    fn asks(&self) -> Option<String> {
        let plan = self.plan.as_ref()?;
        let gates: usize = plan.stages.iter().map(|stage| stage.gates.len()).sum();
        let promotions = plan.stages.iter().filter_map(|stage| stage.promote.as_ref());
        let aliases: Vec<String> =
            promotions.map(|promotion| format!("{}@{}", promotion.registry, promotion.alias)).collect();
        let gates = (gates > 0).then(|| quantity::count(gates, "gate"));
        let promotes = (!aliases.is_empty()).then(|| format!("promotes to {}", aliases.join(", ")));
        let parts: Vec<String> = gates.into_iter().chain(promotes).collect();
        (!parts.is_empty()).then(|| format!("{} ({})", plan.name, parts.join(", ")))
    }
}

/// What the base has beside the file that runs.
#[derive(Default)]
pub(super) struct Others {
    /// The workflow that a file which is new to the base stands for.
    pub(super) predecessor: Option<OfBase>,
    /// Workflows with gates or promotions that nothing in the head stands for.
    pub(super) removed: Vec<OfBase>,
    /// All others, where the file is new.
    pub(super) rest: Vec<OfBase>,
}

impl Others {
    /// Looks through the base. `is_new`: the file that runs could not be read from it. `None` where git cannot tell what is
    /// there: what is not known is not new.
    pub(super) fn find(revision: &Revision<'_>, loaded: &Loaded, head: &Plan, is_new: bool) -> Option<Self> {
        let own = loaded.checked.in_workspace.as_str();
        let workspace = revision.workspace;
        let prefix = git::prefix(workspace);
        // Of the whole commit: a folder that is not in it cannot be told from one that cannot be listed.
        let mut listed = tree::files_in(workspace, revision.commit, "")?;
        listed.retain_mut(|entry| {
            let inside = entry.path.starts_with(&prefix);
            if inside {
                entry.path.drain(..prefix.len());
            }
            inside
        });
        let known = |path: &str| listed.iter().any(|entry| entry.path == path);
        if is_new && known(own) {
            return None;
        }
        let wanted: Vec<_> = listed
            .iter()
            .filter(|entry| entry.is_file() && entry.path != own && is_yaml(&entry.path))
            .map(|entry| (entry, is_gone(workspace, &entry.path)))
            // A file that stays is judged by itself when it runs.
            .filter(|(_, is_gone)| is_new || *is_gone)
            .collect();
        let ids: Vec<String> = wanted.iter().map(|(entry, _)| entry.id.clone()).collect();
        let mut found = Vec::new();
        tree::read_all(workspace, &ids, |index, source| {
            let (entry, is_gone) = wanted[index];
            if may_be_workflow(source) {
                let plan = revision.check(source, &entry.path, &[]).plan;
                let (path, source, written) = (entry.path.clone(), source.to_vec(), written_name(source));
                found.push(OfBase { path, source, plan, is_gone, written });
            }
        })?;
        let mut others = Self::default();
        if is_new {
            let same = |other: &OfBase| other.name() == Some(head.name.as_str());
            let predecessor = found.iter().position(|other| same(other) && other.is_gone);
            // One that is still there under its name: two workflows of one name are one to everything that goes by names.
            let predecessor =
                predecessor.or_else(|| found.iter().position(|other| same(other) && other.written.is_some()));
            others.predecessor = predecessor.map(|index| found.remove(index));
        }
        let mut heirs: Option<Vec<String>> = None;
        for other in found {
            if other.is_gone && other.asks().is_some() {
                let heirs = heirs.get_or_insert_with(|| new_names(revision, own, known));
                if !other.name().is_some_and(|name| heirs.iter().any(|heir| heir == name)) {
                    others.removed.push(other);
                    continue;
                }
            }
            others.rest.push(other);
        }
        Some(others)
    }

    /// The workflows that are gone as differences.
    pub(super) fn removals(&self) -> impl Iterator<Item = PolicyChange> {
        self.removed.iter().map(|removed| PolicyChange {
            kind: ChangeKind::WorkflowRemoved,
            place: removed.path.clone(),
            before: removed.asks(),
            after: None,
            how: Vec::new(),
        })
    }

    /// Promotions of a workflow that is new to aliases that workflows of the base promote to.
    pub(super) fn taken_over(&self, head: &Plan) -> Vec<PolicyChange> {
        let mut changes = Vec::new();
        for stage in &head.stages {
            let Some(promotion) = &stage.promote else { continue };
            let owners = self.removed.iter().chain(&self.rest).filter(|other| {
                let stages = other.plan.iter().flat_map(|plan| &plan.stages);
                let mut promotions = stages.filter_map(|stage| stage.promote.as_ref());
                promotions.any(|known| known.registry == promotion.registry && known.alias == promotion.alias)
            });
            let owners: Vec<&str> = owners.map(|owner| owner.path.as_str()).collect();
            if !owners.is_empty() {
                changes.push(PolicyChange {
                    kind: ChangeKind::Promotion,
                    place: stage.name.clone(),
                    before: Some(format!("only {} promotes to it", owners.join(", "))),
                    after: Some(format!("to {}@{} too", promotion.registry, promotion.alias)),
                    how: Vec::new(),
                });
            }
        }
        changes
    }

    /// Who may approve by workflows of the base: the first of them that says so, those that are gone before the others.
    pub(super) fn approvers(&self) -> Vec<String> {
        let plans = self.removed.iter().chain(&self.rest).filter_map(|other| other.plan.as_ref());
        let mut said = plans.map(|plan| &plan.policy.approvers).filter(|approvers| !approvers.is_empty());
        said.next().cloned().unwrap_or_default()
    }
}

fn is_yaml(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("yml") || end.eq_ignore_ascii_case("yaml"))
}

fn is_gone(workspace: &Path, path: &str) -> bool {
    !fs::symlink_metadata(workspace.join(path)).is_ok_and(|found| found.is_file() || found.is_symlink())
}

/// Every workflow has stages; most other files need not be read any further.
fn may_be_workflow(source: &[u8]) -> bool {
    source.windows(b"stages".len()).any(|window| window == b"stages")
}

/// Names of workflows in files that the base does not have, but for the one that runs.
fn new_names(revision: &Revision<'_>, own: &str, known: impl Fn(&str) -> bool) -> Vec<String> {
    let new = tree::in_checkout(revision.workspace).into_iter();
    let new = new.filter(|path| path != own && is_yaml(path) && !known(path));
    let name = |path: String| {
        let source =
            fs::read(revision.workspace.join(&path)).ok().filter(|source| may_be_workflow(source))?;
        let options = CheckOptions { file_name: path, params: Vec::new() };
        Some(runner_workflow::check(&source, &options, revision.outside).plan?.name)
    };
    new.filter_map(name).collect()
}

/// `name:` at the top of a file, whether or not the rest of it can be read.
fn written_name(source: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(source).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("name:"))?.trim();
    let quoted = |quote: char| value.strip_prefix(quote)?.split(quote).next();
    let plain = value.split(" #").next().unwrap_or(value).trim();
    let name = quoted('"').or_else(|| quoted('\'')).unwrap_or(plain);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_files_that_are_broken() {
        for (text, name) in [
            ("name: churn\nstages: [", Some("churn")),
            ("# c\nname: \"a # b\" # c\n", Some("a # b")),
            ("name: 'x'\n", Some("x")),
            ("name: x # y\n", Some("x")),
            ("stages:\n  a:\n    name: inner\n", None),
            ("name:\n", None),
        ] {
            assert_eq!(written_name(text.as_bytes()).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn workflows_are_yaml() {
        assert!(is_yaml("a/b.yml") && is_yaml("b.YAML") && !is_yaml("yml") && !is_yaml("a.json"));
    }
}
