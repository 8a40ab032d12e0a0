//! A report as Markdown: the verdict first, what failed before what passed, everything else folded.
//!
//! The body never exceeds the limits of a comment: detail is dropped step by step until it fits.

mod approved;
mod gates;
mod head;
mod pipeline;

use std::fmt::Write as _;

pub use approved::{Then, approved};
pub(crate) use head::approve_digest;
use runner_store::Digest;

use super::{
    Report,
    history::{self, Past},
    limits::{BYTES, CHARACTERS, Detail, LADDER, clip, fits},
    marker::Marker,
};
use crate::{escape::code, quantity};

/// A comment, ready to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// All of it, the marker first.
    pub text: String,
    /// The marker.
    pub marker: Marker,
}

/// The comment for a report, after these earlier runs.
pub fn comment(report: &Report, earlier: &[Past]) -> Body {
    let mut earlier = earlier.to_vec();
    earlier.retain(|past| Some(past.sha.as_str()) != report.head_sha.as_deref());
    let content = markdown(&report.without_occasion(), &earlier, LADDER[0]);
    let marker = Marker {
        key: report.key(),
        sha: report.head_sha.clone().unwrap_or_default(),
        body: Digest::of_bytes(content.as_bytes()).to_string(),
    };
    let hidden = history::hidden(&history::continued(earlier.clone(), Past::of(report)));
    let whole =
        |detail: Detail| format!("{}\n{}\n{hidden}\n", marker.line(), markdown(report, &earlier, detail));
    let fitting = LADDER.iter().map(|detail| whole(*detail)).find(|text| fits(text, CHARACTERS, BYTES));
    let text = fitting.unwrap_or_else(|| {
        let first = marker.line();
        let taken = first.chars().count() + hidden.chars().count() + 3;
        let room = CHARACTERS.saturating_sub(taken);
        format!(
            "{first}\n{}\n{hidden}\n",
            clipped(&markdown(report, &earlier, LADDER[LADDER.len() - 1]), room)
        )
    });
    Body { text, marker }
}

/// What even the last rung does not bound: lines that nobody counts on, such as ten thousand promotions.
fn clipped(text: &str, characters: usize) -> String {
    clip(text, characters, characters.saturating_mul(BYTES / CHARACTERS), CUT).unwrap_or_default()
}

const CUT: &str =
    "\n\n> The report was cut here: it is longer than GitHub takes. `runner report` shows all of it.\n";

/// The report without marks, as long as `characters` allow: for the text of a check run and the summary of a job.
pub fn text(report: &Report, earlier: &[Past], characters: usize) -> String {
    let mut shortest = String::new();
    for detail in LADDER {
        shortest = markdown(report, earlier, detail);
        if fits(&shortest, characters, usize::MAX) {
            return shortest;
        }
    }
    clipped(&shortest, characters)
}

/// One line that says how it stands.
pub fn headline(report: &Report) -> String {
    head::words(report)
}

fn markdown(report: &Report, earlier: &[Past], detail: Detail) -> String {
    let mut out = String::new();
    head::headline(&mut out, report);
    head::policy(&mut out, report, detail);
    gates::failing(&mut out, report, detail);
    head::reasons(&mut out, report, detail);
    gates::passing(&mut out, report, detail);
    pipeline::fold(&mut out, report, detail);
    previous(&mut out, report, earlier, detail);
    foot(&mut out, report);
    out
}

fn previous(out: &mut String, report: &Report, earlier: &[Past], detail: Detail) {
    let shown: Vec<&Past> = earlier.iter().take(detail.history.min(history::RUNS)).collect();
    if shown.is_empty() {
        return;
    }
    let latest = Past::of(report);
    let columns: Vec<&str> = latest.figures.iter().map(|(name, _)| name.as_str()).collect();
    out.push_str("<details><summary>Previous runs</summary>\n\n| commit | verdict |");
    for column in &columns {
        let _ = write!(out, " {} |", code(column));
    }
    let _ = writeln!(out, "\n|---|---|{}", "--:|".repeat(columns.len()));
    let value = |past: &Past, column: &str| {
        past.figures.iter().find(|(name, _)| name == column).map(|(_, value)| *value)
    };
    for past in &shown {
        let verdict = head::verdict_mark(past.verdict, past.passed);
        let _ = write!(out, "| {} | {verdict} |", code(short(&past.sha)));
        for column in &columns {
            let _ = write!(out, " {} |", value(past, column).map(quantity::number).unwrap_or_default());
        }
        out.push('\n');
    }
    let trends: Vec<String> = columns
        .iter()
        .map(|column| {
            let mut values: Vec<f64> = shown.iter().rev().filter_map(|past| value(past, column)).collect();
            values.extend(value(&latest, column));
            history::sparkline(&values)
        })
        .collect();
    if trends.iter().any(|trend| !trend.is_empty()) {
        let _ = writeln!(out, "| trend | | {} |", trends.join(" | "));
    }
    out.push_str("\n</details>\n\n");
}

fn foot(out: &mut String, report: &Report) {
    let run = &report.run;
    let at =
        report.head_sha.as_deref().map(|sha| format!("git checkout {} && ", short(sha))).unwrap_or_default();
    let mut parts = vec![format!("Reproduce: {}", code(&format!("{at}runner run {}", report.path)))];
    parts.extend(
        report.evidence.as_deref().map(|digest| format!("evidence {}", code(quantity::short_digest(digest)))),
    );
    parts.push(format!("workflow {}", code(quantity::short_digest(&run.workflow_digest))));
    parts.push(format!("run {}", code(&run.run_id)));
    parts.push(format!("runner {}", code(&run.runner_version)));
    if let Some(address) = report.run_url.as_deref().and_then(crate::escape::link) {
        parts.push(format!("[job]({address})"));
    }
    let _ = writeln!(out, "<sub>{}</sub>", parts.join(" · "));
}

/// A commit, short enough to read.
fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}
