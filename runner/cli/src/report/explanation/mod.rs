//! Why gates said what they said: formula, numbers, and the one line that decided.

mod rule;
mod text;

use runner_engine::record::RunRecord;
use runner_gate::{flips::FlipTable, metrics, verdict::Judgement};
use serde::Serialize;

use crate::report::scored::ScoredRun;

pub(crate) use text::render as text;

/// Flips listed in each direction.
const FLIPS: usize = 20;

/// Gates of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    run_id: String,
    workflow: String,
    /// The worst first.
    pub(crate) gates: Vec<Explained>,
    /// Where one of them compares with the baseline on the same rows: the rows that changed, for each step whose predictions
    /// both have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flips: Vec<StepFlips>,
}

/// One gate.
#[derive(Debug, Serialize)]
pub(crate) struct Explained {
    stage: String,
    /// The one line.
    decided_by: String,
    /// How its metrics are computed, where the host does that.
    formulas: Vec<Formula>,
    /// When its rules hold, in words; the first rule stands for all its slices.
    rules: Vec<String>,
    /// Everything that was recorded.
    judgement: Judgement,
}

/// What a metric means.
#[derive(Debug, Serialize)]
struct Formula {
    metric: String,
    formula: &'static str,
}

/// Flips of one step.
#[derive(Debug, Serialize)]
struct StepFlips {
    step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flips: Option<FlipTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Explains the gate whose id or text this is or begins with, or every gate; none where there is no such gate.
pub(crate) fn explain(record: &RunRecord, scored: &ScoredRun, wanted: Option<&str>) -> Explanation {
    let all =
        || record.stages.iter().flat_map(|stage| stage.gates.iter().map(|gate| (stage.name.as_str(), gate)));
    let is = |gate: &Judgement, text: &str| gate.id == text || gate.text == text;
    let begins = |gate: &Judgement, text: &str| gate.id.starts_with(text) || gate.text.starts_with(text);
    let mut gates: Vec<(&str, &Judgement)> = match wanted {
        None => all().collect(),
        Some(text) if all().any(|(_, gate)| is(gate, text)) => {
            all().filter(|(_, gate)| is(gate, text)).collect()
        }
        Some(text) => all().filter(|(_, gate)| begins(gate, text)).collect(),
    };
    gates.sort_by_key(|(_, gate)| std::cmp::Reverse(gate.verdict));
    Explanation {
        run_id: record.run_id.clone(),
        workflow: record.workflow.clone(),
        flips: if gates.iter().any(|(_, gate)| compares(gate)) { flips(scored) } else { Vec::new() },
        gates: gates.into_iter().map(|(stage, gate)| explained(stage, gate)).collect(),
    }
}

fn explained(stage: &str, gate: &Judgement) -> Explained {
    let mut formulas: Vec<Formula> = Vec::new();
    let mut rules: Vec<String> = Vec::new();
    for rule in &gate.rules {
        if !formulas.iter().any(|known| known.metric == rule.metric) {
            let formula = metrics::formula(&rule.metric);
            formulas.extend(formula.map(|formula| Formula { metric: rule.metric.clone(), formula }));
        }
        let words = rule::words(rule, gate.confidence);
        if !rules.contains(&words) {
            rules.push(words);
        }
    }
    Explained {
        stage: stage.to_owned(),
        decided_by: decided_by(gate),
        formulas,
        rules,
        judgement: gate.clone(),
    }
}

/// Whether it compares with the baseline, so that flips say something of it.
fn compares(gate: &Judgement) -> bool {
    gate.rules.iter().any(|rule| {
        rule.flips.is_some()
            || rule.metric.ends_with("_flips")
            || rule.reference.as_ref().is_some_and(|reference| reference.name == "baseline")
    })
}

/// The gate's own line, or that of its worst rule.
fn decided_by(gate: &Judgement) -> String {
    let worst = gate.worst_first().first().map(|rule| rule.message.clone());
    if gate.message.is_empty() { worst.unwrap_or_default() } else { gate.message.clone() }
}

fn flips(scored: &ScoredRun) -> Vec<StepFlips> {
    let compared = scored.each.iter().filter_map(|scored| Some((scored, scored.baseline.as_ref()?)));
    compared
        .map(|(scored, baseline)| {
            match runner_gate::flips::flips(&scored.predictions, &baseline.predictions, FLIPS) {
                Ok(flips) => StepFlips { step: scored.step.clone(), flips: Some(flips), problem: None },
                Err(problem) => StepFlips { step: scored.step.clone(), flips: None, problem: Some(problem) },
            }
        })
        .collect()
}
