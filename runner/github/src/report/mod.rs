//! What a run tells GitHub, as data. It is rendered where it is posted, so that a bundle from an untrusted run holds no
//! Markdown.

pub mod history;
pub mod limits;
pub mod marker;
pub mod render;
pub mod snapshot;
#[cfg(test)]
pub(crate) mod tests;

use runner_engine::{
    event::{RunResult, StepResult},
    outcome::StepOutcome,
    policy::PolicyReport,
    record::RunRecord,
};
use runner_gate::verdict::Verdict;
use runner_store::Digest;
use runner_workflow::plan;
use serde::{Deserialize, Serialize};

/// Version of the shape of [`Report`].
pub const FORMAT: u32 = 1;

/// Bytes of a [`Report::key`] that is written as it is.
const LONGEST_KEY: usize = 500;

/// Everything a report is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Path of the workflow file from the root of the repository.
    pub path: String,
    /// The commit that was judged, 40 hex digits; none outside of a checkout.
    pub head_sha: Option<String>,
    /// What the workflow wants to be posted.
    pub settings: Settings,
    /// The run.
    pub run: RunRecord,
    /// What each stage needs, and where it deploys to; in the order of the stages of the run.
    pub stages: Vec<StageShape>,
    /// Where gates stand in the file.
    pub gate_lines: Vec<GateLine>,
    /// Where steps stand in the file.
    pub step_lines: Vec<StepLine>,
    /// Where the schemas say what findings are about.
    pub finding_places: Vec<FindingPlace>,
    /// The policy of the base and what became of it.
    pub policy: PolicyReport,
    /// What the numbers are compared with beside the references of gates.
    pub base: BaseFigures,
    /// Digest that somebody approves to let a held run go on; none where nothing is held.
    pub evidence: Option<String>,
    /// Page of the job.
    pub run_url: Option<String>,
}

/// What the workflow wants to be posted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether there is a comment.
    pub comment: bool,
    /// One for each run instead of one that is edited.
    pub comment_per_run: bool,
    /// When it is written.
    pub comment_on: Occasion,
    /// Whether there is a check run.
    pub check: bool,
}

/// When a comment is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// After every run.
    #[default]
    Always,
    /// Where the verdict or a judged number is another than last time.
    Change,
    /// Where it did not pass, or did not pass last time.
    Failure,
}

impl From<&plan::Report> for Settings {
    fn from(report: &plan::Report) -> Self {
        let comment = report.comment.unwrap_or_default();
        Self {
            comment: report.comment.is_some(),
            comment_per_run: comment.mode == plan::CommentMode::New,
            comment_on: match comment.on {
                plan::CommentOn::Always => Occasion::Always,
                plan::CommentOn::Change => Occasion::Change,
                plan::CommentOn::Failure => Occasion::Failure,
            },
            check: report.check,
        }
    }
}

/// A stage of the pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageShape {
    /// Its name.
    pub name: String,
    /// Indices of the stages it needs.
    pub needs: Vec<usize>,
    /// Environment it deploys to.
    pub environment: Option<String>,
}

/// Where a gate stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateLine {
    /// Its stage.
    pub stage: String,
    /// Its place among the gates of that stage, from 0.
    pub gate: usize,
    /// Line in the file, from 1; none for a gate of the base.
    pub line: Option<usize>,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepLine {
    /// Its id.
    pub step: String,
    /// Line in the file, from 1.
    pub line: usize,
}

/// Where a schema speaks of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingPlace {
    /// The step with the finding.
    pub step: String,
    /// The column it is about.
    pub column: String,
    /// Path of the schema from the root of the repository.
    pub path: String,
    /// Line in it, from 1.
    pub line: usize,
}

/// What the run of the base commit measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BaseFigures {
    /// There is no base.
    #[default]
    None,
    /// They were found.
    Found {
        /// `the store` or `its check run`.
        source: String,
        /// The base commit.
        commit: String,
        /// What was measured there.
        snapshot: Box<snapshot::Snapshot>,
    },
    /// They were looked for and are not there.
    Missing {
        /// The base commit.
        commit: String,
        /// Why, and what to do.
        why: String,
    },
}

/// The one word over a whole run, with everything that is no gate taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against it.
    Passed,
    /// It passed, and something should be seen.
    Warned,
    /// A person decides.
    Held,
    /// It did not pass.
    Failed,
    /// It could not be judged or could not run.
    Broken,
    /// Nothing was judged.
    Nothing,
}

impl Report {
    /// Where it stands.
    pub fn standing(&self) -> Standing {
        match self.run.result {
            Some(RunResult::Passed) => match self.run.verdict {
                Verdict::None | Verdict::Info => Standing::Nothing,
                Verdict::Pass => Standing::Passed,
                Verdict::Warn | Verdict::Waived => Standing::Warned,
                // A run that passed with a gate that blocks contradicts itself: it did not pass.
                Verdict::Inconclusive | Verdict::Hold | Verdict::Fail | Verdict::Error => Standing::Broken,
            },
            Some(RunResult::Held) => Standing::Held,
            Some(RunResult::GateFailed) if self.run.verdict == Verdict::Error => Standing::Broken,
            Some(RunResult::GateFailed | RunResult::StepFailed | RunResult::Denied | RunResult::TimedOut) => {
                Standing::Failed
            }
            Some(
                RunResult::Invalid | RunResult::Environment | RunResult::Cancelled | RunResult::Internal,
            )
            | None => Standing::Broken,
        }
    }

    /// What tells reports of different workflows on one pull request apart.
    pub fn key(&self) -> String {
        let key = format!("{}@{}", self.run.workflow, self.path);
        // It takes room from the report, and nobody reads it.
        if key.len() > LONGEST_KEY { Digest::of_bytes(key.as_bytes()).to_string() } else { key }
    }

    /// The same without what differs between two runs that found the same.
    fn without_occasion(&self) -> Self {
        let mut report = self.clone();
        report.run_url = None;
        report.run.run_id.clear();
        report.run.duration_ms = 0.0;
        for stage in &mut report.run.stages {
            stage.duration_ms = 0.0;
            for step in &mut stage.steps {
                step.duration_ms = 0.0;
            }
        }
        report
    }
}

/// How a step failed, in words; none where it did not.
pub(crate) fn failure(result: &StepResult) -> Option<String> {
    Some(match result {
        StepResult::Ran(StepOutcome::Succeeded) => return None,
        StepResult::Ran(StepOutcome::Failed { code: Some(code), message }) if message.is_empty() => {
            format!("exit code {code}")
        }
        StepResult::Ran(StepOutcome::Failed { code: Some(code), message }) => {
            format!("exit code {code}: {message}")
        }
        StepResult::Ran(StepOutcome::Failed { message, .. } | StepOutcome::Trapped { message }) => {
            message.clone()
        }
        StepResult::Ran(StepOutcome::Denied { capability, message }) => {
            format!("denied {capability}: {message}")
        }
        StepResult::Ran(outcome) => outcome.word().replace('-', " "),
        StepResult::Error { code, message, .. } => format!("{message} [{code}]"),
    })
}
