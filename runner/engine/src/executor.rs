//! The contract that everything that can run a step honours.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use indexmap::IndexMap;
use runner_workflow::plan::{Action, Allow, Kind, Limits, PlannedStep, Resources, Service};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{event::ImageRecord, outcome::StepOutcome};

/// A step could not be run (or prepared). Unlike an outcome, this says nothing about the step's work.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ExecutorError {
    /// What class of inability it is; decides the exit code.
    pub class: ErrorClass,
    /// Stable code, such as `plugin::not-found`.
    pub code: &'static str,
    /// What happened, in one sentence with names and paths.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Classes of inability, each with its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The workflow asks for something that cannot be (exit code 2).
    Usage,
    /// Policy, capability or lock (exit code 5).
    Denied,
    /// The environment: a plugin or shell not found, a full disk, a dead daemon (exit code 6).
    Environment,
    /// A defect of the runner itself (exit code 70).
    Internal,
}

/// One input or output of an attempt, on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// What it holds.
    pub kind: Kind,
    /// Inputs: the file or folder itself (inputs that are files stand alone in a folder of their own, so that the
    /// folder can be shown to a sandbox without showing anything else). Outputs: where to write.
    pub path: PathBuf,
    /// Whether `path` is (inputs) a folder.
    pub is_dir: bool,
}

/// Everything one attempt needs. Templates and expressions are evaluated already.
#[derive(Debug, Clone)]
pub struct StepRequest {
    /// `fit` or `fit[seed=0]`.
    pub step: String,
    /// Name of the stage.
    pub stage: String,
    /// Attempt, from 1.
    pub attempt: u32,
    /// What runs. The executor that `accepts` it gets it.
    pub action: Action,
    /// Values of the script's variables, for `run:`.
    pub script_variables: Vec<(String, String)>,
    /// `with:` as JSON.
    pub config: serde_json::Value,
    /// Inputs by name.
    pub inputs: IndexMap<String, Binding>,
    /// Outputs by name. All lie below `out_dir`.
    pub outputs: IndexMap<String, Binding>,
    /// Folder of all outputs, empty at the start, private to this attempt.
    pub out_dir: PathBuf,
    /// Scratch folder, private to this attempt; may not exist yet.
    pub scratch_dir: PathBuf,
    /// The workspace (current folder of `run:`).
    pub workspace: PathBuf,
    /// Declared environment of the step, evaluated.
    pub env: IndexMap<String, String>,
    /// Deadline of this attempt.
    pub timeout: Option<Duration>,
    /// Caps.
    pub limits: Limits,
    /// Grants.
    pub allow: Allow,
    /// Resources asked for.
    pub resources: Resources,
    /// Containers beside the steps of its stage.
    pub services: Vec<Service>,
    /// Seed.
    pub seed: u64,
}

/// Bytes of one line of output at most. An executor passes on a longer line in pieces of at least this size (and less
/// than twice that), the last one shorter; the sink then knows that a secret may go on in the next piece.
pub const MAX_LINE: usize = 64 * 1024;

/// Which stream a line of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The log call of a plugin.
    Log,
}

/// A number reported by a step. JSON cannot hold NaN or infinities: they are written as `"NaN"`, `"Infinity"`, `"-Infinity"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// `snake_case`.
    pub name: String,
    /// As reported; not checked for being finite.
    #[serde(with = "crate::event::any_float")]
    pub value: f64,
    /// Columns and values of its slice; empty for the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slice: Vec<(String, String)>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warning,
    /// Wrong.
    Error,
}

/// One thing wrong with, or notable about, the data or the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code of the rule.
    pub rule: String,
    /// For people.
    pub message: String,
    /// Input it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Row numbers from 1 without the header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u64>,
    /// Example values, in the order of `rows`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// Rows concerned.
    #[serde(default)]
    pub count: u64,
}

/// Where an attempt reports to while it runs. Calls never block for long and never fail: the engine masks secrets,
/// counts, cuts and records. May be called from any thread.
pub trait StepSink: Send + Sync {
    /// One line of output without its line end; bytes that are not UTF-8 are replaced by the caller.
    fn output(&self, stream: OutputStream, line: &str);
    /// How far the work is, 0 to 1.
    fn progress(&self, fraction: f64, message: &str);
    /// A metric.
    fn metric(&self, metric: Metric);
    /// A finding.
    fn finding(&self, finding: Finding);
    /// What its container is made from.
    fn image(&self, _image: &ImageRecord) {}
}

/// Where an executor reports what concerns the run and no single attempt. Calls never block for long and never fail.
pub trait RunNotes: Send + Sync {
    /// How far the fetching of an image is, in bytes.
    fn image_progress(&self, image: &str, done: u64, total: u64);
    /// An image is there, and how long that took.
    fn image(&self, image: &ImageRecord, took: Duration);
    /// Something a person should see that changes no verdict.
    fn warning(&self, code: &'static str, message: String);
}

/// Something that can run steps.
///
/// The contract, which [`contract`](crate::contract) tests for every implementation:
///
/// 1. `prepare` is called once for each step it accepts, before any step of the run starts, possibly for several steps
///    at once. It does all that can be refused early: finding, pulling, compiling, checking grants. It may leave slow
///    work going in the background, as long as `execute` waits for it.
/// 2. `execute` is called once per attempt, for different attempts at the same time. When it returns, nothing of the
///    attempt is left running, however it ended. Dropping its future has the same effect, as soon as possible.
/// 3. A step that ran and failed is `Ok(outcome)`. `Err` means that it could not be run.
/// 4. When `cancel` fires, it ends soon with [`StepOutcome::Cancelled`]; that is read from the token, never guessed from
///    an error. A `timeout` ends as [`StepOutcome::TimedOut`], and everything the attempt started is stopped.
/// 5. It writes below `out_dir` and `scratch_dir` only. Whether declared outputs are there is checked by the engine.
/// 6. `teardown` is called exactly once per run, after failure and cancellation too. It is idempotent.
#[async_trait]
pub trait Executor: Send + Sync {
    /// `plugin`, `process`, `container`, `scripted`, …
    fn name(&self) -> &'static str;

    /// Whether it runs this kind of action.
    fn accepts(&self, action: &Action) -> bool;

    /// The run begins: called once, before anything else. What concerns no single attempt goes to `notes`.
    fn begin(&self, _run_id: &str, _notes: Arc<dyn RunNotes>) {}

    /// Do all that can be refused before anything runs.
    async fn prepare(&self, step: &PlannedStep) -> Result<(), ExecutorError>;

    /// Digest of what it runs for an action, such as `sha256:…` of a plugin or of an image; to be asked after `prepare`.
    /// None where there is no such thing, as for a command on the host.
    fn identity(&self, action: &Action) -> Option<String> {
        let _ = action;
        None
    }

    /// Run one attempt.
    async fn execute(
        &self,
        request: StepRequest,
        sink: Arc<dyn StepSink>,
        cancel: CancellationToken,
    ) -> Result<StepOutcome, ExecutorError>;

    /// A stage has ended, and no more attempts of it follow: release what is held for it.
    async fn stage_ended(&self, _stage: &str) {}

    /// Release everything held for the run.
    async fn teardown(&self) -> Result<(), ExecutorError>;
}
