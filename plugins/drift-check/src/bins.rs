//! Bins of a numeric column, cut at the quantiles of the reference.

/// Boundaries of bins. A value belongs to the first bin whose upper boundary it does not exceed; above the last
/// boundary lies one more bin, open to infinity.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    boundaries: Vec<f64>,
}

impl Bins {
    /// Cuts `sorted`, the reference's values in ascending order, into about `count` bins of equal share.
    ///
    /// A value that fills a bin or more by itself gets a bin of its own, and a column of at most `count` different
    /// values gets a bin for each: so a shift towards or away from such a value is seen.
    pub fn cut(sorted: &[f64], count: usize) -> Self {
        let (Some(&least), Some(&greatest)) = (sorted.first(), sorted.last()) else {
            return Self { boundaries: Vec::new() };
        };
        let mut distinct: Vec<f64> = Vec::with_capacity(count + 1);
        for &value in sorted {
            if distinct.last() != Some(&value) {
                distinct.push(value);
            }
            if distinct.len() > count {
                break;
            }
        }
        let mut boundaries = Vec::with_capacity(2 * count);
        if distinct.len() <= count {
            // Below the least and above the greatest value lie bins for values the reference does not know.
            boundaries.push(least.next_down());
            boundaries.extend(distinct);
        } else {
            let mut before = least;
            for step in 1..=count {
                let boundary = quantile(sorted, step as f64 / count as f64);
                #[expect(clippy::float_cmp, reason = "the same value twice, not values that are close")]
                if boundary == before {
                    boundaries.push(boundary.next_down());
                }
                boundaries.push(boundary);
                before = boundary;
            }
            boundaries.retain(|&boundary| boundary >= least && boundary < greatest);
            boundaries.dedup();
            // A repeated boundary may have been pushed before the one just below it.
            boundaries.sort_by(f64::total_cmp);
            boundaries.dedup();
        }
        Self { boundaries }
    }

    /// Number of bins.
    pub fn count(&self) -> usize {
        self.boundaries.len() + 1
    }

    /// How many of `values` lie in each bin.
    pub fn histogram(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.count()];
        for value in values {
            counts[self.boundaries.partition_point(|boundary| boundary < value)] += 1;
        }
        counts
    }
}

/// The quantile `share` (0 to 1) of ascending `sorted`, linear between neighbours (type 7 of Hyndman and Fan, 1996;
/// the default of `NumPy`).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    let place = share * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is neither negative nor beyond it"
    )]
    let lower = (place.floor() as usize).min(last);
    let upper = (lower + 1).min(last);
    #[expect(clippy::float_cmp, reason = "the same value twice, not values that are close")]
    if sorted[lower] == sorted[upper] {
        return sorted[lower];
    }
    sorted[lower] + (sorted[upper] - sorted[lower]) * (place - lower as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantile_bins_hold_equal_shares() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let bins = Bins::cut(&values, 10);
        assert_eq!(bins.histogram(&values), [10; 10]);
        assert_eq!(bins.histogram(&[-5.0, 1000.0]), [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn few_values_get_a_bin_each() {
        let bins = Bins::cut(&[0.0, 0.0, 1.0, 3.0], 10);
        assert_eq!(bins.histogram(&[-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0]), [1, 1, 2, 2, 1]);
    }

    #[test]
    fn a_frequent_value_gets_a_bin_of_its_own() {
        let mut values = vec![0.0; 50];
        values.extend((1..=50).map(f64::from));
        values.extend((1..=50).map(|value| -f64::from(value)));
        values.sort_by(f64::total_cmp);
        let bins = Bins::cut(&values, 5);
        let zeros = bins.histogram(&[0.0; 7]);
        assert_eq!(zeros.iter().filter(|&&count| count > 0).count(), 1);
        let place = zeros.iter().position(|&count| count > 0).unwrap();
        assert_eq!(bins.histogram(&values)[place], 50);
    }

    #[test]
    fn a_constant_column_shows_other_values() {
        let bins = Bins::cut(&[2.0; 20], 10);
        assert_eq!(bins.histogram(&[1.0, 2.0, 2.0, 3.0]), [1, 2, 1]);
    }
}
