//! `cargo xtask schema`: the JSON Schema that editors use, generated from the types that read the file.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command;

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
    let mut generated = serde_json::to_string_pretty(&runner_workflow::schema::json_schema())?;
    generated.push('\n');
    if arguments.check {
        let shipped = fs::read_to_string(&path).with_context(|| format!("cannot read {SHIPPED}"))?;
        if shipped != generated {
            bail!("{SHIPPED} is out of date: run `cargo xtask schema`");
        }
        return Ok(());
    }
    fs::write(&path, generated).with_context(|| format!("cannot write {SHIPPED}"))
}
