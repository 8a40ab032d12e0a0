//! Metrics computed from predictions.
//!
//! Definitions are scikit-learn's, to which the tests hold every figure. Where a metric is undefined (no positive
//! label, no predicted positive, constant truth) scikit-learn warns and returns 0, 1 or NaN; here it is an error with
//! the reason, because a number that stands for "undefined" would be compared with a bound.
//!
//! - **Weights** (`weight`) multiply each row in every metric but `n`. Without the column each row counts 1.
//! - **Binary** metrics need labels 0/1 or true/false. A row is predicted positive where `prediction` is 1; without that
//!   column, where `score >= 0.5`, and then every score must lie between 0 and 1.
//! - **Ties** in scores are one threshold, exactly: the order of rows never matters.
//! - **Sums** are exact and rounded once, so no result depends on the order of rows.
//!
//! With w the weights, y the truth (0/1), p the score, and tp, fp, tn, fn the weighted confusion counts:
//!
//! | name (alias) | formula |
//! |---|---|
//! | `accuracy` | Σw\[prediction = label\] / Σw, any number of classes |
//! | `balanced_accuracy` | mean of recall over the classes that have labels |
//! | `precision` | tp / (tp + fp) |
//! | `recall` (`tpr`, `sensitivity`) | tp / (tp + fn) |
//! | `specificity` (`tnr`) | tn / (tn + fp) |
//! | `fpr`, `fnr` | fp / (fp + tn), fn / (fn + tp) |
//! | `f1`, `fBETA` such as `f0.5`, `f2` | (1 + β²) tp / ((1 + β²) tp + β² fn + fp) |
//! | `mcc` | (tp·tn − fp·fn) / √((tp+fp)(tp+fn)(tn+fp)(tn+fn)) |
//! | `roc_auc` (`auc`) | P(score of a positive > score of a negative) + ½ P(equal): Mann–Whitney |
//! | `pr_auc` (`average_precision`) | Σ (Rᵢ − Rᵢ₋₁) Pᵢ over thresholds, as `average_precision_score` |
//! | `log_loss` | −Σw(y ln p + (1−y) ln(1−p)) / Σw, p cut to \[ε, 1−ε\], ε = 2⁻⁵² |
//! | `brier` | Σw(p − y)² / Σw |
//! | `mae`, `mse`, `rmse` | of `prediction`, or of `score` where there is no prediction |
//! | `r2` | 1 − Σw(y − ŷ)² / Σw(y − ȳ)², ȳ the weighted mean |
//! | `tp`, `fp`, `tn`, `fn` | weighted counts |
//! | `mape` | Σw\|(y − ŷ)/y\| / Σw; undefined where a label is 0 |
//! | `pinball_Q` (`pinball` for ½) | Σw max(Q(y − ŷ), (Q − 1)(y − ŷ)) / Σw |
//! | `ece`, `ece_BINS` | Σ over bins of equal width (10, or as many) of \|Σw y − Σw p\| / Σw |
//! | `recall_at_fpr_Xpct` (`tpr_at_fpr_`) | highest recall among thresholds with fpr ≤ X % |
//! | `precision_at_K` | share of positives among the K rows scored highest; tied rows count in part |
//! | `ndcg_at_K` (`ndcg` for all) | DCG / ideal DCG per query, gain = label, discount 1/log₂(rank + 1), tied rows share; mean over queries |
//! | `mrr` | 1 / rank of the first row with label > 0, tied rows as bad as may be; mean over queries |
//! | `top_K_accuracy` | share of rows whose label is among the K classes of the highest `score_CLASS`; tied classes count in part |
//! | `mean_COLUMN` | weighted mean of a column of numbers |
//! | `n` | rows |
//! | `prevalence`, `predicted_positive_rate` | weighted share of positive labels, of positive predictions |
//! | `precision_macro`, `_micro`, `_weighted`, also of `recall` and `f1` | averages over the classes of labels and predictions |
//! | `harmful_flips`, `helpful_flips` | weighted share of rows that the baseline had right and the candidate has wrong; the reverse |

