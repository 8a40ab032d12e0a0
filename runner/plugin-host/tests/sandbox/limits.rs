//! Each limit against a guest that tries to break it.

use std::time::{Duration, Instant};

use runner_engine::{executor::Executor as _, outcome::StepOutcome};
use runner_workflow::plan::Limits;
use tokio_util::sync::CancellationToken;

use crate::stage::{Reported, Stage};

const SHORT: Duration = Duration::from_millis(300);
/// The guests here never end by themselves: what takes this long was not ended. No bound on speed.
const HANG: Duration = Duration::from_mins(1);

fn time(limit: Duration) -> Limits {
    Limits { time: Some(limit), ..Limits::default() }
}

async fn times_out(guest: &str) {
    let stage = Stage::new();
    // Compiled first: the deadline is for the plugin.
    stage.host.manifest(&stage.guest(guest)).await.unwrap();
    let start = Instant::now();
    let (outcome, _) = stage.run(guest, |request| request.limits = time(SHORT)).await;
    assert_eq!(outcome, StepOutcome::TimedOut { limit_ms: 300 });
    assert!(start.elapsed() < HANG, "{guest}: {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_loop_times_out() {
    times_out("loop-forever").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sleeping_in_a_host_call_times_out() {
    times_out("sleep-in-host-call").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_what_never_comes_times_out() {
    times_out("block-on-poll").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calling_the_host_without_end_times_out() {
    times_out("flood-calls").await;
}

#[tokio::test]
async fn deadlines_hold_on_a_single_thread() {
    times_out("loop-forever").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_endless_loops_than_threads_time_out_together() {
    let stage = Stage::new();
    let uses = stage.guest("loop-forever");
    stage.host.manifest(&uses).await.unwrap();
    let start = Instant::now();
    let attempts = (0..8).map(|attempt| {
        let mut request = stage.request(&uses, attempt);
        request.timeout = Some(SHORT);
        stage.execute(request)
    });
    for (outcome, _) in futures::future::join_all(attempts).await {
        assert_eq!(outcome.unwrap(), StepOutcome::TimedOut { limit_ms: 300 });
    }
    assert!(start.elapsed() < HANG, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_ends_what_computes_and_what_waits() {
    let stage = Stage::new();
    for guest in ["loop-forever", "sleep-in-host-call"] {
        let uses = stage.guest(guest);
        stage.host.manifest(&uses).await.unwrap();
        let cancel = CancellationToken::new();
        let sink = std::sync::Arc::new(Reported::default());
        let run = stage.host.execute(stage.request(&uses, 1), sink, cancel.clone());
        let stop = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            cancel.cancel();
            Instant::now()
        };
        let (outcome, cancelled) = tokio::join!(run, stop);
        assert_eq!(outcome.unwrap(), StepOutcome::Cancelled, "{guest}");
        assert!(cancelled.elapsed() < HANG, "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_future_ends_the_plugin() {
    let stage = Stage::new();
    let uses = stage.guest("loop-forever");
    stage.host.manifest(&uses).await.unwrap();
    let sink = std::sync::Arc::new(Reported::default());
    let run = stage.host.execute(stage.request(&uses, 1), sink.clone(), CancellationToken::new());
    tokio::time::timeout(SHORT, run).await.unwrap_err();
    let deadline = Instant::now() + HANG;
    // The attempt holds the sink for as long as it lives.
    while std::sync::Arc::strong_count(&sink) > 1 {
        assert!(Instant::now() < deadline, "the attempt lives on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_capped_and_told_apart_from_a_trap() {
    let (outcome, _) = Stage::new()
        .run("grow-memory", |request| request.limits = Limits { memory: Some(64 << 20), ..Limits::default() })
        .await;
    assert_eq!(outcome, StepOutcome::OutOfMemory { limit: 64 << 20 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_needs_more_than_its_limit_from_the_start_is_out_of_memory() {
    let (outcome, _) = Stage::new()
        .run("loop-forever", |request| {
            request.limits = Limits { memory: Some(64 << 10), ..Limits::default() }
        })
        .await;
    assert_eq!(outcome, StepOutcome::OutOfMemory { limit: 64 << 10 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_capped() {
    // A core module that grows a table and traps when it is refused, lifted to the world `step`.
    let stage = Stage::new();
    let component = crate::refusals::component_with_run(
        r"(table $t 0 funcref)
          (func $run_core
            (loop $again
              (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1))))
            unreachable)",
    );
    let uses = stage.file("grow-table.wasm", &component);
    let (outcome, _) = stage.execute(stage.request(&uses, 1)).await;
    assert_eq!(
        outcome.unwrap(),
        StepOutcome::LimitExceeded { what: "table elements".into(), limit: 1_000_000 }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_bytes_are_capped_while_the_plugin_writes() {
    let limits = Limits { output: Some(8 << 20), time: Some(Duration::from_mins(1)), ..Limits::default() };
    let (outcome, _) = Stage::new().run("huge-output", |request| request.limits = limits).await;
    assert_eq!(outcome, StepOutcome::LimitExceeded { what: "output bytes".into(), limit: 8 << 20 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holes_count_as_output() {
    let (outcome, _) = Stage::new()
        .run("huge-output", |request| request.config = serde_json::json!({ "sparse": true }))
        .await;
    assert_eq!(outcome, StepOutcome::LimitExceeded { what: "output bytes".into(), limit: 1 << 30 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_capped() {
    let (outcome, _) = Stage::new().run("many-files", |_| {}).await;
    let what = "files and folders in the outputs".into();
    assert_eq!(outcome, StepOutcome::LimitExceeded { what, limit: 10_000 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_files_are_capped() {
    let (outcome, _) = Stage::new().run("open-handles", |_| {}).await;
    let what = "open files and handles".into();
    assert_eq!(outcome, StepOutcome::LimitExceeded { what, limit: 256 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_cannot_carry_everything() {
    let (outcome, reported) = Stage::new().run("huge-call", |_| {}).await;
    let what = "bytes in one host call".into();
    assert_eq!(outcome, StepOutcome::LimitExceeded { what, limit: 16 << 20 });
    assert_eq!(reported.log(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_overflow_is_a_trap() {
    let (outcome, _) = Stage::new().run("stack-overflow", |_| {}).await;
    let StepOutcome::Trapped { message } = outcome else { panic!("{outcome:?}") };
    assert!(message.contains("stack"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_a_trap_with_its_message() {
    let (outcome, reported) = Stage::new().run("panic", |_| {}).await;
    let StepOutcome::Trapped { message } = outcome else { panic!("{outcome:?}") };
    assert!(message.contains("the table has rows"), "{message}\n{}", reported.log());
}
