//! Which rows one model has right and the other wrong, by id.

use serde::Serialize;

use crate::{
    metrics::{Rows, classes, flips},
    predictions::{Outcomes, Predictions},
    stats::mcnemar::Discordant,
};

/// How two models agree about the same rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlipTable {
    /// Rows compared.
    pub rows: u64,
    /// Rows that both have right.
    pub both_right: u64,
    /// Rows that both have wrong.
    pub both_wrong: u64,
    /// Rows that the baseline has right and the candidate wrong.
    pub harmful: u64,
    /// Rows that the baseline has wrong and the candidate right.
    pub helpful: u64,
    /// Two-sided p-value of the exact McNemar test that both kinds of flips are equally likely.
    pub mcnemar_p: f64,
    /// The harmful flips with the largest change of the score, or, without scores, the first ones; as many as were asked for.
    pub harmful_rows: Vec<Flip>,
    /// The helpful flips, likewise.
    pub helpful_rows: Vec<Flip>,
}

/// A row that one model has right and the other wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flip {
    /// Its id.
    pub id: String,
    /// The truth.
    pub label: String,
    /// What the baseline said: its score where it has one, else its prediction.
    pub baseline: String,
    /// What the candidate says, likewise.
    pub candidate: String,
    /// Columns and values by which it can be sliced.
    pub slice: Vec<(String, String)>,
}

/// Compares two models on the same rows, matched by id, listing at most `most` flips in each direction. Both must have the same
/// ids with the same labels, and predict classes.
pub fn flips(candidate: &Predictions, baseline: &Predictions, most: usize) -> Result<FlipTable, String> {
    let harmful = flips::rows(candidate, Some(baseline), true)?;
    let helpful = flips::rows(candidate, Some(baseline), false)?;
    let right = classes::right(Rows { all: candidate, some: None })?;
    let count =
        |wanted: &dyn Fn(usize) -> bool| (0..candidate.rows()).filter(|row| wanted(*row)).count() as u64;
    let counts = (count(&|row| harmful[row]), count(&|row| helpful[row]));
    let list = |flipped: &[bool]| -> Vec<Flip> {
        let mut rows: Vec<(usize, usize)> = (0..candidate.rows())
            .filter(|row| flipped[*row])
            .filter_map(|row| Some((row, baseline.id_index.row_of(candidate.ids.get(row), &baseline.ids)?)))
            .collect();
        if let (Some(now), Some(before)) = (&candidate.score, &baseline.score) {
            let change = |(row, other): &(usize, usize)| (now[*row] - before[*other]).abs();
            // By id where changes are equal, so that the order of rows does not matter.
            rows.sort_by(|a, b| {
                let by_id = || candidate.ids.get(a.0).cmp(candidate.ids.get(b.0));
                change(b).total_cmp(&change(a)).then_with(by_id)
            });
        } else {
            rows.sort_by(|a, b| candidate.ids.get(a.0).cmp(candidate.ids.get(b.0)));
        }
        rows.into_iter()
            .take(most)
            .map(|(row, other)| Flip {
                id: candidate.ids.get(row).to_owned(),
                label: label(candidate, row),
                baseline: said(baseline, other),
                candidate: said(candidate, row),
                slice: candidate
                    .slices
                    .iter()
                    .map(|(name, values)| (name.clone(), values.values[values.codes[row] as usize].clone()))
                    .collect(),
            })
            .collect()
    };
    Ok(FlipTable {
        rows: candidate.rows() as u64,
        both_right: count(&|row| right[row] && !helpful[row]),
        both_wrong: count(&|row| !right[row] && !harmful[row]),
        harmful: counts.0,
        helpful: counts.1,
        mcnemar_p: Discordant { harmful: counts.0, helpful: counts.1, rows: candidate.rows() as u64 }
            .p_two_sided(),
        harmful_rows: list(&harmful),
        helpful_rows: list(&helpful),
    })
}

fn label(predictions: &Predictions, row: usize) -> String {
    match &predictions.outcomes {
        Outcomes::Numbers { label, .. } => label[row].to_string(),
        Outcomes::Classes(classes) => classes.names[classes.label[row] as usize].clone(),
    }
}

fn said(predictions: &Predictions, row: usize) -> String {
    if let Some(score) = &predictions.score {
        return format!("{:.4}", score[row]);
    }
    match &predictions.outcomes {
        Outcomes::Numbers { prediction: Some(prediction), .. } => prediction[row].to_string(),
        Outcomes::Classes(classes) => classes
            .prediction
            .as_ref()
            .map_or_else(String::new, |codes| classes.names[codes[row] as usize].clone()),
        Outcomes::Numbers { .. } => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predictions::{Format, read};

    fn csv(text: &str) -> Predictions {
        read(text.as_bytes(), Format::Csv).unwrap()
    }

    #[test]
    fn flips_are_matched_by_id_and_listed_by_change() {
        let before = csv("id,label,score,region\na,1,0.9,EU\nb,1,0.6,US\nc,0,0.7,EU\nd,0,0.1,US\n");
        // In another order; a and b turn wrong, c turns right.
        let now = csv("id,label,score,region\nd,0,0.2,US\nc,0,0.3,EU\nb,1,0.4,US\na,1,0.1,EU\n");
        let table = flips(&now, &before, 10).unwrap();
        assert_eq!(
            (table.rows, table.both_right, table.both_wrong, table.harmful, table.helpful),
            (4, 1, 0, 2, 1)
        );
        // Two against one, of a fair coin.
        assert_eq!(table.mcnemar_p, 1.0);
        let ids = |rows: &[Flip]| rows.iter().map(|flip| flip.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&table.harmful_rows), ["a", "b"], "the larger change first");
        assert_eq!(ids(&table.helpful_rows), ["c"]);
        let first = &table.harmful_rows[0];
        assert_eq!(
            (first.label.as_str(), first.baseline.as_str(), first.candidate.as_str()),
            ("1", "0.9000", "0.1000")
        );
        assert_eq!(first.slice, [("region".to_owned(), "EU".to_owned())]);
        assert_eq!(flips(&now, &before, 1).unwrap().harmful_rows.len(), 1);
        assert_eq!(flips(&now, &before, 1).unwrap().harmful, 2, "counts are of all");
    }

    #[test]
    fn other_rows_or_labels_are_not_comparable() {
        let one = csv("id,label,prediction\na,cat,cat\nb,dog,cat\n");
        for other in ["id,label,prediction\na,cat,cat\n", "id,label,prediction\na,cat,cat\nb,cat,cat\n"] {
            assert!(flips(&one, &csv(other), 1).unwrap_err().contains("not comparable"), "{other}");
        }
        assert_eq!(flips(&one, &one, 1).unwrap().both_right, 1);
    }
}
