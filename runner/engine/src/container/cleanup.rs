//! What processes that were killed left on an engine, and its end.

use std::{collections::HashMap, path::Path};

use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};

use super::{
    ContainerOptions,
    connect::{self, Connection},
    failure, guard,
    owner::{self, Owner},
};
use crate::executor::ExecutorError;

/// What was removed from an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// The engine, such as `Docker 20.10.24`.
    pub engine: String,
    /// Names of containers.
    pub containers: Vec<String>,
    /// Names of networks.
    pub networks: Vec<String>,
    /// What could not be removed, and why.
    pub problems: Vec<String>,
}

/// Removes what runs left that were killed, of any store. Errors where no engine answers.
pub async fn clean(options: &ContainerOptions) -> Result<Removed, ExecutorError> {
    let connection = connect::connect(options.hints().candidates()).await?;
    sweep(&connection, &Owner::this(), None).await
}

/// Removes containers and networks whose owner is dead.
pub(super) async fn sweep(
    connection: &Connection,
    this: &Owner,
    store: Option<&Path>,
) -> Result<Removed, ExecutorError> {
    let mut removed = Removed { engine: connection.facts.name.clone(), ..Removed::default() };
    let labelled = HashMap::from([("label", vec![owner::OWNER])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&labelled).build();
    let containers = connection.docker.list_containers(Some(options)).await;
    for container in containers.map_err(|error| failure::engine("listing containers", &error))? {
        let labels = container.labels.unwrap_or_default();
        if !owner::is_left_over(&labels, this, store) {
            continue;
        }
        let Some(id) = container.id else { continue };
        let name = container.names.into_iter().flatten().next().unwrap_or_else(|| id.clone());
        let name = name.trim_start_matches('/').to_owned();
        match guard::remove(connection, &id).await {
            Ok(_) => removed.containers.push(name),
            Err(error) => removed.problems.push(format!("{name}: {}", failure::chain(&error))),
        }
    }
    let options = ListNetworksOptionsBuilder::new().filters(&labelled).build();
    let networks = connection.docker.list_networks(Some(options)).await;
    for network in networks.map_err(|error| failure::engine("listing networks", &error))? {
        let labels = network.labels.unwrap_or_default();
        let (true, Some(name)) = (owner::is_left_over(&labels, this, store), network.name) else { continue };
        match connection.docker.remove_network(&name).await {
            Ok(()) => removed.networks.push(name),
            Err(error) if failure::is_missing(&error) => {}
            Err(error) => removed.problems.push(format!("{name}: {}", failure::chain(&error))),
        }
    }
    Ok(removed)
}
