//! What can be typed. Parsing is all that happens before a command is chosen, so that `--version` and mistakes answer at once.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::command::{
    approve, check, clean, compare, data, gate, graph, key, logs, ls, model, plan, plugin, report, run,
    schema, show, verify, waive,
};

/// A CI runner for machine learning: validate, train, evaluate, gate and promote models in a sandbox.
#[derive(Debug, Parser)]
#[command(
    name = "runner",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 passed, 1 step failed, 2 usage or invalid workflow, 3 gate failed, 4 held, \
    5 denied, 6 environment, 70 internal error, 124 timed out, 130 cancelled."
)]
pub(crate) struct Arguments {
    /// Write no colours, whatever the terminal and the environment say.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A subcommand, each in a file of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow.
    Run(run::Arguments),
    /// Find all problems of workflow files without running anything.
    Check(check::Arguments),
    /// Remove what runs that were killed left behind.
    Clean(clean::Arguments),
    /// Show what would run, in which order.
    Plan(plan::Arguments),
    /// Draw a workflow as a graph.
    Graph(graph::Arguments),
    /// Print the JSON Schema of workflow files.
    Schema(schema::Arguments),
    /// List recorded runs, newest first.
    Ls(ls::Arguments),
    /// Show a recorded run.
    Show(show::Arguments),
    /// Print what the steps of a run wrote.
    Logs(logs::Arguments),
    /// Make a report of a recorded run again.
    Report(report::Arguments),
    /// Explain why a gate said what it said.
    Gate(gate::Arguments),
    /// Compare two runs: metrics, gates, parameters, data, flips.
    Compare(compare::Arguments),
    /// Let through what a gate holds, and promote what waited for it.
    Approve(approve::Arguments),
    /// Take responsibility for one gate that failed, for some time.
    Waive(waive::Arguments),
    /// Check the evidence of a model: signature, subject, policy and verdict.
    Verify(verify::Arguments),
    /// The key that signs evidence.
    Key(key::Arguments),
    /// Look into the model registry, promote and roll back.
    Model(model::Arguments),
    /// Work with data files.
    Data(data::Arguments),
    /// Look into plugins.
    Plugin(plugin::Arguments),
}

impl Command {
    /// Whether later steps of a job of GitHub Actions are told how it ended.
    pub(crate) fn is_told(&self) -> bool {
        match self {
            Self::Run(_) => true,
            Self::Report(arguments) => arguments.is_told(),
            _ => false,
        }
    }
}

/// Where runs, objects and models are kept.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArguments {
    /// Folder of the store [default: `.runner` in the workspace].
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
}

/// Where models are registered.
#[derive(Debug, clap::Args)]
pub(crate) struct RegistryArguments {
    /// Place of a shared registry: `s3://BUCKET/PREFIX` or a folder [default: `$RUNNER_REGISTRY`, else the store].
    #[arg(long, value_name = "PLACE")]
    pub(crate) registry: Option<String>,
}

/// A workflow and its parameters.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkflowArguments {
    /// The workflow file. Paths in it are relative to the workspace: the nearest folder above the file with `.git` or `.runner`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Set a parameter; the value is read as YAML, a dotted key reaches into a mapping.
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = parameter)]
    pub(crate) params: Vec<(String, String)>,
    /// JSON file with the payload of the event that started this, for `event.*` [default: none].
    #[arg(long, value_name = "FILE")]
    pub(crate) event: Option<PathBuf>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not KEY=VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn parameters() {
        assert_eq!(parameter("lr=0.1"), Ok(("lr".into(), "0.1".into())));
        assert_eq!(parameter("a.b=x=y"), Ok(("a.b".into(), "x=y".into())));
        assert_eq!(parameter("empty="), Ok(("empty".into(), String::new())));
        assert!(parameter("novalue").is_err());
        assert!(parameter("=1").is_err());
    }
}
