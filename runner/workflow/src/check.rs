//! The one entry of the language: source text in, plan and problems out.

use crate::{
    diagnostic::{Diagnostic, Severity},
    document::WorkflowDocument,
    plan::Plan,
    problems::Problems,
    read::{Read, Reader},
    resolve, suggest,
    surroundings::Surroundings,
    yaml,
};

/// What checking is told besides the source text.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Name of the file; its stem names a workflow that has no `name:`.
    pub file_name: String,
    /// Parameters given on the command line as key and text, later ones winning. The text is read as a YAML scalar,
    /// so that `0.2` is a number and `"0.2"` a text. A dotted key reaches into a mapping.
    pub params: Vec<(String, String)>,
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

/// Check a workflow and plan it. Never panics, whatever the bytes; time and memory stay within fixed budgets.
pub fn check(source: &[u8], options: &CheckOptions, surroundings: &dyn Surroundings) -> Checked {
    suggest::restart();
    let mut problems = Problems::default();
    let plan = plan(source, options, surroundings, &mut problems);
    let plan = plan.filter(|_| !problems.has_errors());
    Checked { plan, diagnostics: problems.finish(source) }
}

fn plan(
    source: &[u8],
    options: &CheckOptions,
    surroundings: &dyn Surroundings,
    problems: &mut Problems,
) -> Option<Plan> {
    let (text, base) = yaml::text(source, problems)?;
    let root = yaml::parse(text, base, problems)?;
    let mut reader = Reader { text, base, problems: std::mem::take(problems), expressions: 0 };
    let document = WorkflowDocument::read(&root, &mut reader);
    *problems = reader.problems;
    Some(resolve::resolve(&document?, (text, base), options, surroundings, problems))
}
