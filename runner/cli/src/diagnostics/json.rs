//! Problems as one JSON document.

use runner_workflow::Diagnostic;
use serde::Serialize;

use super::{CheckedFile, tally};

#[derive(Serialize)]
struct Document<'a> {
    /// Version of this shape.
    format: u32,
    errors: usize,
    warnings: usize,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    diagnostics: &'a [Diagnostic],
}

/// The document: `{format, errors, warnings, files: [{file, diagnostics: […]}]}`.
pub(crate) fn render(files: &[CheckedFile]) -> Result<String, serde_json::Error> {
    let (errors, warnings) = tally(files);
    let files = files
        .iter()
        .map(|file| File { file: &file.shown, diagnostics: &file.diagnostics })
        .collect::<Vec<_>>();
    serde_json::to_string_pretty(&Document { format: 1, errors, warnings, files })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::samples;

    #[test]
    fn document() {
        insta::assert_snapshot!(render(&[samples::file()]).unwrap());
    }
}
