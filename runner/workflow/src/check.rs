//! The one entry of the language: source text in, plan and problems out.

use crate::{
    diagnostic::{Diagnostic, Severity},
    plan::Plan,
    surroundings::Surroundings,
};

/// What checking is told besides the source text.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Name of the file; its stem names a workflow that has no `name:`.
    pub file_name: String,
    /// Parameters given on the command line as key and text, later ones winning. The text is read as a YAML scalar,
    /// so that `0.2` is a number and `"0.2"` a text. A dotted key reaches into a mapping.
    pub params: Vec<(String, String)>,
    /// Whether the run answers an event (`--event`), so that `on:` and `report:` count.
    pub event: bool,
}

/// What checking found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The plan, unless there are errors.
    pub plan: Option<Plan>,
    /// All problems, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// Whether any problem is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Check a workflow and plan it. Never panics, whatever the bytes; memory stays within fixed budgets.
pub fn check(_source: &[u8], _options: &CheckOptions, _surroundings: &dyn Surroundings) -> Checked {
    let diagnostics = vec![Diagnostic {
        code: "workflow::not-implemented".to_owned(),
        severity: Severity::Error,
        message: "the language is being written".to_owned(),
        help: None,
        span: 0..0,
        line: 1,
        column: 1,
        label: None,
        related: Vec::new(),
    }];
    Checked { plan: None, diagnostics }
}
