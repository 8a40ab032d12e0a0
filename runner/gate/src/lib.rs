//! Metrics, the gate grammar and verdicts: pure and deterministic.
//!
//! No input or output, no clock, no randomness: the same evidence gives the same judgement, bit for bit.

pub(crate) mod any_float;
pub mod exact;
pub mod grammar;
pub mod unit;
pub mod verdict;
