//! The end of a terminal report: metrics, gates, findings, promotions, where the record is, and why it ended as it did.

use std::{collections::HashSet, fmt::Write as _};

use runner_engine::{
    event::RunResult,
    executor::{Finding, Metric, Severity},
    record::{RunRecord, StepRecord},
};
use runner_gate::verdict::{Judgement, RuleJudgement, Verdict};

use crate::{
    environment::Look,
    report::{quantity, reference, step_lines, sureness, visible, words},
};

/// Metrics shown before the rest is counted; `runner show` has them all.
const METRICS: usize = 16;
/// Findings shown before the rest is counted.
const FINDINGS: usize = 10;
/// Rules shown per gate before the rest is counted; the worst come first.
const RULES: usize = 3;

/// How much a summary shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The first of everything, counting the rest.
    Short,
    /// Everything.
    Full,
}

impl Detail {
    fn limit(self, short: usize) -> usize {
        if self == Self::Full { usize::MAX } else { short }
    }
}

/// The summary of a run. `record_at` is where its record lies, as a person would type it.
pub(crate) fn render(record: &RunRecord, record_at: &str, look: Look, detail: Detail) -> String {
    let mut out = String::new();
    metrics(&mut out, record, look, detail);
    gates(&mut out, record, look, detail);
    references(&mut out, record, look);
    findings(&mut out, record, look, detail);
    promotions(&mut out, record, look);
    notices(&mut out, record, look);
    ending(&mut out, record, record_at, look);
    out
}

fn heading(out: &mut String, look: Look, text: &str) {
    let _ = writeln!(out, "\n{}", look.bold(text));
}

fn steps(record: &RunRecord) -> impl Iterator<Item = &StepRecord> {
    record.stages.iter().flat_map(|stage| &stage.steps)
}

/// `recall[region=EU]`.
pub(crate) fn metric_name(name: &str, slice: &[(String, String)]) -> String {
    let mut text = visible::line(name);
    for (i, (column, value)) in slice.iter().enumerate() {
        let _ = write!(
            text,
            "{}{}={}",
            if i == 0 { '[' } else { ',' },
            visible::line(column),
            visible::line(value)
        );
    }
    if !slice.is_empty() {
        text.push(']');
    }
    text
}

fn metrics(out: &mut String, record: &RunRecord, look: Look, detail: Detail) {
    let judged: HashSet<&str> = record
        .stages
        .iter()
        .flat_map(|stage| &stage.gates)
        .flat_map(|gate| gate.rules.iter().map(|rule| rule.metric.as_str()))
        .collect();
    let mut rows: Vec<(&StepRecord, &Metric)> =
        steps(record).flat_map(|step| step.metrics.iter().map(move |metric| (step, metric))).collect();
    if rows.is_empty() {
        return;
    }
    // Where not all are shown, those of the whole matter more than their slices, and of those the ones that gates judge;
    // slices stand with the gates that judge them. The sort is stable.
    let mut limit = detail.limit(METRICS);
    if rows.len() > limit {
        rows.sort_by_key(|(_, metric)| (!metric.slice.is_empty(), !judged.contains(metric.name.as_str())));
        let whole = rows.iter().filter(|(_, metric)| metric.slice.is_empty()).count();
        if whole > 0 {
            limit = limit.min(whole);
        }
    }
    let more = rows.len().saturating_sub(limit);
    rows.truncate(limit);
    heading(out, look, "Metrics");
    let names: Vec<String> =
        rows.iter().map(|(_, metric)| metric_name(&metric.name, &metric.slice)).collect();
    let values: Vec<String> = rows.iter().map(|(_, metric)| quantity::number(metric.value)).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| visible::width(text)).max().unwrap_or(0);
    let name_width = widest(&names).min(look.width.saturating_sub(36).max(20));
    let value_width = widest(&values);
    let step_room = look.width.saturating_sub(name_width + value_width + 6).max(8);
    for ((name, value), (step, _)) in names.iter().zip(&values).zip(&rows) {
        let name = visible::pad(&visible::cut(name, name_width, look.unicode), name_width);
        let step = look.dim(&visible::cut(&visible::line(&step.id), step_room, look.unicode));
        let _ = writeln!(out, "  {name}  {value:>value_width$}  {step}");
    }
    say_more(out, more, "metric");
}

fn say_more(out: &mut String, more: usize, noun: &str) {
    if more > 0 {
        let _ = writeln!(out, "  and {}", quantity::count(more, &format!("more {noun}")));
    }
}

