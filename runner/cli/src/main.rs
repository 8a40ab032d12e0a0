//! The command-line tool `runner`.
//!
//! Only this crate prints, reads the environment and the home folder, and decides how the process exits.

use std::{panic, process};

use clap::Parser as _;

mod arguments;
mod builtins;
mod command;
mod containers;
mod diagnostics;
mod environment;
mod exit_code;
mod failure;
mod git;
mod github;
mod infer;
mod keys;
mod output;
mod plugins;
mod proof;
mod registry;
mod report;
mod secrets;
mod signals;
mod stored;
mod surroundings;
mod waivers;
mod widened;
mod workflow_file;
mod workspace;

use crate::{
    arguments::{Arguments, Command},
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
};

fn main() -> process::ExitCode {
    panic::set_hook(Box::new(report_panic));
    if let Err(error) = environment::keep_private() {
        output::complain(&format!(
            "warning: what this process was started with cannot be kept private: {error}\n"
        ));
    }
    // The hook has said what there is to say.
    let code = panic::catch_unwind(run).unwrap_or(ExitCode::Internal);
    process::ExitCode::from(code.number())
}

fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version arrive here too, with exit code 0. A closed pipe is no reason to fail.
            if !error.use_stderr() {
                let _ = error.print();
                return ExitCode::Passed;
            }
            output::complain_of_usage(&error);
            github::finish::not_run(ExitCode::Usage);
            return ExitCode::Usage;
        }
    };
    let is_told = arguments.command.is_told();
    let result = Environment::read(arguments.no_color)
        .map_err(|error| {
            Failure::environment("cli::current-folder", format!("cannot find the current folder: {error}"))
        })
        .and_then(|environment| dispatch(arguments.command, &environment));
    match result {
        Ok(exit) => {
            if is_told {
                github::finish::ended(exit);
            }
            exit
        }
        Err(failure) => {
            output::complain(&failure.render());
            if is_told {
                github::finish::not_run(failure.exit);
            }
            failure.exit
        }
    }
}

fn dispatch(command: Command, environment: &Environment) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(arguments) => command::run::run(&arguments, environment),
        Command::Check(arguments) => command::check::run(&arguments, environment),
        Command::Clean(arguments) => command::clean::run(&arguments, environment),
        Command::Plan(arguments) => command::plan::run(&arguments, environment),
        Command::Graph(arguments) => command::graph::run(&arguments, environment),
        Command::Schema(arguments) => command::schema::run(&arguments),
        Command::Ls(arguments) => command::ls::run(&arguments, environment),
        Command::Show(arguments) => command::show::run(&arguments, environment),
        Command::Logs(arguments) => command::logs::run(&arguments, environment),
        Command::Report(arguments) => command::report::run(&arguments, environment),
        Command::Gate(arguments) => command::gate::run(&arguments, environment),
        Command::Compare(arguments) => command::compare::run(&arguments, environment),
        Command::Approve(arguments) => command::approve::run(&arguments, environment),
        Command::Waive(arguments) => command::waive::run(&arguments, environment),
        Command::Verify(arguments) => command::verify::run(&arguments, environment),
        Command::Key(arguments) => command::key::run(&arguments, environment),
        Command::Model(arguments) => command::model::run(&arguments, environment),
        Command::Data(arguments) => command::data::run(&arguments, environment),
        Command::Plugin(arguments) => command::plugin::run(&arguments, environment),
    }
}

fn report_panic(panic: &panic::PanicHookInfo<'_>) {
    let message = panic
        .payload()
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.payload().downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
    output::complain(&format!(
        "error[cli::internal]: runner {} broke{place}: {message}\n  help: {}\n",
        env!("CARGO_PKG_VERSION"),
        failure::REPORT_IT
    ));
}
