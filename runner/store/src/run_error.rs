//! Why a run could not be recorded or read.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use crate::{error::StorageError, run_id::RunId};

/// A run could not be recorded or read.
#[derive(Debug, Error, Diagnostic)]
pub enum RunError {
    /// The disk did not allow it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Storage(#[from] StorageError),
    /// The id is taken.
    #[error("the run {id} exists already")]
    #[diagnostic(code(store::run_exists), help("start again: every run gets a new id"))]
    Exists {
        /// The id.
        id: RunId,
    },
    /// No run has this name.
    #[error("there is no run `{reference}`")]
    #[diagnostic(
        code(store::run_not_found),
        help(
            "`runner ls` lists the runs; `latest`, the start of an id or the start of its last part will do"
        )
    )]
    NotFound {
        /// What was asked for.
        reference: String,
    },
    /// There is no run at all.
    #[error("there are no runs yet")]
    #[diagnostic(code(store::no_runs), help("`runner run FILE` makes one"))]
    NoRuns,
    /// Several runs have names that start so.
    #[error("`{reference}` fits {count} runs, {} among them", matches.join(", "))]
    #[diagnostic(code(store::run_ambiguous), help("give more of the id"))]
    Ambiguous {
        /// What was asked for.
        reference: String,
        /// How many.
        count: usize,
        /// Up to five of them, newest first.
        matches: Vec<String>,
    },
    /// A file of the run is not there, for example because the run was killed before it was written.
    #[error("the run {id} has no {file}")]
    #[diagnostic(code(store::run_file_missing), help("the run was killed or is still going"))]
    FileMissing {
        /// The run.
        id: RunId,
        /// Such as `run.json`.
        file: &'static str,
    },
    /// A record cannot be read.
    #[error("{} is damaged: {source}", path.display())]
    #[diagnostic(
        code(store::run_record_damaged),
        help(
            "a later version of the runner wrote it, or something wrote to the store; the events may still be readable"
        )
    )]
    Record {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// A line in the middle of the events cannot be read.
    #[error("line {line} of {} is damaged: {source}", path.display())]
    #[diagnostic(
        code(store::event_damaged),
        help("a later version of the runner wrote it, or something wrote to the store")
    )]
    Event {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// A record cannot be written as JSON.
    #[error("cannot write {} as JSON: {source}", path.display())]
    #[diagnostic(code(store::run_record_json), help("this is a defect of the runner"))]
    Json {
        /// The file.
        path: PathBuf,
        /// What the writer says.
        source: serde_json::Error,
    },
}
