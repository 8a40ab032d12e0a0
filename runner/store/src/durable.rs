//! Surviving a power cut: waiting until objects are on the disk.
//!
//! A written object survives the death of the process at once, because the system holds its bytes. Only a crash of the
//! system or a power cut can lose it, and waiting for the disk at every step would cost more than small steps do. So
//! it is done where something is decided: at the end of a stage and at a promotion.

use std::{collections::BTreeSet, fs::File, path::PathBuf};

use crate::{
    atomic,
    digest::{Digest, ObjectKind},
    error::StorageError,
    layout::Store,
    object_error::ObjectError,
};

/// With more files than this, one flush of the file system is cheaper than a flush of each file.
#[cfg(target_os = "linux")]
const FLUSH_EACH: usize = 16;

impl Store {
    /// Returns when these objects, of folders with all files, will survive a power cut.
    pub fn make_durable(&self, objects: &[Digest]) -> Result<(), ObjectError> {
        let mut files = BTreeSet::new();
        for digest in objects {
            files.insert(self.path(digest));
            if digest.kind() == ObjectKind::Tree {
                files.extend(self.tree(digest)?.iter().map(|file| self.path(&file.digest)));
            }
        }
        Ok(self.flush(&files)?)
    }

    #[cfg(target_os = "linux")]
    fn flush(&self, files: &BTreeSet<PathBuf>) -> Result<(), StorageError> {
        if files.len() <= FLUSH_EACH {
            return self.flush_each(files);
        }
        let root = self.root();
        File::open(root)
            .and_then(|folder| Ok(rustix::fs::syncfs(folder)?))
            .map_err(StorageError::at("sync", root))
    }

    #[cfg(not(target_os = "linux"))]
    fn flush(&self, files: &BTreeSet<PathBuf>) -> Result<(), StorageError> {
        self.flush_each(files)
    }

    fn flush_each(&self, files: &BTreeSet<PathBuf>) -> Result<(), StorageError> {
        for file in files {
            atomic::sync_file(file)?;
        }
        let folders: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        for folder in folders {
            atomic::sync_dir(folder)?;
        }
        if files.is_empty() { Ok(()) } else { atomic::sync_dir(self.objects_dir()) }
    }
}
