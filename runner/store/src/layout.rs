//! The folder of the store: where everything lies, and how it is made and recognised.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{atomic, error::StorageError};

/// The format this version writes, and the newest it reads.
pub const FORMAT: u64 = 1;

/// A temporary file untouched for so long belongs to a process that was killed.
const ABANDONED: Duration = Duration::from_hours(1);

/// The store of a workspace, usually the folder `.runner`. Cheap to clone; safe to use from several threads and
/// several processes at once.
#[derive(Debug, Clone)]
pub struct Store {
    folders: Arc<Folders>,
}

/// Paths that are needed again and again.
#[derive(Debug)]
struct Folders {
    root: PathBuf,
    objects: PathBuf,
    damaged: PathBuf,
    temporary: PathBuf,
    runs: PathBuf,
    registry: PathBuf,
}

impl Store {
    /// Opens the store in `root`; makes it where there is none.
    ///
    /// Also removes temporary files that killed processes left more than an hour ago. An existing store on a read-only
    /// disk opens, for reading.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, StorageError> {
        let root = absolute(root.as_ref())?;
        let store = Self::at(&root);
        let formatted = check_format(&root)?;
        // Also in a store that is there: someone may have removed old runs with all their folder.
        store.create_folders()?;
        if !formatted {
            store.mark()?;
        }
        store.remove_abandoned();
        Ok(store)
    }

    /// Opens the store in `root` if there is one, and makes nothing: for commands that only look.
    pub fn open_existing(root: impl AsRef<Path>) -> Result<Option<Self>, StorageError> {
        let root = absolute(root.as_ref())?;
        Ok(check_format(&root)?.then(|| Self::at(&root)))
    }

    /// Folder of the store, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.folders.root
    }

    /// `objects/sha256`: objects in 256 folders by the first two digits of their digest.
    pub(crate) fn objects_dir(&self) -> &Path {
        &self.folders.objects
    }

    /// `objects/damaged`: objects whose bytes no longer match their name, set aside.
    pub(crate) fn damaged_dir(&self) -> &Path {
        &self.folders.damaged
    }

    /// `tmp`: what is being written. On the file system of the rest, so that a rename publishes it.
    pub(crate) fn temporary_dir(&self) -> &Path {
        &self.folders.temporary
    }

    /// `runs`: a folder for each run.
    pub(crate) fn runs_dir(&self) -> &Path {
        &self.folders.runs
    }

    /// `registry`: a folder for each model.
    pub(crate) fn registry_dir(&self) -> &Path {
        &self.folders.registry
    }

    fn at(root: &Path) -> Self {
        let objects = root.join("objects");
        Self {
            folders: Arc::new(Folders {
                root: root.to_path_buf(),
                damaged: objects.join("damaged"),
                objects: objects.join("sha256"),
                temporary: root.join("tmp"),
                runs: root.join("runs"),
                registry: root.join("registry"),
            }),
        }
    }

    fn create_folders(&self) -> Result<(), StorageError> {
        let folders = &*self.folders;
        for folder in [&folders.objects, &folders.temporary, &folders.runs, &folders.registry] {
            fs::create_dir_all(folder).map_err(StorageError::at("create the folder", folder))?;
        }
        Ok(())
    }

    /// Several processes may do this at once. The format file comes last: where it is, all is there.
    fn mark(&self) -> Result<(), StorageError> {
        let folders = &*self.folders;
        // Keeps the store out of the user's commits without touching the user's files.
        atomic::write(&folders.root.join(".gitignore"), &folders.temporary, b"*\n", true)?;
        atomic::write(
            &folders.root.join("format"),
            &folders.temporary,
            format!("{FORMAT}\n").as_bytes(),
            true,
        )?;
        folders.root.parent().map_or(Ok(()), atomic::sync_dir)
    }

    /// Best effort: what cannot be removed now (somebody else did, the disk is read-only) harms nobody.
    fn remove_abandoned(&self) {
        let Ok(entries) = fs::read_dir(self.temporary_dir()) else { return };
        let now = SystemTime::now();
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let age = metadata.modified().ok().and_then(|modified| now.duration_since(modified).ok());
            if age.is_some_and(|age| age > ABANDONED) {
                let _ = if metadata.is_dir() {
                    fs::remove_dir_all(entry.path())
                } else {
                    fs::remove_file(entry.path())
                };
            }
        }
    }
}

fn absolute(root: &Path) -> Result<PathBuf, StorageError> {
    std::path::absolute(root).map_err(StorageError::at("find the folder", root))
}

/// Whether there is a store of a format this version knows.
fn check_format(root: &Path) -> Result<bool, StorageError> {
    let path = root.join("format");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(StorageError::new("read", &path, error)),
    };
    let found = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse::<u64>().ok());
    match found {
        Some(found) if found > FORMAT => {
            Err(StorageError::NewerFormat { path: root.to_path_buf(), found, supported: FORMAT })
        }
        Some(1..) => Ok(true),
        _ => Err(StorageError::NotAStore { path }),
    }
}
