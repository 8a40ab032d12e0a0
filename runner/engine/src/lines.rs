//! From a pipe to lines of output.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::executor::{MAX_LINE, OutputStream, StepSink};

/// Passes on every line until the pipe is closed. Longer lines than [`MAX_LINE`] come in pieces; bytes that are not UTF-8
/// are replaced. While the sink is busy nothing is read, so that the step waits instead of filling the memory.
pub(crate) async fn forward(
    pipe: Option<impl AsyncRead + Unpin>,
    stream: OutputStream,
    sink: Arc<dyn StepSink>,
) {
    let Some(mut pipe) = pipe else { return };
    let mut lines = Lines::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match pipe.read(&mut buffer).await {
            // A broken pipe ends like a closed one: there is nothing more to read.
            Ok(0) | Err(_) => break,
            Ok(count) => lines.push(&buffer[..count], &mut |line| sink.output(stream, line)),
        }
    }
    lines.finish(&mut |line| sink.output(stream, line));
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
    /// Pieces of this line were passed on.
    cut: bool,
}

impl Lines {
    /// Passes on every line that `bytes` completes.
    pub(crate) fn push(&mut self, mut bytes: &[u8], line: &mut dyn FnMut(&str)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            self.pieces(line);
            if self.rest.last() == Some(&b'\r') {
                self.rest.pop();
            }
            // The end of a line whose pieces are out already, even if nothing is left of it.
            line(&String::from_utf8_lossy(&self.rest));
            self.rest.clear();
            self.cut = false;
        }
        self.rest.extend_from_slice(bytes);
        self.pieces(line);
    }

    /// Passes on what is longer than a line may be.
    fn pieces(&mut self, line: &mut dyn FnMut(&str)) {
        while self.rest.len() > MAX_LINE + 4 {
            // At the end of a character, so that none is torn apart.
            let mut end = MAX_LINE;
            while end < MAX_LINE + 4 && self.rest[end] & 0xC0 == 0x80 {
                end += 1;
            }
            line(&String::from_utf8_lossy(&self.rest[..end]));
            self.rest.drain(..end);
            self.cut = true;
        }
    }

    /// Passes on what is left.
    pub(crate) fn finish(&mut self, line: &mut dyn FnMut(&str)) {
        if !self.rest.is_empty() || self.cut {
            line(&String::from_utf8_lossy(&self.rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.push(chunk, &mut |line| seen.push(line.to_owned()));
        }
        lines.finish(&mut |line| seen.push(line.to_owned()));
        seen
    }

    #[test]
    fn lines_across_reads() {
        assert_eq!(lines_of(&[b"a\nb", b"c\r\n", b"\nlast"]), ["a", "bc", "", "last"]);
        assert_eq!(lines_of(&[b"a\n"]), ["a"]);
        assert_eq!(lines_of(&[]), [""; 0]);
        assert_eq!(lines_of(&[b"\xff\xfe\n"]), ["\u{fffd}\u{fffd}"]);
        assert_eq!(lines_of(&["é".as_bytes()[..1].as_ref(), "é".as_bytes()[1..].as_ref()]), ["é"]);
    }

    #[test]
    fn nothing_of_a_long_line_is_lost() {
        let text = "é".repeat(MAX_LINE * 3);
        let pieces = lines_of(&[text.as_bytes(), b"\nnext\n"]);
        assert_eq!(pieces.last().unwrap(), "next");
        assert!(pieces.len() > 5);
        assert_eq!(pieces[..pieces.len() - 1].concat(), text);
        let (last, cut) = pieces[..pieces.len() - 1].split_last().unwrap();
        assert!(cut.iter().all(|piece| piece.len() >= MAX_LINE && piece.len() < 2 * MAX_LINE));
        assert!(last.len() < MAX_LINE + 5);
    }
}
