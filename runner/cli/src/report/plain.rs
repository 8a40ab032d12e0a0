//! Progress as plain lines, for logs and pipes.

use std::io::{self, Write};

use runner_engine::{EventConsumer, event::RunEvent};

use crate::{environment::Look, report::step_lines::StepLines};

/// Writes the lines of each event as it comes.
pub(crate) struct PlainProgress {
    lines: StepLines,
    out: Box<dyn Write + Send>,
}

impl PlainProgress {
    /// Progress on `out`.
    pub(crate) fn new(look: Look, show_output: bool, out: Box<dyn Write + Send>) -> Self {
        Self { lines: StepLines::new(look, show_output), out }
    }
}

impl EventConsumer for PlainProgress {
    fn name(&self) -> &'static str {
        "progress"
    }

    fn consume(&mut self, event: &RunEvent) -> io::Result<()> {
        let lines = self.lines.lines(event);
        if lines.is_empty() {
            return Ok(());
        }
        let mut text = lines.join("\n");
        text.push('\n');
        // One write per event, so that lines of other processes do not fall in between.
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}
