//! Intervals and tests: how sure a measured number is.
//!
//! Everything here is a pure function of its arguments: resamples come from the seed and the number of the resample
//! alone, so that no result depends on the number of threads. Formulas and their sources are in `docs/statistics.md`.
//!
//! - `uncertainty`: what all methods yield: bounds at a confidence, and p-values against a value.
//! - [`wilson`], [`mcnemar`], [`delong`], [`seeds`]: closed forms.
//! - `units`, `stream`, [`bootstrap`]: resampling.
//! - [`correction`]: several comparisons at once. [`power`]: what an amount of data can see.

pub mod bootstrap;
#[cfg(test)]
mod calibration_tests;
pub mod correction;
pub mod delong;
pub(crate) mod distribution;
pub mod mcnemar;
pub mod power;
pub mod seeds;
pub(crate) mod statistic;
pub mod stream;
pub(crate) mod uncertainty;
pub(crate) mod units;
pub mod wilson;
