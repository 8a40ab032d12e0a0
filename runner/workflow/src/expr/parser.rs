//! Tokens to a tree: precedence climbing with bounds on depth and size.

use std::ops::Range;

use super::{BinaryOp, Expr, ExprKind, Function, Value, lexer, lexer::Token};
use crate::suggest;

/// Deepest nesting of brackets, calls and `!`.
const MAX_DEPTH: usize = 50;
/// Most nodes of one expression. Bounds the depth of long chains too, which lean to the left.
const MAX_NODES: usize = 500;

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Bytes of the text that are wrong.
    pub range: Range<usize>,
    /// Stable code, such as `expr::unclosed-text`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Where the text of an expression stands in the source.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// It is there byte for byte, from this offset.
    At(usize),
    /// It was changed by escapes or folding; only the whole scalar can be pointed at.
    Within(Range<usize>),
}

impl Place {
    /// The bytes of the source for bytes of the text.
    pub(crate) fn span(&self, range: &Range<usize>) -> Range<usize> {
        match self {
            Self::At(offset) => range.start + offset..range.end + offset,
            Self::Within(span) => span.clone(),
        }
    }
}

impl std::str::FromStr for Expr {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        parse(text, &Place::At(0))
    }
}

/// Read an expression. Ranges of errors are bytes of `text`; spans of the tree are bytes of the source.
pub(crate) fn parse(text: &str, place: &Place) -> Result<Expr, SyntaxError> {
    let tokens = lexer::tokens(text)?;
    if tokens.is_empty() {
        return Err(SyntaxError {
            range: 0..text.len(),
            code: "expr::empty",
            message: "there is no expression here".to_owned(),
            help: Some("write one, such as `params.lr`".to_owned()),
        });
    }
    let mut parser = Parser { tokens, at: 0, end: text.len(), nodes: 0, place };
    let expr = parser.expression(0, 0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expr),
        Some((token, range)) => Err(parser.trailing(token, range)),
    }
}

struct Parser<'p> {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    end: usize,
    nodes: usize,
    place: &'p Place,
}

