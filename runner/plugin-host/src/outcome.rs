//! How a call ended, from what the host knows first and from the error that came out of the plugin last.

use runner_engine::outcome::StepOutcome;
use wasmtime::{Trap, WasmBacktrace, component::ResourceTableError};
use wasmtime_wasi::I32Exit;

use crate::{
    grants,
    limits::{CALL_BYTES, Caps, MESSAGE, OPEN_HANDLES, TABLE_ELEMENTS},
    log::shorten,
    manifest::Capability,
    state::CallState,
};

/// What came back from a plugin.
pub(crate) enum Answer {
    /// It did its work.
    Done,
    /// It said no, in these words.
    Refused(String),
    /// It did not answer.
    Broken(wasmtime::Error),
}

/// The outcome of a call. `plugin` is named in messages.
pub(crate) fn classify(plugin: &str, answer: Answer, state: &CallState, caps: &Caps) -> StepOutcome {
    if let Some(stop) = &state.stop {
        return stop.outcome(caps.time);
    }
    if matches!(answer, Answer::Done) {
        return StepOutcome::Succeeded;
    }
    // A plugin that was refused something may fail in any way: the refusal is the reason that helps.
    if state.meter.memory_refused {
        return StepOutcome::OutOfMemory { limit: caps.memory };
    }
    if state.meter.table_refused {
        return StepOutcome::LimitExceeded { what: "table elements".into(), limit: TABLE_ELEMENTS as u64 };
    }
    if let Some(what) = &state.network_denied {
        return StepOutcome::Denied {
            capability: Capability::Net.key().into(),
            message: network(plugin, what),
        };
    }
    match answer {
        Answer::Done => StepOutcome::Succeeded,
        Answer::Refused(message) => {
            StepOutcome::Failed { code: None, message: shorten(&message, MESSAGE).into_owned() }
        }
        Answer::Broken(error) => broken(&error, state),
    }
}

fn network(plugin: &str, what: &str) -> String {
    format!(
        "plugin `{plugin}` tried to {what}. Plugins have no sockets and no name look-up; outgoing HTTP is what a workflow \
         can grant (`{}`), and this version does not offer it yet",
        grants::yaml(Capability::Net, "")
    )
}

fn broken(error: &wasmtime::Error, state: &CallState) -> StepOutcome {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        let message = format!("the plugin ended itself with exit code {code} instead of returning");
        return StepOutcome::Failed { code: Some(*code), message };
    }
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
        return StepOutcome::LimitExceeded {
            what: "open files and handles".into(),
            limit: OPEN_HANDLES as u64,
        };
    }
    // The engine has no type for this one.
    if error.root_cause().to_string().contains("fuel allocated for hostcalls") {
        return StepOutcome::LimitExceeded {
            what: "bytes in one host call".into(),
            limit: CALL_BYTES as u64,
        };
    }
    let mut message = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "it gave up (`unreachable`)".into(),
        Some(Trap::StackOverflow) => "its call stack is exhausted".into(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    if let Some(function) = innermost_function(error) {
        message = format!("{message} in `{function}`");
    }
    if let Some(said) = state.reports.as_ref().and_then(|reports| reports.log.last_error()) {
        message = format!("{message}; it said: {}", said.replace('\n', " "));
    }
    StepOutcome::Trapped { message: shorten(&message, MESSAGE).into_owned() }
}

/// The function in which it happened. Released plugins usually carry no names.
fn innermost_function(error: &wasmtime::Error) -> Option<String> {
    let backtrace = error.downcast_ref::<WasmBacktrace>()?;
    let name = backtrace.frames().iter().find_map(wasmtime::FrameInfo::func_name)?;
    Some(shorten(&format!("{:#}", rustc_demangle::demangle(name)), 200).into_owned())
}
