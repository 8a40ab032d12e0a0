//! Metrics, the gate grammar and verdicts: pure and deterministic.
//!
//! No input or output, no clock, no randomness: the same evidence gives the same judgement, bit for bit.
//!
//! ```
//! use runner_gate::{Defaults, Evidence, ScalarMetric, grammar, judge, verdict::Verdict};
//!
//! let gate = grammar::parse("loss <= 0.3 else hold")?;
//! let mut evidence = Evidence::default();
//! evidence.candidate.scalars.push(ScalarMetric { name: "loss".into(), slice: Vec::new(), value: 0.31 });
//! let judgement = judge(&gate, &evidence, &Defaults::default());
//! assert_eq!(judgement.verdict, Verdict::Hold);
//! assert_eq!(judgement.message, "loss 0.31 is above 0.3");
//! # Ok::<(), grammar::SyntaxError>(())
//! ```
//!
//! - [`grammar`] and [`mapping`]: the two ways to write a gate.
//! - [`predictions`] and [`metrics`]: from a file of scored rows to numbers.
//! - [`curves`]: from predictions to the points of a plot.
//! - [`judge()`] and [`verdict`]: from numbers to a verdict, and the rules by which.
//! - [`policy`]: whether another revision of the gates lets something through that this one stops.
//! - [`exact`] and [`mod@unit`]: how numbers are compared.

#![expect(clippy::float_cmp, reason = "labels of 0 and 1, ties and constants are meant exactly")]

pub(crate) mod any_float;
pub mod curves;
pub mod evidence;
pub mod exact;
pub mod flips;
pub mod grammar;
pub mod judge;
pub mod mapping;
pub mod metrics;
pub mod policy;
pub mod predictions;
pub(crate) mod reach;
pub mod stats;
pub(crate) mod sum;
pub mod unit;
pub mod verdict;

pub use evidence::{Defaults, Evidence, Measurements, Reference, References, ScalarMetric};
pub use judge::judge;
