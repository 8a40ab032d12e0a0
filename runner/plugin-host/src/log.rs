//! The log of one attempt: what the plugin logs and prints, as lines, up to the cap.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use runner_engine::executor::{OutputStream, StepSink};

use crate::limits::{LINE, MESSAGE};

/// Shared by the log call and the plugin's standard output and error.
#[derive(Clone)]
pub(crate) struct Log(Arc<Mutex<State>>);

struct State {
    sink: Arc<dyn StepSink>,
    limit: u64,
    left: u64,
    cut: bool,
    last_error: Option<String>,
}

impl Log {
    /// A log of at most `limit` bytes.
    pub(crate) fn new(sink: Arc<dyn StepSink>, limit: u64) -> Self {
        Self(Arc::new(Mutex::new(State { sink, limit, left: limit, cut: false, last_error: None })))
    }

    /// Writes text that may hold several lines.
    pub(crate) fn write(&self, stream: OutputStream, text: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in text.lines() {
            for piece in pieces(line, LINE) {
                state.line(stream, piece);
            }
            if state.cut {
                return;
            }
        }
    }

    /// Remembers what the plugin said went wrong, to explain a trap that follows.
    pub(crate) fn remember_error(&self, text: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_error = Some(shorten(text, MESSAGE).into_owned());
    }

    /// What the plugin said last about what went wrong.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last_error.clone()
    }
}

impl State {
    fn line(&mut self, stream: OutputStream, line: &str) {
        if self.cut {
            return;
        }
        // The line end counts too, so that empty lines are not free.
        let cost = line.len() as u64 + 1;
        if let Some(left) = self.left.checked_sub(cost) {
            self.left = left;
            self.sink.output(stream, line);
        } else {
            self.cut = true;
            let notice =
                format!("log cut: more than {} bytes (`limits: {{ log: … }}` raises it)", self.limit);
            self.sink.output(OutputStream::Log, &notice);
        }
    }
}

/// Cuts a line into pieces of at most `size` bytes, between characters.
fn pieces(line: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        if text.len() <= size {
            rest = None;
            return Some(text);
        }
        let (piece, after) = text.split_at(text.floor_char_boundary(size));
        rest = Some(after);
        Some(piece)
    })
}

/// At most `limit` bytes of a text, and a mark where something is missing.
pub(crate) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let kept = &text[..text.floor_char_boundary(limit)];
    Cow::Owned(format!("{kept}… ({} bytes cut)", text.len() - kept.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recorder;

    #[test]
    fn the_log_is_cut_once() {
        let sink = Arc::new(Recorder::default());
        let log = Log::new(sink.clone(), 12);
        log.write(OutputStream::Log, "12345\n12345");
        log.write(OutputStream::Stdout, "6\n7\n8");
        log.write(OutputStream::Stdout, "9");
        let lines = sink.lines();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[2].starts_with("log cut"));
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = "é".repeat(5);
        assert_eq!(pieces(&line, 3).collect::<Vec<_>>(), ["é", "é", "é", "é", "é"]);
        assert_eq!(pieces("", 3).collect::<Vec<_>>(), [""]);
        assert_eq!(shorten("ééé", 3), "é… (4 bytes cut)");
    }
}
