use std::sync::Arc;

use runner_engine::{
    event::{EventKind, RunResult, StageResult},
    executor::Metric,
    scripted::{Act, ScriptedExecutor},
};
use runner_gate::verdict::Verdict;
use runner_workflow::plan::Kind;

use crate::plans::{Outcome, Place, PlanBuilder, out};

async fn judge(metrics: &[(&str, f64)], gates: &[&str]) -> Outcome {
    let act = metrics.iter().fold(Act::succeed(), |act, (name, value)| act.metric(name, *value));
    let mut plan = PlanBuilder::new().stage("evaluate").step("score", &[]);
    for gate in gates {
        plan = plan.gate(gate);
    }
    let plan = plan.stage("deploy").step("put", &[]);
    Place::new().run(plan, Arc::new(ScriptedExecutor::new().on("score", [act]))).await
}

#[tokio::test]
async fn verdicts_decide_what_follows() {
    for (gate, verdict, result, exit_code, goes_on) in [
        ("auc >= 0.9", Verdict::Pass, RunResult::Passed, 0, true),
        ("auc >= 0.95", Verdict::Fail, RunResult::GateFailed, 3, false),
        ("auc >= 0.95 else hold", Verdict::Hold, RunResult::Held, 4, false),
        ("auc >= 0.95 else warn", Verdict::Warn, RunResult::Passed, 0, true),
        ("auc >= 0.95 else info", Verdict::Info, RunResult::Passed, 0, true),
        ("loss <= 1", Verdict::Error, RunResult::GateFailed, 3, false),
        ("auc >= baseline", Verdict::Error, RunResult::GateFailed, 3, false),
    ] {
        let run = judge(&[("auc", 0.93)], &[gate]).await;
        assert_eq!(run.summary.verdict, verdict, "{gate}");
        assert_eq!((run.summary.result, run.summary.exit_code), (result, exit_code), "{gate}");
        assert_eq!(run.step("put").succeeded(), goes_on, "{gate}");
        if exit_code != 0 {
            assert!(run.reason().contains(gate), "{}", run.reason());
        }
    }
}

#[tokio::test]
async fn what_is_not_finite_never_passes() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let run = judge(&[("loss", value)], &["loss <= 1000000"]).await;
        assert_eq!(run.summary.exit_code, 3, "{value}");
        let run = judge(&[("loss", value)], &["loss >= 0"]).await;
        assert_eq!(run.summary.exit_code, 3, "{value}");
    }
}

#[tokio::test]
async fn the_worst_of_several_gates_counts() {
    let run = judge(&[("auc", 0.93)], &["auc >= 0.9", "auc >= 0.99 else hold", "auc >= 0.98"]).await;
    assert_eq!(run.summary.exit_code, 3);
    assert_eq!(run.summary.verdict, Verdict::Fail);
    let record = run.summary.record.unwrap();
    assert_eq!(record.stages[0].gates.len(), 3);
    assert_eq!(record.stages[0].result, Some(StageResult::Failed));
}

#[tokio::test]
async fn no_gate_is_no_verdict() {
    let run = judge(&[("auc", 0.93)], &[]).await;
    assert_eq!(run.summary.verdict, Verdict::None);
    assert_eq!(run.summary.exit_code, 0);
}

#[tokio::test]
async fn gates_of_a_stage_with_a_failed_step_are_not_judged() {
    let plan = PlanBuilder::new().stage("one").step("a", &[]).step("b", &[]).gate("auc >= 0.5");
    let executor =
        ScriptedExecutor::new().on("a", [Act::succeed().metric("auc", 0.9)]).on("b", [Act::fail(1)]);
    let run = Place::new().run(plan, Arc::new(executor)).await;
    assert_eq!(run.summary.exit_code, 1);
    assert_eq!(run.summary.verdict, Verdict::None);
}

