//! `runner model`: what the registry holds, how it came there, and moving its aliases.

mod change;
mod lineage;
mod view;

use clap::Subcommand;

use crate::{environment::Environment, exit_code::ExitCode, failure::Failure};

/// Arguments of `runner model`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List models with their aliases.
    Ls(view::ListArguments),
    /// Show a model: its versions and aliases; or one version, and what it was made from.
    Show(view::ShowArguments),
    /// Show all changes of a model's aliases, oldest first: who, when and why.
    History(view::HistoryArguments),
    /// Make an alias point to a model whose evidence allows it.
    Promote(change::PromoteArguments),
    /// Make an alias point to an older version again, whose bytes and evidence are checked anew.
    Rollback(change::RollbackArguments),
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    match &arguments.action {
        Action::Ls(arguments) => view::ls(arguments, environment),
        Action::Show(arguments) => view::show(arguments, environment),
        Action::History(arguments) => view::history(arguments, environment),
        Action::Promote(arguments) => change::promote(arguments, environment),
        Action::Rollback(arguments) => change::rollback(arguments, environment),
    }
}
