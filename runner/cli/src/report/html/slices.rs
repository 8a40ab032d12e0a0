//! Gates over slices: every slice, worst first.

use maud::{Markup, html};
use runner_engine::record::RunRecord;
use runner_gate::verdict::{Judgement, Verdict};

use super::{code, gates, mark, more, table, text};
use crate::report::{quantity, words};

/// Slices listed for a gate.
const SLICES: usize = 100;
/// Of those that pass: enough to see how near the worst came.
const PASSING: usize = 10;

pub(super) fn section(record: &RunRecord) -> Option<Markup> {
    let sliced: Vec<&Judgement> = record
        .stages
        .iter()
        .flat_map(|stage| &stage.gates)
        .filter(|gate| gate.rules.len() > 1 && gate.rules.iter().any(|rule| !rule.slice.is_empty()))
        .collect();
    if sliced.is_empty() {
        return None;
    }
    Some(html! { @for gate in sliced { (one(gate)) } })
}

fn one(gate: &Judgement) -> Markup {
    let rules = gate.worst_first();
    let failing = rules.iter().filter(|rule| rule.verdict != Verdict::Pass).count();
    let listed = (failing + PASSING).min(SLICES).min(rules.len());
    let left = rules.len() - listed;
    let head = html! {
        th { "Verdict" } th { "Slice" } th.number { "Observed" } th.number { "Bound" }
        th { "Interval and bound" } th.number { "n" } th { "Judged by" }
    };
    let rows: Vec<Markup> = rules
        .iter()
        .take(listed)
        .map(|rule| {
            html! {
                th scope="row" { (mark(words::verdict(rule.verdict), &rule.verdict.to_string())) }
                td { (text(&rule.term)) }
                (gates::numbers(rule, false))
            }
        })
        .collect();
    html! {
        h3 { (code(&gate.text)) " " span.aside { (quantity::count(rules.len(), "rule")) ", worst first" } }
        (table(&format!("Slices of {}", text(&gate.text)), &head, &rows))
        @if failing < listed && left > 0 {
            p.more { "and " (quantity::count(left, "more rule")) ", all PASS" }
        } @else {
            (more(left, "rule"))
        }
    }
}
