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
//! | `f1`, `f0.5`, `f2` | (1 + β²) tp / ((1 + β²) tp + β² fn + fp) |
//! | `mcc` | (tp·tn − fp·fn) / √((tp+fp)(tp+fn)(tn+fp)(tn+fn)) |
//! | `roc_auc` (`auc`) | P(score of a positive > score of a negative) + ½ P(equal): Mann–Whitney |
//! | `pr_auc` (`average_precision`) | Σ (Rᵢ − Rᵢ₋₁) Pᵢ over thresholds, as `average_precision_score` |
//! | `log_loss` | −Σw(y ln p + (1−y) ln(1−p)) / Σw, p cut to \[ε, 1−ε\], ε = 2⁻⁵² |
//! | `brier` | Σw(p − y)² / Σw |
//! | `mae`, `mse`, `rmse` | of `prediction`, or of `score` where there is no prediction |
//! | `r2` | 1 − Σw(y − ŷ)² / Σw(y − ȳ)², ȳ the weighted mean |
//! | `tp`, `fp`, `tn`, `fn` | weighted counts |
//! | `n` | rows |
//! | `prevalence`, `predicted_positive_rate` | weighted share of positive labels, of positive predictions |
//! | `precision_macro`, `_micro`, `_weighted`, also of `recall` and `f1` | averages over the classes of labels and predictions |
//! | `harmful_flips`, `helpful_flips` | weighted share of rows that the baseline had right and the candidate has wrong; the reverse |

mod binary;
mod classes;
mod flips;
mod regression;

use crate::{grammar::Better, predictions::Predictions};

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

/// Name, metric, whether it is a fraction, which way is better.
type Row = (&'static str, Metric, bool, Option<Better>);

/// Every name. The first name of a metric is the one that reports use.
const NAMES: &[Row] = {
    use BinaryMetric as B;
    use ClassMetric as C;
    use Metric as M;
    const UP: Option<Better> = Some(Better::Higher);
    const DOWN: Option<Better> = Some(Better::Lower);
    &[
        ("accuracy", M::Accuracy, true, UP),
        ("balanced_accuracy", M::BalancedAccuracy, true, UP),
        ("precision", M::Binary(B::Precision), true, UP),
        ("recall", M::Binary(B::Recall), true, UP),
        ("tpr", M::Binary(B::Recall), true, UP),
        ("sensitivity", M::Binary(B::Recall), true, UP),
        ("specificity", M::Binary(B::Specificity), true, UP),
        ("tnr", M::Binary(B::Specificity), true, UP),
        ("fpr", M::Binary(B::FalsePositiveRate), true, DOWN),
        ("fnr", M::Binary(B::FalseNegativeRate), true, DOWN),
        ("f1", M::Binary(B::FBeta(1.0)), true, UP),
        ("f0.5", M::Binary(B::FBeta(0.5)), true, UP),
        ("f2", M::Binary(B::FBeta(2.0)), true, UP),
        ("mcc", M::Binary(B::Matthews), false, UP),
        ("roc_auc", M::RocAuc, true, UP),
        ("auc", M::RocAuc, true, UP),
        ("pr_auc", M::PrAuc, true, UP),
        ("average_precision", M::PrAuc, true, UP),
        ("log_loss", M::LogLoss, false, DOWN),
        ("brier", M::Brier, false, DOWN),
        ("tp", M::Binary(B::TruePositives), false, UP),
        ("fp", M::Binary(B::FalsePositives), false, DOWN),
        ("tn", M::Binary(B::TrueNegatives), false, UP),
        ("fn", M::Binary(B::FalseNegatives), false, DOWN),
        ("prevalence", M::Binary(B::Prevalence), true, None),
        ("predicted_positive_rate", M::Binary(B::PredictedPositiveRate), true, None),
        ("n", M::Count, false, UP),
        ("mae", M::MeanAbsoluteError, false, DOWN),
        ("mse", M::MeanSquaredError, false, DOWN),
        ("rmse", M::RootMeanSquaredError, false, DOWN),
        ("r2", M::RSquared, false, UP),
        ("precision_macro", M::Averaged(C::Precision, Average::Macro), true, UP),
        ("precision_micro", M::Averaged(C::Precision, Average::Micro), true, UP),
        ("precision_weighted", M::Averaged(C::Precision, Average::Weighted), true, UP),
        ("recall_macro", M::Averaged(C::Recall, Average::Macro), true, UP),
        ("recall_micro", M::Averaged(C::Recall, Average::Micro), true, UP),
        ("recall_weighted", M::Averaged(C::Recall, Average::Weighted), true, UP),
        ("f1_macro", M::Averaged(C::F1, Average::Macro), true, UP),
        ("f1_micro", M::Averaged(C::F1, Average::Micro), true, UP),
        ("f1_weighted", M::Averaged(C::F1, Average::Weighted), true, UP),
        ("harmful_flips", M::HarmfulFlips, true, DOWN),
        ("helpful_flips", M::HelpfulFlips, true, UP),
    ]
};

fn row(name: &str) -> Option<&'static Row> {
    NAMES.iter().find(|(known, ..)| *known == name)
}

/// Every metric name, aliases included.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, ..)| *name)
}

/// Whether a metric of this name is standard and lies between 0 and 1.
#[must_use]
pub fn is_fraction(name: &str) -> bool {
    row(name).is_some_and(|(_, _, fraction, _)| *fraction)
}

/// Which way a standard metric gets better.
#[must_use]
pub fn better(name: &str) -> Option<Better> {
    row(name).and_then(|(.., better)| *better)
}

impl Metric {
    /// The metric of this name or alias.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        row(name).map(|(_, metric, ..)| *metric)
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
            Self::Binary(metric) => binary::of_confusion(metric, rows),
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

/// Every metric that these predictions define, under its first name: what a report shows beside the gates.
#[must_use]
pub fn summary(predictions: &Predictions) -> Vec<(&'static str, f64)> {
    let mut found: Vec<(&'static str, f64)> = Vec::new();
    let mut seen: Vec<Metric> = Vec::new();
    for (name, metric, ..) in NAMES {
        if !seen.contains(metric) {
            seen.push(*metric);
            found.extend(metric.of(predictions).ok().map(|value| (*name, value)));
        }
    }
    found
}
