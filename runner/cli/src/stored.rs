//! Finding the store and what is in it, for commands that look back.

use std::path::{Path, PathBuf};

use runner_store::{ObjectError, RecordedRun, RegistryError, RunError, StorageError, Store};

use crate::{
    arguments::StoreArguments,
    environment::Environment,
    exit_code::ExitCode,
    failure::{Failure, from_diagnostic},
    report::recorded::{Recorded, RecordedError},
    workspace,
};

/// Where the store of a workspace lies.
pub(crate) fn folder(arguments: &StoreArguments, workspace: &Path, environment: &Environment) -> PathBuf {
    match &arguments.store {
        Some(folder) => environment.current_dir.join(folder),
        None => workspace.join(workspace::STORE_DIR),
    }
}

/// The store that commands without a workflow file mean; an error where there is none yet.
pub(crate) fn open(arguments: &StoreArguments, environment: &Environment) -> Result<Store, Failure> {
    let workspace = workspace::find(&environment.current_dir, None);
    let folder = folder(arguments, &workspace, environment);
    Store::open_existing(&folder).map_err(|error| from_storage(&error))?.ok_or_else(|| {
        Failure::usage("cli::no-store", format!("there is no store at {}", folder.display()))
            .help("`runner run` makes one; `--store DIR` names another")
    })
}

/// A recorded run by `latest`, its id or the start of it.
pub(crate) fn open_run(
    arguments: &StoreArguments,
    reference: &str,
    environment: &Environment,
) -> Result<RecordedRun, Failure> {
    open(arguments, environment)?.open_run(reference).map_err(|error| from_run(&error))
}

/// A recorded run read back from its events.
pub(crate) fn read(run: &RecordedRun) -> Result<Recorded, Failure> {
    Recorded::read(run).map_err(|error| match error {
        RecordedError::Store(error) => from_run(&error),
        error @ RecordedError::Empty { .. } => Failure::environment("cli::empty-run", error.to_string()),
    })
}

/// A path as short as a person would type it from the current folder.
pub(crate) fn shown(path: &Path, environment: &Environment) -> String {
    path.strip_prefix(&environment.current_dir).unwrap_or(path).display().to_string()
}

/// The disk, or the store itself, did not allow it.
pub(crate) fn from_storage(error: &StorageError) -> Failure {
    from_diagnostic(error, ExitCode::Environment)
}

/// Likewise for an object of the store.
pub(crate) fn from_object(error: &ObjectError) -> Failure {
    from_diagnostic(error, ExitCode::Environment)
}

/// A run that does not exist is a mistake in the command; one that cannot be read is not.
pub(crate) fn from_run(error: &RunError) -> Failure {
    let exit = match error {
        RunError::NotFound { .. } | RunError::NoRuns | RunError::Ambiguous { .. } => ExitCode::Usage,
        _ => ExitCode::Environment,
    };
    from_diagnostic(error, exit)
}

/// Likewise for models.
pub(crate) fn from_registry(error: &RegistryError) -> Failure {
    let exit = match error {
        RegistryError::NoModel { .. }
        | RegistryError::NoVersion { .. }
        | RegistryError::NoReference { .. }
        | RegistryError::ModelName { .. }
        | RegistryError::AliasName { .. } => ExitCode::Usage,
        RegistryError::Moved { .. } => ExitCode::Denied,
        _ => ExitCode::Environment,
    };
    from_diagnostic(error, exit)
}
