//! How far probabilities are from frequencies.

use super::{
    Rows,
    binary::{probabilities, truth},
};
use crate::sum::ExactSum;

/// Bin of a probability among `bins` of equal width, each without its lower and with its upper end, as scikit-learn's
/// `calibration_curve`; 0 is in the first.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lies between 0 and the number of bins"
)]
pub(super) fn bin(probability: f64, bins: u32) -> u32 {
    let mut bin = ((probability * f64::from(bins)).ceil() as u32).clamp(1, bins) - 1;
    // The product may round across an end.
    while bin > 0 && probability <= f64::from(bin) / f64::from(bins) {
        bin -= 1;
    }
    while bin + 1 < bins && probability > f64::from(bin + 1) / f64::from(bins) {
        bin += 1;
    }
    bin
}

/// Σ over bins of |Σw y − Σw p| / Σw.
pub(super) fn expected_error(rows: Rows<'_>, bins: u32) -> Result<f64, String> {
    let (truth, scores) = (truth(rows)?, probabilities(rows)?);
    let mut sums = vec![ExactSum::new(); bins as usize];
    rows.each(|row| {
        sums[bin(scores[row], bins) as usize].add(rows.weight(row) * (truth[row] - scores[row]));
    });
    Ok(ExactSum::of(sums.iter().map(|sum| sum.value().abs())) / rows.total_weight()?)
}
