use std::{fs, sync::Arc, time::Duration};

use runner_engine::{
    event::RunResult,
    process::{ProcessExecutor, ProcessOptions},
};
use runner_workflow::{
    expr::{Part, Template},
    plan::{Kind, Source},
};

use crate::plans::{Outcome, Place, PlanBuilder, name, out};

pub(crate) fn executor(grace: Duration) -> ProcessExecutor {
    ProcessExecutor::new(ProcessOptions {
        env: std::env::vars().chain([("LEAK".to_owned(), "x".to_owned())]).collect(),
        withheld: ["LANG".to_owned()].into_iter().collect(),
        grace,
    })
}

async fn run(text: &str) -> Outcome {
    let plan = PlanBuilder::new().stage("one").run("a", text, |_| {});
    Place::new().run(plan, Arc::new(executor(Duration::from_millis(300)))).await
}

/// Whether a process whose command line holds `mark` is alive.
fn is_alive(mark: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        let state = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let zombie = state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        !zombie && String::from_utf8_lossy(&line).contains(mark)
    })
}

#[tokio::test]
async fn a_step_gets_what_the_contract_promises() {
    let place = Place::new();
    fs::write(place.path().join("in.txt"), "input").unwrap();
    let script = r#"
        test "$(cat "$RUNNER_IN_TRAIN_SET")" = input
        cp "$RUNNER_IN_TRAIN_SET" "$RUNNER_OUT_OUT"
        echo '{"name": "auc", "value": 0.75, "slice": {"region": "EU", "fold": 3}}' >> "$RUNNER_METRICS"
        echo '{"name": "loss", "value": NaN}' >> "$RUNNER_METRICS"
        echo '{"severity": "error", "rule": "r", "message": "m", "rows": [1]}' >> "$RUNNER_FINDINGS"
        echo "seed $RUNNER_SEED, lr $LR, leak ${LEAK-none}, lang ${LANG-none}, expr $RUNNER_EXPR_1"
        echo error >&2
        test -d "$TMPDIR"
        pwd
    "#;
    let plan = PlanBuilder::new().stage("one").run("a", script, |step| {
        step.inputs.insert("train-set".into(), Source::Path("in.txt".into()));
        step.outputs = out(Kind::Any, "copy.txt");
        step.env.insert("LR".into(), Template::text("0.1"));
        let runner_workflow::plan::Action::Process { run } = &mut step.action else { unreachable!() };
        run.variables.push(("RUNNER_EXPR_1".into(), name("params.evil")));
    });
    let mut plan = plan;
    plan.plan.params.insert("evil".into(), "$(touch /tmp/pwned); `id`".into());
    assert!(matches!(Template::text("x").parts[0], Part::Text(_)));
    let run = place.run(plan, Arc::new(executor(Duration::from_secs(1)))).await;
    assert_eq!(run.summary.result, RunResult::Passed, "{} {:?}", run.reason(), run.lines("a"));
    let step = run.step("a");
    assert_eq!(step.sandboxed, Some(false));
    assert_eq!(step.artifacts[0].digest, runner_store::Digest::of_bytes(b"input").to_string());
    assert_eq!(step.metrics[0].slice, [("region".into(), "EU".into()), ("fold".into(), "3".into())]);
    assert!(step.metrics[1].value.is_nan());
    assert_eq!(step.findings[0].rows, [1]);
    let lines = run.lines("a");
    assert!(
        lines.contains(&"seed 7, lr 0.1, leak none, lang none, expr $(touch /tmp/pwned); `id`"),
        "{lines:?}"
    );
    assert!(lines.contains(&"error"));
    assert!(lines.contains(&place.path().canonicalize().unwrap().to_str().unwrap()));
}

#[tokio::test]
async fn exit_codes_and_signals_are_failures() {
    assert_eq!(run("exit 7").await.reason(), "step `a` failed with exit code 7");
    assert!(run("kill -9 $$").await.reason().contains("137: killed by signal 9"));
    assert_eq!(run("false; echo not reached").await.summary.exit_code, 1);
    assert_eq!(run("false | true").await.summary.exit_code, 1);
    assert_eq!(run("echo $NOT_SET").await.summary.exit_code, 1);
    assert_eq!(run("true").await.summary.exit_code, 0);
}

