//! Drives a run: asks the schedule what is next, starts it, and takes in what comes of it.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use runner_gate::verdict::Judgement;
use runner_store::{Digest, Object, Registry, signing::SigningKey};
use runner_workflow::plan::{Action, OutputRef, Plan, StageIndex, StepIndex};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::{Attempt, Facilities, Report},
    conclusion::Conclusion,
    data::Seen,
    decide::{CANCELLED, Decision, decide},
    durability::make_durable,
    event::{EventKind, RunResult, StageResult, StepResult},
    executor::{ErrorClass, Executor},
    judging::{JudgedStage, case::Case},
    options::GitState,
    outcome::StepOutcome,
    promotion::PromotionEnd,
    references::ReferencesInUse,
    retry::next_delay,
    schedule::{End, Next, Schedule},
    scope::{StepFacts, Surroundings},
    stream::milliseconds,
    waiver::Waiver,
};

/// What comes back from tasks that the driver started.
pub(crate) enum Message {
    /// A data set was hashed, or could not be.
    Identified(String, Result<Object, String>),
    /// An attempt ended.
    Attempt(Box<Report>),
    /// The wait before another attempt is over.
    Retry(StepIndex),
    /// The gates of a stage were judged.
    Judged(StageIndex, Box<JudgedStage>),
    /// A promotion was made or refused.
    Promotion(StageIndex, PromotionEnd),
}

/// A data set that selected steps use.
pub(crate) struct DataSetInUse {
    pub(crate) seen: Seen,
    pub(crate) waiting: Vec<StepIndex>,
    pub(crate) identity: Option<Result<Object, String>>,
}

/// A step in the eyes of the driver.
#[derive(Default)]
pub(crate) struct StepProgress {
    pub(crate) attempts: u32,
    pub(crate) started: Option<Instant>,
    /// How the last attempt ended, while another is waited for.
    pub(crate) last: Option<(StepResult, Option<ErrorClass>)>,
    /// Ends an attempt, or the wait for another.
    pub(crate) stop: Option<CancellationToken>,
}

/// A stage in the eyes of the driver.
#[derive(Default)]
pub(crate) struct StageProgress {
    pub(crate) opened: Option<Instant>,
    /// A step of it did not end well, or was skipped because of one that did not.
    pub(crate) failed: bool,
    /// Its gates are being judged, or its model is being promoted.
    pub(crate) ending: bool,
    /// How it ended.
    pub(crate) ended: Option<StageResult>,
}

/// The state of one run.
pub(crate) struct Driver {
    pub(crate) plan: Arc<Plan>,
    pub(crate) workspace: PathBuf,
    pub(crate) event: serde_json::Value,
    pub(crate) git: GitState,
    pub(crate) workflow_digest: String,
    pub(crate) file: String,
    pub(crate) runner_version: String,
    pub(crate) registry: Option<Registry>,
    pub(crate) actor: Option<String>,
    pub(crate) signing_key: Option<Arc<SigningKey>>,
    pub(crate) run_id: String,
    pub(crate) facilities: Arc<Facilities>,
    /// The executor of each step; none where nothing runs it.
    pub(crate) executors: Vec<Option<Arc<dyn Executor>>>,
    /// Each executor once.
    pub(crate) all_executors: Vec<Arc<dyn Executor>>,
    pub(crate) schedule: Schedule,
    pub(crate) facts: Vec<StepFacts>,
    pub(crate) by_id: HashMap<String, StepIndex>,
    pub(crate) ids: Vec<String>,
    pub(crate) steps: Vec<StepProgress>,
    pub(crate) stages: Vec<StageProgress>,
    pub(crate) data: HashMap<String, DataSetInUse>,
    /// How many inputs each output feeds.
    pub(crate) uses: HashMap<OutputRef, usize>,
    /// What gates compare with.
    pub(crate) references: ReferencesInUse,
    pub(crate) judgements: Vec<(StageIndex, Judgement)>,
    /// What each judged stage was judged on.
    pub(crate) cases: Vec<Case>,
    /// All recorded waivers, and those that were applied.
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) waived: Vec<Waiver>,
    /// The evidence that was written last.
    pub(crate) evidence: Option<Digest>,
    pub(crate) conclusion: Conclusion,
    pub(crate) in_flight: usize,
    /// How long steps may go on after a cancellation.
    pub(crate) after_cancel: Duration,
    /// Somebody cancelled the run: when nothing may go on any more.
    pub(crate) over_at: Option<Instant>,
    /// Nothing may go on, and why.
    pub(crate) stopped: Option<&'static str>,
    pub(crate) sender: UnboundedSender<Message>,
    pub(crate) receiver: UnboundedReceiver<Message>,
}

