//! Errors of this crate: each is an [`ExecutorError`] with a stable code `plugin::…`.

use runner_engine::executor::{ErrorClass, ExecutorError};

/// An error without help.
pub(crate) fn error(class: ErrorClass, code: &'static str, message: impl Into<String>) -> ExecutorError {
    ExecutorError { class, code, message: message.into(), help: None }
}

/// The workflow asks for something that cannot be.
pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> ExecutorError {
    error(ErrorClass::Usage, code, message)
}

/// The machine does not allow it.
pub(crate) fn environment(code: &'static str, message: impl Into<String>) -> ExecutorError {
    error(ErrorClass::Environment, code, message)
}

/// A grant is missing.
pub(crate) fn denied(code: &'static str, message: impl Into<String>) -> ExecutorError {
    error(ErrorClass::Denied, code, message)
}

/// A defect of the runner itself.
pub(crate) fn internal(message: impl Into<String>) -> ExecutorError {
    error(ErrorClass::Internal, "plugin::internal", message)
}

/// Adds what to do.
pub(crate) trait WithHelp {
    /// The same error with help.
    fn with_help(self, help: impl Into<String>) -> Self;
}

impl WithHelp for ExecutorError {
    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
