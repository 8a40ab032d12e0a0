//! From a term to numbers: looks up reported values, computes metrics from predictions, aggregates slices.

use crate::{
    evidence::Measurements,
    exact::Exact,
    grammar::{Aggregate, Selector, Slice, Term, nearest},
    metrics::{self, Metric, Rows},
    predictions::Predictions,
};

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lack {
    /// Nobody measured it; `on-missing` says what that means.
    Missing(String),
    /// It was measured, and cannot be used.
    Unusable(String),
}

impl Lack {
    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Missing(reason) | Self::Unusable(reason) => reason,
        }
    }
}

/// Columns and values.
pub(super) type SliceValues = Vec<(String, String)>;

/// A metric on one slice.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) slice: SliceValues,
    /// As measured, to show it even where it cannot be used.
    pub(super) observed: Option<f64>,
    /// Exactly, where it can be used.
    pub(super) value: Result<Exact, Lack>,
    /// Rows behind it, where that is known.
    pub(super) n: Option<u64>,
    /// Fewest rows behind any slice that it was made of.
    pub(super) least_n: Option<u64>,
    /// Where it comes from.
    pub(super) origin: Origin,
}

impl Cell {
    /// The slices that it was made of.
    pub(super) fn slices(&self) -> impl Iterator<Item = &SliceValues> {
        let parts = match &self.origin {
            Origin::Aggregated(_, parts) => parts.as_slice(),
            _ => std::slice::from_ref(self),
        };
        parts.iter().map(|part| &part.slice)
    }

    /// Whether it is a mean of repetitions: of three or more numbers that steps reported.
    pub(super) fn is_mean_of_reported(&self) -> bool {
        match &self.origin {
            Origin::Aggregated(Aggregate::Mean, parts) => {
                parts.len() > 2 && parts.iter().all(|part| matches!(part.origin, Origin::Reported))
            }
            _ => false,
        }
    }

    /// Whether both are means of repetitions that have none in common, such as of other seeds.
    pub(super) fn is_mean_of_others(&self, other: &Self) -> bool {
        self.is_mean_of_reported()
            && other.is_mean_of_reported()
            && !self.slices().any(|slice| other.slices().any(|known| known == slice))
    }
}

/// Where a cell comes from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A step reported it.
    Reported,
    /// Computed from these rows of the predictions; from all without any.
    Computed(Option<std::sync::Arc<[u32]>>),
    /// One number of these cells.
    Aggregated(Aggregate, Vec<Cell>),
}

/// What can be computed from predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Computable<'a> {
    /// A standard metric.
    Standard(Metric),
    /// The mean of a column.
    Column(&'a str),
}

impl<'a> Computable<'a> {
    /// By the name of the metric. A column's mean only where there is such a column.
    pub(super) fn of(name: &'a str, measurements: &Measurements) -> Option<Self> {
        if let Some(metric) = Metric::from_name(name) {
            return Some(Self::Standard(metric));
        }
        let column = name.strip_prefix("mean_")?;
        let predictions = measurements.predictions.as_ref()?;
        predictions.slice_columns().any(|known| known == column).then_some(Self::Column(column))
    }

    pub(super) fn prepare(self, all: &Predictions, baseline: Option<&Predictions>) -> metrics::Flipped {
        match self {
            Self::Standard(metric) => metric.prepare(all, baseline),
            Self::Column(_) => Ok(Vec::new()),
        }
    }

    /// Between which values it lies, where there are two such.
    pub(super) fn limits(self) -> Option<(f64, f64)> {
        match self {
            Self::Standard(metric) => metric.limits(),
            Self::Column(_) => None,
        }
    }

    /// The kind of each row that it hangs on; see [`Metric::kinds`].
    pub(super) fn kinds(self, rows: Rows<'_>) -> Result<Vec<Option<u32>>, String> {
        match self {
            Self::Standard(metric) => metric.kinds(rows),
            Self::Column(_) => Ok(vec![Some(0); rows.len()]),
        }
    }

    fn of_rows(self, rows: Rows<'_>, flipped: &metrics::Flipped) -> Result<f64, String> {
        match self {
            Self::Standard(metric) => metric.of_rows(rows, flipped),
            Self::Column(column) => metrics::mean_of_column(rows, column),
        }
    }

    pub(super) fn statistic(
        self,
        rows: Rows<'_>,
        flipped: &metrics::Flipped,
    ) -> Result<Box<dyn crate::stats::statistic::Statistic>, String> {
        match self {
            Self::Standard(metric) => metric.statistic(rows, flipped),
            Self::Column(column) => metrics::resampled::column_mean(rows, column),
        }
    }
}

/// Where to look.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) measurements: &'a Measurements,
    /// For flips.
    pub(super) baseline: Option<&'a Predictions>,
    /// Values of columns that are left out.
    pub(super) except: &'a [(String, Vec<String>)],
}

