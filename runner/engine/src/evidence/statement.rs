//! The statement: <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>.

use std::{collections::BTreeMap, fmt};

use runner_gate::verdict::{Judgement, Verdict};
use runner_store::{Digest, ObjectKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Doubt, Policy};
use crate::{
    executor::Metric,
    judging::case::Case,
    record::DataRecord,
    references::{ReferenceRecord, StoredMeasurements},
    waiver::Waiver,
};

/// Type of an in-toto statement.
pub(super) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Type of the predicate of this program.
pub const PREDICATE_TYPE: &str = "urn:runner:evidence:v1";
/// Version of the shape of [`Predicate`]. Since 2 it tells how every stage ended; evidence of format 1 can be read, and allows
/// nothing.
pub(super) const FORMAT: u32 = 2;

/// An in-toto statement with a predicate of this program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P = Predicate> {
    /// `https://in-toto.io/Statement/v1`.
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What it is about: evidence is about the models of a run, or where it has none about what was judged instead.
    pub subject: Vec<Subject>,
    /// Such as [`PREDICATE_TYPE`].
    pub predicate_type: String,
    /// What is said of them.
    pub predicate: P,
}

impl Statement {
    /// Reads evidence, and refuses what is no statement about a gated run.
    pub fn parse(bytes: &[u8]) -> Result<Self, Doubt> {
        let wrong = |reason: String| Doubt::Statement { reason };
        let value = open(bytes, PREDICATE_TYPE).map_err(wrong)?;
        let format = value.pointer("/predicate/format").and_then(Value::as_u64).unwrap_or(0);
        if format > u64::from(FORMAT) {
            return Err(wrong(format!("it has format {format}; this version knows formats up to {FORMAT}")));
        }
        serde_json::from_value(value).map_err(|error| wrong(error.to_string()))
    }
}

/// The JSON of a statement, if it is one whose predicate is of this type.
pub(super) fn open(bytes: &[u8], predicate_type: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    for (key, wanted) in [("_type", STATEMENT_TYPE), ("predicateType", predicate_type)] {
        let found = value.get(key).and_then(Value::as_str).unwrap_or("missing");
        if found != wanted {
            return Err(format!("its `{key}` is `{found}`, not `{wanted}`"));
        }
    }
    Ok(value)
}

/// Something by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Such as `fit.model`.
    pub name: String,
    /// `sha256` (of a file) or `sha256-tree` (of the listing of a folder), in hexadecimal.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// Something of this name and digest.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: &Digest) -> Self {
        let algorithm = match digest.kind() {
            ObjectKind::File => "sha256",
            ObjectKind::Tree => "sha256-tree",
        };
        Self { name: name.into(), digest: [(algorithm.to_owned(), digest.hex())].into() }
    }

    /// Whether this is it.
    #[must_use]
    pub fn is(&self, digest: &Digest) -> bool {
        Self::new("", digest).digest == self.digest
    }

    /// Its digest as text, `sha256:…`.
    #[must_use]
    pub fn digest_text(&self) -> String {
        let parts: Vec<String> = self.digest.iter().map(|(name, hex)| format!("{name}:{hex}")).collect();
        parts.join(", ")
    }
}

/// Everything that decided the verdict of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predicate {
    /// Version of this shape.
    pub format: u32,
    /// The run.
    pub run: RunIdentity,
    /// Parameters as used.
    pub params: Value,
    /// Data sets with their digests.
    pub data: Vec<DataRecord>,
    /// What ran.
    pub steps: Vec<StepIdentity>,
    /// What they measured of the candidate and of the data, and what was computed from their predictions.
    #[serde(default)]
    pub metrics: Vec<StepMetric>,
    /// What the candidate was compared with.
    pub references: Vec<ReferenceRecord>,
    /// What was asked of the model.
    pub policy: Policy,
    /// SHA-256 of the policy.
    pub policy_digest: String,
    /// The judged stages, in the order they were judged.
    pub stages: Vec<JudgedStage>,
    /// How far each stage of the workflow came, judged or not.
    #[serde(default)]
    pub stage_ends: Vec<StageEnd>,
    /// The alias that the candidate was compared with; none where the baseline is no alias of a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineAlias>,
    /// Promotions that the workflow asks for.
    pub promotions: Vec<IntendedPromotion>,
    /// Waivers that were applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// Over all judged stages.
    pub verdict: Verdict,
}

