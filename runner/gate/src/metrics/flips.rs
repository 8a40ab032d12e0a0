//! Rows that one model had right and the other has wrong.

use super::{Rows, classes};
use crate::{
    predictions::{Outcomes, Predictions},
    stats::mcnemar::Discordant,
};

/// Which rows the baseline had right and the candidate has wrong, or the reverse where not `harmful`. Rows are matched
/// by id, whatever their order; both must have the same ids with the same labels.
pub(crate) fn rows(
    all: &Predictions,
    baseline: Option<&Predictions>,
    harmful: bool,
) -> Result<Vec<bool>, String> {
    let baseline = baseline.ok_or("flips need the predictions of the baseline too")?;
    let now = classes::right(Rows { all, some: None })?;
    let before = classes::right(Rows { all: baseline, some: None })?;
    let mut flipped = Vec::with_capacity(all.rows());
    for (row, id) in all.ids.iter().enumerate() {
        let Some(other) = baseline.id_index.row_of(id, &baseline.ids) else { return Err(foreign(id)) };
        if !same_label((all, row), (baseline, other)) {
            return Err(format!("not comparable: the label of id `{id}` differs in the baseline"));
        }
        flipped.push(if harmful { before[other] && !now[row] } else { !before[other] && now[row] });
    }
    // Every id of the candidate is one of the baseline's, and ids do not repeat.
    if baseline.rows() > all.rows() {
        return Err(foreign(all.foreign_id(baseline).unwrap_or_default()));
    }
    Ok(flipped)
}

/// The first id whose label is another one in `baseline`. Ids that only one of both has do not count.
pub(crate) fn other_label<'a>(all: &'a Predictions, baseline: &Predictions) -> Option<&'a str> {
    let mut ids = all.ids.iter().enumerate();
    ids.find_map(|(row, id)| {
        let other = baseline.id_index.row_of(id, &baseline.ids)?;
        (!same_label((all, row), (baseline, other))).then_some(id)
    })
}

/// Rows among `positions` that only the baseline (harmful) and only the candidate (helpful) has right.
pub(crate) fn counts(
    all: &Predictions,
    baseline: &Predictions,
    some: Option<&[u32]>,
) -> Result<Discordant, String> {
    let of = Rows { all, some };
    let (harmful, helpful) = (rows(all, Some(baseline), true)?, rows(all, Some(baseline), false)?);
    let count = |flipped: &[bool]| {
        let mut count = 0;
        of.each(|row| count += u64::from(flipped[row]));
        count
    };
    Ok(Discordant { helpful: count(&helpful), harmful: count(&harmful), rows: of.len() as u64 })
}

fn foreign(id: &str) -> String {
    format!("not comparable: candidate and baseline were scored on different rows, such as id `{id}`")
}

fn same_label((ours, row): (&Predictions, usize), (theirs, other): (&Predictions, usize)) -> bool {
    let name = |predictions: &Predictions, row: usize| match &predictions.outcomes {
        Outcomes::Numbers { label, .. } => label[row].to_string(),
        Outcomes::Classes(classes) => classes.names[classes.label[row] as usize].clone(),
    };
    match (&ours.outcomes, &theirs.outcomes) {
        (Outcomes::Numbers { label, .. }, Outcomes::Numbers { label: known, .. }) => {
            label[row] == known[other]
        }
        _ => name(ours, row) == name(theirs, other),
    }
}
