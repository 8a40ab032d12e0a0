//! The plan of whole workflows.

use std::fmt::Write as _;

use crate::world::{checked, shown};
use runner_workflow::plan::{Action, Comment, CommentMode, CommentOn, Kind, Patterns, Source};

/// The example of the language's description.
const CHURN: &str = r#"name: churn
on:
  pull_request: { paths: [src/**, params.yaml] }
  push: { branches: [main] }
params: { lr: 0.1, file: params.yaml }
data:
  train: { path: data/train.csv }
  test:  { path: data/test.csv, id: customer_id, label: churned }
metrics: { auc: { better: higher, unit: fraction }, latency_p95: { better: lower, unit: ms } }
baseline: { model: registry:churn@champion, evaluate: same-run, first: rubber-stamp, anchor: registry:churn@v3 }
secrets: { PROM: { from: env:PROM_TOKEN, inject: "Authorization: Bearer {}", to: https://prom.example.com } }
policy: { host-steps: warn, unsigned-plugins: deny }
defaults: { timeout: 30m, gates: { confidence: 0.95, min-samples: 200 } }

stages:
  validate:
    steps:
      - id: schema
        uses: builtin:table-check
        with: { schema: schema/churn.yaml }
        in:  { data: data.test }
      - id: unit
        container: python:3.12-slim
        run: pytest -q --junitxml "$RUNNER_OUT_JUNIT"
        out: { junit: { path: junit.xml, kind: tests } }
    gates: [ schema_errors == 0, tests_failed == 0 ]

  train:
    matrix: { seed: [0, 1, 2], max-parallel: 2 }
    steps:
      - id: fit
        container: ghcr.io/acme/churn:3.2
        run: python train.py --lr ${{ params.lr }} --seed "$SEED"
        env: { SEED: "${{ matrix.seed }}" }
        in:  { train: data.train }
        out: { model: { path: model.onnx, kind: model } }
        resources: { cpu: 4, memory: 8GiB, gpu: 1 }
        retry: { times: 2, delay: 10s, backoff: 2, on: [infra, "exit:137"] }
        timeout: 45m

  evaluate:
    steps:
      - id: score
        uses: builtin:onnx-score
        in:  { model: "fit[seed=0].model", baseline: baseline.model, data: data.test }
        out: { predictions: { kind: predictions } }
        allow: { net: [], read: [conf/], env: [TZ] }
        limits: { memory: 1GiB, time: 60s, output: 64MiB }
    gates:
      - auc >= baseline - 0.2pp
      - recall[region=*] >= 0.80

  deploy:
    if: event.name == 'push' && git.branch == 'main'
    environment: production
    promote: { model: "fit[seed=0].model", to: registry:churn@champion, keep: 5 }

report: { comment: { mode: sticky, on: change }, check: true, summary: true }
"#;

#[test]
fn the_example_of_the_design_has_a_plan() {
    let checked = checked(CHURN);
    assert_eq!(shown(CHURN, &checked.diagnostics), "");
    insta::assert_json_snapshot!(checked.plan.unwrap());
}

/// The plan of a workflow that must have no errors.
fn plan(text: &str) -> runner_workflow::plan::Plan {
    let checked = checked(text);
    let Some(plan) = checked.plan else { unreachable!("{}", shown(text, &checked.diagnostics)) };
    plan
}

#[test]
fn cells_follow_the_rules_of_github() {
    let text = "stages:
  s:
    matrix:
      fruit: [apple, pear]
      animal: [cat, dog]
      exclude: [{ fruit: pear, animal: dog }]
      include:
        - { color: green }
        - { color: pink, animal: cat }
        - { fruit: banana }
        - { fruit: banana, animal: cat }
    steps: [{ id: x, run: a }]
";
    let plan = plan(text);
    let cells: Vec<_> =
        plan.steps.iter().map(|step| format!("{} {}", step.id, serde_json::json!(step.matrix))).collect();
    assert_eq!(
        cells,
        [
            r#"x[fruit=apple,animal=cat] {"fruit":"apple","animal":"cat","color":"pink"}"#,
            r#"x[fruit=apple,animal=dog] {"fruit":"apple","animal":"dog","color":"green"}"#,
            r#"x[fruit=pear,animal=cat] {"fruit":"pear","animal":"cat","color":"pink"}"#,
            r#"x[fruit=banana] {"fruit":"banana"}"#,
            r#"x[fruit=banana,animal=cat] {"fruit":"banana","animal":"cat"}"#,
        ]
    );
}

#[test]
fn references_find_their_cells() {
    let text = "data: { d: { path: ./d/ } }
stages:
  a:
    matrix: { seed: [0, 1], lr: [0.1] }
    steps:
      - { id: fit, run: x, in: { d: data.d, c: ./conf//x.yaml }, out: { model: { path: m.onnx, kind: model } } }
      - { id: look, run: x, in: { m: fit.model, o: \"fit[seed=0,lr=0.1].model\" }, if: steps.fit.metrics.auc > 0.5 }
  b:
    steps:
      - { id: all, run: x, in: { m: \"fit[*].model\" }, needs: look }
      - { id: one, run: x, if: \"steps['fit[lr=0.10,seed=1]'].outcome == 'failed'\" }
    promote: { model: \"fit[seed=1,lr=0.1].model\", to: registry:m@champion }
";
    let plan = plan(text);
    let ids: Vec<_> = plan.steps.iter().map(|step| step.id.to_string()).collect();
    assert_eq!(
        ids,
        [
            "fit[seed=0,lr=0.1]",
            "fit[seed=1,lr=0.1]",
            "look[seed=0,lr=0.1]",
            "look[seed=1,lr=0.1]",
            "all",
            "one"
        ]
    );
    assert_eq!(plan.data["d"].path, "d/");
    assert_eq!(plan.steps[0].inputs["c"], Source::Path("conf/x.yaml".to_owned()));
    let look = &plan.steps[3];
    assert!(matches!(&look.inputs["m"], Source::Output(output) if output.step == 1));
    assert!(matches!(&look.inputs["o"], Source::Output(output) if output.step == 0));
    assert_eq!(look.after, [0, 1]);
    assert_eq!(look.condition.as_ref().unwrap().to_string(), "steps['fit[seed=1,lr=0.1]'].metrics.auc > 0.5");
    assert!(matches!(&plan.steps[4].inputs["m"], Source::AllCells(cells) if cells.len() == 2));
    assert_eq!(plan.steps[4].after, [0, 1, 2, 3]);
    assert_eq!(plan.steps[5].after, [1]);
    assert_eq!(
        plan.steps[5].condition.as_ref().unwrap().to_string(),
        "steps['fit[seed=1,lr=0.1]'].outcome == 'failed'"
    );
    assert_eq!(plan.stages[1].promote.as_ref().unwrap().model.step, 1);
    assert_eq!((plan.steps[0].seed, plan.steps[1].seed), (0, 1));
}

#[test]
fn expressions_known_before_the_run_are_written_out() {
    let text = "params: { name: churn, seed: 7 }
stages:
  s:
    matrix: { region: [north, south] }
    steps:
      - id: x
        run: a
        in: { d: \"data/${{ matrix.region }}.csv\" }
        out: { r: \"${{ params.name }}-${{ matrix.region }}.md\" }
        seed: ${{ params.seed }}
";
    let plan = plan(text);
    assert_eq!(plan.steps[1].inputs["d"], Source::Path("data/south.csv".to_owned()));
    assert_eq!(plan.steps[1].outputs["r"].path, "churn-south.md");
    assert_eq!(plan.steps[1].seed, 7);
    assert_eq!(plan.steps[1].params_used, ["name", "seed"]);
}

#[test]
fn optional_outputs_of_plugins_are_planned_where_they_are_used() {
    let text = "data: { d: { path: d.csv } }
stages:
  validate:
    steps:
      - { id: quiet, uses: builtin:table-check, with: { schema: s }, in: { data: data.d } }
      - { id: loud, uses: builtin:table-check, with: { schema: s }, in: { data: data.d } }
      - { id: reader, run: x, in: { f: loud.findings } }
";
    let plan = plan(text);
    assert!(plan.steps[0].outputs.is_empty());
    assert_eq!(plan.steps[1].outputs["findings"].path, "findings.json");
    assert_eq!(plan.steps[1].outputs["findings"].kind, Kind::Report);
}

#[test]
fn environments_are_merged_and_defaults_apply() {
    let text = "env: { A: 1, B: 2 }
defaults: { timeout: 30m, retry: { times: 3, delay: 1s }, shell: sh, seed: 5 }
stages:
  s:
    env: { B: 3, C: 4 }
    steps:
      - { id: x, run: a, env: { C: 5 }, timeout: 90s }
      - { id: y, run: a, shell: [zsh, -c], retry: { times: 0 } }
";
    let plan = plan(text);
    let env: Vec<_> = plan.steps[0].env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["A=1", "B=3", "C=5"]);
    assert_eq!(plan.steps[0].timeout.unwrap().as_secs(), 90);
    assert_eq!(plan.steps[1].timeout.unwrap().as_secs(), 1800);
    assert_eq!((plan.steps[0].retry.times, plan.steps[1].retry.times), (3, 0));
    assert_eq!(plan.steps[0].seed, 5);
    let Action::Process { run } = &plan.steps[1].action else { panic!() };
    assert_eq!(run.shell.as_deref().unwrap(), ["zsh", "-c"]);
}

#[test]
fn what_cannot_be_done_yet_is_named_with_its_stage() {
    let text = "report: { comment: true, check: true, summary: true }
baseline: { model: \"registry:m@champion\" }
stages:
  a: { steps: [{ id: x, run: a, resources: { gpu: 0 } }] }
  b: { steps: [{ id: y, container: { build: ./docker }, resources: { gpu: 2 } }] }
  c: { environment: production, steps: [{ id: z, uses: \"oci://ghcr.io/x/y:1\", allow: { net: [\"https://x.com\"] } }] }
";
    let plan = plan(text);
    let keys: Vec<_> = plan.unavailable.iter().map(|item| format!("{} {:?}", item.key, item.stage)).collect();
    let expected = ["uses Some(2)", "allow.net Some(2)"];
    assert_eq!(keys, expected);
}

#[test]
fn events_and_reports() {
    let plan = plan(
        "on:
  pull_request: { branches: [main, 'release/**'], paths-ignore: docs/**, types: [opened, labeled] }
  push:
  workflow_run: { workflows: [CI] }
policy: { approvers: ['@acme/ml-leads', alice] }
report: { comment: { mode: new, on: change }, check: true }
stages: { a: { steps: [{ id: x, run: a }] } }
",
    );
    let triggers = plan.triggers.unwrap();
    assert_eq!(
        triggers.iter().map(|trigger| trigger.event.as_str()).collect::<Vec<_>>(),
        ["pull_request", "push", "workflow_run"]
    );
    assert_eq!(triggers[0].branches, Patterns::Only(vec!["main".into(), "release/**".into()]));
    assert_eq!(triggers[0].paths, Patterns::Except(vec!["docs/**".into()]));
    assert_eq!(triggers[0].types, ["opened", "labeled"]);
    assert_eq!(triggers[1].branches, Patterns::Any);
    assert_eq!(triggers[2].workflows, ["CI"]);
    assert_eq!(plan.policy.approvers, ["acme/ml-leads", "alice"]);
    assert_eq!(plan.report.comment, Some(Comment { mode: CommentMode::New, on: CommentOn::Change }));
    assert!(plan.report.check);
    assert_eq!(plan.report.summary, None);
}

#[test]
fn graphs() {
    let text = "data: { d: { path: d.csv } }
stages:
  train:
    matrix: { seed: [0, 1] }
    steps: [{ id: fit, run: x, in: { d: data.d }, out: { model: { kind: model } } }]
    gates: [ 'a \"quoted\" & <b> ; #1 >= 0' ]
  deploy:
    steps: [{ id: check, run: x, in: { m: \"fit[*].model\" } }, { id: last, run: x, needs: check }]
    promote: { model: \"fit[seed=0].model\", to: registry:m@champion }
";
    let plan = plan(text);
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(runner_workflow::graph::mermaid(&plan));
        insta::assert_snapshot!(runner_workflow::graph::dot(&plan));
    });
}

#[test]
fn a_workflow_of_5000_steps() {
    let mut text = "stages:\n  s:\n    steps:\n      - { id: s0, run: x, out: { o: o } }\n".to_owned();
    for step in 1..5000 {
        let before = step - 1;
        let _ =
            writeln!(text, "      - {{ id: s{step}, run: x, in: {{ i: s{before}.o }}, out: {{ o: o }} }}");
    }
    let plan = plan(&text);
    assert_eq!(plan.steps.len(), 5000);
    assert_eq!(plan.steps[4999].after, [4998]);
}
