//! Runs made up for the tests of reports.

use jiff::Timestamp;
use runner_engine::{
    event::{EventKind, RunEvent, RunResult, StageOutline, StageResult, StepResult},
    executor::{Finding, Metric, OutputStream, Severity},
    outcome::StepOutcome,
};
use runner_gate::verdict::{Judgement, ReferenceValue, RuleJudgement, Verdict};
use runner_workflow::plan::Kind;

/// Numbers and times the events of a run.
struct Script {
    events: Vec<RunEvent>,
}

impl Script {
    fn push(&mut self, kind: EventKind) -> &mut Self {
        let seq = self.events.len() as u64;
        self.events.push(RunEvent {
            run_id: "20260102T030405-abc123".into(),
            seq,
            timestamp: Timestamp::from_second(1_767_323_045).unwrap(),
            elapsed_ms: seq as f64,
            kind,
        });
        self
    }

    fn start(workflow: &str, stages: &[(&str, &[&str], usize)]) -> Self {
        let mut script = Self { events: Vec::new() };
        script.push(EventKind::RunStarted {
            workflow: workflow.into(),
            file: "workflows/quickstart.yml".into(),
            workflow_digest: "0123456789abcdef0123456789abcdef".into(),
            runner_version: "0.1.0".into(),
            git_commit: Some("89abcdef0123456789".into()),
            git_dirty: false,
            git_branch: Some("main".into()),
            params: serde_json::json!({ "lr": 0.1 }),
            stages: stages
                .iter()
                .map(|(name, steps, gates)| StageOutline {
                    name: (*name).into(),
                    steps: steps.iter().map(|step| (*step).into()).collect(),
                    gates: *gates,
                })
                .collect(),
            jobs: 2,
        });
        script
    }

    fn step_starts(&mut self, stage: &str, step: &str, executor: &str) -> &mut Self {
        self.push(EventKind::StepStarted {
            step: step.into(),
            stage: stage.into(),
            attempt: 1,
            executor: executor.into(),
            sandboxed: executor == "plugin",
        })
    }

    fn step_ends(&mut self, stage: &str, step: &str, result: StepResult) -> &mut Self {
        self.push(EventKind::StepFinished {
            step: step.into(),
            stage: stage.into(),
            attempts: 1,
            result,
            duration_ms: 12.3,
        })
    }

    fn metric(&mut self, step: &str, name: &str, value: f64, slice: &[(&str, &str)]) -> &mut Self {
        let slice = slice.iter().map(|(column, value)| ((*column).into(), (*value).into())).collect();
        self.push(EventKind::MetricReported {
            step: step.into(),
            metric: Metric { name: name.into(), value, slice },
        })
    }

    fn stage_ends(&mut self, stage: &str, result: StageResult) -> &mut Self {
        self.push(EventKind::StageFinished { stage: stage.into(), result, duration_ms: 20.0 })
    }

    fn ends(
        &mut self,
        result: RunResult,
        exit_code: u8,
        verdict: Verdict,
        reason: Option<&str>,
    ) -> Vec<RunEvent> {
        self.push(EventKind::RunFinished {
            result,
            exit_code,
            verdict,
            reason: reason.map(str::to_owned),
            duration_ms: 345.6,
        });
        std::mem::take(&mut self.events)
    }
}

fn succeeded() -> StepResult {
    StepResult::Ran(StepOutcome::Succeeded)
}

fn rule(
    term: &str,
    observed: Option<f64>,
    bound_text: &str,
    bound: f64,
    n: Option<u64>,
    verdict: Verdict,
) -> RuleJudgement {
    RuleJudgement {
        metric: term.split('[').next().unwrap().into(),
        term: term.into(),
        slice: vec![],
        observed,
        unit: Some("fraction".into()),
        comparator: ">=".into(),
        bound_text: bound_text.into(),
        bound: Some(bound),
        reference: bound_text
            .starts_with("baseline")
            .then(|| ReferenceValue { name: "baseline".into(), value: Some(0.99) }),
        n,
        verdict,
        message: format!("{term} is judged"),
        ..RuleJudgement::default()
    }
}

