//! Rows that one model had right and the other has wrong.

use super::{Rows, classes};
use crate::predictions::{Outcomes, Predictions};

/// The weighted share of rows that the baseline had right and the candidate has wrong, or the reverse where not
/// `harmful`. Rows are matched by id, whatever their order; both must have the same ids with the same labels.
pub(super) fn share(rows: Rows<'_>, baseline: Option<&Predictions>, harmful: bool) -> Result<f64, String> {
    let baseline = baseline.ok_or("flips need the predictions of the baseline too")?;
    if let Some(id) = rows.all.foreign_id(baseline) {
        return Err(format!(
            "not comparable: candidate and baseline were scored on different rows, such as id `{id}`"
        ));
    }
    let now = classes::right(Rows { all: rows.all, some: None })?;
    let before = classes::right(Rows { all: baseline, some: None })?;
    let mut trouble = None;
    let mut flipped = |row: usize| {
        let id = rows.all.ids.get(row);
        let Some(other) = baseline.id_index.row_of(id, &baseline.ids) else { return false };
        if label(rows.all, row) != label(baseline, other) {
            trouble.get_or_insert_with(|| {
                format!("not comparable: the label of id `{id}` differs in the baseline")
            });
        }
        if harmful { before[other] && !now[row] } else { !before[other] && now[row] }
    };
    let share = rows.weight_where(&mut flipped) / rows.total_weight()?;
    trouble.map_or(Ok(share), Err)
}

fn label(predictions: &Predictions, row: usize) -> String {
    match &predictions.outcomes {
        Outcomes::Numbers { label, .. } => label[row].to_string(),
        Outcomes::Classes(classes) => classes.names[classes.label[row] as usize].clone(),
    }
}
