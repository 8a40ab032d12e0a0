//! Judges gates. A comparison that cannot be made never reads as a pass.
//!
//! Each rule is judged on each of its slices. In this order, the first that applies:
//!
//! 1. The value is missing: ERROR, or WARN with `on-missing: warn`.
//! 2. The value is NaN, infinite, undefined, contradictory or impossible, a cell of an aggregate is, or the bound
//!    cannot be computed (no reference, not comparable, `%` of 0, a unit that does not fit): ERROR.
//! 3. There has never been a baseline and the workflow allows that: WARN, marked as a rubber stamp.
//! 4. Fewer rows than `min-samples`: INCONCLUSIVE.
//! 5. The comparison, on exact decimals: PASS, or the gate's level.
//!
//! The gate's verdict is its worst rule's. An INCONCLUSIVE rule never weighs more than an unmet one would: in a gate
//! with `else warn` or `else info` it counts as that.

mod bound;
mod cell;
mod measure;
#[cfg(test)]
mod peer_defects;
#[cfg(test)]
mod tests;
mod wording;

use cell::judge_rule;

use crate::{
    evidence::{Defaults, Evidence},
    grammar::{Bound, Gate, Reference, Rule, Selector, Slice, Term, Test},
    verdict::{Judgement, Level, RuleJudgement, Verdict},
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
    let unavailable = gate.unavailable_with(defaults);
    if !unavailable.is_empty() {
        judgement.message = format!("not available in this version: {}", unavailable.join(", "));
        return judgement;
    }
    for rule in &gate.rules {
        for rule in with_slices(gate, rule) {
            let (rules, rubber_stamp) = judge_rule(&rule, gate, evidence, defaults);
            judgement.rules.extend(rules);
            judgement.rubber_stamp |= rubber_stamp;
        }
    }
    judgement.verdict = worst(gate.level, &judgement.rules);
    judgement.message = wording::headline(gate.level, &judgement.rules);
    judgement
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
fn counts_as(level: Level, verdict: Verdict) -> Verdict {
    match (verdict, level) {
        (Verdict::Inconclusive, Level::Warn | Level::Info) => level.verdict(),
        _ => verdict,
    }
}

fn worst(level: Level, rules: &[RuleJudgement]) -> Verdict {
    // PASS is above INFO in general, but an unmet rule decides its own gate.
    let unmet =
        rules.iter().map(|rule| counts_as(level, rule.verdict)).filter(|verdict| *verdict != Verdict::Pass);
    match unmet.max() {
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
