use std::sync::Arc;

use runner_engine::{
    event::{EventKind, RunResult},
    scripted::{Act, ScriptedExecutor},
};
use runner_workflow::plan::Kind;

use crate::plans::{Outcome, Place, PlanBuilder, is, out};

fn plan(gates_before: &[&str], gates: &[&str]) -> PlanBuilder {
    let mut plan = PlanBuilder::new().stage("validate").step("schema", &[]);
    for gate in gates_before {
        plan = plan.gate(gate);
    }
    plan = plan
        .stage("train")
        .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "model.onnx"))
        .stage("evaluate")
        .step("score", &["fit"]);
    for gate in gates {
        plan = plan.gate(gate);
    }
    plan.stage("deploy").promote("fit")
}

fn executor(model: &str) -> Arc<ScriptedExecutor> {
    let script = ScriptedExecutor::new()
        .on("schema", [Act::succeed().metric("schema_errors", 0.0)])
        .on("fit", [Act::succeed().output("out", model)])
        .on("score", [Act::succeed().metric("auc", 0.93)]);
    Arc::new(script)
}

fn refusal(run: &Outcome) -> Option<&str> {
    run.events.iter().find_map(|event| match &event.kind {
        EventKind::PromotionRefused { reason, .. } => Some(reason.as_str()),
        _ => None,
    })
}

#[tokio::test]
async fn a_model_whose_gates_pass_is_promoted_with_its_lineage() {
    let place = Place::new();
    let mut options = place.options(plan(&[], &["auc >= 0.9"]), executor("one"));
    options.git.commit = Some("abc".into());
    options.workflow_digest = "d1".into();
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Passed, "{}", run.reason());
    let registry = place.store.registry().unwrap();
    let version = registry.resolve("m", "champion").await.unwrap().unwrap();
    assert_eq!(version.version, 1);
    assert_eq!(version.run.as_deref(), Some(run.summary.run_id.as_str()));
    assert_eq!(version.lineage["git_commit"], "abc");
    assert_eq!(version.lineage["output"], "fit.out");
    assert_eq!(version.lineage["verdict"], "pass");
    assert_eq!(version.metrics[1]["name"], "auc");
    assert_eq!(version.evidence["judgements"][0]["verdict"], "pass");

    let run = place.run(plan(&[], &["auc >= 0.9"]), executor("two")).await;
    let promoted = run.events.iter().find_map(|event| match &event.kind {
        EventKind::Promoted { version, previous, .. } => Some((*version, *previous)),
        _ => None,
    });
    assert_eq!(promoted, Some((2, Some(1))));
}

#[tokio::test]
async fn without_a_verdict_nothing_is_promoted() {
    let place = Place::new();
    for (before, gates) in [
        (vec![], vec![]),
        // A gate on the data did not judge the model, and an informational one judges nothing.
        (vec!["schema_errors == 0"], vec![]),
        (vec![], vec!["auc >= 0.99 else info"]),
    ] {
        let run = place.run(plan(&before, &gates), executor("m")).await;
        assert_eq!(
            (run.summary.result, run.summary.exit_code),
            (RunResult::GateFailed, 3),
            "{before:?} {gates:?}"
        );
        assert_eq!(refusal(&run), Some("no gate judged this model"));
        assert!(run.reason().contains("no gate judged this model"), "{}", run.reason());
    }
    let registry = place.store.registry().unwrap();
    assert!(registry.models().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_gate_that_does_not_allow_it_leaves_the_stage_out() {
    let place = Place::new();
    for (gate, exit_code) in [("auc >= 0.99", 3), ("auc >= 0.99 else hold", 4), ("f1 >= 0.5", 3)] {
        let run = place.run(plan(&[], &[gate]), executor("m")).await;
        assert_eq!(run.summary.exit_code, exit_code, "{gate}");
        assert!(refusal(&run).is_none());
    }
    assert!(place.store.registry().unwrap().models().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_promotion_beside_a_failed_gate_is_refused() {
    // The stage that promotes does not wait for the one whose gate fails.
    let mut plan = PlanBuilder::new()
        .stage("train")
        .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "m"))
        .gate("loss <= 1")
        .stage("fairness")
        .step("fair", &[])
        .gate("gap <= 0.1")
        .stage("deploy")
        .promote("fit");
    plan.plan.stages[1].needs = vec![];
    plan.plan.stages[2].needs = vec![0];
    let executor = ScriptedExecutor::new()
        .on("fit", [Act::succeed().metric("loss", 0.5).after(std::time::Duration::from_millis(300))])
        .on("fair", [Act::succeed().metric("gap", 0.5)]);
    let place = Place::new();
    let run = place.run(plan, Arc::new(executor)).await;
    assert_eq!(run.summary.exit_code, 3);
    assert!(refusal(&run).unwrap().contains("gap <= 0.1"), "{:?}", refusal(&run));
}

#[tokio::test]
async fn a_promotion_whose_condition_is_false_is_left_out() {
    let place = Place::new();
    let plan = plan(&[], &["auc >= 0.9"]).stage_if(is("event.name", "push"));
    let run = place.run(plan, executor("m")).await;
    assert_eq!(run.summary.result, RunResult::Passed);
    assert!(place.store.registry().unwrap().models().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_stage_may_gate_and_promote_at_once() {
    let plan = PlanBuilder::new()
        .stage("train")
        .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "m"))
        .gate("loss <= 1")
        .promote("fit");
    let executor = ScriptedExecutor::new().on("fit", [Act::succeed().metric("loss", 0.5)]);
    let place = Place::new();
    let run = place.run(plan, Arc::new(executor)).await;
    assert_eq!(run.summary.result, RunResult::Passed, "{}", run.reason());
    assert!(place.store.registry().unwrap().resolve("m", "champion").await.unwrap().is_some());
}

/// A gate that fails is not got around by leaving its stage out, nor by a condition that skips it.
#[tokio::test]
async fn a_promotion_needs_every_gate_before_it() {
    let judged = || plan(&[], &["auc >= 0.99"]).step("weigh", &[]).gate("size <= 9");
    let script = || {
        let script = ScriptedExecutor::new()
            .on("fit", [Act::succeed().output("out", "m")])
            .on("weigh", [Act::succeed().metric("size", 1.0)])
            .on("score", [Act::succeed().metric("auc", 0.1)]);
        Arc::new(script)
    };
    let place = Place::new();
    let mut options = place.options(judged(), script());
    options.stages = vec!["deploy".into()];
    let alone = place.run_with(options).await;
    let mut skipping = judged();
    skipping.plan.stages[2].condition = Some(is("event.name", "push"));
    let skipped = place.run(skipping, script()).await;
    for run in [alone, skipped] {
        assert_eq!(run.summary.exit_code, 3, "{}", run.reason());
        let why = "the gates of stage `evaluate` were not judged";
        assert_eq!(refusal(&run), Some(why), "{}", run.reason());
    }
    assert!(place.store.registry().unwrap().models().await.unwrap().is_empty());
}
