//! Exit codes of `runner`. They are API: scripts and CI systems branch on them, so a code never changes its meaning.

use runner_engine::event::RunResult;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Everything asked for was done, and every gate allows what follows.
    Passed = 0,
    /// A step ran and failed.
    StepFailed = 1,
    /// The command line or the workflow is invalid.
    Usage = 2,
    /// A gate failed, or could not be judged.
    GateFailed = 3,
    /// A gate holds or is inconclusive: a person has to decide.
    Held = 4,
    /// Refused by a policy, a capability or a lock.
    Denied = 5,
    /// Something around the runner is missing or broken: a plugin, a shell, the disk, a feature of this version.
    Environment = 6,
    /// A defect of the runner itself.
    Internal = 70,
    /// A step ran out of time.
    TimedOut = 124,
    /// Stopped by a person or a signal.
    Cancelled = 130,
}

impl ExitCode {
    /// The number the process ends with.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }
}

impl From<RunResult> for ExitCode {
    fn from(result: RunResult) -> Self {
        match result {
            RunResult::Passed => Self::Passed,
            RunResult::StepFailed => Self::StepFailed,
            RunResult::GateFailed => Self::GateFailed,
            RunResult::Held => Self::Held,
            RunResult::Denied => Self::Denied,
            RunResult::Invalid => Self::Usage,
            RunResult::Environment => Self::Environment,
            RunResult::TimedOut => Self::TimedOut,
            RunResult::Cancelled => Self::Cancelled,
            RunResult::Internal => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are promised in `docs/cli.md`; changing one breaks somebody's pipeline.
    #[test]
    fn numbers_are_fixed() {
        let codes = [
            (ExitCode::Passed, 0),
            (ExitCode::StepFailed, 1),
            (ExitCode::Usage, 2),
            (ExitCode::GateFailed, 3),
            (ExitCode::Held, 4),
            (ExitCode::Denied, 5),
            (ExitCode::Environment, 6),
            (ExitCode::Internal, 70),
            (ExitCode::TimedOut, 124),
            (ExitCode::Cancelled, 130),
        ];
        for (code, number) in codes {
            assert_eq!(code.number(), number, "{code:?}");
        }
    }

    #[test]
    fn every_code_is_documented() {
        let page = include_str!("../../../docs/cli.md");
        for number in [0, 1, 2, 3, 4, 5, 6, 70, 124, 130] {
            assert!(page.contains(&format!("| {number} |")), "exit code {number} is missing in docs/cli.md");
        }
    }

    #[test]
    fn every_result_has_its_code() {
        assert_eq!(ExitCode::from(RunResult::Passed), ExitCode::Passed);
        assert_eq!(ExitCode::from(RunResult::StepFailed), ExitCode::StepFailed);
        assert_eq!(ExitCode::from(RunResult::GateFailed), ExitCode::GateFailed);
        assert_eq!(ExitCode::from(RunResult::Held), ExitCode::Held);
        assert_eq!(ExitCode::from(RunResult::Denied), ExitCode::Denied);
        assert_eq!(ExitCode::from(RunResult::Invalid), ExitCode::Usage);
        assert_eq!(ExitCode::from(RunResult::Environment), ExitCode::Environment);
        assert_eq!(ExitCode::from(RunResult::TimedOut), ExitCode::TimedOut);
        assert_eq!(ExitCode::from(RunResult::Cancelled), ExitCode::Cancelled);
        assert_eq!(ExitCode::from(RunResult::Internal), ExitCode::Internal);
    }
}
