//! A position in the text of a gate, and the words and quotes that start there.

use std::{collections::BTreeMap, ops::Range};

use super::{
    SyntaxError,
    words::{continues_metric, in_value, starts_metric},
};

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// What is left of the text.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Declared units of metrics, where bounds are held against what a metric can be.
    pub(super) units: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Parser<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn skip_space(&mut self) -> usize {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at
    }

    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !wanted(character)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(super) fn peek_word(&self) -> &'a str {
        let rest = self.rest();
        if !rest.starts_with(starts_metric) {
            return "";
        }
        &rest[..rest.find(|character| !continues_metric(character)).unwrap_or(rest.len())]
    }

    pub(super) fn take_word(&mut self) -> &'a str {
        let word = self.peek_word();
        self.at += word.len();
        word
    }

    pub(super) fn peek_range(&self) -> Range<usize> {
        let rest = self.rest();
        let word =
            rest.find(|character: char| !in_value(character) || character == ':').unwrap_or(rest.len());
        let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
        self.at..self.at + length
    }

    pub(super) fn error(
        range: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> SyntaxError {
        SyntaxError { range, code, message: message.into(), help }
    }

    pub(super) fn expected(&mut self, what: &str, help: Option<String>) -> SyntaxError {
        self.skip_space();
        let range = self.peek_range();
        let message = match &self.text[range.clone()] {
            "" => format!("expected {what}, but the gate ends here"),
            found => format!("expected {what}, found `{found}`"),
        };
        Self::error(range, "gate::syntax", message, help)
    }

    pub(super) fn end(&mut self, place: &str) -> Parsed<()> {
        self.skip_space();
        if self.at_end() {
            return Ok(());
        }
        let range = self.at..self.text.trim_end().len();
        let message = format!("unexpected `{}` {place}", &self.text[range.clone()]);
        Err(Self::error(range, "gate::syntax", message, None))
    }

    pub(super) fn value(&mut self, what: &str) -> Parsed<String> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let value = self.take_while(in_value);
        if value.is_empty() { Err(self.expected(what, None)) } else { Ok(value.to_owned()) }
    }

    pub(super) fn quoted(&mut self) -> Parsed<String> {
        let start = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(text);
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    other => {
                        let end = other.map_or(self.text.len(), |(at, c)| start + at + c.len_utf8());
                        let help = Some("in quotes, only `\\\"` and `\\\\` are escaped".to_owned());
                        return Err(Self::error(start + at..end, "gate::escape", "unknown escape", help));
                    }
                },
                other => text.push(other),
            }
        }
        Err(Self::error(start..self.text.len(), "gate::open-quote", "the quotes are not closed", None))
    }
}
