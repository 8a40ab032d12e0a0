//! The lines that tell about single events, for terminals and logs: one when a step ends, one when a gate was judged.
//! Their order of words is stable, so that logs can be searched.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
};

use runner_engine::event::{EventKind, ImageOrigin, RunEvent, StageOutline};

use crate::{
    environment::Look,
    report::{
        quantity, reference, visible,
        words::{self, Mood},
    },
};

/// Columns of the longest common status, `gate ERROR`.
const WORD: usize = 10;
/// Names longer than this push the rest of their line to the right instead of widening every line.
const LONGEST_NAME: usize = 40;
/// Lines of output shown under a step that failed.
const TAIL: usize = 15;
/// Lines of a failure's message.
const MESSAGE_LINES: usize = 12;

/// Turns events into lines.
#[derive(Debug)]
pub(crate) struct StepLines {
    look: Look,
    /// Whether the output of steps is shown as it comes.
    show_output: bool,
    name_width: usize,
    /// Each step with its stage: `train/fit`.
    places: HashMap<String, String>,
    unsandboxed: HashMap<String, String>,
    tails: HashMap<String, VecDeque<String>>,
    findings: HashMap<String, usize>,
}

impl StepLines {
    /// Lines in this look.
    pub(crate) fn new(look: Look, show_output: bool) -> Self {
        Self {
            look,
            show_output,
            name_width: 16,
            places: HashMap::new(),
            unsandboxed: HashMap::new(),
            tails: HashMap::new(),
            findings: HashMap::new(),
        }
    }

    /// The lines of one event; empty for those that are not worth one.
    pub(crate) fn lines(&mut self, event: &RunEvent) -> Vec<String> {
        match &event.kind {
            EventKind::RunStarted { workflow, file, stages, jobs, .. } => {
                self.measure(stages);
                let dot = self.look.dot();
                let steps = stages.iter().map(|stage| stage.steps.len()).sum::<usize>();
                let head = format!(
                    "{} {dot} {} {dot} {} in {}, {} at once",
                    self.look.bold(&visible::line(workflow)),
                    visible::line(file),
                    quantity::count(steps, "step"),
                    quantity::count(stages.len(), "stage"),
                    jobs
                );
                vec![self.fitted(&head)]
            }
            EventKind::StepStarted { step, executor, sandboxed, .. } => {
                if !sandboxed {
                    self.unsandboxed.insert(step.clone(), executor.clone());
                }
                Vec::new()
            }
            EventKind::StepOutput { step, line, .. } => self.output(step, line),
            EventKind::FindingReported { step, .. } => {
                *self.findings.entry(step.clone()).or_default() += 1;
                Vec::new()
            }
            EventKind::AttemptFailed { step, attempt, result, delay_ms } => {
                let why = words::reason(result).unwrap_or_default();
                let text = format!(
                    "attempt {attempt} {}, again in {}",
                    words::step_result(result).0,
                    quantity::duration(*delay_ms as f64)
                );
                let mut lines = vec![self.line(Mood::Doubtful, "retrying", self.place(step), &text)];
                lines.extend(self.indented(&why));
                lines
            }
            EventKind::StepSlow { step, duration_ms } => {
                let text = format!("{} so far", quantity::duration(*duration_ms));
                vec![self.line(Mood::Busy, "slow", self.place(step), &text)]
            }
            EventKind::StepSkipped { step, stage, reason } => {
                vec![self.line(Mood::Idle, "skipped", &place(stage, step), &visible::line(reason))]
            }
            EventKind::StepFinished { .. } => self.finished(event),
            EventKind::GateEvaluated { stage, judgement } => {
                let mood = words::verdict(judgement.verdict);
                let word = format!("gate {}", judgement.verdict);
                let text = visible::line(&judgement.text);
                let mut lines = vec![self.line(mood, &word, stage, &text)];
                if judgement.verdict != runner_gate::verdict::Verdict::Pass {
                    lines.extend(self.indented(&judgement.message));
                }
                lines
            }
            EventKind::Promoted { stage, model, alias, version, previous, .. } => {
                let text = promotion(model, alias, *version, *previous, self.look);
                vec![self.line(Mood::Good, "promoted", stage, &text)]
            }
            EventKind::PromotionRefused { stage, model, alias, reason } => {
                let text = format!("{}@{}", visible::line(model), visible::line(alias));
                let mut lines = vec![self.line(Mood::Bad, "not promoted", stage, &text)];
                lines.extend(self.indented(reason));
                lines
            }
            EventKind::ReferenceResolved { reference: found } => {
                let (mood, text) = reference::sentence(found);
                let head = self.look.mark(mood, found.role.word(), WORD);
                vec![self.fitted(&format!("{head}  {text}"))]
            }
            EventKind::Warning { code, message } => {
                let head = self.look.mark(Mood::Doubtful, "warning", WORD);
                vec![self.fitted(&format!("{head}  {} [{}]", visible::line(message), visible::line(code)))]
            }
            EventKind::ImageReady { image, duration_ms } if image.origin != ImageOrigin::Present => {
                let word = if image.origin == ImageOrigin::Pulled { "pulled" } else { "built" };
                let text = format!("{}  {}", visible::line(&image.id), quantity::duration(*duration_ms));
                vec![self.line(Mood::Good, word, &visible::line(&image.image), &text)]
            }
            EventKind::DataIdentified { .. }
            | EventKind::ImageProgress { .. }
            | EventKind::ImageReady { .. }
            | EventKind::StepImage { .. }
            | EventKind::StageStarted { .. }
            | EventKind::StageFinished { .. }
            | EventKind::StepProgress { .. }
            | EventKind::MetricReported { .. }
            | EventKind::ArtifactPublished { .. }
            | EventKind::EvidenceRecorded { .. }
            | EventKind::RunFinished { .. } => Vec::new(),
        }
    }

