//! Finding the registry: in the store, or in the shared place that the command line or the environment names.

use std::path::PathBuf;

use runner_store::{Place, Registry, Store};

use crate::{
    arguments::{RegistryArguments, StoreArguments},
    environment::{self, Environment},
    exit_code::ExitCode,
    failure::{Failure, from_diagnostic},
    stored, workspace,
};

/// The shared registry, where one is named.
pub(crate) fn shared(
    arguments: &RegistryArguments,
    environment: &Environment,
    store: &Store,
) -> Result<Option<Registry>, Failure> {
    let Some(place) = place(arguments, environment)? else { return Ok(None) };
    Registry::open(&place, &environment::variables(), store.clone())
        .map(Some)
        .map_err(|error| stored::from_registry(&error))
}

/// The folder of the shared registry, where it is one.
pub(crate) fn folder(
    arguments: &RegistryArguments,
    environment: &Environment,
) -> Result<Option<PathBuf>, Failure> {
    Ok(match place(arguments, environment)? {
        Some(Place::Folder(folder)) => Some(folder),
        Some(Place::Bucket { .. }) | None => None,
    })
}

fn place(arguments: &RegistryArguments, environment: &Environment) -> Result<Option<Place>, Failure> {
    let Some(text) = arguments.registry.as_ref().or(environment.registry.as_ref()) else { return Ok(None) };
    let place: Place = text.parse().map_err(|error| from_diagnostic(&error, ExitCode::Usage))?;
    Ok(Some(match place {
        Place::Folder(folder) => Place::Folder(environment.current_dir.join(folder)),
        bucket @ Place::Bucket { .. } => bucket,
    }))
}

/// The store for a command that asks the registry: with a shared one it is made where there is none, because this may be a
/// machine that has run nothing yet.
pub(crate) fn store(
    store: &StoreArguments,
    registry: &RegistryArguments,
    environment: &Environment,
) -> Result<Store, Failure> {
    if registry.registry.is_none() && environment.registry.is_none() {
        return stored::open(store, environment);
    }
    let workspace = workspace::find(&environment.current_dir, None);
    Store::open(stored::folder(store, &workspace, environment)).map_err(|error| stored::from_storage(&error))
}

/// The shared registry, or the one in the store.
pub(crate) fn open(
    arguments: &RegistryArguments,
    environment: &Environment,
    store: &Store,
) -> Result<Registry, Failure> {
    match shared(arguments, environment, store)? {
        Some(registry) => Ok(registry),
        None => store.registry().map_err(|error| stored::from_registry(&error)),
    }
}
