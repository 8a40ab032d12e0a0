//! What the disk can refuse, told so that a person can act on it.

use std::{
    io,
    path::{Path, PathBuf},
};

use miette::Diagnostic;
use thiserror::Error;

/// The disk, or the folder of the store itself, did not allow it.
#[derive(Debug, Error, Diagnostic)]
pub enum StorageError {
    /// `ENOSPC` or `EDQUOT`.
    #[error("no space is left on the disk: cannot {action} {}", path.display())]
    #[diagnostic(
        code(store::disk_full),
        help("free some space or quota and run again; nothing that was stored before is damaged")
    )]
    DiskFull {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// `EFBIG`: beyond what the file system or `ulimit -f` allows for one file.
    #[error("the file is larger than this system allows: cannot {action} {}", path.display())]
    #[diagnostic(
        code(store::file_too_large),
        help("look at `ulimit -f` and at the limits of the file system")
    )]
    FileTooLarge {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// `EACCES` or `EPERM`.
    #[error("permission denied: cannot {action} {}", path.display())]
    #[diagnostic(
        code(store::permission_denied),
        help("give this user write access to the folder, or put the store elsewhere")
    )]
    PermissionDenied {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// `EROFS`.
    #[error("the file system is read-only: cannot {action} {}", path.display())]
    #[diagnostic(
        code(store::read_only),
        help("put the store on a writable disk; reading runs and models needs no writing")
    )]
    ReadOnly {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Any other refusal.
    #[error("cannot {action} {}: {source}", path.display())]
    #[diagnostic(code(store::io))]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A later version of the runner wrote this store.
    #[error("the store {} has format {found}; this version knows formats up to {supported}", path.display())]
    #[diagnostic(
        code(store::newer_format),
        help("update the runner, or use another store; nothing was changed")
    )]
    NewerFormat {
        /// Folder of the store.
        path: PathBuf,
        /// Format found.
        found: u64,
        /// Newest format known.
        supported: u64,
    },
    /// The format file holds something else than a number.
    #[error("{} does not hold the number of a format", path.display())]
    #[diagnostic(
        code(store::not_a_store),
        help("is this folder a store? if it is, and the file was lost in a power cut, write `1` into it")
    )]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
}

impl StorageError {
    /// Sorts an error of the system into the classes a person can act on.
    #[must_use]
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { action, path, source }
            }
            io::ErrorKind::FileTooLarge => Self::FileTooLarge { action, path, source },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { action, path, source },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { action, path, source },
            _ => Self::Io { action, path, source },
        }
    }

    /// For `map_err`.
    pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::new(action, path, source)
    }
}
