//! The words, symbols and colours under which states and verdicts are shown. A symbol or colour never stands without its word.

use owo_colors::Style;
use runner_engine::{
    event::{RunResult, StageResult, StepResult},
    executor::Severity,
    outcome::StepOutcome,
    record::{RunRecord, StepRecord, StepState},
};
use runner_gate::verdict::Verdict;

use crate::{environment::Look, report::quantity};

/// Whether something is as wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    Bad,
    Doubtful,
    Idle,
    Busy,
}

impl Mood {
    /// A symbol one column wide.
    pub(crate) fn symbol(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Self::Good, true) => "✓",
            (Self::Bad, true) => "✗",
            (Self::Doubtful, true) => "▲",
            (Self::Idle, true) => "○",
            (Self::Busy, true) => "●",
            (Self::Good, false) => "+",
            (Self::Bad, false) => "x",
            (Self::Doubtful, false) => "!",
            (Self::Idle, false) => "-",
            (Self::Busy, false) => ">",
        }
    }

    /// Name of its class in a style sheet.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Doubtful => "doubtful",
            Self::Idle => "idle",
            Self::Busy => "busy",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Good => Style::new().green(),
            Self::Bad => Style::new().red().bold(),
            Self::Doubtful => Style::new().yellow(),
            Self::Idle => Style::new().dimmed(),
            Self::Busy => Style::new().cyan(),
        }
    }
}

impl Look {
    /// Text in the colour of a mood, where colour is wanted.
    pub(crate) fn paint(self, mood: Mood, text: &str) -> String {
        if self.color { mood.style().style(text).to_string() } else { text.to_owned() }
    }

    /// Text that stands out.
    pub(crate) fn bold(self, text: &str) -> String {
        if self.color { Style::new().bold().style(text).to_string() } else { text.to_owned() }
    }

    /// Text that stands back.
    pub(crate) fn dim(self, text: &str) -> String {
        if self.color { Style::new().dimmed().style(text).to_string() } else { text.to_owned() }
    }

    /// Symbol and word, painted: `✓ succeeded`, the word padded to `columns`.
    pub(crate) fn mark(self, mood: Mood, word: &str, columns: usize) -> String {
        self.paint(mood, &format!("{} {word:<columns$}", mood.symbol(self.unicode)))
    }

    /// What stands between parts of a line.
    pub(crate) fn dot(self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }
}

/// Word and mood of a step that ended.
pub(crate) fn step_result(result: &StepResult) -> (&'static str, Mood) {
    match result {
        StepResult::Ran(outcome @ StepOutcome::Succeeded) => (outcome.word(), Mood::Good),
        StepResult::Ran(outcome @ StepOutcome::Cancelled) => (outcome.word(), Mood::Doubtful),
        StepResult::Ran(outcome) => (outcome.word(), Mood::Bad),
        StepResult::Error { .. } => ("error", Mood::Bad),
    }
}

/// Word and mood of a step wherever it is.
pub(crate) fn step(step: &StepRecord) -> (&'static str, Mood) {
    match (step.state, &step.result) {
        (StepState::Waiting, _) => ("waiting", Mood::Idle),
        (StepState::Running, _) => ("running", Mood::Busy),
        (StepState::Skipped, _) => ("skipped", Mood::Idle),
        (StepState::Finished, Some(result)) => step_result(result),
        (StepState::Finished, None) => ("finished", Mood::Doubtful),
    }
}

/// Why a step did not succeed, in words; `None` where it did.
pub(crate) fn reason(result: &StepResult) -> Option<String> {
    match result {
        StepResult::Ran(outcome) => match outcome {
            StepOutcome::Succeeded => None,
            StepOutcome::Failed { code: Some(code), message } if message.is_empty() => {
                Some(format!("exit code {code}"))
            }
            StepOutcome::Failed { message, .. }
            | StepOutcome::Trapped { message }
            | StepOutcome::Denied { message, .. } => Some(message.clone()),
            StepOutcome::TimedOut { limit_ms } => {
                Some(format!("it did not end within {}", quantity::duration(*limit_ms as f64)))
            }
            StepOutcome::OutOfMemory { limit } => {
                Some(format!("it asked for more memory than its limit of {}", quantity::size(*limit)))
            }
            StepOutcome::LimitExceeded { what, limit } => {
                Some(format!("it went over its limit of {limit} {what}"))
            }
            StepOutcome::Cancelled => Some("stopped, because the run was".to_owned()),
        },
        StepResult::Error { code, message, .. } => Some(format!("{message} [{code}]")),
    }
}

