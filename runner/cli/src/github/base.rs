//! The policy of the base commit: its workflow file is read from git and compared with the one that runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use runner_engine::policy::{
    ChangeKind, PluginDigests, PolicyBase, PolicyChange, PolicyReport, compare, enforce,
};
use runner_github::{approve, client::Client, event::Event, filter::Selection};
use runner_workflow::{
    CheckOptions, Severity,
    plan::{Action, Plan, PlannedGate},
    surroundings::{PluginManifest, Problem, Surroundings},
};
use sha2::{Digest as _, Sha256};

use super::started::Started;
use crate::{
    exit_code::ExitCode,
    failure::Failure,
    git,
    surroundings::Outside,
    waivers,
    workflow_file::{Loaded, hex},
};

/// A component larger than this is not read for its digest.
const LARGEST_PLUGIN: usize = 256 * 1024 * 1024;

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
    fn without_plan(report: PolicyReport) -> Self {
        Self { report, plan: None, approvers: Vec::new() }
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
        return Ok(Base::without_plan(PolicyReport::default()));
    };
    let workspace = &loaded.workspace;
    if !git::has_commit(workspace, commit) {
        let message = format!("the base commit {commit} is not in the clone, so its gates cannot be read");
        return Err(Failure::new(ExitCode::Environment, "policy::base-missing", message).help(
            "check out with `fetch-depth: 0`, or fetch the base: `git fetch --depth=1 origin COMMIT`",
        ));
    }
    let path = format!("{}{}", git::prefix(workspace), loaded.checked.in_workspace);
    let Some(source) = git::file_at(workspace, commit, &path) else {
        return Ok(Base::without_plan(PolicyReport::new(
            PolicyBase::NewWorkflow(commit.to_owned()),
            Vec::new(),
        )));
    };
    let revision = Revision { outside, workspace, commit };
    let options = CheckOptions { file_name: loaded.checked.shown.clone(), params: params.to_vec() };
    let checked = runner_workflow::check(&source, &options, &revision);
    let Some(plan) = checked.plan else {
        let first = checked.diagnostics.iter().find(|problem| problem.severity == Severity::Error);
        let why = first.map_or_else(|| "it is invalid".to_owned(), |problem| problem.message.clone());
        let change = PolicyChange {
            kind: ChangeKind::Base,
            place: path,
            before: None,
            after: None,
            how: vec![why.clone()],
        };
        let base = PolicyBase::Unreadable { commit: commit.to_owned(), why };
        return Ok(Base::without_plan(PolicyReport::new(base, vec![change])));
    };
    let digests = PluginDigests {
        base: digests(&plan, |path| {
            git::file_at(workspace, commit, &format!("{}{path}", git::prefix(workspace)))
        }),
        head: digests(head, |path| std::fs::read(workspace.join(path)).ok()),
    };
    let mut changes = compare(&plan, head, &digests);
    let waived = format!("{}{}", git::prefix(workspace), waivers::FILE);
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
    let approvers = plan.policy.approvers.clone();
    let report = PolicyReport::new(PolicyBase::Commit(commit.to_owned()), changes);
    Ok(Base { report, plan: Some(plan), approvers })
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

/// Digests of the components that are files of the workspace.
fn digests(plan: &Plan, read: impl Fn(&str) -> Option<Vec<u8>>) -> BTreeMap<String, String> {
    let uses = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Plugin { uses } => uses.strip_prefix("./").map(|path| (uses, path)),
        _ => None,
    });
    let mut digests = BTreeMap::new();
    for (uses, path) in uses {
        if !digests.contains_key(uses)
            && let Some(bytes) = read(path).filter(|bytes| bytes.len() <= LARGEST_PLUGIN)
        {
            digests.insert(uses.clone(), format!("sha256:{}", hex(&Sha256::digest(&bytes))));
        }
    }
    digests
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

/// The world as it was at a commit, as far as a workflow asks about it.
struct Revision<'a> {
    outside: &'a Outside<'a>,
    workspace: &'a Path,
    commit: &'a str,
}

impl Surroundings for Revision<'_> {
    fn manifest(&self, uses: &str) -> Result<Option<PluginManifest>, Problem> {
        // Other plugins are not of that commit: what they say now proves nothing, and what is not known is not checked.
        if uses.starts_with("builtin:") { self.outside.manifest(uses) } else { Ok(None) }
    }

    fn check_config(&self, _: &serde_json::Value, _: &serde_json::Value) -> Vec<Problem> {
        Vec::new()
    }

    fn check_gate(&self, gate: &PlannedGate, units: &BTreeMap<String, String>) -> Vec<Problem> {
        self.outside.check_gate(gate, units)
    }

    fn read(&self, path: &str) -> Result<String, Problem> {
        let path = format!("{}{path}", git::prefix(self.workspace));
        let bytes = git::file_at(self.workspace, self.commit, &path);
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| Problem {
            code: "workflow::file".to_owned(),
            message: format!("`{path}` is not in the base commit"),
            help: None,
            range: None,
            pointer: None,
        })
    }

    fn builtin_names(&self) -> Vec<String> {
        self.outside.builtin_names()
    }
}