fn gates(out: &mut String, record: &RunRecord, look: Look, detail: Detail) {
    if record.stages.iter().all(|stage| stage.gates.is_empty()) {
        return;
    }
    let mut rules = record
        .stages
        .iter()
        .flat_map(|stage| &stage.gates)
        .flat_map(|gate| &gate.rules)
        .map(|rule| &rule.method);
    // Said once where it is the same for all.
    let method = rules.next().filter(|first| rules.all(|method| method == *first));
    let note = method.map(|method| format!(" (by {})", visible::line(method))).unwrap_or_default();
    heading(out, look, &format!("Gates{note}"));
    for stage in &record.stages {
        for judgement in &stage.gates {
            gate(out, &stage.name, judgement, method.is_none(), look, detail);
        }
    }
}

fn gate(out: &mut String, stage: &str, judgement: &Judgement, with_method: bool, look: Look, detail: Detail) {
    const INDENT: usize = 10;
    let verdict = judgement.verdict;
    let mood = words::verdict(verdict);
    let stamp = if judgement.rubber_stamp { "  RUBBER STAMP: no baseline yet" } else { "" };
    let text = format!(
        "{}{stamp} {}",
        visible::line(&judgement.text),
        look.dim(&format!("({})", visible::line(stage)))
    );
    let head = look.mark(mood, &verdict.to_string(), 5);
    let _ = writeln!(out, "  {head} {}", visible::wrap(&text, look.width, INDENT));
    let rules = judgement.worst_first();
    let wanted = judgement.worst.and_then(|worst| usize::try_from(worst).ok());
    let limit = detail.limit(wanted.unwrap_or(RULES));
    for rule in rules.iter().take(limit) {
        let mut text = rule_line(rule, with_method);
        if rules.len() > 1 && rule.verdict != Verdict::Pass {
            let _ = write!(text, ": {}", look.paint(words::verdict(rule.verdict), &rule.verdict.to_string()));
        }
        let _ = writeln!(out, "{:INDENT$}{}", "", visible::wrap(&text, look.width, INDENT + 2));
    }
    let more = rules.len().saturating_sub(limit);
    if more > 0 {
        let _ = writeln!(out, "{:INDENT$}and {}", "", quantity::count(more, "more rule"));
    }
    // The numbers above say why a rule is not met, but not why it could not be judged.
    let explained = matches!(verdict, Verdict::Pass | Verdict::Fail | Verdict::Hold | Verdict::Warn);
    if !judgement.message.is_empty() && (!explained || rules.is_empty()) {
        let text = visible::line(&judgement.message);
        let _ =
            writeln!(out, "{:INDENT$}{}", "", look.paint(mood, &visible::wrap(&text, look.width, INDENT)));
    }
    if let Some(why) = &judgement.why {
        let text = format!("why: {}", visible::line(why));
        let _ = writeln!(out, "{:INDENT$}{}", "", visible::wrap(&text, look.width, INDENT));
    }
}

/// `recall 0.953, bound >= 0.9, n 171`: what was seen, the bound, and how sure that is.
pub(crate) fn rule_line(rule: &RuleJudgement, with_method: bool) -> String {
    let RuleNumbers { observed, bound } = rule_numbers(rule);
    let mut text = format!(
        "{} {observed}, bound {} {bound}",
        visible::line(&rule.term),
        visible::line(&rule.comparator)
    );
    let _ = match rule.n {
        Some(n) => write!(text, ", n {n}"),
        None => write!(text, ", n ?"),
    };
    for words in [sureness::interval(rule), sureness::detectable(rule)].into_iter().flatten() {
        let _ = write!(text, ", {words}");
    }
    if with_method {
        let _ = write!(text, ", {}", visible::line(&rule.method));
    }
    text
}

/// The two sides of a rule as text.
pub(crate) struct RuleNumbers {
    /// What was observed, with its unit.
    pub(crate) observed: String,
    /// The bound as a number, and as written where that says more.
    pub(crate) bound: String,
}

