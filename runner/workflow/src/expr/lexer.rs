//! Text of an expression to tokens.

use std::ops::Range;

use serde_json::Number;

use super::{BinaryOp, parser::SyntaxError};

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Number(Number),
    Text(String),
    Operator(BinaryOp),
    Not,
    Dot,
    Comma,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
}

impl Token {
    /// For messages: "expected …, found …".
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Number(number) => format!("the number {number}"),
            Self::Text(_) => "a text".to_owned(),
            Self::Operator(op) => format!("`{}`", op.symbol()),
            Self::Not => "`!`".to_owned(),
            Self::Dot => "`.`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::OpenParen => "`(`".to_owned(),
            Self::CloseParen => "`)`".to_owned(),
            Self::OpenBracket => "`[`".to_owned(),
            Self::CloseBracket => "`]`".to_owned(),
        }
    }
}

/// All tokens of a text with their bytes.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        if character.is_whitespace() {
            at += character.len_utf8();
            continue;
        }
        let (token, length) = token(text, at, character)?;
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

fn token(text: &str, at: usize, first: char) -> Result<(Token, usize), SyntaxError> {
    let rest = &text[at..];
    let two = |op| Ok((Token::Operator(op), 2));
    let one = |token| Ok((token, 1));
    match first {
        '&' if rest.starts_with("&&") => two(BinaryOp::And),
        '|' if rest.starts_with("||") => two(BinaryOp::Or),
        '=' if rest.starts_with("==") => two(BinaryOp::Equal),
        '!' if rest.starts_with("!=") => two(BinaryOp::NotEqual),
        '<' if rest.starts_with("<=") => two(BinaryOp::LessOrEqual),
        '>' if rest.starts_with(">=") => two(BinaryOp::GreaterOrEqual),
        '<' => one(Token::Operator(BinaryOp::Less)),
        '>' => one(Token::Operator(BinaryOp::Greater)),
        '!' => one(Token::Not),
        '.' => one(Token::Dot),
        ',' => one(Token::Comma),
        '(' => one(Token::OpenParen),
        ')' => one(Token::CloseParen),
        '[' => one(Token::OpenBracket),
        ']' => one(Token::CloseBracket),
        '\'' | '"' => quoted(rest, at, first),
        '0'..='9' | '-' => number(rest, at),
        'a'..='z' | 'A'..='Z' | '_' => {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
                .unwrap_or(rest.len());
            Ok((Token::Name(rest[..end].to_owned()), end))
        }
        _ => {
            let help = match first {
                '=' => Some("write `==` to compare"),
                '&' => Some("write `&&` for \"and\""),
                '|' => Some("write `||` for \"or\""),
                '+' | '*' | '/' | '%' => Some("expressions do not calculate; do that in the step"),
                '?' | ':' => Some("there is no conditional expression; use `if:` on the step"),
                '$' | '{' | '}' => Some("`${{ }}` does not nest"),
                _ => None,
            };
            Err(SyntaxError {
                range: at..at + first.len_utf8(),
                code: "expr::character",
                message: format!("`{first}` has no place in an expression"),
                help: help.map(str::to_owned),
            })
        }
    }
}

/// `'it''s'` or `"it""s"`: the quote is doubled to stand inside, as in GitHub Actions.
fn quoted(rest: &str, at: usize, quote: char) -> Result<(Token, usize), SyntaxError> {
    let mut value = String::new();
    let mut from = 1;
    while let Some(length) = rest[from..].find(quote) {
        value.push_str(&rest[from..from + length]);
        from += length + 1;
        if !rest[from..].starts_with(quote) {
            return Ok((Token::Text(value), from));
        }
        value.push(quote);
        from += 1;
    }
    Err(SyntaxError {
        range: at..at + rest.len(),
        code: "expr::unclosed-text",
        message: format!("the text opened by {quote} is never closed"),
        help: Some(format!("close it with {quote}; to write {quote} inside a text, double it")),
    })
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), SyntaxError> {
    let bytes = rest.as_bytes();
    let mut end = usize::from(bytes[0] == b'-');
    while let Some(byte) = bytes.get(end) {
        let exponent_sign = matches!(byte, b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E') && end > 1;
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || exponent_sign) {
            break;
        }
        end += 1;
    }
    let text = &rest[..end];
    let digit_first = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let value = text
        .parse::<i64>()
        .map(Number::from)
        .or_else(|_| text.parse::<u64>().map(Number::from))
        .ok()
        .or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64));
    match value {
        Some(value) if digit_first => Ok((Token::Number(value), end)),
        _ => Err(SyntaxError {
            range: at..at + end.max(1),
            code: "expr::number",
            message: format!("`{text}` is not a number"),
            help: Some("text stands in quotes; expressions do not calculate".to_owned()),
        }),
    }
}
