//! Sums that do not depend on the order of their addends.
//!
//! A verdict must not change because rows come in another order, so sums over rows are exact: every double is added
//! into a fixed-point number wide enough for all of them, and the total is rounded once, correctly. The idea is the
//! small superaccumulator of R. M. Neal, "Fast exact summation using small and large superaccumulators" (2015).

/// Bits of a chunk that carry value; the rest of the 64 collects carries.
const CHUNK_BITS: u32 = 32;
/// Chunks for every bit of a double (2^-1074 to 2^1023) and for carries above.
const CHUNKS: usize = 68;
/// Additions after which carries must be moved on: each adds less than 2^32 to a chunk of 63 bits.
const ADDITIONS: u32 = 1 << 30;

/// An exact running sum of doubles.
#[derive(Debug, Clone)]
pub(crate) struct ExactSum {
    chunks: [i64; CHUNKS],
    additions: u32,
    /// NaN or an infinity was added.
    not_finite: bool,
}

impl ExactSum {
    pub(crate) const fn new() -> Self {
        Self { chunks: [0; CHUNKS], additions: 0, not_finite: false }
    }

    /// The exact sum of the values, rounded once.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> f64 {
        let mut sum = Self::new();
        values.into_iter().for_each(|value| sum.add(value));
        sum.value()
    }

    #[expect(clippy::cast_possible_truncation, reason = "cuts a number of at most 84 bits into chunks of 32")]
    pub(crate) fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let exponent = (bits >> 52) & 0x7ff;
        let mut mantissa = bits & ((1 << 52) - 1);
        if exponent == 0x7ff {
            self.not_finite = true;
            return;
        }
        if exponent != 0 {
            mantissa |= 1 << 52;
        }
        let position = exponent.max(1) - 1;
        let first = (position / u64::from(CHUNK_BITS)) as usize;
        let wide = u128::from(mantissa) << (position % u64::from(CHUNK_BITS));
        let sign = if value.is_sign_negative() { -1 } else { 1 };
        for (i, chunk) in self.chunks[first..first + 3].iter_mut().enumerate() {
            *chunk += sign * i64::from((wide >> (CHUNK_BITS * i as u32)) as u32);
        }
        self.additions += 1;
        if self.additions == ADDITIONS {
            carry(&mut self.chunks);
            self.additions = 0;
        }
    }

    /// The sum, rounded to the nearest double; NaN if something added was not finite.
    #[expect(
        clippy::cast_sign_loss,
        reason = "chunks are not negative once carries are moved and the sign is split off"
    )]
    pub(crate) fn value(&self) -> f64 {
        if self.not_finite {
            return f64::NAN;
        }
        let mut chunks = self.chunks;
        carry(&mut chunks);
        let negative = chunks[CHUNKS - 1] < 0;
        if negative {
            for chunk in &mut chunks {
                *chunk = -*chunk;
            }
            carry(&mut chunks);
        }
        let Some(top) = chunks.iter().rposition(|chunk| *chunk != 0) else { return 0.0 };
        let low = top.saturating_sub(2);
        let mut digits =
            chunks[low..=top].iter().rev().fold(0_u128, |all, chunk| (all << CHUNK_BITS) | *chunk as u128);
        if chunks[..low].iter().any(|chunk| *chunk != 0) {
            // Below the digits kept, which are more than a double holds: matters only to break a tie upwards.
            digits |= 1;
        }
        let magnitude =
            scale(digits as f64, i32::try_from(low * CHUNK_BITS as usize).unwrap_or(i32::MAX) - 1074);
        if negative { -magnitude } else { magnitude }
    }
}

fn carry(chunks: &mut [i64; CHUNKS]) {
    for i in 0..CHUNKS - 1 {
        let over = chunks[i] >> CHUNK_BITS;
        chunks[i] -= over << CHUNK_BITS;
        chunks[i + 1] += over;
    }
}

/// `value * 2^power`, where the power may be beyond what a double holds.
fn scale(mut value: f64, mut power: i32) -> f64 {
    while power > 1000 {
        value *= 2f64.powi(1000);
        power -= 1000;
    }
    while power < -1000 {
        value *= 2f64.powi(-1000);
        power += 1000;
    }
    value * 2f64.powi(power)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ExactSum;
    use crate::exact::Exact;

    #[test]
    fn cancellation_loses_nothing() {
        assert_eq!(ExactSum::of([1e300, 1.0, -1e300]), 1.0);
        assert_eq!(ExactSum::of([1e16, 1.0, 1.0, -1e16]), 2.0);
        assert_eq!(ExactSum::of([5e-324, 5e-324, -5e-324]), 5e-324);
        assert_eq!(ExactSum::of([-0.1; 10]), -1.0);
        assert_eq!(ExactSum::of([]), 0.0);
        assert_eq!(ExactSum::of([f64::MAX, f64::MAX]), f64::INFINITY);
        assert!(ExactSum::of([1.0, f64::INFINITY]).is_nan());
    }

    proptest! {
        #[test]
        fn is_the_true_sum_in_any_order(mut values in prop::collection::vec(-1e12..1e12f64, 0..60), scale in -250..250i32) {
            values.iter_mut().zip(0_i32..).for_each(|(value, i)| *value *= 10f64.powi(scale / (1 + i % 7)));
            let sum = ExactSum::of(values.iter().copied());
            values.reverse();
            prop_assert_eq!(sum, ExactSum::of(values.iter().copied()));
            // Whole numbers are both exact doubles and exact decimals.
            let whole: Vec<f64> = values.iter().map(|value| value.trunc() % 1e15).collect();
            let exact = whole.iter().fold(Exact::integer(0), |sum, value| sum.plus(&Exact::from_f64(*value).unwrap()));
            prop_assert_eq!(ExactSum::of(whole), exact.to_f64());
        }
    }
}