#[tokio::test]
async fn cells_of_a_matrix_are_slices() {
    for (gate, exit_code) in [
        ("auc >= 0.5", 3),
        ("min(auc[seed]) >= 0.9", 0),
        ("min(auc[seed]) >= 0.92", 3),
        ("auc[seed=1] >= 0.94", 0),
        ("spread(auc[seed]) <= 0.05", 0),
        ("count(auc[seed]) == 2", 0),
    ] {
        let plan =
            PlanBuilder::new().stage("one").step("fit[seed=0]", &[]).step("fit[seed=1]", &[]).gate(gate);
        let executor = ScriptedExecutor::new()
            .on("fit[seed=0]", [Act::succeed().metric("auc", 0.91)])
            .on("fit[seed=1]", [Act::succeed().metric("auc", 0.95)]);
        let run = Place::new().run(plan, Arc::new(executor)).await;
        assert_eq!(run.summary.exit_code, exit_code, "{gate}: {}", run.reason());
    }
}

#[tokio::test]
async fn a_nearer_stage_hides_what_earlier_ones_say() {
    let plan = PlanBuilder::new()
        .stage("train")
        .step("fit", &[])
        .stage("evaluate")
        .step("score", &[])
        .gate("auc >= 0.9")
        .gate("loss <= 1");
    let executor = ScriptedExecutor::new()
        .on("fit", [Act::succeed().metric("auc", 0.99).metric("loss", 0.5)])
        .on("score", [Act::succeed().metric("auc", 0.8)]);
    let run = Place::new().run(plan, Arc::new(executor)).await;
    let verdicts: Vec<_> =
        run.summary.record.unwrap().stages[1].gates.iter().map(|judgement| judgement.verdict).collect();
    assert_eq!(verdicts, [Verdict::Fail, Verdict::Pass]);
}

#[tokio::test]
async fn two_steps_that_disagree_are_an_error() {
    let plan = |gate| PlanBuilder::new().stage("one").step("a", &[]).step("b", &[]).gate(gate);
    let executor = || {
        let script = ScriptedExecutor::new().on("a", [Act::succeed().metric("auc", 0.9)]);
        Arc::new(script.on("b", [Act::succeed().metric("auc", 0.8)]))
    };
    let run = Place::new().run(plan("auc >= 0.5"), executor()).await;
    assert_eq!(run.summary.verdict, Verdict::Error);
    let run = Place::new().run(plan("auc[step=b] >= 0.75"), executor()).await;
    assert_eq!(run.summary.verdict, Verdict::Pass, "{}", run.reason());
}

const PREDICTIONS: &str = "id,label,score,region\n1,1,0.9,EU\n2,0,0.2,EU\n3,1,0.4,US\n4,0,0.1,US\n";

fn scoring(act: Act, gates: &[&str]) -> (PlanBuilder, Arc<ScriptedExecutor>) {
    let mut plan = PlanBuilder::new()
        .stage("evaluate")
        .step_with("score", &[], |step| step.outputs = out(Kind::Predictions, "predictions.csv"));
    for gate in gates {
        plan = plan.gate(gate);
    }
    (plan, Arc::new(ScriptedExecutor::new().on("score", [act])))
}

#[tokio::test]
async fn metrics_come_from_predictions() {
    let act = Act::succeed().output("out", PREDICTIONS);
    let gates =
        ["accuracy == 0.75", "recall[region=EU] >= 1", "roc_auc >= 1", "min(accuracy[region]) >= 0.5"];
    let (plan, executor) = scoring(act, &gates);
    let run = Place::new().run(plan, executor).await;
    assert_eq!(run.summary.exit_code, 0, "{}", run.reason());
    let reported: Vec<&Metric> = run
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::MetricReported { step, metric } if step == "score" => Some(metric),
            _ => None,
        })
        .collect();
    assert!(reported.iter().any(|metric| metric.name == "accuracy" && metric.value == 0.75));
    assert!(reported.iter().any(|metric| metric.name == "roc_auc" && metric.value == 1.0));
}

#[tokio::test]
async fn a_step_that_contradicts_its_predictions_is_an_error() {
    let act = Act::succeed().output("out", PREDICTIONS).metric("accuracy", 0.99);
    let (plan, executor) = scoring(act, &["accuracy >= 0.5"]);
    let run = Place::new().run(plan, executor).await;
    assert_eq!(run.summary.verdict, Verdict::Error);
}

#[tokio::test]
async fn predictions_that_cannot_be_read_say_so() {
    let (plan, executor) = scoring(Act::succeed().output("out", "id,score\n1,x\n"), &["accuracy >= 0.5"]);
    let run = Place::new().run(plan, executor).await;
    assert_eq!(run.summary.exit_code, 3);
    assert!(run.reason().contains("the predictions of `score` cannot be read"), "{}", run.reason());
}

