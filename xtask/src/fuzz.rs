//! `cargo xtask fuzz`: campaigns of fuzzing; and the short, repeatable round of them that belongs to the tests.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::command::{cargo, root, run_in};

/// Most bytes of an input. What hurts by its size has tests of its own.
const MAX_LENGTH: &str = "-max_len=4096";
/// More memory than this is a finding.
const MAX_MEMORY: &str = "-rss_limit_mb=1024";

#[derive(Args)]
pub(crate) struct Arguments {
    /// What to fuzz; everything, one after the other, without it.
    target: Option<Target>,
    /// Seconds for each target. What was found interesting stays in `fuzz/corpus`, where the next campaign starts.
    #[arg(long, default_value_t = 300)]
    seconds: u32,
}

/// What is fuzzed: the files of `fuzz/fuzz_targets`.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Target {
    Workflow,
    Expression,
    Gate,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Expression => "expression",
            Self::Gate => "gate",
        }
    }

    /// Inputs of a short round.
    fn runs(self) -> u32 {
        match self {
            Self::Workflow => 150_000,
            Self::Expression | Self::Gate => 1_000_000,
        }
    }

    /// The command that fuzzes it, from the inputs in `corpus`, where it leaves new ones, and from the committed seeds.
    fn command(self, corpus: &Path) -> Result<Command> {
        fs::create_dir_all(corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
        let mut command = cargo();
        // Coverage instrumentation is a compiler option that stable hides; nothing else of nightly is used.
        command.env("RUSTC_BOOTSTRAP", "1");
        command.args(["fuzz", "run", "--sanitizer", "none", self.name()]);
        command.arg(corpus).arg(root().join("fuzz/seeds").join(self.name()));
        command.args(["--", MAX_LENGTH, MAX_MEMORY]);
        command.arg(format!("-dict=fuzz/dictionaries/{}.dict", self.name()));
        Ok(command)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let targets = arguments.target.as_ref().map_or(Target::value_variants(), std::slice::from_ref);
    for target in targets {
        let mut command = target.command(&root().join("fuzz/corpus").join(target.name()))?;
        command.arg(format!("-max_total_time={}", arguments.seconds));
        run_in(&root(), &mut command)?;
    }
    Ok(())
}

/// The seeds, and a fixed number of inputs made from them by a fixed seed: the same every time, so that it only ever
/// fails by a change that broke something.
pub(crate) fn round() -> Result<()> {
    for target in Target::value_variants() {
        let corpus = root().join("target/fuzz-round").join(target.name());
        if corpus.exists() {
            fs::remove_dir_all(&corpus).with_context(|| format!("cannot empty {}", corpus.display()))?;
        }
        let mut command = target.command(&corpus)?;
        // Operands of comparisons are kept by address, which differs from process to process; the dictionaries make up.
        command.args(["-seed=1", "-use_cmp=0"]).arg(format!("-runs={}", target.runs()));
        run_in(&root(), &mut command)?;
    }
    Ok(())
}
