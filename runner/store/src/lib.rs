//! The store of a workspace, by default the folder `.runner`.
//!
//! Truth is immutable objects and append-only records:
//!
//! ```text
//! .runner/
//!   format                        1
//!   objects/sha256/ab/abcd…       bytes named by their SHA-256, mode 0444
//!   objects/damaged/              objects whose bytes no longer match their name
//!   runs/<id>/                    lock, events.jsonl, plan.json, run.json, work/ (scratch, removed at the end)
//!   registry/<model>/versions/    00000001.json, …: immutable
//!   registry/<model>/aliases/<alias>/  00000001.json, …: append-only; the last one says where the alias points
//!   tmp/                          what is being written
//! ```
//!
//! Every write is made in `tmp/` and then renamed or linked into place, so that nothing is ever seen half-written, and
//! a process that dies at any instant damages nothing. A power cut can lose only what came after the last call that is
//! documented as durable.

mod atomic;
mod digest;
mod durable;
mod error;
mod events;
mod layout;
mod object_error;
mod objects;
mod registry;
mod run_dir;
mod run_error;
mod run_id;
mod runs;
mod scratch;
pub mod signing;
pub mod tree;

pub use digest::{BadDigest, Digest, ObjectKind};
pub use error::StorageError;
pub use events::Events;
pub use layout::{FORMAT, Store};
pub use object_error::ObjectError;
pub use objects::{Object, OutputLimits, digest_of};
pub use registry::{
    AliasRecord, AliasState, Basis, Change, ChangeKind, Expected, ModelSummary, NewVersion, Place,
    PlaceError, Promoted, Registry, RegistryError, VersionRecord, check_alias, check_model,
};
pub use run_dir::RunDir;
pub use run_error::RunError;
pub use run_id::{BadRunId, RunId};
pub use runs::{RecordedRun, RunState, RunSummary};
