//! A report in a folder, carried from a job without rights to one that has them.
//!
//! The job that made it ran the code of whoever opened the pull request. So nothing in it is believed that GitHub
//! itself can tell (which commit, which pull request), nothing of it is rendered before it is here, and everything that
//! contradicts itself is refused.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use runner_engine::{
    conclusion::exit_code,
    event::RunResult,
    policy::{PolicyBase, PolicyReport},
};
use runner_gate::verdict::Verdict;

use crate::{
    approve,
    client::{ApiError, Client},
    event::{PullRequest, WorkflowRunEvent},
    post::Target,
    report::{FORMAT, Report},
};

/// The one file of a bundle.
pub const FILE: &str = "report.json";
/// Bytes of that file.
pub const LARGEST: u64 = 4 * 1024 * 1024;
/// Stages, steps of a stage, gates of a stage, rules of a gate.
const MOST: usize = 10_000;

/// Characters of the id of a run.
const LONGEST_ID: usize = 100;

/// Why a bundle is not posted.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what a bundle is.
    #[error("the bundle {} is refused: {why}", path.display())]
    Refused {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// GitHub could not be asked.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Write a bundle; the folder is made where it is missing. What is there already stays, but for an older bundle.
pub fn write(folder: &Path, report: &Report) -> Result<PathBuf, BundleError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| BundleError::Io { path, source }
    };
    fs::create_dir_all(folder).map_err(at(folder))?;
    let file = folder.join(FILE);
    let json = fitting(report);
    let temporary = folder.join(format!(".{FILE}.tmp"));
    let mut out = File::create(&temporary).map_err(at(&temporary))?;
    out.write_all(&json).and_then(|()| out.sync_all()).map_err(at(&temporary))?;
    fs::rename(&temporary, &file).map_err(at(&file))?;
    Ok(file)
}

/// As JSON of at most [`LARGEST`] bytes: findings and metrics go before verdicts do.
fn fitting(report: &Report) -> Vec<u8> {
    let encode = |report: &Report| serde_json::to_vec_pretty(report).unwrap_or_default();
    let fits = |json: &[u8]| json.len() as u64 <= LARGEST;
    let mut json = encode(report);
    let mut report = report.clone();
    for kept in [100, 10, 0] {
        if fits(&json) {
            break;
        }
        for step in report.run.stages.iter_mut().flat_map(|stage| &mut stage.steps) {
            step.findings.truncate(kept);
            step.metrics.truncate(kept);
            step.artifacts.truncate(kept);
        }
        report.finding_places.truncate(kept);
        json = encode(&report);
    }
    json
}

/// Read a bundle that somebody else made.
pub fn read(folder: &Path) -> Result<Report, BundleError> {
    let refuse = |why: String| BundleError::Refused { path: folder.to_path_buf(), why };
    let io = |source| BundleError::Io { path: folder.to_path_buf(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)?.take(10) {
        entries.push(entry.map_err(io)?.file_name());
    }
    if entries != [FILE] {
        return Err(refuse(format!("it holds {} entries, not just `{FILE}`", entries.len())));
    }
    let path = folder.join(FILE);
    let metadata = fs::symlink_metadata(&path).map_err(io)?;
    if !metadata.is_file() {
        return Err(refuse(format!("`{FILE}` is not a regular file")));
    }
    if metadata.len() > LARGEST {
        return Err(refuse(format!("`{FILE}` has {} bytes, more than {LARGEST}", metadata.len())));
    }
    let mut json = Vec::new();
    File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut json)).map_err(io)?;
    if json.len() as u64 > LARGEST {
        return Err(refuse(format!("`{FILE}` has more than {LARGEST} bytes")));
    }
    let report: Report = serde_json::from_slice(&json)
        .map_err(|error| refuse(format!("`{FILE}` is not a report: {error}")))?;
    check(&report).map_err(refuse)?;
    Ok(report)
}

/// What contradicts itself or is beyond all bounds.
fn check(report: &Report) -> Result<(), String> {
    if report.format != FORMAT {
        return Err(format!("its format is {}, and this version reads {FORMAT}", report.format));
    }
    match report.head_sha.as_deref() {
        Some(sha) if matches!(sha.len(), 40 | 64) && sha.bytes().all(|byte| byte.is_ascii_hexdigit()) => {}
        _ => return Err("it does not say which commit was judged".to_owned()),
    }
    let run = &report.run;
    let plain = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if run.run_id.is_empty() || run.run_id.len() > LONGEST_ID || !plain(&run.run_id) {
        return Err("its run has no id that could be one".to_owned());
    }
    if report.evidence.as_ref().is_some_and(|digest| digest.parse::<runner_store::Digest>().is_err()) {
        return Err("the digest of its evidence is none".to_owned());
    }
    let stages = &run.stages;
    let too_many = stages.len() > MOST
        || stages.iter().any(|stage| {
            stage.steps.len() > MOST
                || stage.gates.len() > MOST
                || stage.gates.iter().any(|gate| gate.rules.len() > MOST)
        });
    if too_many {
        return Err(format!("it has more than {MOST} stages, steps, gates or rules"));
    }
    let judged = stages.iter().flat_map(|stage| &stage.gates).map(|gate| gate.verdict).max();
    if run.verdict != judged.unwrap_or(Verdict::None) {
        return Err(format!("its verdict is {}, and its gates say {:?}", run.verdict, judged));
    }
    let worse = |gate: &runner_gate::verdict::Judgement| {
        gate.rules.iter().any(|rule| rule.verdict.blocks()) && gate.verdict < Verdict::Warn
    };
    if stages.iter().flat_map(|stage| &stage.gates).any(worse) {
        return Err("a gate says that it passed, and one of its rules does not".to_owned());
    }
    if run.result.map(exit_code) != run.exit_code {
        return Err("its exit code is not that of its result".to_owned());
    }
    if run.result == Some(RunResult::Passed) && (run.verdict.blocks() || report.policy.waits()) {
        return Err("it says that it passed, and something in it does not let it".to_owned());
    }
    let digest = PolicyReport::new(PolicyBase::None, report.policy.changes.clone()).digest;
    if digest != report.policy.digest {
        return Err("the digest of its policy changes is not that of its policy changes".to_owned());
    }
    Ok(())
}

