//! Metrics made ready for resampling, and the ones that are shares of independent rows.

use super::{
    BinaryMetric, ClassMetric, Flipped, Metric, Rows, binary,
    binary::Confusion,
    calibration, classes, column, ranked,
    ranking::{self, OfQuery},
    regression, top,
};
use crate::stats::{
    statistic::{EachThreshold, GroupedSums, Ranked, RocArea, Statistic, Sums, Threshold},
    wilson::Proportion,
};

type Ready = Result<Box<dyn Statistic>, String>;

/// The mean of a value per row, then a function of it.
fn mean(rows: Rows<'_>, value: impl Fn(usize) -> f64, last: fn(f64) -> f64) -> Box<dyn Statistic> {
    let mut entries = Vec::with_capacity(rows.len());
    rows.each(|row| entries.push([rows.weight(row) * value(row), rows.weight(row)]));
    let formula = move |[sum, weight]: [f64; 2]| (weight > 0.0).then(|| last(sum / weight));
    Box::new(Sums { rows: entries, formula })
}

fn same(value: f64) -> f64 {
    value
}

impl Metric {
    /// The metric of these rows as a function of how often each counts. Rows keep the order in which they are given.
    pub(crate) fn statistic(self, rows: Rows<'_>, flipped: &Flipped) -> Ready {
        Ok(match self {
            Self::Binary(metric) => confusion(metric, rows)?,
            Self::Accuracy => {
                let codes = classes::codes(rows)?;
                mean(rows, |row| f64::from(u8::from(codes.label(row) == codes.predicted(row))), same)
            }
            Self::BalancedAccuracy => {
                of_classes(rows, |tallies| classes::balanced(tallies.iter().copied()).ok())?
            }
            Self::Averaged(metric, average) => of_classes(rows, move |tallies| {
                let named: Vec<(String, classes::Tally)> = tallies
                    .iter()
                    .filter(|[labels, predictions, _]| *labels > 0.0 || *predictions > 0.0)
                    .map(|tally| (String::new(), *tally))
                    .collect();
                classes::average_of(metric, average, &named).ok()
            })?,
            Self::RocAuc | Self::PrAuc | Self::RecallAtFpr(_) | Self::PrecisionAt(_) => self.ranked(rows)?,
            Self::LogLoss => {
                let (truth, scores) = (binary::truth(rows)?, binary::probabilities(rows)?);
                mean(rows, |row| binary::log_loss_of(truth[row], scores[row]), same)
            }
            Self::Brier => {
                let (truth, scores) = (binary::truth(rows)?, binary::probabilities(rows)?);
                mean(rows, |row| (scores[row] - truth[row]).powi(2), same)
            }
            Self::MeanAbsoluteError => {
                let (truth, predicted) = regression::numbers(rows)?;
                mean(rows, |row| (truth[row] - predicted[row]).abs(), same)
            }
            Self::MeanSquaredError | Self::RootMeanSquaredError => {
                let (truth, predicted) = regression::numbers(rows)?;
                let last = if self == Self::MeanSquaredError { same } else { f64::sqrt };
                mean(rows, |row| (truth[row] - predicted[row]).powi(2), last)
            }
            Self::MeanAbsolutePercentageError => {
                self.of_rows(rows, flipped)?;
                let (truth, predicted) = regression::numbers(rows)?;
                mean(rows, |row| ((truth[row] - predicted[row]) / truth[row]).abs(), same)
            }
            Self::Pinball(quantile) => {
                let (truth, predicted) = regression::numbers(rows)?;
                mean(rows, |row| regression::pinball_loss(truth[row], predicted[row], quantile), same)
            }
            Self::RSquared => r_squared(rows)?,
            Self::CalibrationError(bins) => calibration_error(rows, bins)?,
            Self::Gain(k) => of_queries(OfQuery::Gain(k), rows)?,
            Self::ReciprocalRank => of_queries(OfQuery::ReciprocalRank, rows)?,
            Self::TopAccuracy(k) => {
                let hits = top::hits(rows.all, k)?;
                mean(rows, |row| hits[row], same)
            }
            Self::HarmfulFlips | Self::HelpfulFlips => {
                let flipped = flipped.as_ref().map_err(Clone::clone)?;
                mean(rows, |row| f64::from(u8::from(flipped[row])), same)
            }
            Self::Count => return Err("the number of rows has no uncertainty".to_owned()),
        })
    }