impl Source<'_> {
    /// The cells of a term: one for an aggregate or the whole, else one per slice. Never empty.
    pub(super) fn cells(self, term: &Term) -> Result<Vec<Cell>, Lack> {
        let cells = self.slices(&term.metric, &term.slices)?;
        match term.aggregate {
            None => Ok(cells),
            Some(aggregate) => Ok(vec![aggregated(aggregate, cells)]),
        }
    }

    fn slices(self, metric: &str, slices: &[Slice]) -> Result<Vec<Cell>, Lack> {
        if let Some(reason) = &self.measurements.unreadable
            && (Metric::from_name(metric).is_some() || metric.starts_with("mean_"))
        {
            return Err(Lack::Unusable(reason.clone()));
        }
        let reported = self.reported(metric, slices);
        let computed = match (Computable::of(metric, self.measurements), &self.measurements.predictions) {
            (Some(known), Some(predictions)) => self.computed(known, predictions, slices),
            _ => Ok(Vec::new()),
        };
        let computed = match computed {
            Ok(computed) => computed,
            // A step reported what the predictions have no column for: that is enough.
            Err(_) if !reported.is_empty() => Vec::new(),
            Err(lack) => return Err(lack),
        };
        let mut cells = computed;
        for reported in reported {
            match cells.iter_mut().find(|cell| cell.slice == reported.slice) {
                Some(computed) => reconcile(metric, computed, &reported),
                None => cells.push(reported),
            }
        }
        cells.retain(|cell| !self.excluded(&cell.slice));
        cells.sort_by(|a, b| a.slice.cmp(&b.slice));
        if cells.is_empty() { Err(Lack::Missing(self.why_missing(metric, slices))) } else { Ok(cells) }
    }

    fn excluded(self, slice: &SliceValues) -> bool {
        self.except.iter().any(|(column, values)| {
            slice.iter().any(|(known, value)| known == column && values.contains(value))
        })
    }

    fn reported(self, metric: &str, slices: &[Slice]) -> Vec<Cell> {
        let mut cells: Vec<Cell> = Vec::new();
        for scalar in self.measurements.scalars.iter().filter(|scalar| scalar.name == metric) {
            let Some(slice) = matching(&scalar.slice, slices) else { continue };
            match cells.iter_mut().find(|cell| cell.slice == slice) {
                None => cells.push(Cell {
                    slice,
                    observed: Some(scalar.value),
                    value: usable(metric, scalar.value),
                    n: None,
                    least_n: None,
                    origin: Origin::Reported,
                }),
                Some(known) => {
                    let before = known.observed.unwrap_or(f64::NAN);
                    if before.to_bits() != scalar.value.to_bits() {
                        let reason =
                            format!("`{metric}` was reported twice, as {before} and as {}", scalar.value);
                        known.value = Err(Lack::Unusable(reason));
                    }
                }
            }
        }
        cells
    }

    fn computed(
        self,
        metric: Computable<'_>,
        predictions: &Predictions,
        slices: &[Slice],
    ) -> Result<Vec<Cell>, Lack> {
        let flipped = metric.prepare(predictions, self.baseline);
        let cell = |slice, rows: Rows<'_>| {
            let value = metric.of_rows(rows, &flipped);
            let n = u64::try_from(rows.len()).ok();
            Cell {
                slice,
                observed: value.as_ref().ok().copied(),
                value: value.map_err(Lack::Unusable).and_then(|value| {
                    Exact::from_f64(value).ok_or_else(|| Lack::Unusable(format!("is {value}")))
                }),
                n,
                least_n: n,
                origin: Origin::Computed(rows.some.map(Into::into)),
            }
        };
        if slices.is_empty() {
            return Ok(vec![cell(Vec::new(), Rows { all: predictions, some: None })]);
        }
        let columns: Vec<&str> = slices.iter().map(|slice| slice.column.as_str()).collect();
        let found = predictions.slice_rows(&columns).map_err(|column| {
            let known: Vec<&str> = predictions.slice_columns().collect();
            let meant = nearest(column, known.iter().copied());
            let help = match meant {
                Some(meant) => format!("; did you mean `{meant}`?"),
                None if known.is_empty() => "; they have no slice columns".to_owned(),
                None => format!("; slice columns: {}", known.join(", ")),
            };
            Lack::Unusable(format!("predictions have no column `{column}`{help}"))
        })?;
        Ok(found
            .into_iter()
            .filter(|found| {
                slices.iter().zip(&found.values).all(|(slice, value)| slice.selector.includes(value))
            })
            .map(|found| {
                let slice = columns.iter().map(|column| (*column).to_owned()).zip(found.values).collect();
                cell(slice, Rows { all: predictions, some: Some(&found.rows) })
            })
            .collect())
    }

    fn why_missing(self, metric: &str, slices: &[Slice]) -> String {
        let scalars = &self.measurements.scalars;
        let mut shapes: Vec<Vec<&str>> = scalars
            .iter()
            .filter(|scalar| scalar.name == metric)
            .map(|scalar| scalar.slice.iter().map(|(column, _)| column.as_str()).collect())
            .collect();
        shapes.sort_unstable();
        shapes.dedup();
        if Metric::from_name(metric).is_some() && self.measurements.predictions.is_some() {
            return "no row is in this slice".to_owned();
        }
        if let Some(shape) = shapes.first() {
            return match (shape.is_empty(), slices.is_empty()) {
                (true, _) => format!("`{metric}` was reported for the whole only, not for slices"),
                (false, true) => {
                    format!("`{metric}` was reported by {} only, not for the whole", shape.join(", "))
                }
                (false, false) => {
                    format!("`{metric}` was reported by {}, but not for this slice", shape.join(", "))
                }
            };
        }
        let mut known: Vec<&str> = scalars.iter().map(|scalar| scalar.name.as_str()).collect();
        for name in metrics::names() {
            known.push(name);
        }
        let help = match nearest(metric, known) {
            Some(meant) if meant != metric => format!("; did you mean `{meant}`?"),
            _ if Metric::from_name(metric).is_some() => {
                ", and there are no predictions to compute it from".to_owned()
            }
            _ => String::new(),
        };
        format!("`{metric}` was not measured{help}")
    }
}

