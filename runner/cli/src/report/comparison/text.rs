//! The comparison on a terminal.

use std::fmt::Write as _;

use runner_gate::{flips::Flip, verdict::Verdict};

use super::{
    Comparison, RunIdentity,
    metrics::{Meaning, MetricRow},
};
use crate::{
    environment::Look,
    report::{
        flips, quantity, visible,
        words::{self, Mood},
    },
};

/// The comparison as text.
pub(crate) fn render(comparison: &Comparison, look: Look) -> String {
    let mut out = String::new();
    identity(&mut out, "A", &comparison.a, look);
    identity(&mut out, "B", &comparison.b, look);
    metrics(&mut out, &comparison.metrics, look);
    gates(&mut out, comparison, look);
    flipped(&mut out, comparison, look);
    params(&mut out, comparison, look);
    data(&mut out, comparison, look);
    out
}

fn heading(out: &mut String, look: Look, text: &str) {
    let _ = writeln!(out, "\n{}", look.bold(text));
}

fn identity(out: &mut String, name: &str, run: &RunIdentity, look: Look) {
    let (word, mood) = words::run(run.result);
    let dot = look.dot();
    let commit = run
        .git_commit
        .as_deref()
        .map(|commit| format!(" {dot} commit {}", visible::line(quantity::short_digest(commit))));
    let text = format!(
        "{} {dot} {}{} {dot} {} {dot} gates {}",
        visible::line(&run.workflow),
        visible::line(&run.run_id),
        commit.unwrap_or_default(),
        look.paint(mood, &format!("{} {word}", mood.symbol(look.unicode))),
        if run.verdict == Verdict::None { "none".to_owned() } else { run.verdict.to_string() }
    );
    let _ = writeln!(out, "{}  {}", look.bold(name), visible::wrap(&text, look.width, 3));
}

/// Arrow and mood of a change; the word stands beside both.
pub(super) fn sign(row: &MetricRow, unicode: bool) -> (&'static str, Mood) {
    let rises = row.change.is_some_and(|change| change.0 > 0.0);
    let arrow = match (row.meaning, rises, unicode) {
        (Meaning::Better | Meaning::Worse | Meaning::Changed, true, true) => "↑",
        (Meaning::Better | Meaning::Worse | Meaning::Changed, false, true) => "↓",
        (Meaning::Better | Meaning::Worse | Meaning::Changed, true, false) => "^",
        (Meaning::Better | Meaning::Worse | Meaning::Changed, false, false) => "v",
        (Meaning::Same, ..) => "=",
        (Meaning::NotComparable | Meaning::OnlyA | Meaning::OnlyB, ..) => "-",
    };
    let mood = match row.meaning {
        Meaning::Better => Mood::Good,
        Meaning::Worse => Mood::Bad,
        Meaning::NotComparable | Meaning::OnlyA | Meaning::OnlyB => Mood::Doubtful,
        Meaning::Changed | Meaning::Same => Mood::Idle,
    };
    (arrow, mood)
}

/// Values of both sides with as many digits as tell them apart.
pub(super) fn values(row: &MetricRow) -> (String, String) {
    match (row.a, row.b) {
        (Some(a), Some(b)) => quantity::apart(a.0, b.0),
        (a, b) => {
            let text = |value: Option<super::metrics::Measured>| {
                value.map_or_else(String::new, |value| quantity::number(value.0))
            };
            (text(a), text(b))
        }
    }
}

/// Metrics of the whole all stand there; of slices only those that are not the same, or every one where there are few.
pub(super) fn shown(rows: &[MetricRow]) -> (Vec<&MetricRow>, usize) {
    const FEW: usize = 12;
    let few = rows.iter().filter(|row| !row.slice.is_empty()).count() <= FEW;
    let shown: Vec<&MetricRow> =
        rows.iter().filter(|row| few || row.slice.is_empty() || row.meaning != Meaning::Same).collect();
    let left = rows.len() - shown.len();
    (shown, left)
}

/// Each reason once, with the steps it is about.
pub(super) fn problems(rows: &[MetricRow]) -> Vec<(String, Vec<&str>)> {
    let mut problems: Vec<(String, Vec<&str>)> = Vec::new();
    for row in rows {
        let Some(problem) = &row.problem else { continue };
        match problems.iter_mut().find(|(known, _)| known == problem) {
            Some((_, steps)) if steps.contains(&row.step.as_str()) => {}
            Some((_, steps)) => steps.push(&row.step),
            None => problems.push((problem.clone(), vec![&row.step])),
        }
    }
    problems
}

