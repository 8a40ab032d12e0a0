//! Runs of the engine, driven by scripted executors and by real processes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "a test crate: what fails here is a failed test, and values are compared as they were reported"
)]

mod baselines;
mod cancellation;
mod conditions;
mod consumers;
mod data;
mod gates;
mod plans;
mod policy;
mod processes;
mod promotions;
mod random_graphs;
mod refusals;
mod retries;
mod scheduling;
mod secrets;