#[tokio::test]
async fn malformed_metrics_fail_the_step_with_their_line() {
    for (line, said) in [
        ("not json", "line 2 of RUNNER_METRICS"),
        (r#"{"name": "x", "value": "high"}"#, "the value of `x` is not a number"),
        (r#"{"name": "x", "value": 1, "unit": "s"}"#, "unknown field `unit`"),
    ] {
        let script = format!(
            "echo '{{\"name\": \"good\", \"value\": 1}}' > $RUNNER_METRICS\necho '{line}' >> $RUNNER_METRICS"
        );
        let run = run(&script).await;
        assert_eq!(run.summary.exit_code, 1, "{line}");
        assert!(run.reason().contains(said), "{}", run.reason());
        assert_eq!(run.step("a").metrics.len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_left_behind() {
    // Ends at once, but leaves something in the background that holds its output open.
    let outcome = run("sleep 98761 & echo done").await;
    assert_eq!(outcome.summary.result, RunResult::Passed);
    assert_eq!(outcome.lines("a"), ["done"]);
    assert!(!is_alive("98761"));

    let plan = PlanBuilder::new().stage("one").run("a", "sleep 98762 | sleep 98762", |step| {
        step.timeout = Some(Duration::from_millis(300));
    });
    let outcome = Place::new().run(plan, Arc::new(executor(Duration::from_secs(1)))).await;
    assert_eq!(outcome.summary.exit_code, 124);
    assert!(!is_alive("98762"));

    // Leaves the group, holds the output open, and does not listen.
    let outcome = run("setsid sh -c 'trap \"\" TERM; sleep 98763; sleep 98763' & sleep 0.3; echo done").await;
    assert_eq!(outcome.summary.result, RunResult::Passed);
    assert_eq!(outcome.lines("a"), ["done"]);
    assert!(!is_alive("98763"));

    // Does not listen to the polite request.
    let script = "trap '' TERM; sh -c 'trap \"\" TERM; while :; do sleep 0.0598763; done'";
    let plan = PlanBuilder::new().stage("one").run("a", script, |step| {
        step.timeout = Some(Duration::from_millis(300));
    });
    let outcome = Place::new().run(plan, Arc::new(executor(Duration::from_millis(300)))).await;
    assert_eq!(outcome.summary.exit_code, 124);
    assert!(!is_alive("0.0598763"));
}

#[tokio::test]
async fn a_step_may_end_politely() {
    let script = "trap 'echo tidied; exit 0' TERM; while :; do sleep 0.05; done";
    let plan = PlanBuilder::new().stage("one").run("a", script, |step| {
        step.timeout = Some(Duration::from_millis(300));
    });
    let outcome = Place::new().run(plan, Arc::new(executor(Duration::from_secs(5)))).await;
    assert_eq!(outcome.summary.exit_code, 124);
    assert!(outcome.lines("a").contains(&"tidied"));
}

#[tokio::test]
async fn output_is_whole() {
    let outcome = run("seq 1 50000; printf 'no end\\xff'").await;
    let lines = outcome.lines("a");
    assert_eq!(lines.len(), 50_001);
    assert_eq!(lines[49_999], "50000");
    assert_eq!(lines[50_000], "no end\u{fffd}");
}

#[tokio::test]
async fn a_shell_that_is_not_there_is_refused() {
    let plan = PlanBuilder::new().stage("one").run("a", "true", |step| {
        let runner_workflow::plan::Action::Process { run } = &mut step.action else { unreachable!() };
        run.shell = Some(vec!["no-such-shell".into(), "-c".into()]);
    });
    let outcome = Place::new().run(plan, Arc::new(executor(Duration::from_secs(1)))).await;
    assert_eq!(outcome.summary.exit_code, 6);
    assert!(outcome.reason().contains("no-such-shell"), "{}", outcome.reason());
}

#[tokio::test]
async fn the_log_has_a_limit() {
    let plan = PlanBuilder::new().stage("one").run("a", "seq 1 10000", |step| step.limits.log = Some(1000));
    let outcome = Place::new().run(plan, Arc::new(executor(Duration::from_secs(1)))).await;
    assert_eq!(outcome.summary.exit_code, 0);
    let lines = outcome.lines("a");
    assert!(lines.len() < 400);
    assert!(lines.last().unwrap().contains("log limit of 1000 bytes"), "{:?}", lines.last());
}
