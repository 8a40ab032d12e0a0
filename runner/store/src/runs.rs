//! Finding and reading recorded runs.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    atomic,
    error::StorageError,
    events::Events,
    layout::Store,
    run_dir::{EVENTS, LOCK, PLAN, RECORD},
    run_error::RunError,
    run_id::RunId,
};

/// What became of a run, as far as the store knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// A process holds its lock.
    Running,
    /// It has its final record.
    Finished,
    /// No final record, and nobody who could write it.
    Killed,
}

/// A run in a list.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// When it was created.
    pub created: Timestamp,
    /// What became of it.
    pub state: RunState,
    /// Its final record; none also where that cannot be read.
    pub record: Option<serde_json::Value>,
}

/// A run to read from.
#[derive(Debug, Clone)]
pub struct RecordedRun {
    id: RunId,
    path: PathBuf,
}

impl Store {
    /// Ids of all runs, newest first.
    pub fn run_ids(&self) -> Result<Vec<RunId>, RunError> {
        let folder = self.runs_dir();
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(StorageError::at("list", folder))?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(StorageError::at("list", folder))?;
            // Anything else in the folder is not ours.
            ids.extend(entry.file_name().to_str().and_then(|name| name.parse::<RunId>().ok()));
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(ids)
    }

    /// All runs, newest first.
    pub fn runs(&self) -> Result<Vec<RunSummary>, RunError> {
        self.newest_runs(usize::MAX)
    }

    /// The newest runs, newest first.
    pub fn newest_runs(&self, limit: usize) -> Result<Vec<RunSummary>, RunError> {
        let runs = self.run_ids()?.into_iter().take(limit).map(|id| {
            let run = self.run(id);
            let state = run.state();
            let record = (state == RunState::Finished).then(|| run.record().ok()).flatten();
            RunSummary { created: run.id.created(), id: run.id, state, record }
        });
        Ok(runs.collect())
    }

    /// Finds a run by `latest`, `latest~1` (the one before it) and so on, its id, the start of its id, or the start of the part after the time, where that is
    /// unique.
    pub fn open_run(&self, reference: &str) -> Result<RecordedRun, RunError> {
        let ids = self.run_ids()?;
        if ids.is_empty() {
            return Err(RunError::NoRuns);
        }
        let mut found: Vec<RunId> = match reference {
            "" => Vec::new(),
            "latest" => ids.into_iter().take(1).collect(),
            back if back.starts_with("latest~") => {
                let steps = back.trim_start_matches("latest~").parse::<usize>().ok();
                steps.and_then(|steps| ids.into_iter().nth(steps)).into_iter().collect()
            }
            start => {
                let fits = |id: &RunId| id.as_str().starts_with(start) || id.last_part().starts_with(start);
                ids.into_iter().filter(fits).collect()
            }
        };
        match (found.pop(), found.len()) {
            (Some(id), 0) => Ok(self.run(id)),
            (None, _) => Err(RunError::NotFound { reference: reference.to_owned() }),
            (Some(last), others) => Err(RunError::Ambiguous {
                reference: reference.to_owned(),
                count: others + 1,
                matches: found.iter().chain([&last]).take(5).map(ToString::to_string).collect(),
            }),
        }
    }

    fn run(&self, id: RunId) -> RecordedRun {
        RecordedRun { path: self.runs_dir().join(id.as_str()), id }
    }
}

impl RecordedRun {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What became of it, as of now.
    #[must_use]
    pub fn state(&self) -> RunState {
        let finished = || self.path.join(RECORD).is_file();
        if finished() {
            return RunState::Finished;
        }
        match probe(&self.path) {
            Owner::Alive => RunState::Running,
            // It may have ended between the two looks.
            Owner::Dead(_) if finished() => RunState::Finished,
            Owner::Dead(_) => RunState::Killed,
        }
    }

    /// Its final record.
    pub fn record<T: DeserializeOwned>(&self) -> Result<T, RunError> {
        self.read_json(RECORD)
    }

    /// Its plan.
    pub fn plan<T: DeserializeOwned>(&self) -> Result<T, RunError> {
        self.read_json(PLAN)
    }

    /// Its events; of a run that is going on, those so far.
    pub fn events<T: DeserializeOwned>(&self) -> Result<Events<T>, RunError> {
        Ok(Events::open(&self.path.join(EVENTS))?)
    }

    /// Adds a file to an ended run, such as an approval, whole or not at all, and durable. `false` where there is one of
    /// this name already: nothing that was recorded is ever replaced.
    pub fn write_new_file(&self, name: &str, bytes: &[u8]) -> Result<bool, RunError> {
        let path = self.path.join(name);
        if name.contains('/') || !crate::tree::is_plain(name) {
            return Err(StorageError::new("write", &path, io::ErrorKind::InvalidFilename.into()).into());
        }
        let mut file = atomic::temporary_file(&self.path)?;
        file.write_all(bytes)
            .and_then(|()| file.as_file().sync_all())
            .map_err(StorageError::at("write", &path))?;
        match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(StorageError::new("create", &path, error.error).into()),
        }
        atomic::sync_dir(&self.path)?;
        Ok(true)
    }

    fn read_json<T: DeserializeOwned>(&self, file: &'static str) -> Result<T, RunError> {
        let path = self.path.join(file);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RunError::FileMissing { id: self.id.clone(), file });
            }
            bytes => bytes.map_err(StorageError::at("read", &path))?,
        };
        serde_json::from_slice(&bytes).map_err(|source| RunError::Record { path, source })
    }
}

/// Whether the process that carries out a run lives.
pub(crate) enum Owner {
    /// It holds the lock.
    Alive,
    /// It does not. Holds the lock shared (where there is one), so that those who only look do not get into each other's
    /// way.
    Dead(Option<File>),
}

/// Tries the lock of a run.
pub(crate) fn probe(run: &Path) -> Owner {
    let Ok(file) = File::open(run.join(LOCK)) else {
        // Removed, or never there: nobody holds it.
        return Owner::Dead(None);
    };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Owner::Alive,
        Ok(()) | Err(TryLockError::Error(_)) => Owner::Dead(Some(file)),
    }
}
