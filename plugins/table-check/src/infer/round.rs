//! Widens what was seen, to numbers that people would write.

/// Part of the extent that is added on either side.
const MARGIN: f64 = 0.1;

/// Bounds around `min` and `max`: a tenth of the extent further on each side, then out to a round number. Zero is not
/// crossed, and what lies within 0 to 1 stays there: counts, prices and shares are not negative. A bound that would
/// lie beyond what a number can be is infinite.
pub(super) fn widened(min: f64, max: f64) -> (f64, f64) {
    if min >= 0.0 && max <= 1.0 && max > 0.0 {
        return (0.0, 1.0);
    }
    let extent = if max > min { max - min } else { max.abs().max(1.0) };
    let margin = extent * MARGIN;
    let step = 10_f64.powf(margin.log10().floor());
    let low = out(min - margin, step, f64::floor);
    let high = out(max + margin, step, f64::ceil);
    (if min >= 0.0 { low.max(0.0) } else { low }, if max <= 0.0 && min < 0.0 { high.min(0.0) } else { high })
}

fn out(value: f64, step: f64, round: fn(f64) -> f64) -> f64 {
    let steps = round(value / step);
    // A step below one is a power of ten that binary does not hold: dividing by its inverse gives the shorter decimal.
    let rounded = if step < 1.0 { steps / (1.0 / step).round() } else { steps * step };
    if rounded.is_finite() { rounded } else { value }
}

/// A share of missing values that the next file may have: half as much again, and one in a hundred more.
pub(super) fn null_share(share: f64) -> f64 {
    (((share * 1.5 + 0.01) * 100.0).ceil() / 100.0).min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_are_round_and_keep_to_their_side_of_zero() {
        assert_eq!(widened(18.0, 89.0), (10.0, 97.0));
        assert_eq!(widened(0.0, 239.0), (0.0, 270.0));
        assert_eq!(widened(0.02, 0.97), (0.0, 1.0));
        assert_eq!(widened(0.0, 1.0), (0.0, 1.0));
        assert_eq!(widened(5.0, 5.0), (4.5, 5.5));
        assert_eq!(widened(-2000.0, 18_000.0), (-4000.0, 20_000.0));
    }

    proptest! {
        #[test]
        fn what_was_seen_stays_within(a in -1e12_f64..1e12, b in -1e12_f64..1e12) {
            let (min, max) = if a < b { (a, b) } else { (b, a) };
            let (low, high) = widened(min, max);
            prop_assert!(low <= min && high >= max, "{low} {min} {max} {high}");
        }
    }
}