#[tokio::test]
async fn predictions_of_several_cells_are_slices() {
    let better = PREDICTIONS.replace("0.4", "0.6");
    let plan = PlanBuilder::new().stage("evaluate");
    let cells = ["score[seed=0]", "score[seed=1]"];
    let plan = cells.into_iter().fold(plan, |plan, id| {
        plan.step_with(id, &[], |step| step.outputs = out(Kind::Predictions, "predictions.csv"))
    });
    let plan = plan.gate("min(accuracy[seed]) >= 0.75").gate("accuracy[seed=1] >= 1").gate("accuracy >= 0");
    let executor = ScriptedExecutor::new()
        .on("score[seed=0]", [Act::succeed().output("out", PREDICTIONS)])
        .on("score[seed=1]", [Act::succeed().output("out", better)]);
    let run = Place::new().run(plan, Arc::new(executor)).await;
    let verdicts: Vec<_> =
        run.summary.record.unwrap().stages[0].gates.iter().map(|judgement| judgement.verdict).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Pass, Verdict::Error]);
}

#[tokio::test]
async fn the_workflows_confidence_reaches_its_gates() {
    // Four rows out of five right say little about 60 %.
    let rows = PREDICTIONS.to_owned() + "5,1,0.8,US\n";
    for (confidence, verdict) in [(None, Verdict::Pass), (Some(0.95), Verdict::Inconclusive)] {
        let (mut plan, executor) = scoring(Act::succeed().output("out", rows.as_str()), &["accuracy >= 0.6"]);
        plan.plan.gate_defaults.confidence = confidence;
        let run = Place::new().run(plan, executor).await;
        assert_eq!(run.summary.verdict, verdict, "{}", run.reason());
        assert_eq!(run.summary.exit_code, if verdict == Verdict::Pass { 0 } else { 4 });
    }
}

/// A reported number beside predictions that cannot be read has nothing that holds it to the truth.
#[tokio::test]
async fn predictions_that_cannot_be_read_leave_nothing_to_pass() {
    let broken = "id,label,score\n1,1,0.1\n1,1,0.1\n";
    let act = Act::succeed().output("out", broken).metric("accuracy", 0.99).metric("latency", 3.0);
    let (plan, executor) = scoring(act, &["accuracy >= 0.9", "latency <= 5"]);
    let run = Place::new().run(plan, executor).await;
    let gates = &run.summary.record.as_ref().unwrap().stages[0].gates;
    let verdicts: Vec<_> = gates.iter().map(|judgement| judgement.verdict).collect();
    assert_eq!(verdicts, [Verdict::Error, Verdict::Pass]);
    let said = &gates[0].message;
    assert_eq!(said.matches("cannot be read").count(), 1, "{said}");

    // One of several is enough.
    let published = |step: &mut runner_workflow::plan::PlannedStep| {
        step.outputs = out(Kind::Predictions, "predictions.csv");
    };
    let plan = PlanBuilder::new()
        .stage("evaluate")
        .step_with("a", &[], published)
        .step_with("b", &[], published)
        .gate("min(accuracy[step]) >= 0.5")
        .gate("accuracy[step=*] >= 0.5");
    let executor = ScriptedExecutor::new()
        .on("a", [Act::succeed().output("out", PREDICTIONS)])
        .on("b", [Act::succeed().output("out", broken)]);
    let run = Place::new().run(plan, Arc::new(executor)).await;
    let gates = &run.summary.record.as_ref().unwrap().stages[0].gates;
    assert!(gates.iter().all(|judgement| judgement.verdict == Verdict::Error), "{gates:?}");
}

/// What was left out could be the slice that a gate asks for.
#[tokio::test]
async fn more_metrics_than_the_limit_end_the_step() {
    let plan = PlanBuilder::new()
        .stage("evaluate")
        .step_with("score", &[], |step| step.limits.metrics = Some(2))
        .gate("a >= 0");
    let act = ["a", "b", "c"].iter().fold(Act::succeed(), |act, name| act.metric(name, 1.0));
    let run = Place::new().run(plan, Arc::new(ScriptedExecutor::new().on("score", [act]))).await;
    assert_eq!(run.summary.exit_code, 1, "{}", run.reason());
    assert!(run.reason().contains("metrics"), "{}", run.reason());
}
