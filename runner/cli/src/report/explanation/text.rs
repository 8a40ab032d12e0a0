//! The explanation on a terminal.

use std::fmt::Write as _;

use runner_gate::verdict::{Judgement, RuleJudgement, Verdict};

use super::{Explained, Explanation, StepFlips};
use crate::{
    environment::Look,
    report::{comparison, flips, quantity, summary, sureness, visible, words},
};

/// Columns of the names on the left.
const NAMES: usize = 14;
/// Slices listed before the rest is counted; `--json` has every one.
const SLICES: usize = 40;

/// The explanation as text.
pub(crate) fn render(explanation: &Explanation, look: Look) -> String {
    let mut out = String::new();
    for (index, gate) in explanation.gates.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        one(&mut out, gate, look);
    }
    for step in &explanation.flips {
        changed(&mut out, step, look);
    }
    out
}

fn one(out: &mut String, gate: &Explained, look: Look) {
    let judgement = &gate.judgement;
    let mood = words::verdict(judgement.verdict);
    let head = look.mark(mood, &judgement.verdict.to_string(), 0);
    let indent = visible::width(&head) + 1;
    let text = format!(
        "{} {}",
        look.bold(&visible::line(&judgement.text)),
        look.dim(&format!("({})", visible::line(&gate.stage)))
    );
    let _ = writeln!(out, "{head} {}", visible::wrap(&text, look.width, indent));
    let mut line = |name: &str, text: &str| field(out, name, text, look);
    line("decided by", &visible::line(&gate.decided_by));
    if judgement.id != judgement.text {
        line("id", &visible::line(&judgement.id));
    }
    if let Some(why) = &judgement.why {
        line("why", &visible::line(why));
    }
    if judgement.rubber_stamp {
        line("rubber stamp", "there has never been a baseline, so rules against it were not judged");
    }
    for formula in &gate.formulas {
        line("formula", &format!("{} = {}", visible::line(&formula.metric), formula.formula));
    }
    for rule in &gate.rules {
        line("rule", &visible::line(rule));
    }
    if judgement.verdict != Verdict::Pass {
        line("otherwise", &format!("an unmet rule means {}", judgement.level.verdict()));
    }
    let rules = judgement.worst_first();
    if let Some(worst) = rules.first() {
        numbers(out, worst, judgement, rules.len() > 1, look);
    }
    if rules.len() > 1 {
        slices(out, &rules, look);
    }
}

/// Rows that one model has right and the other wrong.
fn changed(out: &mut String, step: &StepFlips, look: Look) {
    let _ = writeln!(out, "\n{}", look.bold(&format!("Flips of {}", visible::line(&step.step))));
    match (&step.flips, &step.problem) {
        (Some(table), _) => {
            let _ = writeln!(out, "  {}", visible::wrap(&flips::words(table), look.width, 2));
            comparison::ids(out, "right -> wrong", &table.harmful_rows, table.harmful, look);
            comparison::ids(out, "wrong -> right", &table.helpful_rows, table.helpful, look);
        }
        (None, problem) => {
            let text = visible::line(problem.as_deref().unwrap_or_default());
            let _ = writeln!(out, "  {}", visible::wrap(&text, look.width, 2));
        }
    }
}

fn field(out: &mut String, name: &str, text: &str, look: Look) {
    let name = look.dim(&format!("{name:<NAMES$}"));
    let _ = writeln!(out, "  {name}{}", visible::wrap(text, look.width, NAMES + 2));
}

