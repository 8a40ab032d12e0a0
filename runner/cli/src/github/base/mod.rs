//! The policy of the base commit: its workflow file is read from git and compared with the one that runs.

mod contents;
mod revision;
pub(crate) mod tracked;
mod workflows;

use std::{collections::BTreeSet, path::Path};

use runner_engine::policy::{ChangeKind, PolicyBase, PolicyChange, PolicyReport, compare, enforce};
use runner_github::{approve, client::Client, event::Event, filter::Selection};
use runner_workflow::{Severity, plan::Plan};

use self::{contents::contents, revision::Revision, workflows::Others};
use super::started::Started;
use crate::{
    exit_code::ExitCode, failure::Failure, git, surroundings::Outside, waivers, workflow_file::Loaded,
};

/// What the base asks for.
pub(crate) struct Base {
    /// The differences.
    pub(crate) report: PolicyReport,
    /// Its plan, where it has the workflow.
    plan: Option<Plan>,
    /// Who may approve differences, by the base.
    pub(crate) approvers: Vec<String>,
}

impl Base {
    fn without_plan(report: PolicyReport, approvers: Vec<String>) -> Self {
        Self { report, plan: None, approvers }
    }

    /// Whether there is a base: the run answers a change under review.
    pub(crate) fn is_there(&self) -> bool {
        self.report.base != PolicyBase::None
    }

    /// Whether the base runs on the event.
    pub(crate) fn selects(&self, started: &Started, workspace: &Path) -> bool {
        self.plan.as_ref().is_some_and(|plan| is_selected(started, plan, workspace))
    }

    /// Has the head judged by the base, unless somebody agreed with the differences.
    pub(crate) fn enforce(&self, head: &mut Plan) {
        if let (Some(base), None) = (&self.plan, &self.report.approval) {
            enforce(head, base);
        }
    }
}

/// Compare the workflow that runs with that of the base, if there is one.
pub(crate) fn read(
    started: &Started,
    given: Option<&str>,
    loaded: &Loaded,
    head: &Plan,
    outside: &Outside<'_>,
    params: &[(String, String)],
) -> Result<Base, Failure> {
    let of_event = started.event.as_ref().and_then(Event::base_sha);
    let Some(commit) = given.or(of_event) else {
        return Ok(Base::without_plan(PolicyReport::default(), Vec::new()));
    };
    let workspace = &loaded.workspace;
    if !git::has_commit(workspace, commit) {
        let message = format!("the base commit {commit} is not in the clone, so its gates cannot be read");
        return Err(Failure::new(ExitCode::Environment, "policy::base-missing", message).help(
            "check out with `fetch-depth: 0`, or fetch the base: `git fetch --depth=1 origin COMMIT`",
        ));
    }
    let prefix = git::prefix(workspace);
    let own = git::file_at(workspace, commit, &format!("{prefix}{}", loaded.checked.in_workspace));
    let revision = Revision { outside, workspace, commit };
    let mut others = Others::find(&revision, loaded, head, own.is_none()).ok_or_else(|| {
        let message =
            format!("git cannot read the files of the base commit {commit}, so its gates are not known");
        Failure::new(ExitCode::Environment, "policy::base-unreadable", message)
            .help("fetch the commit with all its files: a clone without a filter, with `fetch-depth: 0`")
    })?;
    let mut changes: Vec<PolicyChange> = others.removals().collect();
    let (source, path, moved) = match (own, others.predecessor.take()) {
        (Some(source), _) => (source, loaded.checked.in_workspace.clone(), None),
        (None, Some(old)) => (old.source, old.path.clone(), Some(old.path)),
        (None, None) => {
            changes.extend(others.taken_over(head));
            let report = PolicyReport::new(PolicyBase::NewWorkflow(commit.to_owned()), changes);
            return Ok(Base::without_plan(report, others.approvers()));
        }
    };
    let checked = revision.check(&source, &loaded.checked.shown, params);
    let Some(plan) = checked.plan else {
        let first = checked.diagnostics.iter().find(|problem| problem.severity == Severity::Error);
        let why = first.map_or_else(|| "it is invalid".to_owned(), |problem| problem.message.clone());
        changes.push(PolicyChange {
            kind: ChangeKind::Base,
            place: path,
            before: None,
            after: None,
            how: vec![why.clone()],
        });
        let base = PolicyBase::Unreadable { commit: commit.to_owned(), why };
        return Ok(Base::without_plan(PolicyReport::new(base, changes), others.approvers()));
    };
    changes.extend(compare(&plan, head, &contents(workspace, commit, &plan, head)));
    let waived = format!("{prefix}{}", waivers::FILE);
    changes.extend(new_waivers(
        git::file_at(workspace, commit, &waived).unwrap_or_default().as_slice(),
        std::fs::read(workspace.join(waivers::FILE)).unwrap_or_default().as_slice(),
    ));
    if is_selected(started, &plan, workspace) && !is_selected(started, head, workspace) {
        changes.push(PolicyChange {
            kind: ChangeKind::Tolerance,
            place: "on".to_owned(),
            before: Some("runs on this event".to_owned()),
            after: Some("does not".to_owned()),
            how: Vec::new(),
        });
    }
    let said = &plan.policy.approvers;
    let approvers = if said.is_empty() { others.approvers() } else { said.clone() };
    let commit = commit.to_owned();
    let base = match moved {
        Some(path) => PolicyBase::Moved { commit, path },
        None => PolicyBase::Commit(commit),
    };
    Ok(Base { report: PolicyReport::new(base, changes), plan: Some(plan), approvers })
}

fn is_selected(started: &Started, plan: &Plan, workspace: &Path) -> bool {
    matches!(started.select(plan, workspace), Selection::Runs { .. })
}

/// Waivers that the change brings itself: they would let it through its own gates.
fn new_waivers(base: &[u8], head: &[u8]) -> Vec<PolicyChange> {
    let lines = |bytes: &[u8]| -> BTreeSet<String> {
        let text = String::from_utf8_lossy(bytes);
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let known = lines(base);
    let new = lines(head).into_iter().filter(|line| !known.contains(line));
    new.map(|line| PolicyChange {
        kind: ChangeKind::Waiver,
        place: waivers::FILE.to_owned(),
        before: None,
        after: Some(line),
        how: Vec::new(),
    })
    .collect()
}

/// Looks for somebody who agreed with the differences. What was found and does not count is told.
pub(crate) async fn approval(base: &mut Base, started: &Started, client: &Client) -> Vec<String> {
    let (Some(digest), Some(Event::PullRequest(event))) = (base.report.digest.clone(), &started.event) else {
        return Vec::new();
    };
    let pull = &event.pull_request;
    let now = jiff::Timestamp::now();
    match approve::find(client, pull.number, pull.user.as_ref(), &digest, &base.approvers, now).await {
        Ok(found) => {
            base.report.approval = found.approval;
            found.refused
        }
        Err(error) => vec![format!("approvals cannot be read: {error}")],
    }
}
