//! Why an object could not be stored, found or believed.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use crate::{
    digest::{BadDigest, Digest},
    error::StorageError,
};

/// Bytes could not be stored, found or believed.
#[derive(Debug, Error, Diagnostic)]
pub enum ObjectError {
    /// The disk did not allow it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Storage(#[from] StorageError),
    /// Not a digest.
    #[error(transparent)]
    #[diagnostic(transparent)]
    BadDigest(#[from] BadDigest),
    /// There is no such object.
    #[error("the object {digest} is not in the store")]
    #[diagnostic(
        code(store::object_missing),
        help("it was never stored here, or was removed; run the step that makes it again")
    )]
    Missing {
        /// What was asked for.
        digest: Digest,
    },
    /// The bytes do not match the name.
    #[error("the object {digest} is damaged: its bytes have the digest sha256:{found}")]
    #[diagnostic(
        code(store::object_damaged),
        help(
            "something wrote to the store, or a power cut came before the bytes were on the disk; the object was set aside in objects/damaged, run the step that makes it again"
        )
    )]
    Damaged {
        /// What was asked for.
        digest: Digest,
        /// SHA-256 of what is there, in hexadecimal.
        found: String,
    },
    /// An object used as a folder is no listing.
    #[error("the object {digest} is not the listing of a folder")]
    #[diagnostic(code(store::not_a_tree), help("this is a defect, or somebody wrote to the store"))]
    NotATree {
        /// What was asked for.
        digest: Digest,
    },
    /// An output is, or holds, a symbolic link.
    #[error("{} is a symbolic link", path.display())]
    #[diagnostic(
        code(store::symlink),
        help(
            "outputs may hold files and folders only, because a link could lead outside; write the file itself"
        )
    )]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// An output is, or holds, a pipe, a socket or a device; or a folder where a file is wanted.
    #[error("{} is not a regular file", path.display())]
    #[diagnostic(code(store::not_a_file), help("outputs may hold files and folders only"))]
    NotAFile {
        /// The thing.
        path: PathBuf,
    },
    /// A name that is not UTF-8.
    #[error("the name of {} is not UTF-8", path.display())]
    #[diagnostic(code(store::name_not_utf8), help("rename the file"))]
    NameNotUtf8 {
        /// The thing.
        path: PathBuf,
    },
    /// A path that leads outside the folder of outputs.
    #[error("the path `{path}` does not stay below the folder of outputs")]
    #[diagnostic(code(store::path_outside), help("use a relative path without `..`, such as `model.onnx`"))]
    PathOutside {
        /// As given.
        path: String,
    },
    /// Folders in folders in folders.
    #[error("{} is more than {limit} folders deep", path.display())]
    #[diagnostic(code(store::too_deep), help("pack the folder into one file"))]
    TooDeep {
        /// Where the limit was passed.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Too many files in one output.
    #[error("{} holds more than {limit} files", path.display())]
    #[diagnostic(code(store::too_many_files), help("pack the folder into one file"))]
    TooManyFiles {
        /// Where the limit was passed.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// More bytes than allowed.
    #[error("{} holds {size} bytes, more than the limit of {limit}", path.display())]
    #[diagnostic(code(store::output_too_large), help("raise `limits: {{ output: … }}` of the step"))]
    OutputTooLarge {
        /// The output.
        path: PathBuf,
        /// Bytes found (of a folder: so far).
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The destination of [`crate::Store::materialise`] is taken.
    #[error("{} exists already", path.display())]
    #[diagnostic(code(store::destination_exists))]
    DestinationExists {
        /// The destination.
        path: PathBuf,
    },
}