impl Predicate {
    /// Digests of all predictions that it rests on: with them the verdict can be computed again elsewhere.
    #[must_use]
    pub fn predictions(&self) -> Vec<Digest> {
        let outputs = self.stages.iter().flat_map(|stage| stage.case.predictions());
        outputs.filter_map(|output| output.digest.parse().ok()).collect()
    }

    /// The measurements, for a later run to compare with.
    #[must_use]
    pub fn measurements(&self) -> StoredMeasurements {
        StoredMeasurements::new(self.stages.iter().map(|stage| stage.case.clone()).collect())
    }
}

/// Which run it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// Its id.
    pub id: String,
    /// Name of the workflow.
    pub workflow: String,
    /// Path of its file.
    pub file: String,
    /// SHA-256 of its source text, hex.
    pub workflow_digest: String,
    /// Version of the runner.
    pub runner_version: String,
    /// Commit of the workspace.
    pub git_commit: Option<String>,
    /// Branch of the workspace.
    pub git_branch: Option<String>,
    /// Whether tracked files differed from the commit.
    pub git_dirty: bool,
}

/// What a step ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepIdentity {
    /// Its id.
    pub id: String,
    /// Its stage.
    #[serde(default)]
    pub stage: String,
    /// `plugin`, `container`, `process`, …
    pub executor: String,
    /// The plugin, the image or the command, as written.
    pub runs: String,
    /// Digest of the plugin or image; none for a command on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Seed.
    pub seed: u64,
    /// Digests of its outputs by name.
    pub outputs: BTreeMap<String, String>,
}

/// A number of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepMetric {
    /// Id of the step.
    pub step: String,
    /// The number.
    #[serde(flatten)]
    pub metric: Metric,
}

/// A judged stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedStage {
    /// What it was judged on.
    pub case: Case,
    /// What was found, in the order of its gates.
    pub judgements: Vec<Judgement>,
}

/// How far a stage came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEnd {
    /// Its name.
    pub stage: String,
    /// All stages that it waits for, directly or not.
    pub after: Vec<String>,
    /// Whether its steps did what they had to. What its gates say is told by its judgements.
    pub steps: StepsEnd,
    /// Whether a gate of it compares with the baseline.
    pub compares: bool,
}

/// What became of the steps of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepsEnd {
    /// Each ended well, or was left out by its own condition or that of its stage; or there are none.
    Well,
    /// One did not end well, or was stopped.
    Badly,
    /// They did not run: the stage was not selected, or something before it was in the way.
    NotRun,
}

impl fmt::Display for StepsEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Well => "ended well",
            Self::Badly => "did not end well",
            Self::NotRun => "did not run",
        })
    }
}

/// The alias that a candidate was compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineAlias {
    /// Name of the model in the registry.
    pub model: String,
    /// Name of the alias.
    pub alias: String,
    /// The version it pointed to when the run began; none where it did not exist.
    pub version: Option<u64>,
}

/// A promotion that the workflow asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntendedPromotion {
    /// The stage that promotes.
    #[serde(default)]
    pub stage: String,
    /// The output, such as `fit.model`.
    pub output: String,
    /// Name of its file or folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Digest of the model.
    pub digest: Digest,
    /// Name in the registry.
    pub model: String,
    /// Alias.
    pub alias: String,
    /// How many versions keep their bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<u32>,
    /// The stage that promotes and all that it waits for: their steps must have ended well and their gates been judged.
    pub after: Vec<String>,
}