impl Driver {
    /// Drives the run until every stage has ended.
    pub(crate) async fn run(&mut self) {
        let graceful = self.facilities.cancel.graceful().clone();
        let over = self.facilities.over.clone();
        loop {
            if graceful.is_cancelled() && self.over_at.is_none() && self.stopped.is_none() {
                self.cancel();
            }
            if over.is_cancelled() && self.stopped.is_none() {
                self.stop(CANCELLED);
            }
            while let Some(next) = self.schedule.next() {
                match next {
                    Next::Stage(stage) => self.decide_stage(stage),
                    Next::Decide(step) => self.decide_step(step),
                    Next::Run(step) => self.start_attempt(step),
                    Next::Close(stage) => self.end_of_steps(stage),
                }
            }
            if self.schedule.is_done() && self.in_flight == 0 {
                return;
            }
            if self.in_flight == 0 {
                self.conclusion.add(RunResult::Internal, "the schedule came to a standstill");
                self.stop("the schedule came to a standstill");
                continue;
            }
            let over_at = self.over_at.unwrap_or_else(Instant::now);
            let goes_on = self.over_at.is_some() && self.stopped.is_none();
            tokio::select! {
                biased;
                () = graceful.cancelled(), if self.over_at.is_none() && self.stopped.is_none() => continue,
                () = over.cancelled(), if goes_on => continue,
                () = tokio::time::sleep_until(over_at), if goes_on => {
                    over.cancel();
                    continue;
                }
                message = self.receiver.recv() => {
                    // The sender lives as long as the driver: there is always a message.
                    let Some(message) = message else { return };
                    self.take(message);
                    while let Ok(message) = self.receiver.try_recv() {
                        self.take(message);
                    }
                }
            }
            // Before anything that depends on these results starts.
            if let Err(error) = self.facilities.stream.commit()
                && self.stopped.is_none()
            {
                self.conclusion.add(RunResult::Environment, format!("the run cannot be recorded: {error}"));
                self.stop("the run cannot be recorded");
            }
        }
    }

    fn take(&mut self, message: Message) {
        self.in_flight -= 1;
        match message {
            Message::Identified(name, identity) => self.identified(&name, identity),
            Message::Attempt(report) => self.attempt_ended(*report),
            Message::Retry(step) if self.stopped.is_none() => {
                // A cancellation ended the wait, or there is another attempt.
                let ended = self.is_asked_to_end(step);
                match self.steps[step].last.take_if(|_| ended) {
                    Some((result, class)) => self.end_step(step, result, class),
                    None => self.schedule.enqueue(step),
                }
            }
            Message::Retry(_) => {}
            Message::Judged(stage, judged) => self.judged(stage, *judged),
            Message::Promotion(stage, end) => self.promoted(stage, end),
        }
    }

    pub(crate) fn emit(&self, kind: EventKind) {
        self.facilities.stream.emit(kind);
    }

