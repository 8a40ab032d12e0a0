//! Progress on a terminal: what ended scrolls away above, what runs is redrawn below.

use std::{collections::HashMap, io, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use runner_engine::{
    EventConsumer,
    event::{EventKind, RunEvent, StageOutline},
};

use crate::{
    environment::Look,
    report::{quantity, step_lines::StepLines, visible},
};

/// Running steps that are drawn; more are counted.
const DRAWN: usize = 12;
/// Redraws in a second.
const REDRAWS: u8 = 12;

/// The terminal that a person watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    Stdout,
    Stderr,
}

/// A redrawn tree: a line for each stage that runs, its running steps below it, and a last line that counts.
pub(crate) struct LiveProgress {
    lines: StepLines,
    look: Look,
    screen: MultiProgress,
    total: ProgressBar,
    stages: Vec<Stage>,
    steps: HashMap<String, Running>,
    done: usize,
    planned: usize,
}

struct Stage {
    name: String,
    planned: usize,
    done: usize,
    /// Drawn while it runs.
    bar: Option<ProgressBar>,
}

struct Running {
    /// Place of its stage.
    stage: usize,
    /// `None` where too many run to draw them all.
    bar: Option<ProgressBar>,
}

impl LiveProgress {
    /// Progress on a terminal.
    pub(crate) fn new(look: Look, show_output: bool, screen: Screen) -> Self {
        let target = match screen {
            Screen::Stdout => ProgressDrawTarget::stdout_with_hz(REDRAWS),
            Screen::Stderr => ProgressDrawTarget::stderr_with_hz(REDRAWS),
        };
        let screen = MultiProgress::with_draw_target(target);
        let total = screen.add(ProgressBar::new_spinner());
        total.set_style(style("{wide_msg}", look));
        Self {
            lines: StepLines::new(look, show_output),
            look,
            screen,
            total,
            stages: Vec::new(),
            steps: HashMap::new(),
            done: 0,
            planned: 0,
        }
    }

    fn start(&mut self, stages: &[StageOutline]) {
        self.planned = stages.iter().map(|stage| stage.steps.len()).sum();
        self.stages = stages
            .iter()
            .map(|stage| Stage { name: stage.name.clone(), planned: stage.steps.len(), done: 0, bar: None })
            .collect();
        self.total.enable_steady_tick(Duration::from_millis(100));
        self.say_total();
    }

    fn say_total(&self) {
        let dot = self.look.dot();
        let running = self.steps.len();
        self.total.set_message(format!(
            "{} of {} done {dot} {running} running {dot} Ctrl-C stops",
            self.done,
            quantity::count(self.planned, "step")
        ));
    }

    fn stage_place(&self, name: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.name == name)
    }

    /// The line of a stage, in the order of the workflow.
    fn draw_stage(&mut self, index: usize) {
        let below =
            self.stages[index + 1..].iter().find_map(|stage| stage.bar.as_ref()).unwrap_or(&self.total);
        let look = self.look;
        let stage = &self.stages[index];
        let text = format!(
            "{} {}/{}",
            visible::line(&stage.name),
            stage.done,
            quantity::count(stage.planned, "step")
        );
        if let Some(bar) = &stage.bar {
            bar.set_message(text);
        } else {
            let bar = self.screen.insert_before(below, ProgressBar::new_spinner());
            bar.set_style(style("{wide_msg}", look));
            bar.set_message(text);
            self.stages[index].bar = Some(bar);
        }
    }

    fn step_started(&mut self, step: &str, stage: &str, sandboxed: bool) {
        let Some(stage) = self.stage_place(stage) else { return };
        if self.stages[stage].bar.is_none() {
            self.draw_stage(stage);
        }
        if self.steps.get(step).is_some_and(|running| running.bar.is_some()) {
            return;
        }
        let drawn = self.steps.values().filter(|running| running.bar.is_some()).count();
        let bar = (drawn < DRAWN).then(|| {
            let below =
                self.stages[stage + 1..].iter().find_map(|stage| stage.bar.as_ref()).unwrap_or(&self.total);
            let bar = self.screen.insert_before(below, ProgressBar::new(1000));
            let name = visible::cut(&visible::line(step), self.look.width / 3, self.look.unicode);
            let mark = if sandboxed { "" } else { " (unsandboxed)" };
            bar.set_style(style(
                &format!("  {{spinner}} running    {{prefix}}{mark}  {{elapsed}}  {{wide_msg}}"),
                self.look,
            ));
            bar.set_prefix(name);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        self.steps.insert(step.to_owned(), Running { stage, bar });
    }

    fn step_progress(&mut self, step: &str, fraction: f64, message: &str) {
        let Some(bar) = self.steps.get(step).and_then(|running| running.bar.as_ref()) else { return };
        let percent = if fraction.is_finite() { (fraction.clamp(0.0, 1.0) * 100.0).round() } else { 0.0 };
        bar.set_message(format!("{percent:>3} %  {}", visible::line(message)));
    }

    fn step_ended(&mut self, step: &str, stage: &str) {
        self.done += 1;
        let index = match self.steps.remove(step) {
            Some(running) => {
                if let Some(bar) = running.bar {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                Some(running.stage)
            }
            None => self.stage_place(stage),
        };
        if let Some(index) = index {
            self.stages[index].done += 1;
            if self.stages[index].bar.is_some() {
                self.draw_stage(index);
            }
        }
    }

    fn stage_ended(&mut self, stage: &str) {
        let Some(index) = self.stage_place(stage) else { return };
        if let Some(bar) = self.stages[index].bar.take() {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }

    fn clear(&self) -> io::Result<()> {
        self.total.finish_and_clear();
        self.screen.clear()
    }
}

impl EventConsumer for LiveProgress {
    fn name(&self) -> &'static str {
        "progress"
    }

    fn consume(&mut self, event: &RunEvent) -> io::Result<()> {
        let lines = self.lines.lines(event);
        if !lines.is_empty() {
            self.screen.println(lines.join("\n"))?;
        }
        match &event.kind {
            EventKind::RunStarted { stages, .. } => self.start(stages),
            EventKind::StageStarted { stage } => {
                if let Some(index) = self.stage_place(stage) {
                    self.draw_stage(index);
                }
            }
            EventKind::StageFinished { stage, .. } => self.stage_ended(stage),
            EventKind::StepStarted { step, stage, sandboxed, .. } => {
                self.step_started(step, stage, *sandboxed);
            }
            EventKind::StepProgress { step, fraction, message } => {
                self.step_progress(step, *fraction, message);
            }
            EventKind::StepFinished { step, stage, .. } | EventKind::StepSkipped { step, stage, .. } => {
                self.step_ended(step, stage);
            }
            EventKind::RunFinished { .. } => return self.clear(),
            _ => return Ok(()),
        }
        self.say_total();
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.clear()
    }
}

fn style(template: &str, look: Look) -> ProgressStyle {
    let ticks = if look.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "|/-\\ " };
    // The templates are this file's own; should one be wrong, the plain spinner still tells what runs.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in ["{wide_msg}", "  {spinner} running    {prefix} (unsandboxed)  {elapsed}  {wide_msg}"]
        {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
