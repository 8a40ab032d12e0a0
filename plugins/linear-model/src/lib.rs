//! What the two training plugins share: examples read from CSV, standardisation, and a linear model written as ONNX.
//!
//! Everything but `train` is pure: no host calls and no paths, only readers and bytes.

pub mod coefficients;
pub mod columns;
pub mod examples;
pub mod onnx;
pub mod scaling;
pub mod train;