pub(crate) mod binary;
mod calibration;
pub(crate) mod classes;
mod column;
pub(crate) mod flips;
mod formula;
mod limits;
mod names;
mod ranked;
mod ranking;
pub(crate) mod regression;
pub(crate) mod resampled;
#[cfg(test)]
mod tests;
mod top;

pub use formula::formula;
pub use names::{better, is_fraction, names};
pub(crate) use {
    binary::labels_and_scores, column::mean as mean_of_column, flips::counts as flip_counts,
    flips::other_label, ranking::query_column,
};

use crate::predictions::Predictions;

/// Version of what the names of this module mean. It changes whenever the same predictions would give another number, and
/// is recorded beside stored numbers, so that those of different definitions are never compared.
pub const DEFINITIONS: &str = "1";

/// Some rows of some predictions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) all: &'a Predictions,
    /// Row numbers; `None` for every row.
    pub(crate) some: Option<&'a [u32]>,
}

impl Rows<'_> {
    pub(crate) fn len(self) -> usize {
        self.some.map_or(self.all.rows(), <[u32]>::len)
    }

    pub(crate) fn each(self, mut visit: impl FnMut(usize)) {
        match self.some {
            Some(rows) => rows.iter().for_each(|row| visit(*row as usize)),
            None => (0..self.all.rows()).for_each(visit),
        }
    }

    pub(crate) fn weight(self, row: usize) -> f64 {
        self.all.weight.as_ref().map_or(1.0, |weight| weight[row])
    }

    /// Sum of `value` times weight over the rows.
    pub(crate) fn weighted_sum(self, mut value: impl FnMut(usize) -> f64) -> f64 {
        let mut sum = crate::sum::ExactSum::new();
        self.each(|row| sum.add(self.weight(row) * value(row)));
        sum.value()
    }

    /// Sum of the weights of the rows for which `wanted` says yes.
    pub(crate) fn weight_where(self, mut wanted: impl FnMut(usize) -> bool) -> f64 {
        if self.all.weight.is_none() {
            let mut count = 0_u32;
            self.each(|row| count += u32::from(wanted(row)));
            return f64::from(count);
        }
        self.weighted_sum(|row| if wanted(row) { 1.0 } else { 0.0 })
    }

    pub(crate) fn total_weight(self) -> Result<f64, String> {
        positive(self.weight_where(|_| true), "the weights add up to 0")
    }
}

/// A denominator, or why there is none.
pub(crate) fn positive(value: f64, otherwise: &str) -> Result<f64, String> {
    if value > 0.0 { Ok(value) } else { Err(otherwise.to_owned()) }
}

/// Which rows flipped, or why that is not known; empty for metrics that do not ask.
pub(crate) type Flipped = Result<Vec<bool>, String>;

/// A metric that can be computed from predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// Of one confusion matrix.
    Binary(BinaryMetric),
    /// `accuracy`.
    Accuracy,
    /// `balanced_accuracy`.
    BalancedAccuracy,
    /// An average over classes.
    Averaged(ClassMetric, Average),
    /// `roc_auc`.
    RocAuc,
    /// `pr_auc`.
    PrAuc,
    /// `log_loss`.
    LogLoss,
    /// `brier`.
    Brier,
    /// `mae`.
    MeanAbsoluteError,
    /// `mse`.
    MeanSquaredError,
    /// `rmse`.
    RootMeanSquaredError,
    /// `r2`.
    RSquared,
    /// `n`.
    Count,
    /// `mape`.
    MeanAbsolutePercentageError,
    /// `pinball_Q`.
    Pinball(f64),
    /// `ece_BINS`.
    CalibrationError(u32),
    /// `recall_at_fpr_Xpct`, with the rate as a fraction.
    RecallAtFpr(f64),
    /// `precision_at_K`.
    PrecisionAt(u32),
    /// `ndcg_at_K`; `u32::MAX` for all rows of a query.
    Gain(u32),
    /// `mrr`.
    ReciprocalRank,
    /// `top_K_accuracy`.
    TopAccuracy(u32),
    /// `harmful_flips`: right before, wrong now. Needs the baseline's predictions.
    HarmfulFlips,
    /// `helpful_flips`: wrong before, right now. Needs the baseline's predictions.
    HelpfulFlips,
}

