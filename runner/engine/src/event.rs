//! What happens in a run, as one stream of owned values. Everything that shows or records a run consumes it;
//! any report can be made again from `events.jsonl` alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    executor::{Finding, Metric, OutputStream},
    outcome::StepOutcome,
    references::ReferenceRecord,
};

/// One event of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// The run.
    pub run_id: String,
    /// Counts from 0 without gaps.
    pub seq: u64,
    /// Wall clock, UTC.
    pub timestamp: Timestamp,
    /// Milliseconds since the run started, from a monotonic clock.
    pub elapsed_ms: f64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum EventKind {
    /// First event of a run.
    RunStarted {
        /// Name of the workflow.
        workflow: String,
        /// Path of the file as given.
        file: String,
        /// SHA-256 of the source text, hex.
        workflow_digest: String,
        /// Version of the runner.
        runner_version: String,
        /// Commit of the workspace, if it is a git checkout.
        git_commit: Option<String>,
        /// Branch.
        git_branch: Option<String>,
        /// Whether tracked files differ from the commit.
        #[serde(default)]
        git_dirty: bool,
        /// Parameters as used.
        params: serde_json::Value,
        /// Stages that will be considered, in order, with the ids of their steps.
        stages: Vec<StageOutline>,
        /// Steps at once.
        jobs: usize,
    },
    /// A data set was identified.
    DataIdentified {
        /// Name under `data:`.
        name: String,
        /// Path in the workspace.
        path: String,
        /// `sha256:…` of the file, or of the sorted listing of a folder.
        digest: String,
        /// Bytes.
        size: u64,
    },
    /// A model to compare with was looked for.
    ReferenceResolved {
        /// What became of it.
        reference: ReferenceRecord,
    },
    /// A stage may start.
    StageStarted {
        /// Its name.
        stage: String,
    },
    /// A stage ended.
    StageFinished {
        /// Its name.
        stage: String,
        /// `passed`, `failed`, `held`, `skipped`, `cancelled`.
        result: StageResult,
        /// Milliseconds.
        duration_ms: f64,
    },
    /// An attempt of a step starts.
    StepStarted {
        /// Its id.
        step: String,
        /// Its stage.
        stage: String,
        /// Attempt, from 1.
        attempt: u32,
        /// `plugin`, `process`, …
        executor: String,
        /// Whether it runs in a sandbox.
        sandboxed: bool,
    },
    /// A step ended for good.
    StepFinished {
        /// Its id.
        step: String,
        /// Its stage.
        stage: String,
        /// Attempts it took.
        attempts: u32,
        /// How it ended; `Err` of an executor shows as `error`.
        result: StepResult,
        /// Milliseconds, all attempts.
        duration_ms: f64,
    },
    /// An attempt failed and another will follow.
    AttemptFailed {
        /// Its id.
        step: String,
        /// The attempt that failed.
        attempt: u32,
        /// How.
        result: StepResult,
        /// Wait before the next.
        delay_ms: u64,
    },
    /// A step does not run.
    StepSkipped {
        /// Its id.
        step: String,
        /// Its stage.
        stage: String,
        /// Why, in words.
        reason: String,
    },
    /// A step takes unusually long.
    StepSlow {
        /// Its id.
        step: String,
        /// Milliseconds so far.
        duration_ms: f64,
    },
    /// One line of output, masked.
    StepOutput {
        /// Its id.
        step: String,
        /// Which stream.
        stream: OutputStream,
        /// The line.
        line: String,
    },
    /// How far a step is.
    StepProgress {
        /// Its id.
        step: String,
        /// 0 to 1.
        fraction: f64,
        /// In words.
        message: String,
    },
    /// How far the fetching of an image is.
    ImageProgress {
        /// As the workflow names it.
        image: String,
        /// Bytes so far.
        done: u64,
        /// Bytes of the layers known so far.
        total: u64,
    },
    /// An image is there.
    ImageReady {
        /// Which, and what it is.
        image: ImageRecord,
        /// Milliseconds that it took.
        duration_ms: f64,
    },
    /// What the container of a step is made from.
    StepImage {
        /// Its id.
        step: String,
        /// The image.
        image: ImageRecord,
    },
    /// A step (or the host, from predictions) reports a metric.
    MetricReported {
        /// Its id.
        step: String,
        /// The metric.
        metric: Metric,
    },
    /// A step reports a finding.
    FindingReported {
        /// Its id.
        step: String,
        /// The finding.
        finding: Finding,
    },
    /// An output was stored.
    ArtifactPublished {
        /// Its id.
        step: String,
        /// Name of the output.
        output: String,
        /// `model`, `predictions`, …
        kind: runner_workflow::plan::Kind,
        /// File name.
        path: String,
        /// `sha256:…`.
        digest: String,
        /// Bytes.
        size: u64,
    },
    /// A gate was judged.
    GateEvaluated {
        /// Its stage.
        stage: String,
        /// The judgement with every number that decided it.
        judgement: runner_gate::verdict::Judgement,
    },
    /// A model was promoted (or the alias already pointed to it).
    Promoted {
        /// Its stage.
        stage: String,
        /// Registry name.
        model: String,
        /// Alias.
        alias: String,
        /// Version, such as 3.
        version: u64,
        /// `sha256:…` of the model.
        digest: String,
        /// Version the alias pointed to before.
        previous: Option<u64>,
    },
    /// The evidence of what was judged so far was written, over that of before.
    EvidenceRecorded {
        /// `sha256:…` of the file and object.
        digest: String,
        /// What it says.
        verdict: runner_gate::verdict::Verdict,
        /// Id of the key that signed it; none where nobody did.
        key: Option<String>,
    },
    /// A promotion was not made.
    PromotionRefused {
        /// Its stage.
        stage: String,
        /// Registry name.
        model: String,
        /// Alias.
        alias: String,
        /// Why, in words.
        reason: String,
    },
    /// Something a person should see that changes no verdict.
    Warning {
        /// Stable code.
        code: String,
        /// In words.
        message: String,
    },
    /// Last event of a run.
    RunFinished {
        /// How it ended.
        result: RunResult,
        /// Exit code of the process.
        exit_code: u8,
        /// Verdict over all gates: `pass`, `warn`, `fail`, `none`, …
        verdict: runner_gate::verdict::Verdict,
        /// The reason, where it did not pass: one line a person can act on.
        reason: Option<String>,
        /// Milliseconds.
        duration_ms: f64,
    },
}

