//! One attempt of one step: inputs in, executor, outputs into the store.

use std::{fs, panic::AssertUnwindSafe, path::Path, sync::Arc, time::Duration};

use futures::FutureExt;
use indexmap::IndexMap;
use runner_store::{ObjectError, RunDir, Store};
use runner_workflow::plan::{Kind, Output, StepIndex};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    cancel::CancelSignal,
    data,
    durability::Durability,
    event::{EventKind, StepResult},
    executor::{Binding, ErrorClass, Executor, ExecutorError, Metric, StepRequest, StepSink},
    outcome::StepOutcome,
    sink::AttemptSink,
    slots::{Slot, Slots},
    staging::{InputSource, OutputProblem, Published, Sharing, Stager, bind_outputs, publish_outputs},
    stream::{EventStream, milliseconds},
};

/// Outputs of up to so many bytes are hashed where the attempt runs; larger ones on a thread that may block.
const HASHED_AT_ONCE: u64 = 1 << 20;
/// Beyond grace, an executor that does not keep its word about deadlines and cancellation is given so long.
const PATIENCE: Duration = Duration::from_secs(3);

/// What all attempts of a run share.
pub(crate) struct Facilities {
    pub(crate) store: Store,
    pub(crate) run_dir: Arc<RunDir>,
    pub(crate) slots: Slots,
    pub(crate) stager: Stager,
    pub(crate) stream: Arc<EventStream>,
    pub(crate) cancel: CancelSignal,
    /// Fires when nothing may run any more, whatever its condition says.
    pub(crate) over: CancellationToken,
    pub(crate) grace: Duration,
    pub(crate) slow_after: Duration,
    pub(crate) durability: Durability,
    /// Work that nothing waits for before the end of the run.
    pub(crate) background: TaskTracker,
    /// Modes of files do not stop the steps of this user.
    pub(crate) superuser: bool,
    /// Device of the store: inputs from another one have to be copied.
    pub(crate) device: Option<u64>,
}

/// An attempt that is ready to start.
pub(crate) struct Attempt {
    pub(crate) index: StepIndex,
    /// Complete but for files and folders.
    pub(crate) request: StepRequest,
    pub(crate) sources: Vec<(String, Kind, InputSource)>,
    pub(crate) outputs: IndexMap<String, Output>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) sandboxed: bool,
    /// Asks it to end.
    pub(crate) stop: CancellationToken,
}

/// What came of an attempt.
pub(crate) struct Report {
    pub(crate) index: StepIndex,
    pub(crate) result: StepResult,
    /// Class of the error, where the result is one.
    pub(crate) class: Option<ErrorClass>,
    pub(crate) outputs: IndexMap<String, Published>,
    pub(crate) metrics: Vec<Metric>,
}

/// How an attempt ends before it could be an outcome.
struct Inability {
    class: ErrorClass,
    code: String,
    message: String,
    help: Option<String>,
}

impl From<ExecutorError> for Inability {
    fn from(error: ExecutorError) -> Self {
        Self { class: error.class, code: error.code.to_owned(), message: error.message, help: error.help }
    }
}

impl Inability {
    fn store(error: &ObjectError) -> Self {
        Self {
            class: ErrorClass::Environment,
            code: "engine::store".to_owned(),
            message: error.to_string(),
            help: miette_help(error),
        }
    }

    fn internal(message: String) -> Self {
        let help = Some("this is a defect of the runner".to_owned());
        Self { class: ErrorClass::Internal, code: "engine::internal".to_owned(), message, help }
    }
}

fn miette_help(error: &ObjectError) -> Option<String> {
    miette::Diagnostic::help(error).map(|help| help.to_string())
}

impl Attempt {
    /// Runs the attempt to its end. Never panics; nothing of it is left when this returns.
    pub(crate) async fn run(mut self, facilities: Arc<Facilities>) -> Report {
        let sink = Arc::new(AttemptSink::new(
            Arc::clone(&facilities.stream),
            self.request.step.clone(),
            &self.request.limits,
        ));
        let mut slot = None;
        let ended = self.work(&facilities, &sink, &mut slot).await;
        let metrics = sink.close();
        // After anything else, an executor that does not keep its word could still be writing.
        let good = matches!(&ended, Ok((outcome, _)) if outcome.is_success());
        clean_up(&facilities, slot, good);
        let index = self.index;
        match ended {
            Ok((outcome, outputs)) => {
                Report { index, result: StepResult::Ran(outcome), class: None, outputs, metrics }
            }
            Err(Inability { class, code, message, help }) => Report {
                index,
                result: StepResult::Error { code, message, help },
                class: Some(class),
                outputs: IndexMap::new(),
                metrics,
            },
        }
    }

