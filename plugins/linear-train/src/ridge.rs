//! Ridge and ordinary least squares.
//!
//! The objective is scikit-learn's `Ridge`: `‖y − Xw − b‖² + alpha · ‖w‖²`, with no penalty on the intercept b. With
//! `alpha` above 0 the normal equations of the centred data are solved by Cholesky factorisation; with `alpha` 0
//! (ordinary least squares) the centred data is factorised by QR with column pivoting, which does not square the
//! condition number and shows a feature that others determine.

use nalgebra::{DMatrix, DVector, RowDVector};

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// One weight per feature.
    pub weights: DVector<f64>,
    /// The intercept.
    pub intercept: f64,
    /// Root mean squared error on the training examples.
    pub rmse: f64,
    /// Coefficient of determination on the training examples; 0 where the target is constant.
    pub r2: f64,
}

/// Why there is no fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Ordinary least squares has no single answer.
    #[error(
        "only {rank} of {features} features are independent, so least squares has no single answer: set `alpha` above 0 \
         or `exclude` the others"
    )]
    RankDeficient {
        /// Number of linearly independent features.
        rank: usize,
        /// Number of features.
        features: usize,
        /// Column indices of features that the others determine, from 0.
        redundant: Vec<usize>,
    },
    /// The normal equations have no solution in floating point.
    #[error(
        "the equations of the fit cannot be solved: values of the features are too large or `alpha` is too small"
    )]
    Singular,
}

/// Fits weights to `features` (one row per example) and `targets`; `alpha` is at least 0.
pub fn fit(features: &DMatrix<f64>, targets: &DVector<f64>, alpha: f64) -> Result<Fit, FitError> {
    let means: RowDVector<f64> = features.row_mean();
    let target_mean = targets.mean();
    let mut centred = features.clone();
    for mut row in centred.row_iter_mut() {
        row -= &means;
    }
    let centred_targets = targets.add_scalar(-target_mean);
    let weights = if alpha > 0.0 {
        ridge(&centred, &centred_targets, alpha)?
    } else {
        least_squares(&centred, &centred_targets)?
    };
    let residuals = &centred_targets - &centred * &weights;
    let error = residuals.norm_squared();
    let spread = centred_targets.norm_squared();
    let intercept = target_mean - means.transpose().dot(&weights);
    let r2 = if spread > 0.0 { 1.0 - error / spread } else { 0.0 };
    Ok(Fit { weights, intercept, rmse: (error / targets.len() as f64).sqrt(), r2 })
}

fn ridge(centred: &DMatrix<f64>, targets: &DVector<f64>, alpha: f64) -> Result<DVector<f64>, FitError> {
    let mut normal = centred.tr_mul(centred);
    for index in 0..normal.nrows() {
        normal[(index, index)] += alpha;
    }
    let factor = normal.cholesky().ok_or(FitError::Singular)?;
    let weights = factor.solve(&centred.tr_mul(targets));
    if weights.iter().all(|weight| weight.is_finite()) { Ok(weights) } else { Err(FitError::Singular) }
}

fn least_squares(centred: &DMatrix<f64>, targets: &DVector<f64>) -> Result<DVector<f64>, FitError> {
    let (examples, features) = centred.shape();
    // Unit columns: the rank must not depend on the features' units.
    let norms: Vec<f64> = centred.column_iter().map(|column| column.norm()).collect();
    let unit = DMatrix::from_fn(examples, features, |row, column| {
        if norms[column] > 0.0 { centred[(row, column)] / norms[column] } else { 0.0 }
    });
    let factor = unit.col_piv_qr();
    let upper = factor.r();
    let bound = f64::EPSILON * examples.max(features) as f64;
    let rank = (0..upper.nrows()).take_while(|&index| upper[(index, index)].abs() > bound).count();
    // Which feature stands at each place after pivoting.
    let mut order = DMatrix::from_fn(1, features, |_, column| column);
    factor.p().permute_columns(&mut order);
    if rank < features {
        let mut redundant: Vec<usize> = order.iter().skip(rank).copied().collect();
        redundant.sort_unstable();
        return Err(FitError::RankDeficient { rank, features, redundant });
    }
    let projected = factor.q().tr_mul(targets);
    let solved = upper.solve_upper_triangular(&projected).ok_or(FitError::Singular)?;
    let mut weights = DVector::zeros(features);
    for (place, &feature) in order.iter().enumerate() {
        weights[feature] = solved[place] / norms[feature];
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> (DMatrix<f64>, DVector<f64>) {
        let values = [1.0, 2.0, 2.0, 0.5, 3.0, 4.0, 4.0, -1.0, 5.0, 2.5];
        (DMatrix::from_row_slice(5, 2, &values), DVector::from_vec(vec![3.0, 1.0, 7.5, 0.0, 6.0]))
    }

    fn assert_close(fit: &Fit, expected: [f64; 3]) {
        for (found, expected) in [fit.weights[0], fit.weights[1], fit.intercept].iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    /// Expected numbers: `tests/sklearn/golden.py`.
    #[test]
    fn agrees_with_scikit_learn() {
        let (features, targets) = small();
        let ridge = fit(&features, &targets, 1.0).unwrap();
        assert_close(&ridge, [0.523_340_098_579_298_4, 1.513_482_168_744_563_2, -0.491_591_765_729_196_2]);
        let least_squares = fit(&features, &targets, 0.0).unwrap();
        assert_close(
            &least_squares,
            [0.580_919_931_856_899_5, 1.618_398_637_137_989_5, -0.832_197_614_991_482_5],
        );
    }

    #[test]
    fn a_determined_feature_is_named() {
        let features =
            DMatrix::from_row_slice(4, 3, &[1.0, 5.0, 2.0, 2.0, 1.0, 4.0, 3.0, 7.0, 6.0, 4.0, 0.0, 8.0]);
        let targets = DVector::from_vec(vec![1.0, 2.0, 3.0, 5.0]);
        let Err(FitError::RankDeficient { rank, features: 3, redundant }) = fit(&features, &targets, 0.0)
        else {
            unreachable!("the third feature is twice the first")
        };
        assert_eq!(rank, 2);
        assert!(redundant == [0] || redundant == [2], "{redundant:?}");
        assert!(fit(&features, &targets, 1e-3).is_ok());
    }

    #[test]
    fn fewer_examples_than_features_need_a_penalty() {
        let features = DMatrix::from_row_slice(2, 3, &[1.0, 5.0, 2.0, 2.0, 1.0, 4.0]);
        let targets = DVector::from_vec(vec![1.0, 2.0]);
        assert!(matches!(fit(&features, &targets, 0.0), Err(FitError::RankDeficient { rank: 1, .. })));
        assert!(fit(&features, &targets, 1.0).is_ok());
    }

    #[test]
    fn an_exact_line_is_found() {
        let features = DMatrix::from_row_slice(3, 1, &[1.0, 2.0, 3.0]);
        let exact = fit(&features, &DVector::from_vec(vec![5.0, 7.0, 9.0]), 0.0).unwrap();
        assert!((exact.weights[0] - 2.0).abs() < 1e-12);
        assert!((exact.intercept - 3.0).abs() < 1e-12);
        assert!(exact.rmse < 1e-12);
        assert!((exact.r2 - 1.0).abs() < 1e-12);
    }
}
