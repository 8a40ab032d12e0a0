//! The rows behind a cell, of one model or of two, made ready for resampling.

use std::collections::HashMap;

use super::measure::{Cell, Computable, Origin};
use crate::{
    evidence::Measurements,
    grammar::{Aggregate, Settings},
    metrics::{Flipped, Metric, Rows, query_column},
    predictions::Predictions,
    stats::{
        statistic::{Aggregated, Statistic},
        units::Units,
    },
};

/// Why there is no interval.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// What was asked for cannot be done: an error.
    Impossible(String),
    /// The data do not suffice: inconclusive.
    TooLittle(String),
}

/// Rows of one model's predictions, by id.
pub(super) struct Population<'a> {
    pub(super) all: &'a Predictions,
    pub(super) rows: Vec<u32>,
}

impl<'a> Population<'a> {
    /// The rows of a cell of the candidate, in the order of their ids; none where it was reported.
    pub(super) fn of(cell: &Cell, all: &'a Predictions) -> Option<Self> {
        let rows = match &cell.origin {
            Origin::Reported => return None,
            Origin::Computed(None) => all.rows_by_id().to_vec(),
            Origin::Computed(Some(rows)) => in_order(all, rows),
            Origin::Aggregated(_, parts) => {
                let mut rows = Vec::new();
                for part in parts {
                    match &part.origin {
                        Origin::Computed(Some(own)) => rows.extend_from_slice(own),
                        Origin::Computed(None) => rows.extend_from_slice(all.rows_by_id()),
                        _ => return None,
                    }
                }
                in_order(all, &rows)
            }
        };
        Some(Self { all, rows })
    }

