//! From what is written to a model: `registry:NAME@ALIAS`, `git:REF`, `run:ID`, `file:PATH`, and the run before.

use std::{fs, path::Path};

use runner_store::{
    Digest, Object, RecordedRun, Registry, RunError, Store,
    signing::{Bundle, PublicKey},
};
use runner_workflow::plan::Kind;

use super::StoredMeasurements;
use crate::{
    data,
    evidence::{FILE, Statement},
    options::Revisions,
    record::RunRecord,
};

/// Runs that are looked through for one of a commit, or for the one before.
const RUNS_LOOKED_AT: usize = 2_000;

/// What was found under a reference.
pub(super) struct Found {
    /// The model; none where only the run is known.
    pub(super) model: Option<Object>,
    /// File name of the model, where it is known.
    pub(super) path: Option<String>,
    /// Version in the registry.
    pub(super) version: Option<u64>,
    /// The run that made it.
    pub(super) run: Option<String>,
    /// What that run measured, or why that is not known.
    pub(super) stored: Result<StoredMeasurements, String>,
}

/// `v3`.
fn is_version(reference: &str) -> bool {
    reference
        .strip_prefix('v')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Where to look.
pub(super) struct Finder<'a> {
    pub(super) store: &'a Store,
    pub(super) registry: Option<&'a Registry>,
    pub(super) workspace: &'a Path,
    pub(super) workflow: &'a str,
    /// Step and output of the candidate, to find the same of another run.
    pub(super) candidate: Option<(String, String)>,
    pub(super) revisions: &'a Revisions,
    pub(super) trusted: &'a [PublicKey],
}

