//! `cargo xtask schema`: the JSON Schema that editors use, generated from the types that read the file.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::{self, cargo};

/// Where the schema is shipped.
const SHIPPED: &str = "workflows/runner.schema.json";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Fail if the shipped schema differs, instead of writing it.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let path = command::root().join(SHIPPED);
    // Asked of the binary rather than linked in, so that chores build in seconds.
    let mut schema = cargo();
    schema.args(["run", "--quiet", "--package", "runner-cli", "--", "schema"]).current_dir(command::root());
    let output = schema.output().context("cannot run `runner schema`")?;
    if !output.status.success() {
        bail!("`runner schema` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let generated = String::from_utf8(output.stdout).context("`runner schema` printed no UTF-8")?;
    if arguments.check {
        let shipped = fs::read_to_string(&path).with_context(|| format!("cannot read {SHIPPED}"))?;
        if shipped != generated {
            bail!("{SHIPPED} is out of date: run `cargo xtask schema`");
        }
        return Ok(());
    }
    fs::write(&path, generated).with_context(|| format!("cannot write {SHIPPED}"))
}
