//! `cargo xtask test`: the tests, from what every machine with Rust can run up to what needs Python.

use std::{path::PathBuf, process::Command};

use anyhow::Result;
use clap::Args;

use crate::{
    command::{cargo, root, run_in},
    fuzz,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Also run what needs more than Rust: the comparison with scikit-learn (Python with venv and `PyPI`), containers on real
    /// engines (root and `.ci/start-engines`), the plugins' own tests on the host, and a short, repeatable round of
    /// fuzzing (`cargo install cargo-fuzz`).
    #[arg(long)]
    all: bool,
    /// Only tests whose name contains this.
    filter: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut tests = workspace_tests();
    tests.args(&arguments.filter);
    run_in(&root(), &mut tests)?;
    if arguments.all && arguments.filter.is_none() {
        let mut comparison = workspace_tests();
        comparison.args(["--test", "e2e", "--", "--ignored", "scikit_learn::", "containers::"]);
        comparison.env("RUNNER_TEST_PYTHON", python_with_scikit_learn()?);
        run_in(&root(), &mut comparison)?;
        run_in(&root().join("plugins"), cargo().args(["test", "--locked", "--workspace"]))?;
        fuzz::round()?;
    }
    Ok(())
}

/// Always the whole workspace: the end-to-end tests drive the binary that this builds, and another selection of packages
/// would compile the large dependencies again with other features.
fn workspace_tests() -> Command {
    let mut tests = cargo();
    tests.args(["test", "--locked", "--workspace", "--all-features"]);
    tests
}

/// A Python with the pinned packages of `tests/sklearn/requirements.txt`, in a virtual environment of the project.
fn python_with_scikit_learn() -> Result<PathBuf> {
    let folder = root().join("target").join("python");
    let python = folder.join("bin").join("python");
    if !python.exists() {
        run_in(&root(), Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--requirement", "tests/sklearn/requirements.txt"]);
    run_in(&root(), &mut install)?;
    Ok(python)
}
