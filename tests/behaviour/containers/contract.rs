//! A step in a container sees what every step sees: named inputs and outputs, metrics, findings, its seed.

use std::os::unix::fs::MetadataExt;

use runner_tests::{Workspace, engine::Engine};

use super::{one_step, workflow};

/// A workflow whose steps pass a file, a folder, a metric and a finding along.
const EVERYTHING: &str = r#"
name: contract
params: { greeting: hello }
data: { rows: { path: rows.csv } }
stages:
  make:
    steps:
      - id: make
        container: runner-test/base
        run: |
          test "$(pwd)" = /workspace
          test -f workflow.yml
          test "$RUNNER_IN_ROWS" = "$(ls "$RUNNER_IN_ROWS")"
          case "$RUNNER_IN_ROWS" in /in/rows*) ;; *) echo "the input is at $RUNNER_IN_ROWS"; exit 9;; esac
          case "$RUNNER_OUT_COPY" in /out/*) ;; *) echo "the output is at $RUNNER_OUT_COPY"; exit 9;; esac
          cat "$RUNNER_IN_ROWS" > "$RUNNER_OUT_COPY"
          mkdir -p "$RUNNER_OUT_FOLDER/deep"
          echo "${{ params.greeting }}, seed $RUNNER_SEED, $WHO" > "$RUNNER_OUT_FOLDER/deep/note.txt"
          echo '{"name": "rows", "value": 2}' >> "$RUNNER_METRICS"
          echo '{"severity": "warning", "rule": "few-rows", "message": "only two rows"}' >> "$RUNNER_FINDINGS"
        env: { WHO: "world of env" }
        seed: 42
        in: { rows: data.rows }
        out:
          copy: { path: copy.csv, kind: dataset }
          folder: { path: folder, kind: any }
    gates: [ rows == 2 ]
  use:
    steps:
      - id: use
        container: runner-test/base
        run: |
          grep -q 'hello, seed 42, world of env' "$RUNNER_IN_FOLDER/deep/note.txt"
          test "$(wc -l < "$RUNNER_IN_COPY")" = 3
        in: { copy: make.copy, folder: make.folder }
"#;

fn passes(engine: &Engine, workspace: &Workspace) {
    workspace.write("rows.csv", "id,label\n1,0\n2,1\n");
    let seen = super::ran(engine, workspace, 0);
    assert!(seen.stdout.contains("only two rows"), "{}", seen.snapshot());
}

on_docker_and_podman! {
    fn inputs_outputs_metrics_findings_and_seed(engine) {
        passes(engine, &Workspace::with_workflow(EVERYTHING));
    }

    /// Whoever runs the runner can read, change and remove what a step wrote, though root runs the engine.
    fn outputs_belong_to_the_caller(engine) {
        let workspace = one_step(
            "id -u > \"$RUNNER_OUT_USER\"\nmkdir \"$RUNNER_OUT_FOLDER\"; echo x > \"$RUNNER_OUT_FOLDER/x\"",
            "out: { user: { path: user.txt, kind: any }, folder: { path: folder, kind: any } }",
        );
        let _ = super::ran(engine, &workspace, 0);
        let me = rustix::process::getuid().as_raw();
        let mut folders = vec![workspace.path().join(".runner")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = path.symlink_metadata().unwrap();
                assert_eq!(metadata.uid(), me, "{} belongs to {}", path.display(), metadata.uid());
                if metadata.is_dir() {
                    folders.push(path);
                }
            }
        }
    }

    fn a_step_that_fails_says_how(engine) {
        let workspace = one_step("echo about to fail; exit 7", "");
        let seen = super::ran(engine, &workspace, 1);
        assert!(seen.stdout.contains('7'), "{}", seen.snapshot());
        assert!(seen.stdout.contains("about to fail"), "{}", seen.snapshot());
    }

    fn a_missing_output_is_a_failure(engine) {
        let workspace = one_step("true", "out: { model: { path: model.onnx, kind: model } }");
        let seen = super::ran(engine, &workspace, 1);
        assert!(seen.stdout.contains("model.onnx"), "{}", seen.snapshot());
    }

    /// As on the host: a value is passed as a variable, and never becomes shell text.
    fn values_are_never_spliced_into_shell_text(engine) {
        let text = workflow("params: { word: plain }", "echo \"got ${{ params.word }}\"; echo \"${{ params.word }}\" > \"$RUNNER_OUT_WORD\"",
            "out: { word: { path: word.txt, kind: any } }");
        let workspace = Workspace::with_workflow(&text);
        let hostile = "word=$(touch /out/stolen)`touch /out/stolen`\"; touch /out/stolen; '";
        let seen = engine.run(&workspace, &["run", "workflow.yml", "-p", hostile]).expect_code(0);
        let seen = seen.snapshot() + &engine.run(&workspace, &["logs", "latest", "s"]).stdout;
        assert!(seen.contains("got $(touch /out/stolen)`touch"), "{seen}");
    }

    /// `entrypoint`, `workdir` and `user` are the workflow's to say.
    fn entrypoint_workdir_and_user(engine) {
        let workspace = Workspace::with_workflow(
            r#"
name: t
stages:
  one:
    steps:
      - id: s
        container:
          image: runner-test/base
          entrypoint: [/bin/env, EXTRA=from-the-entrypoint]
          workdir: /tmp
          user: "65534:65534"
        run: |
          test "$EXTRA" = from-the-entrypoint
          test "$(pwd)" = /tmp
          test "$(id -u):$(id -g)" = 65534:65534
          echo done > "$RUNNER_OUT_NOTE"
        out: { note: { path: note.txt, kind: any } }
"#,
        );
        let _ = super::ran(engine, &workspace, 0);
    }

    /// The record of the run says which image it was, whatever its tag means later.
    fn the_digest_that_ran_is_recorded(engine) {
        let workspace = one_step("true", "");
        let _ = super::ran(engine, &workspace, 0);
        let image = engine.cli(&["image", "inspect", "--format", "{{.Id}}", "runner-test/base"]).expect_code(0);
        let digest = image.stdout.trim().trim_start_matches("sha256:").to_owned();
        let seen = engine.run(&workspace, &["report", "latest", "--format", "json"]).expect_code(0);
        assert!(seen.stdout.contains(&digest), "{digest} is not in\n{}", seen.stdout);
    }
}
