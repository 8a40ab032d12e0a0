//! What checking a workflow needs from outside, as a trait, so that this crate stays free of I/O.

use std::{collections::BTreeMap, ops::Range};

use crate::plan::{Kind, PlannedGate};

/// One named input or output of a plugin, as its manifest declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Key of `in:` or `out:`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether a step is invalid without it.
    pub required: bool,
    /// File name of an output where the workflow names none.
    pub default_path: String,
}

/// What checking needs to know about a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PluginManifest {
    /// Name the plugin gives itself.
    pub name: String,
    /// Stages it fits; empty for any.
    pub stages: Vec<String>,
    /// Inputs it knows.
    pub inputs: Vec<Port>,
    /// Outputs it knows.
    pub outputs: Vec<Port>,
    /// JSON Schema of `with:`; `Null` where the plugin takes no configuration.
    pub config_schema: serde_json::Value,
}

/// A problem found by a foreign grammar (gates, a plugin's schema), placed inside the text it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable code, such as `gate::unknown-unit`.
    pub code: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Bytes of the given text that are wrong; the whole text if none.
    pub range: Option<Range<usize>>,
    /// JSON pointer into the given value (mappings and `with:`), such as `/no-worse-than/margin`.
    pub pointer: Option<String>,
}

/// Answers of the outside world while a workflow is checked.
pub trait Surroundings {
    /// The manifest behind `uses:`; `Ok(None)` where it cannot be known now (not fetched yet), which skips those checks.
    fn manifest(&self, uses: &str) -> Result<Option<PluginManifest>, Problem>;

    /// Problems of a `with:` value against the plugin's JSON Schema. Values that contain `${{ }}` are left out by the caller.
    fn check_config(&self, schema: &serde_json::Value, config: &serde_json::Value) -> Vec<Problem>;

    /// Problems of one gate, in either form, in a workflow that declares these units of metrics.
    fn check_gate(&self, gate: &PlannedGate, units: &BTreeMap<String, String>) -> Vec<Problem>;

    /// The text of a file that the workflow names (`params: { file: … }`), relative to the workspace.
    fn read(&self, path: &str) -> Result<String, Problem>;

    /// Names of all known built-in plugins, for "did you mean".
    fn builtin_names(&self) -> Vec<String>;
}
