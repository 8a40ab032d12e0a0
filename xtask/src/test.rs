//! `cargo xtask test`: the tests, from what every machine with Rust can run up to what needs Python.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use clap::Args;

use crate::{
    command::{cargo, root, run_in},
    fuzz,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Also run what takes long or needs more than Rust: simulations of the statistics, the comparison with scikit-learn,
    /// `SciPy` and statsmodels, and the registry in a bucket (Python with venv
    /// and `PyPI`), reports in Chromium, containers on real engines (root and `.ci/start-engines`), linters of the Action and the contract with
    /// GitHub's API (`.ci/install-github`), the plugins' own tests on the host, and a short, repeatable round of fuzzing
    /// (`cargo install cargo-fuzz`).
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
        let mut contracts = workspace_tests();
        contracts.args(["--lib", "--", "--ignored", "keep_the_contract"]);
        run_in(&root(), &mut contracts)?;
        let mut tests = workspace_tests();
        tests.args([
            "--test",
            "e2e",
            "--",
            "--ignored",
            "scikit_learn::",
            "browser::",
            "registry_s3::",
            "containers::",
        ]);
        let python = python()?;
        tests.env("RUNNER_TEST_PYTHON", &python);
        run_in(&root(), &mut tests)?;
        statistics(&python)?;
        run_in(&root(), &mut Command::new(root().join(".ci").join("install-github")))?;
        let mut github = workspace_tests();
        github.args(["--test", "github", "--", "--ignored"]);
        run_in(&root(), &mut github)?;
        run_in(&root().join("plugins"), cargo().args(["test", "--locked", "--workspace"]))?;
        fuzz::round()?;
    }
    Ok(())
}

/// The stored values of metrics, intervals and tests, computed again by scikit-learn, `SciPy` and statsmodels; and the
/// simulations that take minutes.
fn statistics(python: &Path) -> Result<()> {
    let mut check = Command::new(python);
    check.args(["-B", "runner/gate/tests/golden/make.py", "--check"]);
    run_in(&root(), &mut check)?;
    let mut simulations = workspace_tests();
    simulations.args(["--lib", "--", "--ignored", "calibration_tests::"]);
    run_in(&root(), &mut simulations)
}

/// Always the whole workspace: the end-to-end tests drive the binary that this builds, and another selection of packages
/// would compile the large dependencies again with other features.
fn workspace_tests() -> Command {
    let mut tests = cargo();
    tests.args(["test", "--locked", "--workspace", "--all-features"]);
    tests
}

/// A Python with the pinned packages that tests need (scikit-learn, and moto as an S3-compatible server), in a virtual
/// environment of the project.
fn python() -> Result<PathBuf> {
    let folder = root().join("target").join("python");
    let python = folder.join("bin").join("python");
    if !python.exists() {
        run_in(&root(), Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet"]);
    for requirements in ["tests/sklearn/requirements.txt", "tests/s3/requirements.txt"] {
        install.args(["--requirement", requirements]);
    }
    run_in(&root(), &mut install)?;
    Ok(python)
}
