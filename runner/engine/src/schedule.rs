//! What may run when: a state machine over the plan, without clocks, tasks or I/O.
//!
//! Every transition costs constant time per edge of the graph; nothing is ever searched for. The engine asks
//! [`Schedule::next`] what to do and tells what came of it.

use std::collections::VecDeque;

use runner_workflow::{
    expr::Status,
    plan::{Plan, StageIndex, StepIndex},
};

use crate::resources::{Machine, Pool, Share};

/// What the engine has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Everything the stage waits for has ended: [`open`](Schedule::open) it, or settle its steps and
    /// [`close`](Schedule::close) it.
    Stage(StageIndex),
    /// Everything the step waits for has ended: [`enqueue`](Schedule::enqueue) it or
    /// [`settle`](Schedule::settle) it as skipped.
    Decide(StepIndex),
    /// There is a free slot for this step: start an attempt. It counts as running from now on.
    Run(StepIndex),
    /// All steps of the stage are settled: judge it and [`close`](Schedule::close) it.
    Close(StageIndex),
}

/// How a step or stage came to its end, as far as what waits for it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It ran and succeeded; of a stage, its gates allow what follows.
    Good,
    /// It ran and did not succeed.
    Bad,
    /// A gate holds it. Only of stages.
    Held,
    /// It did not run.
    Skipped,
}

/// Why something that was waited for is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// This step ended so.
    Step(StepIndex, End),
    /// This stage ended so.
    Stage(StageIndex, End),
}

/// How things stand for a step or a stage when it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What is in the way.
    pub(crate) cause: Option<Cause>,
    /// Something it waits for, directly or not, failed.
    pub(crate) tainted: bool,
    /// A cancellation reaches it.
    pub(crate) is_cancelled: bool,
}

impl Standing {
    /// The same as expressions ask for it.
    pub(crate) fn status(self) -> Status {
        match (self.is_cancelled, self.tainted) {
            (true, _) => Status::Cancelled,
            (false, true) => Status::Failure,
            (false, false) => Status::Success,
        }
    }
}

#[derive(Debug)]
struct StepNode {
    stage: StageIndex,
    waits_for: usize,
    dependents: Vec<StepIndex>,
    /// The first thing in the way; failures win over skips.
    cause: Option<Cause>,
    /// Something it waits for, directly or not, failed.
    tainted: bool,
    state: State,
    /// What it takes of the machine while it runs.
    share: Share,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Reported by [`Next::Decide`], or waiting for a slot, or between two attempts.
    Deciding,
    Running,
    Settled,
}

/// Whether the steps of a stage may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    NotOpenYet,
    Open,
    /// It was open when the run was cancelled, and its condition does not say that it goes on.
    Cancelled,
}

#[derive(Debug)]
struct StageNode {
    selected: bool,
    waits_for: usize,
    dependents: Vec<StageIndex>,
    steps: Vec<StepIndex>,
    unsettled: usize,
    running: usize,
    max_parallel: usize,
    /// Steps that wait for a slot of the stage.
    queue: VecDeque<StepIndex>,
    cause: Option<Cause>,
    tainted: bool,
    door: Door,
    ended: bool,
}

/// The schedule of one run.
#[derive(Debug)]
pub(crate) struct Schedule {
    steps: Vec<StepNode>,
    stages: Vec<StageNode>,
    jobs: usize,
    running: usize,
    stages_left: usize,
    to_open: VecDeque<StageIndex>,
    to_decide: VecDeque<StepIndex>,
    to_close: VecDeque<StageIndex>,
    ready: VecDeque<StepIndex>,
    /// What the machine has left.
    pool: Pool,
    /// Steps that were ready when the machine had too little left for them.
    starved: VecDeque<StepIndex>,
    cancelled: bool,
}

