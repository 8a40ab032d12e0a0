//! What gates are judged on.

use std::{collections::BTreeMap, sync::Arc};

use crate::{grammar::Better, predictions::Predictions};

/// Everything a gate may look at.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What was measured of the model (or the data) that is judged.
    pub candidate: Measurements,
    /// What it is compared with.
    pub references: References,
    /// Declared unit of each metric, such as `fraction`, `%`, `ms` or `MB`.
    pub units: BTreeMap<String, String>,
    /// Declared direction of each metric, for the rules of the mapping form that speak of better and worse.
    pub better: BTreeMap<String, Better>,
    /// What the verdict is for, as `on-inconclusive` names it: `promote` where a promotion hangs on it, else the event
    /// that started the run, such as `pull_request`.
    pub event: Option<String>,
}

/// What a candidate may be compared with.
#[derive(Debug, Clone, Default)]
pub struct References {
    /// The model in service.
    pub baseline: Reference,
    /// A slower second reference.
    pub anchor: Reference,
    /// The run before.
    pub previous: Reference,
}

/// One reference.
#[derive(Debug, Clone, Default)]
pub enum Reference {
    /// There is none.
    #[default]
    Absent,
    /// There is one, but it cannot be read; with the reason.
    Unreadable(String),
    /// Its measurements.
    Measured(Measurements),
}

/// What was measured of one model.
#[derive(Debug, Clone, Default)]
pub struct Measurements {
    /// Numbers that steps reported.
    pub scalars: Vec<ScalarMetric>,
    /// Predictions, from which the standard metrics are computed.
    pub predictions: Option<Arc<Predictions>>,
    /// Why predictions that were published cannot be used. No standard metric is known then, whatever was reported: nothing
    /// holds the reported number to what it stands for.
    pub unreadable: Option<String>,
    /// Digest of the rows that the model was scored on. A comparison needs equal ones, or none on both sides.
    pub test_set_digest: Option<String>,
    /// Version of the definitions by which the host computed the standard metrics among `scalars`
    /// ([`crate::metrics::DEFINITIONS`] at that time); none where steps reported everything. Numbers of different
    /// definitions are not compared.
    pub definitions: Option<String>,
}

/// A number that a step reported.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarMetric {
    /// Its name.
    pub name: String,
    /// Columns and values of its slice, in any order; empty for the whole. The cell of a matrix is a slice too.
    pub slice: Vec<(String, String)>,
    /// As reported; not checked for being finite.
    pub value: f64,
}

/// Defaults of a workflow's gates, and how its baseline came about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Defaults {
    /// One-sided confidence of gates that do not say their own. Without both, point estimates are judged.
    pub confidence: Option<f64>,
    /// Fewer rows are inconclusive, for gates without `min-samples`. Concerns metrics computed from predictions: a
    /// reported number has no known number of rows.
    pub min_samples: Option<u64>,
    /// There has never been a baseline, and the workflow allows a first promotion without one
    /// (`baseline.first: rubber-stamp`): rules against it warn instead of being errors.
    pub rubber_stamp: bool,
}
