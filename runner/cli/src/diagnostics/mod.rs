//! Problems of workflow files in the formats that people and tools read.

use runner_workflow::{Diagnostic, Severity};

pub(crate) mod github;
pub(crate) mod json;
pub(crate) mod sarif;
pub(crate) mod text;

/// A workflow file and what is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct CheckedFile {
    /// The path as typed, for people.
    pub(crate) shown: String,
    /// The path from the workspace's root with `/`, for tools that know the repository.
    pub(crate) in_workspace: String,
    /// Its bytes.
    pub(crate) source: Vec<u8>,
    /// What is wrong, in the order of the text.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Numbers of errors and warnings.
pub(crate) fn tally(files: &[CheckedFile]) -> (usize, usize) {
    let count = |severity| {
        files
            .iter()
            .flat_map(|file| &file.diagnostics)
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    (count(Severity::Error), count(Severity::Warning))
}

/// A place in a text, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Where a stretch that starts at a known place ends (the place after its last character). `span` may lie beyond the source.
pub(crate) fn end_of(source: &[u8], span: &std::ops::Range<usize>, start: Place) -> Place {
    let from = span.start.min(source.len());
    let stretch = &source[from..span.end.clamp(from, source.len())];
    let mut end = start;
    for chunk in stretch.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\n' {
                end = Place { line: end.line + 1, column: 1 };
            } else {
                end.column += 1;
            }
        }
        end.column += chunk.invalid().len();
    }
    end
}

#[cfg(test)]
pub(crate) mod samples {
    use runner_workflow::Related;

    use super::*;

    /// A file with an error that refers to another place, and a warning, with hostile names.
    pub(crate) fn file() -> CheckedFile {
        let source = "name: demo\nstages:\n  train:\n    step:\n      - uses: builtin:tabel-check\n";
        CheckedFile {
            shown: "w,f%:1.yml".into(),
            in_workspace: "dir one/w,f%:1.yml".into(),
            source: source.into(),
            diagnostics: vec![
                Diagnostic {
                    code: "workflow::unknown-key".into(),
                    severity: Severity::Error,
                    message: "unknown key `step`".into(),
                    help: Some("did you mean `steps`?".into()),
                    span: 32..36,
                    line: 4,
                    column: 5,
                    label: Some("not a key of a stage".into()),
                    related: vec![Related {
                        message: "in this stage".into(),
                        span: 21..26,
                        line: 3,
                        column: 3,
                    }],
                },
                Diagnostic {
                    code: "workflow::no-gates".into(),
                    severity: Severity::Warning,
                    message: "50% of stages:\r\nhave no gates".into(),
                    help: None,
                    span: 0..10,
                    line: 1,
                    column: 1,
                    label: None,
                    related: vec![],
                },
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found() {
        let source = "ab\nżó漢\nx".as_bytes();
        assert_eq!(end_of(source, &(0..2), Place { line: 1, column: 1 }), Place { line: 1, column: 3 });
        assert_eq!(end_of(source, &(3..10), Place { line: 2, column: 1 }), Place { line: 2, column: 4 });
        assert_eq!(end_of(source, &(0..4), Place { line: 1, column: 1 }), Place { line: 2, column: 2 });
        assert_eq!(end_of(source, &(90..99), Place { line: 3, column: 1 }), Place { line: 3, column: 1 });
    }
}
