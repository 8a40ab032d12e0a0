//! The tree of an expression, how it is printed, and text that holds expressions.

use std::{fmt, ops::Range};

use serde::Serialize;

use super::Value;

/// An expression with the bytes of the source text it was read from.
#[derive(Debug, Clone, Serialize)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Bytes in the source text of the workflow.
    pub span: Range<usize>,
}

/// Two expressions are equal if they mean the same, wherever they stand.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// Kinds of expression.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExprKind {
    /// `null`, `true`, `1.5`, `'text'`; never a list or a mapping.
    Literal(Value),
    /// `params.lr`, `steps['fit[seed=0]'].metrics.auc`, as segments.
    Path(Vec<String>),
    /// `!operand`.
    Not(Box<Expr>),
    /// `left op right`.
    Binary {
        /// Operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `function(arguments)`.
    Call {
        /// Function.
        function: Function,
        /// Its arguments; their number was checked.
        arguments: Vec<Expr>,
    },
}

/// Operators between two operands, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl BinaryOp {
    /// As written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// How tightly it binds: a larger number binds tighter.
    pub(super) fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal | Self::NotEqual => 3,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 4,
        }
    }
}

/// The functions there are. Names follow GitHub Actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Function {
    /// `contains(text, part)` or `contains(list, element)`.
    Contains,
    /// `startsWith(text, prefix)`.
    StartsWith,
    /// `endsWith(text, suffix)`.
    EndsWith,
    /// `format('{0} of {1}', a, b)`; `{{` and `}}` are braces.
    Format,
    /// `success()`: everything this waits for succeeded.
    Success,
    /// `failure()`: something this waits for failed.
    Failure,
    /// `always()`: true, also after failure and cancellation.
    Always,
    /// `cancelled()`: the run was stopped.
    Cancelled,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Format,
        Self::Success,
        Self::Failure,
        Self::Always,
        Self::Cancelled,
    ];

    /// As written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Format => "format",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Always => "always",
            Self::Cancelled => "cancelled",
        }
    }

    /// Fewest and most arguments.
    #[must_use]
    pub fn arity(self) -> (usize, usize) {
        match self {
            Self::Contains | Self::StartsWith | Self::EndsWith => (2, 2),
            Self::Format => (1, 100),
            Self::Success | Self::Failure | Self::Always | Self::Cancelled => (0, 0),
        }
    }

    /// Whether it asks how things went, rather than for a value.
    #[must_use]
    pub fn is_status(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Always | Self::Cancelled)
    }
}

impl Expr {
    /// Visit this expression and everything below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Path(_) => {}
            ExprKind::Not(operand) => operand.walk(visit),
            ExprKind::Binary { left, right, .. } => {
                left.walk(visit);
                right.walk(visit);
            }
            ExprKind::Call { arguments, .. } => {
                for argument in arguments {
                    argument.walk(visit);
                }
            }
        }
    }

    /// Whether it calls `success()`, `failure()`, `always()` or `cancelled()`. An `if:` that does not is meant as
    /// `success() && (…)`, as in GitHub Actions.
    #[must_use]
    pub fn asks_for_status(&self) -> bool {
        let mut asks = false;
        self.walk(&mut |expr| {
            asks |= matches!(&expr.kind, ExprKind::Call { function, .. } if function.is_status());
        });
        asks
    }

    /// All names it uses, as segments.
    #[must_use]
    pub fn paths(&self) -> Vec<&[String]> {
        let mut paths = Vec::new();
        self.walk(&mut |expr| {
            if let ExprKind::Path(path) = &expr.kind {
                paths.push(path.as_slice());
            }
        });
        paths
    }

    fn precedence(&self) -> u8 {
        match &self.kind {
            ExprKind::Binary { op, .. } => op.precedence(),
            ExprKind::Not(_) => 5,
            ExprKind::Literal(_) | ExprKind::Path(_) | ExprKind::Call { .. } => 6,
        }
    }

    fn print(&self, f: &mut fmt::Formatter<'_>, weakest: u8) -> fmt::Result {
        if self.precedence() < weakest { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

/// The canonical form: single quotes, one space around operators, only the brackets it needs.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Literal(Value::Null) => f.write_str("null"),
            ExprKind::Literal(Value::Text(text)) => write_text(f, text),
            ExprKind::Literal(value) => f.write_str(&value.to_text()),
            ExprKind::Path(path) => write_path(f, path),
            ExprKind::Not(operand) => {
                f.write_str("!")?;
                operand.print(f, 5)
            }
            ExprKind::Binary { op, left, right } => {
                // Comparisons of one precedence do not chain; `&&` and `||` group to the left.
                let joins = matches!(op, BinaryOp::And | BinaryOp::Or);
                left.print(f, op.precedence() + u8::from(!joins))?;
                write!(f, " {} ", op.symbol())?;
                right.print(f, op.precedence() + 1)
            }
            ExprKind::Call { function, arguments } => {
                write!(f, "{}(", function.name())?;
                for (i, argument) in arguments.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{argument}")?;
                }
                f.write_str(")")
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "'{}'", text.replace('\'', "''"))
}

fn write_path(f: &mut fmt::Formatter<'_>, path: &[String]) -> fmt::Result {
    for (i, segment) in path.iter().enumerate() {
        if i == 0 {
            f.write_str(segment)?;
        } else if is_name(segment) {
            write!(f, ".{segment}")?;
        } else if is_position(segment) {
            write!(f, "[{segment}]")?;
        } else {
            f.write_str("[")?;
            write_text(f, segment)?;
            f.write_str("]")?;
        }
    }
    Ok(())
}

/// Whether `text` is what a number in brackets is read as. A position that is too large, or has a leading zero, was
/// written in quotes.
fn is_position(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|position| position.to_string() == text)
}

/// Whether `text` can stand after a dot: a letter or `_`, then letters, digits, `_` and `-`.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Text with expressions in it: `s3://bucket/${{ params.region }}/x`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Template {
    /// Pieces in order. Empty for the empty text; never two texts side by side.
    pub parts: Vec<Part>,
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// `${{ … }}`.
    Expr(Expr),
}

impl Template {
    /// A template without expressions.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { parts: if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] } }
    }

    /// Its expressions.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| if let Part::Expr(expr) = part { Some(expr) } else { None })
    }

    /// The text, if there is no expression in it.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// As it could be written again.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                // The two characters that open an expression can only be written inside one.
                Part::Text(text) => f.write_str(&text.replace("${{", "${{ '${{' }}"))?,
                Part::Expr(expr) => write!(f, "${{{{ {expr} }}}}")?,
            }
        }
        Ok(())
    }
}
