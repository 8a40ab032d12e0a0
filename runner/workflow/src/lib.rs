//! The workflow language: source text → spanned document → validated workflow → [`Plan`](plan::Plan).
//!
//! Pure and synchronous: no file system, no clock, no environment. What the language needs from outside
//! (manifests of plugins, the gate grammar, parameter files) is handed in through [`surroundings::Surroundings`].

#![expect(
    clippy::result_large_err,
    reason = "an error here is a whole diagnostic, made once for each mistake in a file"
)]

mod check;
mod diagnostic;
mod document;
pub mod expr;
pub mod graph;
pub mod plan;
mod problems;
mod read;
mod resolve;
mod scalar;
pub mod schema;
mod suggest;
pub mod surroundings;
mod yaml;

pub use check::{CheckOptions, Checked, check};
pub use diagnostic::{Diagnostic, Related, Severity};
