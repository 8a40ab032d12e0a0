//! How a step ended. A step that ran and failed is data; that it could not be run is an error.

use serde::{Deserialize, Serialize};

/// How one attempt of a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum StepOutcome {
    /// It did its work, and every declared output is there.
    Succeeded,
    /// It said no: a non-zero exit code, a plugin's failure, a missing output.
    Failed {
        /// Exit code of a process; none for a plugin.
        code: Option<i32>,
        /// The reason in one line, as the step gave it.
        message: String,
    },
    /// The plugin broke a rule of WebAssembly: `unreachable`, a panic, out of bounds, stack exhausted.
    Trapped {
        /// The trap and, where known, the function.
        message: String,
    },
    /// It did not end within its time.
    TimedOut {
        /// The deadline that it missed, in milliseconds.
        limit_ms: u64,
    },
    /// It asked for more memory than its limit.
    OutOfMemory {
        /// The limit in bytes.
        limit: u64,
    },
    /// It went over another cap: output bytes, table elements, instances.
    LimitExceeded {
        /// What, such as `output bytes`.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// It asked for something that nobody granted.
    Denied {
        /// What, such as `net`.
        capability: String,
        /// What exactly, and the YAML line that would grant it.
        message: String,
    },
    /// It was stopped because the run was.
    Cancelled,
}

impl StepOutcome {
    /// Whether later steps may use its outputs.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Succeeded)
    }

    /// The word used in reports and in `steps.<id>.outcome`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Trapped { .. } => "trapped",
            Self::TimedOut { .. } => "timed-out",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::LimitExceeded { .. } => "limit-exceeded",
            Self::Denied { .. } => "denied",
            Self::Cancelled => "cancelled",
        }
    }
}
