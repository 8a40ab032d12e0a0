//! Logistic regression by Newton's method.
//!
//! The objective is scikit-learn's: `½‖w‖² + C · Σᵢ log(1 + exp(−sᵢ (w·xᵢ + b)))` with sᵢ = ±1 and no penalty on
//! the intercept b. It is strictly convex in w, so there is one answer, which does not depend on where the search
//! starts: nothing here is random. Each step solves the Newton system by Cholesky factorisation (iteratively
//! reweighted least squares; Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, §4.4.1) and is
//! halved until the objective falls.

use nalgebra::{DMatrix, DVector};

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// C: the weight of the data against the penalty. Greater than 0.
    pub c: f64,
    /// Newton steps at most.
    pub max_iterations: u32,
    /// Converged once no component of the gradient of `objective / (C · n)` is larger.
    pub tolerance: f64,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// One weight per feature.
    pub weights: DVector<f64>,
    /// The intercept.
    pub intercept: f64,
    /// Newton steps taken.
    pub iterations: u32,
    /// Whether the gradient came below the tolerance.
    pub converged: bool,
    /// The largest component of the gradient of `objective / (C · n)` at the end.
    pub gradient: f64,
    /// Mean log loss on the training examples, without the penalty.
    pub log_loss: f64,
}

/// Why there is no fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// The Newton system has no solution in floating point.
    #[error(
        "the equations of the fit cannot be solved: values of the features are too large or `c` is out of proportion; keep `standardise: true`"
    )]
    Singular,
}

/// The objective's value, its gradient and its curvature at one point, all divided by C · n.
struct Local {
    value: f64,
    log_loss: f64,
    gradient: DVector<f64>,
    curvature: DMatrix<f64>,
}

/// Fits weights to `features` (one row per example) and `positives` (whether each example is of the positive class).
///
/// # Errors
/// [`FitError::Singular`] where floating point cannot carry the system.
pub fn fit(features: &DMatrix<f64>, positives: &[bool], settings: &Settings) -> Result<Fit, FitError> {
    let dimensions = features.ncols();
    // The intercept is the last parameter, the weight of a column of ones.
    let design = features.clone().insert_column(dimensions, 1.0);
    let mut parameters = DVector::zeros(dimensions + 1);
    let mut local = measure(&design, positives, &parameters, settings.c);
    let mut iterations = 0;
    while local.gradient.amax() > settings.tolerance && iterations < settings.max_iterations {
        let factor = local.curvature.clone().cholesky().ok_or(FitError::Singular)?;
        let step = factor.solve(&local.gradient);
        let Some((next, at_next)) = descend(&design, positives, &parameters, &step, &local, settings.c)
        else {
            break;
        };
        parameters = next;
        local = at_next;
        iterations += 1;
    }
    let gradient = local.gradient.amax();
    Ok(Fit {
        weights: parameters.rows(0, dimensions).into_owned(),
        intercept: parameters[dimensions],
        iterations,
        converged: gradient <= settings.tolerance,
        gradient,
        log_loss: local.log_loss,
    })
}

/// Goes along the Newton step, halving it until the objective falls enough (Armijo's rule) or no longer rises
/// measurably. `None` where not even a tiny part of the step helps: the search is stuck at the limit of precision.
fn descend(
    design: &DMatrix<f64>,
    positives: &[bool],
    parameters: &DVector<f64>,
    step: &DVector<f64>,
    local: &Local,
    c: f64,
) -> Option<(DVector<f64>, Local)> {
    let slope = local.gradient.dot(step);
    let rounding = 4.0 * f64::EPSILON * local.value.abs();
    let mut part = 1.0;
    for _ in 0..40 {
        let next = parameters - step * part;
        let at_next = measure(design, positives, &next, c);
        let falls = at_next.value <= local.value - 1e-4 * part * slope;
        // Close to the minimum the fall drowns in rounding: then a smaller gradient decides.
        let settles =
            at_next.value <= local.value + rounding && at_next.gradient.amax() < local.gradient.amax();
        if falls || settles {
            return Some((next, at_next));
        }
        part *= 0.5;
    }
    None
}

