//! Distribution functions, by the statrs crate, with its panics outside the domain turned into limits.

use statrs::{
    distribution::{ContinuousCDF, Normal, StudentsT},
    function::beta::{checked_beta_reg, inv_beta_reg},
};

/// Φ(x).
pub(crate) fn normal_cdf(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// Φ⁻¹(p); infinite at 0 and 1.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p >= 1.0 {
        f64::INFINITY
    } else {
        Normal::standard().inverse_cdf(p)
    }
}

fn students(degrees: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, degrees).ok()
}

/// Student's t; NaN where there are no degrees of freedom.
pub(crate) fn t_cdf(x: f64, degrees: f64) -> f64 {
    students(degrees).map_or(f64::NAN, |distribution| distribution.cdf(x))
}

/// Quantile of Student's t.
pub(crate) fn t_quantile(p: f64, degrees: f64) -> f64 {
    if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p >= 1.0 {
        f64::INFINITY
    } else {
        students(degrees).map_or(f64::NAN, |distribution| distribution.inverse_cdf(p))
    }
}

/// Quantile of the beta distribution.
pub(crate) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if p <= 0.0 {
        0.0
    } else if p >= 1.0 {
        1.0
    } else {
        inv_beta_reg(a, b, p)
    }
}

/// P(X ≤ k) for X binomial over n trials with probability p, 0 < p < 1.
pub(crate) fn binomial_cdf(k: f64, n: f64, p: f64) -> f64 {
    if k >= n {
        1.0
    } else if k < 0.0 {
        0.0
    } else {
        checked_beta_reg(n - k, k + 1.0, 1.0 - p).unwrap_or(f64::NAN)
    }
}
