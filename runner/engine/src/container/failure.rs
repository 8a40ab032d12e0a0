//! Errors of this executor, in the words of a person.

use std::error::Error as _;

use bollard::errors::Error;

use crate::executor::{ErrorClass, ExecutorError};

/// The environment does not allow it.
pub(super) fn environment(code: &'static str, message: impl Into<String>, help: &str) -> ExecutorError {
    let help = (!help.is_empty()).then(|| help.to_owned());
    ExecutorError { class: ErrorClass::Environment, code, message: message.into(), help }
}

/// The workflow asks for something that cannot be.
pub(super) fn usage(code: &'static str, message: impl Into<String>, help: &str) -> ExecutorError {
    ExecutorError { class: ErrorClass::Usage, code, message: message.into(), help: Some(help.to_owned()) }
}

/// The engine refused something, or does not answer any more.
pub(super) fn engine(doing: &str, error: &Error) -> ExecutorError {
    if is_gone(error) {
        let help = "the step was not finished, and says nothing; see the engine's own log for why it stopped";
        return environment(
            "container::engine-gone",
            format!("the container engine stopped answering while {doing}: {}", chain(error)),
            help,
        );
    }
    environment("container::engine", format!("{doing}: {}", chain(error)), "")
}

/// Whether the engine did not answer at all, in contrast to an answer that says no.
pub(super) fn is_gone(error: &Error) -> bool {
    !matches!(
        error,
        Error::DockerResponseServerError { .. }
            | Error::DockerStreamError { .. }
            | Error::DockerContainerWaitError { .. }
            | Error::JsonDataError { .. }
    )
}

/// Whether there is no such container, image or network.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// The error with what caused it, in one line.
pub(super) fn chain(error: &Error) -> String {
    let mut text = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        _ => error.to_string(),
    };
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
