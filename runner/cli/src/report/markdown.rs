//! A run as Markdown, for summaries of pull requests and pages.

use std::fmt::Write as _;

use runner_engine::{
    event::RunResult,
    record::{RunRecord, StepRecord},
};
use runner_gate::verdict::{Judgement, RuleJudgement, Verdict};

use runner_github::escape::html;
pub(crate) use runner_github::escape::{code, text as escape};

use crate::{
    environment::Look,
    report::{quantity, recorded::Recorded, step_lines, summary, sureness, visible, words},
};

/// Findings listed before the rest is counted. GitHub cuts a step summary at 1 MiB.
const FINDINGS: usize = 50;
/// Metrics listed before the rest is counted.
const METRICS: usize = 100;
/// Rules listed per gate, the worst first.
const RULES: usize = 20;
/// Characters of any foreign text.
const TEXT: usize = 500;

/// Reports in files are UTF-8, without colours.
const LOOK: Look = Look { color: false, unicode: true, terminal: false, width: usize::MAX };

/// The document.
pub(crate) fn render(recorded: &Recorded) -> String {
    let mut out = String::new();
    let record = &recorded.record;
    head(&mut out, record);
    gates(&mut out, record);
    steps(&mut out, record, recorded);
    metrics(&mut out, record);
    findings(&mut out, record);
    foot(&mut out, record);
    out
}

fn head(out: &mut String, record: &RunRecord) {
    let (word, mood) = words::run(record.result);
    let _ = writeln!(out, "## {} {}: {word}\n", mood.symbol(true), escape(&record.workflow));
    if record.result != Some(RunResult::Passed)
        && let Some(reason) = &record.reason
    {
        let _ = writeln!(out, "**{}**\n", escape(reason));
    }
    let verdict = words::gates(record);
    let _ = writeln!(
        out,
        "{verdict} · {} · run {}\n",
        quantity::duration(record.duration_ms),
        code(&record.run_id)
    );
    for promotion in record.stages.iter().flat_map(|stage| &stage.promotions) {
        let line = match (promotion.version, &promotion.refused) {
            (Some(version), None) => {
                let digest = promotion.digest.as_deref().map(quantity::short_digest).unwrap_or_default();
                let text = step_lines::promotion(
                    &promotion.model,
                    &promotion.alias,
                    version,
                    promotion.previous,
                    LOOK,
                );
                format!("✓ promoted {} {}", escape(&text), code(digest))
            }
            (_, refused) => format!(
                "✗ not promoted {}: {}",
                escape(&format!("{}@{}", promotion.model, promotion.alias)),
                escape(refused.as_deref().unwrap_or("no reason was recorded"))
            ),
        };
        let _ = writeln!(out, "{line}\n");
    }
    for warning in &record.warnings {
        let _ = writeln!(out, "▲ warning: {} ({})\n", escape(&warning.message), code(&warning.code));
    }
}

fn gates(out: &mut String, record: &RunRecord) {
    if record.stages.iter().all(|stage| stage.gates.is_empty()) {
        return;
    }
    let rules = || record.stages.iter().flat_map(|stage| &stage.gates).flat_map(|gate| &gate.rules);
    // A column of its own only where something stands in it.
    let sure = rules().any(|rule| sureness(rule).is_some());
    let (head, line) = if sure { (" how sure |", "---|") } else { ("", "") };
    let _ = writeln!(
        out,
        "### Gates\n\n| verdict | gate | observed | bound |{head} n | stage |\n|---|---|--:|--:|{line}--:|---|"
    );
    for stage in &record.stages {
        for judgement in &stage.gates {
            gate_rows(out, &escape(&stage.name), judgement, sure);
        }
    }
    out.push('\n');
}

/// A row for the gate with its worst rule, and one for each further rule.
fn gate_rows(out: &mut String, stage: &str, judgement: &Judgement, sure: bool) {
    let empty = if sure { " |" } else { "" };
    let marked = |verdict: Verdict| format!("{} {verdict}", words::verdict(verdict).symbol(true));
    let stamp = if judgement.rubber_stamp { " RUBBER STAMP" } else { "" };
    let mut verdict = format!("{}{stamp}", marked(judgement.verdict));
    let mut gate = code(&judgement.text);
    if judgement.verdict != Verdict::Pass {
        let _ = write!(gate, "<br>{}", escape(&judgement.message));
    }
    if judgement.rules.is_empty() {
        let _ = writeln!(out, "| {verdict} | {gate} | | |{empty} | {stage} |");
    }
    for (index, rule) in judgement.worst_first().into_iter().take(RULES).enumerate() {
        if index > 0 {
            verdict = marked(rule.verdict);
            gate.clear();
        }
        let numbers = summary::rule_numbers(rule);
        let term = if rule.slice.is_empty() { String::new() } else { format!("{} ", escape(&rule.term)) };
        let _ = writeln!(
            out,
            "| {verdict} | {gate} | {term}{} | {} |{} {} | {stage} |",
            escape(&numbers.observed),
            escape(&format!("{} {}", rule.comparator, numbers.bound)),
            if sure { format!(" {} |", escape(&sureness(rule).unwrap_or_default())) } else { String::new() },
            rule.n.map_or_else(|| "?".to_owned(), |n| n.to_string())
        );
    }
    let more = judgement.rules.len().saturating_sub(RULES);
    if more > 0 {
        let _ = writeln!(out, "| | and {} | | |{empty} | {stage} |", quantity::count(more, "more rule"));
    }
}

