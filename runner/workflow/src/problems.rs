//! Collects problems while a workflow is read and checked, and places them in the end.

use std::{collections::HashSet, ops::Range};

use crate::diagnostic::{Diagnostic, Related, Severity};

/// More problems than this are counted, not listed: nobody reads them, and a hostile file could make millions.
const MOST: usize = 1000;

/// Problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Diagnostic>,
    more: usize,
    errors: usize,
}

impl Problems {
    /// Add a problem.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        if self.list.len() < MOST {
            self.list.push(diagnostic);
        } else {
            self.more += 1;
        }
    }

    /// Add several problems.
    pub(crate) fn extend(&mut self, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// Whether there is any error so far.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// All problems in the order of the file, without repetitions, with their lines and columns.
    pub(crate) fn finish(mut self, source: &[u8]) -> Vec<Diagnostic> {
        let mut seen = HashSet::new();
        self.list.retain(|problem| {
            seen.insert((problem.span.start, problem.span.end, problem.code.clone(), problem.message.clone()))
        });
        self.list.sort_by_key(|problem| (problem.span.start, problem.span.end));
        if self.more > 0 {
            let end = self.list.last().map_or(0..0, |last| last.span.clone());
            self.list.push(Diagnostic::error(
                "workflow::more-problems",
                end,
                format!("and {} more problems; the first {MOST} are shown", self.more),
            ));
        }
        place(&mut self.list, source);
        self.list
    }
}

/// Fill in lines and columns in one pass over the source, however long its lines are.
fn place(list: &mut [Diagnostic], source: &[u8]) {
    let mut spots: Vec<(&mut usize, &mut usize, &mut Range<usize>)> = Vec::new();
    for diagnostic in list {
        spots.push((&mut diagnostic.line, &mut diagnostic.column, &mut diagnostic.span));
        for related in &mut diagnostic.related {
            spots.push((&mut related.line, &mut related.column, &mut related.span));
        }
    }
    spots.sort_by_key(|(_, _, span)| span.start);
    let (mut at, mut line, mut column) = (0, 1, 1);
    for (spot_line, spot_column, span) in spots {
        span.start = span.start.min(source.len());
        span.end = span.end.clamp(span.start, source.len());
        // A problem that points to one byte means the character it belongs to.
        while source.get(span.end).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
            span.end += 1;
        }
        while at < span.start {
            match source[at] {
                b'\n' => (line, column) = (line + 1, 1),
                // The bytes after the first of a character do not count, nor does a byte order mark.
                byte if byte & 0b1100_0000 == 0b1000_0000 => {}
                0xEF if at == 0 && source.starts_with(b"\xEF\xBB\xBF") => {}
                _ => column += 1,
            }
            at += 1;
        }
        (*spot_line, *spot_column) = (line, column);
    }
}

impl Diagnostic {
    /// An error; line and column are filled in when all problems are known.
    pub(crate) fn error(code: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    /// A warning.
    pub(crate) fn warning(code: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: &str, span: Range<usize>, message: String) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            message,
            help: None,
            span,
            line: 1,
            column: 1,
            label: None,
            related: Vec::new(),
        }
    }

    /// Say what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Say what to do, if there is something to say.
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Words under the underlined text.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Point to another place.
    pub(crate) fn related(mut self, span: Range<usize>, message: impl Into<String>) -> Self {
        self.related.push(Related { message: message.into(), span, line: 1, column: 1 });
        self
    }
}