/// The numbers of the rule that decided.
fn numbers(out: &mut String, rule: &RuleJudgement, judgement: &Judgement, several: bool, look: Look) {
    out.push('\n');
    if several {
        let _ = writeln!(out, "  {}", look.bold(&format!("Worst: {}", visible::line(&rule.term))));
    }
    let mut line = |name: &str, text: &str| field(out, name, text, look);
    let sides = summary::rule_numbers(rule);
    line("observed", &sides.observed);
    line("bound", &format!("{} {}", visible::line(&rule.comparator), sides.bound));
    if let Some(reference) = &rule.reference {
        let value = reference.value.map_or_else(|| "unknown".to_owned(), quantity::number);
        line(&visible::line(&reference.name), &value);
    }
    if let Some(difference) = &rule.difference {
        line("difference", &quantity::signed(difference.value));
    }
    if let Some(interval) = sureness::interval(rule).filter(|_| has_interval(rule)) {
        line("interval", &format!("{interval}, each end one-sided"));
    }
    line("n", &rule.n.map_or_else(|| "unknown".to_owned(), |n| n.to_string()));
    let mut method = visible::line(&rule.method);
    if let Some(resamples) = rule.resamples {
        let _ = write!(method, ", {resamples} resamples");
    }
    if let Some(seed) = rule.seed {
        let _ = write!(method, ", seed {seed}");
    }
    if let Some(text) = &rule.method_text {
        let _ = write!(method, ": {}", visible::line(text));
    }
    line("method", &method);
    if let Some(tests) = &rule.tests {
        let both = |raw: f64, adjusted: Option<f64>| match adjusted {
            Some(adjusted) => {
                format!("{} (adjusted {})", quantity::p_value(raw), quantity::p_value(adjusted))
            }
            None => quantity::p_value(raw),
        };
        line("p it holds", &both(tests.holds, tests.holds_adjusted));
        line("p it is not", &both(tests.broken, tests.broken_adjusted));
        if let (Some(family), Some(correction)) = (tests.family, &judgement.correction) {
            line("correction", &format!("{} over {family} comparisons", visible::line(correction)));
        }
    }
    if let Some(power) = &rule.power {
        let share = quantity::percent(power.power);
        line(
            "can see",
            &format!(
                "a distance of {} from the bound with {share} power",
                quantity::rounded(power.minimum_detectable, 3)
            ),
        );
        if let Some(n) = power.sufficient_n {
            let what = power.margin.map_or_else(
                || "to decide at the observed distance".to_owned(),
                |margin| format!("to see the margin of {}", quantity::number(margin)),
            );
            line("would suffice", &format!("n {n} {what}"));
        }
    }
}

fn has_interval(rule: &RuleJudgement) -> bool {
    rule.interval.is_some()
        || rule.difference.as_ref().is_some_and(|difference| difference.interval.is_some())
}

/// Every rule and slice in one line, worst first.
fn slices(out: &mut String, rules: &[&RuleJudgement], look: Look) {
    let _ = writeln!(out, "\n  {}", look.bold("Worst first"));
    let cells: Vec<[String; 5]> = rules
        .iter()
        .take(SLICES)
        .map(|rule| {
            let sides = summary::rule_numbers(rule);
            [
                visible::line(&rule.term),
                sides.observed,
                format!("{} {}", visible::line(&rule.comparator), sides.bound),
                rule.n.map_or_else(|| "?".to_owned(), |n| n.to_string()),
                sureness::interval(rule).unwrap_or_default(),
            ]
        })
        .collect();
    let widest = |column: usize| cells.iter().map(|row| visible::width(&row[column])).max().unwrap_or(0);
    let (observed, bound, n) = (widest(1), widest(2), widest(3).max(1));
    let verdict = rules.iter().map(|rule| rule.verdict.word().len()).max().unwrap_or(0);
    let fixed = observed + bound + n + verdict + 14;
    let name = widest(0).min(look.width.saturating_sub(fixed).max(12));
    let head =
        format!("  {:verdict$}    {:name$}  {:>observed$}  {:bound$}  {:>n$}", "", "", "seen", "bound", "n");
    let _ = writeln!(out, "{}", look.dim(head.trim_end()));
    for (rule, [term, seen, limit, rows, sure]) in rules.iter().zip(&cells) {
        let mark = look.mark(words::verdict(rule.verdict), &rule.verdict.to_string(), verdict);
        let term = visible::pad(&visible::cut(term, name, look.unicode), name);
        let line = format!("  {mark}  {term}  {seen:>observed$}  {}  {rows:>n$}", visible::pad(limit, bound));
        let used = fixed + name;
        let sure = if look.width >= used + 2 + visible::width(sure) { look.dim(sure) } else { String::new() };
        let _ = writeln!(out, "{}", format!("{line}  {sure}").trim_end());
    }
    let more = rules.len().saturating_sub(SLICES);
    if more > 0 {
        let _ = writeln!(out, "  and {}", quantity::count(more, "more rule"));
    }
}
