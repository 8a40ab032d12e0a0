//! `kill -9` at any instant, then run again: nothing is corrupt.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use runner_tests::Workspace;
use rustix::process::{Pid, Signal, kill_process};

/// A chain of plugin steps with gates and a promotion, long enough to be hit anywhere.
fn workflow() -> String {
    let mut text = String::from("name: kill\nstages:\n");
    for stage in 0..5 {
        text += &format!("  stage{stage}:\n    steps:\n");
        for step in 0..20 {
            let source = if stage + step == 0 {
                "./start.txt".to_owned()
            } else {
                let before = stage * 20 + step - 1;
                format!("s{before}.data")
            };
            text += &format!(
                "      - {{ id: s{}, uses: ./echo.wasm, in: {{ data: {source} }}, out: {{ data: {{ path: data.txt, kind: any }} }} }}\n",
                stage * 20 + step
            );
        }
    }
    text += "  report:\n    steps:\n      - id: measure\n        run: echo '{\"name\":\"ok\",\"value\":1}' >> \"$RUNNER_METRICS\"\n        needs: [s99]\n    gates: [ ok == 1 ]\n";
    text += "    promote: { model: s99.data, to: registry:m@champion }\n";
    text
}

fn start(workspace: &Workspace) -> Command {
    let mut command = workspace.command(&["run", "workflow.yml"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_kill_at_any_instant_corrupts_nothing() {
    let workspace = Workspace::with_workflow(&workflow());
    workspace.add_guest("echo");
    workspace.write("start.txt", "hello\n");
    // Once in full: compiles the plugin, and tells how long a run takes.
    let clock = std::time::Instant::now();
    assert!(start(&workspace).status().unwrap().success(), "the workflow passes when left alone");
    let whole = clock.elapsed();

    let points = 40_u32;
    for point in 0..points {
        let mut child = start(&workspace).spawn().unwrap();
        thread::sleep(whole.mul_f64(f64::from(point) / f64::from(points) * 1.1) + Duration::from_millis(1));
        let pid = Pid::from_child(&child);
        let _ = kill_process(pid, Signal::KILL);
        child.wait().unwrap();

        let listed = workspace.run(&["ls", "--json"]).expect_code(0);
        let _: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
        let shown = workspace.run(&["show", "latest", "--json"]);
        // Between the folder of a run and its first event there is nothing to show yet.
        if shown.code != 6 || !shown.stderr.contains("killed before its first event") {
            let shown = shown.expect_code(0);
            let _: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        }
        let history = workspace.run(&["model", "history", "m", "--json"]).expect_code(0);
        let _: serde_json::Value = serde_json::from_str(&history.stdout).unwrap();
    }
    let seen = workspace.run(&["run", "workflow.yml"]).expect_code(0);
    assert!(seen.stderr.is_empty() || !seen.stderr.contains("corrupt"), "{}", seen.snapshot());
    every_object_matches_its_name(&workspace);
}

#[test]
fn a_killed_run_is_named_and_never_shown_as_running() {
    let workspace = Workspace::with_workflow(
        "name: nightly\nstages:\n  one:\n    steps:\n      - { id: s, run: \"touch started; exec sleep 300\" }\n",
    );
    let mut child = start(&workspace).spawn().unwrap();
    // Until the step runs and is recorded to run; what a kill cuts off before that is another test's matter.
    while !workspace.path().join("started").exists()
        || !workspace.run(&["show", "--json"]).stdout.contains("\"running\"")
    {
        thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    let listed = workspace.run(&["ls"]).expect_code(0);
    assert!(listed.stdout.contains("killed") && listed.stdout.contains("nightly"), "{}", listed.snapshot());
    let shown = workspace.run(&["show"]).expect_code(0);
    assert!(shown.stdout.contains("✗ killed: its process ended"), "{}", shown.snapshot());
    assert!(shown.stdout.contains("✗ killed     one/s"), "{}", shown.snapshot());
    assert!(!shown.stdout.contains("running"), "{}", shown.snapshot());
    // No runner is left to stop the step; the test cleans up after itself.
    let left = left_behind(&workspace);
    assert_eq!(left.len(), 1, "a step outlives a runner that is killed: {left:?}");
    kill_process(left[0], Signal::KILL).unwrap();
}

/// Processes that `run:` steps of this workspace started and that still live.
fn left_behind(workspace: &Workspace) -> Vec<Pid> {
    let folder = workspace.path().canonicalize().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder))
        .filter_map(Pid::from_raw)
        .collect()
}

/// The name of an object is the SHA-256 of its bytes, as `sha256sum` sees it.
fn every_object_matches_its_name(workspace: &Workspace) {
    let objects = workspace.path().join(".runner/objects/sha256");
    let listing = Command::new("sh")
        .args(["-c", "find . -type f ! -name '.*' ! -name '*.tmp*' -exec sha256sum {} +"])
        .current_dir(&objects)
        .output()
        .unwrap();
    let listing = String::from_utf8(listing.stdout).unwrap();
    assert!(!listing.is_empty(), "there are objects");
    for line in listing.lines() {
        let (digest, path) = line.split_once("  ").unwrap();
        let name: String = path.trim_start_matches("./").split('/').collect();
        assert!(name.ends_with(digest) || digest.ends_with(&name) || name.contains(digest), "{line}");
    }
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let workspace = Workspace::with_workflow(&workflow());
    workspace.add_guest("echo");
    workspace.write("start.txt", "hello\n");
    let mut children: Vec<_> = (0..4).map(|_| start(&workspace).spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    every_object_matches_its_name(&workspace);
    let versions = workspace.path().join(".runner/registry/m/versions");
    assert_eq!(std::fs::read_dir(versions).unwrap().count(), 1, "one model, one version");
}
