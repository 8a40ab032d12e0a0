//! What a plugin says about itself.

use runner_workflow::{plan::Kind, surroundings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    bindings::types,
    limits::{MANIFEST_ENTRIES, MESSAGE, NAME, SCHEMA_BYTES},
};

/// A plugin's description of itself, from its `describe` or, for a built-in plugin, from the manifest shipped with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Stages it fits; empty for any.
    pub stages: Vec<String>,
    /// Inputs it knows.
    pub inputs: Vec<Port>,
    /// Outputs it knows.
    pub outputs: Vec<Port>,
    /// JSON Schema (draft 2020-12) of `with:`, an object.
    pub config_schema: Value,
    /// What it asks for beyond its inputs and outputs.
    pub capabilities: Vec<CapabilityRequest>,
}

/// One named input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Key of `in:` or `out:`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether a step is invalid without it.
    pub required: bool,
    /// File name of an output where the workflow names none.
    pub default_path: String,
    /// One sentence.
    pub summary: String,
}

/// Something outside the sandbox that a plugin may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Outgoing HTTP to an origin.
    Net,
    /// A file or folder of the workspace.
    Read,
    /// An environment variable.
    Env,
    /// The real clock.
    Clock,
    /// Real randomness.
    Random,
}

/// A capability that a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapabilityRequest {
    /// What.
    pub capability: Capability,
    /// Origin, path or name; empty where there is none or it depends on the configuration.
    pub scope: String,
    /// The reason.
    pub why: String,
    /// Whether the plugin is of no use without it.
    pub required: bool,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestProblem {
    /// A name that could not be written in a workflow.
    #[error("{what} `{name}` is not a name: a letter a-z, then a-z, 0-9, `-` and `_`, at most {NAME} bytes")]
    Name {
        /// What is named so.
        what: &'static str,
        /// The name, shortened.
        name: String,
    },
    /// Two ports of the same side have one name.
    #[error("there are two {side}s named `{name}`")]
    Twice {
        /// `input` or `output`.
        side: &'static str,
        /// The name.
        name: String,
    },
    /// An output without a plain file name.
    #[error("the default path `{path}` of output `{name}` is not a plain file name")]
    DefaultPath {
        /// The output.
        name: String,
        /// Its path, shortened.
        path: String,
    },
    /// The configuration schema cannot be used.
    #[error("its configuration schema {0}")]
    Schema(String),
    /// Too much of something.
    #[error("{what}: more than {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The text is not a manifest.
    #[error("it is not a manifest: {0}")]
    Unreadable(String),
}