    fn measure(&mut self, stages: &[StageOutline]) {
        let places = stages
            .iter()
            .flat_map(|stage| stage.steps.iter().map(|step| (step.clone(), place(&stage.name, step))));
        self.places = places.collect();
        let longest = self.places.values().map(|name| visible::width(name)).max().unwrap_or(0);
        self.name_width = longest.clamp(16, LONGEST_NAME);
    }

    fn place<'a>(&'a self, step: &'a str) -> &'a str {
        self.places.get(step).map_or(step, String::as_str)
    }

    fn finished(&mut self, event: &RunEvent) -> Vec<String> {
        let EventKind::StepFinished { step, stage, attempts, result, duration_ms } = &event.kind else {
            return Vec::new();
        };
        let (word, mood) = words::step_result(result);
        let mut text = quantity::duration(*duration_ms);
        if *attempts > 1 {
            let _ = write!(text, "  {attempts} attempts");
        }
        if let Some(count) = self.findings.remove(step) {
            let _ = write!(text, "  {}", quantity::count(count, "finding"));
        }
        if let Some(executor) = self.unsandboxed.remove(step) {
            let mark = self.look.paint(Mood::Doubtful, &format!("unsandboxed ({executor})"));
            let _ = write!(text, "  {mark}");
        }
        let mut lines = vec![self.line(mood, word, &place(stage, step), &text)];
        let tail = self.tails.remove(step);
        if mood == Mood::Bad {
            if let Some(why) = words::reason(result) {
                lines.extend(self.indented(&why));
            }
            if let Some(help) = words::help(result) {
                lines.extend(self.indented(&format!("help: {help}")));
            }
            // Shown already, line by line, where output is shown as it comes.
            if let Some(tail) = tail.filter(|_| !self.show_output) {
                let bar = if self.look.unicode { "│" } else { "|" };
                lines.extend(tail.iter().map(|line| format!("    {} {line}", self.look.dim(bar))));
            }
        }
        lines
    }

    fn output(&mut self, step: &str, line: &str) -> Vec<String> {
        let line = visible::line(line);
        if self.show_output {
            let bar = if self.look.unicode { "│" } else { "|" };
            return vec![format!("{} {line}", self.look.dim(&format!("{} {bar}", visible::line(step))))];
        }
        // Looked up before it is inserted, so that the usual line costs no allocation for the name.
        if !self.tails.contains_key(step) {
            self.tails.insert(step.to_owned(), VecDeque::with_capacity(TAIL));
        }
        if let Some(tail) = self.tails.get_mut(step) {
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(line);
        }
        Vec::new()
    }

    fn line(&self, mood: Mood, word: &str, name: &str, text: &str) -> String {
        let name = visible::pad(&visible::line(name), self.name_width);
        let line = format!("{}  {name}  {text}", self.look.mark(mood, word, WORD));
        self.fitted(line.trim_end())
    }

    /// Wrapped on a terminal, where a person reads; left whole in a log, where a search does.
    fn fitted(&self, line: &str) -> String {
        if self.look.terminal {
            visible::wrap(line, self.look.width.saturating_sub(4), 0).replace('\n', "\n    ")
        } else {
            line.to_owned()
        }
    }

    /// A message under its line, likewise.
    fn indented(&self, message: &str) -> Vec<String> {
        visible::lines(message, MESSAGE_LINES)
            .into_iter()
            .flat_map(|line| {
                let text = if self.look.terminal { visible::wrap(&line, self.look.width, 4) } else { line };
                format!("    {text}").lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }
}

/// A step with its stage: `train/fit[seed=0]`.
pub(crate) fn place(stage: &str, step: &str) -> String {
    format!("{stage}/{step}")
}

/// `model@alias -> version 3 (was version 2)`.
pub(crate) fn promotion(model: &str, alias: &str, version: u64, previous: Option<u64>, look: Look) -> String {
    let arrow = if look.unicode { "→" } else { "->" };
    let before = match previous {
        None => "first".to_owned(),
        Some(previous) if previous == version => "unchanged".to_owned(),
        Some(previous) => format!("was version {previous}"),
    };
    format!("{}@{} {arrow} version {version} ({before})", visible::line(model), visible::line(alias))
}
