//! `runner clean`: remove what runs that were killed left behind.

use std::fmt::Write as _;

use runner_engine::{container, executor::ErrorClass};
use runner_store::Store;

use crate::{
    arguments::StoreArguments,
    containers,
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
    output,
    report::{quantity, visible},
    stored, workspace,
};

/// Arguments of `runner clean`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let workspace = workspace::find(&environment.current_dir, None);
    let folder = stored::folder(&arguments.store, &workspace, environment);
    let mut text = String::new();
    if let Some(store) = Store::open_existing(&folder).map_err(|error| stored::from_storage(&error))? {
        let count = store.remove_dead_scratch();
        let at = stored::shown(&folder, environment);
        let _ = writeln!(text, "{at}: working folders of {} removed", quantity::count(count, "killed run"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::environment("cli::runtime", format!("cannot start the asynchronous runtime: {error}"))
    })?;
    match runtime.block_on(container::clean(&containers::options())) {
        Ok(removed) => {
            let containers = quantity::count(removed.containers.len(), "container");
            let networks = quantity::count(removed.networks.len(), "network");
            let _ = writeln!(text, "{}: {containers} and {networks} removed", removed.engine);
            output::print(&text)?;
            if removed.problems.is_empty() {
                return Ok(ExitCode::Passed);
            }
            let problems = visible::line(&removed.problems.join("; "));
            Err(Failure::environment(
                "container::left-behind",
                format!("these could not be removed: {problems}"),
            ))
        }
        // Where there is no engine, nothing can be left on it.
        Err(error) if error.class == ErrorClass::Environment && error.code == "container::no-engine" => {
            let _ = writeln!(text, "no container engine answers: nothing to look at there");
            output::print(&text)?;
            Ok(ExitCode::Passed)
        }
        Err(error) => Err(Failure::environment(error.code, error.message).maybe_help(error.help)),
    }
}
