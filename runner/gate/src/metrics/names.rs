//! Names of metrics.

use super::{Average, BinaryMetric, ClassMetric, Metric};
use crate::grammar::Better;

/// Name, metric, whether it is a fraction, which way is better.
type Row = (&'static str, Metric, bool, Option<Better>);

/// Names that a report shows beside the gates. The first name of a metric is the one that reports use.
pub(super) const COMMON: &[Row] = {
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

/// Further names. Where one holds a number, any other may stand there.
const FURTHER: &[Row] = {
    use Metric as M;
    const UP: Option<Better> = Some(Better::Higher);
    const DOWN: Option<Better> = Some(Better::Lower);
    &[
        ("mape", M::MeanAbsolutePercentageError, false, DOWN),
        ("pinball", M::Pinball(0.5), false, DOWN),
        ("pinball_0.9", M::Pinball(0.9), false, DOWN),
        ("ece", M::CalibrationError(10), true, DOWN),
        ("ece_15", M::CalibrationError(15), true, DOWN),
        ("recall_at_fpr_1pct", M::RecallAtFpr(0.01), true, UP),
        ("precision_at_10", M::PrecisionAt(10), true, UP),
        ("ndcg", M::Gain(u32::MAX), true, UP),
        ("ndcg_at_10", M::Gain(10), true, UP),
        ("mrr", M::ReciprocalRank, true, UP),
        ("top_3_accuracy", M::TopAccuracy(3), true, UP),
    ]
};

/// What is known of a name.
pub(super) fn row(name: &str) -> Option<(Metric, bool, Option<Better>)> {
    COMMON
        .iter()
        .chain(FURTHER)
        .find(|(known, ..)| *known == name)
        .map(|(_, metric, fraction, better)| (*metric, *fraction, *better))
        .or_else(|| with_number(name))
}

/// Most bins, and the largest K.
const MOST: u32 = 1_000_000;

/// Names that hold a number.
fn with_number(name: &str) -> Option<(Metric, bool, Option<Better>)> {
    let (up, down) = (Some(Better::Higher), Some(Better::Lower));
    // Digits and a point only: neither signs nor exponents nor `inf`.
    let number = |text: &str| {
        let plain = text.starts_with(|first: char| first.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        text.parse::<f64>().ok().filter(|value| plain && value.is_finite())
    };
    let count = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|count| plain && (1..=MOST).contains(count))
    };
    if let Some(rest) = name.strip_prefix("pinball_") {
        let quantile = number(rest).filter(|quantile| *quantile > 0.0 && *quantile < 1.0)?;
        return Some((Metric::Pinball(quantile), false, down));
    }
    if let Some(rest) = name.strip_prefix("ece_") {
        return Some((Metric::CalibrationError(count(rest)?), true, down));
    }
    if let Some(rest) = name.strip_prefix("recall_at_fpr_").or_else(|| name.strip_prefix("tpr_at_fpr_")) {
        let percent = number(rest.strip_suffix("pct")?).filter(|percent| *percent <= 100.0)?;
        return Some((Metric::RecallAtFpr(percent / 100.0), true, up));
    }
    if let Some(rest) = name.strip_prefix("precision_at_") {
        return Some((Metric::PrecisionAt(count(rest)?), true, up));
    }
    if let Some(rest) = name.strip_prefix("ndcg_at_") {
        return Some((Metric::Gain(count(rest)?), true, up));
    }
    if let Some(rest) = name.strip_prefix("top_").and_then(|rest| rest.strip_suffix("_accuracy")) {
        return Some((Metric::TopAccuracy(count(rest)?), true, up));
    }
    let beta = number(name.strip_prefix('f')?).filter(|beta| *beta > 0.0 && *beta <= 1000.0)?;
    Some((Metric::Binary(BinaryMetric::FBeta(beta)), true, up))
}

/// Every metric name, aliases included; of names that hold a number, examples.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMON.iter().chain(FURTHER).map(|(name, ..)| *name)
}

/// Whether a metric of this name is standard and lies between 0 and 1.
#[must_use]
pub fn is_fraction(name: &str) -> bool {
    row(name).is_some_and(|(_, fraction, _)| fraction)
}

/// Which way a standard metric gets better.
#[must_use]
pub fn better(name: &str) -> Option<Better> {
    row(name).and_then(|(.., better)| better)
}
