//! Steps.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    diagnostic::Diagnostic,
    plan::{Kind, Pull, RetryOn},
    read::{
        Bytes, Condition, Config, EnvName, Name, OneOrMany, Read, Reader, Seconds, Spanned, Table, Templated,
        document, words,
    },
    yaml::{Content, Node},
};

document! {
    /// A step: a plugin (`uses`), a container (`container`, usually with `run`) or a command on the host (`run`).
    StepDocument, "a step":
    /// Name by which references call it; unique in the file.
    id = "id": String;
    /// A plugin: `builtin:NAME`, `./path.wasm`, `https://…#sha256=…` or `oci://registry/name:tag`.
    uses = "uses": String;
    /// An image, or `{ image, pull, build, entrypoint, workdir, user }`.
    container = "container": ContainerSetting;
    /// Commands for the shell. `${{ }}` is passed as a variable, never spliced into the text.
    run = "run": Templated;
    /// Interpreter of `run`: `bash`, `sh`, or a list of program and flags before the text.
    shell = "shell": Shell;
    /// Configuration of the plugin, checked against its own schema.
    with = "with": Config;
    /// Inputs: `data.NAME`, `STEP.OUTPUT`, `STEP[CELL].OUTPUT`, `STEP[*].OUTPUT`, `baseline.model` or a path.
    inputs = "in": Table<Name, Templated>;
    /// Outputs: a path, or `{ path, kind }`.
    outputs = "out": Table<Name, OutputSetting>;
    /// Steps that must have finished, beyond those it takes data from.
    needs = "needs": OneOrMany<String>;
    /// Condition under which it runs.
    condition = "if": Condition;
    /// Environment variables.
    env = "env": Table<EnvName, Templated>;
    /// Attempts after a failure.
    retry = "retry": RetryDocument;
    /// Deadline of one attempt.
    timeout = "timeout": Seconds;
    /// Caps of the sandbox.
    limits = "limits": LimitsDocument;
    /// Grants beyond its inputs and outputs; nothing by default.
    allow = "allow": AllowDocument;
    /// What it needs of the machine.
    resources = "resources": ResourcesDocument;
    /// When its result may be taken from the cache although it is not pure by itself.
    cache = "cache": CacheDocument;
    /// Seed of its randomness; by default the matrix value `seed`, then `defaults.seed`, then 0.
    seed = "seed": Templated;
}

document! {
    /// A container.
    ContainerDocument, "a container":
    /// Image reference.
    image = "image": Templated;
    /// When the image is fetched: `missing` (the default), `always` or `never`.
    pull = "pull": Pull;
    /// What to build the image from: a folder with a `Dockerfile`, or `{ context, file, args }`.
    build = "build": BuildSetting;
    /// Program and arguments to start, instead of the image's own; with `run`, the shell and its arguments follow.
    entrypoint = "entrypoint": OneOrMany<String>;
    /// Folder to start in: absolute; by default `/workspace`.
    workdir = "workdir": String;
    /// User to run as, `UID`, `UID:GID` or a name of the image; by default whoever runs the runner.
    user = "user": String;
}

words!(Pull, "a time to pull an image": "missing" => Pull::Missing, "always" => Pull::Always, "never" => Pull::Never);

document! {
    /// What an image is built from.
    BuildDocument, "a build":
    /// Folder of the workspace that the build sees.
    context = "context": Templated, required;
    /// Recipe, relative to `context`; by default `Dockerfile`.
    file = "file": String;
    /// Values of the recipe's `ARG`s.
    args = "args": Table<EnvName, Templated>;
}

/// `build: FOLDER` or `build: { … }`.
#[derive(Debug)]
pub(crate) enum BuildSetting {
    Folder(Templated),
    Document(BuildDocument),
}

impl Read for BuildSetting {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match node.content {
            Content::Map(_) => BuildDocument::read(node, reader).map(Self::Document),
            _ => Templated::read(node, reader).map(Self::Folder),
        }
    }
}

impl JsonSchema for BuildSetting {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BuildSetting".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [generator.subschema_for::<Templated>(), generator.subschema_for::<BuildDocument>()]
        })
    }
}

/// `container: IMAGE` or `container: { … }`.
#[derive(Debug)]
pub(crate) enum ContainerSetting {
    Image(Templated),
    Document(Box<ContainerDocument>),
}

impl Read for ContainerSetting {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match node.content {
            Content::Map(_) => ContainerDocument::read(node, reader).map(Box::new).map(Self::Document),
            _ => Templated::read(node, reader).map(Self::Image),
        }
    }
}

impl JsonSchema for ContainerSetting {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ContainerSetting".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [generator.subschema_for::<Templated>(), generator.subschema_for::<ContainerDocument>()]
        })
    }
}

document! {
    /// An output.
    OutputDocument, "an output":
    /// File name or path below the step's output folder. By default what the plugin says, or the output's name.
    path = "path": Templated;
    /// What it holds. By default what the plugin says, or `any`.
    kind = "kind": Kind;
}

words!(
    Kind,
    "a kind of data": "dataset" => Kind::Dataset, "model" => Kind::Model, "predictions" => Kind::Predictions,
    "metrics" => Kind::Metrics, "tests" => Kind::Tests, "report" => Kind::Report, "any" => Kind::Any
);

/// `out: { model: model.onnx }` or `out: { model: { … } }`.
#[derive(Debug)]
pub(crate) enum OutputSetting {
    Path(Templated),
    Document(OutputDocument),
}

