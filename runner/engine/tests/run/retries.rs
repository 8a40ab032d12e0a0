use std::{sync::Arc, time::Duration};

use runner_engine::{
    event::{EventKind, RunResult},
    executor::{ErrorClass, ExecutorError},
    outcome::StepOutcome,
    scripted::{Act, ScriptedExecutor},
};
use runner_workflow::plan::{Retry, RetryOn};

use crate::plans::{Place, PlanBuilder};

fn plan(retry: Retry) -> PlanBuilder {
    PlanBuilder::new()
        .stage("one")
        .step_with("flaky", &[], |step| step.retry = retry)
        .step("after", &["flaky"])
}

#[tokio::test(start_paused = true)]
async fn failed_attempts_are_tried_again_with_backoff() {
    let retry = Retry { times: 3, delay: Duration::from_secs(10), backoff: 2.0, on: Vec::new() };
    let script = [Act::fail(1).metric("loss", 9.0), Act::fail(2), Act::succeed().metric("loss", 1.0)];
    let executor = Arc::new(ScriptedExecutor::new().on("flaky", script));
    let place = Place::new();
    let run = place.run(plan(retry), executor.clone()).await;
    assert_eq!(run.summary.result, RunResult::Passed);
    let performed = executor.performed();
    let waits: Vec<_> =
        performed.windows(2).take(2).map(|pair| (pair[1].started - pair[0].started).as_secs()).collect();
    assert_eq!(waits, [10, 20]);
    let step = run.step("flaky");
    assert_eq!(step.attempts, 3);
    assert_eq!(step.metrics.iter().map(|metric| metric.value).collect::<Vec<_>>(), [1.0]);
    let failed = run.events.iter().filter(|event| matches!(event.kind, EventKind::AttemptFailed { .. }));
    assert_eq!(failed.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn retries_end() {
    let retry = Retry { times: 2, ..Retry::default() };
    let executor = Arc::new(ScriptedExecutor::new().on("flaky", [Act::fail(1)]));
    let place = Place::new();
    let run = place.run(plan(retry), executor.clone()).await;
    assert_eq!(run.summary.result, RunResult::StepFailed);
    assert_eq!(executor.order(), ["flaky"; 3]);
    assert_eq!(run.step("flaky").attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn only_what_retry_on_names() {
    let error = ExecutorError {
        class: ErrorClass::Environment,
        code: "x::y",
        message: "the daemon is gone".into(),
        help: None,
    };
    for (on, act, attempts, exit_code) in [
        (vec![RetryOn::Infra], Act::error(error.clone()), 2, 6),
        (vec![RetryOn::Exit(137)], Act::fail(1), 1, 1),
        (vec![RetryOn::Exit(137)], Act::fail(137), 2, 1),
        (vec![RetryOn::Timeout], Act::ending(StepOutcome::TimedOut { limit_ms: 5 }), 2, 124),
        (vec![], Act::ending(StepOutcome::OutOfMemory { limit: 5 }), 2, 1),
        (vec![], Act::ending(StepOutcome::Denied { capability: "net".into(), message: "no".into() }), 1, 5),
    ] {
        let retry = Retry { times: 1, on: on.clone(), ..Retry::default() };
        let executor = Arc::new(ScriptedExecutor::new().on("flaky", [act]));
        let place = Place::new();
        let run = place.run(plan(retry), executor.clone()).await;
        assert_eq!(executor.order().len(), attempts, "{on:?}");
        assert_eq!(run.summary.exit_code, exit_code, "{on:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_frees_the_slot() {
    let retry = Retry { times: 1, delay: Duration::from_mins(1), backoff: 1.0, on: Vec::new() };
    let plan =
        PlanBuilder::new().stage("one").step_with("flaky", &[], |step| step.retry = retry).step("other", &[]);
    let executor = Arc::new(ScriptedExecutor::new().on("flaky", [Act::fail(1), Act::succeed()]));
    let place = Place::new();
    let mut options = place.options(plan, executor.clone());
    options.jobs = Some(1);
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Passed);
    assert_eq!(executor.order(), ["flaky", "other", "flaky"]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_an_outcome() {
    let plan = PlanBuilder::new()
        .stage("one")
        .step_with("slow", &[], |step| step.timeout = Some(Duration::from_secs(2)));
    let executor =
        Arc::new(ScriptedExecutor::new().on("slow", [Act::succeed().after(Duration::from_mins(1))]));
    let place = Place::new();
    let run = place.run(plan, executor).await;
    assert_eq!((run.summary.result, run.summary.exit_code), (RunResult::TimedOut, 124));
    assert_eq!(run.reason(), "step `slow` timed out after 2 s");
}
