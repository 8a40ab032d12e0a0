//! What an amount of data can see.

use super::distribution::normal_quantile;

/// Power where the gate does not say one.
pub const USUAL_POWER: f64 = 0.8;

/// Smallest distance from a bound that a one-sided test at this confidence notices with this power, in units of the
/// standard error's metric: (z of the confidence + z of the power) · standard error.
#[must_use]
pub fn minimum_detectable(standard_error: f64, confidence: f64, power: f64) -> f64 {
    (normal_quantile(confidence) + normal_quantile(power)).max(0.0) * standard_error
}

/// Rows that would see `distance`, where `n` rows see `detectable`: the standard error shrinks with the root of the rows.
/// None for a distance of 0, which no number of rows can see.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and a cast of what is too large saturates"
)]
pub fn sufficient_rows(n: u64, detectable: f64, distance: f64) -> Option<u64> {
    let rows = n as f64 * (detectable / distance).powi(2);
    (distance > 0.0 && rows.is_finite()).then(|| (rows.ceil() as u64).max(1))
}
