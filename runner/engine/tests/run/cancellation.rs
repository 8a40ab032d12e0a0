use std::{sync::Arc, time::Duration};

use runner_engine::{
    event::{RunResult, StageResult},
    scripted::{Act, ScriptedExecutor},
};
use runner_workflow::plan::{Retry, Script};

use crate::plans::{Place, PlanBuilder};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn nothing_new_starts_and_the_rest_is_told() {
    let plan = PlanBuilder::new()
        .stage("one")
        .step("long", &[])
        .step("after", &["long"])
        .stage("two")
        .step("later", &[]);
    let executor = Arc::new(ScriptedExecutor::new().on("long", [Act::succeed().after(MINUTE)]));
    let place = Place::new();
    let options = place.options(plan, executor.clone());
    let cancel = options.cancel.clone();
    let (run, ()) = tokio::join!(place.run_with(options), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.request();
    });
    assert_eq!((run.summary.result, run.summary.exit_code), (RunResult::Cancelled, 130));
    assert_eq!(executor.order(), ["long"]);
    assert_eq!(executor.teardowns(), 1);
    assert_eq!(run.skipped("after"), "the run was cancelled");
    assert_eq!(run.skipped("later"), "the run was cancelled");
    let stages: Vec<_> =
        run.summary.record.as_ref().unwrap().stages.iter().map(|stage| stage.result.unwrap()).collect();
    assert_eq!(stages, [StageResult::Cancelled, StageResult::Cancelled]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_retry_ends() {
    let retry = Retry { times: 5, delay: MINUTE * 60, backoff: 1.0, on: Vec::new() };
    let plan = PlanBuilder::new().stage("one").step_with("flaky", &[], |step| step.retry = retry);
    let executor = Arc::new(ScriptedExecutor::new().on("flaky", [Act::fail(1)]));
    let place = Place::new();
    let options = place.options(plan, executor.clone());
    let cancel = options.cancel.clone();
    let started = tokio::time::Instant::now();
    let (run, ()) = tokio::join!(place.run_with(options), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.request();
    });
    assert!(started.elapsed() < MINUTE);
    assert_eq!(run.summary.result, RunResult::Cancelled);
    assert_eq!(run.step("flaky").attempts, 1);
    assert!(!run.step("flaky").succeeded());
}

#[tokio::test(start_paused = true)]
async fn cancelled_before_it_started() {
    let plan = PlanBuilder::new().stage("one").step("a", &[]);
    let executor = Arc::new(ScriptedExecutor::new());
    let place = Place::new();
    let options = place.options(plan, executor.clone());
    options.cancel.request_now();
    let run = place.run_with(options).await;
    assert_eq!(run.summary.exit_code, 130);
    assert!(executor.order().is_empty());
}

#[tokio::test]
async fn the_second_request_kills_at_once() {
    let script = Script {
        text: "trap '' TERM; echo started; while :; do sleep 0.05; done".into(),
        variables: Vec::new(),
        shell: None,
    };
    let plan = PlanBuilder::new().stage("one").step_with("stubborn", &[], |step| {
        step.action = runner_workflow::plan::Action::Process { run: script };
    });
    let place = Place::new();
    let executor = crate::processes::executor(Duration::from_mins(1));
    let mut options = place.options(plan, Arc::new(executor));
    options.grace = MINUTE;
    let cancel = options.cancel.clone();
    let started = std::time::Instant::now();
    let (run, ()) = tokio::join!(place.run_with(options), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cancel.request();
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.request();
    });
    assert_eq!(run.summary.exit_code, 130);
    // The step would have been given a minute.
    assert!(started.elapsed() < MINUTE);
}
