//! The comparison as Markdown, for pull requests and pages.

use std::fmt::Write as _;

use runner_gate::{flips::Flip, verdict::Verdict};

use super::{Comparison, RunIdentity, text};
use crate::report::{
    flips,
    markdown::{code, escape},
    quantity, words,
};

/// Rows of any table.
const ROWS: usize = 200;

/// The document.
pub(crate) fn render(comparison: &Comparison) -> String {
    let mut out = String::from(
        "## Comparison of two runs\n\n| | run | result | gates | commit |\n|---|---|---|---|---|\n",
    );
    identity(&mut out, "A", &comparison.a);
    identity(&mut out, "B", &comparison.b);
    out.push('\n');
    metrics(&mut out, comparison);
    gates(&mut out, comparison);
    flipped(&mut out, comparison);
    inputs(&mut out, comparison);
    out
}

fn identity(out: &mut String, name: &str, run: &RunIdentity) {
    let (word, mood) = words::run(run.result);
    let commit = run.git_commit.as_deref().map(|commit| code(quantity::short_digest(commit)));
    let _ = writeln!(
        out,
        "| {name} | {} {} | {} {word} | {} | {} |",
        escape(&run.workflow),
        code(&run.run_id),
        mood.symbol(true),
        verdict(Some(run.verdict)),
        commit.unwrap_or_default()
    );
}

fn verdict(verdict: Option<Verdict>) -> String {
    match verdict {
        None => "absent".to_owned(),
        Some(verdict) => format!("{} {verdict}", words::verdict(verdict).symbol(true)),
    }
}

fn more(out: &mut String, left: usize, noun: &str) {
    if left > 0 {
        let _ = writeln!(out, "\nand {}", quantity::count(left, &format!("more {noun}")));
    }
    out.push('\n');
}

fn metrics(out: &mut String, comparison: &Comparison) {
    if comparison.metrics.is_empty() {
        return;
    }
    out.push_str("### Metrics\n\n| metric | A | B | B − A | | step |\n|---|--:|--:|--:|---|---|\n");
    let (shown, left) = text::shown(&comparison.metrics);
    for row in shown.iter().take(ROWS) {
        let (a, b) = text::values(row);
        let (arrow, _) = text::sign(row, true);
        let change = row.change.map_or_else(String::new, |change| quantity::signed_to(change.0, 4));
        let _ = writeln!(
            out,
            "| {} | {a} | {b} | {change} | {arrow} {} | {} |",
            escape(&row.name()),
            row.meaning.word(),
            escape(&row.step)
        );
    }
    more(out, left + shown.len().saturating_sub(ROWS), "metric");
    for (problem, steps) in text::problems(&comparison.metrics) {
        let _ = writeln!(out, "**{}: {}**\n", escape(&steps.join(", ")), escape(&problem));
    }
}

fn gates(out: &mut String, comparison: &Comparison) {
    if comparison.gates.is_empty() {
        return;
    }
    out.push_str("### Gates\n\n| gate | A | B | stage |\n|---|---|---|---|\n");
    for gate in comparison.gates.iter().take(ROWS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            code(&gate.gate),
            verdict(gate.a),
            verdict(gate.b),
            escape(&gate.stage)
        );
    }
    more(out, comparison.gates.len().saturating_sub(ROWS), "gate");
}

fn flipped(out: &mut String, comparison: &Comparison) {
    for row in &comparison.flips {
        let _ = writeln!(out, "### Flips of {}\n", escape(&row.step));
        match (&row.flips, &row.problem) {
            (Some(table), _) => {
                let _ = writeln!(out, "{}\n", escape(&flips::words(table)));
                ids(out, "right → wrong", &table.harmful_rows, table.harmful);
                ids(out, "wrong → right", &table.helpful_rows, table.helpful);
            }
            (None, problem) => {
                let _ = writeln!(out, "**{}**\n", escape(problem.as_deref().unwrap_or_default()));
            }
        }
    }
}

fn ids(out: &mut String, name: &str, rows: &[Flip], count: u64) {
    if rows.is_empty() {
        return;
    }
    let ids: Vec<String> = rows.iter().map(|flip| code(&flip.id)).collect();
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(rows.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let _ = writeln!(out, "{name}: {}{more}\n", ids.join(", "));
}

fn inputs(out: &mut String, comparison: &Comparison) {
    let changed = |same: bool| if same { "same" } else { "changed" };
    let absent = || "absent".to_owned();
    if !comparison.params.is_empty() {
        out.push_str("### Parameters\n\n| parameter | A | B | |\n|---|---|---|---|\n");
        let text = |value: &Option<serde_json::Value>| {
            value.as_ref().map_or_else(absent, |value| code(&value.to_string()))
        };
        for row in comparison.params.iter().take(ROWS) {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                escape(&row.name),
                text(&row.a),
                text(&row.b),
                changed(row.same)
            );
        }
        more(out, comparison.params.len().saturating_sub(ROWS), "parameter");
    }
    if !comparison.data.is_empty() {
        out.push_str("### Data\n\n| data | A | B | |\n|---|---|---|---|\n");
        let text = |digest: &Option<String>| {
            digest.as_deref().map_or_else(absent, |digest| code(quantity::short_digest(digest)))
        };
        for row in comparison.data.iter().take(ROWS) {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                escape(&row.name),
                text(&row.a),
                text(&row.b),
                changed(row.same)
            );
        }
        more(out, comparison.data.len().saturating_sub(ROWS), "data set");
    }
}
