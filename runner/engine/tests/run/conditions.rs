use std::sync::Arc;

use runner_engine::{
    event::RunResult,
    scripted::{Act, ScriptedExecutor},
};
use runner_workflow::{
    expr::{Function, Part, Template},
    plan::{ConfigTemplate, Kind},
};
use serde_json::json;

use crate::plans::{Place, PlanBuilder, is, name, out, status};

#[tokio::test]
async fn a_stage_whose_condition_is_false_is_left_out() {
    let plan = PlanBuilder::new()
        .stage("one")
        .step("a", &[])
        .stage("deploy")
        .step("put", &[])
        .stage_if(is("event.name", "push"))
        .stage("after")
        .step("z", &[]);
    let executor = Arc::new(ScriptedExecutor::new());
    let place = Place::new();
    let run = place.run(plan, executor.clone()).await;
    assert_eq!(run.skipped("put"), "stage `deploy`: its condition `event.name == 'push'` is false");
    // What follows does not depend on a stage that is not there.
    assert_eq!(executor.order(), ["a", "z"]);
    assert_eq!(run.summary.result, RunResult::Passed);
}

#[tokio::test]
async fn conditions_see_the_event() {
    let plan = PlanBuilder::new().stage("deploy").step("put", &[]).stage_if(is("event.name", "push"));
    let executor = Arc::new(ScriptedExecutor::new());
    let place = Place::new();
    let mut options = place.options(plan, executor.clone());
    options.event = json!({ "name": "push" });
    place.run_with(options).await;
    assert_eq!(executor.order(), ["put"]);
}

#[tokio::test]
async fn always_and_failure_run_after_failures() {
    let plan = PlanBuilder::new()
        .stage("one")
        .step("bad", &[])
        .step_with("tidy", &["bad"], |step| step.condition = Some(status(Function::Always)))
        .step_with("alarm", &["bad"], |step| step.condition = Some(status(Function::Failure)))
        .step_with("cheer", &["bad"], |step| step.condition = Some(status(Function::Success)))
        .step("after-tidy", &["tidy"])
        .stage("report")
        .step("tell", &[])
        .stage_if(status(Function::Always))
        .stage("deploy")
        .step("put", &[]);
    let executor = Arc::new(ScriptedExecutor::new().on("bad", [Act::fail(1)]));
    let place = Place::new();
    let run = place.run(plan, executor.clone()).await;
    assert_eq!(executor.order(), ["bad", "tidy", "alarm", "tell"]);
    assert_eq!(run.skipped("cheer"), "its condition `success()` is false, and it needs `bad`, which failed");
    // A clean-up that worked does not heal what it cleaned up after.
    assert_eq!(run.skipped("after-tidy"), "needs `bad`, which failed");
    assert_eq!(run.skipped("put"), "stage `deploy`: needs stage `one`, which failed");
    assert_eq!(run.summary.result, RunResult::StepFailed);
}

#[tokio::test]
async fn a_step_cannot_run_without_its_input() {
    let plan =
        PlanBuilder::new().stage("one").step_with("fit", &[], |step| step.outputs = out(Kind::Model, "m"));
    let source = runner_workflow::plan::Source::Output(runner_workflow::plan::OutputRef {
        step: 0,
        output: "out".into(),
    });
    let plan = plan.step_with("score", &["fit"], |step| {
        step.condition = Some(status(Function::Always));
        step.inputs.insert("model".into(), source);
    });
    let executor = Arc::new(ScriptedExecutor::new().on("fit", [Act::fail(1)]));
    let place = Place::new();
    let run = place.run(plan, executor).await;
    assert_eq!(run.skipped("score"), "its input `model` comes from `fit`, which failed");
}

#[tokio::test]
async fn a_condition_without_a_value_fails_the_run() {
    let plan = PlanBuilder::new().stage("one").step_with("a", &[], |step| {
        step.condition = Some(is("steps.b.outcome", "succeeded"));
    });
    let place = Place::new();
    let run = place.run(plan, Arc::new(ScriptedExecutor::new())).await;
    assert_eq!((run.summary.result, run.summary.exit_code), (RunResult::Invalid, 2));
    assert!(run.reason().contains("steps.b.outcome"), "{}", run.reason());
}

#[tokio::test]
async fn expressions_see_params_matrix_env_and_steps() {
    let template = |path: &str| Template { parts: vec![Part::Expr(name(path))] };
    let text = |path: &str| ConfigTemplate::Text(template(path));
    let plan = PlanBuilder::new()
        .stage("one")
        .step_with("fit[seed=3]", &[], |step| {
            step.outputs = out(Kind::Model, "m");
            step.env.insert("LR".into(), template("params.lr"));
            step.with = ConfigTemplate::Map(
                [
                    ("seed".to_owned(), text("matrix.seed")),
                    ("lr".to_owned(), text("params.lr")),
                    ("env".to_owned(), text("env.LR")),
                    ("branch".to_owned(), text("git.branch")),
                    ("list".to_owned(), ConfigTemplate::List(vec![ConfigTemplate::Scalar(json!(1))])),
                ]
                .into_iter()
                .collect(),
            );
        })
        .step_with("next", &["fit[seed=3]"], |step| {
            step.with = ConfigTemplate::Map(
                [
                    ("outcome".to_owned(), text("steps.fit[seed=3].outcome")),
                    ("loss".to_owned(), text("steps.fit[seed=3].metrics.loss")),
                    ("model".to_owned(), text("steps.fit[seed=3].outputs.out")),
                ]
                .into_iter()
                .collect(),
            );
        });
    let mut plan = plan;
    plan.plan.params.insert("lr".into(), json!(0.5));
    let executor = Arc::new(ScriptedExecutor::new().on("fit[seed=3]", [Act::succeed().metric("loss", 0.25)]));
    let place = Place::new();
    let mut options = place.options(plan, executor.clone());
    options.git.branch = Some("main".into());
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Passed, "{}", run.reason());
    assert_eq!(
        executor.request("fit[seed=3]").unwrap().config,
        json!({ "seed": "3", "lr": 0.5, "env": "0.5", "branch": "main", "list": [1] })
    );
    let config = executor.request("next").unwrap().config;
    assert_eq!(config["outcome"], "succeeded");
    assert_eq!(config["loss"], 0.25);
    assert!(config["model"].as_str().unwrap().starts_with("sha256:"));
}
