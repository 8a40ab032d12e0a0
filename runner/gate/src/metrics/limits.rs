//! Between which values a metric lies, and which rows it hangs on: what there is to say where resamples show no spread.

use super::{Average, BinaryMetric, ClassMetric, Metric, Rows, binary, classes};

impl Metric {
    /// Between which values it lies, where there are two such.
    pub(crate) fn limits(self) -> Option<(f64, f64)> {
        match self {
            Self::Binary(
                BinaryMetric::TruePositives
                | BinaryMetric::FalsePositives
                | BinaryMetric::TrueNegatives
                | BinaryMetric::FalseNegatives,
            )
            | Self::LogLoss
            | Self::MeanAbsoluteError
            | Self::MeanSquaredError
            | Self::RootMeanSquaredError
            | Self::RSquared
            | Self::Count
            | Self::MeanAbsolutePercentageError
            | Self::Pinball(_) => None,
            Self::Binary(BinaryMetric::Matthews) => Some((-1.0, 1.0)),
            Self::Binary(_)
            | Self::Accuracy
            | Self::BalancedAccuracy
            | Self::Averaged(..)
            | Self::RocAuc
            | Self::PrAuc
            | Self::Brier
            | Self::CalibrationError(_)
            | Self::RecallAtFpr(_)
            | Self::PrecisionAt(_)
            | Self::Gain(_)
            | Self::ReciprocalRank
            | Self::TopAccuracy(_)
            | Self::HarmfulFlips
            | Self::HelpfulFlips => Some((0.0, 1.0)),
        }
    }

    /// The kind of each of these rows, none for a row that does not bear on the metric. It is no surer than its rarest
    /// kind: a recall hangs on the positives alone, an area on those of the rarer class.
    pub(crate) fn kinds(self, rows: Rows<'_>) -> Result<Vec<Option<u32>>, String> {
        let mut kinds = Vec::with_capacity(rows.len());
        match self {
            Self::Binary(BinaryMetric::Recall | BinaryMetric::FalseNegativeRate | BinaryMetric::FBeta(_)) => {
                let truth = binary::truth(rows)?;
                rows.each(|row| kinds.push((truth[row] == 1.0).then_some(0)));
            }
            Self::Binary(BinaryMetric::Specificity | BinaryMetric::FalsePositiveRate) => {
                let truth = binary::truth(rows)?;
                rows.each(|row| kinds.push((truth[row] == 0.0).then_some(0)));
            }
            Self::Binary(BinaryMetric::Precision) => {
                let (scores, from) = binary::decisions(rows)?;
                rows.each(|row| kinds.push((scores[row] >= from).then_some(0)));
            }
            Self::Binary(BinaryMetric::Matthews) | Self::RocAuc | Self::PrAuc | Self::RecallAtFpr(_) => {
                let truth = binary::truth(rows)?;
                rows.each(|row| kinds.push(Some(u32::from(truth[row] == 1.0))));
            }
            Self::Averaged(ClassMetric::Precision, Average::Macro | Average::Weighted) => {
                let codes = classes::codes(rows)?;
                rows.each(|row| kinds.push(Some(codes.predicted(row))));
            }
            Self::BalancedAccuracy | Self::Averaged(_, Average::Macro | Average::Weighted) => {
                let codes = classes::codes(rows)?;
                rows.each(|row| kinds.push(Some(codes.label(row))));
            }
            Self::PrecisionAt(k) => {
                let scores = binary::scores(rows)?;
                let mut own = Vec::with_capacity(rows.len());
                rows.each(|row| own.push(scores[row]));
                let mut highest = own.clone();
                highest.sort_unstable_by(|a, b| b.total_cmp(a));
                let last = usize::try_from(k).unwrap_or(usize::MAX).min(highest.len()).saturating_sub(1);
                let threshold = highest.get(last).copied().unwrap_or(f64::INFINITY);
                kinds.extend(own.into_iter().map(|score| (score >= threshold).then_some(0)));
            }
            _ => kinds.resize(rows.len(), Some(0)),
        }
        Ok(kinds)
    }
}
