//! Problems as GitHub annotations, one workflow command per line.
//! Format: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message>.

use runner_github::actions::command::{self, Level};
use runner_workflow::Severity;

use super::{CheckedFile, Place, end_of};

/// The commands, in the order of the problems.
pub(crate) fn render(files: &[CheckedFile]) -> String {
    let mut out = String::new();
    for file in files {
        for diagnostic in &file.diagnostics {
            let level = match diagnostic.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
            };
            let start = Place { line: diagnostic.line, column: diagnostic.column };
            let end = end_of(&file.source, &diagnostic.span, start);
            let place = command::Place {
                file: Some(file.in_workspace.clone()),
                line: Some(start.line),
                ..command::Place::default()
            };
            let place = if end.line == start.line {
                // GitHub's end column is the last one marked, ours the one after it.
                let last = end.column.saturating_sub(1).max(start.column);
                command::Place { column: Some(start.column), end_column: Some(last), ..place }
            } else {
                command::Place { end_line: Some(end.line), ..place }
            };
            let help = diagnostic.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
            let message = format!("{}{help}", diagnostic.message);
            out.push_str(&command::annotation(level, &place, &diagnostic.code, &message));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::samples;

    #[test]
    fn annotations() {
        insta::assert_snapshot!(render(&[samples::file()]), @r"
        ::error file=dir one/w%2Cf%25%3A1.yml,line=4,col=5,endColumn=8,title=workflow%3A%3Aunknown-key::unknown key `step`%0Ahelp: did you mean `steps`?
        ::warning file=dir one/w%2Cf%25%3A1.yml,line=1,col=1,endColumn=10,title=workflow%3A%3Ano-gates::50%25 of stages:%0D%0Ahave no gates
        ");
    }

    /// However a file or a message is called, it makes exactly one command, and what GitHub reads back is what was meant.
    #[test]
    fn hostile_names_stay_inside_their_place() {
        let hostile = [
            "a::error::b",
            "a,line=9",
            "x\n::set-output name=a::b",
            "\r\n::stop-commands::t",
            "100%",
            "%0A::error::",
            "%25",
            "żółć,漢字:🎉",
            "::",
            ",,,",
            "",
        ];
        for name in hostile {
            let mut file = samples::file();
            file.in_workspace = name.into();
            file.diagnostics.truncate(1);
            file.diagnostics[0].message = name.into();
            file.diagnostics[0].help = None;
            let text = render(&[file]);
            assert_eq!(text.matches('\n').count(), 1, "{text:?}");
            assert!(!text.contains('\r'), "{text:?}");
            let command = text.strip_prefix("::error ").expect("a command").trim_end_matches('\n');
            let (properties, message) = command.split_once("::").expect("a message");
            assert_eq!(unescape(message), name);
            let file =
                properties.split(',').next().and_then(|first| first.strip_prefix("file=")).expect("a file");
            assert_eq!(unescape(file), name);
        }
    }

    /// As the runner of GitHub Actions reads it back (`ActionCommand.cs`): `%25` last.
    fn unescape(text: &str) -> String {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    }
}
