//! Why a command could not do its work, with the exit code that says so.

use std::fmt::Write as _;

use crate::exit_code::ExitCode;

/// A command that could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code of the process.
    pub(crate) exit: ExitCode,
    /// Stable code, such as `cli::no-such-run`.
    pub(crate) code: String,
    /// What happened, in one sentence with names and paths.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

impl Failure {
    /// A failure without help.
    pub(crate) fn new(exit: ExitCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit, code: code.into(), message: message.into(), help: None }
    }

    /// Something the person who typed the command can correct.
    pub(crate) fn usage(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, code, message)
    }

    /// Something around the runner is missing or broken.
    pub(crate) fn environment(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ExitCode::Environment, code, message)
    }

    /// A defect of the runner.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Internal, "cli::internal", message).help(REPORT_IT)
    }

    /// The same with a help.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a help, where there is one.
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// Text for standard error.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("error[{}]: {}\n", self.code, self.message);
        if let Some(help) = &self.help {
            let _ = writeln!(text, "  help: {}", help.replace('\n', "\n        "));
        }
        text
    }
}

/// A failure that says what a library's error says.
pub(crate) fn from_diagnostic<E: miette::Diagnostic>(error: &E, exit: ExitCode) -> Failure {
    let code = error.code().map_or_else(|| "cli::error".to_owned(), |code| code.to_string());
    Failure::new(exit, code, chain(error)).maybe_help(error.help().map(|help| help.to_string()))
}

/// What a person is asked to do about a defect.
pub(crate) const REPORT_IT: &str =
    "this is a defect of runner, not of your workflow; please report it with the message above";

/// An error together with the errors that caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !text.contains(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    text
}
