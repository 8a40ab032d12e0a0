//! Checking a large workflow.

use std::{fmt::Write as _, fs};

use anyhow::Result;

use super::{Bench, measure::paired, report::Row};

const STEPS: u32 = 5000;

pub(super) fn run(bench: &Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace("check")?;
    let mut text =
        String::from("name: large\ndata:\n  rows: { path: rows.csv, id: id, label: label }\nstages:\n");
    for stage in 0..50 {
        writeln!(text, "  stage-{stage}:\n    steps:")?;
        for step in 0..STEPS / 50 {
            let id = stage * (STEPS / 50) + step;
            let source = if id == 0 { "data.rows".to_owned() } else { format!("s{}.model", id - 1) };
            writeln!(
                text,
                "      - id: s{id}\n        run: train --seed \"$RUNNER_SEED\" --rate \"${{{{ params.rate }}}}\"\n        \
                 in: {{ source: {source} }}\n        out: {{ model: {{ path: model.onnx, kind: any }} }}\n        timeout: 5m"
            )?;
        }
        writeln!(text, "    gates: [ accuracy >= 0.9 ]")?;
    }
    fs::write(workspace.join("large.yml"), format!("params: {{ rate: 0.1 }}\n{text}"))?;
    fs::write(workspace.join("rows.csv"), "id,label\n1,0\n")?;
    let mut ours = || {
        let mut command = bench.runner(&workspace);
        command.args(["check", "large.yml"]);
        Ok(command)
    };
    let (ours, _) = paired(bench.runs, &mut ours, None)?;
    Ok(vec![Row { name: format!("check of {STEPS} steps"), ours, peer: None, per: 1, aim: "300 ms" }])
}
