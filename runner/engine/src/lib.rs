//! Runs a [`Plan`](runner_workflow::plan::Plan): scheduling, retries, cancellation, gates and promotion.
//!
//! One line connects the engine to the world: everything that shows or records a run consumes the stream of
//! [`event::RunEvent`]s.

pub mod event;
pub mod executor;
pub mod outcome;
