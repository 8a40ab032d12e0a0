//! Whether the true class is among those with the highest scores.

use super::Rows;
use crate::predictions::Predictions;

/// Part of each row that counts as a hit. Of classes tied at the end each counts in part.
pub(super) fn hits(all: &Predictions, k: u32) -> Result<Vec<f64>, String> {
    let scores = all.class_scores.as_ref().ok_or_else(|| {
        "predictions have no score per class: columns `score_CLASS` or `prob_CLASS`".to_owned()
    })?;
    let classes = all.classes()?;
    let column_of: Vec<Option<usize>> =
        classes.names.iter().map(|name| scores.iter().position(|(known, _)| known == name)).collect();
    (0..all.rows())
        .map(|row| {
            let label = classes.label[row] as usize;
            let column = column_of[label]
                .ok_or_else(|| format!("there is no score for the class `{}`", classes.names[label]))?;
            let own = scores[column].1[row];
            let above = scores.iter().filter(|(_, scores)| scores[row] > own).count() as f64;
            let tied = scores.iter().filter(|(_, scores)| scores[row] == own).count() as f64;
            Ok(((f64::from(k) - above) / tied).clamp(0.0, 1.0))
        })
        .collect()
}

pub(super) fn accuracy(rows: Rows<'_>, k: u32) -> Result<f64, String> {
    let hits = hits(rows.all, k)?;
    Ok(rows.weighted_sum(|row| hits[row]) / rows.total_weight()?)
}
