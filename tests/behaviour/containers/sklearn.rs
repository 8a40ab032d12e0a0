//! Real training in containers: scikit-learn's forest, exported, scored, judged and promoted; and the same outside.

use std::process::Command;

use runner_tests::{Seen, Workspace, project};

on_docker_and_podman! {
    fn the_example_trains_and_promotes(engine) {
        let workspace = Workspace::with_examples();
        let image = ["-p", "image=runner-test/python:latest"];
        let run = ["run", "workflows/sklearn.yml", image[0], image[1]];
        let seen = engine.run(&workspace, &run).expect_code(0);
        for line in ["✓ gate PASS   evaluate", "✓ promoted    deploy"] {
            assert!(seen.stdout.contains(line), "{line}: {}", seen.snapshot());
        }
        let report = engine.run(&workspace, &["report", "latest", "--format", "json"]).expect_code(0);
        workspace.write("report.json", &report.stdout);

        let python = std::env::var_os("RUNNER_TEST_PYTHON").expect("RUNNER_TEST_PYTHON names a Python with scikit-learn");
        let seen: Seen = Command::new(python)
            .arg(project().join("tests/sklearn/outside.py"))
            .arg(workspace.path())
            .output()
            .unwrap()
            .into();
        let seen = seen.expect_code(0);
        assert!(seen.stdout.contains("3 seeds agree"), "{}", seen.snapshot());
    }
}
