//! The fold about the pipeline: its picture, the data and parameters it used, and what was found in them.

use std::fmt::Write as _;

use runner_engine::{
    event::{StageResult, StepResult},
    executor::Severity,
    outcome::StepOutcome,
    record::{StageRecord, StepRecord, StepState},
};

use super::head::change_line;
use crate::{
    escape::{code, mermaid, text},
    quantity,
    report::{BaseFigures, Report, limits::Detail, snapshot::Snapshot},
};

pub(super) fn fold(out: &mut String, report: &Report, detail: Detail) {
    let mut inside = String::new();
    picture(&mut inside, report, detail);
    differences(&mut inside, report, detail);
    free_changes(&mut inside, report, detail);
    findings(&mut inside, report, detail);
    if !inside.is_empty() {
        let _ = write!(out, "<details><summary>Pipeline and data</summary>\n\n{inside}</details>\n\n");
    }
}

fn picture(out: &mut String, report: &Report, detail: Detail) {
    let stages = &report.run.stages;
    let steps: usize = stages.iter().map(|stage| stage.steps.len()).sum();
    if detail.picture == 0 || stages.is_empty() || stages.len() > detail.picture {
        return;
    }
    out.push_str("```mermaid\nflowchart LR\n");
    for (index, stage) in stages.iter().enumerate() {
        let label = format!("{} {}", stage.name, stage_mark(stage.result));
        if steps > detail.picture || stage.steps.is_empty() {
            let _ = writeln!(out, "    stage{index}[\"{}\"]", mermaid(&label));
            continue;
        }
        let _ = writeln!(out, "    subgraph stage{index}[\"{}\"]", mermaid(&label));
        for (position, step) in stage.steps.iter().enumerate() {
            let _ = writeln!(out, "        step{index}x{position}[\"{}\"]", mermaid(&step_label(step)));
        }
        if !stage.gates.is_empty() {
            let _ = writeln!(out, "        gates{index}{{{{\"{}\"}}}}", mermaid(&gates_label(stage)));
        }
        out.push_str("    end\n");
    }
    for (index, shape) in report.stages.iter().enumerate().take(stages.len()) {
        for need in shape.needs.iter().filter(|need| **need < stages.len() && **need != index) {
            let _ = writeln!(out, "    stage{need} --> stage{index}");
        }
    }
    out.push_str("```\n\n");
}

fn stage_mark(result: Option<StageResult>) -> &'static str {
    match result {
        Some(StageResult::Passed) => "✓",
        Some(StageResult::Failed) => "✗",
        Some(StageResult::Held) => "on hold",
        Some(StageResult::Skipped) => "not run",
        Some(StageResult::Cancelled) => "cancelled",
        None => "not finished",
    }
}

fn step_label(step: &StepRecord) -> String {
    let state = match (step.state, &step.result) {
        (StepState::Finished, Some(StepResult::Ran(StepOutcome::Succeeded))) => "✓",
        (StepState::Finished, _) => "✗",
        (StepState::Skipped, _) => "not run",
        (StepState::Waiting | StepState::Running, _) => "not finished",
    };
    let time = if step.attempts == 0 || step.duration_ms == 0.0 {
        String::new()
    } else {
        format!(" {}", quantity::duration(step.duration_ms))
    };
    format!("{} {state}{time}", step.id)
}

fn gates_label(stage: &StageRecord) -> String {
    let blocking = stage.gates.iter().filter(|gate| gate.verdict.blocks()).count();
    if blocking == 0 {
        format!("{} ✓", quantity::count(stage.gates.len(), "gate"))
    } else {
        format!("{blocking} of {} ✗", quantity::count(stage.gates.len(), "gate"))
    }
}

/// What of data and parameters differs from the base.
fn differences(out: &mut String, report: &Report, detail: Detail) {
    let BaseFigures::Found { snapshot: base, .. } = &report.base else {
        let sets: Vec<String> = report
            .run
            .data
            .iter()
            .take(detail.changes)
            .map(|data| {
                format!(
                    "{} {}",
                    code(&format!("data.{}", data.name)),
                    code(quantity::short_digest(&data.digest))
                )
            })
            .collect();
        if !sets.is_empty() {
            let _ = writeln!(out, "{}\n", sets.join(" · "));
        }
        return;
    };
    let now = Snapshot::of_record(&report.run, None);
    let mut lines = Vec::new();
    for (kind, before, after) in [("data", &base.data, &now.data), ("params", &base.params, &now.params)] {
        for (name, value) in after {
            let shown = |value: &String| code(quantity::short_digest(value));
            let label = code(&format!("{kind}.{name}"));
            match before.get(name) {
                Some(before) if before == value => {}
                Some(before) => lines.push(format!("{label} {} → {}", shown(before), shown(value))),
                None => lines.push(format!("{label} new: {}", shown(value))),
            }
        }
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            lines.push(format!("{} gone", code(&format!("{kind}.{name}"))));
        }
    }
    if lines.is_empty() {
        out.push_str("Data and parameters are those of the base.\n\n");
        return;
    }
    let more = lines.len().saturating_sub(detail.changes);
    lines.truncate(detail.changes);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let _ = writeln!(out, "{}\n", lines.join(" · "));
}

/// Changes of gates that nobody has to agree with.
fn free_changes(out: &mut String, report: &Report, detail: Detail) {
    let free: Vec<_> =
        report.policy.changes.iter().filter(|change| change.kind.withholds().is_none()).collect();
    for change in free.iter().take(detail.changes) {
        let _ = writeln!(out, "- {}", change_line(change));
    }
    if !free.is_empty() {
        out.push('\n');
    }
}

fn findings(out: &mut String, report: &Report, detail: Detail) {
    let mut findings: Vec<_> = report
        .run
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .flat_map(|step| step.findings.iter().map(move |finding| (step, finding)))
        .collect();
    findings.sort_by_key(|(_, finding)| match finding.severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    });
    if findings.is_empty() || detail.findings == 0 {
        return;
    }
    out.push_str("| | step | rule | finding |\n|---|---|---|---|\n");
    for (step, finding) in findings.iter().take(detail.findings) {
        let word = match finding.severity {
            Severity::Error => "❌ error",
            Severity::Warning => "⚠️ warning",
            Severity::Info => "⚪ info",
        };
        let column =
            finding.column.as_deref().map(|column| format!("{}: ", code(column))).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {word} | {} | {} | {column}{} |",
            code(&step.id),
            code(&finding.rule),
            text(&finding.message)
        );
    }
    if findings.len() > detail.findings {
        let _ = writeln!(out, "\nand {}", quantity::count(findings.len() - detail.findings, "more finding"));
    }
    out.push('\n');
}
