//! One run from its first event to its record.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    sync::{Arc, Weak},
    time::Duration,
};

use futures::{FutureExt, StreamExt, stream};
use runner_store::{RunDir, RunId};
use runner_workflow::plan::{Action, OutputRef, Plan, PolicyLevel, Source};
use tokio::{sync::mpsc::unbounded_channel, time::Instant};
use tokio_util::task::TaskTracker;

use crate::{
    attempt::Facilities,
    conclusion::{Conclusion, exit_code, result_of},
    data,
    decide::CANCELLED,
    drive::{DataSetInUse, Driver, Message, StageProgress, StepProgress},
    durability::Durability,
    event::{EventKind, ImageRecord, RunResult, StageOutline, StepResult},
    evidence,
    executor::{Executor, ExecutorError, RunNotes},
    mask::Masker,
    options::{EngineError, RunOptions, RunSummary},
    policy::Withheld,
    references::{self, ReferencesInUse},
    refusal::{host_steps, refusals},
    resources::Machine,
    schedule::Schedule,
    scope::StepFacts,
    select::select_stages,
    slots::Slots,
    staging::Stager,
    stream::{EventStream, milliseconds},
};

/// Steps that are prepared at the same time.
const PREPARED_AT_ONCE: usize = 16;
/// How long an executor may take to release what it holds.
const TEARDOWN: Duration = Duration::from_secs(15);

/// Runs plans.
#[derive(Debug, Clone, Copy, Default)]
pub struct Engine;

impl Engine {
    /// Runs a plan to its end, whatever that is. To be called in a tokio runtime with timers.
    ///
    /// `Err` means that there is no run: nothing was recorded and nothing started. Everything else, a refusal before the
    /// first step included, is a run with a record.
    ///
    /// What decides the exit code where several things went wrong, in this order: a defect (70), a cancellation (130), a
    /// denial (5), a mistake in the workflow (2), the environment (6), a step that failed (1), one that timed out (124), a
    /// gate that failed (3), a gate that holds (4).
    pub async fn run(mut options: RunOptions) -> Result<RunSummary, EngineError> {
        let started = Instant::now();
        let selected = select_stages(&options.plan, &options.stages, options.until.as_deref())?;
        let workspace = fs::canonicalize(&options.workspace)
            .map_err(|source| EngineError::Workspace { path: options.workspace.clone(), source })?;
        let run_id = options.run_id.clone().unwrap_or_default();
        let run_dir =
            options.store.create_run(&run_id).map_err(|error| EngineError::Record(error.to_string()))?;
        let run_dir = Arc::new(run_dir);
        let references = references::resolve(&mut options, &selected, &workspace).await;
        let run = Run::open(options, selected, workspace, references, &run_id, &run_dir)?;
        // A task of its own: what it starts can then run on the same thread, without waking another.
        let carried_out = tokio::spawn(run.carry_out(started, run_dir)).await;
        carried_out.map_err(|error| EngineError::Record(format!("the engine stopped: {error}")))
    }
}

/// A run that is recorded and has not started.
struct Run {
    executors: Vec<Arc<dyn Executor>>,
    selected: Vec<bool>,
    machine: Machine,
    withheld: Vec<Withheld>,
    driver: Driver,
}

