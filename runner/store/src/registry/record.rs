//! Records of the registry, as they stand in JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{FORMAT, RegistryError};
use crate::digest::Digest;

/// Who changed an alias, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The run that changes it.
    pub run: Option<String>,
    /// The person or the CI system, such as `ana@laptop`.
    pub by: Option<String>,
    /// Their reason.
    pub why: Option<String>,
    /// What it rests on.
    pub basis: Option<Basis>,
    /// What kind of change it is.
    pub kind: ChangeKind,
}

/// What a change of an alias rests on: objects that are kept with the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    /// The evidence of a gated run.
    pub evidence: Digest,
    /// The approval of a person, where the gates held the model.
    pub approval: Option<Digest>,
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A model whose gates allow it takes the alias.
    #[default]
    Promotion,
    /// The alias goes back to an older version.
    Rollback,
}

/// What is known of a model when it is promoted.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// The model, an object of the store.
    pub digest: Digest,
    /// The run that made it.
    pub run: Option<String>,
    /// What it was made from: the caller's JSON (digests of data and code, parameters, step, …).
    pub lineage: Value,
    /// Its metrics: the caller's JSON.
    pub metrics: Value,
    /// What the decision rests on: the caller's JSON, or a digest; null where there is none.
    pub evidence: Value,
    /// How many versions are to keep their bytes. Recorded with the promotion; nothing is removed yet.
    pub keep: Option<u32>,
    /// Who promotes it, and why.
    pub change: Change,
}

/// One version of a model. Never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// Format of this record.
    pub format: u64,
    /// Its model.
    pub model: String,
    /// Its number, from 1.
    pub version: u64,
    /// Its object.
    pub digest: Digest,
    /// Bytes of its object; of a folder, of all its files.
    pub size: u64,
    /// When the version was made.
    pub created: Timestamp,
    /// The run that made it.
    #[serde(default)]
    pub run: Option<String>,
    /// What it was made from.
    #[serde(default)]
    pub lineage: Value,
    /// Its metrics.
    #[serde(default)]
    pub metrics: Value,
    /// What the decision rests on.
    #[serde(default)]
    pub evidence: Value,
}

/// One change of an alias. Never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasRecord {
    /// Format of this record.
    pub format: u64,
    /// Its number, from 1 without gaps.
    pub number: u64,
    /// The version the alias points to from now on.
    pub version: u64,
    /// The object of that version.
    pub digest: Digest,
    /// The version it pointed to before; the same one where it was judged again.
    #[serde(default)]
    pub previous: Option<u64>,
    /// When.
    pub at: Timestamp,
    /// The run that changed it.
    #[serde(default)]
    pub run: Option<String>,
    /// How many versions are to keep their bytes.
    #[serde(default)]
    pub keep: Option<u32>,
    /// Promotion or rollback.
    #[serde(default)]
    pub kind: ChangeKind,
    /// Who changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The evidence that it rests on, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
    /// The approval of a person that let it through, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Digest>,
}

impl AliasRecord {
    /// What the change rests on.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        self.evidence.map(|evidence| Basis { evidence, approval: self.approval })
    }
}

/// Where an alias points.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AliasState {
    /// Its name.
    pub alias: String,
    /// The version it points to.
    pub version: u64,
    /// How often it was changed, or its version judged again.
    pub changes: u64,
    /// When that was last.
    pub since: Timestamp,
}

/// A model with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSummary {
    /// Its name.
    pub model: String,
    /// Oldest first.
    pub versions: Vec<VersionRecord>,
    /// By name.
    pub aliases: Vec<AliasState>,
}

/// Reads a record, and refuses one of a later format.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8], location: &str) -> Result<T, RegistryError> {
    #[derive(Deserialize)]
    struct Head {
        format: u64,
    }
    let wrong = |source| RegistryError::Record { location: location.to_owned(), source };
    let head: Head = serde_json::from_slice(bytes).map_err(wrong)?;
    if head.format > FORMAT {
        return Err(RegistryError::NewerFormat {
            location: location.to_owned(),
            found: head.format,
            supported: FORMAT,
        });
    }
    serde_json::from_slice(bytes).map_err(wrong)
}