/// `0.91 to 0.97 (95 %), sees 0.03`.
fn sureness(rule: &RuleJudgement) -> Option<String> {
    let words: Vec<String> =
        [sureness::interval(rule), sureness::detectable(rule)].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn steps(out: &mut String, record: &RunRecord, recorded: &Recorded) {
    out.push_str("### Steps\n\n| | step | time | |\n|---|---|--:|---|\n");
    for stage in &record.stages {
        for step in &stage.steps {
            let (word, mood) = words::step(step);
            let time = if step.attempts == 0 { String::new() } else { quantity::duration(step.duration_ms) };
            let _ = writeln!(
                out,
                "| {} {word} | {} | {time} | {} |",
                mood.symbol(true),
                escape(&step_lines::place(&stage.name, &step.id)),
                notes(step)
            );
        }
    }
    out.push('\n');
    for step in record.stages.iter().flat_map(|stage| &stage.steps) {
        let failed = words::step(step).1 == words::Mood::Bad;
        let tail: Vec<&str> = recorded.tail(&step.id).collect();
        if failed && !tail.is_empty() {
            let _ = writeln!(out, "<details><summary>Last output of {}</summary>\n\n<pre>", escape(&step.id));
            for line in tail {
                let _ = writeln!(out, "{}", html(&visible::cut(line, TEXT, true)));
            }
            out.push_str("</pre>\n</details>\n\n");
        }
    }
}

fn notes(step: &StepRecord) -> String {
    let mut notes = Vec::new();
    if let Some(reason) = &step.skipped {
        notes.push(escape(reason));
    }
    if let Some(reason) = step.result.as_ref().and_then(words::reason) {
        notes.push(escape(&reason));
    }
    if step.attempts > 1 {
        notes.push(format!("{} attempts", step.attempts));
    }
    if step.sandboxed == Some(false) {
        notes.push("**unsandboxed**".to_owned());
    }
    if let Some(image) = &step.image {
        notes.push(format!(
            "{} `{}`",
            escape(&visible::line(&image.image)),
            quantity::short_digest(&image.id)
        ));
    }
    notes.join(" · ")
}

fn metrics(out: &mut String, record: &RunRecord) {
    let mut rows: Vec<_> = record
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .flat_map(|step| step.metrics.iter().map(move |metric| (step, metric)))
        .collect();
    if rows.is_empty() {
        return;
    }
    if rows.len() > METRICS {
        rows.sort_by_key(|(_, metric)| !metric.slice.is_empty());
    }
    let _ = writeln!(out, "<details><summary>Metrics: {}</summary>\n", rows.len());
    out.push_str("| metric | value | step |\n|---|--:|---|\n");
    for (step, metric) in rows.iter().take(METRICS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            escape(&summary::metric_name(&metric.name, &metric.slice)),
            quantity::number(metric.value),
            escape(&step.id)
        );
    }
    let more = rows.len().saturating_sub(METRICS);
    if more > 0 {
        let _ = writeln!(out, "\nand {}", quantity::count(more, "more metric"));
    }
    out.push_str("\n</details>\n\n");
}

fn findings(out: &mut String, record: &RunRecord) {
    let findings = summary::findings_by_severity(record);
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "### Findings: {}\n", summary::finding_counts(&findings));
    out.push_str("| | step | rule | finding | examples |\n|---|---|---|---|---|\n");
    for (step, finding) in findings.iter().take(FINDINGS) {
        let (word, mood) = words::severity(finding.severity);
        let column =
            finding.column.as_deref().map(|column| format!("{}: ", code(column))).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} {word} | {} | {} | {column}{} | {} |",
            mood.symbol(true),
            escape(&step.id),
            code(&finding.rule),
            escape(&finding.message),
            escape(&summary::finding_examples(finding))
        );
    }
    let more = findings.len().saturating_sub(FINDINGS);
    if more > 0 {
        let _ = writeln!(out, "\nand {}", quantity::count(more, "more finding"));
    }
    out.push('\n');
}

fn foot(out: &mut String, record: &RunRecord) {
    let commit =
        record.git_commit.as_deref().map(|commit| format!(" at {}", code(commit))).unwrap_or_default();
    let _ = writeln!(
        out,
        "<sub>{}{commit} · workflow {} · runner {}</sub>",
        escape(&record.file),
        code(quantity::short_digest(&record.workflow_digest)),
        escape(&record.runner_version)
    );
}
