//! Write a plugin for `runner` in Rust.
//!
//! A plugin is a WebAssembly component. Implement [`Step`] (named inputs to named outputs) or [`Deployer`] (bring a
//! model into service), hand the type to [`export_step!`] or [`export_deployer!`], and build the crate for
//! `wasm32-wasip2` as a `cdylib`:
//!
//! ```
//! use runner_plugin_sdk::{Failure, Kind, Manifest, Metric, Port, Step, Task, host};
//!
//! struct CountRows;
//!
//! impl Step for CountRows {
//!     fn describe() -> Manifest {
//!         Manifest::new("count-rows", "0.1.0", "Counts the rows of a CSV file.")
//!             .stage("validate")
//!             .input(Port::required("data", Kind::Dataset, "A CSV file with a header."))
//!     }
//!
//!     fn run(task: Task) -> Result<(), Failure> {
//!         let path = task.input("data")?;
//!         let text = std::fs::read_to_string(path).map_err(Failure::unreadable(path))?;
//!         host::metric(Metric::new("rows", text.lines().skip(1).count() as f64));
//!         Ok(())
//!     }
//! }
//!
//! runner_plugin_sdk::export_step!(CountRows);
//! ```
//!
//! Files are read and written with `std::fs`: inputs lie under `/in`, outputs under `/out`, and there is nothing else.
//! On a native target the calls of [`host`] are kept for the test to read ([`host::take_recorded`]), so that a plugin's
//! logic is tested with plain `cargo test`.

pub mod host;

mod deployer;
mod failure;
mod manifest;
mod report;
mod step;
mod task;

pub use deployer::{Deployer, Deployment};
pub use failure::Failure;
pub use manifest::{Capability, CapabilityRequest, Kind, Manifest, ManifestProblem, Port};
pub use report::{Finding, LogLevel, Metric, Severity};
pub use step::Step;
pub use task::{Binding, Task};

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod component;

#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub mod manifest_test;
