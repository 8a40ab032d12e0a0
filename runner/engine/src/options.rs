//! What a run is given, and what it gives back.

use std::{collections::BTreeMap, fmt, io, path::PathBuf, sync::Arc, time::Duration};

use runner_gate::verdict::Verdict;
use runner_store::{
    Registry, RunId, Store,
    signing::{PublicKey, SigningKey},
};
use runner_workflow::plan::Plan;

use crate::{
    cancel::CancelSignal,
    event::{RunEvent, RunResult},
    executor::Executor,
    policy::Withheld,
    record::RunRecord,
    resources::Machine,
    waiver::Waiver,
};

/// The commit of each revision that a workflow names in `git:REF`, or why there is none.
pub type Revisions = BTreeMap<String, Result<String, String>>;

/// Everything one run needs. The engine reads neither the environment nor the home folder: whoever calls it does.
pub struct RunOptions {
    /// What to run.
    pub plan: Arc<Plan>,
    /// Path of the workflow file as given, for records and messages.
    pub file: String,
    /// SHA-256 of its source text, hex.
    pub workflow_digest: String,
    /// Folder that paths of the workflow are relative to, and where `run:` starts.
    pub workspace: PathBuf,
    /// Where objects and records go.
    pub store: Store,
    /// What runs steps; the first one that accepts an action gets it.
    pub executors: Vec<Arc<dyn Executor>>,
    /// Steps at once; by default the number of processors.
    pub jobs: Option<usize>,
    /// What steps share; by default nothing is known, and nothing shared out.
    pub machine: Machine,
    /// `--stage`: only these stages, and those whose outputs their steps need.
    pub stages: Vec<String>,
    /// `--until`: this stage and everything before it.
    pub until: Option<String>,
    /// Payload of the event that started the run, for `event.*`; an empty object if none.
    pub event: serde_json::Value,
    /// State of the git checkout, for `git.*`, lineage and records.
    pub git: GitState,
    /// Commits of the revisions that `baseline:` names.
    pub revisions: Revisions,
    /// The registry; the one in the store if none.
    pub registry: Option<Registry>,
    /// Who runs it, for the history of the registry: a person or a CI system.
    pub actor: Option<String>,
    /// Signs the evidence; without it the evidence is not signed, and nothing accepts it.
    pub signing_key: Option<Arc<SigningKey>>,
    /// Whose evidence of earlier runs is accepted.
    pub trusted_keys: Vec<PublicKey>,
    /// Recorded waivers of gates.
    pub waivers: Vec<Waiver>,
    /// Values to mask wherever a string leaves the engine.
    pub secrets: Vec<SecretValue>,
    /// Why it must not pass and promotes nothing, whatever its gates say: changes of policy that nobody approved.
    pub withheld: Vec<Withheld>,
    /// Stops the run.
    pub cancel: CancelSignal,
    /// How long a step may take to end after it was asked to.
    pub grace: Duration,
    /// How long steps may go on altogether after a cancellation, where their `if:` asks for that.
    pub after_cancel: Duration,
    /// A step that runs longer than this is reported as slow, once.
    pub slow_after: Duration,
    /// Who shows or records the run, beside the recorder of `events.jsonl`.
    pub consumers: Vec<Box<dyn EventConsumer>>,
    /// Identifier of the run; made from the time if none.
    pub run_id: Option<RunId>,
    /// Version of the runner, for records.
    pub runner_version: String,
}

impl RunOptions {
    /// Options with which nothing is filtered, nothing is secret and nobody watches.
    #[must_use]
    pub fn new(plan: Arc<Plan>, workspace: PathBuf, store: Store) -> Self {
        Self {
            plan,
            file: String::new(),
            workflow_digest: String::new(),
            workspace,
            store,
            executors: Vec::new(),
            jobs: None,
            machine: Machine::default(),
            stages: Vec::new(),
            until: None,
            event: serde_json::Value::Object(serde_json::Map::new()),
            git: GitState::default(),
            revisions: Revisions::new(),
            registry: None,
            actor: None,
            signing_key: None,
            trusted_keys: Vec::new(),
            waivers: Vec::new(),
            secrets: Vec::new(),
            withheld: Vec::new(),
            cancel: CancelSignal::new(),
            grace: Duration::from_secs(5),
            after_cancel: Duration::from_mins(5),
            slow_after: Duration::from_mins(1),
            consumers: Vec::new(),
            run_id: None,
            runner_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("file", &self.file)
            .field("workspace", &self.workspace)
            .field("jobs", &self.jobs)
            .field("stages", &self.stages)
            .field("until", &self.until)
            .field("secrets", &self.secrets)
            .field("run_id", &self.run_id)
            .finish_non_exhaustive()
    }
}

/// State of the git checkout that holds the workspace. All empty outside of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GitState {
    /// Full hash of the commit.
    pub commit: Option<String>,
    /// Branch, if one is checked out.
    pub branch: Option<String>,
    /// Tag of the commit, if there is one.
    pub tag: Option<String>,
    /// Whether tracked files differ from the commit.
    pub dirty: bool,
}

/// A value that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue {
    /// Name under `secrets:`, which may be shown.
    pub name: String,
    /// The value.
    pub value: String,
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretValue").field("name", &self.name).field("value", &"***").finish()
    }
}

/// Something that shows or records a run.
///
/// Each consumer has a bounded queue and a thread of its own. One that fails, or that falls so far behind that its
/// queue is full, is dropped with one warning to the others; it never fails or slows the run. Lines of output
/// ([`StepOutput`](crate::event::EventKind::StepOutput)) and progress may be left out for one that is slow, with a
/// notice; `events.jsonl` has them all.
pub trait EventConsumer: Send {
    /// A word for warnings, such as `terminal`.
    fn name(&self) -> &'static str;

    /// One event. Events arrive in order.
    fn consume(&mut self, event: &RunEvent) -> io::Result<()>;

    /// Called after a burst of events, before it waits for more: the time to show what was kept together.
    fn rest(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Called once after the last event.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// Its identifier.
    pub run_id: String,
    /// How it ended.
    pub result: RunResult,
    /// Exit code of the process.
    pub exit_code: u8,
    /// Verdict over all gates.
    pub verdict: Verdict,
    /// The reason where it did not pass.
    pub reason: Option<String>,
    /// The record, as written to `run.json`; none only where a defect lost it.
    pub record: Option<RunRecord>,
    /// What went wrong after the last event and is therefore in no record: a report that could not be finished, a
    /// record that could not be written.
    pub problems: Vec<String>,
}

/// A run that could not even be recorded, or was asked for something that does not exist.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// `--stage` or `--until` names no stage.
    #[error("no stage is called `{name}`; the workflow has {}", known.join(", "))]
    UnknownStage {
        /// As given.
        name: String,
        /// Stages of the workflow.
        known: Vec<String>,
    },
    /// The workspace cannot be used.
    #[error("cannot use the workspace {}: {source}", path.display())]
    Workspace {
        /// As given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The run cannot be recorded.
    #[error("cannot record the run: {0}")]
    Record(String),
}

impl EngineError {
    /// Exit code of the process, as for a run that ended this way.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownStage { .. } => 2,
            Self::Workspace { .. } | Self::Record(_) => 6,
        }
    }
}
