//! Metrics of two classes at a place of the ranking by score. Formulas are in the table of the parent module.

use super::{Rows, binary::thresholds};

/// Highest recall among the thresholds whose false positive rate is at most `most`; no interpolation between them.
pub(super) fn recall_at_fpr(rows: Rows<'_>, most: f64) -> Result<f64, String> {
    let groups = thresholds(rows)?;
    recall_of(groups.iter().rev().copied(), most)
        .ok_or_else(|| "a class has no row, so there is no ROC curve".to_owned())
}

/// From weights of positives and negatives at each score, highest first.
pub(super) fn recall_of(groups: impl Iterator<Item = (f64, f64)> + Clone, most: f64) -> Option<f64> {
    let (positives, negatives) = groups.clone().fold((0.0, 0.0), |all, (p, n)| (all.0 + p, all.1 + n));
    if positives <= 0.0 || negatives <= 0.0 {
        return None;
    }
    let (mut found, mut false_positives) = (0.0, 0.0);
    let mut recall: f64 = 0.0;
    for (p, n) in groups {
        found += p;
        false_positives += n;
        if false_positives / negatives > most {
            break;
        }
        recall = found / positives;
    }
    Some(recall.min(1.0))
}

/// Share of positives among the `k` rows with the highest scores; of rows tied at the end each counts in part.
pub(super) fn precision_at(rows: Rows<'_>, k: u32) -> Result<f64, String> {
    let groups = thresholds(rows)?;
    precision_of(groups.iter().rev().copied(), k).ok_or_else(|| format!("there are fewer than {k} rows"))
}

/// From weights of positives and negatives at each score, highest first.
pub(super) fn precision_of(groups: impl Iterator<Item = (f64, f64)>, k: u32) -> Option<f64> {
    let (mut left, mut hits) = (f64::from(k), 0.0);
    for (p, n) in groups {
        let taken = left.min(p + n);
        if p > 0.0 {
            hits += p * (taken / (p + n));
        }
        left -= taken;
        if left <= 0.0 {
            return Some((hits / f64::from(k)).clamp(0.0, 1.0));
        }
    }
    None
}
