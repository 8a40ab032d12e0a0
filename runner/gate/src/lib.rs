//! Metrics, the gate grammar and verdicts: pure and deterministic.
//!
//! No input or output, no clock, no randomness: the same evidence gives the same judgement, bit for bit.

#![expect(clippy::float_cmp, reason = "labels of 0 and 1, ties and constants are meant exactly")]

pub(crate) mod any_float;
pub mod evidence;
pub mod exact;
pub mod grammar;
mod judge;
pub mod mapping;
pub mod metrics;
pub mod predictions;
pub(crate) mod sum;
pub mod unit;
pub mod verdict;

pub use evidence::{Defaults, Evidence, Measurements, Reference, References, ScalarMetric};
pub use judge::judge;
