//! Progress as plain lines, for logs and pipes.

use std::io::{self, Write};

use runner_engine::{EventConsumer, event::RunEvent};

use crate::{environment::Look, report::step_lines::StepLines};

/// Writes the lines of events as they come.
pub(crate) struct PlainProgress {
    lines: StepLines,
    /// Lines of one burst of events: written at once, so that a step that floods its output costs few calls, and lines of
    /// other processes fall in between seldom.
    text: String,
    out: Box<dyn Write + Send>,
}

impl PlainProgress {
    /// Progress on `out`.
    pub(crate) fn new(look: Look, show_output: bool, out: Box<dyn Write + Send>) -> Self {
        Self { lines: StepLines::new(look, show_output), text: String::new(), out }
    }
}

impl EventConsumer for PlainProgress {
    fn name(&self) -> &'static str {
        "progress"
    }

    fn consume(&mut self, event: &RunEvent) -> io::Result<()> {
        for line in self.lines.lines(event) {
            self.text.push_str(&line);
            self.text.push('\n');
        }
        Ok(())
    }

    fn rest(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        self.out.write_all(self.text.as_bytes())?;
        self.text.clear();
        self.out.flush()
    }
}
