//! The words of judgements: one line each that says what decided.

use std::fmt::Write as _;

use super::{counts_as, uncertain::Answer};
use crate::{
    exact::{Exact, told_apart},
    grammar::{Bound, Comparator, Selector, Slice, Term},
    verdict::{Level, RuleJudgement, Verdict},
};

/// `region=EU, device=ios`.
pub(super) fn slice(values: &[(String, String)]) -> String {
    values.iter().map(|(column, value)| format!("{column}={value}")).collect::<Vec<_>>().join(", ")
}

/// The term on one slice: `recall[region=EU]`. An aggregate keeps its own text.
pub(super) fn term(term: &Term, slice: Option<&[(String, String)]>) -> String {
    match slice {
        Some(slice) if term.aggregate.is_none() => {
            let fixed = |(column, value): &(String, String)| Slice {
                column: column.clone(),
                selector: Selector::Value(value.clone()),
            };
            let slices = slice.iter().map(fixed).collect();
            Term { aggregate: None, metric: term.metric.clone(), slices }.to_string()
        }
        _ => term.to_string(),
    }
}

/// `recall is NaN` · `recall: no row has a positive label`.
pub(super) fn lacking(term: &str, reason: &str) -> String {
    if reason.starts_with("is ") {
        format!("{term} {reason}")
    } else if reason.starts_with(&format!("`{term}`")) {
        reason.to_owned()
    } else {
        format!("{term}: {reason}")
    }
}

/// `recall 0.912 is below 0.95 (n = 171)`.
pub(super) fn compared(
    judgement: &RuleJudgement,
    comparator: Comparator,
    met: bool,
    (value, bound): (&Exact, &Exact),
    written: &Bound,
) -> String {
    let relation = match (comparator, met) {
        (Comparator::AtLeast, true) => "is at least",
        (Comparator::AtLeast, false) | (Comparator::Below, true) => "is below",
        (Comparator::AtMost, true) => "is at most",
        (Comparator::AtMost, false) | (Comparator::Above, true) => "is above",
        (Comparator::Above, false) => "is not above",
        (Comparator::Below, false) => "is not below",
        (Comparator::Equal, true) => "is",
        (Comparator::Equal, false) => "is not",
    };
    let (shown, bound) = told_apart(value, bound);
    let term = &judgement.term;
    let mut notes = Vec::new();
    if let (Some(reference), Bound::Relative { margin, .. }) = (&judgement.reference, written) {
        let mut note = reference.name.clone();
        if let Some(value) = reference.value.and_then(Exact::from_f64) {
            let _ = write!(note, " {}", value.to_digits(6));
        }
        if margin.is_some() {
            let _ = write!(
                note,
                "{}",
                &written.to_string()[reference.name.len().min(written.to_string().len())..]
            );
        }
        notes.push(note);
    }
    with_notes(format!("{term} {shown} {relation} {bound}"), judgement, notes)
}

/// `calibration 0.03 is outside [-0.02, 0.02]`.
pub(super) fn within(
    judgement: &RuleJudgement,
    met: bool,
    value: &Exact,
    (low, high): (&Exact, &Exact),
) -> String {
    let relation = if met { "is within" } else { "is outside" };
    // Enough digits to see on which side of the nearer end it lies.
    let near = if value.minus(low).abs() < value.minus(high).abs() { low } else { high };
    let (shown, _) = told_apart(value, near);
    let line = format!("{} {shown} {relation} [{}, {}]", judgement.term, low.to_digits(6), high.to_digits(6));
    with_notes(line, judgement, Vec::new())
}

fn with_notes(mut line: String, judgement: &RuleJudgement, mut notes: Vec<String>) -> String {
    if !judgement.slice.is_empty() && judgement.term.contains('(') {
        notes.insert(0, format!("at {}", slice(&judgement.slice)));
    }
    if let Some(n) = judgement.n {
        notes.push(format!("n = {n}"));
    }
    if !notes.is_empty() {
        let _ = write!(line, " ({})", notes.join(", "));
    }
    line
}

fn shown(value: f64) -> String {
    Exact::from_f64(value).map_or_else(|| value.to_string(), |value| value.to_digits(4))
}

/// `; 95 % bounds 0.905 to 0.919` · `; difference -0.002, 95 % bounds -0.004 to 0.001`.
pub(super) fn sure(answers: &[Answer]) -> String {
    let Some(answer) = answers.first() else { return String::new() };
    let mut text = String::new();
    if let Some(difference) = answer.difference() {
        let _ = write!(text, "; difference {}", shown(difference));
    }
    if let Some(interval) = answer.bounds() {
        let join = if text.is_empty() { ';' } else { ',' };
        let (percent, lower, upper) =
            (shown(interval.confidence * 100.0), shown(interval.lower), shown(interval.upper));
        let _ = write!(text, "{join} {percent} % bounds {lower} to {upper}");
    }
    text
}

/// `auc 0.912 is not decided against >= 0.9 (n = 200); 95 % bounds 0.89 to 0.93; 1200 rows would suffice`.
pub(super) fn open(judgement: &RuleJudgement, value: &Exact, answers: &[Answer]) -> String {
    let RuleJudgement { term, comparator, bound_text, .. } = judgement;
    let line = format!("{term} {} is not decided against {comparator} {bound_text}", value.to_digits(4));
    let mut line = with_notes(line, judgement, Vec::new()) + &sure(answers);
    if let Some(rows) = answers.iter().filter_map(|answer| answer.power.sufficient_n).max() {
        let _ = write!(line, "; about {rows} rows would suffice");
    }
    line
}

/// The line of the gate: the first of its worst rules, and how many others are as bad.
pub(super) fn headline(level: Level, softened: Option<Level>, rules: &[RuleJudgement]) -> String {
    let met = rules.iter().filter(|rule| rule.verdict == Verdict::Pass).count();
    if met == rules.len() {
        return match rules {
            [] => "there is nothing to judge".to_owned(),
            [only] => only.message.clone(),
            _ => format!("all {met} comparisons hold"),
        };
    }
    let unmet = || rules.iter().filter(|rule| rule.verdict != Verdict::Pass);
    let worst = unmet().map(|rule| counts_as(level, softened, rule.verdict)).max();
    let mut deciding = unmet().filter(|rule| Some(counts_as(level, softened, rule.verdict)) == worst);
    let first = deciding.next().map(|rule| rule.message.clone()).unwrap_or_default();
    match deciding.count() {
        0 => first,
        more => format!("{first}, and {more} more like it"),
    }
}
