//! Writing that is seen whole or not at all, and that lasts where it has to.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use tempfile::NamedTempFile;

use crate::error::StorageError;

/// Writes a file beside and renames it over `path`. With `durable`, it survives a power cut once this returns.
///
/// `temporary` is a folder on the same file system.
pub(crate) fn write(path: &Path, temporary: &Path, bytes: &[u8], durable: bool) -> Result<(), StorageError> {
    let mut file = temporary_file(temporary)?;
    file.write_all(bytes).map_err(StorageError::at("write", path))?;
    if durable {
        file.as_file().sync_all().map_err(StorageError::at("write", path))?;
    }
    file.persist(path).map_err(|error| StorageError::new("write", path, error.error))?;
    if durable && let Some(folder) = path.parent() {
        sync_dir(folder)?;
    }
    Ok(())
}

/// A file in `temporary` that goes away by itself unless it is published. As readable as the user's umask says.
pub(crate) fn temporary_file(temporary: &Path) -> Result<NamedTempFile, StorageError> {
    tempfile::Builder::new()
        .prefix("write-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(temporary)
        .map_err(StorageError::at("create a file in", temporary))
}

/// Waits until the entries of a folder are on the disk.
pub(crate) fn sync_dir(folder: &Path) -> Result<(), StorageError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StorageError::at("sync", folder))
}

/// Waits until the bytes of a file are on the disk.
pub(crate) fn sync_file(path: &Path) -> Result<(), StorageError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(StorageError::at("sync", path))
}

/// Renames, and fails with [`io::ErrorKind::AlreadyExists`] where `to` exists.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // File systems without this flag (some network ones). Between the look and the rename somebody else may come;
        // names here are digests or unique ids, so that the one replaced would hold the same.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            if fs::symlink_metadata(to).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        other => other.map_err(io::Error::from),
    }
}