/// What a rule compared, with enough digits to tell the sides apart.
pub(crate) fn rule_numbers(rule: &RuleJudgement) -> RuleNumbers {
    // A fraction is a number like any other; other units are said.
    let unit = rule.unit.as_deref().filter(|unit| *unit != "fraction");
    let unit = unit.map(|unit| format!(" {}", visible::line(unit))).unwrap_or_default();
    let (observed, bound) = match (rule.observed, rule.bound) {
        (Some(observed), Some(bound)) => {
            let (observed, bound) = quantity::apart(observed, bound);
            (Some(observed), Some(bound))
        }
        (observed, bound) => (observed.map(quantity::number), bound.map(quantity::number)),
    };
    let written = visible::line(&rule.bound_text);
    let bound = match (bound, rule.bound_upper) {
        (Some(lower), Some(upper)) => format!("[{lower}, {}]{unit}", quantity::number(upper)),
        (Some(bound), None) if rule.reference.is_some() => format!("{bound}{unit} ({written})"),
        (Some(bound), None) => format!("{bound}{unit}"),
        (None, _) => written,
    };
    let observed = observed.map_or_else(|| "missing".to_owned(), |observed| format!("{observed}{unit}"));
    RuleNumbers { observed, bound }
}

/// Findings of all steps, errors first, otherwise in the order they were reported.
pub(crate) fn findings_by_severity(record: &RunRecord) -> Vec<(&StepRecord, &Finding)> {
    let mut findings: Vec<_> =
        steps(record).flat_map(|step| step.findings.iter().map(move |finding| (step, finding))).collect();
    findings.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    findings
}

