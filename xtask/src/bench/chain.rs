//! A chain of 1,000 sandboxed steps, each fed by the one before, beside GNU make.

use std::{fmt::Write as _, fs, process::Command};

use anyhow::{Context, Result};

use super::{Bench, measure::paired, report::Row};
use crate::command::root;

const STEPS: u32 = 1000;

pub(super) fn run(bench: &Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace("chain")?;
    fs::copy(root().join("tests/guests/dist/echo.wasm"), workspace.join("echo.wasm"))
        .context("cannot copy the guest `echo`")?;
    fs::write(workspace.join("start.txt"), "start\n")?;
    fs::write(workspace.join("chain.yml"), workflow()?)?;
    let makefile = workspace.join("Makefile");
    fs::write(&makefile, chained_makefile()?)?;
    let mut ours = || {
        let mut command = bench.runner(&workspace);
        command.args(["run", "chain.yml"]);
        Ok(command)
    };
    let mut peer = || {
        let mut command = Command::new("make");
        command.args(["-rR", "-f"]).arg(&makefile).current_dir(&workspace);
        Ok(command)
    };
    let (ours, peer) = paired(bench.runs, &mut ours, Some(&mut peer))?;
    Ok(vec![Row {
        name: format!("chain of {STEPS} wasm steps, per step"),
        ours,
        peer: peer.map(|figures| ("make, chained /bin/true".to_owned(), figures)),
        per: STEPS,
        aim: "less than make; 1 ms",
    }])
}

/// Every step copies its input to its output, is recorded, and feeds the next.
fn workflow() -> Result<String> {
    let mut text = String::from("name: chain\nstages:\n  chain:\n    steps:\n");
    for step in 0..STEPS {
        let source = if step == 0 { "./start.txt".to_owned() } else { format!("s{}.data", step - 1) };
        writeln!(
            text,
            "      - {{ id: s{step}, uses: ./echo.wasm, in: {{ data: {source} }}, out: {{ data: {{ path: data.txt, kind: any }} }} }}"
        )?;
    }
    Ok(text)
}

/// Targets that depend on one another, each running one command without a shell.
fn chained_makefile() -> Result<String> {
    let mut text = format!(".PHONY: all {}\nall: t{}\nt0:\n\t@/bin/true\n", phony(), STEPS - 1);
    for step in 1..STEPS {
        writeln!(text, "t{step}: t{}\n\t@/bin/true", step - 1)?;
    }
    Ok(text)
}

fn phony() -> String {
    (0..STEPS).map(|step| format!("t{step}")).collect::<Vec<_>>().join(" ")
}