impl Read for OutputSetting {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match node.content {
            Content::Map(_) => OutputDocument::read(node, reader).map(Self::Document),
            _ => Templated::read(node, reader).map(Self::Path),
        }
    }
}

impl JsonSchema for OutputSetting {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OutputSetting".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [generator.subschema_for::<Templated>(), generator.subschema_for::<OutputDocument>()]
        })
    }
}

document! {
    /// Attempts after a failure.
    RetryDocument, "a retry":
    /// Attempts after the first.
    times = "times": u32, required;
    /// Wait before the first retry.
    delay = "delay": Seconds;
    /// Factor on the wait for each further retry, at least 1.
    backoff = "backoff": f64;
    /// Which ends are tried again: `infra`, `timeout`, `oom`, `failed`, `exit:N`. Without it: any failure.
    on = "on": OneOrMany<RetryWord>;
}

/// One entry of `retry.on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryWord(pub(crate) RetryOn);

impl Read for RetryWord {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::read(node, reader)?;
        let word = match text.as_str() {
            "infra" => Some(RetryOn::Infra),
            "timeout" => Some(RetryOn::Timeout),
            "oom" => Some(RetryOn::OutOfMemory),
            "failed" => Some(RetryOn::Failed),
            _ => text.strip_prefix("exit:").and_then(|code| code.trim().parse().ok()).map(RetryOn::Exit),
        };
        if word.is_none() {
            let message = format!("`{text}` is not an end that can be tried again");
            let known = ["infra", "timeout", "oom", "failed", "exit:1"];
            let problem = Diagnostic::error("workflow::unknown-word", node.span.clone(), message)
                .maybe_help(crate::suggest::help(&text, known));
            reader.problems.push(problem);
        }
        word.map(Self)
    }
}

impl JsonSchema for RetryWord {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RetryWord".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(infra|timeout|oom|failed|exit:-?[0-9]+)$" })
    }
}

document! {
    /// Caps of one attempt.
    LimitsDocument, "the limits":
    /// Memory.
    memory = "memory": Bytes;
    /// Processes and threads of a container at once.
    pids = "pids": u32;
    /// Time.
    time = "time": Seconds;
    /// All outputs together.
    output = "output": Bytes;
    /// Log.
    log = "log": Bytes;
    /// Number of metrics.
    metrics = "metrics": u64;
    /// Number of findings kept.
    findings = "findings": u64;
}

document! {
    /// What a plugin or a container is granted beyond its inputs and outputs.
    AllowDocument, "the grants":
    /// Origins for outgoing HTTP: `https://api.example.com`; of a container: `"*"`, the whole network.
    net = "net": OneOrMany<String>;
    /// Files and folders of the workspace, read-only.
    read = "read": OneOrMany<String>;
    /// Environment variables.
    env = "env": OneOrMany<String>;
    /// The real wall clock.
    clock = "clock": bool;
    /// Real randomness.
    random = "random": bool;
    /// Linux capabilities of a container: `[SYS_PTRACE]`.
    capabilities = "capabilities": OneOrMany<String>;
    /// Whether a container may write to its own file system, which is thrown away with it.
    write_root = "write-root": bool;
}

document! {
    /// What a step needs of the machine.
    ResourcesDocument, "the resources":
    /// Processors; fractions are allowed.
    cpu = "cpu": f64;
    /// Memory.
    memory = "memory": Bytes;
    /// Accelerators.
    gpu = "gpu": u32;
    /// Shared memory of a container (`/dev/shm`); by default 64 MiB.
    shm_size = "shm-size": Bytes;
}

document! {
    /// When a result may be taken from the cache.
    CacheDocument, "the cache setting":
    /// For how long.
    ttl = "ttl": Seconds;
    /// Whether the same inputs always give the same outputs.
    pure = "pure": bool;
}

/// `shell: bash` or `shell: [python, -c]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shell(pub(crate) Vec<String>);

impl Read for Shell {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if let Content::List(items) = &node.content {
            let list: Vec<Spanned<String>> = Vec::read(node, reader)?;
            if items.is_empty() {
                let problem =
                    Diagnostic::error("workflow::empty", node.span.clone(), "the shell is an empty list");
                reader
                    .problems
                    .push(problem.help("write a program and its flags: `[bash, -euo, pipefail, -c]`"));
                return None;
            }
            return Some(Self(list.into_iter().map(|part| part.value).collect()));
        }
        let name = String::read(node, reader)?;
        let argv: &[&str] = match name.as_str() {
            "bash" => &["bash", "-euo", "pipefail", "-c"],
            "sh" => &["sh", "-eu", "-c"],
            "python" | "python3" => {
                return Some(Self(vec![name, "-c".to_owned()]));
            }
            _ => {
                let message = format!("`{name}` is not a shell known by name");
                reader.problems.push(
                    Diagnostic::error("workflow::unknown-word", node.span.clone(), message)
                        .help("known: `bash`, `sh`, `python`; for any other, write the program and its flags as a list: `[zsh, -c]`"),
                );
                return None;
            }
        };
        Some(Self(argv.iter().map(|&part| part.to_owned()).collect()))
    }
}

impl JsonSchema for Shell {
    fn schema_name() -> Cow<'static, str> {
        "Shell".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "enum": ["bash", "sh", "python", "python3"] },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ]
        })
    }
}
