//! Numbers of both runs beside one another. A change stands there only where both were measured on the same rows.

use runner_engine::executor::Metric;
use runner_workflow::plan::Better;
use serde::{Serialize, Serializer};

use super::{Side, joined, other_rows};
use crate::report::{scored, summary};

/// One metric of either run.
#[derive(Debug, Serialize)]
pub(super) struct MetricRow {
    pub(super) step: String,
    pub(super) metric: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) slice: Vec<(String, String)>,
    pub(super) a: Option<Measured>,
    pub(super) b: Option<Measured>,
    /// B − A, where both are comparable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) change: Option<Measured>,
    pub(super) meaning: Meaning,
    /// Which way it gets better, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) better: Option<Better>,
    /// Why there is no change to speak of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

/// Any double, also those that JSON has no number for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured(pub(super) f64);

impl Serialize for Measured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        runner_engine::event::any_float::serialize(&self.0, serializer)
    }
}

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Meaning {
    /// Equal to the last bit.
    Same,
    /// In the direction in which this metric gets better.
    Better,
    /// In the other direction.
    Worse,
    /// Different, and nothing says which way is better.
    Changed,
    /// Measured on other rows, or not a number.
    NotComparable,
    /// Only one run has it.
    OnlyA,
    /// Only one run has it.
    OnlyB,
}

impl Meaning {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Changed => "changed",
            Self::NotComparable => "not comparable",
            Self::OnlyA => "only in A",
            Self::OnlyB => "only in B",
        }
    }
}

impl MetricRow {
    /// `recall[region=EU]`, harmless to show.
    pub(super) fn name(&self) -> String {
        summary::metric_name(&self.metric, &self.slice)
    }
}

pub(super) fn rows(a: &Side<'_>, b: &Side<'_>) -> Vec<MetricRow> {
    type Found<'a> = (&'a str, &'a Metric);
    fn of<'a>(side: &Side<'a>) -> Vec<Found<'a>> {
        // What a run was itself compared with is not what it measured.
        let steps = side
            .record
            .stages
            .iter()
            .flat_map(|stage| &stage.steps)
            .filter(|step| !scored::scores_a_reference(&step.id));
        steps.flat_map(|step| step.metrics.iter().map(|metric| (step.id.as_str(), metric))).collect()
    }
    let found =
        joined(of(a), of(b), |(step, metric)| (step.to_owned(), metric.name.clone(), metric.slice.clone()));
    // A step is asked once, not once for each of its metrics.
    let mut asked: Vec<(&str, Option<String>)> = Vec::new();
    let mut rows = Vec::new();
    for (ours, theirs) in found {
        let Some((step, metric)) = ours.or(theirs) else { continue };
        let problem = if let Some((_, problem)) = asked.iter().find(|(known, _)| *known == step) {
            problem.clone()
        } else {
            let problem = other_rows(a, b, (step, step));
            asked.push((step, problem.clone()));
            problem
        };
        // What B declares is what counts today.
        let better = b.plan.better(&metric.name).or_else(|| a.plan.better(&metric.name));
        rows.push(row(
            step,
            metric,
            (ours.map(|found| found.1.value), theirs.map(|found| found.1.value)),
            better,
            problem,
        ));
    }
    rows
}

fn row(
    step: &str,
    metric: &Metric,
    (a, b): (Option<f64>, Option<f64>),
    better: Option<Better>,
    problem: Option<String>,
) -> MetricRow {
    let (meaning, change, problem) = match (a, b) {
        (Some(_) | None, None) => (Meaning::OnlyA, None, None),
        (None, Some(_)) => (Meaning::OnlyB, None, None),
        (Some(_), Some(_)) if problem.is_some() => (Meaning::NotComparable, None, problem),
        (Some(a), Some(b)) if !(b - a).is_finite() => {
            (Meaning::NotComparable, None, Some("not comparable: not a finite number".to_owned()))
        }
        (Some(a), Some(b)) => (meaning(a, b, better), Some(Measured(b - a)), None),
    };
    MetricRow {
        step: step.to_owned(),
        metric: metric.name.clone(),
        slice: metric.slice.clone(),
        a: a.map(Measured),
        b: b.map(Measured),
        change,
        meaning,
        better,
        problem,
    }
}

fn meaning(a: f64, b: f64, better: Option<Better>) -> Meaning {
    let rises = match b.partial_cmp(&a) {
        None | Some(std::cmp::Ordering::Equal) => return Meaning::Same,
        Some(order) => order.is_gt(),
    };
    match better {
        None => Meaning::Changed,
        Some(Better::Higher) if rises => Meaning::Better,
        Some(Better::Lower) if !rises => Meaning::Better,
        Some(_) => Meaning::Worse,
    }
}
