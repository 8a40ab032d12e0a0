//! Variance and covariance of areas under ROC curves without resampling (E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson,
//! 1988), by ranks in O(n log n) (X. Sun, W. Xu, "Fast implementation of DeLong's algorithm", 2014).

/// The structural components of one model's area.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// The area.
    pub auc: f64,
    /// For each positive row, the share of negatives that it outscores, ties half.
    pub positives: Vec<f64>,
    /// For each negative row, the share of positives that outscore it, ties half.
    pub negatives: Vec<f64>,
}

impl Components {
    /// From labels and scores of the same rows; none where a class has no row.
    #[must_use]
    pub fn of(positive: &[bool], scores: &[f64]) -> Option<Self> {
        let m = positive.iter().filter(|positive| **positive).count();
        let n = positive.len() - m;
        if m == 0 || n == 0 || scores.len() != positive.len() {
            return None;
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|a, b| (scores[*a] + 0.0).total_cmp(&(scores[*b] + 0.0)));
        let mut of_row = vec![0.0; scores.len()];
        let (mut positives_below, mut negatives_below) = (0.0, 0.0);
        for group in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
            let tied_positives = group.iter().filter(|row| positive[**row]).count() as f64;
            let tied_negatives = group.len() as f64 - tied_positives;
            for row in group {
                of_row[*row] = if positive[*row] {
                    (negatives_below + tied_negatives / 2.0) / n as f64
                } else {
                    (m as f64 - positives_below - tied_positives / 2.0) / m as f64
                };
            }
            positives_below += tied_positives;
            negatives_below += tied_negatives;
        }
        let class = |wanted: bool| -> Vec<f64> {
            of_row
                .iter()
                .zip(positive)
                .filter(|(_, positive)| **positive == wanted)
                .map(|(value, _)| *value)
                .collect()
        };
        let (positives, negatives) = (class(true), class(false));
        Some(Self { auc: mean(&positives), positives, negatives })
    }

    /// Variance of the area; none with fewer than two rows of a class.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        self.covariance(self)
    }

    /// Covariance of the areas of two models on the same rows, in the same order.
    #[must_use]
    pub fn covariance(&self, other: &Self) -> Option<f64> {
        let (m, n) = (self.positives.len(), self.negatives.len());
        if m < 2 || n < 2 {
            return None;
        }
        Some(
            covariance(&self.positives, &other.positives) / m as f64
                + covariance(&self.negatives, &other.negatives) / n as f64,
        )
    }

    /// Variance of this area minus another on the same rows.
    #[must_use]
    pub fn variance_of_difference(&self, other: &Self) -> Option<f64> {
        // From the differences themselves: of two nearly equal models little would be left of a sum of variances.
        let minus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>();
        let difference = Self {
            auc: self.auc - other.auc,
            positives: minus(&self.positives, &other.positives),
            negatives: minus(&self.negatives, &other.negatives),
        };
        difference.variance()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / (a.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::Components;

    /// By the definition: all pairs.
    fn by_pairs(positive: &[bool], scores: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let of =
            |wanted: bool| scores.iter().zip(positive).filter(move |(_, p)| **p == wanted).map(|(s, _)| *s);
        let wins = |x: f64, y: f64| {
            if x > y {
                1.0
            } else if x == y {
                0.5
            } else {
                0.0
            }
        };
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        (
            of(true).map(|x| mean(of(false).map(|y| wins(x, y)).collect())).collect(),
            of(false).map(|y| mean(of(true).map(|x| wins(x, y)).collect())).collect(),
        )
    }

    #[test]
    fn ranks_give_what_all_pairs_give() {
        let mut stream = crate::stats::stream::Stream::new(1, 1);
        for _ in 0..20 {
            let positive: Vec<bool> = (0..40).map(|_| stream.below(3) == 0).collect();
            let scores: Vec<f64> = (0..40).map(|_| f64::from(stream.below(8))).collect();
            let (Some(fast), slow) = (Components::of(&positive, &scores), by_pairs(&positive, &scores))
            else {
                continue;
            };
            for (fast, slow) in [(&fast.positives, slow.0), (&fast.negatives, slow.1)] {
                assert!(fast.iter().zip(slow).all(|(a, b)| (a - b).abs() < 1e-12));
            }
        }
    }

    #[test]
    fn a_model_does_not_differ_from_itself() {
        let one = Components::of(&[true, false, true, false], &[0.9, 0.2, 0.4, 0.5]).unwrap();
        assert_eq!(one.variance_of_difference(&one), Some(0.0));
        assert!(Components::of(&[true, true], &[0.1, 0.2]).is_none());
        assert_eq!(Components::of(&[true, false], &[0.1, 0.2]).unwrap().variance(), None);
    }
}
