//! Wilson's score interval of a proportion, and the score test it inverts (E. B. Wilson, 1927).

use super::distribution::{binomial_cdf, normal_cdf, normal_quantile};

/// Successes among trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// How often it was so.
    pub successes: f64,
    /// Out of how many; not 0.
    pub trials: f64,
}

impl Proportion {
    /// The observed share.
    #[must_use]
    pub fn share(self) -> f64 {
        self.successes / self.trials
    }

    /// Both one-sided bounds, each at this confidence.
    #[must_use]
    pub fn bounds(self, confidence: f64) -> (f64, f64) {
        let (p, n, z) = (self.share(), self.trials, normal_quantile(confidence));
        let square = z * z;
        let middle = (p + square / (2.0 * n)) / (1.0 + square / n);
        let half = z / (1.0 + square / n) * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
        // Exactly 0 and 1 where every trial went one way, whatever the rounding says.
        let lower = if self.successes <= 0.0 { 0.0 } else { middle - half };
        let upper = if self.successes >= n { 1.0 } else { middle + half };
        (lower.max(0.0), upper.min(1.0))
    }

    /// p-value of the score test that the true share is at most `share`.
    #[must_use]
    pub fn p_at_most(self, share: f64) -> f64 {
        if share <= 0.0 {
            return if share < 0.0 || self.successes > 0.0 { 0.0 } else { 1.0 };
        }
        if share >= 1.0 {
            return 1.0;
        }
        let error = (share * (1.0 - share) / self.trials).sqrt();
        normal_cdf(-(self.share() - share) / error)
    }

    /// p-value of the score test that the true share is at least `share`.
    #[must_use]
    pub fn p_at_least(self, share: f64) -> f64 {
        Self { successes: self.trials - self.successes, trials: self.trials }.p_at_most(1.0 - share)
    }

    /// p-value of the exact binomial test that the true share is at most `share`. Far out, where corrected p-values are
    /// decided, the score test's normal approximation is too generous for shares near 0 and 1.
    #[must_use]
    pub fn exact_p_at_most(self, share: f64) -> f64 {
        if share <= 0.0 || share >= 1.0 {
            return self.p_at_most(share);
        }
        // P(X ≥ k) = P(n − X ≤ n − k).
        binomial_cdf(self.trials - self.successes.round(), self.trials, 1.0 - share)
    }

    /// p-value of the exact binomial test that the true share is at least `share`.
    #[must_use]
    pub fn exact_p_at_least(self, share: f64) -> f64 {
        Self { successes: self.trials - self.successes, trials: self.trials }.exact_p_at_most(1.0 - share)
    }

    /// Standard error, with one half added on both sides so that it is never 0.
    #[must_use]
    pub fn standard_error(self) -> f64 {
        let p = (self.successes + 0.5) / (self.trials + 1.0);
        (p * (1.0 - p) / self.trials).sqrt()
    }
}