/// An image that ran, or could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// As the workflow names it.
    pub image: String,
    /// Digest of the image itself, `sha256:…`: the same wherever it came from.
    pub id: String,
    /// Digest under which its registry keeps it, where it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_digest: Option<String>,
    /// How the engine came by it.
    pub origin: ImageOrigin,
}

/// How an engine came by an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageOrigin {
    /// It had it.
    Present,
    /// It was pulled for this run.
    Pulled,
    /// It was built for this run.
    Built,
}

/// A stage and its steps, for reports that draw the tree before anything ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageOutline {
    /// Name.
    pub name: String,
    /// Ids of its steps.
    pub steps: Vec<String>,
    /// Number of its gates.
    pub gates: usize,
}

/// How a step ended, errors included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// It ran.
    Ran(StepOutcome),
    /// It could not be run.
    Error {
        /// Stable code.
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        help: Option<String>,
    },
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageResult {
    /// Steps succeeded, gates allow what follows.
    Passed,
    /// A step failed or a gate failed.
    Failed,
    /// A gate holds or is inconclusive.
    Held,
    /// It did not run.
    Skipped,
    /// The run was stopped.
    Cancelled,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunResult {
    /// Everything asked for was done, and every gate allows it.
    Passed,
    /// A step failed.
    StepFailed,
    /// A gate failed or could not be judged.
    GateFailed,
    /// Held or inconclusive.
    Held,
    /// Refused by policy or capability.
    Denied,
    /// The workflow asks for something that cannot be.
    Invalid,
    /// The environment did not allow it, or this version cannot do it yet.
    Environment,
    /// A step ran out of time.
    TimedOut,
    /// Stopped by a person or a signal.
    Cancelled,
    /// A defect.
    Internal,
}

/// Serialises any `f64`, also those JSON has no number for.
pub mod any_float {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Finite values as numbers; `"NaN"`, `"Infinity"`, `"-Infinity"` as text.
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else if value.is_nan() {
            serializer.serialize_str("NaN")
        } else if *value > 0.0 {
            serializer.serialize_str("Infinity")
        } else {
            serializer.serialize_str("-Infinity")
        }
    }

    /// The reverse.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match &value {
            serde_json::Value::Number(number) => {
                number.as_f64().ok_or_else(|| D::Error::custom("not a number"))
            }
            serde_json::Value::String(text) => match text.as_str() {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(D::Error::custom("not a number")),
            },
            _ => Err(D::Error::custom("not a number")),
        }
    }
}