impl Run {
    fn open(
        mut options: RunOptions,
        selected: Vec<bool>,
        workspace: std::path::PathBuf,
        references: ReferencesInUse,
        run_id: &RunId,
        run_dir: &Arc<RunDir>,
    ) -> Result<Self, EngineError> {
        let record = |error: String| EngineError::Record(error);
        let masker = Masker::new(&options.secrets);
        write_plan(&options.plan, &masker, run_dir).map_err(record)?;
        let work = run_dir.path().join("work");
        let shared = work.join("inputs");
        fs::create_dir_all(&shared).map_err(|error| record(format!("{}: {error}", shared.display())))?;
        let stream = Arc::new(EventStream::open(
            run_id.to_string(),
            masker,
            Box::new(Arc::clone(run_dir)),
            std::mem::take(&mut options.consumers),
        ));
        let plan = Arc::clone(&options.plan);
        let jobs = options.jobs.unwrap_or_else(processors).max(1);
        let ids: Vec<String> = plan.steps.iter().map(|step| step.id.to_string()).collect();
        let first = started(&options, outline(&plan, &selected, &ids), jobs);
        let facilities = Arc::new(Facilities {
            slots: Slots::new(work),
            stager: Stager::new(options.store.clone(), shared),
            device: fs::metadata(run_dir.path()).ok().map(|metadata| metadata.dev()),
            store: options.store,
            run_dir: Arc::clone(run_dir),
            stream: Arc::clone(&stream),
            over: options.cancel.now().child_token(),
            cancel: options.cancel,
            grace: options.grace,
            slow_after: options.slow_after,
            durability: Durability::default(),
            background: TaskTracker::new(),
            superuser: rustix::process::geteuid().is_root(),
        });
        stream.emit(first);
        for message in stream.masker().warnings() {
            stream.warn("engine::secret", message.clone());
        }
        for reference in &references.records {
            stream.emit(EventKind::ReferenceResolved { reference: reference.clone() });
        }
        // A run that is killed while it prepares is one that somebody can look at.
        stream.commit().map_err(record)?;
        for executor in &options.executors {
            executor.begin(run_id.as_str(), Arc::new(Notes(Arc::downgrade(&stream))));
        }
        let data = data_in_use(&plan, &selected, &workspace);
        let mut waits = vec![0; plan.steps.len()];
        for step in data.values().flat_map(|data| &data.waiting) {
            waits[*step] += 1;
        }
        let schedule = Schedule::new(&plan, &selected, jobs, &options.machine, |step| waits[step]);
        let find =
            |action: &Action| options.executors.iter().find(|executor| executor.accepts(action)).cloned();
        let executors = plan.steps.iter().map(|step| find(&step.action)).collect();
        let (sender, receiver) = unbounded_channel();
        let driver = Driver {
            workspace,
            event: options.event,
            git: options.git,
            workflow_digest: options.workflow_digest,
            file: options.file,
            runner_version: options.runner_version,
            registry: options.registry,
            actor: options.actor,
            signing_key: options.signing_key,
            run_id: run_id.to_string(),
            facilities,
            executors,
            all_executors: options.executors.clone(),
            schedule,
            facts: plan.steps.iter().map(|_| StepFacts::default()).collect(),
            by_id: ids.iter().enumerate().map(|(index, id)| (id.clone(), index)).collect(),
            ids,
            steps: plan.steps.iter().map(|_| StepProgress::default()).collect(),
            stages: plan.stages.iter().map(|_| StageProgress::default()).collect(),
            data,
            uses: uses(&plan),
            references,
            judgements: Vec::new(),
            cases: Vec::new(),
            waivers: options.waivers,
            waived: Vec::new(),
            evidence: None,
            conclusion: Conclusion::default(),
            in_flight: 0,
            after_cancel: options.after_cancel,
            over_at: None,
            stopped: None,
            sender,
            receiver,
            plan,
        };
        Ok(Self {
            executors: options.executors,
            selected,
            machine: options.machine,
            withheld: options.withheld,
            driver,
        })
    }

    async fn carry_out(mut self, started: Instant, run_dir: Arc<RunDir>) -> RunSummary {
        if self.refused() || !self.prepared().await {
            self.driver.stop("the run was refused before it started");
        } else {
            self.identify_data();
            self.driver.run().await;
        }
        self.tear_down().await;
        self.finish(started, run_dir).await
    }

    /// Whether something forbids to start. Everything that does is told.
    fn refused(&mut self) -> bool {
        let driver = &mut self.driver;
        let refusals =
            refusals(&driver.plan, &self.selected, &driver.workspace, &self.executors, &self.machine);
        for refusal in &refusals {
            driver.facilities.stream.warn(&refusal.code, refusal.message.clone());
            driver.conclusion.add(refusal.result, refusal.message.clone());
        }
        for withheld in &self.withheld {
            driver.facilities.stream.warn(&withheld.code, withheld.reason.clone());
            driver.conclusion.add(withheld.result, withheld.reason.clone());
        }
        let hosts = host_steps(&driver.plan, &self.selected);
        if driver.plan.policy.host_steps == PolicyLevel::Warn
            && let Some(first) = hosts.first()
        {
            let more = match hosts.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            driver.facilities.stream.warn(
                "policy::host-steps",
                format!("`{first}`{more} runs on the host without a sandbox: it can read and write whatever you can"),
            );
        }
        !refusals.is_empty()
    }

