//! The gates, worst first, each with the rule that decided.

use maud::{Markup, html};
use runner_engine::record::RunRecord;
use runner_gate::verdict::{Judgement, RuleJudgement, Verdict};

use super::{
    code, mark,
    plot::{self, Span},
    table, text,
};
use crate::report::{summary, sureness, words};

pub(super) fn section(record: &RunRecord) -> Option<Markup> {
    let mut gates: Vec<(&str, &Judgement)> = record
        .stages
        .iter()
        .flat_map(|stage| stage.gates.iter().map(|gate| (stage.name.as_str(), gate)))
        .collect();
    let planned: usize = record.stages.iter().map(|stage| stage.planned_gates).sum();
    if planned == 0 && gates.is_empty() {
        return None;
    }
    // Stable: within a verdict in the order of the file.
    gates.sort_by_key(|(_, gate)| std::cmp::Reverse(gate.verdict));
    let not_judged = planned.saturating_sub(gates.len());
    let head = html! {
        th { "Verdict" } th { "Gate" } th.number { "Observed" } th.number { "Bound" }
        th { "Interval and bound" } th.number { "n" } th { "Judged by" } th { "Stage" }
    };
    let rows: Vec<Markup> = gates.iter().flat_map(|(stage, gate)| rows(stage, gate)).collect();
    Some(html! {
        @if !rows.is_empty() { (table("Gates, worst first", &head, &rows)) }
        @if not_judged > 0 {
            p.more {
                (mark(words::Mood::Idle, "not judged")) " "
                (crate::report::quantity::count(not_judged, "gate")) " of stages that did not come to an end"
            }
        }
    })
}

/// The gate with its worst rule, then its further rules. Those of slices have a section of their own.
fn rows(stage: &str, gate: &Judgement) -> Vec<Markup> {
    let ordered = gate.worst_first();
    let further = ordered.iter().skip(1).filter(|rule| rule.slice.is_empty());
    let further = further.map(|rule| {
        html! {
            td {}
            td.gate { p.aside { "its rule on " (text(&rule.term)) ": " (mark(words::verdict(rule.verdict), &rule.verdict.to_string())) } }
            (numbers(rule, true))
            td {}
        }
    });
    std::iter::once(row(stage, gate, ordered.first().copied())).chain(further).collect()
}

fn row(stage: &str, gate: &Judgement, worst: Option<&RuleJudgement>) -> Markup {
    html! {
        th scope="row" { (mark(words::verdict(gate.verdict), &gate.verdict.to_string())) }
        td.gate {
            (code(&gate.text))
            @if gate.verdict != Verdict::Pass { p { (text(&gate.message)) } }
            @if let Some(why) = &gate.why { p.why { "Why: " (text(why)) } }
        }
        @match worst {
            Some(rule) => (numbers(rule, gate.rules.len() > 1)),
            None => { td colspan="5" {} }
        }
        td { (text(stage)) }
    }
}

/// Observed, bound, interval, n and method: five cells.
pub(super) fn numbers(rule: &RuleJudgement, with_term: bool) -> Markup {
    let numbers = summary::rule_numbers(rule);
    html! {
        td.number {
            (text(&numbers.observed))
            @if with_term { p.aside { (text(&rule.term)) } }
        }
        td.number { (text(&rule.comparator)) " " (text(&numbers.bound)) }
        td.spread {
            @if let Some(picture) = picture(rule) { (picture) }
            @if let Some(words) = sureness::interval(rule) { p.aside { (words) } }
        }
        td.number { (rule.n.map_or_else(|| "?".to_owned(), |n| n.to_string())) }
        td {
            (text(&rule.method))
            @if let Some(words) = sureness::p_values(rule) { p.aside { (words) } }
            @if let Some(words) = sureness::detectable(rule) { p.aside { (words) } }
        }
    }
}

/// Where the rule compares with a reference and the difference is known, the difference; otherwise the value.
fn picture(rule: &RuleJudgement) -> Option<Markup> {
    let ends = |interval: &runner_gate::verdict::Interval| (interval.lower, interval.upper);
    let reference = rule.reference.as_ref().and_then(|reference| reference.value);
    let span = match (&rule.difference, reference) {
        (Some(difference), Some(reference)) => Span {
            value: difference.value,
            ends: difference.interval.as_ref().map(ends),
            bound: rule.bound.map(|bound| bound - reference),
            upper_bound: rule.bound_upper.map(|bound| bound - reference),
        },
        _ => Span {
            value: rule.observed?,
            ends: rule.interval.as_ref().map(ends),
            bound: rule.bound,
            upper_bound: rule.bound_upper,
        },
    };
    plot::interval(span, words::verdict(rule.verdict).word())
}
