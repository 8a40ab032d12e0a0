use std::{sync::Arc, time::Duration};

use runner_engine::{
    CancelSignal, RunOptions,
    event::{EventKind, RunResult, StageResult},
    scripted::{Act, ScriptedExecutor},
};
use runner_workflow::{
    expr::Function,
    plan::{Kind, Retry, Script},
};

use crate::plans::{Outcome, Place, PlanBuilder, out, status};

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

/// Runs it, and asks it to end at these seconds.
async fn cancelled_at(place: &Place, options: RunOptions, seconds: &[u64]) -> (Outcome, Duration) {
    let cancel: CancelSignal = options.cancel.clone();
    let started = tokio::time::Instant::now();
    let asking = async {
        for second in seconds {
            tokio::time::sleep_until(started + Duration::from_secs(*second)).await;
            cancel.request();
        }
    };
    let (run, ()) = tokio::join!(place.run_with(options), asking);
    assert_eq!((run.summary.result, run.summary.exit_code), (RunResult::Cancelled, 130), "{}", run.reason());
    (run, started.elapsed())
}

fn results(run: &Outcome) -> Vec<StageResult> {
    run.summary.record.as_ref().unwrap().stages.iter().map(|stage| stage.result.unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn conditions_that_ask_hold_after_a_cancellation() {
    let plan = PlanBuilder::new()
        .stage("one")
        .step("long", &[])
        .step_with("tidy", &["long"], |step| step.condition = Some(status(Function::Always)))
        .step_with("tell", &["tidy"], |step| step.condition = Some(status(Function::Cancelled)))
        .step_with("mend", &["long"], |step| step.condition = Some(status(Function::Failure)))
        .step_with("praise", &["long"], |step| step.condition = Some(status(Function::Success)))
        .step("after", &["tidy"])
        .stage("two")
        .step("later", &[])
        .stage("sweep")
        .step("floor", &[])
        .step_with("note", &["floor"], |step| step.condition = Some(status(Function::Cancelled)))
        .step_with("good", &["floor"], |step| step.condition = Some(status(Function::Success)))
        .stage_if(status(Function::Always))
        .stage("last")
        .step("never", &[]);
    let executor = Arc::new(ScriptedExecutor::new().on("long", [Act::succeed().after(MINUTE)]));
    let place = Place::new();
    let (run, _) = cancelled_at(&place, place.options(plan, executor.clone()), &[1]).await;
    let mut order = executor.order();
    order.sort_unstable();
    assert_eq!(order, ["floor", "good", "long", "note", "tell", "tidy"]);
    for step in ["after", "later", "never"] {
        assert_eq!(run.skipped(step), "the run was cancelled", "{step}");
    }
    assert_eq!(run.skipped("mend"), "the run was cancelled, and its condition `failure()` is false");
    assert_eq!(run.skipped("praise"), "the run was cancelled, and its condition `success()` is false");
    let cancelled = StageResult::Cancelled;
    assert_eq!(results(&run), [cancelled, cancelled, StageResult::Passed, cancelled]);
}

/// What was there to run whatever happens is not interrupted, nor is a stage that is.
#[tokio::test(start_paused = true)]
async fn what_runs_always_runs_on() {
    let retry = Retry { times: 1, delay: Duration::from_secs(30), backoff: 1.0, on: Vec::new() };
    let plan = PlanBuilder::new()
        .stage("one")
        .step("long", &[])
        .step_with("upload", &[], |step| step.condition = Some(status(Function::Always)))
        .stage("two")
        .step_with("flaky", &[], |step| step.retry = retry)
        .step("next", &["flaky"])
        .stage_if(status(Function::Always));
    let mut plan = plan;
    plan.plan.stages[1].needs.clear();
    let script = ScriptedExecutor::new()
        .on("long", [Act::succeed().after(MINUTE)])
        .on("upload", [Act::succeed().after(MINUTE)])
        .on("flaky", [Act::fail(1), Act::succeed()]);
    let place = Place::new();
    let (run, took) = cancelled_at(&place, place.options(plan, Arc::new(script)), &[1]).await;
    assert!(!run.step("long").succeeded());
    assert!(run.step("upload").succeeded() && run.step("flaky").succeeded() && run.step("next").succeeded());
    assert_eq!(run.step("flaky").attempts, 2);
    assert!(took >= MINUTE, "{took:?}");
    assert_eq!(results(&run), [StageResult::Cancelled, StageResult::Passed]);
}

#[tokio::test(start_paused = true)]
async fn what_runs_always_does_not_run_for_ever() {
    let plan = || {
        PlanBuilder::new()
            .stage("one")
            .step("long", &[])
            .step_with("tidy", &["long"], |step| step.condition = Some(status(Function::Always)))
            .step_with("more", &["tidy"], |step| step.condition = Some(status(Function::Always)))
    };
    let executor = || {
        let script = ScriptedExecutor::new().on("long", [Act::succeed().after(MINUTE)]);
        Arc::new(script.on("tidy", [Act::succeed().after(MINUTE * 600)]))
    };
    // At the end of its time, or at the second request.
    for (after_cancel, requests, limit) in [(MINUTE, &[1][..], MINUTE * 2), (MINUTE * 60, &[1, 10], MINUTE)] {
        let place = Place::new();
        let options = RunOptions { after_cancel, ..place.options(plan(), executor()) };
        let (run, took) = cancelled_at(&place, options, requests).await;
        assert!(took < limit, "{took:?}");
        assert!(!run.step("tidy").succeeded());
        assert_eq!(run.skipped("more"), "the run was cancelled");
        assert_eq!(results(&run), [StageResult::Cancelled]);
    }
}

/// A stage that goes on runs its steps; it is neither judged nor promoted.
#[tokio::test(start_paused = true)]
async fn nothing_is_promoted_after_a_cancellation() {
    let plan = || {
        PlanBuilder::new()
            .stage("train")
            .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "model.onnx"))
            .gate("auc >= 0.5")
            .stage("deploy")
            .step("ping", &[])
            .promote("fit")
            .stage_if(status(Function::Always))
    };
    let executor = |fit: Duration, ping: Duration| {
        let fit = Act::succeed().output("out", "m").metric("auc", 0.9).after(fit);
        Arc::new(ScriptedExecutor::new().on("fit", [fit]).on("ping", [Act::succeed().after(ping)]))
    };
    let promoted =
        |run: &Outcome| run.events.iter().any(|event| matches!(event.kind, EventKind::Promoted { .. }));
    let place = Place::new();
    let run = place.run_with(place.options(plan(), executor(Duration::ZERO, Duration::ZERO))).await;
    assert!(promoted(&run), "{}", run.reason());
    // While the model is made, and while the stage that promotes it runs.
    for (fit, ping) in [(MINUTE, Duration::ZERO), (Duration::ZERO, MINUTE)] {
        let place = Place::new();
        let (run, _) = cancelled_at(&place, place.options(plan(), executor(fit, ping)), &[1]).await;
        assert!(run.step("ping").succeeded());
        assert!(!promoted(&run));
        assert_eq!(results(&run)[1], StageResult::Cancelled);
    }
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