impl Schedule {
    /// The schedule for the selected stages; the others do not exist for it. `extra(step)` is the number of other things
    /// a step waits for, each to be told by [`release`](Self::release).
    pub(crate) fn new(
        plan: &Plan,
        selected: &[bool],
        jobs: usize,
        machine: &Machine,
        extra: impl Fn(StepIndex) -> usize,
    ) -> Self {
        let mut steps: Vec<_> = plan
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| StepNode {
                stage: step.stage,
                // One for the stage itself.
                waits_for: 1 + extra(index),
                dependents: Vec::new(),
                cause: None,
                tainted: false,
                state: State::Waiting,
                share: Share::of(&step.resources),
            })
            .collect();
        for (index, step) in plan.steps.iter().enumerate().filter(|(_, step)| selected[step.stage]) {
            for before in &step.after {
                if selected[plan.steps[*before].stage] {
                    steps[*before].dependents.push(index);
                    steps[index].waits_for += 1;
                }
            }
        }
        let mut stages: Vec<_> = plan
            .stages
            .iter()
            .enumerate()
            .map(|(index, stage)| StageNode {
                selected: selected[index],
                waits_for: 0,
                dependents: Vec::new(),
                steps: stage.steps.clone(),
                unsettled: stage.steps.len(),
                running: 0,
                max_parallel: stage.max_parallel.unwrap_or(usize::MAX).max(1),
                queue: VecDeque::new(),
                cause: None,
                tainted: false,
                door: Door::NotOpenYet,
                ended: false,
            })
            .collect();
        for (index, stage) in plan.stages.iter().enumerate().filter(|(index, _)| selected[*index]) {
            for before in stage.needs.iter().filter(|before| selected[**before]) {
                stages[*before].dependents.push(index);
                stages[index].waits_for += 1;
            }
        }
        let to_open = (0..stages.len()).filter(|index| selected[*index] && stages[*index].waits_for == 0);
        Self {
            to_open: to_open.collect(),
            stages_left: selected.iter().filter(|selected| **selected).count(),
            steps,
            stages,
            jobs: jobs.max(1),
            running: 0,
            to_decide: VecDeque::new(),
            to_close: VecDeque::new(),
            ready: VecDeque::new(),
            pool: Pool::new(machine),
            starved: VecDeque::new(),
            cancelled: false,
        }
    }

    /// What to do next; `None` until something else ends.
    pub(crate) fn next(&mut self) -> Option<Next> {
        while let Some(stage) = self.to_close.pop_front() {
            if !self.stages[stage].ended {
                return Some(Next::Close(stage));
            }
        }
        while let Some(stage) = self.to_open.pop_front() {
            if !self.stages[stage].ended {
                return Some(Next::Stage(stage));
            }
        }
        if let Some(step) = self.to_decide.pop_front() {
            return Some(Next::Decide(step));
        }
        while self.running < self.jobs {
            let step = self.ready.pop_front()?;
            if self.steps[step].state != State::Deciding {
                // Settled while it waited: the run was cancelled.
                continue;
            }
            let stage = &mut self.stages[self.steps[step].stage];
            if stage.running >= stage.max_parallel {
                stage.queue.push_back(step);
                continue;
            }
            if !self.pool.take(self.steps[step].share) {
                // One that needs less may go first: the others get their turn when something ends.
                self.starved.push_back(step);
                continue;
            }
            stage.running += 1;
            self.running += 1;
            self.steps[step].state = State::Running;
            return Some(Next::Run(step));
        }
        None
    }

    /// Whether every stage has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.stages_left == 0
    }

    /// How things stand for a step. A cancellation reaches it with its stage.
    pub(crate) fn standing_of_step(&self, step: StepIndex) -> Standing {
        let node = &self.steps[step];
        let is_cancelled = self.stages[node.stage].door == Door::Cancelled;
        Standing { cause: node.cause, tainted: node.tainted, is_cancelled }
    }

    /// The same of a stage. A cancellation reaches every one that has not ended, until its condition says otherwise.
    pub(crate) fn standing_of_stage(&self, stage: StageIndex) -> Standing {
        let node = &self.stages[stage];
        Standing { cause: node.cause, tainted: node.tainted, is_cancelled: self.cancelled }
    }

    /// Whether the steps of a stage may run and it has not ended.
    pub(crate) fn is_open(&self, stage: StageIndex) -> bool {
        let node = &self.stages[stage];
        node.selected && node.door != Door::NotOpenYet && !node.ended
    }

    /// Whether a cancellation did not reach a stage.
    pub(crate) fn goes_on(&self, stage: StageIndex) -> bool {
        self.stages[stage].door != Door::Cancelled
    }

    /// The run is cancelled: it reaches the stages that are open, but for those that go on in spite of it. Their steps that
    /// have not started are to be decided anew. Stages that are not open yet are decided when their time comes.
    pub(crate) fn cancel(&mut self, goes_on: impl Fn(StageIndex) -> bool) {
        self.cancelled = true;
        for stage in 0..self.stages.len() {
            if self.is_open(stage) && !goes_on(stage) {
                self.stages[stage].door = Door::Cancelled;
            }
        }
        let queues = self.stages.iter_mut().map(|stage| &mut stage.queue);
        let queues = queues.chain([&mut self.ready, &mut self.starved]);
        let mut again: Vec<StepIndex> = queues.flat_map(|queue| queue.drain(..)).collect();
        again.retain(|step| self.steps[*step].state == State::Deciding);
        again.sort_unstable();
        self.to_decide.extend(again);
    }

    /// Steps of a stage that are not settled, in order.
    pub(crate) fn unsettled(&self, stage: StageIndex) -> Vec<StepIndex> {
        let steps = self.stages[stage].steps.iter().copied();
        steps.filter(|step| self.steps[*step].state != State::Settled).collect()
    }

    /// Steps of all selected stages that are neither settled nor running, in order.
    pub(crate) fn not_started(&self) -> Vec<StepIndex> {
        let waiting = |node: &StepNode| {
            self.stages[node.stage].selected && matches!(node.state, State::Waiting | State::Deciding)
        };
        (0..self.steps.len()).filter(|step| waiting(&self.steps[*step])).collect()
    }

    /// Selected stages that have not ended, in order.
    pub(crate) fn stages_open(&self) -> Vec<StageIndex> {
        (0..self.stages.len())
            .filter(|stage| self.stages[*stage].selected && !self.stages[*stage].ended)
            .collect()
    }

    /// The stage starts: its steps no longer wait for it. What failed before the stage is the business of the stage's own
    /// condition, not of its steps.
    pub(crate) fn open(&mut self, stage: StageIndex) {
        self.stages[stage].door = Door::Open;
        if self.stages[stage].unsettled == 0 {
            self.to_close.push_back(stage);
        }
        for position in 0..self.stages[stage].steps.len() {
            let step = self.stages[stage].steps[position];
            self.release(step);
        }
    }

    /// One thing that a step waited for has ended.
    pub(crate) fn release(&mut self, step: StepIndex) {
        let node = &mut self.steps[step];
        node.waits_for = node.waits_for.saturating_sub(1);
        if node.waits_for == 0 && node.state == State::Waiting {
            node.state = State::Deciding;
            self.to_decide.push_back(step);
        }
    }

    /// The step shall run as soon as there is a slot; also for a further attempt.
    pub(crate) fn enqueue(&mut self, step: StepIndex) {
        self.ready.push_back(step);
    }

    /// An attempt ended, and another may follow: the slot is free meanwhile.
    pub(crate) fn pause(&mut self, step: StepIndex) {
        self.free_slot(step);
        self.steps[step].state = State::Deciding;
    }

    /// The step has come to its end, whether it ran or not.
    pub(crate) fn settle(&mut self, step: StepIndex, end: End) {
        if self.steps[step].state == State::Running {
            self.free_slot(step);
        }
        let node = &mut self.steps[step];
        if node.state == State::Settled {
            return;
        }
        node.state = State::Settled;
        let tainted = node.tainted || end == End::Bad;
        let cause = match (end, node.cause) {
            // It ran in spite of something that failed: what comes after it must know.
            (End::Good, Some(cause)) if node.tainted => Some(cause),
            (End::Good, _) => None,
            (end, _) => Some(Cause::Step(step, end)),
        };
        let dependents = std::mem::take(&mut node.dependents);
        let stage = node.stage;
        for dependent in dependents {
            let waiting = &mut self.steps[dependent];
            waiting.tainted |= tainted;
            merge(&mut waiting.cause, cause);
            self.release(dependent);
        }
        let stage_node = &mut self.stages[stage];
        stage_node.unsettled -= 1;
        if stage_node.unsettled == 0 && !stage_node.ended {
            self.to_close.push_back(stage);
        }
    }

    /// The stage has come to its end; those that wait for it may be decided.
    pub(crate) fn close(&mut self, stage: StageIndex, end: End) {
        let node = &mut self.stages[stage];
        if node.ended {
            return;
        }
        node.ended = true;
        self.stages_left -= 1;
        let tainted = node.tainted || matches!(end, End::Bad | End::Held);
        let cause = match (end, node.cause) {
            (End::Good | End::Skipped, Some(cause)) if node.tainted => Some(cause),
            // A stage that its own condition leaves out is not in the way of what follows.
            (End::Good | End::Skipped, _) => None,
            (end, _) => Some(Cause::Stage(stage, end)),
        };
        for dependent in std::mem::take(&mut node.dependents) {
            let waiting = &mut self.stages[dependent];
            waiting.tainted |= tainted;
            merge(&mut waiting.cause, cause);
            waiting.waits_for = waiting.waits_for.saturating_sub(1);
            if waiting.waits_for == 0 && !waiting.ended {
                self.to_open.push_back(dependent);
            }
        }
    }

    fn free_slot(&mut self, step: StepIndex) {
        self.pool.give_back(self.steps[step].share);
        while let Some(starved) = self.starved.pop_back() {
            self.ready.push_front(starved);
        }
        let stage = &mut self.stages[self.steps[step].stage];
        stage.running -= 1;
        self.running -= 1;
        if let Some(waiting) = stage.queue.pop_front() {
            // It was ready before those that still are.
            self.ready.push_front(waiting);
        }
    }
}

/// Keeps the first cause, but a failure wins over something that was merely skipped.
fn merge(known: &mut Option<Cause>, new: Option<Cause>) {
    let is_skip =
        |cause: &Cause| matches!(cause, Cause::Step(_, End::Skipped) | Cause::Stage(_, End::Skipped));
    match (&known, new) {
        (None, new) => *known = new,
        (Some(old), Some(new)) if is_skip(old) && !is_skip(&new) => *known = Some(new),
        _ => {}
    }
}
