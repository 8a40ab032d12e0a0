//! Standardisation: every feature brought to mean 0 and standard deviation 1.

use nalgebra::{DMatrix, DVector};

/// Mean and scale of each feature: a standardised value is `(value − mean) / scale`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    /// Arithmetic mean.
    pub means: DVector<f64>,
    /// Population standard deviation (divisor n, as scikit-learn's `StandardScaler`); 1 for a constant feature.
    pub scales: DVector<f64>,
}

impl Scaling {
    /// Measures the columns of `values`.
    pub fn fit(values: &DMatrix<f64>) -> Self {
        let count = values.nrows() as f64;
        let mut scaling = Self::identity(values.ncols());
        for (index, column) in values.column_iter().enumerate() {
            let first = column.sum() / count;
            // A second pass removes the rounding error of the first.
            let mean = first + column.iter().map(|value| value - first).sum::<f64>() / count;
            let variance = column.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            scaling.means[index] = mean;
            // Rounding leaves a variance of this size in a constant column; the bound is scikit-learn's.
            let noise = count * f64::EPSILON * variance + (count * mean * f64::EPSILON).powi(2);
            if variance > noise {
                scaling.scales[index] = variance.sqrt();
            }
        }
        scaling
    }

    /// The scaling that changes nothing.
    pub fn identity(features: usize) -> Self {
        Self { means: DVector::zeros(features), scales: DVector::repeat(features, 1.0) }
    }

    /// The standardised values.
    pub fn apply(&self, values: &DMatrix<f64>) -> DMatrix<f64> {
        DMatrix::from_fn(values.nrows(), values.ncols(), |row, column| {
            (values[(row, column)] - self.means[column]) / self.scales[column]
        })
    }

    /// The weights and the intercept for values as they are, from those for standardised values.
    pub fn raw(&self, weights: &DVector<f64>, intercept: f64) -> (DVector<f64>, f64) {
        let raw = weights.component_div(&self.scales);
        let shift = raw.dot(&self.means);
        (raw, intercept - shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_mean_zero_and_deviation_one() {
        let values =
            DMatrix::from_row_slice(4, 2, &[1.0, 1e9, 2.0, 1e9 + 1.0, 3.0, 1e9 + 2.0, 4.0, 1e9 + 3.0]);
        let scaling = Scaling::fit(&values);
        let standardised = scaling.apply(&values);
        for column in standardised.column_iter() {
            assert!(column.mean().abs() < 1e-12);
            assert!((column.variance() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_constant_feature_keeps_its_scale() {
        let scaling = Scaling::fit(&DMatrix::from_element(5, 1, 0.1));
        assert!((scaling.means[0] - 0.1).abs() < 1e-15);
        assert!((scaling.scales[0] - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn raw_weights_give_the_same_answer() {
        let values = DMatrix::from_row_slice(3, 2, &[1.0, 10.0, 2.0, 30.0, 4.0, -5.0]);
        let scaling = Scaling::fit(&values);
        let weights = DVector::from_vec(vec![0.5, -2.0]);
        let (raw, intercept) = scaling.raw(&weights, 0.25);
        let standardised = scaling.apply(&values) * weights;
        let direct = values * raw;
        for (left, right) in standardised.iter().zip(direct.iter()) {
            assert!((left + 0.25 - (right + intercept)).abs() < 1e-12);
        }
    }
}
