//! The predictions of a recorded run, read back from the store: those of the candidate, and of the baseline where it was scored
//! on the same rows.

use std::io::Read as _;

use runner_engine::{
    evidence::Statement,
    judging::case::{Case, CaseReference},
    record::{ArtifactRecord, RunRecord, StepRecord},
    references::Role,
};
use runner_gate::predictions::{Format, Predictions, read};
use runner_store::{Digest, Store, signing::Bundle};
use runner_workflow::plan::Kind;

/// All predictions of a run.
#[derive(Debug, Default)]
pub(crate) struct ScoredRun {
    /// In the order of the record.
    pub(crate) each: Vec<Scored>,
    /// Predictions that cannot be shown, each with the reason.
    pub(crate) problems: Vec<String>,
}

/// Predictions of one step.
#[derive(Debug)]
pub(crate) struct Scored {
    /// Id of the step.
    pub(crate) step: String,
    /// Digest of the rows that were scored, where it is known.
    pub(crate) test_set: Option<String>,
    /// The rows.
    pub(crate) predictions: Predictions,
    /// What the model in service says of the same rows.
    pub(crate) baseline: Option<ScoredBaseline>,
}

/// Predictions of the baseline.
#[derive(Debug)]
pub(crate) struct ScoredBaseline {
    /// `baseline`, with what is known of where it comes from.
    pub(crate) name: String,
    /// The rows.
    pub(crate) predictions: Predictions,
}

/// Where predictions lie.
struct Stored<'a> {
    path: &'a str,
    digest: &'a str,
}

impl ScoredRun {
    /// Read all predictions that the run published, and those of the baseline that its gates compared them with.
    pub(crate) fn read(record: &RunRecord, store: &Store) -> Self {
        let mut run = Self::default();
        let cases = cases(record, store);
        let references = record.references.iter();
        let baseline_name = references
            .filter(|reference| reference.role == Role::Baseline)
            .map(|reference| match reference.version {
                Some(version) => format!("baseline {} v{version}", reference.reference),
                None => format!("baseline {}", reference.reference),
            })
            .next();
        // A step that scores a reference again is not a candidate: it is named after the step that it repeats.
        let own = artifacts(record).filter(|(step, _)| !scores_a_reference(&step.id));
        for (step, artifact) in own {
            let judged = cases.iter().find_map(|case| {
                let output = case.candidate.predictions.iter().find(|output| output.step == step.id)?;
                Some((case, output))
            });
            let again = artifacts(record)
                .find(|(other, _)| original(&other.id, Role::Baseline).as_deref() == Some(step.id.as_str()))
                .map(|(_, artifact)| Stored { path: &artifact.path, digest: &artifact.digest });
            let baseline = again.or_else(|| {
                let (case, output) = judged?;
                let CaseReference::Measured(measured) = &case.references.baseline else { return None };
                let stored = measured
                    .predictions
                    .iter()
                    .find(|stored| stored.slice == output.slice && stored.test_set == output.test_set)?;
                Some(Stored { path: &stored.path, digest: &stored.digest })
            });
            let candidate = Stored { path: &artifact.path, digest: &artifact.digest };
            let loaded = load(store, &candidate).and_then(|predictions| {
                let name = || baseline_name.clone().unwrap_or_else(|| "the baseline".to_owned());
                let baseline = baseline.map(|baseline| load(store, &baseline)).transpose()?;
                Ok(Scored {
                    step: step.id.clone(),
                    test_set: judged.and_then(|(_, output)| output.test_set.clone()),
                    predictions,
                    baseline: baseline.map(|predictions| ScoredBaseline { name: name(), predictions }),
                })
            });
            match loaded {
                Ok(scored) => run.each.push(scored),
                Err(problem) => run.problems.push(format!("{}: {problem}", step.id)),
            }
        }
        run
    }
}

/// Whether the step scores a reference again, for the gates of its own run.
pub(crate) fn scores_a_reference(id: &str) -> bool {
    Role::ALL.iter().any(|role| original(id, *role).is_some())
}

/// `score[seed=0]` of `score@baseline[seed=0]`.
fn original(id: &str, role: Role) -> Option<String> {
    let (name, cell) = id.split_once('[').map_or((id, None), |(name, cell)| (name, Some(cell)));
    let name = name.strip_suffix(role.word())?.strip_suffix('@')?;
    Some(cell.map_or_else(|| name.to_owned(), |cell| format!("{name}[{cell}")))
}

fn artifacts(record: &RunRecord) -> impl Iterator<Item = (&StepRecord, &ArtifactRecord)> {
    record.stages.iter().flat_map(|stage| &stage.steps).flat_map(|step| {
        step.artifacts
            .iter()
            .filter(|artifact| artifact.kind == Kind::Predictions)
            .map(move |artifact| (step, artifact))
    })
}

/// What the gates were judged on, as the run's evidence has it. A report shows; it is `runner verify` that decides whether
/// evidence can be trusted.
fn cases(record: &RunRecord, store: &Store) -> Vec<Case> {
    let read = || {
        let digest: Digest = record.evidence.as_ref()?.digest.parse().ok()?;
        let bytes = bytes(store, &digest).ok()?;
        let statement = Bundle::parse(&bytes).ok()?.statement_unverified().ok()?;
        let stages = Statement::parse(&statement).ok()?.predicate.stages;
        Some(stages.into_iter().map(|stage| stage.case).collect())
    };
    read().unwrap_or_default()
}

fn bytes(store: &Store, digest: &Digest) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut file = store.read(digest).map_err(|error| error.to_string())?;
    file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn load(store: &Store, stored: &Stored<'_>) -> Result<Predictions, String> {
    let Stored { path, digest } = stored;
    let format = Format::of_file_name(path)
        .ok_or_else(|| format!("`{path}` ends neither with .csv, .jsonl nor .parquet"))?;
    let digest: Digest = digest.parse().map_err(|error| format!("{digest}: {error}"))?;
    read(&bytes(store, &digest)?, format).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_score_again() {
        let of = |id| original(id, Role::Baseline);
        assert_eq!(of("score@baseline").as_deref(), Some("score"));
        assert_eq!(of("score@baseline[seed=0]").as_deref(), Some("score[seed=0]"));
        assert_eq!(of("score@anchor"), None);
        assert_eq!(of("score"), None);
        assert_eq!(of("baseline"), None);
    }
}
