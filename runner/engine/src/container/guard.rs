//! A container that is gone when nobody needs it any more, however that came about.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bollard::{
    errors::Error,
    models::ContainerCreateBody,
    query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder},
};

use super::{Inner, connect::Connection, failure};

/// Times that a container which may still be made is looked for, and the wait between.
const LOOKED_FOR: (u32, Duration) = (50, Duration::from_millis(100));

/// Removes a container, running or not, when it goes out of scope.
pub(super) struct Guard {
    inner: Arc<Inner>,
    connection: Arc<Connection>,
    name: String,
    /// The engine was asked to make it.
    asked: AtomicBool,
    /// The engine has said whether it made it.
    answered: Arc<AtomicBool>,
    done: bool,
}

impl Guard {
    /// A guard for a container that is still to be made.
    pub(super) fn new(inner: &Arc<Inner>, connection: &Arc<Connection>) -> Self {
        Self {
            name: inner.new_name(),
            inner: Arc::clone(inner),
            connection: Arc::clone(connection),
            asked: AtomicBool::new(false),
            answered: Arc::default(),
            done: false,
        }
    }

    /// Name of the container.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Makes it. Goes on when its future is dropped, so that the engine's answer is known.
    pub(super) async fn create(&self, body: ContainerCreateBody) -> Result<(), Error> {
        self.asked.store(true, Ordering::Release);
        let options = CreateContainerOptionsBuilder::new().name(&self.name).build();
        let (docker, answered) = (self.connection.docker.clone(), Arc::clone(&self.answered));
        let created = tokio::spawn(async move {
            let created = docker.create_container(Some(options), body).await.map(|_| ());
            answered.store(true, Ordering::Release);
            created
        });
        created.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
    }

    /// Removes it, and returns when it is gone.
    pub(super) async fn remove(mut self) {
        self.done = true;
        if let Some(task) = self.removal() {
            let _ = task.await;
        }
    }

    /// Removes it in the background. It has ended by itself.
    pub(super) fn remove_later(mut self) {
        self.done = true;
        self.removal();
    }

    /// Starts to remove it. The task goes on, whoever waits for it.
    fn removal(&self) -> Option<tokio::task::JoinHandle<()>> {
        if !self.asked.load(Ordering::Acquire) {
            return None;
        }
        // Without a runtime, everything has ended already; a later run removes it.
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let (connection, name) = (Arc::clone(&self.connection), self.name.clone());
        let (answered, inner) = (Arc::clone(&self.answered), Arc::clone(&self.inner));
        let work = async move {
            let (times, pause) = LOOKED_FOR;
            for _ in 0..times {
                let known = answered.load(Ordering::Acquire);
                match remove(&connection, &name).await {
                    Ok(true) => return,
                    Ok(false) if known => return,
                    // It may be made at this very moment.
                    Ok(false) => tokio::time::sleep(pause).await,
                    Err(error) => {
                        inner.left_behind(&name, &failure::chain(&error));
                        return;
                    }
                }
            }
        };
        Some(self.inner.tasks.spawn_on(work, &runtime))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.done {
            self.removal();
        }
    }
}

/// Removes a container by force, with its anonymous volumes. Whether there was one.
pub(super) async fn remove(connection: &Connection, name: &str) -> Result<bool, Error> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match connection.docker.remove_container(name, Some(options)).await {
        // With 409, somebody is removing it already.
        Ok(()) | Err(Error::DockerResponseServerError { status_code: 409, .. }) => Ok(true),
        Err(error) if failure::is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