impl Parser<'_> {
    fn expression(&mut self, weakest: u8, depth: usize) -> Result<Expr, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(
                self.error("expr::too-deep", format!("brackets are nested more than {MAX_DEPTH} deep"))
            );
        }
        let start = self.here().start;
        let mut left = self.operand(depth)?;
        let mut compared = None;
        while let Some(&Token::Operator(op)) = self.peek() {
            let precedence = op.precedence();
            if precedence < weakest {
                break;
            }
            let comparison = !matches!(op, BinaryOp::And | BinaryOp::Or);
            if comparison && compared == Some(precedence) {
                let mut error = self.error("expr::chained", "comparisons cannot be chained".to_owned());
                error.help = Some("join two comparisons with `&&`".to_owned());
                return Err(error);
            }
            compared = Some(precedence);
            self.at += 1;
            let right = self.expression(precedence + 1, depth + 1)?;
            let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
            left = self.node(kind, start)?;
        }
        Ok(left)
    }

    fn operand(&mut self, depth: usize) -> Result<Expr, SyntaxError> {
        let start = self.here().start;
        let Some(token) = self.peek().cloned() else {
            return Err(
                self.error("expr::incomplete", "the expression ends where a value is expected".to_owned())
            );
        };
        self.at += 1;
        match token {
            Token::Not => {
                if depth >= MAX_DEPTH {
                    return Err(
                        self.error("expr::too-deep", format!("`!` is nested more than {MAX_DEPTH} deep"))
                    );
                }
                let operand = self.operand(depth + 1)?;
                self.node(ExprKind::Not(Box::new(operand)), start)
            }
            Token::OpenParen => {
                let inner = self.expression(0, depth + 1)?;
                self.expect(&Token::CloseParen)?;
                Ok(inner)
            }
            Token::Number(number) => self.node(ExprKind::Literal(Value::Number(number)), start),
            Token::Text(text) => self.node(ExprKind::Literal(Value::Text(text)), start),
            Token::Name(name) => {
                let literal = match name.as_str() {
                    "true" => Some(Value::Bool(true)),
                    "false" => Some(Value::Bool(false)),
                    "null" => Some(Value::Null),
                    _ => None,
                };
                if let Some(literal) = literal {
                    return self.node(ExprKind::Literal(literal), start);
                }
                if self.peek() == Some(&Token::OpenParen) {
                    self.call(&name, depth)
                } else {
                    self.path(name, start)
                }
            }
            token => {
                self.at -= 1;
                Err(self.error("expr::syntax", format!("expected a value, found {}", token.describe())))
            }
        }
    }

    fn path(&mut self, name: String, start: usize) -> Result<Expr, SyntaxError> {
        let mut path = vec![name];
        loop {
            match self.peek() {
                Some(Token::Dot) => {
                    self.at += 1;
                    let Some(Token::Name(name)) = self.peek().cloned() else {
                        let mut error = self.error("expr::syntax", "expected a name after `.`".to_owned());
                        error.help =
                            Some("a name that is not plain stands in brackets: `matrix['3d']`".to_owned());
                        return Err(error);
                    };
                    self.at += 1;
                    path.push(name);
                }
                Some(Token::OpenBracket) => {
                    self.at += 1;
                    let segment = match self.peek().cloned() {
                        Some(Token::Text(text)) => text,
                        Some(Token::Number(number)) if number.is_u64() => number.to_string(),
                        _ => {
                            let message = "expected a text or a position in brackets".to_owned();
                            let mut error = self.error("expr::syntax", message);
                            error.help = Some("quote it: `steps['fit[seed=0]']`".to_owned());
                            return Err(error);
                        }
                    };
                    self.at += 1;
                    self.expect(&Token::CloseBracket)?;
                    path.push(segment);
                }
                _ => return self.node(ExprKind::Path(path), start),
            }
        }
    }

    fn call(&mut self, name: &str, depth: usize) -> Result<Expr, SyntaxError> {
        let name_range = self.tokens[self.at - 1].1.clone();
        let names = Function::ALL.iter().map(|function| function.name());
        let Some(function) = Function::ALL.into_iter().find(|function| function.name() == name) else {
            return Err(SyntaxError {
                range: name_range,
                code: "expr::unknown-function",
                message: format!("there is no function `{name}`"),
                help: suggest::help(name, names),
            });
        };
        self.at += 1;
        let mut arguments = Vec::new();
        while self.peek() != Some(&Token::CloseParen) {
            if !arguments.is_empty() {
                self.expect(&Token::Comma)?;
            }
            arguments.push(self.expression(0, depth + 1)?);
        }
        self.expect(&Token::CloseParen)?;
        let (fewest, most) = function.arity();
        if arguments.len() < fewest || arguments.len() > most {
            let wanted = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
            return Err(SyntaxError {
                range: name_range.start..self.tokens[self.at - 1].1.end,
                code: "expr::arguments",
                message: format!("`{name}` takes {wanted} arguments, not {}", arguments.len()),
                help: None,
            });
        }
        self.node(ExprKind::Call { function, arguments }, name_range.start)
    }

    fn node(&mut self, kind: ExprKind, start: usize) -> Result<Expr, SyntaxError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(SyntaxError {
                range: 0..self.end,
                code: "expr::too-long",
                message: format!("the expression has more than {MAX_NODES} parts"),
                help: Some("decide in a step, and use its output".to_owned()),
            });
        }
        let end = self.tokens[self.at - 1].1.end;
        Ok(Expr { kind, span: self.place.span(&(start..end)) })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn here(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |(_, range)| range.clone())
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), SyntaxError> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        let found = self.peek().map_or_else(|| "the end".to_owned(), Token::describe);
        Err(self.error("expr::syntax", format!("expected {}, found {found}", wanted.describe())))
    }

    fn error(&self, code: &'static str, message: String) -> SyntaxError {
        let mut range = self.here();
        if range.is_empty() {
            // At the end, point to what came last.
            range = self.tokens.last().map_or(range, |(_, range)| range.clone());
        }
        SyntaxError { range, code, message, help: None }
    }

    fn trailing(&self, token: &Token, range: &Range<usize>) -> SyntaxError {
        let help = match token {
            Token::Name(name) if name.eq_ignore_ascii_case("and") => Some("write `&&` for \"and\""),
            Token::Name(name) if name.eq_ignore_ascii_case("or") => Some("write `||` for \"or\""),
            Token::Name(name) if name.eq_ignore_ascii_case("in") => Some("write `contains(list, element)`"),
            _ if matches!(&self.tokens[self.at - 1].0, Token::Name(name) if name == "not") => {
                Some("write `!` for \"not\"")
            }
            _ => None,
        };
        SyntaxError {
            range: range.clone(),
            code: "expr::syntax",
            message: format!("expected an operator or the end, found {}", token.describe()),
            help: help.map(str::to_owned),
        }
    }
}
