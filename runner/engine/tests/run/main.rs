//! Runs of the engine, driven by scripted executors and by real processes.

#![expect(missing_docs, reason = "tests")]

mod cancellation;
mod conditions;
mod consumers;
mod data;
mod gates;
mod plans;
mod processes;
mod promotions;
mod random_graphs;
mod refusals;
mod retries;
mod scheduling;
mod secrets;
