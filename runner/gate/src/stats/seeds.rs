//! Student's t over a few repetitions, such as seeds: the repetition is the unit, not the row.

use super::distribution::{t_cdf, t_quantile};

/// A mean with its standard error and degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanOfSeeds {
    /// Mean, or difference of means.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Degrees of freedom.
    pub degrees: f64,
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

impl MeanOfSeeds {
    /// Of one sample; none of fewer than two values.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let n = values.len() as f64;
        let (mean, variance) = mean_and_variance(values);
        Some(Self { mean, standard_error: (variance / n).sqrt(), degrees: n - 1.0 })
    }

    /// Difference of two samples of different seeds (B. L. Welch, 1947).
    #[must_use]
    pub fn welch(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        if ours.len() < 2 || theirs.len() < 2 {
            return None;
        }
        let ((a, va), (b, vb)) = (mean_and_variance(ours), mean_and_variance(theirs));
        let (n, m) = (ours.len() as f64, theirs.len() as f64);
        let (va, vb) = (va / n, vb / m);
        let degrees = if va + vb > 0.0 {
            (va + vb).powi(2) / (va * va / (n - 1.0) + vb * vb / (m - 1.0))
        } else {
            n + m - 2.0
        };
        Some(Self { mean: a - b, standard_error: (va + vb).sqrt(), degrees })
    }

    /// Both one-sided bounds, each at this confidence.
    #[must_use]
    pub fn bounds(self, confidence: f64) -> (f64, f64) {
        let half = t_quantile(confidence, self.degrees) * self.standard_error;
        (self.mean - half, self.mean + half)
    }

    /// p-value of the hypothesis that the true mean is at most `value`.
    #[must_use]
    pub fn p_at_most(self, value: f64) -> f64 {
        t_cdf(-(self.mean - value) / self.standard_error, self.degrees)
    }

    /// p-value of the hypothesis that the true mean is at least `value`.
    #[must_use]
    pub fn p_at_least(self, value: f64) -> f64 {
        t_cdf((self.mean - value) / self.standard_error, self.degrees)
    }
}
