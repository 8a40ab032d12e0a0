//! Ctrl-C: once is graceful, twice is now; nothing is left behind.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use runner_tests::Workspace;
use rustix::process::{Pid, Signal, kill_process};

fn wait_for(path: &std::path::Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(30), "{} never appeared", path.display());
        thread::sleep(Duration::from_millis(20));
    }
}

fn alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn once_is_graceful() {
    let workspace = Workspace::with_workflow(
        "name: t\nstages:\n  one:\n    steps:\n      - id: s\n        run: |\n          trap 'echo tidy > tidied; exit 1' TERM\n          sleep 300 & echo $! > child\n          touch started\n          wait\n  two:\n    steps:\n      - { id: never, run: touch never }\n",
    );
    let child = workspace
        .command(&["run", "workflow.yml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&workspace.path().join("started"));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(workspace.path().join("tidied").exists(), "the step could tidy up");
    assert!(!workspace.path().join("never").exists(), "no further step started");
    assert!(!alive(&workspace.read("child")), "a child of the step was left behind");
}

#[test]
fn twice_is_now() {
    let workspace = Workspace::with_workflow(
        "name: t\nstages:\n  one:\n    steps:\n      - id: s\n        run: |\n          trap '' TERM INT\n          echo $$ > child\n          touch started\n          sleep 300; sleep 300; sleep 300\n",
    );
    let child = workspace
        .command(&["run", "workflow.yml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&workspace.path().join("started"));
    let start = Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    thread::sleep(Duration::from_millis(200));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(4), "it did not wait for the step's grace");
    assert!(!alive(&workspace.read("child")), "the step was left behind");
}

#[test]
fn a_background_process_does_not_outlive_its_step() {
    let workspace = Workspace::with_workflow(
        "name: t\nstages:\n  one:\n    steps:\n      - { id: s, run: \"sleep 300 & echo $! > child\" }\n",
    );
    let _ = workspace.run(&["run", "workflow.yml"]).expect_code(0);
    assert!(!alive(&workspace.read("child")), "a child of the step was left behind");
}
