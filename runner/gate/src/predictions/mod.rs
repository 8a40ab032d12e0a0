//! Predictions: one row per scored example, in columns.
//!
//! Columns of the file: `id` (unique), `label` (the truth), `score` (probability of the positive class) and/or
//! `prediction`, or a `score_CLASS` (or `prob_CLASS`) per class, of which the highest is the prediction where there is no
//! such column; optionally `weight`. Every other column is a slice column. A label is 0/1 or true/false for binary
//! metrics, any text or whole number for classes, any number for regression.

mod read;
mod read_parquet;
mod slices;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::OnceLock;

pub use read::{Format, PredictionsError, read};
use texts::{IdIndex, Interned, Texts};

/// Predictions, checked: ids are unique, and there is no missing label, score, prediction or weight and no NaN.
#[derive(Debug)]
pub struct Predictions {
    pub(crate) ids: Texts,
    pub(crate) id_index: IdIndex,
    pub(crate) outcomes: Outcomes,
    pub(crate) score: Option<Vec<f64>>,
    pub(crate) weight: Option<Vec<f64>>,
    pub(crate) slices: Vec<(String, Interned)>,
    /// Class and score of every row, by class name.
    pub(crate) class_scores: Option<Vec<(String, Vec<f64>)>>,
    /// Rows by id: an order that does not depend on the file.
    pub(crate) by_id: OnceLock<Vec<u32>>,
    /// Rows by score, and the place of each row in that order, computed when first asked for.
    pub(crate) by_score: OnceLock<Vec<u32>>,
    pub(crate) rank: OnceLock<Vec<u32>>,
    /// Whether every label is 0 or 1.
    pub(crate) binary_labels: bool,
    /// Whether every prediction is 0 or 1, where there are any.
    pub(crate) predicts_binary: bool,
    pub(crate) classes: OnceLock<Result<Classes, String>>,
}

/// Labels and predictions, of the same type.
#[derive(Debug)]
pub(crate) enum Outcomes {
    Numbers { label: Vec<f64>, prediction: Option<Vec<f64>> },
    Classes(Classes),
}

/// Whether every value is 0 or 1.
pub(crate) fn all_binary(values: &[f64]) -> bool {
    values.iter().all(|value| *value == 0.0 || *value == 1.0)
}

/// Labels and predictions as codes into one list of names.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    pub(crate) names: Vec<String>,
    pub(crate) label: Vec<u32>,
    pub(crate) prediction: Option<Vec<u32>>,
}

