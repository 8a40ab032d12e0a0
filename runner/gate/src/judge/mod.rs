//! Judges gates. A comparison that cannot be made never reads as a pass.
//!
//! Each rule is judged on each of its slices. In this order, the first that applies:
//!
//! 1. The value is missing: ERROR, or WARN with `on-missing: warn`.
//! 2. The value is NaN, infinite, undefined, contradictory or impossible, a cell of an aggregate is, or the bound
//!    cannot be computed (no reference, not comparable, `%` of 0, a unit that does not fit): ERROR.
//! 3. There has never been a baseline and the workflow allows that: WARN, marked as a rubber stamp.
//! 4. Fewer rows than `min-samples`: INCONCLUSIVE.
//! 5. Without a confidence, or where nothing is known of how sure the value is: the comparison, on exact decimals:
//!    PASS, or the gate's level.
//! 6. With a confidence: two one-sided tests. The rule holds on the whole interval: PASS; it is broken on the whole
//!    interval: the gate's level; otherwise INCONCLUSIVE. With a correction their p-values are adjusted within the gate
//!    first. A pass that could not have seen its margin with `min-power` is INCONCLUSIVE.
//!
//! The gate's verdict is its worst rule's. What an INCONCLUSIVE rule counts for `on-inconclusive` says; without it, it
//! never weighs more than an unmet one would: in a gate with `else warn` or `else info` it counts as that.

mod bound;
mod cell;
#[cfg(test)]
mod few_tests;
mod measure;
#[cfg(test)]
mod peer_defects;
mod population;
#[cfg(test)]
mod tests;
mod uncertain;
#[cfg(test)]
mod uncertain_tests;
mod wording;

use cell::{Draft, judge_rule};

use crate::{
    evidence::{Defaults, Evidence},
    grammar::{Bound, Gate, Method, Reference, Rule, Selector, Settings, Slice, Term, Test},
    stats::correction::Correction,
    verdict::{Judgement, Level, RuleJudgement, Tests, Verdict},
};

/// Judges a gate. Never panics; the same evidence gives the same judgement.
#[must_use]
pub fn judge(gate: &Gate, evidence: &Evidence, defaults: &Defaults) -> Judgement {
    let mut judgement = Judgement {
        id: gate.name(),
        text: gate.to_string(),
        level: gate.level,
        why: gate.settings.why.clone(),
        worst: gate.settings.slices.as_ref().and_then(|slices| slices.worst),
        ..Judgement::default()
    };
    let settings = &gate.settings;
    judgement.confidence = settings.confidence.or(defaults.confidence);
    if judgement.confidence.is_none()
        && let Some(key) = needs_confidence(settings)
    {
        judgement.message = format!(
            "`{key}` needs a `confidence`, here or under `defaults: {{ gates: {{ confidence: 0.95 }} }}`"
        );
        return judgement;
    }
    let mut drafts = Vec::new();
    for rule in &gate.rules {
        for rule in with_slices(gate, rule) {
            let (rules, rubber_stamp) = judge_rule(&rule, gate, evidence, defaults);
            drafts.extend(rules);
            judgement.rubber_stamp |= rubber_stamp;
        }
    }
    if settings.correction != Correction::None {
        judgement.correction = Some(settings.correction.word().to_owned());
    }
    judgement.rules = decided(gate, judgement.confidence.unwrap_or(1.0), drafts);
    let softened = settings.on_inconclusive.at(evidence.event.as_deref());
    judgement.verdict = worst(gate.level, softened, &judgement.rules);
    judgement.message = wording::headline(gate.level, softened, &judgement.rules);
    judgement
}

/// A key that asks for what only a confidence gives.
fn needs_confidence(settings: &Settings) -> Option<&'static str> {
    [
        ("method", settings.method != Method::Auto),
        ("min-power", settings.min_power.is_some()),
        ("correction", settings.correction != Correction::None),
        ("resamples", settings.resamples.is_some()),
        ("cluster", settings.cluster.is_some()),
        ("stratify", settings.stratify.is_some()),
    ]
    .into_iter()
    .find_map(|(key, set)| set.then_some(key))
}

