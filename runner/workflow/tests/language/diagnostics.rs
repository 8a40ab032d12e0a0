//! What people see of bad files: every problem at once, each with its code, place and advice.

use std::fmt::Write as _;

use crate::world::{check_with, checked, shown};
use runner_workflow::{CheckOptions, Severity};

/// Check each text and show it with its problems. Every one must have an error or a warning.
fn gallery(cases: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, text) in cases {
        let checked = checked(text);
        assert!(!checked.diagnostics.is_empty(), "{name} has no problems");
        assert_eq!(checked.plan.is_none(), checked.has_errors(), "{name}");
        let _ = write!(out, "== {name}\n{}\n", shown(text, &checked.diagnostics));
    }
    out
}

/// Compare with the snapshot, without repeating the source of the test in it.
macro_rules! show {
    ($shown:expr) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($shown) })
    };
}

/// A workflow with one stage of the given steps.
fn with_steps(steps: &str) -> String {
    format!("data: {{ d: {{ path: d.csv }} }}\nparams: {{ lr: 0.1 }}\nstages:\n  main:\n    steps:\n{steps}")
}

#[test]
fn syntax() {
    show!(gallery(&[
        ("empty", ""),
        ("only a comment", "# nothing\n"),
        ("not a mapping", "- a\n- b\n"),
        ("a scalar", "hello"),
        ("unclosed flow", "stages: { a: [1, 2 }\n"),
        ("unclosed quote", "name: \"abc\nstages: {}\n"),
        ("tab", "stages:\n\tmain:\n\t\tsteps: []\n"),
        ("bad indentation", "stages:\n  main:\n    steps: []\n   other: 1\n"),
        ("colon in plain text", "name: a: b\nstages: {}\n"),
        ("two documents", "name: a\n---\nname: b\n"),
        ("unknown alias", "name: &nam x\nparams: { a: *name }\nstages: { s: { gates: [a > 0] } }\n"),
        ("alias of itself", "params: &p\n  a: *p\nstages: { s: { gates: [a > 0] } }\n"),
        ("merge key", "params: &p { a: 1 }\nenv:\n  <<: *p\nstages: { s: { gates: [a > 0] } }\n"),
        ("tag", "name: !custom x\nstages: { s: { gates: [a > 0] } }\n"),
        ("duplicate keys", "name: a\nname: b\nstages: { s: { gates: [a > 0] } }\n"),
        ("a list as a key", "? [a, b]\n: c\nstages: { s: { gates: [a > 0] } }\n"),
        ("brackets in a flow list of gates", "stages:\n  s:\n    gates: [ recall[region=*] >= 0.8 ]\n"),
    ]));
}

#[test]
fn keys_and_types() {
    show!(gallery(&[
        ("nothing but a name", "name: x\n"),
        (
            "many at once",
            "nmae: churn\nname: 3.2\nstagess: {}\nparams: []\ndata:\n  train: data/train.csv\n  te st: { path: t.csv }\nmetrics: { auc: { better: hihger } }\npolicy: { host-steps: forbid }\nstages:\n  main:\n    step: []\n    steps:\n      - uses: builtin:table-chek\n      - run: echo\n        timeout: 30\n        limits: { memory: 8, time: 5 minutes, output: 8Gib }\n        retry: { times: -1, delay: 10, on: [exit:x, tmeout] }\n        allow: { clock: yes }\n",
        ),
        ("null values", "stages:\n  main:\n    steps:\n      - id:\n        run: echo\n    needs:\n"),
        ("empty stages", "stages: {}\n"),
        ("empty stage", "stages: { main: {} }\n"),
        (
            "events",
            "on: { psuh: {}, push: { branches: [a], branches-ignore: [b] }, schedule: {} }\nstages: { s: { gates: [a > 0] } }\n"
        ),
        ("events as a list", "on: [push, pull_requests]\nstages: { s: { gates: [a > 0] } }\n"),
        ("not finite", "params: { a: .nan, b: 1e999 }\nstages: { s: { gates: [a > 0] } }\n"),
        (
            "report",
            "report: { comment: { mode: stciky }, check: maybe }\nstages: { s: { gates: [a > 0] } }\n"
        ),
    ]));
}