impl Predictions {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ids.len()
    }

    /// Rows in the order of their ids, whatever their order in the file.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most u32::MAX rows")]
    pub(crate) fn rows_by_id(&self) -> &[u32] {
        self.by_id.get_or_init(|| {
            // The first eight bytes as a number settle most comparisons.
            let key = |id: &str| {
                let mut first = [0; 8];
                first.iter_mut().zip(id.bytes()).for_each(|(to, from)| *to = from);
                u64::from_be_bytes(first)
            };
            let mut order: Vec<(u64, u32)> =
                self.ids.iter().enumerate().map(|(row, id)| (key(id), row as u32)).collect();
            order.sort_unstable_by(|a, b| {
                a.0.cmp(&b.0).then_with(|| self.ids.get(a.1 as usize).cmp(self.ids.get(b.1 as usize)))
            });
            order.into_iter().map(|(_, row)| row).collect()
        })
    }

    /// Row of each of these rows of `self` in `other`, by id; the error is an id that `other` has not.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most u32::MAX rows")]
    pub(crate) fn matched(&self, rows: &[u32], other: &Self) -> Result<Vec<u32>, String> {
        let find = |row: &u32| {
            let id = self.ids.get(*row as usize);
            other.id_index.row_of(id, &other.ids).map(|row| row as u32).ok_or_else(|| id.to_owned())
        };
        rows.iter().map(find).collect()
    }

    /// Names of the slice columns, in the order of the file.
    pub fn slice_columns(&self) -> impl Iterator<Item = &str> {
        self.slices.iter().map(|(name, _)| name.as_str())
    }

    /// Ids of one that the other has not; `None` where both have the same ids.
    pub(crate) fn foreign_id<'a>(&'a self, other: &'a Self) -> Option<&'a str> {
        if self.id_index.has_same_hashes(&other.id_index) {
            return None;
        }
        let missing = |from: &'a Self, within: &Self| {
            from.ids.iter().find(|id| within.id_index.row_of(id, &within.ids).is_none())
        };
        missing(self, other).or_else(|| missing(other, self))
    }

    /// Whether these rows of `self` and those of `other` are pairwise the same in label, prediction, scores and weight.
    pub(crate) fn agrees(&self, rows: &[u32], other: &Self, theirs: &[u32]) -> bool {
        let all = |same: &dyn Fn(usize, usize) -> bool| {
            rows.iter().zip(theirs).all(|(ours, theirs)| same(*ours as usize, *theirs as usize))
        };
        let numbers = |ours: Option<&[f64]>, theirs: Option<&[f64]>| match (ours, theirs) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => all(&|a, b| ours[a] == theirs[b]),
            _ => false,
        };
        let outcomes = match (&self.outcomes, &other.outcomes) {
            (
                Outcomes::Numbers { label, prediction },
                Outcomes::Numbers { label: truth, prediction: predicted },
            ) => numbers(Some(label), Some(truth)) && numbers(prediction.as_deref(), predicted.as_deref()),
            (Outcomes::Classes(ours), Outcomes::Classes(theirs)) => {
                let names = |a: &[u32], b: &[u32]| {
                    all(&|i, j| ours.names[a[i] as usize] == theirs.names[b[j] as usize])
                };
                names(&ours.label, &theirs.label)
                    && match (&ours.prediction, &theirs.prediction) {
                        (None, None) => true,
                        (Some(ours), Some(theirs)) => names(ours, theirs),
                        _ => false,
                    }
            }
            _ => false,
        };
        let of_classes = match (&self.class_scores, &other.class_scores) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().all(|(class, scores)| {
                        let found = theirs.iter().find(|(name, _)| name == class);
                        found.is_some_and(|(_, known)| numbers(Some(scores), Some(known)))
                    })
            }
            _ => false,
        };
        outcomes
            && of_classes
            && numbers(self.score.as_deref(), other.score.as_deref())
            && numbers(self.weight.as_deref(), other.weight.as_deref())
    }

    /// Whether these rows of `self` and those of `other` pairwise hold the same in a slice column, which each may name
    /// otherwise.
    pub(crate) fn agrees_in(
        &self,
        (column, rows): (&str, &[u32]),
        other: &Self,
        (its, theirs): (&str, &[u32]),
    ) -> bool {
        let found = |all: &'_ Self, name: &str| all.slices.iter().position(|(known, _)| known == name);
        let (Some(ours), Some(others)) = (found(self, column), found(other, its)) else { return false };
        let (ours, others) = (&self.slices[ours].1, &other.slices[others].1);
        rows.iter().zip(theirs).all(|(a, b)| {
            ours.values[ours.codes[*a as usize] as usize] == others.values[others.codes[*b as usize] as usize]
        })
    }

    /// Labels and predictions as classes, or why they are none.
    pub(crate) fn classes(&self) -> Result<&Classes, String> {
        match &self.outcomes {
            Outcomes::Classes(classes) => Ok(classes),
            Outcomes::Numbers { label, prediction } => self
                .classes
                .get_or_init(|| classes_of_numbers(label, prediction.as_deref()))
                .as_ref()
                .map_err(Clone::clone),
        }
    }
}

fn classes_of_numbers(label: &[f64], prediction: Option<&[f64]>) -> Result<Classes, String> {
    let mut values: Vec<f64> =
        label.iter().chain(prediction.unwrap_or_default()).map(|value| value + 0.0).collect();
    if let Some(value) = values.iter().find(|value| value.fract() != 0.0) {
        return Err(format!(
            "`{value}` is not a class: labels and predictions of classes are whole numbers or text"
        ));
    }
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    #[expect(clippy::cast_possible_truncation, reason = "there are at most 2^32 rows")]
    let code = |value: &f64| values.partition_point(|known| known < value) as u32;
    Ok(Classes {
        label: label.iter().map(code).collect(),
        prediction: prediction.map(|prediction| prediction.iter().map(code).collect()),
        names: values.iter().map(f64::to_string).collect(),
    })
}
