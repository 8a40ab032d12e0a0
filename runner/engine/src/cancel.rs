//! Stopping a run, gently or at once.

use tokio_util::sync::CancellationToken;

/// Stops a run. Clones share their state, so that a signal handler can hold one.
///
/// The first request is graceful: running steps are told to end and get a grace period, and no new one starts but those
/// whose condition asks for it (`always()`, `cancelled()`), for a time. The second is `now`: whatever runs is killed.
/// Nothing is promoted after either. Teardown and the records follow in both cases.
#[derive(Debug, Clone, Default)]
pub struct CancelSignal {
    graceful: CancellationToken,
    now: CancellationToken,
}

impl CancelSignal {
    /// A signal that nobody has given yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask for a graceful end; asked a second time, end now.
    pub fn request(&self) {
        if self.graceful.is_cancelled() {
            self.now.cancel();
        } else {
            self.graceful.cancel();
        }
    }

    /// End now, without grace.
    pub fn request_now(&self) {
        self.graceful.cancel();
        self.now.cancel();
    }

    /// Whether the run was asked to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.graceful.is_cancelled()
    }

    /// Whether it was asked to end at once.
    #[must_use]
    pub fn is_now(&self) -> bool {
        self.now.is_cancelled()
    }

    /// Fires when the run is asked to end.
    #[must_use]
    pub fn graceful(&self) -> &CancellationToken {
        &self.graceful
    }

    /// Fires when the run is asked to end at once.
    #[must_use]
    pub fn now(&self) -> &CancellationToken {
        &self.now
    }
}
