//! How long checking a large workflow takes: `cargo run --release -p runner-workflow --example check [STEPS]`.
#![expect(clippy::print_stdout, reason = "the example's purpose is to print a figure")]

use std::{collections::BTreeMap, fmt::Write as _, time::Instant};

use runner_workflow::{
    CheckOptions, check,
    plan::PlannedGate,
    surroundings::{PluginManifest, Problem, Surroundings},
};

/// A world that knows no plugin and has nothing against any gate.
struct Empty;

impl Surroundings for Empty {
    fn manifest(&self, _: &str) -> Result<Option<PluginManifest>, Problem> {
        Ok(None)
    }

    fn check_config(&self, _: &serde_json::Value, _: &serde_json::Value) -> Vec<Problem> {
        Vec::new()
    }

    fn check_gate(&self, _: &PlannedGate, _: &BTreeMap<String, String>) -> Vec<Problem> {
        Vec::new()
    }

    fn read(&self, path: &str) -> Result<String, Problem> {
        let message = format!("there is no file {path}");
        Err(Problem { code: "file::not-found".to_owned(), message, help: None, range: None, pointer: None })
    }

    fn builtin_names(&self) -> Vec<String> {
        Vec::new()
    }
}

fn main() {
    let steps = std::env::args().nth(1).and_then(|steps| steps.parse().ok()).unwrap_or(5000);
    let mut text = "params: { lr: 0.1 }\ndata: { d: { path: data/d.csv } }\nstages:\n".to_owned();
    for step in 0_usize..steps {
        if step.is_multiple_of(100) {
            let _ = write!(text, "  stage{step}:\n    gates:\n      - auc >= 0.9\n    steps:\n");
        }
        let before = step.saturating_sub(1);
        let input = if step == 0 { "data.d".to_owned() } else { format!("step{before}.model") };
        let _ = write!(
            text,
            "      - id: step{step}\n        run: python train.py --lr ${{{{ params.lr }}}} --out \"$RUNNER_OUT_MODEL\"\n        in: {{ before: {input} }}\n        out: {{ model: {{ path: model.onnx, kind: model }} }}\n        env: {{ SEED: {step}, LR: \"${{{{ params.lr }}}}\" }}\n        if: success() && params.lr > 0\n        retry: {{ times: 2, delay: 10s, on: [infra, \"exit:137\"] }}\n        timeout: 45m\n        resources: {{ cpu: 1, memory: 1GiB }}\n"
        );
    }
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        let checked = check(text.as_bytes(), &CheckOptions::default(), &Empty);
        best = best.min(start.elapsed().as_secs_f64());
        assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics.first());
        assert_eq!(checked.plan.map(|plan| plan.steps.len()), Some(steps));
    }
    println!("{steps} steps, {} bytes: {:.1} ms (best of 5)", text.len(), best * 1000.0);
}
