//! Drives the built `runner` as a user would: a workspace in a temporary folder, a scrubbed environment, and one text
//! that holds everything a user sees — standard output, standard error, exit code.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "test code: a panic is how it fails"
)]

pub mod certificates;
pub mod docs;
pub mod engine;
pub mod github;
mod redact;
pub mod registry;
mod workspace;

pub use redact::redact;
pub use workspace::{Seen, Workspace, project, runner_binary};