/// Adjusts the p-values of all comparisons of the gate, and decides each.
fn decided(gate: &Gate, confidence: f64, drafts: Vec<Draft>) -> Vec<RuleJudgement> {
    let tests: Vec<Tests> =
        drafts.iter().filter_map(|draft| draft.open.as_ref()).map(cell::Open::tests).collect();
    let correction = gate.settings.correction;
    let adjusted = |of: fn(&Tests) -> f64| correction.adjusted(&tests.iter().map(of).collect::<Vec<_>>());
    let (holds, broken) = (adjusted(|tests| tests.holds), adjusted(|tests| tests.broken));
    let family = tests.len() as u64;
    let mut adjusted = tests.into_iter().zip(holds.into_iter().zip(broken));
    let alpha = 1.0 - confidence;
    let mut decided = Vec::with_capacity(drafts.len());
    for Draft { mut judgement, open } in drafts {
        if let Some(open) = open
            && let Some((mut tests, (holds, broken))) = adjusted.next()
        {
            let (mut passes, mut fails) = (
                open.answers.iter().all(|answer| answer.passes),
                open.answers.iter().any(|answer| answer.fails),
            );
            if correction != Correction::None {
                tests.holds_adjusted = Some(holds);
                tests.broken_adjusted = Some(broken);
                tests.family = Some(family);
                passes &= holds <= alpha;
                fails &= broken <= alpha;
            }
            judgement.tests = Some(tests);
            let underpowered = open.answers.iter().find_map(|answer| answer.underpowered.clone());
            let [met, unmet, not_known] = open.messages;
            (judgement.verdict, judgement.message) = match (passes, fails, underpowered) {
                (_, true, _) => (gate.level.verdict(), unmet),
                (true, false, None) => (Verdict::Pass, met),
                (true, false, Some(reason)) => {
                    (Verdict::Inconclusive, format!("{}: {reason}", judgement.term))
                }
                (false, false, _) => (Verdict::Inconclusive, not_known),
            };
        }
        decided.push(judgement);
    }
    decided
}

/// The rule itself and, for `slices:` of the mapping form, the same rule for each family of slices.
fn with_slices(gate: &Gate, rule: &Rule) -> Vec<Rule> {
    let mut rules = vec![rule.clone()];
    for columns in gate.settings.slices.iter().flat_map(|slices| &slices.by) {
        let slices =
            columns.iter().map(|column| Slice { column: column.clone(), selector: Selector::Each }).collect();
        rules.push(Rule { term: Term { slices, ..rule.term.clone() }, test: rule.test.clone() });
    }
    rules
}

/// What a rule's verdict counts for in its gate.
fn counts_as(level: Level, softened: Option<Level>, verdict: Verdict) -> Verdict {
    match (verdict, softened, level) {
        (Verdict::Inconclusive, Some(said), _) => said.verdict(),
        (Verdict::Inconclusive, None, Level::Warn | Level::Info) => level.verdict(),
        _ => verdict,
    }
}

fn worst(level: Level, softened: Option<Level>, rules: &[RuleJudgement]) -> Verdict {
    // PASS is above INFO in general, but an unmet rule decides its own gate.
    let counted = rules.iter().map(|rule| counts_as(level, softened, rule.verdict));
    match counted.filter(|verdict| *verdict != Verdict::Pass).max() {
        Some(verdict) => verdict,
        None if rules.is_empty() => Verdict::Error,
        None => Verdict::Pass,
    }
}

/// What the bounds of a test refer to.
fn references(test: &Test) -> Vec<&Reference> {
    fn of(bound: &Bound) -> Option<&Reference> {
        match bound {
            Bound::Relative { reference, .. } => Some(reference),
            Bound::Constant(_) => None,
        }
    }
    match test {
        Test::Compare { bound, .. } => of(bound).into_iter().collect(),
        Test::Within { lower, upper } => of(lower).into_iter().chain(of(upper)).collect(),
        Test::Relative { reference, .. } => vec![reference],
    }
}
