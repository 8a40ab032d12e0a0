//! Distances between two distributions, and tests of whether they differ.
//!
//! The distances (population stability index, Jensen-Shannon, Kolmogorov-Smirnov's D, Cramér's V) say how *much* two
//! samples differ. The p-values say how *surely*, which with enough rows is always: they are reported and never
//! decide.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// The share that stands in for an empty bin, so that the stability index stays finite.
pub const FLOOR: f64 = 1e-4;

/// A test's statistic and its p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The statistic.
    pub statistic: f64,
    /// Probability of a statistic at least as large if both samples came from one distribution.
    pub p_value: f64,
}

/// Shares of counts; all 0 where there is nothing.
fn shares(counts: &[u64]) -> Vec<f64> {
    let total = counts.iter().sum::<u64>().max(1) as f64;
    counts.iter().map(|&count| count as f64 / total).collect()
}

/// Population stability index: Σ (q − p) · ln(q / p) over bins with the shares p of the reference and q of the data,
/// each at least [`FLOOR`]. 0 where they agree; by custom 0.1 is slight and 0.25 is large (Siddiqi, Credit Risk
/// Scorecards, 2006).
pub fn stability_index(reference: &[u64], data: &[u64]) -> f64 {
    shares(reference)
        .into_iter()
        .zip(shares(data))
        .map(|(p, q)| (p.max(FLOOR), q.max(FLOOR)))
        .map(|(p, q)| (q - p) * (q / p).ln())
        .sum()
}

/// Jensen-Shannon distance, with logarithms to base 2: 0 where the shares agree, 1 where no bin holds both
/// (Lin, IEEE Transactions on Information Theory 37, 1991; the square root is a metric).
pub fn jensen_shannon(reference: &[u64], data: &[u64]) -> f64 {
    let part = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    let divergence: f64 = shares(reference)
        .into_iter()
        .zip(shares(data))
        .map(|(p, q)| {
            let middle = f64::midpoint(p, q);
            f64::midpoint(part(p, middle), part(q, middle))
        })
        .sum();
    // Rounding may leave a tiny negative number.
    divergence.max(0.0).sqrt()
}

/// Two-sample Kolmogorov-Smirnov test of ascending samples: the statistic D is the largest difference between the
/// two empirical distribution functions; the p-value is the limiting one, for large samples.
///
/// `None` where a sample is empty.
pub fn kolmogorov_smirnov(reference: &[f64], data: &[f64]) -> Option<Test> {
    if reference.is_empty() || data.is_empty() {
        return None;
    }
    let (left_size, right_size) = (reference.len() as f64, data.len() as f64);
    let (mut left, mut right, mut statistic) = (0, 0, 0.0_f64);
    while left < reference.len() && right < data.len() {
        let value = reference[left].min(data[right]);
        while left < reference.len() && reference[left] <= value {
            left += 1;
        }
        while right < data.len() && data[right] <= value {
            right += 1;
        }
        statistic = statistic.max((left as f64 / left_size - right as f64 / right_size).abs());
    }
    let size = left_size * right_size / (left_size + right_size);
    Some(Test { statistic, p_value: kolmogorov_tail(size.sqrt() * statistic) })
}

/// P(K > x) of the Kolmogorov distribution: 2 Σₖ (−1)ᵏ⁻¹ exp(−2k²x²).
fn kolmogorov_tail(x: f64) -> f64 {
    // Below, the tail is 1 to within 1e-16, and the series converges slowly.
    if x < 0.18 {
        return 1.0;
    }
    let mut sum = 0.0;
    let mut sign = 1.0;
    for k in 1..=100_u32 {
        let term = (-2.0 * (f64::from(k) * x).powi(2)).exp();
        sum += sign * term;
        if term < 1e-18 {
            break;
        }
        sign = -sign;
    }
    (2.0 * sum).clamp(0.0, 1.0)
}

/// What the two rows of a table of counts say about each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Association {
    /// Pearson's chi-square statistic, without continuity correction, and its p-value.
    pub chi_square: Test,
    /// Degrees of freedom: categories that occur, less one.
    pub degrees: u64,
    /// Cramér's V: √(χ² / n) for two rows, 0 (alike) to 1.
    pub cramers_v: f64,
}

