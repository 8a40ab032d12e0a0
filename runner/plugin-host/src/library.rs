//! The plugins of this process: each is found once per reference and compiled once per digest, in the background.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use runner_engine::executor::ExecutorError;
use tokio::sync::{Semaphore, oneshot};

use crate::{
    cache::CodeCache,
    component::Plugin,
    describe,
    error::{environment, internal},
    machine::Machine,
    manifest::Manifest,
    source::{Builtin, Source},
};

/// Something that is found out once and awaited by many.
type Once<T> = Shared<BoxFuture<'static, Result<T, ExecutorError>>>;

/// A plugin that was found.
#[derive(Clone)]
pub(crate) struct Known {
    /// Its bytes and digest.
    pub(crate) source: Arc<Source>,
    /// What it says about itself.
    pub(crate) manifest: Arc<Manifest>,
}

/// All plugins of this process.
pub(crate) struct Library(Arc<Shelves>);

struct Shelves {
    machine: Arc<Machine>,
    cache: CodeCache,
    workspace: PathBuf,
    builtins: &'static [Builtin],
    /// One compilation at a time: each uses all processors, and two at once need the memory of both.
    compiler: Arc<Semaphore>,
    known: Mutex<HashMap<String, Once<Known>>>,
    plugins: Mutex<HashMap<String, Once<Arc<Plugin>>>>,
}

impl Library {
    /// An empty library.
    pub(crate) fn new(
        machine: Arc<Machine>,
        cache: CodeCache,
        workspace: PathBuf,
        builtins: &'static [Builtin],
    ) -> Self {
        Self(Arc::new(Shelves {
            machine,
            cache,
            workspace,
            builtins,
            compiler: Arc::new(Semaphore::new(1)),
            known: Mutex::default(),
            plugins: Mutex::default(),
        }))
    }

    /// Finds a plugin and its manifest. Whatever `uses` named first is what it names until [`forget`](Self::forget):
    /// a file that changes during a run does not change the run.
    pub(crate) async fn find(&self, uses: &str) -> Result<Known, ExecutorError> {
        let found = {
            let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            let shelves = self.0.clone();
            known
                .entry(uses.to_owned())
                .or_insert_with_key(|uses| shelves.find(uses.clone()).boxed().shared())
                .clone()
        };
        found.await
    }

    /// The manifest of a built-in plugin or of one that was described before, without compiling or waiting.
    pub(crate) fn manifest_at_hand(&self, uses: &str) -> Result<Option<Manifest>, ExecutorError> {
        let source = Source::find(uses, &self.0.workspace, self.0.builtins)?;
        match source.manifest_json {
            Some(json) => shipped(&source, json).map(Some),
            None => Ok(describe::remembered(&self.0.cache, &source.digest)),
        }
    }

    /// Digest of a plugin that was found, without waiting.
    pub(crate) fn digest(&self, uses: &str) -> Option<String> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        Some(known.get(uses)?.peek()?.as_ref().ok()?.source.digest.clone())
    }

    /// Starts compiling, unless that is done or under way. The result can be awaited any number of times.
    pub(crate) fn plugin(&self, source: &Arc<Source>) -> Once<Arc<Plugin>> {
        Shelves::plugin(&self.0, source)
    }

    /// Forgets what references named. Compiled code stays.
    pub(crate) fn forget(&self) {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Shelves {
    async fn find(self: Arc<Self>, uses: String) -> Result<Known, ExecutorError> {
        let shelves = self.clone();
        let source =
            tokio::task::spawn_blocking(move || Source::find(&uses, &shelves.workspace, shelves.builtins))
                .await
                .map_err(|error| internal(format!("finding a plugin failed: {error}")))??;
        let source = Arc::new(source);
        let plugin = Self::plugin(&self, &source);
        let manifest = if let Some(json) = source.manifest_json {
            shipped(&source, json)?
        } else if let Some(manifest) = describe::remembered(&self.cache, &source.digest) {
            manifest
        } else {
            let plugin = plugin.await?;
            describe::describe(&self.machine, &self.cache, &plugin, &source.name, &source.digest).await?
        };
        Ok(Known { source, manifest: Arc::new(manifest) })
    }

    fn plugin(self: &Arc<Self>, source: &Arc<Source>) -> Once<Arc<Plugin>> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = plugins.get(&source.digest) {
            return plugin.clone();
        }
        let (done, result) = oneshot::channel();
        let (shelves, job) = (self.clone(), source.clone());
        // Drives itself: it goes on whether or not anybody waits.
        tokio::spawn(async move {
            let (cached, wanted) = (shelves.clone(), job.clone());
            let before = tokio::task::spawn_blocking(move || {
                Plugin::compiled_before(&cached.machine, &cached.cache, &wanted.name, &wanted.digest)
            });
            if let Ok(Some(plugin)) = before.await {
                let _ = done.send(plugin.map(Arc::new));
                return;
            }
            let Ok(permit) = shelves.compiler.clone().acquire_owned().await else { return };
            // A thread of its own and not one of the runtime's: those are waited for when the process ends, and the
            // rest of a compilation is of no use to a run that has failed.
            let spawned = thread::Builder::new().name("plugin-compiler".into()).spawn(move || {
                let plugin =
                    Plugin::compile(&shelves.machine, &shelves.cache, &job.name, &job.digest, &job.bytes);
                drop(permit);
                // Nobody may be waiting any more.
                let _ = done.send(plugin.map(Arc::new));
            });
            if let Err(error) = spawned {
                tracing::warn!(%error, "cannot start a thread to compile a plugin");
            }
        });
        let name = source.name.clone();
        let plugin = result
            .map(move |received| {
                received.unwrap_or_else(|_| {
                    Err(environment("plugin::compile-aborted", format!("compiling {name} was given up")))
                })
            })
            .boxed()
            .shared();
        plugins.insert(source.digest.clone(), plugin.clone());
        plugin
    }
}

fn shipped(source: &Source, json: &str) -> Result<Manifest, ExecutorError> {
    Manifest::from_json(json)
        .map_err(|problem| internal(format!("{} has a bad manifest: {problem}", source.name)))
}
