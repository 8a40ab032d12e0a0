//! Why the host ended a call.

use std::time::{Duration, Instant};

use runner_engine::outcome::StepOutcome;
use tokio_util::sync::CancellationToken;

/// The host ended a call on purpose. Raised through the plugin as an error, kept in the state as the truth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    /// The run was stopped.
    #[error("stopped with the run")]
    Cancelled,
    /// The deadline passed.
    #[error("out of time")]
    TimedOut,
    /// A cap was reached.
    #[error("more than {limit} {what}")]
    Limit {
        /// What, such as `output bytes`.
        what: &'static str,
        /// The cap.
        limit: u64,
    },
}

/// A duration in whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Stop {
    /// As the outcome of the step.
    pub(crate) fn outcome(&self, time: Duration) -> StepOutcome {
        match *self {
            Self::Cancelled => StepOutcome::Cancelled,
            Self::TimedOut => StepOutcome::TimedOut { limit_ms: milliseconds(time) },
            Self::Limit { what, limit } => StepOutcome::LimitExceeded { what: what.into(), limit },
        }
    }
}

/// When a call must end.
#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    cancel: CancellationToken,
    at: Option<Instant>,
}

impl Deadline {
    /// From now on. A time too long to be represented never passes.
    pub(crate) fn after(time: Duration, cancel: CancellationToken) -> Self {
        Self { cancel, at: Instant::now().checked_add(time) }
    }

    /// Whether it must end now.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() {
            Err(Stop::Cancelled)
        } else if self.at.is_some_and(|at| Instant::now() >= at) {
            Err(Stop::TimedOut)
        } else {
            Ok(())
        }
    }

    /// Ready as soon as it must end.
    pub(crate) async fn passed(&self) -> Stop {
        let timer = async {
            match self.at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Stop::Cancelled,
            () = timer => Stop::TimedOut,
        }
    }
}
