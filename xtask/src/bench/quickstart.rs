//! The newcomer's first command, and what it costs to start the tool at all.

use std::{fs, process::Command};

use anyhow::Result;

use super::{
    Bench,
    measure::{Figures, once, paired},
    report::Row,
};
use crate::command::root;

pub(super) fn start(bench: &Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace("start")?;
    let mut ours = || {
        let mut command = bench.runner(&workspace);
        command.arg("--version");
        Ok(command)
    };
    let mut peer = || {
        let mut command = Command::new("make");
        command.arg("--version");
        Ok(command)
    };
    let (ours, peer) = paired(bench.runs.max(21), &mut ours, Some(&mut peer))?;
    Ok(vec![Row {
        name: "runner --version".to_owned(),
        ours,
        peer: peer.map(|figures| ("make --version".to_owned(), figures)),
        per: 1,
        aim: "10 ms",
    }])
}

pub(super) fn run(bench: &Bench) -> Result<Vec<Row>> {
    let project = root();
    let store = bench.workspace("quickstart")?;
    let cold_cache = bench.folder.join("cold-cache");
    let quickstart = |cache: &std::path::Path| {
        let mut command = bench.runner(&project);
        command.env("RUNNER_CACHE_DIR", cache);
        command.args(["run", "workflows/quickstart.yml", "--store"]).arg(store.join(".runner"));
        command
    };
    let first = once(&mut quickstart(&cold_cache), 0)?;
    fs::remove_dir_all(&cold_cache)?;
    let cache = bench.folder.join("cache");
    let mut warm = || Ok(quickstart(&cache));
    let (warm, _) = paired(bench.runs, &mut warm, None)?;
    let cold = Figures { median: first, fastest: first.wall, slowest: first.wall };
    Ok(vec![
        Row { name: "quickstart, first run".to_owned(), ours: cold, peer: None, per: 1, aim: "10 s; 200 MB" },
        Row { name: "quickstart, warm".to_owned(), ours: warm, peer: None, per: 1, aim: "500 ms; 200 MB" },
    ])
}