fn metrics(out: &mut String, rows: &[MetricRow], look: Look) {
    if rows.is_empty() {
        return;
    }
    let (shown, left) = shown(rows);
    let cells: Vec<[String; 4]> = shown
        .iter()
        .map(|row| {
            let (a, b) = values(row);
            let change = row.change.map_or_else(String::new, |change| quantity::signed_to(change.0, 4));
            [row.name(), a, b, change]
        })
        .collect();
    let widest = |column: usize| cells.iter().map(|row| visible::width(&row[column])).max().unwrap_or(0);
    let (a, b, change) = (widest(1), widest(2), widest(3).max(5));
    let word = shown.iter().map(|row| row.meaning.word().len()).max().unwrap_or(0);
    let name = widest(0).min(look.width.saturating_sub(a + b + change + word + 14).max(12));
    heading(out, look, "Metrics");
    let head = format!("    {:name$}  {:>a$}  {:>b$}  {:>change$}", "", "A", "B", "B - A");
    let _ = writeln!(out, "{}", look.dim(&head));
    let mut last = "";
    for (row, [label, left, right, delta]) in shown.iter().zip(&cells) {
        if std::mem::replace(&mut last, &row.step) != row.step {
            let step = visible::cut(&visible::line(&row.step), look.width.saturating_sub(2), look.unicode);
            let _ = writeln!(out, "  {}", look.dim(&step));
        }
        let (arrow, mood) = sign(row, look.unicode);
        let label = visible::pad(&visible::cut(label, name, look.unicode), name);
        let meaning = look.paint(mood, &format!("{arrow} {}", row.meaning.word()));
        let _ = writeln!(out, "    {label}  {left:>a$}  {right:>b$}  {delta:>change$}  {meaning}");
    }
    if left > 0 {
        let _ = writeln!(out, "  and {} that did not change", quantity::count(left, "slice"));
    }
    for (problem, steps) in problems(rows) {
        let steps: Vec<String> = steps.into_iter().map(visible::line).collect();
        let text = format!("{}: {}", steps.join(", "), visible::line(&problem));
        let _ = writeln!(out, "  {}", look.paint(Mood::Doubtful, &visible::wrap(&text, look.width, 2)));
    }
}

fn gates(out: &mut String, comparison: &Comparison, look: Look) {
    if comparison.gates.is_empty() {
        return;
    }
    heading(out, look, "Gates");
    let word = |verdict: Option<Verdict>| {
        let text = verdict.map_or_else(|| "absent".to_owned(), |verdict| verdict.to_string());
        look.paint(verdict.map_or(Mood::Idle, words::verdict), &format!("{text:<6}"))
    };
    let arrow = if look.unicode { "→" } else { "->" };
    for gate in &comparison.gates {
        let text = format!(
            "{} {}",
            visible::line(&gate.gate),
            look.dim(&format!("({})", visible::line(&gate.stage)))
        );
        let _ = writeln!(
            out,
            "  {} {arrow} {}  {}",
            word(gate.a),
            word(gate.b),
            visible::wrap(&text, look.width, 19)
        );
    }
}

fn flipped(out: &mut String, comparison: &Comparison, look: Look) {
    for row in &comparison.flips {
        heading(out, look, &format!("Flips of {}", visible::line(&row.step)));
        match (&row.flips, &row.problem) {
            (Some(table), _) => {
                let _ = writeln!(out, "  {}", visible::wrap(&flips::words(table), look.width, 2));
                ids(out, "right -> wrong", &table.harmful_rows, table.harmful, look);
                ids(out, "wrong -> right", &table.helpful_rows, table.helpful, look);
            }
            (None, problem) => {
                let text = visible::line(problem.as_deref().unwrap_or_default());
                let _ =
                    writeln!(out, "  {}", look.paint(Mood::Doubtful, &visible::wrap(&text, look.width, 2)));
            }
        }
    }
}

/// `right -> wrong  12, 45 and 3 more`.
pub(crate) fn ids(out: &mut String, name: &str, rows: &[Flip], count: u64, look: Look) {
    if rows.is_empty() {
        return;
    }
    let name = if look.unicode { name.replace("->", "→") } else { name.to_owned() };
    let ids: Vec<String> =
        rows.iter().map(|flip| visible::line(&visible::cut(&flip.id, 60, look.unicode))).collect();
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(rows.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let indent = 4 + visible::width(&name);
    let _ = writeln!(
        out,
        "  {name}  {}",
        visible::wrap(&format!("{}{more}", ids.join(", ")), look.width, indent)
    );
}

fn params(out: &mut String, comparison: &Comparison, look: Look) {
    if comparison.params.is_empty() {
        return;
    }
    heading(out, look, "Parameters");
    let text = |value: &Option<serde_json::Value>| {
        value.as_ref().map_or_else(|| "absent".to_owned(), |value| visible::line(&value.to_string()))
    };
    pairs(out, look, comparison.params.iter().map(|row| (&row.name, text(&row.a), text(&row.b), row.same)));
}

fn data(out: &mut String, comparison: &Comparison, look: Look) {
    if comparison.data.is_empty() {
        return;
    }
    heading(out, look, "Data");
    let text = |digest: &Option<String>| {
        digest
            .as_deref()
            .map_or_else(|| "absent".to_owned(), |digest| visible::line(quantity::short_digest(digest)))
    };
    pairs(out, look, comparison.data.iter().map(|row| (&row.name, text(&row.a), text(&row.b), row.same)));
}

fn pairs<'a>(
    out: &mut String,
    look: Look,
    rows: impl Iterator<Item = (&'a String, String, String, bool)> + Clone,
) {
    let name_width = rows.clone().map(|row| visible::width(&visible::line(row.0))).max().unwrap_or(0).min(30);
    let arrow = if look.unicode { "→" } else { "->" };
    for (name, a, b, same) in rows {
        let name = visible::pad(&visible::cut(&visible::line(name), name_width, look.unicode), name_width);
        let text = if same {
            format!("{a}  {}", look.dim("same"))
        } else {
            format!("{a} {arrow} {b}  {}", look.paint(Mood::Doubtful, "changed"))
        };
        let _ = writeln!(out, "  {name}  {}", visible::wrap(&text, look.width, name_width + 4));
    }
}
