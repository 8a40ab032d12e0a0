//! The plan of whole workflows.

mod world;

use runner_workflow::{
    CheckOptions,
    plan::{Action, Kind, Source},
};
use world::{check_with, checked, shown};

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
