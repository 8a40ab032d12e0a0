//! The tables of gates: those that are not met, and folded away those that are.

use std::fmt::Write as _;

use runner_gate::verdict::{Judgement, RuleJudgement, Verdict};

use super::head::verdict_mark;
use crate::{
    escape::{code, text},
    quantity,
    report::{BaseFigures, Report, limits::Detail},
};

/// Slices of a passing gate without a number of its own to list.
const WORST: usize = 10;

const HEAD: &str =
    "| | Metric | Reference | This run | Δ | Interval | n | Gate |\n|---|---|--:|--:|--:|:--|--:|:--|\n";

pub(super) fn failing(out: &mut String, report: &Report, detail: Detail) {
    let mut judgements: Vec<&Judgement> =
        all(report).filter(|judgement| judgement.verdict >= Verdict::Warn).collect();
    // Stable: what is equally bad stays in the order of the file.
    judgements.sort_by_key(|judgement| std::cmp::Reverse(judgement.verdict));
    if judgements.is_empty() {
        return;
    }
    out.push_str(HEAD);
    let mut rows = 0;
    let mut left = 0;
    for judgement in judgements {
        if judgement.rules.is_empty() {
            if rows < detail.failing {
                let message = text(&judgement.message);
                let _ = writeln!(
                    out,
                    "| {} | {message} | | | | | | {} |",
                    verdict_mark(judgement.verdict, true),
                    code(&judgement.text)
                );
                rows += 1;
            } else {
                left += 1;
            }
        }
        let bad = judgement.worst_first().into_iter().filter(|rule| rule.verdict >= Verdict::Warn);
        for rule in bad {
            if rows < detail.failing {
                row(out, report, judgement, rule);
                rows += 1;
            } else {
                left += 1;
            }
        }
    }
    if left > 0 {
        let _ = writeln!(out, "\nand {}", quantity::count(left, "more row"));
    }
    out.push('\n');
}

pub(super) fn passing(out: &mut String, report: &Report, detail: Detail) {
    let fine: Vec<&Judgement> = all(report).filter(|judgement| judgement.verdict < Verdict::Warn).collect();
    let others: Vec<(&Judgement, &RuleJudgement)> = all(report)
        .filter(|judgement| judgement.verdict >= Verdict::Warn)
        .flat_map(|judgement| judgement.worst_first().into_iter().map(move |rule| (judgement, rule)))
        .filter(|(_, rule)| rule.verdict < Verdict::Warn)
        .collect();
    let slices =
        all(report).flat_map(|judgement| &judgement.rules).filter(|rule| !rule.slice.is_empty()).count();
    if (fine.is_empty() && others.is_empty()) || detail.passing == 0 {
        return;
    }
    let mut title = quantity::count(fine.len(), "passing gate");
    if slices > 0 {
        let _ = write!(title, " · {} (the worst are shown)", quantity::count(slices, "slice"));
    }
    let _ = writeln!(out, "<details><summary>{title}</summary>\n");
    out.push_str(HEAD);
    let shown = fine.iter().flat_map(|judgement| {
        let worst = judgement.worst.map_or(WORST, |worst| usize::try_from(worst).unwrap_or(WORST)).max(1);
        judgement.worst_first().into_iter().take(worst).map(move |rule| (*judgement, rule))
    });
    let all: Vec<_> = others.into_iter().chain(shown).collect();
    for (judgement, rule) in all.iter().take(detail.passing) {
        row(out, report, judgement, rule);
    }
    if all.len() > detail.passing {
        let _ = writeln!(out, "\nand {}", quantity::count(all.len() - detail.passing, "more row"));
    }
    out.push_str("\n</details>\n\n");
}

fn all(report: &Report) -> impl Iterator<Item = &Judgement> {
    report.run.stages.iter().flat_map(|stage| &stage.gates)
}

fn row(out: &mut String, report: &Report, judgement: &Judgement, rule: &RuleJudgement) {
    let unit = rule.unit.as_deref();
    let reference = rule.reference.as_ref().and_then(|reference| reference.value);
    let base = match &report.base {
        BaseFigures::Found { snapshot, .. } => snapshot.figures.get(&rule.term).copied(),
        _ => None,
    };
    let reference = reference.or(base);
    let observed = match (rule.observed, rule.bound) {
        (Some(observed), Some(bound)) => quantity::apart(observed, bound).0,
        (Some(observed), None) => quantity::number(observed),
        (None, _) => "missing".to_owned(),
    };
    let delta = match (rule.observed, reference) {
        (Some(observed), Some(reference)) => delta(observed, reference, unit),
        _ => String::new(),
    };
    let interval = rule.interval.as_ref().map_or_else(String::new, |interval| {
        format!("{} … {}", quantity::number(interval.lower), quantity::number(interval.upper))
    });
    let gate = if judgement.rules.len() > 1 || judgement.id == judgement.text {
        code(&judgement.text)
    } else {
        format!("{}<br>{}", code(&judgement.id), code(&judgement.text))
    };
    let message =
        if rule.verdict >= Verdict::Warn { format!("<br>{}", text(&rule.message)) } else { String::new() };
    let _ = writeln!(
        out,
        "| {} | {} | {} | {} | {} | {} | {} | {gate}{message} |",
        verdict_mark(rule.verdict, true),
        code(&rule.term),
        reference.map(|value| with_unit(&quantity::number(value), unit)).unwrap_or_default(),
        with_unit(&observed, unit.filter(|_| rule.observed.is_some())),
        delta,
        text(&interval),
        rule.n.map_or_else(|| "?".to_owned(), |n| n.to_string()),
    );
}

/// Shares need no unit beside them.
fn with_unit(number: &str, unit: Option<&str>) -> String {
    match unit {
        None | Some("fraction") => text(number),
        Some(unit) => format!("{} {}", text(number), text(unit)),
    }
}

/// Shares in percentage points, everything else in percent of the reference.
fn delta(observed: f64, reference: f64, unit: Option<&str>) -> String {
    let points = match unit {
        Some("fraction") => Some((observed - reference) * 100.0),
        Some("%") => Some(observed - reference),
        _ => None,
    };
    let difference = observed - reference;
    let shown = match points {
        Some(points) => format!("{points:+.2} pp"),
        None if difference == 0.0 => "0".to_owned(),
        None if reference == 0.0 => {
            format!("{}{}", if difference > 0.0 { "+" } else { "" }, quantity::number(difference))
        }
        None => format!("{:+.2} %", difference / reference.abs() * 100.0),
    };
    shown.replace('-', "−")
}