/// What to do about it, where the error says.
pub(crate) fn help(result: &StepResult) -> Option<&str> {
    match result {
        StepResult::Error { help, .. } => help.as_deref(),
        StepResult::Ran(_) => None,
    }
}

/// Word and mood of a stage; `None` is one that did not end.
pub(crate) fn stage(result: Option<StageResult>) -> (&'static str, Mood) {
    match result {
        None => ("not finished", Mood::Idle),
        Some(StageResult::Passed) => ("passed", Mood::Good),
        Some(StageResult::Failed) => ("failed", Mood::Bad),
        Some(StageResult::Held) => ("held", Mood::Doubtful),
        Some(StageResult::Skipped) => ("skipped", Mood::Idle),
        Some(StageResult::Cancelled) => ("cancelled", Mood::Doubtful),
    }
}

/// Mood of a verdict; its word is its `Display`.
pub(crate) fn verdict(verdict: Verdict) -> Mood {
    match verdict {
        Verdict::None | Verdict::Info => Mood::Idle,
        Verdict::Pass => Mood::Good,
        Verdict::Warn | Verdict::Waived | Verdict::Inconclusive | Verdict::Hold => Mood::Doubtful,
        Verdict::Fail | Verdict::Error => Mood::Bad,
    }
}

/// Word and mood of a severity.
/// `gates PASS`, `no gates`; gates that nobody judged are never silent.
pub(crate) fn gates(record: &RunRecord) -> String {
    let judged: usize = record.stages.iter().map(|stage| stage.gates.len()).sum();
    let planned: usize = record.stages.iter().map(|stage| stage.planned_gates).sum();
    let missing = planned.saturating_sub(judged);
    match (record.verdict, missing) {
        (Verdict::None, 0) => "no gates".to_owned(),
        (Verdict::None, missing) => format!("{} not judged", quantity::count(missing, "gate")),
        (verdict, 0) => format!("gates {verdict}"),
        (verdict, missing) => format!("gates {verdict}, {missing} not judged"),
    }
}

pub(crate) fn severity(severity: Severity) -> (&'static str, Mood) {
    match severity {
        Severity::Error => ("error", Mood::Bad),
        Severity::Warning => ("warning", Mood::Doubtful),
        Severity::Info => ("info", Mood::Idle),
    }
}

/// Words and mood of a run's end; `None` is a run that goes on or was killed.
pub(crate) fn run(result: Option<RunResult>) -> (&'static str, Mood) {
    match result {
        None => ("not finished", Mood::Doubtful),
        Some(RunResult::Passed) => ("passed", Mood::Good),
        Some(RunResult::StepFailed) => ("a step failed", Mood::Bad),
        Some(RunResult::GateFailed) => ("a gate failed", Mood::Bad),
        Some(RunResult::Held) => ("held", Mood::Doubtful),
        Some(RunResult::Denied) => ("denied", Mood::Bad),
        Some(RunResult::Invalid) => ("invalid", Mood::Bad),
        Some(RunResult::Environment) => ("environment", Mood::Bad),
        Some(RunResult::TimedOut) => ("timed out", Mood::Bad),
        Some(RunResult::Cancelled) => ("cancelled", Mood::Doubtful),
        Some(RunResult::Internal) => ("internal error", Mood::Bad),
    }
}

/// The result as outputs and scripts know it: the word of its JSON.
pub(crate) fn result_word(result: RunResult) -> &'static str {
    match result {
        RunResult::Passed => "passed",
        RunResult::StepFailed => "step-failed",
        RunResult::GateFailed => "gate-failed",
        RunResult::Held => "held",
        RunResult::Denied => "denied",
        RunResult::Invalid => "invalid",
        RunResult::Environment => "environment",
        RunResult::TimedOut => "timed-out",
        RunResult::Cancelled => "cancelled",
        RunResult::Internal => "internal",
    }
}
