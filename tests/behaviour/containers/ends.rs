//! However a step ends, its container ends with it, and the run says how it ended.

use std::{
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use runner_tests::{
    Seen, Workspace,
    engine::{Engine, wait_until},
};
use rustix::process::{Pid, Signal, kill_process};

use super::one_step;

/// A step that runs for minutes, and whose container can be told from those of other tests.
fn lingering(mark: &str, script: &str, keys: &str) -> Workspace {
    one_step(script, &format!("env: {{ MARK: {mark} }}\n{keys}"))
}

fn start(engine: &Engine, workspace: &Workspace) -> Child {
    let mut command = engine.command(workspace, &["run", "workflow.yml"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) -> Seen {
    child.wait_with_output().unwrap().into()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Fails unless nothing with this mark is left, now or in a moment: an engine removes in its own time.
fn nothing_is_left(engine: &Engine, mark: &str) {
    let gone = || engine.containers_with(mark).is_empty().then_some(());
    assert!(wait_until(Duration::from_mins(1), gone).is_some(), "{mark}: {:?}", engine.containers_with(mark));
}

on_docker_and_podman! {
    fn success_and_failure_leave_nothing(engine) {
        let mark = format!("plain-{}", std::process::id());
        let workspace = lingering(&mark, "true", "");
        let _ = super::ran(engine, &workspace, 0);
        nothing_is_left(engine, &mark);
        let workspace = lingering(&mark, "exit 3", "");
        let _ = super::ran(engine, &workspace, 1);
        nothing_is_left(engine, &mark);
    }

    /// A step that will not hear TERM gets its grace, and then KILL.
    fn a_step_that_ignores_term_is_killed(engine) {
        let mark = format!("deaf-{}", std::process::id());
        let workspace = lingering(&mark, "trap '' TERM INT\nwhile true; do sleep 1; done", "timeout: 1s");
        let seen = super::ran(engine, &workspace, 124);
        assert!(seen.stdout.contains("timed out"), "{}", seen.snapshot());
        nothing_is_left(engine, &mark);
    }

    /// A step that hears TERM may tidy up first.
    fn a_step_that_hears_term_may_finish(engine) {
        let mark = format!("polite-{}", std::process::id());
        let workspace = lingering(
            &mark,
            "trap 'echo tidied up; exit 0' TERM\nwhile true; do sleep 0.1; done",
            "timeout: 2s",
        );
        let seen = super::ran(engine, &workspace, 124);
        assert!(seen.stdout.contains("tidied up"), "{}", seen.snapshot());
        nothing_is_left(engine, &mark);
    }

    fn an_interrupt_ends_the_container(engine) {
        let mark = format!("interrupted-{}", std::process::id());
        let workspace = lingering(&mark, "while true; do sleep 1; done", "");
        let child = start(engine, &workspace);
        let _ = engine.wait_for(&mark);
        signal(&child, Signal::INT);
        let _ = finish(child).expect_code(130);
        nothing_is_left(engine, &mark);
    }

    /// `docker kill` by someone else is not the step's own failure with a code of its own, and never a success.
    fn a_container_killed_from_outside_is_no_success(engine) {
        let mark = format!("killed-{}", std::process::id());
        let workspace = lingering(&mark, "while true; do sleep 1; done", "");
        let child = start(engine, &workspace);
        let id = engine.wait_for(&mark);
        let _ = engine.cli(&["kill", &id]).expect_code(0);
        let seen = finish(child);
        assert!([1, 6].contains(&seen.code), "{}", seen.snapshot());
        assert!(!seen.stdout.contains("out-of-memory"), "{}", seen.snapshot());
        nothing_is_left(engine, &mark);
    }

    /// `docker rm --force` in mid-step: neither a success nor a hang.
    fn a_container_removed_from_outside_is_no_success(engine) {
        let mark = format!("removed-{}", std::process::id());
        let workspace = lingering(&mark, "while true; do sleep 1; done", "");
        let child = start(engine, &workspace);
        let id = engine.wait_for(&mark);
        let _ = engine.cli(&["rm", "--force", &id]).expect_code(0);
        let seen = finish(child);
        assert!([1, 6].contains(&seen.code), "{}", seen.snapshot());
    }

    /// `kill -9` leaves a container behind. The next run in that workspace, or `runner clean`, removes it.
    fn what_a_killed_runner_left_is_removed(engine) {
        for cleaner in [&["run", "other.yml"] as &[&str], &["clean"]] {
            let mark = format!("orphan-{}-{}", std::process::id(), cleaner[0]);
            let workspace = lingering(&mark, "while true; do sleep 1; done", "");
            workspace.write("other.yml", super::workflow("", "echo hello", ""));
            let child = start(engine, &workspace);
            let _ = engine.wait_for(&mark);
            signal(&child, Signal::KILL);
            let _ = finish(child);
            assert_eq!(engine.containers_with(&mark).len(), 1, "a killed runner cannot tidy up");
            let _ = engine.run(&workspace, cleaner).expect_code(0);
            nothing_is_left(engine, &mark);
        }
    }

    /// Tidying up spares what another runner, which is alive, has running.
    fn a_run_beside_is_left_alone(engine) {
        let mark = format!("beside-{}", std::process::id());
        let workspace = lingering(&mark, "while true; do sleep 1; done", "");
        workspace.write("other.yml", super::workflow("", "echo hello", ""));
        let child = start(engine, &workspace);
        let id = engine.wait_for(&mark);
        let _ = engine.run(&workspace, &["run", "other.yml"]).expect_code(0);
        let _ = engine.run(&workspace, &["clean"]);
        thread::sleep(Duration::from_millis(500));
        assert_eq!(engine.containers_with(&mark), [id], "it was removed");
        signal(&child, Signal::INT);
        let _ = finish(child).expect_code(130);
        nothing_is_left(engine, &mark);
    }
}