    fn ranked(self, rows: Rows<'_>) -> Ready {
        let (truth, scores) = (binary::truth(rows)?, binary::scores(rows)?);
        let (mut own, mut positive) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        rows.each(|row| {
            own.push(scores[row]);
            positive.push(truth[row] == 1.0);
        });
        let mut weights = rows.all.weight.as_ref().map(|_| Vec::with_capacity(rows.len()));
        if let Some(weights) = &mut weights {
            rows.each(|row| weights.push(rows.weight(row)));
        }
        let ready = if self == Self::RocAuc && weights.is_none() {
            Ranked::new(&own, &positive, None, false, ())
                .map(|ranked| Box::new(RocArea(ranked)) as Box<dyn Statistic>)
        } else {
            let formula = move |each: &mut EachThreshold<'_>| {
                let mut groups: Vec<Threshold> = Vec::new();
                each(&mut |group| groups.push(group));
                let groups = groups.into_iter();
                match self {
                    Self::RecallAtFpr(most) => ranked::recall_of(groups, most),
                    Self::PrecisionAt(k) => ranked::precision_of(groups, k),
                    Self::PrAuc => binary::average_precision_of(groups).ok(),
                    _ => binary::area_of(groups.rev()).ok(),
                }
            };
            Ranked::new(&own, &positive, weights, true, formula)
                .map(|ranked| Box::new(ranked) as Box<dyn Statistic>)
        };
        ready.ok_or_else(|| "there are too many rows to resample".to_owned())
    }

    /// The metric as successes among trials, where it is a share of rows that count alike.
    pub(crate) fn proportion(self, rows: Rows<'_>, flipped: &Flipped) -> Option<Proportion> {
        if rows.all.weight.is_some() {
            return None;
        }
        let of = |successes: f64, trials: f64| (trials > 0.0).then_some(Proportion { successes, trials });
        match self {
            Self::Binary(metric) => {
                let Confusion { tp, fp, tn, fn_ } = binary::confusion(rows).ok()?;
                match metric {
                    BinaryMetric::Precision => of(tp, tp + fp),
                    BinaryMetric::Recall => of(tp, tp + fn_),
                    BinaryMetric::Specificity => of(tn, tn + fp),
                    BinaryMetric::FalsePositiveRate => of(fp, fp + tn),
                    BinaryMetric::FalseNegativeRate => of(fn_, fn_ + tp),
                    BinaryMetric::Prevalence => of(tp + fn_, tp + fp + tn + fn_),
                    BinaryMetric::PredictedPositiveRate => of(tp + fp, tp + fp + tn + fn_),
                    _ => None,
                }
            }
            Self::Accuracy
            | Self::TopAccuracy(_)
            | Self::HarmfulFlips
            | Self::HelpfulFlips
            | Self::Averaged(
                ClassMetric::Recall | ClassMetric::Precision | ClassMetric::F1,
                super::Average::Micro,
            ) => {
                let trials = rows.len() as f64;
                self.of_rows(rows, flipped).ok().and_then(|share| of((share * trials).round(), trials))
            }
            _ => None,
        }
    }

    /// Whether it counts rows rather than estimates something about a population.
    pub(crate) fn counts(self) -> bool {
        use BinaryMetric as B;
        matches!(
            self,
            Self::Count
                | Self::Binary(B::TruePositives | B::FalsePositives | B::TrueNegatives | B::FalseNegatives)
        )
    }

    /// Whether rows of a query belong together.
    pub(crate) fn of_queries(self) -> bool {
        matches!(self, Self::Gain(_) | Self::ReciprocalRank)
    }
}

/// A column's mean, made ready.
pub(crate) fn column_mean(rows: Rows<'_>, name: &str) -> Ready {
    let numbers = column::numbers(rows, name)?;
    Ok(mean(rows, |row| numbers[row], same))
}

