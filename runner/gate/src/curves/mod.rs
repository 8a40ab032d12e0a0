//! Points of the plots that reports draw, computed from predictions: pure, deterministic, independent of the order of rows.
//!
//! Definitions are those of scikit-learn and numpy, to which `tests/curves.rs` holds every point:
//!
//! | function | as |
//! |---|---|
//! | [`roc`] | `roc_curve(drop_intermediate=False)` |
//! | [`precision_recall`] | `precision_recall_curve`, in the order of falling thresholds |
//! | [`calibration`] | `calibration_curve(strategy="uniform")`, with weights |
//! | [`score_distribution`], [`residual_distribution`] | `numpy.histogram` with weights |
//! | [`agreement`], [`residuals`] | `numpy.histogram2d` with weights, or the points themselves where they are few |
//! | [`confusion`] | `confusion_matrix` |
//!
//! Rows of weight 0 count nowhere, not even as a threshold. What is undefined is an error with the reason. [`reduce()`] thins
//! out a line to what a plot of a given size can show.

mod bins;
mod calibration;
mod confusion;
mod distribution;
mod pairs;
mod precision_recall;
mod reduce;
mod roc;
mod threshold;

pub use calibration::{CalibrationBin, calibration};
pub use confusion::{Confusion, confusion};
pub use distribution::{ClassHistogram, Histogram, residual_distribution, score_distribution};
pub use pairs::{DensityCell, Pairs, agreement, residuals};
pub use precision_recall::{PrecisionRecallPoint, precision_recall};
pub use reduce::reduce;
pub use roc::{RocPoint, roc};

use crate::predictions::{Outcomes, Predictions};

/// What kind of answer a model gives, which decides what is worth drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Labels of 0 and 1 with a score.
    Score,
    /// One of several classes.
    Class,
    /// A number.
    Number,
}

/// What kind of answer these predictions hold.
#[must_use]
pub fn answer(predictions: &Predictions) -> Answer {
    if predictions.binary_labels && predictions.score.is_some() {
        return Answer::Score;
    }
    match &predictions.outcomes {
        Outcomes::Classes(_) => Answer::Class,
        Outcomes::Numbers { .. } if predictions.binary_labels && predictions.predicts_binary => Answer::Class,
        // Whole numbers may be classes or counts; where they are few and predictions are among them, they are classes.
        Outcomes::Numbers { prediction: Some(_), .. } => match predictions.classes() {
            Ok(classes) if classes.names.len() <= 20 && 10 * classes.names.len() <= predictions.rows() => {
                Answer::Class
            }
            _ => Answer::Number,
        },
        Outcomes::Numbers { .. } => Answer::Number,
    }
}
