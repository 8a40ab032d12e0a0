//! Runs a [`Plan`](runner_workflow::plan::Plan): scheduling, retries, cancellation, gates and promotion.
//!
//! One line connects the engine to the world: everything that shows or records a run consumes the stream of
//! [`event::RunEvent`]s.

mod attempt;
pub mod cancel;
pub mod conclusion;
pub mod container;
#[cfg(any(test, feature = "contract-tests"))]
pub mod contract;
#[cfg(test)]
mod contract_tests;
mod data;
mod decide;
mod drive;
mod durability;
mod engine;
pub mod event;
pub mod evidence;
pub mod executor;
pub mod judging;
mod lines;
pub mod mask;
mod mask_event;
pub mod options;
pub mod outcome;
mod outlet;
pub mod policy;
pub mod process;
mod promotion;
pub mod record;
pub mod references;
mod refusal;
mod reports;
mod request;
pub mod resources;
mod retry;
mod schedule;
mod scope;
pub mod scripted;
mod select;
mod sink;
mod slots;
mod staging;
mod stopping;
mod stream;
mod variables;
pub mod waiver;

pub use cancel::CancelSignal;
pub use engine::Engine;
pub use options::{EngineError, EventConsumer, GitState, Revisions, RunOptions, RunSummary, SecretValue};