fn measure(design: &DMatrix<f64>, positives: &[bool], parameters: &DVector<f64>, c: f64) -> Local {
    let examples = design.nrows() as f64;
    let last = parameters.len() - 1;
    let penalty = 1.0 / (c * examples);
    let scores = design * parameters;
    let mut loss = 0.0;
    let mut residuals = DVector::zeros(scores.len());
    let mut root_weights = DVector::zeros(scores.len());
    for (row, (&score, &positive)) in scores.iter().zip(positives).enumerate() {
        let margin = if positive { score } else { -score };
        loss += softplus(-margin);
        let wrong = logistic(-margin);
        residuals[row] = if positive { -wrong } else { wrong };
        root_weights[row] = (wrong * logistic(margin)).sqrt();
    }
    let log_loss = loss / examples;
    let weights = parameters.rows(0, last);
    let mut gradient = design.tr_mul(&residuals) / examples;
    let mut weighted = design.clone();
    for (row, root) in root_weights.iter().enumerate() {
        weighted.row_mut(row).scale_mut(*root);
    }
    let mut curvature = weighted.tr_mul(&weighted) / examples;
    for index in 0..last {
        gradient[index] += penalty * weights[index];
        curvature[(index, index)] += penalty;
    }
    Local { value: log_loss + 0.5 * penalty * weights.norm_squared(), log_loss, gradient, curvature }
}

/// log(1 + exp(x)) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// 1 / (1 + exp(−x)) without overflow.
fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let exponential = x.exp();
        exponential / (1.0 + exponential)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { c: 1.0, max_iterations: 100, tolerance: 1e-12 };

    fn small() -> (DMatrix<f64>, Vec<bool>) {
        let values = [0.5, 1.0, -1.5, 2.0, 1.5, -0.5, -0.3, -1.2, 2.2, 0.1, -1.1, 0.4, 0.9, 1.7, -0.7, -0.6];
        let positives = [true, false, true, false, true, false, true, false];
        (DMatrix::from_row_slice(8, 2, &values), positives.to_vec())
    }

    /// Expected numbers: `tests/sklearn/golden.py`, LogisticRegression(C=1, solver="newton-cholesky", tol=1e-14).
    #[test]
    fn agrees_with_scikit_learn() {
        let (features, positives) = small();
        let fit = fit(&features, &positives, &SETTINGS).unwrap();
        assert!(fit.converged, "{fit:?}");
        let expected = [1.359_734_248_762_016, 0.442_779_137_725_235_03, -0.348_044_893_961_857_45];
        for (found, expected) in [fit.weights[0], fit.weights[1], fit.intercept].iter().zip(expected) {
            assert!((found - expected).abs() < 1e-10, "{found} is not {expected}");
        }
    }

    #[test]
    fn separable_classes_converge_thanks_to_the_penalty() {
        let features = DMatrix::from_row_slice(4, 1, &[-2.0, -1.0, 1.0, 2.0]);
        let fit = fit(&features, &[false, false, true, true], &SETTINGS).unwrap();
        assert!(fit.converged);
        assert!(fit.weights[0] > 0.0);
        assert!(fit.intercept.abs() < 1e-12);
    }

    #[test]
    fn too_few_steps_are_reported() {
        let (features, positives) = small();
        let fit = fit(&features, &positives, &Settings { max_iterations: 1, ..SETTINGS }).unwrap();
        assert!(!fit.converged);
        assert_eq!(fit.iterations, 1);
        assert!(fit.gradient > 1e-12);
    }

    #[test]
    fn more_data_of_the_same_kind_counts_like_a_larger_c() {
        let (features, positives) = small();
        let twice = DMatrix::from_fn(16, 2, |row, column| features[(row % 8, column)]);
        let positives_twice: Vec<bool> = positives.iter().chain(&positives).copied().collect();
        let doubled = fit(&twice, &positives_twice, &SETTINGS).unwrap();
        let larger = fit(&features, &positives, &Settings { c: 2.0, ..SETTINGS }).unwrap();
        assert!((doubled.weights - larger.weights).amax() < 1e-10);
    }

    #[test]
    fn extreme_scores_do_not_overflow() {
        assert!((softplus(1000.0) - 1000.0).abs() < f64::EPSILON);
        assert!(softplus(-1000.0).abs() < f64::EPSILON);
        assert!((logistic(-1000.0)).abs() < f64::EPSILON);
    }
}