#[test]
fn steps() {
    let cases = [
        ("nothing to run", "      - id: a\n"),
        ("uses and run", "      - { id: a, uses: builtin:onnx-score, run: x, container: y, shell: bash }\n"),
        (
            "with and allow without a plugin",
            "      - { id: a, run: x, with: { a: 1 }, allow: { clock: true } }\n",
        ),
        ("duplicate ids", "      - { id: a, run: x }\n      - { id: a, run: y }\n"),
        ("bad ids", "      - { id: a b, run: x }\n      - { id: data, run: y }\n"),
        (
            "plugin references",
            "      - uses: table-check\n      - uses: http://x/y.wasm\n      - uses: https://x/y.wasm\n      - uses: oci://x\n      - uses: ../x.wasm\n      - uses: ./broken.wasm\n      - uses: something\n",
        ),
        ("missing and unknown inputs", "      - { id: a, uses: builtin:onnx-score, in: { dta: data.d } }\n"),
        ("no inputs at all", "      - { id: a, uses: builtin:onnx-score }\n"),
        (
            "unknown output",
            "      - { id: a, uses: builtin:table-check, with: { schema: s }, in: { data: data.d }, out: { findngs: x } }\n",
        ),
        (
            "output kind",
            "      - { id: a, uses: builtin:table-check, with: { schema: s }, in: { data: data.d }, out: { findings: { kind: model } } }\n",
        ),
        (
            "configuration",
            "      - { id: a, uses: builtin:logistic-train, with: { label: 3, l2: \"${{ params.lr }}\", seed: \"${{ git.branch }}\", colums: [a] }, in: { train: data.d } }\n",
        ),
        ("configuration missing", "      - { id: a, uses: builtin:table-check, in: { data: data.d } }\n"),
        (
            "configuration where none is taken",
            "      - { id: a, uses: ./x.wasm }\n      - { id: b, uses: builtin:onnx-score, with: { a: 1 }, in: { data: data.d, model: a.model } }\n",
        ),
        (
            "paths of outputs",
            "      - { id: a, run: x, out: { a: /etc/x, b: ../y, c: c, d: ./c, e-f: 1, e_f: 2 } }\n",
        ),
        (
            "grants",
            "      - { id: a, uses: ./x.wasm, allow: { net: [example.com, \"https://example.com/path\"], read: [/etc], env: [A-B] } }\n",
        ),
        (
            "containers",
            "      - { id: a, container: { image: x, build: y } }\n      - { id: b, container: {} }\n      - { id: c, container: a b }\n      - { id: d, container: \"x:${{ git.branch }}\" }\n",
        ),
        (
            "shells",
            "      - { id: a, shell: fish, run: x }\n      - { id: b, shell: python, run: \"print(${{ params.lr }})\" }\n      - { id: c, shell: [], run: x }\n      - { id: d, run: '' }\n",
        ),
        (
            "quoted expressions",
            "      - id: a\n        run: |\n          echo '${{ params.lr }}'\n          cat <<'EOF'\n          ${{ params.lr }}\n          EOF\n          echo \\${{ params.lr }} $((1 + ${{ params.lr }}))\n",
        ),
        (
            "retry",
            "      - { id: a, run: x, retry: { times: 1000, backoff: 0.5, on: [] }, timeout: 0s }\n      - { id: b, run: x, retry: {} }\n",
        ),
        ("cache", "      - { id: a, run: x, cache: { ttl: 24h, pure: true } }\n"),
        ("seed", "      - { id: a, run: x, seed: many }\n      - { id: b, run: x, seed: -1 }\n"),
    ];
    let texts: Vec<_> = cases.iter().map(|(name, steps)| (*name, with_steps(steps))).collect();
    let mut cases: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    cases.push(("stage of a plugin", "data: { d: { path: d } }\nstages: { train: { steps: [{ uses: builtin:table-check, with: { schema: s }, in: { data: data.d } }] } }\n"));
    show!(gallery(&cases));
}

