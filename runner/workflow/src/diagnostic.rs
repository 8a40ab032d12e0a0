//! Problems of a workflow as plain data. Who shows them (terminal, JSON, SARIF, annotations) decides how they look.

use std::ops::Range;

use serde::Serialize;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The workflow can run, but probably not as meant.
    Warning,
    /// The workflow cannot run.
    Error,
}

/// One problem, placed in the source text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable code, such as `workflow::unknown-key`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Bytes of the source text that are wrong. Always on character boundaries where the text is UTF-8.
    pub span: Range<usize>,
    /// Line of the start of `span`, from 1.
    pub line: usize,
    /// Column of the start of `span` in characters, from 1.
    pub column: usize,
    /// A few words to stand under the underlined text.
    pub label: Option<String>,
    /// Other places that explain the problem.
    pub related: Vec<Related>,
}

/// Another place that explains a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// A few words to stand there, such as `first defined here`.
    pub message: String,
    /// Bytes of the source text.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}