    pub(crate) fn around(&self) -> Surroundings<'_> {
        Surroundings {
            plan: &self.plan,
            facts: &self.facts,
            by_id: &self.by_id,
            event: &self.event,
            git: &self.git,
            is_cancelled: self.over_at.is_some(),
        }
    }

    fn identified(&mut self, name: &str, identity: Result<Object, String>) {
        let Some(data) = self.data.get_mut(name) else { return };
        if let Ok(object) = &identity {
            let path = self.plan.data.get(name).map(|data| data.path.clone()).unwrap_or_default();
            self.facilities.stream.emit(EventKind::DataIdentified {
                name: name.to_owned(),
                path,
                digest: object.digest.to_string(),
                size: object.size,
            });
        }
        data.identity = Some(identity);
        for step in std::mem::take(&mut data.waiting) {
            self.schedule.release(step);
        }
    }

    fn decide_stage(&mut self, stage: StageIndex) {
        let planned = &self.plan.stages[stage];
        let standing = self.schedule.standing_of_stage(stage);
        let decision = decide(&self.around(), None, planned.condition.as_ref(), standing);
        let name = planned.name.clone();
        let mut end = StageResult::Skipped;
        let reason = match decision {
            Decision::Run => {
                self.stages[stage].opened = Some(Instant::now());
                self.facilities.stream.emit_masked(EventKind::StageStarted { stage: name });
                self.schedule.open(stage);
                return;
            }
            Decision::Skip(reason) if standing.is_cancelled => {
                end = StageResult::Cancelled;
                reason
            }
            Decision::Skip(reason) => format!("stage `{name}`: {reason}"),
            Decision::Invalid(error) => {
                let reason = format!("the condition of stage `{name}` cannot be evaluated: {error}");
                self.conclusion.add(RunResult::Invalid, reason.clone());
                for step in self.schedule.unsettled(stage) {
                    self.skip_step(step, reason.clone());
                }
                self.finish_stage(stage, StageResult::Failed);
                return;
            }
        };
        for step in self.schedule.unsettled(stage) {
            self.skip_step(step, reason.clone());
        }
        self.finish_stage(stage, end);
    }

    fn decide_step(&mut self, step: StepIndex) {
        let planned = &self.plan.steps[step];
        let standing = self.schedule.standing_of_step(step);
        match decide(&self.around(), Some(step), planned.condition.as_ref(), standing) {
            Decision::Run => self.schedule.enqueue(step),
            Decision::Skip(reason) => {
                if standing.tainted {
                    self.stages[planned.stage].failed = true;
                }
                match self.steps[step].last.take() {
                    // It waited for another attempt when the run was cancelled.
                    Some((result, class)) => self.end_step(step, result, class),
                    None => self.skip_step(step, reason),
                }
            }
            Decision::Invalid(error) => {
                let message = format!("its condition cannot be evaluated: {error}");
                self.end_step(step, could_not(error.code(), message), Some(ErrorClass::Usage));
            }
        }
    }

    pub(crate) fn skip_step(&mut self, step: StepIndex, reason: String) {
        self.facts[step].outcome = Some("skipped");
        self.emit(EventKind::StepSkipped {
            step: self.ids[step].clone(),
            stage: self.plan.stages[self.plan.steps[step].stage].name.clone(),
            reason,
        });
        self.schedule.settle(step, End::Skipped);
    }

    fn start_attempt(&mut self, step: StepIndex) {
        let (request, sources) = match self.request(step) {
            Ok(made) => made,
            Err((result, class)) => {
                self.end_step(step, result, Some(class));
                return;
            }
        };
        let Some(executor) = self.executors[step].clone() else {
            let message = "nothing can run it".to_owned();
            self.end_step(step, could_not("engine::no-executor", message), Some(ErrorClass::Environment));
            return;
        };
        let planned = &self.plan.steps[step];
        let sandboxed = !matches!(planned.action, Action::Process { .. });
        let token = self.facilities.over.child_token();
        let progress = &mut self.steps[step];
        progress.stop = Some(token.clone());
        progress.last = None;
        progress.attempts += 1;
        progress.started.get_or_insert_with(Instant::now);
        self.facilities.stream.emit_masked(EventKind::StepStarted {
            step: request.step.clone(),
            stage: request.stage.clone(),
            attempt: request.attempt,
            executor: executor.name().to_owned(),
            sandboxed,
        });
        let outputs = planned.outputs.clone();
        let attempt = Attempt { index: step, request, sources, outputs, executor, sandboxed, stop: token };
        let facilities = Arc::clone(&self.facilities);
        self.spawn(async move { Message::Attempt(Box::new(attempt.run(facilities).await)) });
    }

    /// Runs something on its own and takes in its message when it ends.
    pub(crate) fn spawn(&mut self, work: impl Future<Output = Message> + Send + 'static) {
        self.in_flight += 1;
        let sender = self.sender.clone();
        tokio::spawn(async move {
            // The receiver lives until every message came in.
            let _ = sender.send(work.await);
        });
    }

    fn attempt_ended(&mut self, report: Report) {
        let Report { index: step, result, class, outputs, metrics } = report;
        let success = matches!(&result, StepResult::Ran(outcome) if outcome.is_success());
        if success {
            let id = &self.ids[step];
            for (name, published) in &outputs {
                self.facilities.stream.emit(EventKind::ArtifactPublished {
                    step: id.clone(),
                    output: name.clone(),
                    kind: published.kind,
                    path: published.path.clone(),
                    digest: published.object.digest.to_string(),
                    size: published.object.size,
                });
            }
            self.facts[step].outputs = outputs;
            self.facts[step].metrics = metrics;
            self.end_step(step, result, class);
            return;
        }
        let attempt = self.steps[step].attempts;
        let delay = next_delay(&self.plan.steps[step].retry, attempt, &result, class);
        let Some(delay) = delay.filter(|_| self.stopped.is_none() && !self.is_asked_to_end(step)) else {
            self.facts[step].metrics = metrics;
            self.end_step(step, result, class);
            return;
        };
        self.emit(EventKind::AttemptFailed {
            step: self.ids[step].clone(),
            attempt,
            result: result.clone(),
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
        });
        self.steps[step].last = Some((result, class));
        self.schedule.pause(step);
        let token = self.facilities.over.child_token();
        self.steps[step].stop = Some(token.clone());
        self.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = token.cancelled() => {}
            }
            Message::Retry(step)
        });
    }

    /// The step has ended for good, having run or not.
    pub(crate) fn end_step(&mut self, step: StepIndex, result: StepResult, class: Option<ErrorClass>) {
        let success = matches!(&result, StepResult::Ran(outcome) if outcome.is_success());
        let stage = self.plan.steps[step].stage;
        self.facts[step].outcome = Some(match &result {
            StepResult::Ran(outcome) => outcome.word(),
            StepResult::Error { .. } => "error",
        });
        if !success {
            let stopped = matches!(&result, StepResult::Ran(StepOutcome::Cancelled));
            // Where the engine itself had to stop, why it did is what counts.
            if !stopped || self.stopped.is_none_or(|why| why == CANCELLED) {
                self.conclusion.add_step(&self.ids[step], &result, class);
            }
            self.stages[stage].failed = true;
        }
        self.steps[step].stop = None;
        let progress = &self.steps[step];
        self.emit(EventKind::StepFinished {
            step: self.ids[step].clone(),
            stage: self.plan.stages[stage].name.clone(),
            attempts: progress.attempts,
            result,
            duration_ms: progress.started.map_or(0.0, |started| milliseconds(started.elapsed())),
        });
        self.schedule.settle(step, if success { End::Good } else { End::Bad });
    }

    /// All steps of the stage are settled.
    fn end_of_steps(&mut self, stage: StageIndex) {
        let planned = &self.plan.stages[stage];
        let is_reached = self.over_at.is_some() && !self.schedule.goes_on(stage);
        if self.stopped.is_some() || is_reached {
            self.finish_stage(stage, StageResult::Cancelled);
        } else if self.stages[stage].failed {
            self.finish_stage(stage, StageResult::Failed);
        } else if self.over_at.is_some() && (!planned.gates.is_empty() || planned.promote.is_some()) {
            // It went on for what its steps do: nobody judges a run that somebody stopped.
            self.finish_stage(stage, StageResult::Cancelled);
        } else {
            self.stages[stage].ending = true;
            self.judge(stage);
        }
    }

    /// The stage has ended for good.
    pub(crate) fn finish_stage(&mut self, stage: StageIndex, result: StageResult) {
        self.stages[stage].ended = Some(result);
        let opened = self.stages[stage].opened;
        self.facilities.stream.emit_masked(EventKind::StageFinished {
            stage: self.plan.stages[stage].name.clone(),
            result,
            duration_ms: opened.map_or(0.0, |opened| milliseconds(opened.elapsed())),
        });
        if opened.is_some() {
            for executor in &self.all_executors {
                let (executor, name) = (Arc::clone(executor), self.plan.stages[stage].name.clone());
                self.facilities.background.spawn(async move { executor.stage_ended(&name).await });
            }
            // The next stage does not wait for the disk; the end of the run does.
            let steps = self.plan.stages[stage].steps.iter();
            let outputs = steps.flat_map(|step| self.facts[*step].outputs.values());
            make_durable(&self.facilities, outputs.map(|published| published.object.digest));
        }
        self.schedule.close(
            stage,
            match result {
                StageResult::Passed => End::Good,
                StageResult::Skipped => End::Skipped,
                StageResult::Held => End::Held,
                StageResult::Failed | StageResult::Cancelled => End::Bad,
            },
        );
    }
}

/// An error before an executor could say anything.
pub(crate) fn could_not(code: &str, message: String) -> StepResult {
    StepResult::Error { code: code.to_owned(), message, help: None }
}