impl Finder<'_> {
    /// The model behind a reference; `Ok(None)` where there has never been one.
    pub(super) async fn find(&self, reference: &str) -> Result<Option<Found>, String> {
        match reference.split_once(':') {
            Some(("registry", name)) => self.in_registry(name).await,
            Some(("run", id)) => self.of_run_named(id).map(Some),
            Some(("git", revision)) => self.of_revision(revision).map(Some),
            Some(("file", path)) => self.file(path).map(Some),
            _ => Err(format!("`{reference}` is not a reference to a model")),
        }
    }

    async fn in_registry(&self, name: &str) -> Result<Option<Found>, String> {
        let own;
        let registry = if let Some(registry) = self.registry {
            registry
        } else {
            own = self.store.registry().map_err(|error| error.to_string())?;
            &own
        };
        let (model, alias) = name.split_once('@').ok_or("it names no alias")?;
        let Some(version) = registry.resolve(model, alias).await.map_err(|error| error.to_string())? else {
            // An alias may be waiting for its first model; a number names one that was.
            if is_version(alias) {
                return Err(format!("the model `{model}` has no version `{alias}`"));
            }
            return Ok(None);
        };
        registry.fetch(&version.digest).await.map_err(|error| error.to_string())?;
        let basis = registry.basis_of(&version, Some(alias)).await.map_err(|error| error.to_string())?;
        let stored = match basis {
            None => Err("it was promoted without evidence".to_owned()),
            Some(basis) => self.evidence_object(registry, &basis.evidence).await,
        };
        let path = version.lineage.get("path").and_then(|path| path.as_str()).map(str::to_owned);
        Ok(Some(Found {
            model: Some(Object { digest: version.digest, size: version.size }),
            path,
            version: Some(version.version),
            run: version.run,
            stored,
        }))
    }

    async fn evidence_object(
        &self,
        registry: &Registry,
        digest: &Digest,
    ) -> Result<StoredMeasurements, String> {
        registry.fetch(digest).await.map_err(|error| format!("its evidence: {error}"))?;
        let bytes = fs::read(self.store.path(digest)).map_err(|error| error.to_string())?;
        let measurements = self.measurements(&bytes)?;
        for output in measurements.cases().iter().flat_map(|case| &case.candidate.predictions) {
            let digest: Digest =
                output.digest.parse().map_err(|_| "its evidence names no digest".to_owned())?;
            registry.fetch(&digest).await.map_err(|error| format!("its predictions: {error}"))?;
        }
        Ok(measurements)
    }

    fn measurements(&self, evidence: &[u8]) -> Result<StoredMeasurements, String> {
        let statement = Bundle::parse(evidence)
            .and_then(|bundle| bundle.verify(self.trusted))
            .map_err(|error| format!("its evidence is not accepted: {error}"))?;
        let statement = Statement::parse(&statement).map_err(|error| error.to_string())?;
        Ok(statement.predicate.measurements())
    }

    fn of_run_named(&self, id: &str) -> Result<Found, String> {
        let run = self.store.open_run(id).map_err(|error| error.to_string())?;
        let record: RunRecord = run.record().map_err(|error| error.to_string())?;
        self.of_run(&run, &record)
    }

    fn of_revision(&self, revision: &str) -> Result<Found, String> {
        let commit = match self.revisions.get(revision) {
            Some(Ok(commit)) => commit,
            Some(Err(problem)) => return Err(problem.clone()),
            None => return Err(format!("git was not asked for `{revision}`")),
        };
        let found = self.newest(|record| {
            record.workflow == self.workflow
                && record.git_commit.as_ref() == Some(commit)
                && !record.git_dirty
        })?;
        let (run, record) = found.ok_or_else(|| {
            format!(
                "no finished run of `{}` at the commit {commit} is in the store; run the workflow there first",
                self.workflow
            )
        })?;
        self.of_run(&run, &record)
    }

    /// The newest finished run of the same workflow whose gates were judged; `Ok(None)` where there has never been one.
    pub(super) fn previous(&self) -> Result<Option<Found>, String> {
        let judged = |record: &RunRecord| {
            record.workflow == self.workflow && record.verdict != runner_gate::verdict::Verdict::None
        };
        match self.newest(judged)? {
            Some((run, record)) => self.of_run(&run, &record).map(Some),
            None => Ok(None),
        }
    }

    fn newest(
        &self,
        wanted: impl Fn(&RunRecord) -> bool,
    ) -> Result<Option<(RecordedRun, RunRecord)>, String> {
        let ids = self.store.run_ids().map_err(|error| error.to_string())?;
        for id in ids.into_iter().take(RUNS_LOOKED_AT) {
            let Ok(run) = self.store.open_run(id.as_str()) else { continue };
            match run.record::<RunRecord>() {
                Ok(record) if wanted(&record) => return Ok(Some((run, record))),
                // A run that is going on or was killed has none.
                Ok(_) | Err(RunError::FileMissing { .. }) => {}
                // It could be the one that is meant: an older one must not take its place.
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(None)
    }

    fn of_run(&self, run: &RecordedRun, record: &RunRecord) -> Result<Found, String> {
        let steps = record.stages.iter().flat_map(|stage| &stage.steps);
        let models: Vec<_> = steps
            .flat_map(|step| step.artifacts.iter().map(move |artifact| (&step.id, artifact)))
            .filter(|(_, artifact)| artifact.kind == Kind::Model)
            .collect();
        let same = self.candidate.as_ref().and_then(|(step, output)| {
            models.iter().find(|(id, artifact)| *id == step && artifact.output == *output)
        });
        let model = match (same, models.as_slice()) {
            (Some(found), _) | (None, [found]) => Some(found),
            _ => None,
        };
        let model = model.map(|(_, artifact)| {
            let digest = artifact.digest.parse().map_err(|error| format!("{error}"))?;
            Ok::<_, String>((Object { digest, size: artifact.size }, artifact.path.clone()))
        });
        let (model, path) = model.transpose()?.unzip();
        let stored = fs::read(run.path().join(FILE))
            .map_err(|error| format!("the run {} left no evidence: {error}", run.id()))
            .and_then(|bytes| self.measurements(&bytes));
        Ok(Found { model, path, version: None, run: Some(record.run_id.clone()), stored })
    }

    fn file(&self, path: &str) -> Result<Found, String> {
        let seen = data::look(self.workspace, path).map_err(|error| error.to_string())?;
        if seen.is_dir {
            return Err(format!("`{path}` is a folder; a baseline is one file"));
        }
        let object = self.store.put_copy(&seen.path).map_err(|error| error.to_string())?;
        Ok(Found {
            model: Some(object),
            path: Some(seen.name.to_string_lossy().into_owned()),
            version: None,
            run: None,
            stored: Err("a file has no measurements of its own".to_owned()),
        })
    }
}
