//! Ctrl-C and requests to end.

use runner_engine::CancelSignal;
use tokio::signal::unix::{SignalKind, signal};

use crate::{failure::Failure, output};

/// From now on the first SIGINT or SIGTERM asks the run to end, and the second ends it at once. Needs a runtime.
pub(crate) fn listen(cancel: CancelSignal) -> Result<(), Failure> {
    let open = |kind| {
        signal(kind).map_err(|error| {
            Failure::environment("cli::signals", format!("cannot listen to signals: {error}"))
        })
    };
    let mut interrupt = open(SignalKind::interrupt())?;
    let mut terminate = open(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                received = interrupt.recv() => if received.is_none() { return },
                received = terminate.recv() => if received.is_none() { return },
            }
            let text = if cancel.is_requested() {
                "\nstopping now\n"
            } else {
                "\nstopping: running steps may tidy up, and `if: always()` still holds; once more stops everything at once\n"
            };
            output::complain(text);
            cancel.request();
        }
    });
    Ok(())
}