/// `1 error, 2 warnings`.
pub(crate) fn finding_counts(findings: &[(&StepRecord, &Finding)]) -> String {
    let nouns = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")];
    let counts = nouns.iter().filter_map(|(severity, noun)| {
        let number = findings.iter().filter(|(_, finding)| finding.severity == *severity).count();
        (number > 0).then(|| quantity::count(number, noun))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// `rows 4, 17, 20 of 31: "a", "", "b"`; empty where there are no examples.
pub(crate) fn finding_examples(finding: &Finding) -> String {
    let mut text = String::new();
    if !finding.rows.is_empty() {
        let rows: Vec<String> = finding.rows.iter().map(u64::to_string).collect();
        let _ = write!(text, "{} {}", if rows.len() == 1 { "row" } else { "rows" }, rows.join(", "));
        if finding.count > finding.rows.len() as u64 {
            let _ = write!(text, " of {}", finding.count);
        }
    } else if finding.count > 0 {
        let _ = write!(text, "{} {}", finding.count, if finding.count == 1 { "row" } else { "rows" });
    }
    if !finding.examples.is_empty() {
        let examples: Vec<String> = finding
            .examples
            .iter()
            .map(|example| format!("\"{}\"", visible::cut(&visible::line(example), 40, false)))
            .collect();
        let _ = write!(text, "{}{}", if text.is_empty() { "" } else { ": " }, examples.join(", "));
    }
    text
}

fn findings(out: &mut String, record: &RunRecord, look: Look, detail: Detail) {
    const INDENT: usize = 12;
    let findings = findings_by_severity(record);
    if findings.is_empty() {
        return;
    }
    heading(out, look, &format!("Findings: {}", finding_counts(&findings)));
    let limit = detail.limit(FINDINGS);
    for (step, finding) in findings.iter().take(limit) {
        let (word, mood) = words::severity(finding.severity);
        let about = finding_place(step, finding);
        let text = format!("{about}: {}", visible::line(&finding.message));
        let _ = writeln!(
            out,
            "  {}{}",
            look.mark(mood, word, INDENT - 4),
            visible::wrap(&text, look.width, INDENT)
        );
        let examples = finding_examples(finding);
        if !examples.is_empty() {
            let _ =
                writeln!(out, "{:INDENT$}{}", "", look.dim(&visible::wrap(&examples, look.width, INDENT)));
        }
    }
    say_more(out, findings.len().saturating_sub(limit), "finding");
}

/// `schema data.age [null-share]`.
fn finding_place(step: &StepRecord, finding: &Finding) -> String {
    let mut text = visible::line(&step.id);
    match (&finding.input, &finding.column) {
        (Some(input), Some(column)) => {
            let _ = write!(text, " {}.{}", visible::line(input), visible::line(column));
        }
        (Some(name), None) | (None, Some(name)) => {
            let _ = write!(text, " {}", visible::line(name));
        }
        (None, None) => {}
    }
    let _ = write!(text, " [{}]", visible::line(&finding.rule));
    text
}

/// What the model was compared with.
fn references(out: &mut String, record: &RunRecord, look: Look) {
    if record.references.is_empty() {
        return;
    }
    heading(out, look, "Compared with");
    for found in &record.references {
        let (mood, text) = reference::sentence(found);
        let head = look.mark(mood, found.role.word(), 8);
        let _ = writeln!(out, "  {head} {}", visible::wrap(&text, look.width, 13));
    }
}

fn promotions(out: &mut String, record: &RunRecord, look: Look) {
    let promotions: Vec<_> = record.stages.iter().flat_map(|stage| &stage.promotions).collect();
    if promotions.is_empty() {
        return;
    }
    heading(out, look, "Promotion");
    for promotion in promotions {
        let line = match (promotion.version, &promotion.refused) {
            (Some(version), None) => {
                let text = step_lines::promotion(
                    &promotion.model,
                    &promotion.alias,
                    version,
                    promotion.previous,
                    look,
                );
                let digest = promotion.digest.as_deref().map(quantity::short_digest).unwrap_or_default();
                let text = format!("{text}  {}", look.dim(&visible::line(digest)));
                format!(
                    "{} {}",
                    look.mark(words::Mood::Good, "promoted", 8),
                    visible::wrap(&text, look.width, 13)
                )
            }
            (_, refused) => {
                let reason = refused.as_deref().unwrap_or("no reason was recorded");
                let text = format!(
                    "{}@{}: {}",
                    visible::line(&promotion.model),
                    visible::line(&promotion.alias),
                    visible::line(reason)
                );
                format!(
                    "{} {}",
                    look.mark(words::Mood::Bad, "refused", 8),
                    visible::wrap(&text, look.width, 13)
                )
            }
        };
        let _ = writeln!(out, "  {line}");
    }
}

/// Warnings, and what ran without a sandbox.
fn notices(out: &mut String, record: &RunRecord, look: Look) {
    let unsandboxed: Vec<String> = steps(record)
        .filter(|step| step.sandboxed == Some(false))
        .map(|step| visible::line(&step.id))
        .collect();
    // What ran without a sandbox is named below.
    let is_said = |code: &str| code == "policy::host-steps" && !unsandboxed.is_empty();
    let warnings: Vec<_> = record.warnings.iter().filter(|warning| !is_said(&warning.code)).collect();
    if warnings.is_empty() && unsandboxed.is_empty() {
        return;
    }
    out.push('\n');
    for warning in warnings {
        let text = format!("{} [{}]", visible::line(&warning.message), visible::line(&warning.code));
        let head = look.mark(words::Mood::Doubtful, "warning", 7);
        let _ = writeln!(out, "{head}  {}", visible::wrap(&text, look.width, 11));
    }
    if !unsandboxed.is_empty() {
        let text = format!(
            "{} ran on this machine without a sandbox: {}",
            quantity::count(unsandboxed.len(), "step"),
            unsandboxed.join(", ")
        );
        let head = look.mark(words::Mood::Doubtful, "unsandboxed", 11);
        let _ = writeln!(
            out,
            "{head}  {}",
            visible::wrap(&visible::cut(&text, 400, look.unicode), look.width, 15)
        );
    }
}

fn ending(out: &mut String, record: &RunRecord, record_at: &str, look: Look) {
    let (word, mood) = words::run(record.result);
    if let (Some(RunResult::Held), Some(evidence)) = (record.result, &record.evidence) {
        let text = format!(
            "to let it through: runner approve {} --evidence {} --why TEXT",
            visible::line(&record.run_id),
            visible::line(&evidence.digest)
        );
        let _ = writeln!(out, "\n{text}");
    }
    let _ = writeln!(out, "\n{}", look.dim(&format!("run record: {}", visible::line(record_at))));
    if let Some(evidence) = &record.evidence {
        let signed = if evidence.key.is_some() { "" } else { ", not signed" };
        let _ =
            writeln!(out, "{}", look.dim(&format!("evidence: {}{signed}", visible::line(&evidence.digest))));
    }
    let verdict = words::gates(record);
    let dot = look.dot();
    let code = match record.exit_code {
        Some(0) | None => String::new(),
        Some(code) => format!(" {dot} exit code {code}"),
    };
    let head = look.paint(mood, &format!("{} {}", mood.symbol(look.unicode), word));
    let line = format!("{head} {dot} {verdict} {dot} {}{code}", quantity::duration(record.duration_ms));
    let _ = writeln!(out, "{}", visible::wrap(&line, look.width, 2));
    if record.result != Some(RunResult::Passed) {
        let reason = match (&record.reason, record.result) {
            (Some(reason), _) => visible::line(reason),
            (None, None) => "it still runs, or was killed before it could say why".to_owned(),
            (None, Some(_)) => return,
        };
        let _ = writeln!(
            out,
            "{}",
            look.paint(mood, &visible::wrap(&format!("reason: {reason}"), look.width, 0))
        );
    }
}
