use std::sync::Arc;

use runner_engine::{
    event::RunResult,
    executor::{ErrorClass, ExecutorError},
    scripted::ScriptedExecutor,
};
use runner_workflow::plan::{DataSet, PolicyLevel, Source, Unavailable};

use crate::plans::{Place, PlanBuilder};

#[tokio::test]
async fn what_is_not_available_yet_is_refused_before_anything_runs() {
    let mut plan = PlanBuilder::new().stage("one").step("a", &[]).stage("two").step("b", &[]);
    plan.plan.unavailable = vec![
        Unavailable { key: "container".into(), span: 0..0, stage: Some(1) },
        Unavailable { key: "baseline".into(), span: 0..0, stage: Some(1) },
    ];
    let place = Place::new();
    let executor = Arc::new(ScriptedExecutor::new());
    let mut options = place.options(plan, executor.clone());
    let unavailable = options.plan.clone();
    let run = place.run_with(options).await;
    assert_eq!((run.summary.result, run.summary.exit_code), (RunResult::Environment, 6));
    assert!(executor.order().is_empty());
    assert_eq!(executor.teardowns(), 1);
    let warnings = run.warnings();
    assert!(warnings.iter().any(|message| message.contains("`container`")), "{warnings:?}");
    assert!(warnings.iter().any(|message| message.contains("`baseline`")), "{warnings:?}");
    // Only of stages that would run.
    options = place.options(PlanBuilder { plan: (*unavailable).clone() }, executor.clone());
    options.until = Some("one".into());
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Passed);
}

#[tokio::test]
async fn policy_decides_about_host_steps() {
    for (level, exit_code, warned) in
        [(PolicyLevel::Deny, 5, false), (PolicyLevel::Warn, 0, true), (PolicyLevel::Allow, 0, false)]
    {
        let mut plan = PlanBuilder::new().stage("one").run("a", "true", |_| {});
        plan.plan.policy.host_steps = level;
        let executor = Arc::new(ScriptedExecutor::new());
        let run = Place::new().run(plan, executor.clone()).await;
        assert_eq!(run.summary.exit_code, exit_code, "{level:?}");
        assert_eq!(executor.order().is_empty(), exit_code != 0);
        let warnings = run.warnings();
        assert_eq!(warnings.iter().any(|message| message.contains("can read and write")), warned);
        if exit_code == 0 {
            assert_eq!(run.step("a").sandboxed, Some(false));
        }
    }
}

#[tokio::test]
async fn steps_that_cannot_be_prepared_are_all_told() {
    let plan = PlanBuilder::new().stage("one").step("a", &[]).step("b", &[]).step("c", &[]);
    let error = |message: &str| ExecutorError {
        class: ErrorClass::Environment,
        code: "plugin::not-found",
        message: message.into(),
        help: Some("look again".into()),
    };
    let executor = ScriptedExecutor::new().refuse("a", error("no a")).refuse("c", error("no c"));
    let executor = Arc::new(executor);
    let run = Place::new().run(plan, executor.clone()).await;
    assert_eq!(run.summary.exit_code, 6);
    assert!(run.reason().contains("no a") && run.reason().contains("one more"), "{}", run.reason());
    assert!(executor.order().is_empty());
    assert_eq!(executor.teardowns(), 1);
    assert!(run.step("a").result.is_some() && run.step("c").result.is_some());
    assert_eq!(run.skipped("b"), "the run was refused before it started");
}

#[tokio::test]
async fn data_that_is_not_there_stops_the_run_early() {
    for (path, exit_code) in [("none.csv", 6), ("../outside.csv", 5)] {
        let mut plan =
            PlanBuilder::new().stage("one").step("long", &[]).stage("two").step_with("a", &[], |step| {
                step.inputs.insert("data".into(), Source::Data("test".into()));
            });
        plan.plan.data.insert("test".into(), DataSet { path: path.into(), id: None, label: None });
        let executor = Arc::new(ScriptedExecutor::new());
        let run = Place::new().run(plan, executor.clone()).await;
        assert_eq!(run.summary.exit_code, exit_code, "{path}");
        assert!(run.reason().contains(path), "{}", run.reason());
        assert!(executor.order().is_empty());
    }
}
