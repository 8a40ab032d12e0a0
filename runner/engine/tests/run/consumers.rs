use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use runner_engine::{
    event::{EventKind, RunEvent, RunResult},
    record::{RunRecord, summarise},
    scripted::{Act, ScriptedExecutor},
};
use runner_workflow::plan::Kind;

use crate::plans::{Place, PlanBuilder, Told, out};

fn plan() -> PlanBuilder {
    PlanBuilder::new()
        .stage("one")
        .step_with("a", &[], |step| step.outputs = out(Kind::Model, "m"))
        .step("b", &["a"])
        .gate("auc >= 0.5")
        .stage("two")
        .step("c", &[])
}

fn executor() -> Arc<ScriptedExecutor> {
    let script = ScriptedExecutor::new().on("a", [Act::succeed().metric("auc", 0.9).line("hello")]);
    Arc::new(script.on("c", [Act::fail(1)]))
}

#[tokio::test]
async fn consumers_see_what_is_recorded_without_gaps() {
    let seen: Arc<Mutex<Vec<RunEvent>>> = Arc::default();
    let theirs = Arc::clone(&seen);
    let place = Place::new();
    let mut options = place.options(plan(), executor());
    options.consumers.push(Box::new(Told(move |event: &RunEvent| {
        theirs.lock().unwrap().push(event.clone());
        Ok(())
    })));
    let run = place.run_with(options).await;
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, run.events);
    for (number, event) in run.events.iter().enumerate() {
        assert_eq!(event.seq, number as u64);
    }
    assert!(matches!(run.events[0].kind, EventKind::RunStarted { .. }));
    assert!(matches!(run.events.last().unwrap().kind, EventKind::RunFinished { .. }));
    assert!(run.events.is_sorted_by(|a, b| a.elapsed_ms <= b.elapsed_ms));
}

#[tokio::test]
async fn the_record_is_what_the_events_say() {
    let place = Place::new();
    let run = place.run(plan(), executor()).await;
    let record = run.summary.record.as_ref().unwrap();
    assert_eq!(&summarise(&run.events).unwrap(), record);
    let written: RunRecord = place.store.open_run("latest").unwrap().record().unwrap();
    assert_eq!(&written, record);
    assert_eq!(record.result, Some(RunResult::StepFailed));
    assert_eq!(record.stages[0].gates.len(), 1);
    assert_eq!(record.stages[0].steps[0].artifacts.len(), 1);
    // Events of a run that was killed end anywhere.
    for end in 1..run.events.len() {
        assert!(summarise(&run.events[..end]).unwrap().result.is_none());
    }
    assert!(summarise(&run.events[1..]).is_none());
}

#[tokio::test]
async fn a_consumer_that_fails_is_dropped_with_a_warning() {
    let place = Place::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&calls);
    let plan = PlanBuilder::new().stage("one").step("a", &[]).step("b", &["a"]);
    let slow = Act::succeed().after(Duration::from_millis(200));
    let executor = ScriptedExecutor::new().on("a", [slow]);
    let mut options = place.options(plan, Arc::new(executor));
    options.consumers.push(Box::new(Told(move |_: &RunEvent| {
        theirs.fetch_add(1, Ordering::Relaxed);
        Err(io::Error::other("the printer is on fire"))
    })));
    options.consumers.push(Box::new(Told(|_: &RunEvent| panic!("a defect of a report"))));
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Passed);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    // One that ends too late for a warning is told in the summary.
    let mut warnings = run.warnings();
    warnings.extend(run.summary.problems.iter().map(String::as_str));
    assert_eq!(warnings.iter().filter(|message| message.contains("on fire")).count(), 1, "{warnings:?}");
    assert_eq!(warnings.iter().filter(|message| message.contains("panicked")).count(), 1, "{warnings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_consumer_slows_nothing_and_the_log_has_every_line() {
    const LINES: usize = 100_000;
    let place = Place::new();
    let noisy = (0..LINES).fold(Act::succeed(), |act, number| act.line(&number.to_string()));
    let plan = PlanBuilder::new().stage("one").step("noisy", &[]).step("after", &["noisy"]);
    let mut options = place.options(plan, Arc::new(ScriptedExecutor::new().on("noisy", [noisy])));
    options.consumers.push(Box::new(Told(|event: &RunEvent| {
        if matches!(event.kind, EventKind::StepOutput { .. }) {
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    })));
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Passed);
    assert_eq!(run.lines("noisy").len(), LINES);
    let warnings = run.warnings();
    assert_eq!(
        warnings.iter().filter(|message| message.contains("left out there")).count(),
        1,
        "{warnings:?}"
    );
    // Not 20 seconds: the run ended before the consumer did.
    assert!(run.summary.record.unwrap().duration_ms < 5_000.0);
}
