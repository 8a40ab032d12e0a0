//! The folder of a run that is going on.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

use crate::{
    atomic, digest::Digest, error::StorageError, layout::Store, run_error::RunError, run_id::RunId, scratch,
};

/// The lock that tells a run that is going on from one that was killed.
pub(crate) const LOCK: &str = "lock";
/// One event per line.
pub(crate) const EVENTS: &str = "events.jsonl";
/// The plan as it was run.
pub(crate) const PLAN: &str = "plan.json";
/// The record of the ended run.
pub(crate) const RECORD: &str = "run.json";
/// What attempts write to.
pub(crate) const WORK: &str = "work";

/// The run this process is carrying out. Holds its lock: while it lives, others see the run as running. May be used from
/// several threads.
#[derive(Debug)]
pub struct RunDir {
    id: RunId,
    path: PathBuf,
    temporary: PathBuf,
    events: Mutex<Log>,
    /// Locked as long as it is open; the system lets go of it when the process dies, however it dies.
    _lock: File,
}

/// The events file and its length in whole lines.
#[derive(Debug)]
struct Log {
    file: File,
    length: u64,
}

impl Store {
    /// Makes the folder of a new run and locks it. Also removes the scratch of runs that were killed.
    ///
    /// The folder appears with everything in it at once, locked already.
    pub fn create_run(&self, id: &RunId) -> Result<RunDir, RunError> {
        self.remove_dead_scratch();
        // Cleared by itself where something fails below.
        let folder = tempfile::Builder::new()
            .prefix("run-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .tempdir_in(self.temporary_dir())
            .map_err(StorageError::at("create a folder in", self.temporary_dir()))?;
        let path = self.runs_dir().join(id.as_str());
        let begun =
            begin(folder.path()).and_then(|open| atomic::rename_new(folder.path(), &path).map(|()| open));
        let (lock, events) = match begun {
            Ok(open) => open,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(RunError::Exists { id: id.clone() });
            }
            Err(error) => return Err(StorageError::new("create the run", &path, error).into()),
        };
        // It has moved: nothing is left to clear.
        let _ = folder.keep();
        Ok(RunDir {
            id: id.clone(),
            path,
            temporary: self.temporary_dir().to_path_buf(),
            events: Mutex::new(Log { file: events, length: 0 }),
            _lock: lock,
        })
    }
}

fn begin(folder: &Path) -> io::Result<(File, File)> {
    let lock = File::create_new(folder.join(LOCK))?;
    match lock.try_lock() {
        // Without locks (some network file systems) a run works; it only looks killed to others until it ends.
        Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked?,
    }
    let events = OpenOptions::new().append(true).create_new(true).open(folder.join(EVENTS))?;
    fs::create_dir(folder.join(WORK))?;
    Ok((lock, events))
}

impl RunDir {
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

    /// Appends whole lines, each with its line end, in one write: they survive the death of this process, not a power
    /// cut (see [`RunDir::sync_events`]). Where the disk is full, half a line is taken back.
    pub fn append_events(&self, lines: &[u8]) -> Result<(), RunError> {
        let mut log = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let length = log.length;
        match log.file.write_all(lines) {
            Ok(()) => {
                log.length += lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                let _ = log.file.set_len(length);
                Err(StorageError::new("write", &self.path.join(EVENTS), error).into())
            }
        }
    }

    /// Returns when the events so far, and the folder of the run itself, will survive a power cut.
    pub fn sync_events(&self) -> Result<(), RunError> {
        let file = {
            let log = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            log.file.try_clone()
        };
        // Not under the mutex: others append meanwhile.
        let path = self.path.join(EVENTS);
        file.and_then(|file| file.sync_data()).map_err(StorageError::at("sync", &path))?;
        self.sync_folders()
    }

    /// Writes `plan.json`, whole or not at all.
    pub fn write_plan(&self, plan: &impl Serialize) -> Result<(), RunError> {
        self.write_json(PLAN, plan, false)
    }

    /// Writes `run.json`, whole or not at all. It is the last word about the run: a run that has one has ended, a run
    /// without one is running or was killed. With `durable` it survives a power cut.
    pub fn write_record(&self, record: &impl Serialize, durable: bool) -> Result<(), RunError> {
        self.write_json(RECORD, record, durable)?;
        if durable { self.sync_events() } else { Ok(()) }
    }

    /// Writes another file of the run (such as `evidence.json`), whole or not at all. `name` is a plain file name.
    pub fn write_file(&self, name: &str, bytes: &[u8], durable: bool) -> Result<(), RunError> {
        let path = self.path.join(name);
        if name.contains('/') || !crate::tree::is_plain(name) {
            return Err(StorageError::new("write", &path, io::ErrorKind::InvalidFilename.into()).into());
        }
        Ok(atomic::write(&path, &self.temporary, bytes, durable)?)
    }

    /// An empty folder for one attempt of a step, `work/<step>.<attempt>`, on the file system of the store so that outputs
    /// can be moved. Characters of the step's id that are not safe in a path are replaced; a short digest keeps such names
    /// apart.
    pub fn scratch_dir(&self, step: &str, attempt: u32) -> Result<PathBuf, RunError> {
        let path = self.path.join(WORK).join(scratch_name(step, attempt));
        let mut created = fs::create_dir(&path);
        if created.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
            created = scratch::remove_tree(&path).and_then(|()| fs::create_dir(&path));
        }
        created.map_err(StorageError::at("create the folder", &path))?;
        Ok(path)
    }

    /// Removes the scratch of one attempt.
    pub fn remove_scratch(&self, step: &str, attempt: u32) -> Result<(), RunError> {
        let path = self.path.join(WORK).join(scratch_name(step, attempt));
        scratch::remove_tree(&path).map_err(StorageError::at("remove", &path))?;
        Ok(())
    }

    /// Ends the run for the store: removes all scratch and lets go of the lock. To be called after
    /// [`RunDir::write_record`]; without it, a later run cleans up.
    pub fn close(self) -> Result<(), RunError> {
        let path = self.path.join(WORK);
        scratch::remove_tree(&path).map_err(StorageError::at("remove", &path))?;
        Ok(())
    }

    fn write_json(&self, name: &'static str, value: &impl Serialize, durable: bool) -> Result<(), RunError> {
        let path = self.path.join(name);
        let mut bytes = serde_json::to_vec_pretty(value)
            .map_err(|source| RunError::Json { path: path.clone(), source })?;
        bytes.push(b'\n');
        Ok(atomic::write(&path, &self.temporary, &bytes, durable)?)
    }

    fn sync_folders(&self) -> Result<(), RunError> {
        atomic::sync_dir(&self.path)?;
        Ok(self.path.parent().map_or(Ok(()), atomic::sync_dir)?)
    }
}

/// A file name that no id of a step can misuse: `fit.1`, `fit_seed_0_-1f2e3d4c.1`.
fn scratch_name(step: &str, attempt: u32) -> String {
    const LONGEST: usize = 80;
    let safe: String = step
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' })
        .collect();
    if safe == step {
        return format!("{safe}.{attempt}");
    }
    let digest = Digest::of_bytes(step.as_bytes()).hex();
    format!("{safe}-{}.{attempt}", &digest[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_names() {
        assert_eq!(scratch_name("fit", 1), "fit.1");
        assert!(scratch_name("fit[seed=0]", 2).starts_with("fit_seed_0_-"));
        assert_ne!(scratch_name("a[x=1/2]", 1), scratch_name("a[x=1_2]", 1));
        assert!(scratch_name(&"x".repeat(10_000), 1).len() < 120);
        assert!(!scratch_name("../../etc", 1).contains("../"));
    }
}
