//! A run as `JUnit` XML: a suite for each stage, a case for each step and each gate.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};
use runner_engine::{
    event::StepResult,
    outcome::StepOutcome,
    record::{RunRecord, StageRecord, StepRecord, StepState},
};
use runner_gate::verdict::{Judgement, Verdict};

use crate::report::{recorded::Recorded, summary, words};

/// The XML document.
pub(crate) fn render(recorded: &Recorded) -> Result<String, quick_junit::SerializeError> {
    let record = &recorded.record;
    let mut report = Report::new(record.workflow.as_str());
    report.set_time(time(record.duration_ms));
    for stage in &record.stages {
        report.add_test_suite(suite(record, stage, recorded));
    }
    report.to_string()
}

fn suite(record: &RunRecord, stage: &StageRecord, recorded: &Recorded) -> TestSuite {
    let mut suite = TestSuite::new(stage.name.as_str());
    suite.set_time(time(stage.duration_ms));
    suite.add_property(("run", record.run_id.as_str()));
    suite.add_property(("result", words::stage(stage.result).0));
    for step in &stage.steps {
        suite.add_test_case(step_case(stage, step, recorded));
    }
    for judgement in &stage.gates {
        suite.add_test_case(gate_case(stage, judgement));
    }
    // A gate that was never judged must not be missing from the count as if it had never been asked for.
    for number in stage.gates.len()..stage.planned_gates {
        let mut status = TestCaseStatus::skipped();
        status.set_message("not judged");
        let mut case = TestCase::new(format!("gate {}", number + 1), status);
        case.set_classname(format!("{}.gates", stage.name));
        suite.add_test_case(case);
    }
    suite
}

fn step_case(stage: &StageRecord, step: &StepRecord, recorded: &Recorded) -> TestCase {
    let mut status = match (&step.result, step.state) {
        (_, StepState::Skipped) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(step.skipped.as_deref().unwrap_or("skipped"));
            status
        }
        (Some(result), StepState::Finished) => step_status(result),
        (_, StepState::Waiting) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("the run ended before it started");
            status
        }
        (_, StepState::Running | StepState::Finished) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("not-finished").set_message("the run was killed while it ran");
            status
        }
    };
    for result in recorded.retried(&step.id) {
        let mut rerun = TestRerun::new(kind(result));
        rerun.set_type(words::step_result(result).0).set_message(words::reason(result).unwrap_or_default());
        status.add_rerun(rerun);
    }
    let described: Vec<String> = step
        .findings
        .iter()
        .map(|finding| {
            format!(
                "{} [{}] {} {}",
                words::severity(finding.severity).0,
                finding.rule,
                finding.message,
                summary::finding_examples(finding)
            )
        })
        .collect();
    let reason = step.result.as_ref().and_then(words::reason);
    if !described.is_empty() || reason.is_some() {
        status.set_description(reason.into_iter().chain(described).collect::<Vec<_>>().join("\n"));
    }
    let mut case = TestCase::new(step.id.as_str(), status);
    case.set_classname(format!("{}.steps", stage.name));
    case.set_time(time(step.duration_ms));
    if step.sandboxed == Some(false) {
        case.add_property(("unsandboxed", step.executor.as_deref().unwrap_or("")));
    }
    let tail: Vec<&str> = recorded.tail(&step.id).collect();
    if !tail.is_empty() {
        case.set_system_out(tail.join("\n"));
    }
    case
}

fn step_status(result: &StepResult) -> TestCaseStatus {
    match result {
        StepResult::Ran(StepOutcome::Succeeded) => TestCaseStatus::success(),
        StepResult::Ran(StepOutcome::Cancelled) => {
            let mut status = TestCaseStatus::skipped();
            status.set_type("cancelled").set_message("stopped, because the run was");
            status
        }
        _ => {
            let mut status = TestCaseStatus::non_success(kind(result));
            status
                .set_type(words::step_result(result).0)
                .set_message(words::reason(result).unwrap_or_default());
            status
        }
    }
}

/// A step that said no failed; everything else is an error.
fn kind(result: &StepResult) -> NonSuccessKind {
    match result {
        StepResult::Ran(StepOutcome::Failed { .. }) => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    }
}

fn gate_case(stage: &StageRecord, judgement: &Judgement) -> TestCase {
    let mut status = match judgement.verdict {
        Verdict::Pass | Verdict::Warn | Verdict::Waived | Verdict::Info => TestCaseStatus::success(),
        Verdict::None => TestCaseStatus::skipped(),
        Verdict::Fail | Verdict::Hold | Verdict::Inconclusive => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let rules: Vec<String> = judgement
        .rules
        .iter()
        .map(|rule| format!("{} {}", rule.verdict, summary::rule_line(rule, true)))
        .collect();
    status
        .set_type(format!("gate-{}", judgement.verdict.word()))
        .set_message(judgement.message.as_str())
        .set_description(rules.join("\n"));
    let mut case = TestCase::new(judgement.text.as_str(), status);
    case.set_classname(format!("{}.gates", stage.name));
    case.add_property(("verdict", judgement.verdict.word()));
    // Viewers show no message of a case that is a success, and a waiver must not be silent.
    let said = (judgement.verdict != Verdict::Pass).then(|| judgement.message.clone());
    case.set_system_out(said.into_iter().chain(rules).collect::<Vec<_>>().join("\n"));
    case
}

fn time(milliseconds: f64) -> Duration {
    // Negative or not finite only in a record that somebody edited.
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}
