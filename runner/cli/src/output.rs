//! Writing to the standard streams. A reader who has seen enough (`runner ls | head`) is no error.
//!
//! In a job of GitHub Actions whatever is printed is also read for commands, and what steps and their authors wrote stands in
//! most of what the runner prints. So everything here is text that holds no command, but for what
//! [`print_commands`] and [`commands`] write, and nothing else in this crate touches the streams.

use std::{
    borrow::Cow,
    env,
    io::{self, IsTerminal as _, Write},
};

use runner_github::actions::command;

use crate::{exit_code::ExitCode, failure::Failure};

/// Write text to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    write(&text_for(text, in_actions()))
}

/// Print a value as a JSON document.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::internal(format!("cannot write JSON: {error}")))?;
    text.push('\n');
    print_json_text(&text)
}

/// Print JSON. The values that it holds stay the same everywhere.
pub(crate) fn print_json_text(json: &str) -> Result<(), Failure> {
    write(&json_for(json, in_actions()))
}

/// Print commands that the machine that runs a job is meant to follow, each with everything foreign in it escaped.
pub(crate) fn print_commands(commands: &str) -> Result<(), Failure> {
    write(commands)
}

/// Standard output for who writes commands of its own between text that is none.
pub(crate) fn commands() -> Box<dyn Write + Send> {
    Box::new(stdout())
}

/// A standard stream for whole lines of text.
pub(crate) fn lines(to_stderr: bool) -> Box<dyn Write + Send> {
    let out: Box<dyn Write + Send> = if to_stderr { Box::new(stderr()) } else { Box::new(stdout()) };
    if in_actions() { Box::new(TextOnly { out, unwritten: Vec::new() }) } else { out }
}

/// Write to standard error. There is nowhere left to complain to if that fails.
pub(crate) fn complain(text: &str) {
    let mut out = stderr().lock();
    let _ = out.write_all(text_for(text, in_actions()).as_bytes()).and_then(|()| out.flush());
}

/// Say what is wrong with a command line, which may quote anything.
pub(crate) fn complain_of_usage(error: &clap::Error) {
    if in_actions() {
        complain(&error.render().to_string());
    } else {
        // In colours where they are wanted. A closed pipe is no reason to fail.
        let _ = error.print();
    }
}

/// Whether standard output and standard error are terminals.
pub(crate) fn are_terminals() -> (bool, bool) {
    (stdout().is_terminal(), stderr().is_terminal())
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            ExitCode::Environment,
            "cli::output",
            format!("cannot write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "here it is guarded")]
fn stdout() -> io::Stdout {
    io::stdout()
}

#[expect(clippy::disallowed_methods, reason = "here it is guarded")]
fn stderr() -> io::Stderr {
    io::stderr()
}

fn in_actions() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

fn text_for(text: &str, in_actions: bool) -> Cow<'_, str> {
    if in_actions { Cow::Owned(command::plain_text(text)) } else { Cow::Borrowed(text) }
}

/// No line of JSON starts with a command, but its strings may hold one of the older form.
fn json_for(json: &str, in_actions: bool) -> Cow<'_, str> {
    if in_actions { Cow::Owned(json.replace("##[", "\\u0023#[")) } else { Cow::Borrowed(json) }
}

/// Writes what it is given with nothing in it that is a command, up to the last whole line at each flush.
struct TextOnly<W> {
    out: W,
    unwritten: Vec<u8>,
}

impl<W: Write> Write for TextOnly<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unwritten.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let end = self.unwritten.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let whole: Vec<u8> = self.unwritten.drain(..end).collect();
        self.out.write_all(command::plain_text(&String::from_utf8_lossy(&whole)).as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "a": "x ###[group]y", "##[b]": ["::error::c", "##[##["] });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let written = json_for(&text, true);
        assert!(!written.contains("##[") && text.contains("##["), "{written}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), value);
        assert_eq!(json_for(&text, false), text);
    }

    #[test]
    fn a_line_that_comes_in_parts_is_no_command() {
        let mut out = TextOnly { out: Vec::new(), unwritten: Vec::new() };
        for part in [":", ":error", "::a\n ", "::b", "\n##", "[c]\n"] {
            out.write_all(part.as_bytes()).unwrap();
            out.flush().unwrap();
        }
        assert_eq!(String::from_utf8(out.out).unwrap(), ":\u{2060}:error::a\n :\u{2060}:b\n#\u{2060}#[c]\n");
    }
}
