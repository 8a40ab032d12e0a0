//! Runs `container:` on Docker or Podman.
//!
//! What a step sees:
//!
//! | place | meaning |
//! |---|---|
//! | `/workspace` | the workspace, read-only, without the store; where it starts |
//! | `/in/<name>` | the input `name`, read-only; a file under its own name |
//! | `/out` | its outputs, each under its path |
//! | `/tmp` | a folder in memory |
//! | `/run/runner` | the files for metrics and findings |
//!
//! The variables are those of a [process](crate::process), with these paths. Nothing else of the host is there: no network,
//! no capability, no other path, and never the engine's socket. Whatever widens that stands in the plan.
//!
//! The calling user owns what comes out. A container runs as this user, or as the root of a rootless engine, which is the
//! same user; where `user:` asks for another one, what it wrote is given back afterwards.

mod address;
mod attempt;
mod build;
mod cleanup;
mod connect;
#[cfg(test)]
mod contract_tests;
mod credentials;
mod failure;
mod gpus;
mod guard;
mod ignore;
mod image;
mod owner;
mod ownership;
mod reference;
mod services;
mod spec;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runner_workflow::plan::{Action, ImageSource, PlannedStep, Pull};
use tokio::sync::OnceCell;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{address::Hints, connect::Connection, gpus::Gpus, image::Images, owner::Owner, spec::Caller};
pub use self::{
    cleanup::{Removed, clean},
    ignore::Ignore,
};
use crate::{
    event::ImageRecord,
    executor::{Executor, ExecutorError, RunNotes, StepRequest, StepSink},
    outcome::StepOutcome,
};

/// What the executor is given, since it reads neither the environment nor the home folder itself.
#[derive(Debug, Clone, Default)]
pub struct ContainerOptions {
    /// The environment of the runner: `DOCKER_HOST` and its kin say where the engine is. Nothing of it reaches a step.
    pub env: BTreeMap<String, String>,
    /// The home folder, for Docker's settings.
    pub home: Option<PathBuf>,
    /// Time between asking a step to end and killing it.
    pub grace: Duration,
    /// The workspace, for images that are built from a folder of it.
    pub workspace: PathBuf,
    /// Folder of the store: hidden from steps, and noted on everything that is made.
    pub store: Option<PathBuf>,
    /// GPUs of this machine.
    pub gpus: u32,
    /// Images of earlier runs and what they were: one that is something else now is told of.
    pub known_images: HashMap<String, String>,
}

impl ContainerOptions {
    fn hints(&self) -> Hints<'_> {
        Hints { env: Some(&self.env), home: self.home.as_deref() }
    }
}

/// The executor of `container:`.
pub struct ContainerExecutor {
    inner: Arc<Inner>,
}

impl fmt::Debug for ContainerExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerExecutor").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// What all attempts share.
struct Inner {
    options: ContainerOptions,
    caller: Caller,
    owner: Owner,
    connection: OnceCell<Arc<Connection>>,
    /// Why there is none: told once, not for every step.
    unreachable: OnceLock<ExecutorError>,
    images: Images,
    gpus: Gpus,
    services: services::Services,
    /// Removals that go on.
    tasks: TaskTracker,
    /// What could not be removed.
    left: Mutex<Vec<String>>,
    run: OnceLock<(String, Arc<dyn RunNotes>)>,
    names: AtomicU64,
    mark: u64,
}

impl ContainerExecutor {
    /// An executor that looks for its engine when the first step is prepared.
    #[must_use]
    pub fn new(options: ContainerOptions) -> Self {
        let caller =
            Caller { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() };
        Self {
            inner: Arc::new(Inner {
                caller,
                owner: Owner::this(),
                connection: OnceCell::new(),
                unreachable: OnceLock::new(),
                images: Images::default(),
                gpus: Gpus::new(options.gpus),
                services: services::Services::default(),
                tasks: TaskTracker::new(),
                left: Mutex::default(),
                run: OnceLock::new(),
                names: AtomicU64::new(0),
                mark: RandomState::new().hash_one(std::process::id()),
                options,
            }),
        }
    }
}

impl Inner {
    /// The engine; looked for once, and what earlier runs left on it is removed on the way.
    async fn connection(self: &Arc<Self>) -> Result<Arc<Connection>, ExecutorError> {
        if let Some(error) = self.unreachable.get() {
            return Err(error.clone());
        }
        let connected = self.connection.get_or_try_init(|| async {
            let connection = connect::connect(self.options.hints().candidates()).await;
            let connection = Arc::new(connection.inspect_err(|error| {
                let _ = self.unreachable.set(error.clone());
            })?);
            let (inner, swept) = (Arc::clone(self), Arc::clone(&connection));
            self.tasks.spawn(async move {
                let store = inner.options.store.clone();
                // What cannot be removed now can be later; `runner clean` says why it is not.
                let _ = cleanup::sweep(&swept, &inner.owner, store.as_deref()).await;
            });
            Ok(connection)
        });
        connected.await.cloned()
    }

