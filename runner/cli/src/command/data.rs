//! `runner data`: work with data files, through the same plugins that check them in a workflow.

use std::path::PathBuf;

use clap::Subcommand;

use crate::{environment::Environment, exit_code::ExitCode, failure::Failure, infer, output};

/// Arguments of `runner data`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Write a schema that a data file fits, as a start for `builtin:table-check`. Review it: it knows only this file.
    Infer {
        /// A CSV or Parquet file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let Work::Infer { file } = &arguments.work;
    let mut schema = infer::schema(&environment.current_dir.join(file), environment)?;
    if !schema.ends_with('\n') {
        schema.push('\n');
    }
    output::print(&schema)?;
    Ok(ExitCode::Passed)
}
