//! An engine that stops, or is killed, in mid-step, and comes back: never a pass, and a retry on `infra` helps.

use std::process::{Child, Stdio};

use runner_tests::{Seen, Workspace, engine::PrivateDocker};

/// The first attempt lingers; a later one, which finds the mark, ends at once.
fn workspace(mark: &str, retry: &str) -> Workspace {
    let keys = format!("env: {{ MARK: {mark} }}\n{retry}");
    let script = "if [ -e gate.txt ]; then echo second attempt; exit 0; fi\necho first attempt; sleep 300";
    super::one_step(script, &keys)
}

fn start(docker: &PrivateDocker, workspace: &Workspace) -> Child {
    let mut command = docker.engine().command(workspace, &["run", "workflow.yml"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) -> Seen {
    child.wait_with_output().unwrap().into()
}

#[test]
#[ignore = "starts a Docker of its own, as root, with the image of .ci/make-images: cargo xtask test --all"]
fn an_engine_that_stops_is_an_outcome_of_the_infrastructure() {
    let mut docker = PrivateDocker::start();
    let workspace = workspace("stopped", "");
    let child = start(&docker, &workspace);
    let _ = docker.engine().wait_for("stopped");
    docker.stop();
    let seen = finish(child).expect_code(6);
    assert!(seen.stdout.contains("engine") || seen.stderr.contains("engine"), "{}", seen.snapshot());
}

#[test]
#[ignore = "starts a Docker of its own, as root, with the image of .ci/make-images: cargo xtask test --all"]
fn an_engine_that_is_killed_is_an_outcome_of_the_infrastructure() {
    let mut docker = PrivateDocker::start();
    let workspace = workspace("slain", "");
    let child = start(&docker, &workspace);
    let _ = docker.engine().wait_for("slain");
    docker.kill();
    let seen = finish(child).expect_code(6);
    assert!(seen.stdout.contains("engine") || seen.stderr.contains("engine"), "{}", seen.snapshot());
}

#[test]
#[ignore = "starts a Docker of its own, as root, with the image of .ci/make-images: cargo xtask test --all"]
fn a_retry_outlives_a_restart() {
    let mut docker = PrivateDocker::start();
    let workspace = workspace("again", "retry: { times: 5, delay: 2s, on: [infra] }");
    let child = start(&docker, &workspace);
    let _ = docker.engine().wait_for("again");
    workspace.write("gate.txt", "open");
    docker.stop();
    docker.start_again();
    let seen = finish(child).expect_code(0);
    let logs = docker.engine().run(&workspace, &["logs", "latest", "s"]).expect_code(0).stdout;
    assert!(logs.contains("second attempt"), "{}\n{logs}", seen.snapshot());
    // What the engine could not remove while it was away, a later command does.
    let _ = docker.engine().run(&workspace, &["clean"]).expect_code(0);
    assert!(docker.engine().containers_with("again").is_empty(), "the first attempt's container was left");
}
