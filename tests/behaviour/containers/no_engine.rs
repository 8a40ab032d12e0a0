//! Without an engine, or with one that does not answer, nothing runs and one diagnostic says what to do.

use std::os::unix::net::UnixListener;

use runner_tests::{Seen, Workspace};

/// A step on the host that leaves a mark, and then a container step.
fn workspace() -> Workspace {
    Workspace::with_workflow(
        "name: t\nstages:\n  one:\n    steps:\n      - { id: first, run: \"echo ran > ran.txt\" }\n  two:\n    steps:\n      - { id: s, container: runner-test/base, run: \"true\" }\n",
    )
}

fn refused(workspace: &Workspace, host: &str) -> Seen {
    let mut command = workspace.command(&["run", "workflow.yml"]);
    let seen: Seen = command.env("DOCKER_HOST", host).output().unwrap().into();
    let seen = seen.expect_code(6);
    assert!(!workspace.path().join("ran.txt").exists(), "a step ran: {}", seen.snapshot());
    seen
}

#[test]
fn no_engine_at_all() {
    let workspace = workspace();
    let seen = refused(&workspace, "unix:///nowhere/docker.sock");
    insta::assert_snapshot!("no_engine", seen.snapshot());
}

#[test]
fn a_host_that_means_nothing() {
    let workspace = workspace();
    let seen = refused(&workspace, "gopher://example.com");
    insta::assert_snapshot!("host_unknown", seen.snapshot());
}

/// A socket that takes a connection and never answers must not hang the run.
#[test]
fn an_engine_that_hangs() {
    let workspace = workspace();
    let socket = workspace.path().join("engine.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let seen = refused(&workspace, &format!("unix://{}", socket.display()));
    assert!(
        seen.stderr.contains("engine.sock") || seen.stdout.contains("engine.sock"),
        "{}",
        seen.snapshot()
    );
}
