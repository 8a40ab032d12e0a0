//! Two runs side by side. A is usually the older one: every change is read from A to B.

mod markdown;
mod metrics;
#[cfg(test)]
mod tests;
mod text;

use runner_engine::{event::RunResult, record::RunRecord};
use runner_gate::verdict::Verdict;
use serde::Serialize;

pub(crate) use markdown::render as markdown;
use metrics::MetricRow;
pub(crate) use text::{ids, render as text};

use crate::report::{plan_outline::PlanOutline, scored::ScoredRun};

/// Flips listed in each direction.
const FLIPS: usize = 20;

/// One of the two runs, with what comparing it needs.
pub(crate) struct Side<'a> {
    /// Its record.
    pub(crate) record: &'a RunRecord,
    /// Its plan.
    pub(crate) plan: &'a PlanOutline,
    /// Its predictions.
    pub(crate) scored: &'a ScoredRun,
}

/// What is the same and what is not.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    a: RunIdentity,
    b: RunIdentity,
    metrics: Vec<MetricRow>,
    gates: Vec<GateRow>,
    params: Vec<ParamRow>,
    data: Vec<DataRow>,
    flips: Vec<FlipsRow>,
}

/// Which run.
#[derive(Debug, Serialize)]
struct RunIdentity {
    run_id: String,
    workflow: String,
    started_at: jiff::Timestamp,
    git_commit: Option<String>,
    workflow_digest: String,
    result: Option<RunResult>,
    verdict: Verdict,
    reason: Option<String>,
}

/// A gate of either run.
#[derive(Debug, Serialize)]
struct GateRow {
    stage: String,
    gate: String,
    a: Option<Verdict>,
    b: Option<Verdict>,
}

/// A parameter of either run.
#[derive(Debug, Serialize)]
struct ParamRow {
    name: String,
    a: Option<serde_json::Value>,
    b: Option<serde_json::Value>,
    same: bool,
}

/// A data set of either run.
#[derive(Debug, Serialize)]
struct DataRow {
    name: String,
    a: Option<String>,
    b: Option<String>,
    same: bool,
}

/// Rows that A has right and B wrong, and the reverse, for a step that published predictions in both.
#[derive(Debug, Serialize)]
struct FlipsRow {
    step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flips: Option<runner_gate::flips::FlipTable>,
    /// Why flips are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Comparison {
    /// Compare.
    pub(crate) fn of(a: &Side<'_>, b: &Side<'_>) -> Self {
        Self {
            a: identity(a.record),
            b: identity(b.record),
            metrics: metrics::rows(a, b),
            gates: gates(a.record, b.record),
            params: params(a.record, b.record),
            data: data(a.record, b.record),
            flips: flips(a, b),
        }
    }
}

fn identity(record: &RunRecord) -> RunIdentity {
    RunIdentity {
        run_id: record.run_id.clone(),
        workflow: record.workflow.clone(),
        started_at: record.started_at,
        git_commit: record.git_commit.clone(),
        workflow_digest: record.workflow_digest.clone(),
        result: record.result,
        verdict: record.verdict,
        reason: record.reason.clone(),
    }
}

/// Those of A in their order, then those that only B has; the keys of both sides joined.
fn joined<T, K: PartialEq>(a: Vec<T>, b: Vec<T>, key: impl Fn(&T) -> K) -> Vec<(Option<T>, Option<T>)> {
    let mut b: Vec<Option<T>> = b.into_iter().map(Some).collect();
    let mut rows: Vec<(Option<T>, Option<T>)> = a
        .into_iter()
        .map(|ours| {
            let theirs =
                b.iter_mut().find(|theirs| theirs.as_ref().is_some_and(|theirs| key(theirs) == key(&ours)));
            let theirs = theirs.and_then(Option::take);
            (Some(ours), theirs)
        })
        .collect();
    rows.extend(b.into_iter().flatten().map(|theirs| (None, Some(theirs))));
    rows
}

fn gates(a: &RunRecord, b: &RunRecord) -> Vec<GateRow> {
    let of = |record: &RunRecord| -> Vec<(String, String, Verdict)> {
        let stages = record.stages.iter();
        stages
            .flat_map(|stage| {
                stage.gates.iter().map(|gate| (stage.name.clone(), gate.text.clone(), gate.verdict))
            })
            .collect()
    };
    joined(of(a), of(b), |(stage, gate, _)| (stage.clone(), gate.clone()))
        .into_iter()
        .filter_map(|(a, b)| {
            let verdicts = (a.as_ref().map(|gate| gate.2), b.as_ref().map(|gate| gate.2));
            let (stage, gate, _) = a.or(b)?;
            Some(GateRow { stage, gate, a: verdicts.0, b: verdicts.1 })
        })
        .collect()
}

fn params(a: &RunRecord, b: &RunRecord) -> Vec<ParamRow> {
    let of = |record: &RunRecord| -> Vec<(String, serde_json::Value)> {
        let params = record.params.as_object().into_iter().flatten();
        params.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    joined(of(a), of(b), |(name, _)| name.clone())
        .into_iter()
        .filter_map(|(a, b)| {
            let name = a.as_ref().or(b.as_ref())?.0.clone();
            let (a, b) = (a.map(|param| param.1), b.map(|param| param.1));
            Some(ParamRow { name, same: a == b, a, b })
        })
        .collect()
}

fn data(a: &RunRecord, b: &RunRecord) -> Vec<DataRow> {
    let of = |record: &RunRecord| -> Vec<(String, String)> {
        record.data.iter().map(|data| (data.name.clone(), data.digest.clone())).collect()
    };
    joined(of(a), of(b), |(name, _)| name.clone())
        .into_iter()
        .filter_map(|(a, b)| {
            let name = a.as_ref().or(b.as_ref())?.0.clone();
            let (a, b) = (a.map(|data| data.1), b.map(|data| data.1));
            Some(DataRow { name, same: a == b, a, b })
        })
        .collect()
}

/// Why numbers of a step are not comparable: it worked on other rows.
fn other_rows(a: &Side<'_>, b: &Side<'_>, steps: (&str, &str)) -> Option<String> {
    let (ours, theirs) = (a.plan.test_set(a.record, steps.0), b.plan.test_set(b.record, steps.1));
    let said = |digest: Option<String>| digest.unwrap_or_else(|| "an unknown data set".to_owned());
    (ours != theirs).then(|| format!("not comparable: A used {}, B used {}", said(ours), said(theirs)))
}

fn flips(a: &Side<'_>, b: &Side<'_>) -> Vec<FlipsRow> {
    let mut rows = Vec::new();
    for ours in &a.scored.each {
        let Some(theirs) = b.scored.each.iter().find(|theirs| theirs.step == ours.step) else { continue };
        // What A said is what was there before.
        let found = match other_rows(a, b, (&ours.step, &theirs.step)) {
            Some(reason) => Err(reason),
            None => runner_gate::flips::flips(&theirs.predictions, &ours.predictions, FLIPS),
        };
        let (flips, problem) = match found {
            Ok(flips) => (Some(flips), None),
            Err(problem) => (None, Some(problem)),
        };
        rows.push(FlipsRow { step: ours.step.clone(), flips, problem });
    }
    rows
}
