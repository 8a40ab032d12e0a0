//! `cargo xtask bench`: the figures that the project promises, each beside a peer in the same run, as a ratio.
//!
//! Nothing here fails on a time: machines are noisy. It fails where a command does not do its work.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use clap::Args;

use crate::command::{cargo, root, run_in};

mod chain;
mod containers;
mod data;
mod gates;
mod language;
mod measure;
mod quickstart;
mod report;
mod tables;

use report::Row;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only benchmarks whose name contains this: chain, containers, quickstart, start, check, table, gates.
    filter: Option<String>,
    /// Counted runs of each command, after one warm-up.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
    /// Python with pandas, polars or `great_expectations` for the peers of `table`, numpy and scikit-learn for those of `gates`.
    #[arg(long, env = "RUNNER_BENCH_PYTHON")]
    python: Option<PathBuf>,
    /// Docker with the image `runner-test/base`, as in `DOCKER_HOST`, for `containers`.
    #[arg(long, env = "RUNNER_TEST_DOCKER_HOST")]
    engine: Option<String>,
}

/// A name to filter by, and what to run.
type Benchmark = (&'static str, fn(&Bench) -> Result<Vec<Row>>);

/// What every benchmark needs.
struct Bench {
    runner: PathBuf,
    /// Emptied at the start.
    folder: PathBuf,
    runs: usize,
    python: Option<PathBuf>,
    engine: Option<String>,
}

impl Bench {
    /// The binary under test in `workspace`, with its own store and a cache that the benchmarks share.
    fn runner(&self, workspace: &Path) -> Command {
        let mut command = Command::new(&self.runner);
        command
            .current_dir(workspace)
            .env("RUNNER_CACHE_DIR", self.folder.join("cache"))
            .env("NO_COLOR", "1");
        command
    }

    /// An empty folder for one benchmark, marked as a workspace.
    fn workspace(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot empty {}", path.display()))?;
        }
        fs::create_dir_all(path.join(".runner"))
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    run_in(&root(), cargo().args(["build", "--locked", "--release", "--package", "runner-cli"]))?;
    let folder = root().join("target").join("bench");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot empty target/bench")?;
    }
    fs::create_dir_all(&folder).context("cannot make target/bench")?;
    let runner = root().join("target").join("release").join("runner");
    let bench = Bench {
        runner,
        folder,
        runs: arguments.runs,
        python: arguments.python.clone(),
        engine: arguments.engine.clone(),
    };
    let all: [Benchmark; 7] = [
        ("start", quickstart::start),
        ("quickstart", quickstart::run),
        ("check", language::run),
        ("chain", chain::run),
        ("containers", containers::run),
        ("table", tables::run),
        ("gates", gates::run),
    ];
    let mut rows = Vec::new();
    for (name, benchmark) in all {
        if arguments.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str())) {
            rows.extend(benchmark(&bench).with_context(|| format!("benchmark `{name}`"))?);
        }
    }
    report::print(&rows, arguments.json)
}
