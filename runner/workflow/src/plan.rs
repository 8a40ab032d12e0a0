//! The plan: everything the engine needs to run a workflow, with nothing left to look up or to doubt.
//!
//! Matrices are expanded, references resolved to indices, durations and sizes turned into units. What is only known
//! while running (`steps.*`, `event`, `git`) stays as typed [`Expr`] and [`Template`].

use std::{fmt, ops::Range, time::Duration};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::expr::{Expr, Template};

mod container;
mod occasion;

pub use container::{Container, ImageSource, Pull, Ready, Service};
pub use occasion::{Comment, CommentMode, CommentOn, Patterns, Report, Trigger};

/// What a named input or output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Rows of examples.
    Dataset,
    /// A trained model.
    Model,
    /// One row per scored example.
    Predictions,
    /// Named numbers.
    Metrics,
    /// Results of tests (`JUnit` XML).
    Tests,
    /// Something for people to read.
    Report,
    /// Any bytes; connects to every kind.
    Any,
}

impl Kind {
    /// Whether an output of kind `self` may feed an input of kind `wanted`.
    #[must_use]
    pub fn connects_to(self, wanted: Self) -> bool {
        self == wanted || self == Self::Any || wanted == Self::Any
    }
}

/// A step with its matrix cell, printed as `fit` or `fit[seed=0]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepId {
    /// The `id:` of the step, unique in the file.
    pub name: String,
    /// Matrix keys and values as text, in the order of the matrix; empty without a matrix.
    pub cell: Vec<(String, String)>,
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (i, (key, value)) in self.cell.iter().enumerate() {
            write!(f, "{}{key}={value}", if i == 0 { '[' } else { ',' })?;
        }
        if self.cell.is_empty() { Ok(()) } else { f.write_str("]") }
    }
}

/// Index of a step in [`Plan::steps`].
pub type StepIndex = usize;
/// Index of a stage in [`Plan::stages`].
pub type StageIndex = usize;

/// A checked workflow, ready to run.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// `name:` of the workflow, or the file's stem.
    pub name: String,
    /// Parameters after `params:`, its file and the command line.
    pub params: IndexMap<String, serde_json::Value>,
    /// Data sets by name.
    pub data: IndexMap<String, DataSet>,
    /// Direction and unit of metrics, for reports.
    pub metrics: IndexMap<String, MetricDeclaration>,
    /// Model to compare with.
    pub baseline: Option<Baseline>,
    /// Secrets to resolve, mask and (for plugins) inject at egress.
    pub secrets: IndexMap<String, Secret>,
    /// What the workflow tolerates.
    pub policy: Policy,
    /// Events that start it; none where it has no `on:`, so that every event does.
    pub triggers: Option<Vec<Trigger>>,
    /// What a run that answers an event tells GitHub.
    pub report: Report,
    /// Defaults of gates.
    pub gate_defaults: GateDefaults,
    /// Stages in the order of the file.
    pub stages: Vec<PlannedStage>,
    /// All steps of all stages, cells expanded; stages refer to them by index.
    pub steps: Vec<PlannedStep>,
    /// Keys used by this workflow that this version parses and checks but cannot carry out yet.
    /// Running a plan where this is not empty ends with exit code 6.
    pub unavailable: Vec<Unavailable>,
}

/// Something the language knows and this version cannot do yet.
#[derive(Debug, Clone, Serialize)]
pub struct Unavailable {
    /// The key, such as `container`.
    pub key: String,
    /// Where it stands in the source text, in bytes.
    pub span: Range<usize>,
    /// Index of the step or stage concerned, to leave it out when `--stage`/`--until` does not reach it.
    pub stage: Option<StageIndex>,
}

/// A named data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataSet {
    /// Relative to the workspace: a file or a folder.
    pub path: String,
    /// Column that identifies a row.
    pub id: Option<String>,
    /// Column of the true label.
    pub label: Option<String>,
}

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Larger is better.
    Higher,
    /// Smaller is better.
    Lower,
}

/// How a metric is shown, and whether `pp` makes sense for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricDeclaration {
    /// For arrows in reports; never consulted by a verdict.
    pub better: Option<Better>,
    /// `fraction`, `ms`, `MB`, …
    pub unit: Option<String>,
}

/// `baseline:` as written; resolving it is the registry's work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    /// `registry:NAME@ALIAS`, `git:REF`, `run:ID` or `file:PATH`.
    pub model: String,
    /// `same-run` or `stored`.
    pub evaluate: Option<String>,
    /// `rubber-stamp` where a first promotion is allowed without a baseline.
    pub first: Option<String>,
    /// A second, slower reference.
    pub anchor: Option<String>,
}

impl Baseline {
    /// The word of `first` that allows a first promotion without a baseline.
    pub const RUBBER_STAMP: &str = "rubber-stamp";