impl Manifest {
    /// Reads the JSON form and checks it.
    pub fn from_json(json: &str) -> Result<Self, ManifestProblem> {
        let manifest: Self =
            serde_json::from_str(json).map_err(|error| ManifestProblem::Unreadable(error.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Takes over what a component described, and checks it.
    pub(crate) fn from_wit(wit: types::Manifest) -> Result<Self, ManifestProblem> {
        at_most("bytes of the configuration schema", wit.config_schema.len(), SCHEMA_BYTES)?;
        let manifest = Self {
            name: wit.name,
            version: wit.version,
            summary: wit.summary,
            stages: wit.stages,
            inputs: wit.inputs.into_iter().map(port).collect(),
            outputs: wit.outputs.into_iter().map(port).collect(),
            config_schema: serde_json::from_str(&wit.config_schema)
                .map_err(|error| ManifestProblem::Schema(format!("is not JSON: {error}")))?,
            capabilities: wit.capabilities.into_iter().map(request).collect(),
        };
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestProblem> {
        name("the plugin", &self.name)?;
        at_most("bytes of the version", self.version.len(), NAME)?;
        at_most("bytes of the summary", self.summary.len(), MESSAGE)?;
        at_most("stages", self.stages.len(), MANIFEST_ENTRIES)?;
        for stage in &self.stages {
            name("the stage", stage)?;
        }
        ports("input", &self.inputs)?;
        ports("output", &self.outputs)?;
        for output in &self.outputs {
            let path = &output.default_path;
            let plain = !path.contains(['/', '\\', '\0']) && path != "." && path != "..";
            if !plain || path.len() > NAME {
                let path = crate::log::shorten(path, NAME).into_owned();
                return Err(ManifestProblem::DefaultPath { name: output.name.clone(), path });
            }
        }
        if !self.config_schema.is_object() && !self.config_schema.is_boolean() {
            return Err(ManifestProblem::Schema("is neither an object nor a boolean".into()));
        }
        at_most("capabilities", self.capabilities.len(), MANIFEST_ENTRIES)?;
        for request in &self.capabilities {
            at_most("bytes of a capability's scope", request.scope.len(), MESSAGE)?;
            at_most("bytes of a capability's reason", request.why.len(), MESSAGE)?;
        }
        Ok(())
    }
}

impl From<&Manifest> for surroundings::PluginManifest {
    fn from(manifest: &Manifest) -> Self {
        let port = |port: &Port| surroundings::Port {
            name: port.name.clone(),
            kind: port.kind,
            required: port.required,
            default_path: port.default_path.clone(),
        };
        Self {
            name: manifest.name.clone(),
            stages: manifest.stages.clone(),
            inputs: manifest.inputs.iter().map(port).collect(),
            outputs: manifest.outputs.iter().map(port).collect(),
            config_schema: manifest.config_schema.clone(),
        }
    }
}

fn ports(side: &'static str, ports: &[Port]) -> Result<(), ManifestProblem> {
    at_most("ports", ports.len(), MANIFEST_ENTRIES)?;
    for (index, port) in ports.iter().enumerate() {
        name(side, &port.name)?;
        at_most("bytes of a port's summary", port.summary.len(), MESSAGE)?;
        if ports[..index].iter().any(|other| other.name == port.name) {
            return Err(ManifestProblem::Twice { side, name: port.name.clone() });
        }
    }
    Ok(())
}

fn at_most(what: &'static str, size: usize, limit: usize) -> Result<(), ManifestProblem> {
    if size <= limit { Ok(()) } else { Err(ManifestProblem::TooLarge { what, limit }) }
}

fn name(what: &'static str, name: &str) -> Result<(), ManifestProblem> {
    let valid = name.len() <= NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if valid {
        Ok(())
    } else {
        Err(ManifestProblem::Name { what, name: crate::log::shorten(name, NAME).into_owned() })
    }
}

fn port(port: types::Port) -> Port {
    Port {
        name: port.name,
        kind: match port.kind {
            types::Kind::Dataset => Kind::Dataset,
            types::Kind::Model => Kind::Model,
            types::Kind::Predictions => Kind::Predictions,
            types::Kind::Metrics => Kind::Metrics,
            types::Kind::Tests => Kind::Tests,
            types::Kind::Report => Kind::Report,
            types::Kind::Any => Kind::Any,
        },
        required: port.required,
        default_path: port.default_path,
        summary: port.summary,
    }
}

fn request(request: types::CapabilityRequest) -> CapabilityRequest {
    CapabilityRequest {
        capability: match request.capability {
            types::Capability::Net => Capability::Net,
            types::Capability::Read => Capability::Read,
            types::Capability::Env => Capability::Env,
            types::Capability::Clock => Capability::Clock,
            types::Capability::Random => Capability::Random,
        },
        scope: request.scope,
        why: request.why,
        required: request.required,
    }
}

/// The contract's word for a kind.
pub(crate) fn wit_kind(kind: Kind) -> types::Kind {
    match kind {
        Kind::Dataset => types::Kind::Dataset,
        Kind::Model => types::Kind::Model,
        Kind::Predictions => types::Kind::Predictions,
        Kind::Metrics => types::Kind::Metrics,
        Kind::Tests => types::Kind::Tests,
        Kind::Report => types::Kind::Report,
        Kind::Any => types::Kind::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(change: impl FnOnce(&mut Value)) -> Result<Manifest, ManifestProblem> {
        let port = |path: &str| serde_json::json!({ "name": "data", "kind": "any", "required": true, "default_path": path, "summary": "" });
        let mut json = serde_json::json!({
            "name": "echo", "version": "1.0.0", "summary": "Copies.", "stages": [],
            "inputs": [port("")], "outputs": [port("data.csv")],
            "config_schema": { "type": "object" }, "capabilities": [],
        });
        change(&mut json);
        Manifest::from_json(&json.to_string())
    }

    #[test]
    fn a_sound_manifest_is_taken() {
        let manifest = manifest(|_| {}).unwrap();
        assert_eq!(surroundings::PluginManifest::from(&manifest).outputs[0].default_path, "data.csv");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |change: fn(&mut Value)| manifest(change).unwrap_err().to_string();
        assert!(refused(|m| m["name"] = "Echo!".into()).contains("not a name"));
        assert!(refused(|m| m["outputs"][0]["default_path"] = "../x".into()).contains("plain file name"));
        assert!(refused(|m| m["config_schema"] = 7.into()).contains("neither"));
        assert!(refused(|m| m["inputs"][0]["kind"] = "modell".into()).contains("not a manifest"));
        assert!(refused(|m| m["surprise"] = 1.into()).contains("not a manifest"));
        let twice: fn(&mut Value) = |m| {
            let port = m["inputs"][0].clone();
            m["inputs"] = serde_json::json!([port.clone(), port]);
        };
        assert!(refused(twice).contains("two inputs"));
    }
}
