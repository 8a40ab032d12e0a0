//! Writing to the standard streams. A reader who has seen enough (`runner ls | head`) is no error.

use std::{
    borrow::Cow,
    env,
    io::{self, Write},
};

use runner_github::actions::command;

use crate::{exit_code::ExitCode, failure::Failure};

/// Write to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            ExitCode::Environment,
            "cli::output",
            format!("cannot write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Print a value as a JSON document.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::internal(format!("cannot write JSON: {error}")))?;
    text.push('\n');
    print(&text)
}

/// Write to standard error, in a job of GitHub Actions as text that is no command. There is nowhere left to complain to if
/// that fails.
pub(crate) fn complain(text: &str) {
    let in_actions = env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    let text = if in_actions { Cow::Owned(command::plain_text(text)) } else { Cow::Borrowed(text) };
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