#[test]
fn references() {
    let cases = [
        ("unknown data", "      - { id: a, run: x, in: { a: data.e, b: data.dd } }\n"),
        (
            "unknown steps",
            "      - { id: fit, run: x, out: { model: m } }\n      - { id: b, run: x, in: { a: fti.model, b: d.x, c: params.yaml, d: fit.modle } }\n",
        ),
        (
            "not references",
            "      - { id: b, run: x, in: { a: train, b: /etc/passwd, c: ../x, d: a.b.c, e: \"fit[0].x\" } }\n",
        ),
        (
            "kinds",
            "      - { id: fit, run: x, out: { model: { kind: model } } }\n      - { id: b, uses: builtin:onnx-score, in: { model: data.d, data: fit.model } }\n",
        ),
        ("no baseline", "      - { id: b, run: x, in: { a: baseline.model } }\n"),
        (
            "itself",
            "      - { id: a, run: x, in: { a: a.x }, out: { x: x } }\n      - { id: b, run: x, needs: b }\n      - { id: c, run: x, if: steps.c.outcome == 'failed' }\n",
        ),
        (
            "a circle",
            "      - { id: a, run: x, in: { a: c.x }, out: { x: x } }\n      - { id: b, run: x, in: { a: a.x }, out: { x: x } }\n      - { id: c, run: x, needs: [b], out: { x: x } }\n",
        ),
        ("unknown needs", "      - { id: a, run: x, needs: [main, bb, b] }\n      - { id: b, run: x }\n"),
        (
            "expressions in references",
            "      - { id: a, run: x, in: { a: \"./${{ params.file }}\", b: \"./${{ git.branch }}\", c: \"./${{ params.lr }}.csv\" } }\n",
        ),
    ];
    let texts: Vec<_> = cases.iter().map(|(name, steps)| (*name, with_steps(steps))).collect();
    let mut cases: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    cases.extend([
        ("stages", "stages:\n  a: { needs: [b, a, cc], gates: [x > 0] }\n  b: { gates: [x > 0] }\n  c: { needs: [b, b], gates: [x > 0] }\n"),
        ("a circle of stages", "stages:\n  a: { needs: c, gates: [x > 0] }\n  b: { gates: [x > 0] }\n  c: { gates: [x > 0] }\n"),
        ("a circle through data", "stages:\n  a: { steps: [{ id: s, run: x, in: { m: t.m } }] }\n  b: { steps: [{ id: t, run: x, out: { m: m } }] }\n"),
        ("the condition of a stage asks about its own step", "stages:\n  a: { if: steps.s.outcome == 'failed', steps: [{ id: s, run: x }] }\n"),
        (
            "which cell",
            "stages:\n  a: { matrix: { seed: [0, 1], lr: [0.1] }, steps: [{ id: fit, run: x, out: { model: { kind: model }, log: l } }] }\n  b:\n    steps:\n      - { id: t, run: x, in: { a: fit.model, b: \"fit[seed=0].model\", c: \"fit[seed=2,lr=0.1].model\", d: \"t2[*].x\", e: \"fit[lr=0.10,seed=1].model\", f: \"fit[*].model\" } }\n      - { id: t2, run: x, out: { x: x }, if: steps.fit.outcome == 'succeeded' }\n    promote: { model: fit.model, to: registry:x@v3 }\n  c: { promote: { model: \"fit[*].model\", to: registry:x } }\n  d: { promote: { model: \"fit[seed=0,lr=0.1].log\", to: \"registry:x@c\", keep: 0 } }\n  e: { promote: { model: \"fit[seed=0,lr=0.1].mdel\", to: \"registry:x@c\" } }\n  f: { promote: { model: data.x, to: \"registry:x@c\" } }\n",
        ),
    ]);
    show!(gallery(&cases));
}

#[test]
fn matrices() {
    show!(gallery(&[
        (
            "not lists",
            "stages: { a: { matrix: { seed: 3, x: [], y: [[1]], z: [a, a] }, steps: [{ run: x }] } }\n"
        ),
        (
            "values that cannot name a cell",
            "stages: { a: { matrix: { p: [a/b, \"\", \"x,y\", .hidden] }, steps: [{ run: x }] } }\n"
        ),
        ("same text", "stages: { a: { matrix: { p: [1, \"1\"] }, steps: [{ run: x }] } }\n"),
        (
            "exclude",
            "stages: { a: { matrix: { p: [1, 2], exclude: [{ p: 3 }, { q: 1 }] }, steps: [{ run: x }] } }\n"
        ),
        (
            "everything excluded",
            "stages: { a: { matrix: { p: [1], exclude: [{ p: 1 }] }, steps: [{ run: x }] } }\n"
        ),
        ("no parallel", "stages: { a: { matrix: { p: [1], max-parallel: 0 }, steps: [{ run: x }] } }\n"),
        (
            "values that only some cells have",
            "stages: { a: { matrix: { p: [1, 2], include: [{ p: 1, q: 3 }] }, steps: [{ run: \"echo ${{ matrix.q }} ${{ matrix.pp }}\" }] } }\n"
        ),
        ("no matrix", "stages: { a: { steps: [{ run: \"echo ${{ matrix.q }}\" }] } }\n"),
    ]));
}

