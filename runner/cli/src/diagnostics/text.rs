//! Problems as a person reads them: the source line, the offending text underlined, the code and what to do.

use std::fmt::Write as _;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report,
    ThemeCharacters, ThemeStyles,
};
use runner_workflow::{Diagnostic, Severity};

use super::{CheckedFile, tally};
use crate::{
    environment::Look,
    report::{quantity, visible, words::Mood},
};

/// Problems of one file that are shown in full.
const SHOWN: usize = 100;
/// Lines longer than this are not shown as source text.
const LONGEST_LINE: usize = 1000;

/// All problems of all files and a last line that counts them.
pub(crate) fn render(files: &[CheckedFile], look: Look) -> String {
    let mut out = String::new();
    for file in files {
        let source = showable(&file.source);
        let handler = handler(look);
        for diagnostic in file.diagnostics.iter().take(SHOWN) {
            one(&mut out, file, &source, diagnostic, &handler);
        }
        let more = file.diagnostics.len().saturating_sub(SHOWN);
        if more > 0 {
            let _ = writeln!(
                out,
                "and {} in {} (`--format json` lists all)\n",
                quantity::count(more, "more problem"),
                visible::line(&file.shown)
            );
        }
    }
    let (errors, warnings) = tally(files);
    let mood = match (errors, warnings) {
        (0, 0) => Mood::Good,
        (0, _) => Mood::Doubtful,
        _ => Mood::Bad,
    };
    let line = match (errors, warnings) {
        (0, 0) => format!("{}: no problems", quantity::count(files.len(), "file")),
        _ => format!("{}, {}", quantity::count(errors, "error"), quantity::count(warnings, "warning")),
    };
    let _ = writeln!(out, "{}", look.paint(mood, &line));
    out
}

fn handler(look: Look) -> GraphicalReportHandler {
    let theme = GraphicalTheme {
        characters: if look.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() },
        styles: if look.color { ThemeStyles::ansi() } else { ThemeStyles::none() },
    };
    GraphicalReportHandler::new_themed(theme).with_width(look.width).with_links(false).with_context_lines(1)
}

fn one(
    out: &mut String,
    file: &CheckedFile,
    source: &str,
    diagnostic: &Diagnostic,
    handler: &GraphicalReportHandler,
) {
    let mut shown = MietteDiagnostic::new(visible_block(&diagnostic.message))
        .with_code(visible::line(&diagnostic.code))
        .with_severity(match diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        });
    if let Some(help) = &diagnostic.help {
        shown = shown.with_help(visible_block(help));
    }
    let name = visible::line(&file.shown);
    let with_source = has_short_lines(source, diagnostic);
    if with_source {
        let label = diagnostic.label.as_deref().map(visible::line);
        let mut labels = vec![LabeledSpan::new_primary_with_span(label, clamp(&diagnostic.span, source))];
        labels.extend(diagnostic.related.iter().map(|related| {
            LabeledSpan::new_with_span(Some(visible::line(&related.message)), clamp(&related.span, source))
        }));
        shown = shown.with_labels(labels);
    }
    let report = if with_source {
        Report::new(shown).with_source_code(NamedSource::new(&name, source.to_owned()))
    } else {
        Report::new(shown)
    };
    if !with_source {
        let _ = writeln!(out, "{name}:{}:{}", diagnostic.line, diagnostic.column);
    }
    if handler.render_report(out, report.as_ref()).is_err() {
        // The picture could not be drawn; the facts still stand.
        let _ = writeln!(
            out,
            "{name}:{}:{}: {} [{}]",
            diagnostic.line,
            diagnostic.column,
            visible::line(&diagnostic.message),
            visible::line(&diagnostic.code)
        );
    }
    out.push('\n');
}

fn visible_block(text: &str) -> String {
    visible::lines(text, 40).join("\n")
}

fn clamp(span: &std::ops::Range<usize>, source: &str) -> std::ops::Range<usize> {
    let start = span.start.min(source.len());
    start..span.end.clamp(start, source.len())
}

/// Whether the lines around a problem can be shown: a file may be one line of a hundred megabytes.
fn has_short_lines(source: &str, diagnostic: &Diagnostic) -> bool {
    let spans =
        std::iter::once(&diagnostic.span).chain(diagnostic.related.iter().map(|related| &related.span));
    spans.into_iter().all(|span| {
        let span = clamp(span, source);
        let bytes = source.as_bytes();
        let before = &bytes[span.start.saturating_sub(2 * LONGEST_LINE)..span.start];
        let after = &bytes[span.end..(span.end + 2 * LONGEST_LINE).min(bytes.len())];
        let at_start = span.start <= 2 * LONGEST_LINE;
        let at_end = span.end + 2 * LONGEST_LINE >= bytes.len();
        let longest = |part: &[u8]| part.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
        longest(before) <= LONGEST_LINE
            && longest(after) <= LONGEST_LINE
            && span.len() <= LONGEST_LINE
            && (at_start || before.contains(&b'\n'))
            && (at_end || after.contains(&b'\n'))
    })
}

/// The source text with everything that a terminal might obey replaced by as many `?` as it has bytes, so that spans stay right.
fn showable(source: &[u8]) -> String {
    let mut out = String::with_capacity(source.len());
    for chunk in source.utf8_chunks() {
        for character in chunk.valid().chars() {
            if matches!(character, '\n' | '\r' | '\t') || !visible::is_dangerous(character) {
                out.push(character);
            } else {
                out.extend(std::iter::repeat_n('?', character.len_utf8()));
            }
        }
        out.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::samples;

    const LOOK: Look = Look { color: false, unicode: true, terminal: false, width: 80 };

    #[test]
    fn problems_underlined() {
        insta::assert_snapshot!(render(&[samples::file()], LOOK));
    }

    #[test]
    fn problems_underlined_in_ascii() {
        let text = render(&[samples::file()], Look { unicode: false, ..LOOK });
        assert!(text.is_ascii(), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn no_problems() {
        let mut file = samples::file();
        file.diagnostics.clear();
        assert_eq!(render(&[file], LOOK), "1 file: no problems\n");
    }

    #[test]
    fn a_line_without_end_is_not_shown() {
        let mut file = samples::file();
        file.source = vec![b'a'; 1 << 20];
        file.diagnostics[0].span = 5000..5004;
        let text = render(&[file], LOOK);
        assert!(text.len() < 2000 && text.contains("w,f%:1.yml:4:5"), "{text}");
    }

    #[test]
    fn spans_beyond_the_text_are_no_reason_to_fail() {
        let mut file = samples::file();
        file.source = b"x\xff".to_vec();
        file.diagnostics[0].span = 1..99;
        file.diagnostics[1].span = 70..99;
        assert!(render(&[file], LOOK).contains("unknown key"));
    }

    #[test]
    fn source_text_cannot_command_the_terminal() {
        assert_eq!(showable(b"a: \x1b[31m\xff\xfe\nb"), "a: ?[31m??\nb");
        assert_eq!(showable("x\u{202e}y".as_bytes()), "x???y");
    }
}
