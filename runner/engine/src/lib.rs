//! Runs a [`Plan`](runner_workflow::plan::Plan): scheduling, retries, cancellation, gates and promotion.
//!
//! One line connects the engine to the world: everything that shows or records a run consumes the stream of
//! [`event::RunEvent`]s.

pub mod cancel;
pub mod event;
pub mod executor;
pub mod mask;
mod mask_event;
pub mod options;
pub mod outcome;
mod outlet;
pub mod record;
mod stream;

pub use cancel::CancelSignal;
pub use options::{EngineError, EventConsumer, GitState, RunOptions, RunSummary, SecretValue};