/// Chi-square test of the counts per category. `None` where a sample is empty or only one category occurs.
pub fn chi_square(reference: &[u64], data: &[u64]) -> Option<Association> {
    let left_total = reference.iter().sum::<u64>() as f64;
    let right_total = data.iter().sum::<u64>() as f64;
    let total = left_total + right_total;
    let mut statistic = 0.0;
    let mut occurring = 0_u64;
    for (&left, &right) in reference.iter().zip(data) {
        let both = (left + right) as f64;
        if both > 0.0 {
            occurring += 1;
            let expected_left = both * left_total / total;
            let expected_right = both * right_total / total;
            statistic += (left as f64 - expected_left).powi(2) / expected_left
                + (right as f64 - expected_right).powi(2) / expected_right;
        }
    }
    if left_total == 0.0 || right_total == 0.0 || occurring < 2 {
        return None;
    }
    let degrees = occurring - 1;
    let distribution = ChiSquared::new(degrees as f64).ok()?;
    Some(Association {
        chi_square: Test { statistic, p_value: distribution.sf(statistic) },
        degrees,
        cramers_v: (statistic / total).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: i32, to: i32) -> Vec<f64> {
        (from..=to).map(f64::from).collect()
    }

    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    /// Expected numbers: `tests/sklearn/golden.py` (`SciPy`).
    #[test]
    fn agrees_with_scipy() {
        let (reference, data) = (range(1, 100), range(21, 110));
        let test = kolmogorov_smirnov(&reference, &data).unwrap();
        assert_close(test.statistic, 0.2);
        assert_close(test.p_value, 0.045_214_472_362_317_744);
        let bins = crate::bins::Bins::cut(&reference, 10);
        let (left, right) = (bins.histogram(&reference), bins.histogram(&data));
        assert_close(stability_index(&left, &right), 1.485_959_596_607_300_7);
        assert_close(jensen_shannon(&left, &right), 0.344_418_354_274_538_1);
        let association = chi_square(&[50, 30, 20], &[20, 30, 30]).unwrap();
        assert_close(association.chi_square.statistic, 12.792_857_142_857_146);
        assert_close(association.chi_square.p_value, 0.001_667_502_015_585_043);
        assert_eq!(association.degrees, 2);
        assert_close(association.cramers_v, 0.266_592_251_521_736_1);
    }

    #[test]
    fn alike_is_zero_and_disjoint_is_one() {
        assert_close(stability_index(&[5, 10], &[50, 100]), 0.0);
        assert_close(jensen_shannon(&[5, 10], &[50, 100]), 0.0);
        assert_close(jensen_shannon(&[5, 0], &[0, 3]), 1.0);
        let test = kolmogorov_smirnov(&range(1, 9), &range(1, 9)).unwrap();
        assert_close(test.statistic, 0.0);
        assert_close(test.p_value, 1.0);
        assert_close(kolmogorov_smirnov(&range(1, 9), &range(11, 19)).unwrap().statistic, 1.0);
        assert_eq!(kolmogorov_smirnov(&[], &range(1, 9)), None);
        assert_eq!(chi_square(&[4], &[5]), None);
    }

    proptest::proptest! {
        /// The defect this plugin avoids: with more rows of the same kind a p-value falls, a distance stays.
        #[test]
        fn distances_do_not_depend_on_the_number_of_rows(
            left in proptest::collection::vec(1_u64..50, 2..8),
            factor in 2_u64..20,
        ) {
            let right: Vec<u64> = left.iter().rev().copied().collect();
            let scale = |counts: &[u64]| counts.iter().map(|count| count * factor).collect::<Vec<_>>();
            let (many_left, many_right) = (scale(&left), scale(&right));
            assert_close(stability_index(&left, &right), stability_index(&many_left, &many_right));
            assert_close(jensen_shannon(&left, &right), jensen_shannon(&many_left, &many_right));
            let few = chi_square(&left, &right).unwrap();
            let many = chi_square(&many_left, &many_right).unwrap();
            assert_close(few.cramers_v, many.cramers_v);
            assert!(many.chi_square.p_value <= few.chi_square.p_value);
        }
    }
}
