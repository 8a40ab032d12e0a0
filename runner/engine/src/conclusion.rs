//! How a run ends: everything that went wrong, and which of it decides the exit code.

use crate::{
    event::{RunResult, StepResult},
    executor::ErrorClass,
    outcome::StepOutcome,
};

/// Exit code of each result. Part of the interface of the command line.
#[must_use]
pub const fn exit_code(result: RunResult) -> u8 {
    match result {
        RunResult::Passed => 0,
        RunResult::StepFailed => 1,
        RunResult::Invalid => 2,
        RunResult::GateFailed => 3,
        RunResult::Held => 4,
        RunResult::Denied => 5,
        RunResult::Environment => 6,
        RunResult::Internal => 70,
        RunResult::TimedOut => 124,
        RunResult::Cancelled => 130,
    }
}

/// Results in the order in which they decide: what makes everything else meaningless comes first, then what has to be
/// put right before a run can say anything, then what the steps said, then what the gates said.
const PRECEDENCE: [RunResult; 9] = [
    RunResult::Internal,
    RunResult::Cancelled,
    RunResult::Denied,
    RunResult::Invalid,
    RunResult::Environment,
    RunResult::StepFailed,
    RunResult::TimedOut,
    RunResult::GateFailed,
    RunResult::Held,
];

/// What went wrong in a run, in the order it did.
#[derive(Debug, Default)]
pub(crate) struct Conclusion {
    problems: Vec<(RunResult, String)>,
}

impl Conclusion {
    /// Takes a problem into account, with a reason in one line.
    pub(crate) fn add(&mut self, result: RunResult, reason: impl Into<String>) {
        self.problems.push((result, reason.into()));
    }

    /// Takes the end of a step into account, unless it is a good one.
    pub(crate) fn add_step(&mut self, step: &str, result: &StepResult, class: Option<ErrorClass>) {
        match result {
            StepResult::Ran(StepOutcome::Succeeded) => {}
            StepResult::Ran(outcome) => {
                let ended = match outcome {
                    StepOutcome::Denied { .. } => RunResult::Denied,
                    StepOutcome::TimedOut { .. } => RunResult::TimedOut,
                    StepOutcome::Cancelled => RunResult::Cancelled,
                    _ => RunResult::StepFailed,
                };
                self.add(ended, format!("step `{step}` {}", describe(outcome)));
            }
            StepResult::Error { message, .. } => {
                self.add(result_of(class), format!("step `{step}` could not be run: {message}"));
            }
        }
    }

    /// The result and its reason; further problems of the same kind are counted.
    pub(crate) fn result(&self) -> (RunResult, Option<String>) {
        for result in PRECEDENCE {
            let mut reasons =
                self.problems.iter().filter(|(kind, _)| *kind == result).map(|(_, reason)| reason);
            if let Some(first) = reasons.next() {
                let more = reasons.count();
                let reason = match more {
                    0 => first.clone(),
                    1 => format!("{first} (and one more)"),
                    _ => format!("{first} (and {more} more)"),
                };
                return (result, Some(reason));
            }
        }
        (RunResult::Passed, None)
    }
}

/// The result of a run whose worst problem is an error of this class.
pub(crate) fn result_of(class: Option<ErrorClass>) -> RunResult {
    match class {
        Some(ErrorClass::Usage) => RunResult::Invalid,
        Some(ErrorClass::Denied) => RunResult::Denied,
        Some(ErrorClass::Environment) => RunResult::Environment,
        Some(ErrorClass::Internal) | None => RunResult::Internal,
    }
}

/// How a step ended, as the rest of a sentence.
fn describe(outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Succeeded => "succeeded".to_owned(),
        StepOutcome::Failed { code: Some(code), message } => {
            let said = format!("failed with exit code {code}");
            // A process says no more than its code unless it was asked to.
            if message.is_empty() { said } else { format!("{said}: {message}") }
        }
        StepOutcome::Failed { code: None, message } => format!("failed: {message}"),
        StepOutcome::Trapped { message } => format!("trapped: {message}"),
        StepOutcome::TimedOut { limit_ms } => {
            format!("timed out after {} s", *limit_ms as f64 / 1000.0)
        }
        StepOutcome::OutOfMemory { limit } => {
            format!("needed more memory than its limit of {}", size(*limit))
        }
        StepOutcome::LimitExceeded { what, limit } if what == "output bytes" => {
            format!("wrote more than its limit of {} of output", size(*limit))
        }
        StepOutcome::LimitExceeded { what, limit } => format!("went over its limit of {limit} {what}"),
        StepOutcome::Denied { capability, message } => format!("was denied `{capability}`: {message}"),
        StepOutcome::Cancelled => "was cancelled".to_owned(),
    }
}

/// Bytes as a workflow writes them, where that is a whole number.
fn size(bytes: u64) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_whenever_it_came() {
        let mut conclusion = Conclusion::default();
        assert_eq!(conclusion.result(), (RunResult::Passed, None));
        conclusion.add(RunResult::Held, "held");
        conclusion.add(RunResult::GateFailed, "gate");
        assert_eq!(conclusion.result().0, RunResult::GateFailed);
        conclusion.add(RunResult::TimedOut, "slow");
        assert_eq!(conclusion.result().0, RunResult::TimedOut);
        conclusion.add_step(
            "fit",
            &StepResult::Ran(StepOutcome::Failed { code: Some(3), message: "x".into() }),
            None,
        );
        assert_eq!(
            conclusion.result(),
            (RunResult::StepFailed, Some("step `fit` failed with exit code 3: x".into()))
        );
        conclusion.add(RunResult::StepFailed, "another");
        assert!(conclusion.result().1.unwrap().ends_with("(and one more)"));
        conclusion.add(RunResult::Cancelled, "stopped");
        assert_eq!(conclusion.result().0, RunResult::Cancelled);
    }

    #[test]
    fn limits_read_as_they_are_written() {
        for (limit, text) in [(64 << 20, "64 MiB"), (3 << 30, "3 GiB"), (1000, "1000 bytes"), (0, "0 bytes")]
        {
            let said = describe(&StepOutcome::OutOfMemory { limit });
            assert_eq!(said, format!("needed more memory than its limit of {text}"));
        }
    }

    #[test]
    fn every_problem_has_an_exit_code_of_its_own() {
        let codes: std::collections::BTreeSet<u8> = PRECEDENCE.into_iter().map(exit_code).collect();
        assert_eq!(codes.len(), PRECEDENCE.len());
        assert!(!codes.contains(&0));
    }
}
