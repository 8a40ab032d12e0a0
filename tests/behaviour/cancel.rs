//! Ctrl-C: once is graceful, twice is now; nothing is left behind.

use std::{
    io::{BufRead as _, BufReader, Read as _},
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

/// Starts it, and gives it this signal when the file `started` is there.
fn signalled(workspace: &Workspace, signal: Signal, then: impl FnOnce(Pid)) -> runner_tests::Seen {
    let mut command = workspace.command(&["run", "workflow.yml"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&workspace.path().join("started"));
    let pid = Pid::from_child(&child);
    kill_process(pid, signal).unwrap();
    // It has noticed when it says so.
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut stderr = String::new();
    while !stderr.contains("stopping") {
        assert!(said.read_line(&mut stderr).unwrap() > 0, "it ended without a word: {stderr}");
    }
    then(pid);
    said.read_to_string(&mut stderr).unwrap();
    let seen: runner_tests::Seen = child.wait_with_output().unwrap().into();
    runner_tests::Seen { stderr, ..seen }
}

#[test]
fn what_is_always_done_is_done_after_a_signal() {
    let workflow = "name: t
stages:
  one:
    steps:
      - { id: s, run: touch started; sleep 300 }
      - { id: tidy, needs: [s], if: always(), run: touch tidied }
      - { id: tell, needs: [tidy], if: cancelled(), run: touch told }
      - { id: mend, needs: [s], if: failure(), run: touch never }
      - { id: after, needs: [tidy], run: touch never }
  two:
    steps: [{ id: later, run: touch never }]
  sweep:
    if: always()
    steps: [{ id: floor, run: touch swept }]
";
    for signal in [Signal::INT, Signal::TERM] {
        let workspace = Workspace::with_workflow(workflow);
        let seen = signalled(&workspace, signal, |_| {}).expect_code(130);
        for (file, there) in [("tidied", true), ("told", true), ("swept", true), ("never", false)] {
            assert_eq!(workspace.path().join(file).exists(), there, "{file}\n{}", seen.snapshot());
        }
        assert!(seen.stderr.contains("`if: always()` still holds"), "{}", seen.stderr);
    }
}

#[test]
fn a_second_signal_ends_what_is_always_done() {
    let workspace = Workspace::with_workflow(
        "name: t\nstages:\n  one:\n    steps:\n      - { id: s, run: touch started; sleep 300 }\n      - { id: tidy, needs: [s], if: always(), run: \"echo $$ > child; touch tidying; sleep 300; sleep 300\" }\n",
    );
    let start = Instant::now();
    let _ = signalled(&workspace, Signal::INT, |pid| {
        wait_for(&workspace.path().join("tidying"));
        kill_process(pid, Signal::INT).unwrap();
    })
    .expect_code(130);
    assert!(start.elapsed() < Duration::from_secs(200), "it waited for the step");
    assert!(!alive(&workspace.read("child")), "the step was left behind");
}

/// A stage that says `always()` goes on, and promotes nothing.
#[test]
fn nothing_is_promoted_after_a_signal() {
    let workflow = |slow: &str| {
        format!(
            r#"name: t
metrics: {{ auc: {{ unit: fraction }} }}
stages:
  train:
    steps:
      - id: fit
        run: |
          echo model > "$RUNNER_OUT_MODEL"
          echo '{{"name": "auc", "value": 0.9}}' >> "$RUNNER_METRICS"
        out: {{ model: {{ path: m.bin, kind: model }} }}
    gates: ["auc >= 0.5"]
  deploy:
    if: always()
    steps: [{{ id: ping, run: "touch started; {slow}; touch pinged" }}]
    promote: {{ model: fit.model, to: "registry:m@champion" }}
"#
        )
    };
    let champion = |workspace: &Workspace| workspace.run(&["model", "show", "m@champion"]).code;
    let workspace = Workspace::with_workflow(&workflow("true"));
    let _ = workspace.run(&["run", "workflow.yml"]).expect_code(0);
    assert_eq!(champion(&workspace), 0);
    for signal in [Signal::INT, Signal::TERM] {
        let workspace = Workspace::with_workflow(&workflow("while [ ! -e go ]; do sleep 0.05; done"));
        let seen = signalled(&workspace, signal, |_| workspace.write("go", "")).expect_code(130);
        assert!(workspace.path().join("pinged").exists(), "the stage went on\n{}", seen.snapshot());
        assert_eq!(champion(&workspace), 2, "{}", seen.snapshot());
    }
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
