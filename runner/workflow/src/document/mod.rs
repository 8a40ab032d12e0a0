//! The shape of a workflow file. Nothing here is checked beyond its type; see `resolve` for what it means.

mod gate;
mod matrix;
mod report;
mod service;
mod step;
mod trigger;

pub(crate) use self::{
    gate::Gate,
    matrix::Matrix,
    report::{CommentMode, CommentOn, CommentSetting, ReportDocument},
    service::{ReadyDocument, ServiceDocument},
    step::{
        AllowDocument, BuildSetting, ContainerDocument, ContainerSetting, LimitsDocument, OutputSetting,
        ResourcesDocument, RetryDocument, Shell, StepDocument,
    },
    trigger::{TriggerDocument, Triggers},
};
use crate::{
    plan::{Better, PolicyLevel},
    read::{
        Condition, EnvName, Json, KeyRule, Name, OneOrMany, Seconds, Spanned, Table, Templated, document,
        words,
    },
};

document! {
    /// A workflow of `runner`: stages that validate, train, evaluate and deploy models, and the gates between them.
    WorkflowDocument, "a workflow":
    /// Name of the workflow; by default the name of the file.
    name = "name": String;
    /// Events that start the workflow. A local run ignores them unless `--event` is given.
    on = "on": Triggers;
    /// Parameters with their default values; `-p key=value` overrides. The key `file` names a YAML file with more.
    params = "params": Table<AnyKey, Json>;
    /// Data sets by name, referred to as `data.NAME`.
    data = "data": Table<Name, DataDocument>;
    /// Direction and unit of metrics, for reports.
    metrics = "metrics": Table<MetricName, MetricDocument>;
    /// The model that candidates are compared with.
    baseline = "baseline": BaselineDocument;
    /// Secrets, masked in every output.
    secrets = "secrets": Table<EnvName, SecretDocument>;
    /// What the workflow tolerates.
    policy = "policy": PolicyDocument;
    /// Settings of every step and gate that does not say otherwise.
    defaults = "defaults": DefaultsDocument;
    /// Environment variables of every step.
    env = "env": Table<EnvName, Templated>;
    /// Stages in order; each waits for the one before unless `needs` says otherwise.
    stages = "stages": Table<Name, StageDocument>, required;
    /// Where results are reported when the run answers an event.
    report = "report": ReportDocument;
}

document! {
    /// A data set: a file or folder of the workspace.
    DataDocument, "a data set":
    /// Path relative to the workspace.
    path = "path": Templated, required;
    /// Column that identifies a row.
    id = "id": String;
    /// Column of the true label.
    label = "label": String;
}

document! {
    /// How a metric is shown.
    MetricDocument, "a metric":
    /// Whether larger or smaller values are better.
    better = "better": Better;
    /// Unit, such as `fraction`, `ms` or `MB`.
    unit = "unit": String;
}

document! {
    /// The model that candidates are compared with.
    BaselineDocument, "the baseline":
    /// `registry:NAME@ALIAS`, `git:REF`, `run:ID` or `file:PATH`.
    model = "model": String, required;
    /// Whether the baseline is scored again in this run or its recorded figures are used.
    evaluate = "evaluate": Evaluate;
    /// What happens while there is no baseline yet.
    first = "first": First;
    /// A second, slower reference: `registry:NAME@ALIAS` and so on.
    anchor = "anchor": String;
}

document! {
    /// A secret and where it may go.
    SecretDocument, "a secret":
    /// `env:NAME` or `file:PATH`.
    from = "from": String, required;
    /// Header that the host adds to requests of plugins, with `{}` for the value: `Authorization: Bearer {}`.
    inject = "inject": String;
    /// The one origin the header goes to: `https://api.example.com`.
    to = "to": String;
}

document! {
    /// What the workflow tolerates: `allow`, `warn` or `deny`.
    PolicyDocument, "the policy":
    /// Steps that run on the host without a sandbox.
    host_steps = "host-steps": PolicyLevel;
    /// Plugins from outside the binary and the workspace without a signature.
    unsigned_plugins = "unsigned-plugins": PolicyLevel;
    /// Who may approve on GitHub: logins and teams (`acme/ml-leads`). Without it: everybody who may push.
    approvers = "approvers": OneOrMany<String>;
}

