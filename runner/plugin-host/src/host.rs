//! The plugin host: the executor for steps that name a plugin.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use runner_engine::{
    executor::{Executor, ExecutorError, OutputStream, StepRequest, StepSink},
    outcome::StepOutcome,
};
use runner_workflow::plan::{Action, PlannedStep};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    attempt::Attempt, cache::CodeCache, error::internal, grants, library::Library, limits::Caps,
    machine::Machine, manifest::Manifest, source::Builtin,
};

/// A step that waits longer than this for its plugin's code says so.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a [`PluginHost`] is made with.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// Folder for compiled code; made if it is not there. Must belong to the user alone.
    pub cache_dir: PathBuf,
    /// The workspace, where `./path.wasm` and `allow.read` start.
    pub workspace: PathBuf,
    /// Plugins that are part of the program.
    pub builtins: &'static [Builtin],
    /// Variables that `allow.env` can grant. The host never looks at the environment of its own process.
    pub environment: BTreeMap<String, String>,
}

/// Runs plugins in a sandbox.
///
/// Everything a plugin can reach is made per attempt and is gone after it; what attempts share (engine, compiled code) they
/// cannot change.
pub struct PluginHost {
    machine: Arc<Machine>,
    library: Library,
    environment: Arc<BTreeMap<String, String>>,
    running: Arc<AtomicUsize>,
}

/// Counts an attempt for as long as it lives.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn start(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl PluginHost {
    /// Starts a host. Cheap: nothing is read or compiled yet.
    ///
    /// # Errors
    /// If the cache folder could be written to by others (`plugin::cache-not-private`), or the machine cannot run
    /// WebAssembly.
    pub fn new(options: HostOptions) -> Result<Self, ExecutorError> {
        let machine =
            Machine::start().map_err(|error| internal(format!("no WebAssembly engine: {error:#}")))?;
        let machine = Arc::new(machine);
        let cache = CodeCache::open(&options.cache_dir)?;
        let library = Library::new(machine.clone(), cache, options.workspace, options.builtins);
        Ok(Self { machine, library, environment: Arc::new(options.environment), running: Arc::default() })
    }

    /// What the plugin behind `uses` says about itself. Compiles it if it was never described on this machine.
    pub async fn manifest(&self, uses: &str) -> Result<Manifest, ExecutorError> {
        match self.library.manifest_at_hand(uses)? {
            Some(manifest) => Ok(manifest),
            None => Ok(self.library.find(uses).await?.manifest.as_ref().clone()),
        }
    }

    /// How many attempts have a sandbox at this moment.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// [`manifest`](Self::manifest) for callers outside of an async runtime, or inside of one that may block.
    pub fn manifest_blocking(&self, uses: &str) -> Result<Manifest, ExecutorError> {
        if let Some(manifest) = self.library.manifest_at_hand(uses)? {
            return Ok(manifest);
        }
        // A runtime cannot be started inside another, but on another thread it can.
        thread::scope(|scope| {
            let asked = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .map_err(|error| internal(format!("cannot start a runtime: {error}")))?;
                let manifest = runtime.block_on(self.manifest(uses));
                // What was found out belongs to a runtime that ends here.
                self.library.forget();
                manifest
            });
            asked.join().unwrap_or_else(|_| Err(internal("asking a plugin for its manifest failed")))
        })
    }
}

#[async_trait]
impl Executor for PluginHost {
    fn name(&self) -> &'static str {
        "plugin"
    }

    fn accepts(&self, action: &Action) -> bool {
        matches!(action, Action::Plugin { .. })
    }

    async fn prepare(&self, step: &PlannedStep) -> Result<(), ExecutorError> {
        let uses = plugin_of(&step.action)?;
        let known = self.library.find(uses).await?;
        grants::check(&step.id.to_string(), &known.manifest, &step.allow)
    }

    fn identity(&self, action: &Action) -> Option<String> {
        let digest = self.library.digest(plugin_of(action).ok()?)?;
        Some(if digest.contains(':') { digest } else { format!("sha256:{digest}") })
    }

    async fn execute(
        &self,
        request: StepRequest,
        sink: Arc<dyn StepSink>,
        cancel: CancellationToken,
    ) -> Result<StepOutcome, ExecutorError> {
        let uses = plugin_of(&request.action)?;
        let ready = async {
            let known = self.library.find(uses).await?;
            grants::check(&request.step, &known.manifest, &request.allow)?;
            let plugin = self.library.plugin(&known.source);
            // Loading what was compiled before takes a few milliseconds and is not worth a word.
            let plugin = if let Ok(plugin) = timeout(PATIENCE, plugin.clone()).await {
                plugin?
            } else {
                let text = format!("waiting for {} to be compiled", known.source.name);
                sink.progress(0.0, &text);
                sink.output(OutputStream::Log, &text);
                plugin.await?
            };
            Ok::<_, ExecutorError>((known, plugin))
        };
        let (known, plugin) = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(StepOutcome::Cancelled),
            ready = ready => ready?,
        };
        let caps = Caps::of(&request);
        let attempt = Attempt {
            machine: self.machine.clone(),
            plugin,
            name: known.manifest.name.clone(),
            caps,
            request,
            sink,
            cancel,
        };
        // A task of its own, so that plugins compute on all processors. Dropping this future aborts the task, which
        // ends at the plugin's next tick.
        let variables = self.environment.clone();
        let running = Running::start(&self.running);
        AbortOnDropHandle::new(tokio::spawn(async move {
            // Dropped with the attempt, however that ends.
            let _running = running;
            attempt.run(&variables).await
        }))
        .await
        .map_err(|error| internal(format!("running a plugin failed: {error}")))?
    }

    async fn teardown(&self) -> Result<(), ExecutorError> {
        self.library.forget();
        Ok(())
    }
}

fn plugin_of(action: &Action) -> Result<&str, ExecutorError> {
    match action {
        Action::Plugin { uses } => Ok(uses),
        _ => Err(internal("the plugin host was given a step that names no plugin")),
    }
}
