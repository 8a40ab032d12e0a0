//! The examples that a newcomer runs.

use runner_tests::{Seen, Workspace};

/// The end of a report, which stands in the order of the file. The lines before it come as steps end, in any order.
fn summary(seen: &Seen) -> String {
    let text = seen.snapshot();
    let start = text.find("\nMetrics").expect("a summary with metrics");
    text[start..].to_owned()
}

#[test]
fn quickstart_trains_gates_and_promotes() {
    let workspace = Workspace::with_examples();
    let seen = workspace.run(&["run", "workflows/quickstart.yml"]).expect_code(0);
    for line in ["✓ succeeded   train/fit", "✓ gate PASS   evaluate", "✓ promoted    deploy"] {
        assert!(seen.stdout.contains(line), "{line}: {}", seen.snapshot());
    }
    insta::assert_snapshot!("quickstart", summary(&seen));

    // What the run worked with is gone, and a later one has nothing to remove.
    for run in std::fs::read_dir(workspace.path().join(".runner/runs")).unwrap() {
        assert!(!run.unwrap().path().join("work").exists(), "the scratch of a run is left");
    }
    let history = workspace.run(&["model", "history", "breast-cancer", "--json"]).expect_code(0);
    let history: serde_json::Value = serde_json::from_str(&history.stdout).unwrap();
    assert!(history.to_string().contains("champion"), "{history}");
}

#[test]
fn the_same_model_is_promoted_once() {
    let workspace = Workspace::with_examples();
    let first = workspace.run(&["run", "workflows/quickstart.yml"]).expect_code(0);
    let second = workspace.run(&["run", "workflows/quickstart.yml"]).expect_code(0);
    assert_ne!(first.stdout, "", "a report is printed");
    assert_ne!(second.stdout, "", "a report is printed");
    let versions = workspace.path().join(".runner/registry/breast-cancer/versions");
    assert_eq!(
        std::fs::read_dir(versions).unwrap().count(),
        1,
        "training is deterministic, so there is one version"
    );
}

#[test]
fn a_broken_row_fails_the_step_and_is_named() {
    let workspace = Workspace::with_examples();
    let seen = workspace.run(&["run", "workflows/broken-row.yml"]).expect_code(1);
    insta::assert_snapshot!("broken_row", summary(&seen));
    assert!(!workspace.path().join(".runner/registry/breast-cancer").exists(), "nothing is promoted");
}

#[test]
fn a_failing_gate_refuses_the_promotion_and_says_why() {
    let workspace = Workspace::with_examples();
    let seen = workspace.run(&["run", "workflows/gate-fails.yml"]).expect_code(3);
    insta::assert_snapshot!("gate_fails", summary(&seen));
    assert!(!workspace.path().join(".runner/registry/breast-cancer").exists(), "nothing is promoted");
}

#[test]
fn every_example_is_valid() {
    let workspace = Workspace::with_examples();
    for entry in std::fs::read_dir(workspace.path().join("workflows")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yml") {
            let _ = workspace.run(&["check", path.to_str().unwrap()]).expect_code(0);
        }
    }
}

#[test]
fn reports_are_made_again_from_the_record() {
    let workspace = Workspace::with_examples();
    let _ = workspace.run(&["run", "workflows/quickstart.yml"]).expect_code(0);
    let markdown = workspace.run(&["report", "latest", "--format", "markdown"]).expect_code(0);
    assert!(markdown.stdout.contains(r"roc\_auc"), "{}", markdown.stdout);
    let junit = workspace.run(&["report", "latest", "--format", "junit"]).expect_code(0);
    assert!(junit.stdout.contains("<testsuite"), "{}", junit.stdout);
    let json = workspace.run(&["report", "latest", "--format", "json"]).expect_code(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(json.is_object(), "{json}");
    for view in [&["ls"] as &[&str], &["show", "latest"], &["logs", "latest"], &["model", "ls"]] {
        let _ = workspace.run(view).expect_code(0);
    }
    // None is no number of runs to list.
    let _ = workspace.run(&["ls", "-n", "0"]).expect_code(2);
}
