//! What a run refused is promoted by no command either: `model promote`, `approve`, `rollback` and `verify` ask the same.

use runner_tests::{Seen, Workspace};
use serde_json::Value;

use crate::champion::latest;

/// A stage that makes a model of the text `params.acc`, and what measures it.
const TRAIN: &str = r#"
params: { acc: 0.95 }
stages:
  train:
    steps:
      - { id: fit, env: { A: "${{ params.acc }}" }, run: "echo $A > $RUNNER_OUT_MODEL", out: { model: { path: model.bin, kind: model } } }
"#;
const MEASURE: &str = r#"
    steps:
      - { id: measure, in: { model: fit.model }, run: "echo \"{\\\"name\\\":\\\"accuracy\\\",\\\"value\\\":$(cat $RUNNER_IN_MODEL)}\" >> $RUNNER_METRICS" }
"#;

/// A stage that judges the model by these gates and promotes it to `m@champion`.
fn judged(gates: &str) -> String {
    format!("\n  evaluate:\nMEASURE\n    gates: [{gates}]\n{PROMOTE}")
}
const PROMOTE: &str = "    promote: { model: fit.model, to: \"registry:m@champion\" }\n";

fn workspace(head: &str, stages: &str) -> Workspace {
    let workspace = Workspace::empty();
    write(&workspace, head, stages);
    workspace
}

fn write(workspace: &Workspace, head: &str, stages: &str) {
    workspace.write("w.yml", format!("name: w\n{head}{TRAIN}{}", stages.replace("\nMEASURE\n", MEASURE)));
}

fn run(workspace: &Workspace, acc: &str, code: i32) -> Seen {
    workspace.run(&["run", "w.yml", "-p", &format!("acc={acc}")]).expect_code(code)
}

fn promote(workspace: &Workspace, alias: &str, what: &str) -> Seen {
    workspace.run(&["model", "promote", alias, what])
}

/// Approves the newest run, whose evidence is what it is.
fn approve(workspace: &Workspace, id: &str) -> Seen {
    let evidence = std::fs::read(workspace.path().join(format!(".runner/runs/{id}/evidence.json"))).unwrap();
    let digest = runner_store::Digest::of_bytes(&evidence).to_string();
    workspace.run(&["approve", id, "--evidence", &digest, "--why", "seen"])
}

/// Verifies a model of these bytes by the evidence of the newest run.
fn verify(workspace: &Workspace, model: &str) -> Seen {
    workspace.write("model.bin", format!("{model}\n"));
    let evidence = format!(".runner/runs/{}/evidence.json", latest(workspace));
    workspace.run(&["verify", "model.bin", "--evidence", &evidence, "--workflow", "w.yml"])
}