    /// Has every selected step prepared. Everything that cannot be run is told.
    async fn prepared(&mut self) -> bool {
        let driver = &mut self.driver;
        let plan = Arc::clone(&driver.plan);
        let steps: Vec<_> = plan
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| self.selected[step.stage])
            .filter_map(|(index, _)| Some((index, driver.executors[index].clone()?)))
            .collect();
        let preparing: Vec<_> = steps
            .into_iter()
            .map(|(index, executor): (usize, Arc<dyn Executor>)| {
                let plan = Arc::clone(&plan);
                async move { executor.prepare(&plan.steps[index]).await.err().map(|error| (index, error)) }
                    .boxed()
            })
            .collect();
        let mut preparing = stream::iter(preparing).buffer_unordered(PREPARED_AT_ONCE);
        let cancelled = driver.facilities.cancel.graceful().clone();
        let mut problems: Vec<(usize, ExecutorError)> = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => {
                    driver.conclusion.add(RunResult::Cancelled, CANCELLED);
                    return false;
                }
                prepared = preparing.next() => match prepared {
                    Some(problem) => problems.extend(problem),
                    None => break,
                },
            }
        }
        problems.sort_by_key(|(index, _)| *index);
        let none = problems.is_empty();
        // A missing engine is in the way of every container: it is told once.
        let mut told: HashMap<String, usize> = HashMap::new();
        for (index, error) in problems {
            let ExecutorError { class, code, message, help } = error;
            if let Some(first) = told.get(&message) {
                driver.skip_step(
                    index,
                    format!("it cannot run for the same reason as `{}`", driver.ids[*first]),
                );
                continue;
            }
            told.insert(message.clone(), index);
            let reason = help.as_ref().map_or_else(|| message.clone(), |help| format!("{message}: {help}"));
            driver.conclusion.add(result_of(Some(class)), format!("step `{}`: {reason}", driver.ids[index]));
            driver.emit(EventKind::StepFinished {
                step: driver.ids[index].clone(),
                stage: plan.stages[plan.steps[index].stage].name.clone(),
                attempts: 0,
                result: StepResult::Error { code: code.to_owned(), message, help },
                duration_ms: 0.0,
            });
            driver.facts[index].outcome = Some("error");
            driver.schedule.settle(index, crate::schedule::End::Bad);
        }
        none
    }

    /// Starts to hash the data sets; steps that need none do not wait for it.
    fn identify_data(&mut self) {
        let driver = &mut self.driver;
        let sets: Vec<_> = driver.data.iter().map(|(name, data)| (name.clone(), data.seen.clone())).collect();
        for (name, seen) in sets {
            driver.spawn(async move {
                let of = name.clone();
                let hashed = tokio::task::spawn_blocking(move || data::identify(&of, &seen)).await;
                let identity = hashed.unwrap_or_else(|error| Err(format!("hashing `{name}`: {error}")));
                Message::Identified(name, identity)
            });
        }
    }

    async fn tear_down(&self) {
        for executor in &self.executors {
            let ended = tokio::time::timeout(TEARDOWN, executor.teardown()).await;
            let problem = match ended {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("it took longer than {} s", TEARDOWN.as_secs()),
            };
            let name = executor.name();
            self.driver.facilities.stream.warn(
                "engine::teardown",
                format!("the {name} executor did not release everything: {problem}"),
            );
        }
        self.driver.facilities.background.close();
        self.driver.facilities.background.wait().await;
    }

    async fn finish(self, started: Instant, run_dir: Arc<RunDir>) -> RunSummary {
        let Self { mut driver, .. } = self;
        let facilities = Arc::clone(&driver.facilities);
        let verdict = driver.verdict();
        if let Err(error) = evidence::write(&mut driver, true) {
            driver.conclusion.add(RunResult::Environment, error);
        }
        if let Err(error) = facilities.stream.commit() {
            driver.conclusion.add(RunResult::Environment, format!("the run cannot be recorded: {error}"));
        }
        let (result, reason) = driver.conclusion.result();
        let reason = reason.map(|reason| facilities.stream.masker().mask(&reason).into_owned());
        facilities.stream.emit(EventKind::RunFinished {
            result,
            exit_code: exit_code(result),
            verdict,
            reason: reason.clone(),
            duration_ms: milliseconds(started.elapsed()),
        });
        let run_id = std::mem::take(&mut driver.run_id);
        let mut conclusion = std::mem::take(&mut driver.conclusion);
        // Both hold the run's folder.
        drop(driver);
        let ended = tokio::task::spawn_blocking(move || {
            let (record, mut problems) = facilities.stream.close();
            let mut lost = facilities.stream.commit().err();
            if let Some(record) = &record
                && let Err(error) = run_dir.write_record(record, true)
            {
                lost = Some(error.to_string());
            }
            drop(facilities);
            match Arc::try_unwrap(run_dir) {
                Ok(run_dir) => problems.extend(run_dir.close().err().map(|error| error.to_string())),
                // Something still holds it; a later run removes what is left.
                Err(run_dir) => drop(run_dir),
            }
            (record, problems, lost)
        });
        let (mut record, problems, lost) =
            ended.await.unwrap_or_else(|error| (None, Vec::new(), Some(error.to_string())));
        let (mut result, mut reason) = (result, reason);
        if let Some(error) = lost {
            // Nobody can look at it later, so that it has not passed, whatever its last event says.
            conclusion
                .add(RunResult::Environment, format!("the record of the run cannot be written: {error}"));
            (result, reason) = conclusion.result();
            if let Some(record) = &mut record {
                (record.result, record.exit_code) = (Some(result), Some(exit_code(result)));
                record.reason.clone_from(&reason);
            }
        }
        RunSummary { run_id, result, exit_code: exit_code(result), verdict, reason, record, problems }
    }
}

