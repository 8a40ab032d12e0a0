//! What the predictions look like, for each step that published some.

use maud::{Markup, html};
use runner_gate::curves::{self, Answer};

use super::{
    code,
    plot::{self, Line, Role},
    text,
};
use crate::report::{
    quantity,
    scored::{Scored, ScoredRun},
};

/// Steps whose predictions are drawn: a matrix of hundreds would be a page of hundreds of plots.
const STEPS: usize = 12;
/// Classes of a confusion matrix that still fits a page.
const CLASSES: usize = 20;

pub(super) fn section(scored: &ScoredRun) -> Option<Markup> {
    if scored.each.is_empty() && scored.problems.is_empty() {
        return None;
    }
    Some(html! {
        @for scored in scored.each.iter().take(STEPS) { (step(scored)) }
        (super::more(scored.each.len().saturating_sub(STEPS), "step with predictions"))
        @for problem in &scored.problems { p.more { "No plots: " (text(problem)) } }
    })
}

fn step(scored: &Scored) -> Markup {
    let candidate = Line { role: Role::Candidate, predictions: &scored.predictions };
    let baseline = scored
        .baseline
        .as_ref()
        .map(|baseline| Line { role: Role::Baseline, predictions: &baseline.predictions });
    let lines: Vec<Line<'_>> = std::iter::once(candidate).chain(baseline).collect();
    let plots: Vec<Option<Markup>> = match curves::answer(&scored.predictions) {
        Answer::Score => vec![
            plot::roc(&lines),
            plot::precision_recall(&lines),
            plot::calibration(&lines),
            plot::score_distribution(&scored.predictions),
        ],
        Answer::Class => Vec::new(),
        Answer::Number => vec![
            plot::agreement(&scored.predictions),
            plot::residuals(&scored.predictions),
            plot::residual_distribution(&scored.predictions),
        ],
    };
    let plots: Vec<Markup> = plots.into_iter().flatten().collect();
    html! {
        h3 {
            (code(&scored.step)) " "
            span.aside {
                (scored.predictions.rows()) " rows"
                @if let Some(test_set) = &scored.test_set { " of " (text(quantity::short_digest(test_set))) }
                @if let Some(baseline) = &scored.baseline { ", with " (text(&baseline.name)) }
            }
        }
        div.plots {
            @for plot in &plots { (plot) }
            @if curves::answer(&scored.predictions) != Answer::Number { (confusion(scored)) }
        }
    }
}

/// Which class was taken for which, as a table in which darker cells hold more of their row.
fn confusion(scored: &Scored) -> Markup {
    let Ok(confusion) = curves::confusion(&scored.predictions, CLASSES) else { return html! {} };
    html! {
        figure.plot.matrix {
            figcaption {
                strong { "Confusion matrix" }
                span.legend { "labels in rows, predictions in columns, with the share of the row" }
            }
            div.scroll role="region" aria-label="Confusion matrix" tabindex="0" { table.crossed {
                thead {
                    tr { td {} @for name in &confusion.names { th scope="col" { "predicted " (text(name)) } } }
                }
                tbody {
                    @for (name, cells) in confusion.names.iter().zip(&confusion.cells) {
                        @let total: f64 = cells.iter().sum();
                        tr {
                            th scope="row" { "label " (text(name)) }
                            @for cell in cells {
                                @let share = if total > 0.0 { cell / total } else { 0.0 };
                                td class={ "number shade-" (shade(share)) } {
                                    (quantity::number(*cell)) p.aside { (quantity::percent(share)) }
                                }
                            }
                        }
                    }
                }
            } }
        }
    }
}

/// One of eleven shades, 0 to 10.
fn shade(share: f64) -> u32 {
    (0..=10).rev().find(|tenth| share >= f64::from(*tenth) / 10.0 - 1e-9).unwrap_or(0)
}
