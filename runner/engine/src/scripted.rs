//! An executor that does what a script says: drives the tests of scheduling, retries, gates and reports.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runner_workflow::plan::{Action, PlannedStep};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    executor::{Executor, ExecutorError, Finding, Metric, OutputStream, StepRequest, StepSink},
    outcome::StepOutcome,
};

/// What one attempt does, in the order of the fields.
#[derive(Debug, Clone)]
pub struct Act {
    /// Lines of output.
    pub lines: Vec<String>,
    /// Metrics to report.
    pub metrics: Vec<Metric>,
    /// Findings to report.
    pub findings: Vec<Finding>,
    /// Content of outputs by name. An output that is not named here is written with the id of the step as content,
    /// unless [`skip_outputs`](Self::skip_outputs).
    pub outputs: HashMap<String, Vec<u8>>,
    /// Write only the outputs that are named.
    pub skip_outputs: bool,
    /// How long it takes, on tokio's clock.
    pub delay: Duration,
    /// How it ends.
    pub end: Result<StepOutcome, ExecutorError>,
}

impl Default for Act {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            metrics: Vec::new(),
            findings: Vec::new(),
            outputs: HashMap::new(),
            skip_outputs: false,
            delay: Duration::ZERO,
            end: Ok(StepOutcome::Succeeded),
        }
    }
}

impl Act {
    /// Succeeds at once.
    #[must_use]
    pub fn succeed() -> Self {
        Self::default()
    }

    /// Fails with an exit code.
    #[must_use]
    pub fn fail(code: i32) -> Self {
        Self::ending(StepOutcome::Failed { code: Some(code), message: "as scripted".to_owned() })
    }

    /// Ends so.
    #[must_use]
    pub fn ending(outcome: StepOutcome) -> Self {
        Self { end: Ok(outcome), ..Self::default() }
    }

    /// Cannot be run.
    #[must_use]
    pub fn error(error: ExecutorError) -> Self {
        Self { end: Err(error), ..Self::default() }
    }

    /// Takes its time.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Reports a metric for the whole.
    #[must_use]
    pub fn metric(mut self, name: &str, value: f64) -> Self {
        self.metrics.push(Metric { name: name.to_owned(), value, slice: Vec::new() });
        self
    }

    /// Writes an output.
    #[must_use]
    pub fn output(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.outputs.insert(name.to_owned(), content.into());
        self
    }

    /// Writes a line of output.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }
}

/// What the executor was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// Id of the step.
    pub step: String,
    /// Attempt, from 1.
    pub attempt: u32,
    /// When it started, on tokio's clock.
    pub started: Instant,
    /// When it ended; none while it runs, or where it was dropped.
    pub ended: Option<Instant>,
}

/// An executor that accepts every action and does what its script says. Steps that are not in the script succeed.
#[derive(Debug, Default)]
pub struct ScriptedExecutor {
    acts: HashMap<String, Vec<Act>>,
    refusals: HashMap<String, ExecutorError>,
    state: Mutex<State>,
    running: AtomicUsize,
    quiet: bool,
}

#[derive(Debug, Default)]
struct State {
    performed: Vec<Performed>,
    requests: Vec<StepRequest>,
    prepared: Vec<String>,
    teardowns: usize,
    most_at_once: usize,
}

impl ScriptedExecutor {
    /// An executor under which everything succeeds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the attempts of a step do, one act for each; the last one counts for all further attempts. `step` is the id
    /// with its cell, such as `fit[seed=0]`.
    #[must_use]
    pub fn on(mut self, step: &str, acts: impl IntoIterator<Item = Act>) -> Self {
        self.acts.insert(step.to_owned(), acts.into_iter().collect());
        self
    }

    /// The step is refused when it is prepared.
    #[must_use]
    pub fn refuse(mut self, step: &str, error: ExecutorError) -> Self {
        self.refusals.insert(step.to_owned(), error);
        self
    }

    /// Keeps no record of what was performed: for measuring the engine alone.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// All attempts so far, in the order they started.
    #[must_use]
    pub fn performed(&self) -> Vec<Performed> {
        self.lock().performed.clone()
    }

