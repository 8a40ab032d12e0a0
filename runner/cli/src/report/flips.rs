//! Flips in words.

use runner_gate::flips::FlipTable;

use crate::report::quantity;

/// `52 of 412 rows flipped from right to wrong, 7 from wrong to right; McNemar p 0.00002`.
pub(crate) fn words(flips: &FlipTable) -> String {
    format!(
        "{} of {} rows flipped from right to wrong, {} from wrong to right; exact McNemar p {}",
        flips.harmful,
        flips.rows,
        flips.helpful,
        quantity::p_value(flips.mcnemar_p)
    )
}
