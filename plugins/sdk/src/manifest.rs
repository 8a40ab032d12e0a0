//! What a plugin says about itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a named input or output holds. References in a workflow are checked against it before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Rows of examples: CSV or Parquet.
    Dataset,
    /// A trained model: ONNX, safetensors or another format the consuming step knows.
    Model,
    /// One row per scored example: an id, a label, a score or prediction, and any slice columns.
    Predictions,
    /// A document of named numbers.
    Metrics,
    /// Results of tests: `JUnit` XML.
    Tests,
    /// Something for people: Markdown, HTML, JSON.
    Report,
    /// Any bytes; connects to every kind.
    Any,
}

/// One named input or output that the plugin knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The key of `in:` or `out:` (kebab-case or `snake_case`).
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether a step is invalid without it.
    pub required: bool,
    /// The file name an output gets where the workflow names none; empty for inputs.
    pub default_path: String,
    /// One sentence for people.
    pub summary: String,
}

impl Port {
    /// An input without which the step is invalid.
    pub fn required(name: &str, kind: Kind, summary: &str) -> Self {
        Self { name: name.into(), kind, required: true, default_path: String::new(), summary: summary.into() }
    }

    /// An input that may be left out.
    pub fn optional(name: &str, kind: Kind, summary: &str) -> Self {
        Self { required: false, ..Self::required(name, kind, summary) }
    }

    /// An output that is always written, as `default_path` where the workflow names no path.
    pub fn output(name: &str, kind: Kind, default_path: &str, summary: &str) -> Self {
        Self { default_path: default_path.into(), ..Self::required(name, kind, summary) }
    }

    /// An output that is written only where the workflow names it.
    pub fn optional_output(name: &str, kind: Kind, default_path: &str, summary: &str) -> Self {
        Self { default_path: default_path.into(), ..Self::optional(name, kind, summary) }
    }
}

/// Something outside the sandbox that a plugin may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Outgoing HTTP to an origin; the scope is the origin, such as `https://api.example.com`.
    Net,
    /// Reading a file or folder of the workspace; the scope is its path.
    Read,
    /// An environment variable; the scope is its name.
    Env,
    /// The real wall clock, instead of a fixed one; no scope.
    Clock,
    /// Real randomness, instead of numbers drawn from the step's seed; no scope.
    Random,
}

/// A capability the plugin asks for, and the reason shown to whoever grants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityRequest {
    /// What is asked for.
    pub capability: Capability,
    /// See [`Capability`]; empty where it has none or depends on the configuration.
    pub scope: String,
    /// The reason, for whoever grants it.
    pub why: String,
    /// False where the plugin works without it.
    pub required: bool,
}

/// What a plugin says about itself: read once per component, and the same every time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The plugin's name.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// One sentence for people.
    pub summary: String,
    /// Stages it fits (`validate`, `train`, ...); empty for any.
    pub stages: Vec<String>,
    /// Inputs it knows.
    pub inputs: Vec<Port>,
    /// Outputs it knows.
    pub outputs: Vec<Port>,
    /// JSON Schema (draft 2020-12) of `with:`.
    pub config_schema: Value,
    /// What it asks for beyond its inputs and outputs.
    pub capabilities: Vec<CapabilityRequest>,
}