/// The version that `m@ALIAS` points to.
fn version(workspace: &Workspace, alias: &str) -> Option<u64> {
    let shown = workspace.run(&["model", "history", &format!("m@{alias}"), "--json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).ok()?;
    shown[0]["changes"].as_array()?.last()?["version"].as_u64()
}

#[test]
fn a_stage_without_gates_that_failed_is_in_the_way() {
    let stages = r#"
  evaluate:
MEASURE
    gates: [accuracy >= 0.9]
  smoke:
    steps:
      - { id: s, in: { model: fit.model }, run: "exit 1" }
  release:
    promote: { model: fit.model, to: "registry:m@champion" }
"#;
    let workspace = workspace("", stages);
    let _ = run(&workspace, "0.95", 1);
    let seen = promote(&workspace, "m@champion", "run:latest").expect_code(5);
    insta::assert_snapshot!("failed_stage", seen.snapshot());
    let _ = promote(&workspace, "m@canary", "run:latest").expect_code(5);
    let seen = verify(&workspace, "0.95").expect_code(5);
    assert!(seen.stderr.contains("evidence::stage"), "{}", seen.snapshot());
    assert_eq!(version(&workspace, "champion"), None);
    // A stage that its own condition leaves out is in nobody's way.
    write(&workspace, "", &stages.replace("  smoke:\n", "  smoke:\n    if: ${{ params.acc == 1 }}\n"));
    let _ = run(&workspace, "0.95", 0);
    let _ = promote(&workspace, "m@canary", "run:latest").expect_code(0);
    let _ = verify(&workspace, "0.95").expect_code(0);
}

#[test]
fn a_stage_that_was_not_selected_is_in_the_way() {
    let stages = r#"
  evaluate:
MEASURE
    gates: [accuracy >= 0.9]
  smoke:
    steps:
      - { id: s, in: { model: fit.model }, run: "exit 1" }
  release:
    needs: [evaluate, smoke]
    promote: { model: fit.model, to: "registry:m@champion" }
"#;
    let workspace = workspace("", stages);
    let selected = ["run", "w.yml", "--stage", "train", "--stage", "evaluate", "--stage", "release"];
    let seen = workspace.run(&selected);
    assert!(seen.stdout.contains("the steps of stage `smoke` did not run"), "{}", seen.snapshot());
    assert_eq!(version(&workspace, "champion"), None, "{}", seen.snapshot());
    let seen = promote(&workspace, "m@champion", "run:latest").expect_code(5);
    assert!(seen.stderr.contains("the steps of stage `smoke` did not run"), "{}", seen.snapshot());
}

#[test]
fn an_approval_lets_through_what_is_held_and_nothing_else() {
    let stages = r#"
  smoke:
    needs: [train]
    steps:
      - { id: s, in: { model: fit.model }, run: "sleep 0.3; exit 1" }
  evaluate:
    needs: [train]
MEASURE
    gates: [accuracy >= 0.99 else hold]
  release:
    needs: [smoke, evaluate]
    promote: { model: fit.model, to: "registry:m@champion" }
"#;
    let workspace = workspace("", stages);
    let _ = run(&workspace, "0.95", 1);
    let seen = approve(&workspace, &latest(&workspace)).expect_code(5);
    insta::assert_snapshot!("approval_of_a_failed_run", seen.snapshot());
    assert_eq!(version(&workspace, "champion"), None);
    assert!(!workspace.path().join(format!(".runner/runs/{}/approval.json", latest(&workspace))).exists());
    // Steps that did not run because of the hold are as unknown as gates that were not judged.
    let after = stages.replace("needs: [train]\n    steps", "needs: [evaluate]\n    steps");
    write(&workspace, "", &after);
    let _ = run(&workspace, "0.95", 4);
    let seen = approve(&workspace, &latest(&workspace)).expect_code(5);
    assert!(seen.stderr.contains("the steps of stage `smoke` did not run"), "{}", seen.snapshot());
}

#[test]
fn a_warning_is_no_pass() {
    let workspace = workspace("", &judged("accuracy >= 0.9 else warn"));
    let seen = run(&workspace, "0.1", 3);
    assert!(seen.stdout.contains("no gate judged this model"), "{}", seen.snapshot());
    let seen = promote(&workspace, "m@champion", "run:latest").expect_code(3);
    insta::assert_snapshot!("only_a_warning", seen.snapshot());
    let seen = verify(&workspace, "0.1").expect_code(3);
    assert!(seen.stderr.contains("no gate judged this model"), "{}", seen.snapshot());
    let _ = run(&workspace, "0.95", 0);
    let _ = verify(&workspace, "0.95").expect_code(0);
}

#[test]
fn a_gate_on_the_data_alone_judged_no_model() {
    let workspace = workspace("", &judged("accuracy >= 0.9 else warn"));
    let text = workspace.read("w.yml").replace(
        "stages:\n",
        "stages:\n  data:\n    steps:\n      - { id: d, run: \"echo '{\\\"name\\\":\\\"rows\\\",\\\"value\\\":9}' >> $RUNNER_METRICS\" }\n    gates: [rows >= 1]\n",
    );
    workspace.write("w.yml", text);
    let _ = run(&workspace, "0.1", 3);
    let seen = promote(&workspace, "m@champion", "run:latest").expect_code(3);
    assert!(seen.stderr.contains("no gate judged this model"), "{}", seen.snapshot());
    let _ = verify(&workspace, "0.1").expect_code(3);
}

#[test]
fn evidence_of_an_incomplete_run_verifies_nothing() {
    let stages = r#"
  evaluate:
MEASURE
    gates: [accuracy >= 0.9]
  safety:
    steps:
      - { id: s, in: { model: fit.model }, run: "exit 1" }
    gates: [harm <= 0.1]
    promote: { model: fit.model, to: "registry:m@champion" }
"#;
    let workspace = workspace("", stages);
    let _ = run(&workspace, "0.95", 1);
    insta::assert_snapshot!("incomplete", verify(&workspace, "0.95").expect_code(5).snapshot());
    // Likewise where nothing is to be promoted.
    let text = workspace.read("w.yml");
    workspace.write("w.yml", text.replace(PROMOTE, ""));
    let _ = run(&workspace, "0.95", 1);
    let seen = verify(&workspace, "0.95").expect_code(5);
    assert!(seen.stderr.contains("evidence::incomplete"), "{}", seen.snapshot());
}

const COMPARED: &str = r#"
  evaluate:
MEASURE
    gates: [accuracy >= 0.5, accuracy >= baseline]
    promote: { model: fit.model, to: "registry:m@challenger" }
"#;
const BASELINE: &str = "baseline: { model: \"registry:m@champion\", first: rubber-stamp }\n";

#[test]
fn a_champion_that_was_replaced_since_is_noticed_whatever_the_workflow_promotes_to() {
    let workspace = workspace(BASELINE, COMPARED);
    let _ = run(&workspace, "0.90", 0);
    let _ = promote(&workspace, "m@champion", "v1").expect_code(0);
    let _ = run(&workspace, "0.91", 0);
    let second = latest(&workspace);
    let _ = run(&workspace, "0.95", 0);
    let _ = promote(&workspace, "m@champion", "v3").expect_code(0);
    let seen = promote(&workspace, "m@champion", "v2").expect_code(5);
    insta::assert_snapshot!("champion_was_replaced", seen.snapshot());
    let _ = promote(&workspace, "m@champion", &format!("run:{second}")).expect_code(5);
    assert_eq!(version(&workspace, "champion"), Some(3));
    // Nothing was compared with what is there.
    let _ = promote(&workspace, "m@canary", "v2").expect_code(0);
}

#[test]
fn an_approval_over_a_champion_that_was_replaced_since_is_refused() {
    let stages = COMPARED
        .replace("m@challenger", "m@champion")
        .replace("accuracy >= 0.5,", "accuracy >= 0.5, accuracy <= 0.94 else hold,");
    let workspace = workspace(BASELINE, &stages);
    let _ = run(&workspace, "0.90", 0);
    let _ = run(&workspace, "0.95", 4);
    let held = latest(&workspace);
    let _ = run(&workspace, "0.92", 0);
    let seen = approve(&workspace, &held).expect_code(5);
    assert!(seen.stderr.contains("registry::moved"), "{}", seen.snapshot());
    assert_eq!(version(&workspace, "champion"), Some(2));
}

#[test]
fn an_approval_is_given_once() {
    let workspace = workspace("", &judged("accuracy >= 0.9 else hold"));
    let _ = run(&workspace, "0.8", 4);
    let held = latest(&workspace);
    let _ = approve(&workspace, &held).expect_code(0);
    let _ = run(&workspace, "0.95", 0);
    let seen = approve(&workspace, &held).expect_code(0);
    insta::assert_snapshot!("approved_before", seen.snapshot());
    assert_eq!(version(&workspace, "champion"), Some(2));
}

#[test]
fn what_a_person_let_through_may_be_promoted_and_gone_back_to() {
    let workspace = workspace("", &judged("accuracy >= 0.9 else hold"));
    let _ = run(&workspace, "0.8", 4);
    let held = latest(&workspace);
    let _ = verify(&workspace, "0.8").expect_code(4);
    let _ = promote(&workspace, "m@canary", "run:latest").expect_code(4);
    let _ = approve(&workspace, &held).expect_code(0);
    let seen = workspace.run(&["verify", "registry:m@champion", "--workflow", "w.yml"]).expect_code(0);
    let approved =
        seen.stdout.lines().find(|line| line.starts_with("approved   by ")).expect("who let it through");
    assert!(approved.ends_with(": seen"), "{approved}");
    assert!(seen.stdout.contains("HOLD by 1 gate"), "{}", seen.snapshot());
    let _ = promote(&workspace, "m@canary", &format!("run:{held}")).expect_code(0);
    let _ = promote(&workspace, "m@stable", "v1").expect_code(0);
    let _ = workspace.run(&["verify", "registry:m@stable"]).expect_code(0);
    let _ = run(&workspace, "0.95", 0);
    let _ = workspace.run(&["model", "rollback", "m@champion", "--why", "x"]).expect_code(0);
    assert_eq!(version(&workspace, "champion"), Some(1));
    let _ = workspace.run(&["verify", "registry:m@champion"]).expect_code(0);
}

#[test]
fn an_approval_is_of_one_evidence_and_signed() {
    let workspace = workspace("", &judged("accuracy >= 0.9 else hold"));
    let of = |id: &str, file: &str| format!(".runner/runs/{id}/{file}.json");
    let _ = run(&workspace, "0.8", 4);
    let first = latest(&workspace);
    let _ = approve(&workspace, &first).expect_code(0);
    let _ = run(&workspace, "0.7", 4);
    let second = latest(&workspace);
    let verify = |model: &str, id: &str, approval: &str| {
        workspace.write("model.bin", format!("{model}\n"));
        workspace.run(&["verify", "model.bin", "--evidence", &of(id, "evidence"), "--approval", approval])
    };
    let _ = verify("0.8", &first, &of(&first, "approval")).expect_code(0);
    let seen = verify("0.7", &second, &of(&first, "approval")).expect_code(5);
    assert!(
        seen.stderr.contains("error[evidence::approval]: this is no approval of it"),
        "{}",
        seen.snapshot()
    );
    // Copied beside other evidence it lets nothing through either, and evidence is no approval of itself.
    workspace.write(&of(&second, "approval"), workspace.read(&of(&first, "approval")));
    let seen = promote(&workspace, "m@champion", "run:latest").expect_code(5);
    assert!(seen.stderr.contains("evidence::approval"), "{}", seen.snapshot());
    let seen = verify("0.7", &second, &of(&second, "evidence")).expect_code(5);
    assert!(seen.stderr.contains("`predicateType`"), "{}", seen.snapshot());
    // What nobody signed says nothing.
    let mut bundle: Value = serde_json::from_str(&workspace.read(&of(&first, "approval"))).unwrap();
    bundle["dsseEnvelope"]["signatures"] = serde_json::json!([]);
    workspace.write("approval.json", bundle.to_string());
    let seen = verify("0.8", &first, "approval.json").expect_code(5);
    assert!(seen.stderr.contains("it is not signed"), "{}", seen.snapshot());
    assert_eq!(version(&workspace, "champion"), Some(1));
}

#[test]
fn a_version_that_is_judged_again_has_the_newer_evidence() {
    let workspace = workspace("", &judged("accuracy >= 0.9"));
    let _ = run(&workspace, "0.95", 0);
    write(&workspace, "", &judged("accuracy >= 0.94"));
    let verify = || workspace.run(&["verify", "registry:m@champion", "--workflow", "w.yml"]);
    let _ = verify().expect_code(5);
    let _ = promote(&workspace, "m@prod", "v1").expect_code(5);
    let again = run(&workspace, "0.95", 0);
    assert!(again.stdout.contains("unchanged"), "{}", again.snapshot());
    let _ = verify().expect_code(0);
    let _ = promote(&workspace, "m@prod", "v1").expect_code(0);
    let history = workspace.run(&["model", "history", "m@champion"]).expect_code(0);
    insta::assert_snapshot!("judged_again", history.snapshot());
    // It is where it was: there is still nothing before it.
    let back = workspace.run(&["model", "rollback", "m@champion", "--why", "x"]).expect_code(2);
    assert!(back.stderr.contains("registry::nothing_before"), "{}", back.snapshot());
    // Back to it rests on the newer evidence, too.
    let _ = run(&workspace, "0.96", 0);
    let _ = workspace.run(&["model", "rollback", "m@champion", "--why", "x"]).expect_code(0);
    let _ = verify().expect_code(0);
}

#[test]
fn of_two_gates_that_ask_the_same_the_one_that_failed_is_waived() {
    let text = r#"
name: w
stages:
  a:
    steps:
      - { id: m, run: "echo '{\"name\":\"accuracy\",\"value\":0.95}' >> $RUNNER_METRICS" }
    gates: [accuracy >= 0.9]
  b:
    steps:
      - { id: n, run: "echo '{\"name\":\"accuracy\",\"value\":0.5}' >> $RUNNER_METRICS" }
    gates: [accuracy >= 0.9]
"#;
    let workspace = Workspace::with_workflow(text);
    let _ = workspace.run(&["run", "workflow.yml"]).expect_code(3);
    let waive = ["waive", "latest", "accuracy >= 0.9", "--reason", "r", "--until", "2999-01-01"];
    let _ = workspace.run(&waive).expect_code(0);
    let seen = workspace.run(&["run", "workflow.yml"]).expect_code(0);
    assert!(seen.stdout.contains("WAIVED"), "{}", seen.snapshot());
}