impl Selector {
    fn includes(&self, value: &str) -> bool {
        match self {
            Self::Each => true,
            Self::Value(wanted) => wanted == value,
        }
    }
}

/// The slice with its columns in the order of the term, if it has exactly those columns and wanted values.
fn matching(slice: &[(String, String)], wanted: &[Slice]) -> Option<SliceValues> {
    if slice.len() != wanted.len() {
        return None;
    }
    wanted
        .iter()
        .map(|wanted| {
            slice
                .iter()
                .find(|(column, value)| *column == wanted.column && wanted.selector.includes(value))
                .cloned()
        })
        .collect()
}

/// A reported value as an exact number, unless it is not one, or is impossible for a standard metric: an accuracy of
/// 93.4 is a percentage, and would pass any bound meant as a fraction.
fn usable(metric: &str, value: f64) -> Result<Exact, Lack> {
    let exact = Exact::from_f64(value).ok_or_else(|| {
        let what = if value.is_nan() { "NaN" } else { "infinite" };
        Lack::Unusable(format!("is {what}"))
    })?;
    if metrics::is_fraction(metric) && !(0.0..=1.0).contains(&value) {
        return Err(Lack::Unusable(format!(
            "is {exact}, which is impossible: {metric} lies between 0 and 1"
        )));
    }
    Ok(exact)
}

/// A value that a step reported beside the one computed here must agree with it; single precision is enough.
fn reconcile(metric: &str, computed: &mut Cell, reported: &Cell) {
    let (Some(ours), Some(theirs)) = (computed.observed, reported.observed) else { return };
    if (ours - theirs).abs() > 1e-6 * ours.abs().max(1.0) || theirs.is_nan() {
        let reason = format!("`{metric}` was reported as {theirs}, but is {ours} by the predictions");
        computed.value = Err(Lack::Unusable(reason));
    }
}

fn aggregated(aggregate: Aggregate, cells: Vec<Cell>) -> Cell {
    let parts = cells.clone();
    let n = cells.iter().map(|cell| cell.n).try_fold(0_u64, |all, n| n.map(|n| all.saturating_add(n)));
    let least_n = if cells.iter().any(|cell| cell.n.is_none()) {
        None
    } else {
        cells.iter().filter_map(|cell| cell.n).min()
    };
    let whole = |slice, value: Result<Exact, Lack>, n| Cell {
        slice,
        observed: value.as_ref().ok().map(Exact::to_f64),
        value,
        n,
        least_n,
        origin: Origin::Aggregated(aggregate, parts.clone()),
    };
    let count = cells.len() as u64;
    let mut values: Vec<(Exact, SliceValues, Option<u64>)> = Vec::new();
    for cell in cells {
        match cell.value {
            Ok(value) => values.push((value, cell.slice, cell.n)),
            Err(lack) => {
                let reason = format!("at {}: {}", super::wording::slice(&cell.slice), lack.reason());
                return Cell {
                    observed: cell.observed,
                    ..whole(cell.slice, Err(Lack::Unusable(reason)), cell.n)
                };
            }
        }
    }
    values.sort_by(|a, b| a.0.cmp(&b.0));
    let (Some(first), Some(last)) = (values.first().cloned(), values.last().cloned()) else {
        return whole(Vec::new(), Err(Lack::Missing("there are no slices".to_owned())), None);
    };
    let middle = |index: usize| values[index.min(values.len() - 1)].0.clone();
    match aggregate {
        Aggregate::Min => whole(first.1, Ok(first.0), first.2),
        Aggregate::Max => whole(last.1, Ok(last.0), last.2),
        Aggregate::Spread => whole(Vec::new(), Ok(last.0.minus(&first.0)), n),
        Aggregate::Count => whole(Vec::new(), Ok(Exact::integer(count)), n),
        Aggregate::Mean => {
            let sum = values.iter().fold(Exact::integer(0), |sum, (value, ..)| sum.plus(value));
            whole(Vec::new(), Ok(sum.times(&Exact::ratio(1, count))), n)
        }
        Aggregate::Median => {
            let pair = middle((values.len() - 1) / 2).plus(&middle(values.len() / 2));
            whole(Vec::new(), Ok(pair.times(&Exact::ratio(1, 2))), n)
        }
    }
}