#[test]
fn expressions() {
    let cases = [
        (
            "names",
            "      - { id: a, run: 'echo ${{ param.lr }} ${{ params.lrr }} ${{ params }} ${{ lr }} ${{ secrets.X }} ${{ env.HOME }} ${{ git.brnch }} ${{ github.ref }}' }\n",
        ),
        (
            "steps",
            "      - { id: a, run: x, out: { m: m } }\n      - { id: b, run: 'echo ${{ steps.a.outputs.n }} ${{ steps.a.output.m }} ${{ steps.aa.outcome }} ${{ steps.a }} ${{ steps.a.metrics }} ${{ steps.a.outcome.x }}' }\n",
        ),
        (
            "syntax",
            "      - { id: a, if: \"params.lr = 1\", run: x }\n      - { id: b, if: \"a and b\", run: x }\n      - { id: c, if: \"(a\", run: x }\n      - { id: d, if: \"a ==\", run: x }\n      - { id: e, if: \"'abc\", run: x }\n      - { id: f, if: \"1 < 2 < 3\", run: x }\n      - { id: g, if: \"contain('a', 'b')\", run: x }\n      - { id: h, if: \"contains('a')\", run: x }\n      - { id: i, if: \"params.lr + 1 > 2\", run: x }\n      - { id: j, if: \"\", run: x }\n      - { id: k, if: 5, run: x }\n",
        ),
        (
            "templates",
            "      - { id: a, run: 'echo ${{ }} ${{ params.lr' }\n      - id: b\n        run: |\n          first\n          second ${{ params.lt }}\n",
        ),
        (
            "types",
            "      - { id: a, run: x }\n      - { id: b, if: \"params.lr == '0.1' || params.lr\", run: x }\n      - { id: c, if: \"steps.a.outcome == 'success' && steps.a.metrics.auc > '0.9'\", run: x }\n      - { id: d, if: \"!git.branch && startsWith(params.lr, 'x') && contains('a', 1)\", run: x }\n      - { id: e, if: git.branch, run: x }\n      - { id: f, if: \"true < false\", run: x }\n",
        ),
        (
            "variables made from variables",
            "      - { id: a, run: x, env: { A: 1, B: \"${{ env.A }}\", C-D: x } }\n",
        ),
    ];
    let texts: Vec<_> = cases.iter().map(|(name, steps)| (*name, with_steps(steps))).collect();
    let mut cases: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    cases.push((
        "the condition of a stage",
        "stages: { a: { matrix: { p: [1] }, if: matrix.p == 1 && env.X == 'a', steps: [{ run: x }] } }\n",
    ));
    show!(gallery(&cases));
}

#[test]
fn top_level() {
    show!(gallery(&[
        (
            "data",
            "data: { a: { path: /etc/passwd }, b: { path: \"${{ matrix.x }}\" }, c: { pth: x } }\nstages: { s: { gates: [a > 0] } }\n"
        ),
        (
            "stored baseline",
            "baseline: { model: file:champion.onnx, evaluate: stored }\nstages: { s: { gates: [a > 0] } }\n"
        ),
        (
            "baseline",
            "baseline: { model: champion, evaluate: sometimes, first: rubberstamp, anchor: \"registry:x\" }\nstages: { s: { gates: [a > 0] } }\n"
        ),
        (
            "secrets",
            "secrets: { A: { from: hunter2 }, B: { from: env:B, inject: \"Bearer {}\" }, C: { from: env:C, inject: \"X: {}\", to: \"http://x.com\" }, D: { from: env:D, to: \"https://x.com\" } }\nstages: { s: { gates: [a > 0] } }\n"
        ),
        (
            "defaults",
            "defaults: { gates: { confidence: 95 }, timeout: 10 }\nstages: { s: { gates: [a > 0] } }\n"
        ),
        (
            "gates",
            "stages:\n  s:\n    gates:\n      - auc => 0.9\n      - my-gate: auc => 0.9\n      - { metric: auc, mni: 0.9 }\n      - auc >= ${{ params.x }}\n      - [a]\n      - 5\n"
        ),
        ("params from a file", "params: { file: missing.yaml }\nstages: { s: { gates: [a > 0] } }\n"),
        ("params from a broken file", "params: { file: broken.yaml }\nstages: { s: { gates: [a > 0] } }\n"),
        ("the file is not a path", "params: { file: 3 }\nstages: { s: { gates: [a > 0] } }\n"),
        (
            "shadowed and unused",
            "params: { rate: 1, file: params.yaml }\ndata: { d: { path: d.csv } }\nstages: { s: { gates: [a > 0] } }\n"
        ),
    ]));
}