    async fn work(
        &mut self,
        facilities: &Arc<Facilities>,
        sink: &Arc<AttemptSink>,
        slot: &mut Option<Slot>,
    ) -> Result<(StepOutcome, IndexMap<String, Published>), Inability> {
        *slot = Some(self.lay_out(facilities).await?);
        let out_dir = self.request.out_dir.clone();
        let limit = self.request.limits.output;
        let outcome = self.execute(facilities, sink).await?;
        if !outcome.is_success() {
            return Ok((outcome, IndexMap::new()));
        }
        if let Some(limit) = sink.exceeded_metrics() {
            return Ok((StepOutcome::LimitExceeded { what: "metrics".to_owned(), limit }, IndexMap::new()));
        }
        self.check_unchanged().await?;
        let outputs = self.outputs.clone();
        let store = facilities.store.clone();
        let publish = move || publish_outputs(&store, &outputs, &out_dir, limit);
        let published = if is_small(&self.outputs, &self.request.out_dir) {
            publish()
        } else {
            tokio::task::spawn_blocking(publish)
                .await
                .map_err(|error| Inability::internal(format!("storing outputs: {error}")))?
        };
        match published {
            Ok(published) => Ok((outcome, published)),
            Err(OutputProblem::Broken(message)) => {
                Ok((StepOutcome::Failed { code: None, message }, IndexMap::new()))
            }
            Err(OutputProblem::TooLarge(limit)) => {
                let what = "output bytes".to_owned();
                Ok((StepOutcome::LimitExceeded { what, limit }, IndexMap::new()))
            }
            Err(OutputProblem::Store(error)) => Err(Inability::store(&error)),
        }
    }

    /// Makes the folders and puts the inputs in place.
    async fn lay_out(&mut self, facilities: &Arc<Facilities>) -> Result<Slot, Inability> {
        let sharing = match (self.sandboxed, facilities.superuser) {
            (true, _) => Sharing::Shared,
            (false, false) => Sharing::Own,
            (false, true) => Sharing::OwnCopy,
        };
        let links = |source: &InputSource| match source {
            InputSource::Workspace(seen) => seen.is_dir || seen.device() == facilities.device,
            InputSource::Object { .. } => sharing != Sharing::OwnCopy,
            InputSource::Cells(cells) => sharing != Sharing::OwnCopy && cells.len() < 16,
        };
        let quick = self.sources.iter().all(|(_, _, source)| links(source));
        let sources = std::mem::take(&mut self.sources);
        let (step, number) = (self.request.step.clone(), self.request.attempt);
        let outputs = self.outputs.clone();
        let theirs = Arc::clone(facilities);
        let work =
            move || lay_out(&theirs, &step, number, &sources, &outputs, sharing).map(|laid| (laid, sources));
        let (laid, sources) = if quick {
            work()
        } else {
            tokio::task::spawn_blocking(work)
                .await
                .map_err(|error| Inability::internal(format!("preparing inputs: {error}")))?
        }?;
        self.sources = sources;
        self.request.scratch_dir = laid.slot.scratch_dir();
        self.request.out_dir = laid.slot.out_dir().to_path_buf();
        self.request.inputs = laid.inputs;
        self.request.outputs = laid.outputs;
        Ok(laid.slot)
    }

