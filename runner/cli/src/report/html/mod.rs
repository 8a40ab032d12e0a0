//! A run as one HTML file that needs nothing else: no script, no font, no picture, no network.
//!
//! Markup is checked when it is compiled, and everything that comes from a run is escaped and made visible
//! ([`crate::report::visible`]). The page forbids itself everything but its own style sheet, which its policy names by hash.

mod findings;
mod flips;
mod gates;
mod head;
mod lineage;
mod metrics;
mod plot;
mod scores;
mod slices;
mod timeline;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest as _, Sha256};

use crate::report::{recorded::Recorded, scored::ScoredRun, visible, words};

const STYLE: &str = include_str!("style.css");

/// Characters of any foreign text.
const TEXT: usize = 500;

/// The document. It grows with gates, steps and findings, not with rows of predictions.
pub(crate) fn render(recorded: &Recorded, scored: &ScoredRun) -> String {
    let record = &recorded.record;
    let sections: Vec<(&str, &str, Option<Markup>)> = vec![
        ("gates", "Gates", gates::section(record)),
        ("slices", "Slices", slices::section(record)),
        ("flips", "Flips", flips::section(scored)),
        ("scores", "Plots", scores::section(scored)),
        ("pipeline", "Pipeline", timeline::section(record)),
        ("findings", "Findings", findings::section(record)),
        ("metrics", "Metrics", metrics::section(record)),
        ("data", "Data and lineage", lineage::section(record)),
    ];
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        BASE64_STANDARD.encode(Sha256::digest(STYLE))
    );
    let (word, _) = words::run(record.result);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (text(&record.workflow)) ": " (word) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                (head::header(record))
                nav aria-label="Sections" {
                    @for (id, name, _) in sections.iter().filter(|(.., section)| section.is_some()) {
                        a href={ "#" (id) } { (name) }
                    }
                }
                main {
                    @for (id, name, section) in &sections {
                        @if let Some(section) = section {
                            section id=(id) aria-labelledby={ (id) "-name" } {
                                h2 id={ (id) "-name" } { (name) }
                                (section)
                            }
                        }
                    }
                }
                (head::footer(record))
            }
        }
    };
    page.into_string()
}

/// Foreign text: of bearable length, with nothing in it that hides or reorders. Escaping is done where it is put into markup.
fn text(foreign: &str) -> String {
    visible::line(&visible::cut(foreign, TEXT, true))
}

/// Foreign text that stands for itself, such as a name or a digest.
fn code(foreign: &str) -> Markup {
    html! { code { (text(foreign)) } }
}

/// Symbol and word in the colour of a mood.
fn mark(mood: words::Mood, word: &str) -> Markup {
    html! { span class={ "mark " (mood.word()) } { span aria-hidden="true" { (mood.symbol(true)) } " " (word) } }
}

/// A table that scrolls by itself where the window is narrow.
fn table(label: &str, head: &Markup, rows: &[Markup]) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table {
                thead { tr { (head) } }
                tbody { @for row in rows { tr { (row) } } }
            }
        }
    }
}

/// `and 12 more slices`, where some are not listed.
fn more(left: usize, noun: &str) -> Markup {
    html! { @if left > 0 { p.more { "and " (crate::report::quantity::count(left, &format!("more {noun}"))) } } }
}