impl Manifest {
    /// A plugin that takes no configuration, inputs or outputs, and asks for nothing.
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            summary: summary.into(),
            stages: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            config_schema: json!({ "type": "object", "additionalProperties": false }),
            capabilities: Vec::new(),
        }
    }

    /// Adds a stage it fits.
    #[must_use]
    pub fn stage(mut self, stage: &str) -> Self {
        self.stages.push(stage.into());
        self
    }

    /// Adds an input: see [`Port::required`] and [`Port::optional`].
    #[must_use]
    pub fn input(mut self, port: Port) -> Self {
        self.inputs.push(port);
        self
    }

    /// Adds an output: see [`Port::output`] and [`Port::optional_output`].
    #[must_use]
    pub fn output(mut self, port: Port) -> Self {
        self.outputs.push(port);
        self
    }

    /// Sets the JSON Schema of `with:`. A configuration is checked against it before anything runs, so describe every
    /// key and refuse the others (`"additionalProperties": false`).
    #[must_use]
    pub fn config_schema(mut self, schema: Value) -> Self {
        self.config_schema = schema;
        self
    }

    /// Asks for a capability without which the plugin cannot work.
    #[must_use]
    pub fn needs(mut self, capability: Capability, scope: &str, why: &str) -> Self {
        self.capabilities.push(CapabilityRequest {
            capability,
            scope: scope.into(),
            why: why.into(),
            required: true,
        });
        self
    }

    /// Asks for a capability that the plugin can do without.
    #[must_use]
    pub fn may_use(mut self, capability: Capability, scope: &str, why: &str) -> Self {
        self.capabilities.push(CapabilityRequest {
            capability,
            scope: scope.into(),
            why: why.into(),
            required: false,
        });
        self
    }

    /// What a host would refuse in this manifest; empty if it is sound.
    pub fn problems(&self) -> Vec<ManifestProblem> {
        let mut problems = Vec::new();
        if !is_name(&self.name) {
            problems.push(ManifestProblem::Name(self.name.clone()));
        }
        if !is_version(&self.version) {
            problems.push(ManifestProblem::Version(self.version.clone()));
        }
        for (side, ports) in [("input", &self.inputs), ("output", &self.outputs)] {
            for (index, port) in ports.iter().enumerate() {
                if !is_name(&port.name) {
                    problems.push(ManifestProblem::PortName { side, name: port.name.clone() });
                }
                if ports.iter().take(index).any(|other| other.name == port.name) {
                    problems.push(ManifestProblem::PortTwice { side, name: port.name.clone() });
                }
            }
        }
        for port in &self.outputs {
            if port.default_path.is_empty() || port.default_path.contains(['/', '\\']) {
                problems.push(ManifestProblem::DefaultPath(port.name.clone()));
            }
        }
        if !self.config_schema.is_object() {
            problems.push(ManifestProblem::ConfigSchema);
        }
        problems
    }
}

/// Something in a manifest that a host refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestProblem {
    /// The plugin's name is not a name.
    #[error("the plugin's name `{0}` is not made of a-z, 0-9, `-` and `_`")]
    Name(String),
    /// The version is not `major.minor.patch`.
    #[error("the version `{0}` is not a semantic version such as 1.0.0")]
    Version(String),
    /// A port's name is not a name.
    #[error("the {side} name `{name}` is not made of a-z, 0-9, `-` and `_`")]
    PortName {
        /// `input` or `output`.
        side: &'static str,
        /// The name as written.
        name: String,
    },
    /// Two ports of one side share a name.
    #[error("the {side} `{name}` is described twice")]
    PortTwice {
        /// `input` or `output`.
        side: &'static str,
        /// The name as written.
        name: String,
    },
    /// An output has no plain file name to fall back on.
    #[error("the output `{0}` needs a default path that is a plain file name")]
    DefaultPath(String),
    /// The configuration's schema is not an object.
    #[error("the configuration's JSON Schema is not an object")]
    ConfigSchema,
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

fn is_version(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = 0;
    core.split('.').all(|part| {
        parts += 1;
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
    }) && parts == 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_manifest_has_no_problems() {
        let manifest = Manifest::new("count-rows", "0.1.0-beta.1", "Counts.")
            .stage("validate")
            .input(Port::required("data", Kind::Dataset, "Rows."))
            .output(Port::output("report", Kind::Report, "report.md", "For people."));
        assert_eq!(manifest.problems(), vec![]);
    }

    #[test]
    fn every_problem_is_named() {
        let mut manifest = Manifest::new("Count", "1.0", "Counts.")
            .input(Port::required("data", Kind::Dataset, ""))
            .input(Port::required("data", Kind::Dataset, ""))
            .output(Port::output("the report", Kind::Report, "../report.md", ""));
        manifest.config_schema = Value::Null;
        assert_eq!(manifest.problems().len(), 6);
    }

    #[test]
    fn the_json_form_uses_the_contracts_words() {
        let manifest = Manifest::new("fetch", "1.0.0", "Fetches.")
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Bytes."))
            .needs(Capability::Net, "https://example.com", "Downloads the data.");
        let json = serde_json::to_value(&manifest).unwrap();
        assert_eq!(json["outputs"][0]["kind"], "any");
        assert_eq!(json["outputs"][0]["default_path"], "data.bin");
        assert_eq!(json["capabilities"][0]["capability"], "net");
        assert_eq!(json["config_schema"]["type"], "object");
        assert_eq!(serde_json::from_value::<Manifest>(json).unwrap(), manifest);
    }
}
