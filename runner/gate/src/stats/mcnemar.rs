//! McNemar's exact test: do two models, scored on the same rows, err equally often? (Q. McNemar, 1947; exact form:
//! binomial over the rows on which they disagree.)

use super::distribution::{beta_quantile, binomial_cdf};

/// Rows on which exactly one of two models is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discordant {
    /// The candidate is right, the reference wrong.
    pub helpful: u64,
    /// The candidate is wrong, the reference right.
    pub harmful: u64,
    /// All rows.
    pub rows: u64,
}

impl Discordant {
    fn trials(self) -> f64 {
        (self.helpful + self.harmful) as f64
    }

    /// Accuracy of the candidate minus that of the reference.
    #[must_use]
    pub fn difference(self) -> f64 {
        (self.helpful as f64 - self.harmful as f64) / self.rows as f64
    }

    /// One-sided p-value of the hypothesis that the candidate is not better.
    #[must_use]
    pub fn p_not_better(self) -> f64 {
        binomial_cdf(self.harmful as f64, self.trials(), 0.5)
    }

    /// One-sided p-value of the hypothesis that the candidate is not worse.
    #[must_use]
    pub fn p_not_worse(self) -> f64 {
        binomial_cdf(self.helpful as f64, self.trials(), 0.5)
    }

    /// Two-sided p-value, as statsmodels and R give it.
    #[must_use]
    pub fn p_two_sided(self) -> f64 {
        (2.0 * self.p_not_better().min(self.p_not_worse())).min(1.0)
    }

    /// Bounds of the difference in accuracy, each at this confidence: Clopper and Pearson's for the share of helpful rows
    /// among those that differ, whose number is taken as given. They exclude 0 exactly when the test rejects.
    #[must_use]
    pub fn bounds(self, confidence: f64) -> (f64, f64) {
        let (wins, losses) = (self.helpful as f64, self.harmful as f64);
        let alpha = 1.0 - confidence;
        let lower = if wins == 0.0 { 0.0 } else { beta_quantile(alpha, wins, losses + 1.0) };
        let upper = if losses == 0.0 { 1.0 } else { beta_quantile(confidence, wins + 1.0, losses) };
        let scale = self.trials() / self.rows as f64;
        ((2.0 * lower - 1.0) * scale, (2.0 * upper - 1.0) * scale)
    }

    /// Standard error of the difference.
    #[must_use]
    pub fn standard_error(self) -> f64 {
        let n = self.rows as f64;
        let d = self.difference();
        ((self.trials() / n - d * d) / n).max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::Discordant;

    #[test]
    fn the_interval_and_the_test_agree() {
        for helpful in 0..30 {
            for harmful in 0..30 {
                let table = Discordant { helpful, harmful, rows: 100 };
                let (lower, upper) = table.bounds(0.95);
                assert_eq!(lower > 0.0, table.p_not_better() < 0.05, "{table:?}");
                assert_eq!(upper < 0.0, table.p_not_worse() < 0.05, "{table:?}");
            }
        }
    }

    #[test]
    fn no_difference_is_no_evidence() {
        let table = Discordant { helpful: 0, harmful: 0, rows: 10 };
        assert_eq!((table.p_two_sided(), table.bounds(0.95)), (1.0, (0.0, 0.0)));
    }
}