#[test]
fn command_line_parameters() {
    let text = "params: { lr: 0.1, model: { depth: 3 }, name: x }\nstages: { s: { steps: [{ run: 'echo ${{ params.lr }} ${{ params.model.depth }} ${{ params.name }}' }] } }\n";
    let check = |params: &[(&str, &str)]| {
        let params = params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        check_with(text, &CheckOptions { params, ..CheckOptions::default() })
    };
    let fine = check(&[("lr", "0.2"), ("model.depth", "4"), ("name", "'5'"), ("lr", "0.3")]);
    assert_eq!(fine.diagnostics, []);
    let params = serde_json::to_value(fine.plan.unwrap().params).unwrap();
    assert_eq!(params, serde_json::json!({ "lr": 0.3, "model": { "depth": 4 }, "name": "5" }));
    let bad = check(&[
        ("lrr", "1"),
        ("model.dpth", "1"),
        ("lr.x", "1"),
        ("lr", "[1]"),
        ("name", "a: b"),
        ("lr", "high"),
    ]);
    show!(shown(text, &bad.diagnostics));
}

#[test]
fn problems_end() {
    let mut text = "stages: { s: { gates: [a > 0] } }\n".to_owned();
    for index in 0..5000 {
        let _ = writeln!(text, "unknown{index}: 1");
    }
    let checked = checked(&text);
    assert_eq!(checked.diagnostics.len(), 1001);
    assert_eq!(checked.diagnostics[1000].message, "and 4000 more problems; the first 1000 are shown");
    assert!(checked.diagnostics.iter().all(|problem| problem.severity == Severity::Error));
}

#[test]
fn containers() {
    let step = |keys: &str| with_steps(&format!("      - {{ id: s, run: x, {keys} }}\n"));
    let cases = [
        ("no image", step("container: { pull: always }")),
        ("not an image", step("container: \"-rm\"")),
        ("two images", step("container: { image: x, build: ./app }")),
        ("nothing to pull", step("container: { build: ./app, pull: always }")),
        ("outside", step("container: { build: { context: ../app, file: ../Dockerfile } }")),
        ("how it starts", step("container: { image: x, entrypoint: [], workdir: app, user: \"a b\" }")),
        ("when to pull", step("container: { image: x, pull: sometimes }")),
        ("origins", step("container: x, allow: { net: [\"https://example.com\"] }")),
        ("all capabilities", step("container: x, allow: { capabilities: [ALL] }")),
        (
            "grants of plugins",
            step("container: x, allow: { read: [conf], env: [TZ], clock: true, random: true }"),
        ),
        ("caps of containers", step("limits: { pids: 5 }, resources: { shm-size: 1GiB }")),
        (
            "grants of containers",
            with_steps(
                "      - { id: s, uses: \"./x.wasm\", allow: { write-root: true, capabilities: [KILL], net: [\"*\"] } }\n",
            ),
        ),
    ];
    let cases: Vec<_> = cases.iter().map(|(name, text)| (*name, text.as_str())).collect();
    show!(gallery(&cases));
}

#[test]
fn services() {
    let stage = |services: &str, step: &str| {
        format!("stages:\n  main:\n    services: {{ {services} }}\n    steps: [ {{ id: s, {step} }} ]\n")
    };
    let cases = [
        ("nobody could reach it", stage("db: { image: postgres }", "run: x")),
        ("no image", stage("db: { ready: { tcp: 5432 } }", "container: x")),
        ("not a name of a machine", stage("my_db: { image: x }", "container: x")),
        ("ready twice", stage("db: { image: x, ready: { tcp: 1, http: \":1/\" } }", "container: x")),
        ("never ready", stage("db: { image: x, ready: { within: 5s } }", "container: x")),
        ("not a port", stage("db: { image: x, ready: { tcp: 70000 } }", "container: x")),
        ("not an address", stage("db: { image: x, ready: { http: \"localhost/health\" } }", "container: x")),
        ("nothing of a cell", stage("db: { image: x, env: { A: \"${{ matrix.seed }}\" } }", "container: x")),
    ];
    let cases: Vec<_> = cases.iter().map(|(name, text)| (*name, text.as_str())).collect();
    show!(gallery(&cases));
}
