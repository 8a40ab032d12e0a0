//! What must never read as passed.

use runner_tests::Workspace;

fn one_step(run: &str, rest: &str) -> String {
    format!("name: t\nstages:\n  one:\n    steps:\n      - id: s\n        run: |\n          {run}\n{rest}")
}

#[test]
fn a_remote_plugin_is_not_available_yet() {
    let workspace = Workspace::with_workflow(
        "name: t\nstages:\n  one:\n    steps:\n      - { id: s, uses: \"oci://ghcr.io/acme/check:1\" }\n",
    );
    let _ = workspace.run(&["check", "workflow.yml"]).expect_code(0);
    let seen = workspace.run(&["run", "workflow.yml"]).expect_code(6);
    insta::assert_snapshot!("remote_plugin_unavailable", seen.snapshot());
}

#[test]
fn a_failing_command_fails_the_run() {
    let workspace = Workspace::with_workflow(&one_step("echo about to fail; exit 7", ""));
    let seen = workspace.run(&["run", "workflow.yml"]).expect_code(1);
    insta::assert_snapshot!("failing_command", seen.snapshot());
}

#[test]
fn a_missing_output_is_a_failure() {
    let workspace = Workspace::with_workflow(&one_step(
        "true",
        "        out: { model: { path: model.onnx, kind: model } }\n",
    ));
    let seen = workspace.run(&["run", "workflow.yml"]).expect_code(1);
    assert!(seen.stdout.contains("model.onnx") || seen.stderr.contains("model.onnx"), "{}", seen.snapshot());
}

#[test]
fn a_metric_that_nobody_reported_is_an_error() {
    let workspace = Workspace::with_workflow(&one_step("true", "    gates: [ accuracy >= 0.9 ]\n"));
    let seen = workspace.run(&["run", "workflow.yml"]).expect_code(3);
    insta::assert_snapshot!("missing_metric", seen.snapshot());
}

#[test]
fn not_a_number_never_passes() {
    for value in ["NaN", "\\\"NaN\\\"", "1e999", "-Infinity"] {
        let report = format!(
            "printf '%s\\n' \"{{\\\"name\\\": \\\"loss\\\", \\\"value\\\": {value}}}\" >> \"$RUNNER_METRICS\""
        );
        let workspace =
            Workspace::with_workflow(&one_step(&report, "    gates: [ loss <= 100, loss >= -100 ]\n"));
        let seen = workspace.run(&["run", "workflow.yml"]);
        assert!([1, 3].contains(&seen.code), "{value}: {}", seen.snapshot());
    }
}

/// A check that only reports leaves the verdict to gates, which must not read "nothing to compute" as "nothing wrong".
#[test]
fn what_a_check_could_not_compute_never_passes() {
    let workflow = |step: &str, gate: &str| {
        format!(
            "name: t\ndata:\n  now: {{ path: now.csv }}\n  before: {{ path: before.csv }}\nstages:\n  one:\n    steps:\n      - \
             {{ id: s, {step} }}\n    gates: [ \"{gate}\" ]\n"
        )
    };
    let check = "uses: \"builtin:table-check\", in: { data: data.now }, with: { on-error: report, schema: { columns: { x: { \
                 type: number, mean: { min: 0 }, null-share: { max: 1 } } } } }";
    let drift = "uses: \"builtin:drift-check\", in: { data: data.now, reference: data.before }, with: { methods: [ks] }";
    let before = "x\n1\n2\n3\n";
    for (now, step, gate, code, told) in [
        ("x\n1\n2\n", check, "schema_errors == 0", 0, ""),
        ("x\n\"\"\n\"\"\n", check, "schema_errors == 0", 3, "there is no value to take the mean of"),
        ("x\n", check, "null_share[column=x] <= 1", 3, "null_share"),
        (before, drift, "drifted_columns == 0", 0, ""),
        ("x\n\"\"\n\"\"\n\"\"\n", drift, "drifted_columns == 0", 1, "whether it drifted was not measured"),
    ] {
        let workspace = Workspace::with_workflow(&workflow(step, gate));
        workspace.write("now.csv", now);
        workspace.write("before.csv", before);
        let seen = workspace.run(&["run", "workflow.yml"]).expect_code(code);
        assert!(seen.stdout.contains(told), "{}", seen.snapshot());
    }
}

/// A schema that is inferred is fit by its file, or there is none.
#[test]
fn no_schema_is_inferred_that_its_file_does_not_fit() {
    let workspace = Workspace::with_workflow(&one_step("true", ""));
    workspace.write("twice.csv", "a,a\n1,2\n");
    let seen = workspace.run(&["data", "infer", "twice.csv"]);
    assert_ne!(seen.code, 0, "{}", seen.snapshot());
    assert!(
        seen.stdout.is_empty() && seen.stderr.contains("two columns are named `a`"),
        "{}",
        seen.snapshot()
    );
}

#[test]
fn bounds_are_exact_decimals() {
    let report = "printf '%s\\n' '{\"name\": \"a\", \"value\": 0.85}' '{\"name\": \"b\", \"value\": 0.8}' >> \"$RUNNER_METRICS\"";
    let workspace = Workspace::with_workflow(&one_step(report, "    gates: [ a >= b + 0.05 ]\n"));
    let _ = workspace.run(&["run", "workflow.yml"]).expect_code(0);
}

#[test]
fn nothing_is_promoted_without_a_gate() {
    let workspace = Workspace::with_workflow(&one_step(
        "echo model > \"$RUNNER_OUT_MODEL\"",
        "        out: { model: { path: model.onnx, kind: model } }\n  deploy:\n    promote: { model: s.model, to: registry:m@champion }\n",
    ));
    let seen = workspace.run(&["run", "workflow.yml"]);
    assert_ne!(seen.code, 0, "{}", seen.snapshot());
    assert!(!workspace.path().join(".runner/registry/m").exists());
}

/// A disk that is full at the end, or whatever else stands in the way: what cannot be looked at later has not passed.
#[test]
fn a_run_that_cannot_be_recorded_has_not_passed() {
    let in_the_way = "cd .runner/runs/* && mkdir run.json && touch run.json/it";
    let workspace = Workspace::with_workflow(&one_step(in_the_way, ""));
    let seen = workspace.run(&["run", "workflow.yml"]).expect_code(6);
    assert!(seen.stdout.contains("the record of the run cannot be written"), "{}", seen.snapshot());
    assert!(!seen.stdout.contains("passed"), "{}", seen.snapshot());
}

#[test]
fn a_step_that_takes_too_long_times_out() {
    let workspace = Workspace::with_workflow(&one_step("sleep 60", "        timeout: 300ms\n"));
    let seen = workspace.run(&["run", "workflow.yml"]).expect_code(124);
    insta::assert_snapshot!("timeout", seen.snapshot());
}

#[test]
fn policy_can_deny_steps_on_the_host() {
    let workspace =
        Workspace::with_workflow(&format!("policy: {{ host-steps: deny }}\n{}", one_step("true", "")));
    let _ = workspace.run(&["run", "workflow.yml"]).expect_code(5);
}

#[test]
fn values_are_never_spliced_into_shell_text() {
    let workspace = Workspace::with_workflow(&format!(
        "params: {{ word: plain }}\n{}",
        one_step("echo ${{ params.word }} \"${{ params.word }}\" > out.txt", "")
    ));
    let hostile = "word=$(touch stolen); `touch stolen` \"; touch stolen; '";
    let _ = workspace.run(&["run", "workflow.yml", "-p", hostile]);
    assert!(!workspace.path().join("stolen").exists(), "a parameter was run as shell text");
}
