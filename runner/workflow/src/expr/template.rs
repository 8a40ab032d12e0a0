//! Text with `${{ … }}` in it.

use std::ops::Range;

use super::{
    Part, Template,
    parser::{self, Place, SyntaxError},
};

/// What opens an expression inside text.
pub(crate) const OPEN: &str = "${{";
/// What closes it.
const CLOSE: &str = "}}";

impl std::str::FromStr for Template {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut errors = Vec::new();
        let template = parse(text, &mut |range| Place::At(range.start), &mut |error, _| errors.push(error));
        errors.into_iter().next().map_or(Ok(template), Err)
    }
}

/// Split text into its parts. `place` says where bytes of the text stand in the source. An expression that cannot be
/// read is reported, with ranges in bytes of `text`, and left out.
pub(crate) fn parse(
    text: &str,
    place: &mut dyn FnMut(Range<usize>) -> Place,
    report: &mut dyn FnMut(SyntaxError, Range<usize>),
) -> Template {
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find(OPEN) {
        let open = from + found;
        if open > from {
            parts.push(Part::Text(text[from..open].to_owned()));
        }
        let inside = open + OPEN.len();
        let Some(length) = closing(&text[inside..]) else {
            let range = open..text.len();
            let span = place(open..inside).span(&(0..OPEN.len()));
            let error = SyntaxError {
                range,
                code: "expr::unclosed",
                message: "this `${{` is never closed".to_owned(),
                help: Some("close it with `}}`; to write it as text: `${{ '${{' }}`".to_owned()),
            };
            report(error, span);
            return Template { parts };
        };
        let inner = inside..inside + length;
        let here = match place(open..inner.end + CLOSE.len()) {
            Place::At(offset) => Place::At(offset + OPEN.len()),
            within @ Place::Within(_) => within,
        };
        match parser::parse(&text[inner.clone()], &here) {
            Ok(expr) => parts.push(Part::Expr(expr)),
            Err(error) => {
                let span = here.span(&error.range);
                let range = error.range.start + inside..error.range.end + inside;
                report(SyntaxError { range, ..error }, span);
            }
        }
        from = inner.end + CLOSE.len();
    }
    if from < text.len() {
        parts.push(Part::Text(text[from..].to_owned()));
    }
    Template { parts }
}

/// Bytes before the `}}` that closes an expression. Braces inside its texts do not count; if that finds nothing, a quote
/// was forgotten, and the first `}}` serves to report that.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None, b'}') if text[at..].starts_with(CLOSE) => return Some(at),
            _ => {}
        }
    }
    text.find(CLOSE)
}
