//! Progress in a job of GitHub Actions: what a step wrote is folded into a group of its own when the step ends, so that
//! steps that run at once do not mix.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Write as _,
    io::{self, Write},
};

use runner_engine::{
    EventConsumer,
    event::{EventKind, RunEvent},
};
use runner_github::actions::command;

use crate::{
    environment::Look,
    report::{step_lines::StepLines, visible},
};

/// Lines of a step that are shown; `runner logs` has them all.
const LINES: usize = 5000;

/// Writes groups.
pub(crate) struct ActionsProgress {
    lines: StepLines,
    written: HashMap<String, VecDeque<String>>,
    dropped: HashMap<String, usize>,
    out: Box<dyn Write + Send>,
}

impl ActionsProgress {
    /// Progress on `out`.
    pub(crate) fn new(look: Look, out: Box<dyn Write + Send>) -> Self {
        Self { lines: StepLines::new(look, false), written: HashMap::new(), dropped: HashMap::new(), out }
    }
}

impl EventConsumer for ActionsProgress {
    fn name(&self) -> &'static str {
        "progress"
    }

    fn consume(&mut self, event: &RunEvent) -> io::Result<()> {
        if let EventKind::StepOutput { step, line, .. } = &event.kind {
            let lines = self.written.entry(step.clone()).or_default();
            if lines.len() == LINES {
                lines.pop_front();
                *self.dropped.entry(step.clone()).or_default() += 1;
            }
            lines.push_back(command::plain(&visible::line(line)));
            return Ok(());
        }
        let said = self.lines.lines(event);
        let mut text = String::new();
        if let EventKind::StepFinished { step, .. } = &event.kind
            && let Some(lines) = self.written.remove(step)
        {
            text.push_str(&command::group(&format!("output of {}", visible::line(step))));
            if let Some(dropped) = self.dropped.remove(step) {
                let _ = writeln!(text, "({dropped} lines before are left out here)");
            }
            for line in lines {
                text.push_str(&line);
                text.push('\n');
            }
            text.push_str(command::END_GROUP);
        }
        for line in said {
            text.push_str(&command::plain(&line));
            text.push('\n');
        }
        if text.is_empty() {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}