fn confusion(metric: BinaryMetric, rows: Rows<'_>) -> Ready {
    let truth = binary::truth(rows)?;
    let (values, from) = binary::decisions(rows)?;
    let mut entries = Vec::with_capacity(rows.len());
    rows.each(|row| {
        let mut cells = [0.0; 4];
        cells[usize::from(truth[row] == 1.0) * 2 + usize::from(values[row] >= from)] = rows.weight(row);
        entries.push(cells);
    });
    let formula =
        move |[tn, fp, fn_, tp]: [f64; 4]| binary::of_confusion(metric, Confusion { tp, fp, tn, fn_ }).ok();
    Ok(Box::new(Sums { rows: entries, formula }))
}

fn of_classes(
    rows: Rows<'_>,
    formula: impl Fn(&[classes::Tally]) -> Option<f64> + Send + Sync + 'static,
) -> Ready {
    let codes = classes::codes(rows)?;
    let mut entries: Vec<(u32, u32, classes::Tally)> = Vec::with_capacity(rows.len());
    let mut position = 0;
    rows.each(|row| {
        let (label, predicted, weight) = (codes.label(row), codes.predicted(row), rows.weight(row));
        if label == predicted {
            entries.push((position, label, [weight; 3]));
        } else {
            entries.push((position, label, [weight, 0.0, 0.0]));
            entries.push((position, predicted, [0.0, weight, 0.0]));
        }
        position += 1;
    });
    Ok(Box::new(GroupedSums { entries, groups: codes.count(), formula }))
}

fn r_squared(rows: Rows<'_>) -> Ready {
    let (truth, predicted) = regression::numbers(rows)?;
    // Around the mean of all rows, so that little is lost where labels are large and close together.
    let middle = rows.weighted_sum(|row| truth[row]) / rows.total_weight()?;
    let mut entries = Vec::with_capacity(rows.len());
    rows.each(|row| {
        let (weight, y) = (rows.weight(row), truth[row] - middle);
        entries.push([weight, weight * y, weight * y * y, weight * (truth[row] - predicted[row]).powi(2)]);
    });
    let formula = |[weight, sum, squares, residual]: [f64; 4]| {
        let total = squares - sum * sum / weight;
        (total > 0.0).then(|| 1.0 - residual / total)
    };
    Ok(Box::new(Sums { rows: entries, formula }))
}

fn calibration_error(rows: Rows<'_>, bins: u32) -> Ready {
    let (truth, scores) = (binary::truth(rows)?, binary::probabilities(rows)?);
    let mut entries: Vec<(u32, u32, [f64; 2])> = Vec::with_capacity(rows.len());
    let mut position = 0;
    rows.each(|row| {
        let weight = rows.weight(row);
        let bin = calibration::bin(scores[row], bins);
        entries.push((position, bin, [weight * (truth[row] - scores[row]), weight]));
        position += 1;
    });
    let formula = |sums: &[[f64; 2]]| {
        let weight: f64 = sums.iter().map(|[_, weight]| weight).sum();
        (weight > 0.0).then(|| sums.iter().map(|[distance, _]| distance.abs()).sum::<f64>() / weight)
    };
    Ok(Box::new(GroupedSums { entries, groups: bins as usize, formula }))
}

/// The mean over queries; the first row of each stands for all of them, which are drawn together.
fn of_queries(what: OfQuery, rows: Rows<'_>) -> Ready {
    let mut value_of_row = std::collections::HashMap::new();
    for (query, value) in ranking::values(what, rows)? {
        if let Some(first) = query.rows.first() {
            value_of_row.insert(*first, [query.weight * value, query.weight]);
        }
    }
    let mut entries = Vec::with_capacity(rows.len());
    rows.each(|row| entries.push(value_of_row.get(&row).copied().unwrap_or_default()));
    let formula = |[sum, weight]: [f64; 2]| (weight > 0.0).then(|| sum / weight);
    Ok(Box::new(Sums { rows: entries, formula }))
}