    async fn image(
        self: &Arc<Self>,
        source: &ImageSource,
        connection: &Arc<Connection>,
    ) -> Result<Arc<ImageRecord>, ExecutorError> {
        let image = self.images.fetch(source, self, connection).await;
        if image.is_err() {
            self.images.forget(source);
        }
        image
    }

    fn note(&self, tell: impl FnOnce(&dyn RunNotes)) {
        if let Some((_, notes)) = self.run.get() {
            tell(&**notes);
        }
    }

    /// Tells of a tag that means another image than in an earlier run.
    fn warn_if_moved(&self, image: &ImageRecord) {
        if let Some(before) = self.options.known_images.get(&image.image)
            && *before != image.id
        {
            self.note(|notes| {
                notes.warning(
                    "container::moved",
                    format!(
                        "`{}` is another image than in the last run: {} now, {before} then; name it by its digest to keep it",
                        image.image, image.id
                    ),
                );
            });
        }
    }

    fn left_behind(&self, name: &str, why: &str) {
        let text = format!("{name} ({why})");
        self.left.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// A name that no other container has.
    fn new_name(&self) -> String {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        format!("runner-{:016x}-{number}", self.mark)
    }

    fn labels(&self, step: &str) -> HashMap<String, String> {
        let store = self.options.store.as_ref().map(|store| store.to_string_lossy().into_owned());
        let run = self.run.get().map(|(run, _)| run.clone());
        [
            (owner::OWNER, Some(self.owner.to_label())),
            (owner::STEP, Some(step.to_owned())),
            (owner::STORE, store),
            (owner::RUN, run),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    /// Everything about a step that the engine could not do.
    fn refuse(&self, step: &PlannedStep, connection: &Connection) -> Result<(), ExecutorError> {
        let facts = &connection.facts;
        let gpus = step.resources.gpu.unwrap_or(0);
        if gpus > 0 && (!facts.gpus || self.options.gpus < gpus) {
            let (has, engine) = (self.options.gpus, &facts.name);
            let why = if facts.gpus {
                format!("this machine has {has}")
            } else {
                format!("{engine} hands out none")
            };
            return Err(failure::environment(
                "container::no-gpu",
                format!("step `{}` needs {gpus} GPU, and {why}", step.id),
                "install the driver and the NVIDIA container toolkit (`nvidia-ctk runtime configure`), or leave `resources.gpu` out",
            ));
        }
        if !facts.limits && (step.limits.memory.is_some() || step.limits.pids.is_some()) {
            return Err(failure::environment(
                "container::no-limits",
                format!(
                    "{} cannot cap memory and processes, which `limits` of step `{}` asks for",
                    facts.name, step.id
                ),
                "a rootless engine needs control groups of version 2, delegated to its user",
            ));
        }
        Ok(())
    }
}

#[async_trait]
impl Executor for ContainerExecutor {
    fn name(&self) -> &'static str {
        "container"
    }

    fn accepts(&self, action: &Action) -> bool {
        matches!(action, Action::Container { .. })
    }

    fn identity(&self, action: &Action) -> Option<String> {
        let Action::Container { container, .. } = action else { return None };
        self.inner.images.digest(&container.image)
    }

    fn begin(&self, run_id: &str, notes: Arc<dyn RunNotes>) {
        let _ = self.inner.run.set((run_id.to_owned(), notes));
    }

    async fn prepare(&self, step: &PlannedStep) -> Result<(), ExecutorError> {
        let Action::Container { container, .. } = &step.action else { return Ok(()) };
        crate::variables::check_names(step)?;
        let connection = self.inner.connection().await?;
        self.inner.refuse(step, &connection)?;
        if let ImageSource::Named { reference, pull: Pull::Never } = &container.image
            && image::find(&connection.docker, &reference::with_tag(reference)).await?.is_none()
        {
            return Err(image::absent(reference));
        }
        // On its way, while other steps run.
        drop(self.inner.images.fetch(&container.image, &self.inner, &connection));
        Ok(())
    }

    async fn execute(
        &self,
        request: StepRequest,
        sink: Arc<dyn StepSink>,
        cancel: CancellationToken,
    ) -> Result<StepOutcome, ExecutorError> {
        attempt::run(&self.inner, request, sink, cancel).await
    }

    async fn stage_ended(&self, stage: &str) {
        services::stop(&self.inner, stage).await;
    }

    async fn teardown(&self) -> Result<(), ExecutorError> {
        services::stop_all(&self.inner).await;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        let left = std::mem::take(&mut *self.inner.left.lock().unwrap_or_else(PoisonError::into_inner));
        if left.is_empty() {
            return Ok(());
        }
        Err(failure::environment(
            "container::left-behind",
            format!("these could not be removed: {}", left.join(", ")),
            "a later run removes them, or `runner clean`",
        ))
    }
}