/// Whether a bundle belongs to the run of the workflow that this event tells of, and where its report goes.
///
/// What GitHub says replaces what the bundle says.
pub async fn adopt(
    folder: &Path,
    client: &Client,
    event: &WorkflowRunEvent,
    mut report: Report,
    approvers: &[String],
) -> Result<(Report, Target), BundleError> {
    let refuse = |why: String| BundleError::Refused { path: folder.to_path_buf(), why };
    let run = &event.workflow_run;
    if report.head_sha.as_deref() != Some(run.head_sha.as_str()) {
        return Err(refuse(format!(
            "it is about commit {}, and the workflow ran on {}",
            report.head_sha.as_deref().unwrap_or("none"),
            run.head_sha
        )));
    }
    report.run_url.clone_from(&run.html_url);
    // Nobody who may not deploy tells that something was deployed.
    for stage in &mut report.stages {
        stage.environment = None;
    }
    let pull = pull_request(client, event).await?;
    if run.event.starts_with("pull_request") {
        judged_by_the_base(&report.policy.base, pull.as_ref()).map_err(refuse)?;
    }
    let pull_request = pull.as_ref().map(|pull| pull.number);
    if let (Some(_), Some(digest)) = (&report.policy.approval, &report.policy.digest) {
        // Approvals are read from where they were said.
        let found = match pull {
            Some(pull) => {
                let now = jiff::Timestamp::now();
                approve::find(client, pull.number, pull.user.as_ref(), digest, approvers, now).await?
            }
            None => approve::Found::default(),
        };
        report.policy.approval = found.approval;
        if report.policy.waits() {
            let why =
                "it says that its policy changes were approved, and no comment on the pull request does that";
            return Err(refuse(why.to_owned()));
        }
    }
    let target = Target { pull_request, job_conclusion: Some(run.conclusion.clone().unwrap_or_default()) };
    Ok((report, target))
}

/// Whether the policy of the base counted. The workflow is on the default branch, so a base without it is not believed.
fn judged_by_the_base(base: &PolicyBase, pull: Option<&PullRequest>) -> Result<(), String> {
    let judged = match base {
        PolicyBase::Commit(commit)
        | PolicyBase::Moved { commit, .. }
        | PolicyBase::Unreadable { commit, .. } => commit,
        PolicyBase::None => {
            return Err("it was not judged by the policy of the pull request's base".to_owned());
        }
        PolicyBase::NewWorkflow(commit) => {
            return Err(format!(
                "it says that base {commit} has no such workflow, and the default branch has it"
            ));
        }
    };
    match pull {
        Some(pull) if pull.base.sha != *judged => Err(format!(
            "it was judged by the policy of {judged}, and the base of pull request {} is {}",
            pull.number, pull.base.sha
        )),
        _ => Ok(()),
    }
}

/// The open pull request with exactly this commit of exactly this repository.
async fn pull_request(client: &Client, event: &WorkflowRunEvent) -> Result<Option<PullRequest>, ApiError> {
    let run = &event.workflow_run;
    if !run.event.starts_with("pull_request") {
        return Ok(None);
    }
    if let [pull] = run.pull_requests.as_slice()
        && pull.head.sha == run.head_sha
    {
        // The event names it, but not who opened it.
        let pull: PullRequest = client.get(&client.repo(&format!("pulls/{}", pull.number))).await?;
        return Ok((pull.head.sha == run.head_sha).then_some(pull));
    }
    // GitHub names no pull requests of forks there.
    let owner = run.head_repository.as_ref().and_then(|repository| {
        let owner = repository.owner.as_ref().map(|owner| owner.login.as_str());
        owner.or_else(|| repository.full_name.as_deref()?.split('/').next())
    });
    let (Some(owner), Some(branch)) = (owner, run.head_branch.as_deref()) else { return Ok(None) };
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let head = encode(&format!("{owner}:{branch}"));
    let pulls: Vec<PullRequest> =
        client.get(&client.repo(&format!("pulls?state=open&head={head}&per_page=100"))).await?;
    let repository = run.head_repository.as_ref().map(|repository| repository.id);
    let fits = |pull: &PullRequest| {
        pull.head.sha == run.head_sha && pull.head.repo.as_ref().map(|repo| repo.id) == repository
    };
    Ok(pulls.into_iter().find(fits))
}

#[cfg(test)]
mod tests;