fn judgement(text: &str, verdict: Verdict, message: &str, rules: Vec<RuleJudgement>) -> Judgement {
    Judgement {
        id: text.into(),
        text: text.into(),
        verdict,
        message: message.into(),
        rules,
        ..Judgement::default()
    }
}

/// Everything goes well.
pub(super) fn passed() -> Vec<RunEvent> {
    let mut script = Script::start(
        "breast-cancer",
        &[("validate", &["schema"], 0), ("evaluate", &["fit", "score"], 2), ("deploy", &[], 0)],
    );
    script
        .push(EventKind::DataIdentified {
            name: "test".into(),
            path: "workflows/data/test.csv".into(),
            digest: "sha256:00112233445566778899".into(),
            size: 12_345,
        })
        .push(EventKind::StageStarted { stage: "validate".into() })
        .step_starts("validate", "schema", "plugin")
        .push(EventKind::FindingReported {
            step: "schema".into(),
            finding: Finding {
                severity: Severity::Warning,
                rule: "range".into(),
                message: "2 values are above the maximum 40".into(),
                input: Some("data".into()),
                column: Some("radius_mean".into()),
                rows: vec![4, 17],
                examples: vec!["41.2".into(), "44".into()],
                count: 2,
            },
        })
        .step_ends("validate", "schema", succeeded())
        .stage_ends("validate", StageResult::Passed)
        .push(EventKind::StageStarted { stage: "evaluate".into() })
        .step_starts("evaluate", "fit", "process")
        .push(EventKind::StepOutput {
            step: "fit".into(),
            stream: OutputStream::Stdout,
            line: "epoch 1".into(),
        })
        .step_ends("evaluate", "fit", succeeded())
        .step_starts("evaluate", "score", "plugin")
        .metric("score", "accuracy", 0.5, &[])
        .metric("score", "accuracy", 0.964_912_280_701_754_4, &[])
        .metric("score", "roc_auc", 0.995, &[])
        .metric("score", "recall", 0.9, &[("region", "EU")])
        .push(EventKind::ArtifactPublished {
            step: "score".into(),
            output: "predictions".into(),
            kind: Kind::Predictions,
            path: "predictions.csv".into(),
            digest: "sha256:aabbccddeeff00112233".into(),
            size: 4567,
        })
        .step_ends("evaluate", "score", succeeded())
        .push(EventKind::GateEvaluated {
            stage: "evaluate".into(),
            judgement: judgement(
                "accuracy >= 0.95",
                Verdict::Pass,
                "accuracy 0.964912 meets 0.95",
                vec![rule("accuracy", Some(0.964_912_280_701_754_4), "0.95", 0.95, Some(114), Verdict::Pass)],
            ),
        })
        .push(EventKind::GateEvaluated {
            stage: "evaluate".into(),
            judgement: judgement(
                "roc_auc >= baseline - 0.2pp",
                Verdict::Pass,
                "roc_auc 0.995 meets 0.988",
                vec![rule("roc_auc", Some(0.995), "baseline - 0.2pp", 0.988, Some(114), Verdict::Pass)],
            ),
        })
        .stage_ends("evaluate", StageResult::Passed)
        .push(EventKind::StageStarted { stage: "deploy".into() })
        .push(EventKind::Promoted {
            stage: "deploy".into(),
            model: "breast-cancer".into(),
            alias: "champion".into(),
            version: 3,
            digest: "sha256:ffeeddccbbaa99887766".into(),
            previous: Some(2),
        })
        .stage_ends("deploy", StageResult::Passed)
        .ends(RunResult::Passed, 0, Verdict::Pass, None)
}

