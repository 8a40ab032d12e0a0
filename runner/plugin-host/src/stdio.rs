//! Standard output and error of a plugin, as lines of its log.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use runner_engine::executor::OutputStream;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{self, Pollable, StreamResult},
};

use crate::{limits::LINE, log::Log};

/// What a plugin may write at once; more comes in the next write.
const CHUNK: usize = 64 * 1024;
/// How Rust's standard library reports a panic, in the line before the message.
const PANIC: &str = "panicked at";

/// One captured stream. Clones share the line that is being written.
#[derive(Clone)]
pub(crate) struct Captured(Arc<Mutex<State>>);

struct State {
    log: Log,
    stream: OutputStream,
    line: Vec<u8>,
    after_panic: bool,
}

impl Captured {
    /// Captures into `log` as `stream`.
    pub(crate) fn new(log: Log, stream: OutputStream) -> Self {
        Self(Arc::new(Mutex::new(State { log, stream, line: Vec::new(), after_panic: false })))
    }

    fn take(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
    }

    /// Writes a last line that has no line end.
    pub(crate) fn finish(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.line.is_empty() {
            state.end_line();
        }
    }
}

impl State {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in part.chunks(LINE) {
                self.line.extend_from_slice(piece);
                if self.line.ends_with(b"\n") || self.line.len() >= LINE {
                    self.end_line();
                }
            }
        }
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end_matches(['\n', '\r']);
        if self.after_panic && !line.is_empty() {
            self.log.remember_error(line);
        }
        self.after_panic = line.contains(PANIC);
        // `lines()` of an empty text is nothing, but an empty line is a line.
        self.log.write(self.stream, if line.is_empty() { "\n" } else { line });
    }
}

impl IsTerminal for Captured {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Captured {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn p2::OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Captured {
    async fn ready(&mut self) {}
}

impl p2::OutputStream for Captured {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl AsyncWrite for Captured {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recorder;

    #[test]
    fn bytes_become_lines() {
        let sink = Arc::new(Recorder::default());
        let captured = Captured::new(Log::new(sink.clone(), 1 << 20), OutputStream::Stdout);
        captured.take(b"one\ntw");
        captured.take(b"o\r\n\nthree \xff");
        captured.finish();
        assert_eq!(sink.lines(), ["one", "two", "", "three \u{fffd}"]);
    }

    #[test]
    fn endless_lines_are_bounded() {
        let sink = Arc::new(Recorder::default());
        let captured = Captured::new(Log::new(sink.clone(), 1 << 20), OutputStream::Stdout);
        captured.take(&vec![b'x'; 3 * LINE]);
        assert_eq!(sink.lines().len(), 3);
        assert!(captured.0.lock().unwrap().line.is_empty());
    }

    #[test]
    fn the_message_of_a_panic_is_remembered() {
        let log = Log::new(Arc::new(Recorder::default()), 1 << 20);
        let captured = Captured::new(log.clone(), OutputStream::Stderr);
        captured.take(b"\nthread 'main' panicked at src/lib.rs:3:9:\nno such column\nnote: more\n");
        assert_eq!(log.last_error().as_deref(), Some("no such column"));
    }
}