    /// Whether a first promotion is allowed without a baseline.
    #[must_use]
    pub fn allows_rubber_stamp(&self) -> bool {
        self.first.as_deref() == Some(Self::RUBBER_STAMP)
    }
}

/// A secret and where it may go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Secret {
    /// `env:NAME` or `file:PATH`.
    pub from: String,
    /// Header template that the host adds at egress.
    pub inject: Option<String>,
    /// The one origin it may go to.
    pub to: Option<String>,
}

/// `allow`, `warn` or `deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyLevel {
    /// Say nothing.
    Allow,
    /// Say so in every report.
    #[default]
    Warn,
    /// Refuse to run (exit code 5).
    Deny,
}

/// What the workflow tolerates.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Policy {
    /// Who may approve on GitHub: logins, and teams as `ORGANISATION/TEAM`; empty for everybody who may push.
    pub approvers: Vec<String>,
    /// Steps that run on the host without a sandbox.
    pub host_steps: PolicyLevel,
    /// Plugins from outside the binary and the workspace without a signature.
    pub unsigned_plugins: PolicyLevel,
}

/// `defaults.gates:` — applied to every gate that does not say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GateDefaults {
    /// One-sided confidence, such as 0.95.
    pub confidence: Option<f64>,
    /// Fewer samples are inconclusive.
    pub min_samples: Option<u64>,
}

/// A stage with its steps, gates and promotion.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedStage {
    /// Key under `stages:`.
    pub name: String,
    /// Stages that must have finished, with gates that allow it.
    pub needs: Vec<StageIndex>,
    /// `if:`.
    pub condition: Option<Expr>,
    /// Name of the environment it deploys to.
    pub environment: Option<String>,
    /// Containers beside its steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// `matrix.max-parallel`.
    pub max_parallel: Option<usize>,
    /// Its steps, cells expanded, in the order of the file.
    pub steps: Vec<StepIndex>,
    /// Its gates; none means verdict NONE.
    pub gates: Vec<PlannedGate>,
    /// What to promote once the gates pass.
    pub promote: Option<Promotion>,
    /// Bytes of its key in the source text.
    pub span: Range<usize>,
}

/// A gate as written. Its grammar belongs to the gate crate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedGate {
    /// Where it was written in one line: the text. For a one-key map `id: rule`: `id: rule` joined.
    pub line: Option<String>,
    /// Where it was written as a mapping: the mapping as JSON with the keys of the file.
    pub mapping: Option<serde_json::Value>,
    /// Bytes of the gate in the source text.
    pub span: Range<usize>,
    /// Line in the source file, from 1, for annotations; 0 for a gate of another revision that is judged here too.
    pub line_number: usize,
    /// What such a gate of another revision is judged by, in place of what this plan says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<Box<GateFrame>>,
}

/// What decides beside its text how a gate is judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GateFrame {
    /// Defaults of gates.
    pub defaults: GateDefaults,
    /// Units and directions.
    pub metrics: IndexMap<String, MetricDeclaration>,
    /// Whether a first promotion is allowed without a baseline.
    pub rubber_stamp: bool,
}

/// `promote:`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Promotion {
    /// The step output that is promoted.
    pub model: OutputRef,
    /// Model name in the registry.
    pub registry: String,
    /// Alias that will point to it.
    pub alias: String,
    /// How many versions keep their bytes.
    pub keep: Option<u32>,
}

/// One output of one step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct OutputRef {
    /// The step.
    pub step: StepIndex,
    /// Name of its output.
    pub output: String,
}

/// One step, one cell.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedStep {
    /// Name and cell.
    pub id: StepId,
    /// Stage it belongs to.
    pub stage: StageIndex,
    /// What runs.
    pub action: Action,
    /// Configuration with templates at its string leaves; always an object.
    pub with: ConfigTemplate,
    /// Inputs by name.
    pub inputs: IndexMap<String, Source>,
    /// Outputs by name, those of the plugin's manifest included.
    pub outputs: IndexMap<String, Output>,
    /// Environment of the step (workflow `env:`, then its own).
    pub env: IndexMap<String, Template>,
    /// Steps of any stage that must have finished, from references and `needs:`; stage order comes on top.
    pub after: Vec<StepIndex>,
    /// `if:`.
    pub condition: Option<Expr>,
    /// Attempts after a failure.
    pub retry: Retry,
    /// Deadline of one attempt.
    pub timeout: Option<Duration>,
    /// Caps of the sandbox.
    pub limits: Limits,
    /// What the step is granted beyond its inputs and outputs.
    pub allow: Allow,
    /// What it needs of the machine.
    pub resources: Resources,
    /// Seed of its randomness: `with.seed` is the plugin's own business, this is the contract's.
    pub seed: u64,
    /// Matrix values of its cell, typed, for expressions.
    pub matrix: IndexMap<String, serde_json::Value>,
    /// Top-level parameters that any of its expressions use.
    pub params_used: Vec<String>,
    /// Bytes of the step's `id` (or its first key) in the source text.
    pub span: Range<usize>,
    /// Line in the source file, from 1.
    pub line_number: usize,
}