/// A metric of one binary confusion matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the names are the metrics' names; formulas are in the table of the module")]
pub enum BinaryMetric {
    TruePositives,
    FalsePositives,
    TrueNegatives,
    FalseNegatives,
    Precision,
    Recall,
    Specificity,
    FalsePositiveRate,
    FalseNegativeRate,
    /// F with its β.
    FBeta(f64),
    Matthews,
    Prevalence,
    PredictedPositiveRate,
}

/// A metric of one class against the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the metrics' names")]
pub enum ClassMetric {
    Precision,
    Recall,
    F1,
}

/// How a metric of one class becomes a metric of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// Plain mean over classes.
    Macro,
    /// From the confusion counts of all classes together.
    Micro,
    /// Mean over classes by the weight of their labels.
    Weighted,
}

impl Metric {
    /// The metric of this name or alias.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        names::row(name).map(|(metric, ..)| metric)
    }

    /// What is computed once for all slices: for flips, which rows flipped.
    pub(crate) fn prepare(self, all: &Predictions, baseline: Option<&Predictions>) -> Flipped {
        match self {
            Self::HarmfulFlips => flips::rows(all, baseline, true),
            Self::HelpfulFlips => flips::rows(all, baseline, false),
            _ => Ok(Vec::new()),
        }
    }

    /// Its value over some rows, or why it has none. Finite where it has one.
    pub(crate) fn of_rows(self, rows: Rows<'_>, flipped: &Flipped) -> Result<f64, String> {
        if rows.len() == 0 {
            return Err("there are no rows".to_owned());
        }
        let value = match self {
            Self::Binary(metric) => binary::of_confusion(metric, binary::confusion(rows)?),
            Self::Accuracy => classes::accuracy(rows),
            Self::BalancedAccuracy => classes::balanced_accuracy(rows),
            Self::Averaged(metric, average) => classes::averaged(metric, average, rows),
            Self::RocAuc => binary::roc_auc(rows),
            Self::PrAuc => binary::average_precision(rows),
            Self::LogLoss => binary::log_loss(rows),
            Self::Brier => binary::brier(rows),
            Self::MeanAbsoluteError => regression::mean_absolute_error(rows),
            Self::MeanSquaredError => regression::mean_squared_error(rows),
            Self::RootMeanSquaredError => regression::mean_squared_error(rows).map(f64::sqrt),
            Self::RSquared => regression::r_squared(rows),
            Self::MeanAbsolutePercentageError => regression::mean_absolute_percentage_error(rows),
            Self::Pinball(quantile) => regression::pinball(quantile, rows),
            Self::CalibrationError(bins) => calibration::expected_error(rows, bins),
            Self::RecallAtFpr(most) => ranked::recall_at_fpr(rows, most),
            Self::PrecisionAt(k) => ranked::precision_at(rows, k),
            Self::Gain(k) => ranking::mean(ranking::OfQuery::Gain(k), rows),
            Self::ReciprocalRank => ranking::mean(ranking::OfQuery::ReciprocalRank, rows),
            Self::TopAccuracy(k) => top::accuracy(rows, k),
            Self::Count => Ok(rows.len() as f64),
            Self::HarmfulFlips | Self::HelpfulFlips => {
                let flipped = flipped.as_ref().map_err(Clone::clone)?;
                Ok(rows.weight_where(|row| flipped[row]) / rows.total_weight()?)
            }
        }?;
        if value.is_finite() { Ok(value) } else { Err("the result is too large for a number".to_owned()) }
    }

    /// Its value over all rows, or why it has none.
    pub fn of(self, predictions: &Predictions) -> Result<f64, String> {
        self.of_rows(Rows { all: predictions, some: None }, &self.prepare(predictions, None))
    }
}

/// Every common metric that these predictions define, under its first name: what a report shows beside the gates.
#[must_use]
pub fn summary(predictions: &Predictions) -> Vec<(&'static str, f64)> {
    let mut found: Vec<(&'static str, f64)> = Vec::new();
    let mut seen: Vec<Metric> = Vec::new();
    for (name, metric, ..) in names::COMMON {
        if !seen.contains(metric) {
            seen.push(*metric);
            found.extend(metric.of(predictions).ok().map(|value| (*name, value)));
        }
    }
    found
}
