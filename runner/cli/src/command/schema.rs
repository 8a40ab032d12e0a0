//! `runner schema`: the JSON Schema of workflow files, for editors.

use crate::{exit_code::ExitCode, failure::Failure, output};

/// Arguments of `runner schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    output::print_json(&runner_workflow::schema::json_schema())?;
    Ok(ExitCode::Passed)
}
