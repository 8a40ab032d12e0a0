//! Ending a run before its time: a cancellation, which conditions may outlive, and a stop, which nothing does.

use runner_workflow::plan::{StageIndex, StepIndex};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    decide::{CANCELLED, Decision, decide},
    drive::Driver,
    event::{RunResult, StageResult},
    schedule::Standing,
};

impl Driver {
    /// Somebody cancelled the run. It reaches the stages that are open, and in them all steps, but for those whose condition
    /// holds all the same (`always()`, `cancelled()`): these go on, for a time. Nothing is judged or promoted any more.
    pub(crate) fn cancel(&mut self) {
        self.conclusion.add(RunResult::Cancelled, CANCELLED);
        let now = Instant::now();
        self.over_at = Some(now.checked_add(self.after_cancel).unwrap_or(now));
        let goes_on = |stage: &StageIndex| {
            let standing = Standing { is_cancelled: true, ..self.schedule.standing_of_stage(*stage) };
            let condition = self.plan.stages[*stage].condition.as_ref();
            self.schedule.is_open(*stage)
                && matches!(decide(&self.around(), None, condition, standing), Decision::Run)
        };
        let going_on: Vec<StageIndex> = (0..self.plan.stages.len()).filter(goes_on).collect();
        self.schedule.cancel(|stage| going_on.contains(&stage));
        for (step, progress) in self.steps.iter().enumerate() {
            let Some(stop) = &progress.stop else { continue };
            let standing = self.schedule.standing_of_step(step);
            let condition = self.plan.steps[step].condition.as_ref();
            let goes_on = !standing.is_cancelled
                || matches!(decide(&self.around(), Some(step), condition, standing), Decision::Run);
            if !goes_on {
                stop.cancel();
            }
        }
    }

    pub(crate) fn is_asked_to_end(&self, step: StepIndex) -> bool {
        self.steps[step].stop.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// Lets nothing new start, and asks what runs to end.
    pub(crate) fn stop(&mut self, why: &'static str) {
        self.stopped = Some(why);
        self.facilities.over.cancel();
        for step in self.schedule.not_started() {
            match self.steps[step].last.take() {
                Some((result, class)) => self.end_step(step, result, class),
                None => self.skip_step(step, why.to_owned()),
            }
        }
        for stage in self.schedule.stages_open() {
            if self.schedule.unsettled(stage).is_empty() && !self.stages[stage].ending {
                self.finish_stage(stage, StageResult::Cancelled);
            }
        }
    }
}
