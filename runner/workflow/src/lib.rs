//! The workflow language: source text → spanned document → validated workflow → [`Plan`](plan::Plan).
//!
//! Pure and synchronous: no file system, no clock, no environment. What the language needs from outside
//! (manifests of plugins, the gate grammar, parameter files) is handed in through [`surroundings::Surroundings`].

mod check;
mod diagnostic;
pub mod expr;
pub mod graph;
pub mod plan;
pub mod schema;
pub mod surroundings;

pub use check::{CheckOptions, Checked, check};
pub use diagnostic::{Diagnostic, Related, Severity};