/// What a step runs. Exactly one.
#[derive(Debug, Clone, Serialize)]
pub enum Action {
    /// `uses:` a plugin: `builtin:NAME`, `./path.wasm`, `https://…#sha256=…`, `oci://…`.
    Plugin {
        /// The reference as written.
        uses: String,
    },
    /// `container:` an image, with an optional `run:`.
    Container {
        /// The image, and how it is started.
        container: Box<Container>,
        /// Command for the shell inside.
        run: Option<Script>,
    },
    /// `run:` on the host, without a sandbox.
    Process {
        /// Command for the shell.
        run: Script,
    },
}

/// Shell text in which every `${{ }}` was replaced by a reference to a variable, so that no value is ever spliced into
/// shell text.
#[derive(Debug, Clone, Serialize)]
pub struct Script {
    /// Text for the shell, such as `python train.py --lr "$RUNNER_EXPR_1"`.
    pub text: String,
    /// The variables it refers to.
    pub variables: Vec<(String, Expr)>,
    /// Interpreter and its flags; default `bash -euo pipefail -c` or, without bash, `sh -eu -c`.
    pub shell: Option<Vec<String>>,
}

/// A JSON value whose strings may hold expressions.
#[derive(Debug, Clone, Serialize)]
pub enum ConfigTemplate {
    /// `null`, a boolean or a number.
    Scalar(serde_json::Value),
    /// A string, possibly with `${{ }}`; a template that is one single expression keeps the type of its value.
    Text(Template),
    /// A list.
    List(Vec<ConfigTemplate>),
    /// A mapping.
    Map(IndexMap<String, ConfigTemplate>),
}

/// Where an input comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Source {
    /// `data.NAME`.
    Data(String),
    /// `step.output`, `step[cell].output`.
    Output(OutputRef),
    /// `step[*].output`: every cell, as a folder with one entry per cell named by the cell (`seed=0`).
    AllCells(Vec<OutputRef>),
    /// `baseline.NAME`, such as `baseline.model`.
    Baseline(String),
    /// A path in the workspace.
    Path(String),
}

/// One declared output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Output {
    /// File name or relative path below the step's output folder; never absolute, never with `..`.
    pub path: String,
    /// What it holds.
    pub kind: Kind,
}

/// `retry:`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retry {
    /// Attempts after the first.
    pub times: u32,
    /// Wait before the first retry.
    pub delay: Duration,
    /// Factor on the wait for each further retry.
    pub backoff: f64,
    /// Which ends are tried again; empty means any failure (never a cancellation or a denial).
    pub on: Vec<RetryOn>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 0, delay: Duration::ZERO, backoff: 1.0, on: Vec::new() }
    }
}

/// One entry of `retry.on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum RetryOn {
    /// `infra`: the step could not be run (an error, not an outcome).
    Infra,
    /// `timeout`.
    Timeout,
    /// `oom`.
    OutOfMemory,
    /// `failed`: any exit code but zero, a trap or a plugin's failure.
    Failed,
    /// `exit:N`.
    Exit(i32),
}

/// Caps of one attempt. `None` means the executor's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Processes and threads of a container at once.
    pub pids: Option<u32>,
    /// Time of one attempt (the smaller of this and `timeout` counts).
    pub time: Option<Duration>,
    /// Bytes of all outputs together.
    pub output: Option<u64>,
    /// Bytes of log.
    pub log: Option<u64>,
    /// Number of metrics.
    pub metrics: Option<u64>,
    /// Number of findings kept.
    pub findings: Option<u64>,
}

/// Grants; nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Allow {
    /// Origins for outgoing HTTP; of a container `*`, the whole network, or nothing.
    pub net: Vec<String>,
    /// Files or folders of the workspace, read-only.
    pub read: Vec<String>,
    /// Names of environment variables.
    pub env: Vec<String>,
    /// Real wall clock.
    pub clock: bool,
    /// Real randomness.
    pub random: bool,
    /// Linux capabilities of a container, without `CAP_`.
    pub capabilities: Vec<String>,
    /// Whether a container may write to its own file system.
    pub write_root: bool,
}

/// What a step needs of the machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Resources {
    /// Processors.
    pub cpu: Option<f64>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Accelerators.
    pub gpu: Option<u32>,
    /// Shared memory of a container in bytes.
    pub shm_size: Option<u64>,
}