    /// The ids of [`performed`](Self::performed).
    #[must_use]
    pub fn order(&self) -> Vec<String> {
        self.lock().performed.iter().map(|performed| performed.step.clone()).collect()
    }

    /// The last request for a step.
    #[must_use]
    pub fn request(&self, step: &str) -> Option<StepRequest> {
        self.lock().requests.iter().rev().find(|request| request.step == step).cloned()
    }

    /// Ids of the steps that were prepared.
    #[must_use]
    pub fn prepared(&self) -> Vec<String> {
        self.lock().prepared.clone()
    }

    /// How often [`teardown`](Executor::teardown) was called.
    #[must_use]
    pub fn teardowns(&self) -> usize {
        self.lock().teardowns
    }

    /// Most attempts that ran at the same time.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.lock().most_at_once
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, request: &StepRequest) -> Option<usize> {
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        if self.quiet {
            return None;
        }
        let mut state = self.lock();
        state.most_at_once = state.most_at_once.max(running);
        state.requests.push(request.clone());
        state.performed.push(Performed {
            step: request.step.clone(),
            attempt: request.attempt,
            started: Instant::now(),
            ended: None,
        });
        Some(state.performed.len() - 1)
    }
}

/// Counts an attempt as running until it ends, also by being dropped.
struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Executor for ScriptedExecutor {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn accepts(&self, _: &Action) -> bool {
        true
    }

    async fn prepare(&self, step: &PlannedStep) -> Result<(), ExecutorError> {
        let id = step.id.to_string();
        let refusal = self.refusals.get(&id).cloned();
        if !self.quiet {
            self.lock().prepared.push(id);
        }
        refusal.map_or(Ok(()), Err)
    }

    async fn execute(
        &self,
        request: StepRequest,
        sink: Arc<dyn StepSink>,
        cancel: CancellationToken,
    ) -> Result<StepOutcome, ExecutorError> {
        let index = self.begin(&request);
        let running = Running(&self.running);
        let acts = self.acts.get(&request.step);
        let number = usize::try_from(request.attempt).unwrap_or(1).max(1);
        let act = acts.and_then(|acts| acts.get(number - 1).or(acts.last())).cloned().unwrap_or_default();
        for line in &act.lines {
            sink.output(OutputStream::Log, line);
        }
        act.metrics.into_iter().for_each(|metric| sink.metric(metric));
        act.findings.into_iter().for_each(|finding| sink.finding(finding));
        let end = wait(act.delay, request.timeout, &cancel).await;
        if let (None, Ok(StepOutcome::Succeeded)) = (&end, &act.end) {
            for (name, binding) in &request.outputs {
                let content = match act.outputs.get(name) {
                    Some(content) => content.as_slice(),
                    None if act.skip_outputs => continue,
                    None => request.step.as_bytes(),
                };
                fs::write(&binding.path, content).map_err(|error| ExecutorError {
                    class: crate::executor::ErrorClass::Environment,
                    code: "scripted::output",
                    message: format!("cannot write {}: {error}", binding.path.display()),
                    help: None,
                })?;
            }
        }
        drop(running);
        if let Some(index) = index {
            self.lock().performed[index].ended = Some(Instant::now());
        }
        end.map_or(act.end, Ok)
    }

    async fn teardown(&self) -> Result<(), ExecutorError> {
        self.lock().teardowns += 1;
        Ok(())
    }
}

/// Waits, and says how the attempt ends where something comes in between.
async fn wait(delay: Duration, timeout: Option<Duration>, cancel: &CancellationToken) -> Option<StepOutcome> {
    if cancel.is_cancelled() {
        return Some(StepOutcome::Cancelled);
    }
    if delay.is_zero() {
        return None;
    }
    let limit = timeout.filter(|timeout| *timeout < delay);
    tokio::select! {
        biased;
        () = cancel.cancelled() => Some(StepOutcome::Cancelled),
        () = tokio::time::sleep(limit.unwrap_or(delay)) => limit.map(|limit| StepOutcome::TimedOut {
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        }),
    }
}