/// A gate fails by less than six digits show, a retry, a failed step, skipped ones, a refused promotion.
pub(super) fn failed() -> Vec<RunEvent> {
    let mut script = Script::start(
        "churn",
        &[
            ("train", &["fit[seed=0]", "fit[seed=1]"], 0),
            ("evaluate", &["score"], 2),
            ("deploy", &["publish"], 1),
        ],
    );
    let failure = |code| {
        StepResult::Ran(StepOutcome::Failed { code: Some(code), message: format!("exit code {code}") })
    };
    script
        .step_starts("train", "fit[seed=0]", "process")
        .step_starts("train", "fit[seed=1]", "plugin")
        .push(EventKind::AttemptFailed {
            step: "fit[seed=0]".into(),
            attempt: 1,
            result: failure(137),
            delay_ms: 2000,
        })
        .push(EventKind::StepOutput {
            step: "fit[seed=0]".into(),
            stream: OutputStream::Stderr,
            line: "Traceback: \x1b[31mboom\x1b[0m".into(),
        })
        .push(EventKind::StepSlow { step: "fit[seed=1]".into(), duration_ms: 61_000.0 })
        .step_ends("train", "fit[seed=0]", failure(1))
        .step_ends(
            "train",
            "fit[seed=1]",
            StepResult::Error {
                code: "plugin::not-found".into(),
                message: "there is no plugin ./fit.wasm".into(),
                help: Some("build it, or correct `uses:`".into()),
            },
        )
        .metric("fit[seed=1]", "loss", f64::NAN, &[])
        .push(EventKind::GateEvaluated {
            stage: "evaluate".into(),
            judgement: judgement(
                "accuracy >= 0.9",
                Verdict::Fail,
                "accuracy 0.899999999 is below 0.9",
                vec![rule("accuracy", Some(0.899_999_999), "0.9", 0.9, None, Verdict::Fail)],
            ),
        })
        .push(EventKind::GateEvaluated {
            stage: "evaluate".into(),
            judgement: judgement(
                "loss >= 0.1",
                Verdict::Error,
                "no step reported the metric `loss`",
                vec![rule("loss", None, "0.1", 0.1, None, Verdict::Error)],
            ),
        })
        .push(EventKind::StepSkipped {
            step: "publish".into(),
            stage: "deploy".into(),
            reason: "a gate of `evaluate` failed".into(),
        })
        .push(EventKind::PromotionRefused {
            stage: "deploy".into(),
            model: "churn".into(),
            alias: "champion".into(),
            reason: "the gates of `evaluate` did not pass".into(),
        })
        .push(EventKind::Warning {
            code: "policy::host-step".into(),
            message: "a step runs without a sandbox".into(),
        })
        .stage_ends("train", StageResult::Failed)
        .ends(RunResult::StepFailed, 1, Verdict::Error, Some("step `fit[seed=0]` failed: exit code 1"))
}

/// Names and messages that try to become markup, commands or other lines.
pub(super) fn hostile() -> Vec<RunEvent> {
    let evil = "a|b`c`<script>&@team #1 [x](http://e.org) ]]> \x1b[2J\u{202e}\r\n::error::x www.e.org";
    let mut script = Script::start(evil, &[(evil, &[evil], 1)]);
    script
        .step_starts(evil, evil, "process")
        .push(EventKind::StepOutput { step: evil.into(), stream: OutputStream::Stdout, line: evil.into() })
        .metric(evil, evil, 1.0, &[(evil, evil)])
        .push(EventKind::FindingReported {
            step: evil.into(),
            finding: Finding {
                severity: Severity::Error,
                rule: evil.into(),
                message: evil.into(),
                input: Some(evil.into()),
                column: Some(evil.into()),
                rows: vec![1],
                examples: vec![evil.into(), "\0".into()],
                count: 9,
            },
        })
        .step_ends(evil, evil, StepResult::Ran(StepOutcome::Failed { code: None, message: evil.into() }))
        .push(EventKind::GateEvaluated {
            stage: evil.into(),
            judgement: judgement(evil, Verdict::Error, evil, vec![]),
        })
        .push(EventKind::PromotionRefused {
            stage: evil.into(),
            model: evil.into(),
            alias: evil.into(),
            reason: evil.into(),
        })
        .ends(RunResult::StepFailed, 1, Verdict::Error, Some(evil))
}

/// The run, killed after some of its events.
pub(super) fn killed() -> Vec<RunEvent> {
    let mut events = passed();
    events.truncate(9);
    events
}