document! {
    /// Settings of every step and gate that does not say otherwise.
    DefaultsDocument, "the defaults":
    /// Deadline of one attempt of a step.
    timeout = "timeout": Seconds;
    /// Attempts after a failure.
    retry = "retry": RetryDocument;
    /// Interpreter of `run:`.
    shell = "shell": Shell;
    /// Seed of all randomness.
    seed = "seed": u64;
    /// Settings of gates.
    gates = "gates": GateDefaultsDocument;
}

document! {
    /// Settings of every gate that does not say otherwise.
    GateDefaultsDocument, "the defaults of gates":
    /// One-sided confidence, between 0.5 and 1, such as 0.95.
    confidence = "confidence": f64;
    /// Fewer samples are inconclusive.
    min_samples = "min-samples": u64;
}

document! {
    /// A stage: steps, the gates over what they measured, and a promotion if the gates allow it.
    StageDocument, "a stage":
    /// Stages that must have finished, with gates that allow it. Without it: the stage before; `[]`: none.
    needs = "needs": OneOrMany<String>;
    /// Condition under which it runs.
    condition = "if": Condition;
    /// Every step runs once for each combination of these values.
    matrix = "matrix": Matrix;
    /// Environment variables of its steps.
    env = "env": Table<EnvName, Templated>;
    /// Name of the environment it deploys to.
    environment = "environment": String;
    /// Containers that its steps can talk to, by name: databases, queues, servers.
    services = "services": Table<Name, ServiceDocument>;
    /// Its steps. They run in parallel unless data or `needs` orders them.
    steps = "steps": Vec<Spanned<StepDocument>>;
    /// Rules over its metrics: `auc >= baseline - 0.2pp`.
    gates = "gates": Vec<Spanned<Gate>>;
    /// The model to promote once the gates pass.
    promote = "promote": PromoteDocument;
}

document! {
    /// A promotion: an alias of the registry is pointed to a model.
    PromoteDocument, "a promotion":
    /// The output to promote: `STEP.OUTPUT`, or `STEP[CELL].OUTPUT` where there is a matrix.
    model = "model": String, required;
    /// `registry:NAME@ALIAS`.
    to = "to": String, required;
    /// How many versions keep their bytes.
    keep = "keep": u32;
}

/// `baseline.evaluate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evaluate {
    SameRun,
    Stored,
}
words!(schema Evaluate, "Evaluate", "a way to evaluate the baseline": "same-run" => Evaluate::SameRun, "stored" => Evaluate::Stored);

/// `baseline.first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    RubberStamp,
    Fail,
}
words!(schema First, "First", "a way to start without a baseline": "rubber-stamp" => First::RubberStamp, "fail" => First::Fail);

words!(Better, "a direction": "higher" => Better::Higher, "lower" => Better::Lower);
words!(
    PolicyLevel,
    "a level of policy": "allow" => PolicyLevel::Allow, "warn" => PolicyLevel::Warn, "deny" => PolicyLevel::Deny
);

/// Keys of `params:`: whatever the author likes.
#[derive(Debug)]
pub(crate) struct AnyKey;

impl KeyRule for AnyKey {
    const PATTERN: &'static str = "";
    const WORDS: &'static str = "any text";

    fn accepts(_: &str) -> bool {
        true
    }
}

/// Names of metrics: as names, and `.`, `@`, `/` for `recall@k` and the like.
#[derive(Debug)]
pub(crate) struct MetricName;

impl KeyRule for MetricName {
    const PATTERN: &'static str = "^[A-Za-z_][A-Za-z0-9_.@/-]*$";
    const WORDS: &'static str = "a metric's name starts with a letter and holds letters, digits and `_`";

    fn accepts(key: &str) -> bool {
        Name::accepts(&key.replace(['.', '@', '/'], "_"))
    }
}