    pub(super) fn view(&self) -> Rows<'_> {
        Rows { all: self.all, some: Some(&self.rows) }
    }

    /// What is drawn.
    pub(super) fn units(&self, settings: &Settings, metric: Computable<'_>) -> Result<Units, Trouble> {
        let of_queries = matches!(metric, Computable::Standard(metric) if metric.of_queries());
        let query = if of_queries { query_column(self.view()).ok() } else { None };
        let cluster = settings.cluster.as_deref().or(query);
        let codes = |column: Option<&str>| column.map(|column| self.codes(column)).transpose();
        let (cluster, stratum) = (codes(cluster)?, codes(settings.stratify.as_deref())?);
        Units::new(self.rows.len(), cluster.as_deref(), stratum.as_deref()).map_err(Trouble::Impossible)
    }

    /// A code per row for the values of a column, or of `label`.
    pub(super) fn codes(&self, column: &str) -> Result<Vec<u32>, Trouble> {
        let codes = if let Some((_, cells)) = self.all.slices.iter().find(|(name, _)| name == column) {
            &cells.codes
        } else if column == "label" {
            &self.all.classes().map_err(Trouble::Impossible)?.label
        } else {
            let known: Vec<&str> = self.all.slice_columns().collect();
            return Err(Trouble::Impossible(format!(
                "predictions have no column `{column}` to resample by; they have: {}",
                known.join(", ")
            )));
        };
        Ok(self.rows.iter().map(|row| codes[*row as usize]).collect())
    }

    /// The metric of the cell as a function of how often each row counts. `rows_of` gives the rows in the predictions
    /// that are measured, which for a reference are others than the candidate's.
    pub(super) fn statistic(
        &self,
        cell: &Cell,
        metric: Computable<'_>,
        (measured, flipped): (&Predictions, &Flipped),
    ) -> Result<Box<dyn Statistic>, Trouble> {
        let ready = |rows: &[u32]| {
            let rows = self.rows_in(rows, measured)?;
            metric.statistic(Rows { all: measured, some: Some(&rows) }, flipped).map_err(Trouble::TooLittle)
        };
        let Origin::Aggregated(aggregate, _) = &cell.origin else { return ready(&self.rows) };
        let mut slices = Vec::new();
        for (rows, places) in self.parts(cell) {
            slices.push((places, ready(&rows)?));
        }
        let aggregate = *aggregate;
        Ok(Box::new(Aggregated {
            slices,
            aggregate: move |values: &mut Vec<f64>| combined(aggregate, values),
        }))
    }

    /// Rows of each slice of the cell, and their places among all of its rows; of a cell of one slice, all.
    fn parts(&self, cell: &Cell) -> Vec<(Vec<u32>, Vec<u32>)> {
        let place: HashMap<u32, u32> = self.rows.iter().copied().zip(0..).collect();
        let part = |rows: Vec<u32>| {
            let places = rows.iter().filter_map(|row| place.get(row).copied()).collect();
            (rows, places)
        };
        let Origin::Aggregated(_, parts) = &cell.origin else { return vec![part(self.rows.clone())] };
        let parts = parts.iter().filter_map(|cell| match &cell.origin {
            Origin::Computed(Some(rows)) => Some(part(in_order(self.all, rows))),
            _ => None,
        });
        parts.collect()
    }

    /// These rows of the candidate in the predictions that are measured.
    fn rows_in(&self, rows: &[u32], measured: &Predictions) -> Result<Vec<u32>, Trouble> {
        if std::ptr::eq(measured, self.all) {
            return Ok(rows.to_vec());
        }
        self.all.matched(rows, measured).map_err(|id| {
            Trouble::Impossible(format!("not comparable: the reference has no row with id `{id}`"))
        })
    }

    /// How many units bear on the metric: those with a row of its rarest kind, in the slice that has fewest.
    pub(super) fn trials(
        &self,
        cell: &Cell,
        (metric, measured): (Computable<'_>, &Predictions),
        units: &Units,
    ) -> Result<usize, Trouble> {
        let mut fewest = usize::MAX;
        for (rows, places) in self.parts(cell) {
            let rows = self.rows_in(&rows, measured)?;
            let kinds =
                metric.kinds(Rows { all: measured, some: Some(&rows) }).map_err(Trouble::TooLittle)?;
            let mut seen: Vec<(u32, usize)> = kinds
                .iter()
                .zip(places)
                .filter_map(|(kind, place)| Some(((*kind)?, units.of(place as usize))))
                .collect();
            seen.sort_unstable();
            seen.dedup();
            let rarest = seen.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).min();
            fewest = fewest.min(rarest.unwrap_or(0));
        }
        Ok(fewest)
    }

    /// Whether both models say the same of every row, in all that the metric reads: then they cannot differ in it.
    pub(super) fn is_same(&self, metric: Computable<'_>, with: &Compared<'_>, theirs: &Predictions) -> bool {
        if metric != with.metric {
            return false;
        }
        if std::ptr::eq(self.all, theirs) {
            return true;
        }
        let Ok(rows) = self.rows_in(&self.rows, theirs) else { return false };
        let columns = match metric {
            Computable::Column(column) => Some((column, column)),
            Computable::Standard(metric) if metric.of_queries() => {
                match (query_column(self.view()), query_column(Rows { all: theirs, some: Some(&rows) })) {
                    (Ok(ours), Ok(theirs)) => Some((ours, theirs)),
                    _ => return false,
                }
            }
            Computable::Standard(_) => None,
        };
        self.all.agrees(&self.rows, theirs, &rows)
            && columns.is_none_or(|(ours, its)| self.all.agrees_in((ours, &self.rows), theirs, (its, &rows)))
    }
}

/// Rows in the order of their ids.
fn in_order(all: &Predictions, rows: &[u32]) -> Vec<u32> {
    let mut wanted = vec![false; all.rows()];
    for row in rows {
        wanted[*row as usize] = true;
    }
    all.rows_by_id().iter().copied().filter(|row| wanted[*row as usize]).collect()
}

/// One number of several.
fn combined(aggregate: Aggregate, values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (first, last) = (*values.first()?, *values.last()?);
    Some(match aggregate {
        Aggregate::Min => first,
        Aggregate::Max => last,
        Aggregate::Spread => last - first,
        Aggregate::Count => values.len() as f64,
        Aggregate::Mean => values.iter().sum::<f64>() / values.len() as f64,
        Aggregate::Median => f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]),
    })
}

/// Predictions of a reference and the metric that is compared.
pub(super) struct Compared<'a> {
    pub(super) measurements: &'a Measurements,
    pub(super) metric: Computable<'a>,
}

/// Whether this is the metric.
pub(super) fn is(metric: Computable<'_>, wanted: Metric) -> bool {
    matches!(metric, Computable::Standard(metric) if metric == wanted)
}
