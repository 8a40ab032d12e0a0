//! Rows that one model has right and the other wrong.

use maud::{Markup, html};
use runner_gate::flips::{Flip, FlipTable};

use super::{code, more, table, text};
use crate::report::{
    flips::words,
    quantity,
    scored::{Scored, ScoredRun},
};

/// Rows listed for each direction.
const ROWS: usize = 100;
/// Of them in sight; the others unfold.
const IN_SIGHT: usize = 10;

pub(super) fn section(scored: &ScoredRun) -> Option<Markup> {
    let compared: Vec<&Scored> = scored.each.iter().filter(|scored| scored.baseline.is_some()).collect();
    if compared.is_empty() {
        return None;
    }
    Some(html! {
        @for scored in compared {
            @if let Some(baseline) = &scored.baseline {
                h3 { (code(&scored.step)) " " span.aside { "against " (text(&baseline.name)) } }
                @match runner_gate::flips::flips(&scored.predictions, &baseline.predictions, ROWS) {
                    Ok(flips) => (directions(&flips)),
                    Err(reason) => { p.more { "Flips are not known: " (text(&reason)) } }
                }
            }
        }
    })
}

fn directions(flips: &FlipTable) -> Markup {
    let total = flips.rows;
    let cell = |count: u64| {
        html! {
            td.number { (count) p.aside { (quantity::percent(count as f64 / total.max(1) as f64)) } }
        }
    };
    html! {
        p { (words(flips)) }
        div.scroll role="region" aria-label="How often each model was right" tabindex="0" {
            table.crossed {
                thead {
                    tr { td {} th scope="col" { "candidate right" } th scope="col" { "candidate wrong" } }
                }
                tbody {
                    tr { th scope="row" { "baseline right" } (cell(flips.both_right)) (cell(flips.harmful)) }
                    tr { th scope="row" { "baseline wrong" } (cell(flips.helpful)) (cell(flips.both_wrong)) }
                }
            }
        }
        (listed("Right before, wrong now", &flips.harmful_rows, flips.harmful))
        (listed("Wrong before, right now", &flips.helpful_rows, flips.helpful))
    }
}

fn listed(name: &str, rows: &[Flip], count: u64) -> Markup {
    if rows.is_empty() {
        return html! {};
    }
    let columns: Vec<&str> = rows[0].slice.iter().map(|(column, _)| column.as_str()).collect();
    let head = html! {
        th { "Id" } th { "Label" } th { "Baseline" } th { "Candidate" }
        @for column in &columns { th { (text(column)) } }
    };
    let cells: Vec<Markup> = rows
        .iter()
        .map(|flip| {
            html! {
                th scope="row" { (code(&flip.id)) }
                td { (text(&flip.label)) }
                td { (text(&flip.baseline)) }
                td { (text(&flip.candidate)) }
                @for (_, value) in &flip.slice { td { (text(value)) } }
            }
        })
        .collect();
    let (seen, listed_of) = (cells.len().min(IN_SIGHT), usize::try_from(count).unwrap_or(usize::MAX));
    html! {
        h4 { (name) " " span.aside { (quantity::count(listed_of, "row")) ", the largest changes first" } }
        (table(name, &head, &cells[..seen]))
        @if seen < cells.len() {
            details {
                summary { (quantity::count(cells.len() - seen, "more row")) }
                (table(&format!("{name}, further rows"), &head, &cells[seen..]))
            }
        }
        (more(listed_of - rows.len(), "row"))
    }
}
