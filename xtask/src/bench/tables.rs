//! Checking a large table: one million rows, twenty columns, twelve rules, beside pandas, polars and Great Expectations.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use super::{Bench, data, measure::paired, report::Row};
use crate::command::root;

/// Peers, by the script under `xtask/peers/` that makes them check the same file by the same rules.
const PEERS: [&str; 3] = ["pandas", "polars", "great_expectations"];

pub(super) fn run(bench: &Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace("table")?;
    let table = workspace.join("table.csv");
    data::write_table(&table, 1_000_000).context("cannot write the table")?;
    fs::copy(root().join("xtask/peers/table.yml"), workspace.join("table.yml"))?;
    let mut rows = Vec::new();
    let mut ours = || {
        let mut command = bench.runner(&workspace);
        command.args(["run", "table.yml"]);
        Ok(command)
    };
    let peers: Vec<&str> = PEERS.into_iter().filter(|peer| importable(bench, peer)).collect();
    if peers.is_empty() {
        eprintln!("no peer for `table`: give --python with {} installed", PEERS.join(", "));
        let (ours, _) = paired(bench.runs, &mut ours, None)?;
        rows.push(row(ours, None));
    }
    for peer in peers {
        let mut theirs = || Ok(peer_command(bench, peer, &table));
        let (ours, figures) = paired(bench.runs, &mut ours, Some(&mut theirs))?;
        rows.push(row(ours, figures.map(|figures| (peer.to_owned(), figures))));
    }
    fs::remove_file(&table)?;
    Ok(rows)
}

fn row(ours: super::measure::Figures, peer: Option<(String, super::measure::Figures)>) -> Row {
    Row { name: "table-check, 1M x 20 CSV".to_owned(), ours, peer, per: 1, aim: "2 s; 200 MB" }
}

fn importable(bench: &Bench, module: &str) -> bool {
    let Some(python) = &bench.python else { return false };
    Command::new(python)
        .args(["-c", &format!("import {module}")])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn peer_command(bench: &Bench, peer: &str, table: &Path) -> Command {
    let mut command = Command::new(bench.python.as_deref().unwrap_or_else(|| Path::new("python3")));
    command.arg(root().join(format!("xtask/peers/check_{peer}.py"))).arg(table);
    command
}
