//! `runner graph`: a workflow as a picture.

use clap::ValueEnum;

use crate::{
    arguments::WorkflowArguments, environment::Environment, exit_code::ExitCode, failure::Failure, output,
    workflow_file,
};

/// Arguments of `runner graph`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    workflow: WorkflowArguments,
    /// The language of the picture.
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Mermaid, which GitHub draws in Markdown.
    Mermaid,
    /// DOT, for Graphviz.
    Dot,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let plan = match workflow_file::load_plan(&arguments.workflow, environment, environment.stderr)? {
        Ok((plan, ..)) => plan,
        Err(code) => return Ok(code),
    };
    let mut picture = match arguments.format {
        Format::Mermaid => runner_workflow::graph::mermaid(&plan),
        Format::Dot => runner_workflow::graph::dot(&plan),
    };
    if !picture.ends_with('\n') {
        picture.push('\n');
    }
    output::print(&picture)?;
    Ok(ExitCode::Passed)
}