/// What executors report about the run. They outlive it, and must not hold its folder.
struct Notes(Weak<EventStream>);

impl Notes {
    fn emit(&self, kind: EventKind) {
        if let Some(stream) = self.0.upgrade() {
            stream.emit(kind);
        }
    }
}

impl RunNotes for Notes {
    fn image_progress(&self, image: &str, done: u64, total: u64) {
        self.emit(EventKind::ImageProgress { image: image.to_owned(), done, total });
    }

    fn image(&self, image: &ImageRecord, took: Duration) {
        self.emit(EventKind::ImageReady { image: image.clone(), duration_ms: milliseconds(took) });
    }

    fn warning(&self, code: &'static str, message: String) {
        self.emit(EventKind::Warning { code: code.to_owned(), message });
    }
}

/// The first event.
fn started(options: &RunOptions, stages: Vec<StageOutline>, jobs: usize) -> EventKind {
    let plan = &options.plan;
    EventKind::RunStarted {
        workflow: plan.name.clone(),
        file: options.file.clone(),
        workflow_digest: options.workflow_digest.clone(),
        runner_version: options.runner_version.clone(),
        git_commit: options.git.commit.clone(),
        git_branch: options.git.branch.clone(),
        git_dirty: options.git.dirty,
        params: plan.params.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        stages,
        jobs,
    }
}

/// Writes the plan as it is run. A secret should not be in it, but a parameter may have been given as one.
fn write_plan(plan: &Plan, masker: &Masker, run_dir: &RunDir) -> Result<(), String> {
    if masker.is_empty() {
        return run_dir.write_plan(plan).map_err(|error| error.to_string());
    }
    let mut plan = serde_json::to_value(plan).map_err(|error| error.to_string())?;
    masker.mask_json(&mut plan);
    run_dir.write_plan(&plan).map_err(|error| error.to_string())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn outline(plan: &Plan, selected: &[bool], ids: &[String]) -> Vec<StageOutline> {
    let stages = plan.stages.iter().zip(selected).filter(|(_, selected)| **selected);
    stages
        .map(|(stage, _)| StageOutline {
            name: stage.name.clone(),
            steps: stage.steps.iter().map(|step| ids[*step].clone()).collect(),
            gates: stage.gates.len(),
        })
        .collect()
}

fn uses(plan: &Plan) -> HashMap<OutputRef, usize> {
    let mut uses = HashMap::new();
    for source in plan.steps.iter().flat_map(|step| step.inputs.values()) {
        if let Source::Output(output) = source {
            *uses.entry(output.clone()).or_insert(0) += 1;
        }
    }
    uses
}

/// The data sets that selected steps read and that are there. One that is not there shows where it is needed.
fn data_in_use(plan: &Plan, selected: &[bool], workspace: &std::path::Path) -> HashMap<String, DataSetInUse> {
    let mut used: HashMap<String, DataSetInUse> = HashMap::new();
    for (index, step) in plan.steps.iter().enumerate().filter(|(_, step)| selected[step.stage]) {
        for source in step.inputs.values() {
            let Source::Data(name) = source else { continue };
            if let Some(data) = used.get_mut(name) {
                if data.waiting.last() != Some(&index) {
                    data.waiting.push(index);
                }
            } else if let Some(set) = plan.data.get(name)
                && let Ok(seen) = data::look(workspace, &set.path)
            {
                used.insert(name.clone(), DataSetInUse { seen, waiting: vec![index], identity: None });
            }
        }
    }
    used
}