    /// Calls the executor, and holds it to its contract where it does not keep it.
    async fn execute(
        &mut self,
        facilities: &Facilities,
        sink: &Arc<AttemptSink>,
    ) -> Result<StepOutcome, Inability> {
        let started = Instant::now();
        let timeout = self.request.timeout;
        let request = self.request.clone();
        let token = self.stop.child_token();
        let sink_of_step: Arc<dyn StepSink> = Arc::<AttemptSink>::clone(sink);
        let executing = AssertUnwindSafe(self.executor.execute(request, sink_of_step, token)).catch_unwind();
        tokio::pin!(executing);
        let patience = facilities.grace + PATIENCE;
        let overdue = async {
            match timeout.and_then(|timeout| started.checked_add(timeout + patience)) {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let stopped = async {
            self.stop.cancelled().await;
            tokio::select! {
                () = facilities.cancel.now().cancelled() => {}
                () = sleep(patience) => {}
            }
        };
        let slow = sleep(facilities.slow_after);
        tokio::pin!(overdue, stopped, slow);
        let mut told_slow = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut executing => {
                    let error = match ended {
                        Ok(Ok(outcome)) => return Ok(outcome),
                        Ok(Err(error)) => Inability::from(error),
                        Err(_) => Inability::internal(format!("the {} executor panicked", self.executor.name())),
                    };
                    // An error caused by being stopped is not an error of the step.
                    return if self.stop.is_cancelled() { Ok(StepOutcome::Cancelled) } else { Err(error) };
                }
                () = &mut stopped => return Ok(StepOutcome::Cancelled),
                () = &mut overdue => {
                    let limit = timeout.unwrap_or_default().as_millis();
                    return Ok(StepOutcome::TimedOut { limit_ms: u64::try_from(limit).unwrap_or(u64::MAX) });
                }
                () = &mut slow, if !told_slow => {
                    told_slow = true;
                    facilities.stream.emit_masked(EventKind::StepSlow {
                        step: self.request.step.clone(),
                        duration_ms: milliseconds(started.elapsed()),
                    });
                }
            }
        }
    }

    /// What the step read from the workspace must still be what was identified.
    async fn check_unchanged(&mut self) -> Result<(), Inability> {
        let seen: Vec<_> = self
            .sources
            .iter()
            .filter_map(|(_, _, source)| match source {
                InputSource::Workspace(seen) => Some(seen.clone()),
                _ => None,
            })
            .collect();
        let look = move || seen.into_iter().find(|seen| !data::is_unchanged(seen));
        let folders = self.request.inputs.values().any(|binding| binding.is_dir);
        let changed = if folders {
            tokio::task::spawn_blocking(look)
                .await
                .map_err(|error| Inability::internal(format!("looking at inputs: {error}")))?
        } else {
            look()
        };
        changed.map_or(Ok(()), |seen| {
            Err(Inability {
                class: ErrorClass::Environment,
                code: "data::changed".to_owned(),
                message: format!("{} changed during the run", seen.path.display()),
                help: Some(
                    "what the step read is not what the record says; run again while nothing writes to the data"
                        .to_owned(),
                ),
            })
        })
    }
}

/// Where everything of an attempt lies.
struct LaidOut {
    slot: Slot,
    inputs: IndexMap<String, Binding>,
    outputs: IndexMap<String, Binding>,
}

fn lay_out(
    facilities: &Facilities,
    step: &str,
    attempt: u32,
    sources: &[(String, Kind, InputSource)],
    outputs: &IndexMap<String, Output>,
    sharing: Sharing,
) -> Result<LaidOut, Inability> {
    let environment = |message: String| Inability {
        class: ErrorClass::Environment,
        code: "engine::store".to_owned(),
        message,
        help: None,
    };
    let slot = if sharing == Sharing::Shared {
        facilities.slots.take()
    } else {
        let folder = facilities.run_dir.scratch_dir(step, attempt);
        Slot::in_folder(folder.map_err(|error| environment(error.to_string()))?, false)
    };
    let mut slot =
        slot.map_err(|error| environment(format!("cannot create folders for `{step}`: {error}")))?;
    let mut inputs = IndexMap::with_capacity(sources.len());
    for (name, kind, source) in sources {
        let staged = facilities.stager.stage(*kind, source, sharing, &mut slot);
        inputs.insert(name.clone(), staged.map_err(|error| Inability::store(&error))?);
    }
    let outputs = bind_outputs(outputs, slot.out_dir()).map_err(|error| Inability::store(&error))?;
    Ok(LaidOut { slot, inputs, outputs })
}

/// Whether all outputs are files, and small ones.
fn is_small(outputs: &IndexMap<String, Output>, out_dir: &Path) -> bool {
    let sizes = outputs.values().map(|output| match fs::symlink_metadata(out_dir.join(&output.path)) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => u64::MAX,
        Err(_) => 0,
    });
    sizes.fold(0, u64::saturating_add) <= HASHED_AT_ONCE
}

/// Hands the folders on, or removes them in the background with what the attempt left. What cannot be removed is
/// removed with the run.
fn clean_up(facilities: &Facilities, slot: Option<Slot>, reuse: bool) {
    if let Some(folder) = slot.and_then(|slot| facilities.slots.give_back(slot, reuse)) {
        facilities.background.spawn_blocking(move || {
            let _ = fs::remove_dir_all(folder);
        });
    }
}
