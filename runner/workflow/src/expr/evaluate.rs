//! Evaluation of expressions and templates.

use std::{cmp::Ordering, fmt::Write as _, ops::Range};

use serde_json::Number;

use super::{BinaryOp, Expr, ExprKind, Function, Part, Template, Value};

/// How things went so far, for `success()` and its sisters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Everything that came before succeeded.
    Success,
    /// Something that came before failed.
    Failure,
    /// It was stopped with the run.
    Cancelled,
}

/// Values of names.
pub trait Scope {
    /// The value of a name given as segments (`["params", "lr"]`, `["steps", "fit[seed=0]", "metrics", "auc"]`), or `None`
    /// where it has none.
    fn lookup(&self, path: &[String]) -> Option<serde_json::Value>;

    /// How things went so far.
    fn status(&self) -> Status;

    /// Whether the run was stopped, also where that did not stop what asks: a stage that runs in spite of it.
    fn is_cancelled(&self) -> bool {
        self.status() == Status::Cancelled
    }
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// A name has no value.
    #[error("`{path}` has no value")]
    NoValue {
        /// The name as written.
        path: String,
        /// Bytes in the source text.
        span: Range<usize>,
    },
    /// An operator got operands of types it does not compare.
    #[error("`{operator}` cannot be applied to {left} and {right}")]
    Operands {
        /// Operator as written.
        operator: &'static str,
        /// Type on the left, such as `a number`.
        left: &'static str,
        /// Type on the right.
        right: &'static str,
        /// Bytes in the source text.
        span: Range<usize>,
    },
    /// Something other than a boolean where only a boolean has a meaning.
    #[error("{place} must be true or false, not {found}")]
    NotBoolean {
        /// Where, such as ``an operand of `&&` ``.
        place: String,
        /// Type found.
        found: &'static str,
        /// Bytes in the source text.
        span: Range<usize>,
    },
    /// A function got an argument it cannot use.
    #[error("`{function}` {problem}")]
    Argument {
        /// Name of the function.
        function: &'static str,
        /// What is wrong, as the rest of a sentence.
        problem: String,
        /// Bytes in the source text.
        span: Range<usize>,
    },
}

impl EvalError {
    /// Bytes in the source text that could not be evaluated.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        match self {
            Self::NoValue { span, .. }
            | Self::Operands { span, .. }
            | Self::NotBoolean { span, .. }
            | Self::Argument { span, .. } => span.clone(),
        }
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoValue { .. } => "expr::no-value",
            Self::Operands { .. } => "expr::operands",
            Self::NotBoolean { .. } => "expr::not-boolean",
            Self::Argument { .. } => "expr::argument",
        }
    }
}

impl Expr {
    /// The value in `scope`.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        match &self.kind {
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::Path(path) => match scope.lookup(path) {
                Some(value) => Ok(value.into()),
                None if path.first().is_some_and(|root| root == "event" || root == "git") => Ok(Value::Null),
                None => Err(EvalError::NoValue { path: self.to_string(), span: self.span.clone() }),
            },
            ExprKind::Not(operand) => Ok(Value::Bool(!operand.boolean(scope, "the operand of `!`")?)),
            ExprKind::Binary { op, left, right } => self.evaluate_binary(*op, left, right, scope),
            ExprKind::Call { function, arguments } => self.call(*function, arguments, scope),
        }
    }

    /// The value as a condition; anything but a boolean is an error.
    pub fn condition(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        self.boolean(scope, "a condition")
    }

    fn boolean(&self, scope: &dyn Scope, place: &str) -> Result<bool, EvalError> {
        let value = self.evaluate(scope)?;
        value.as_bool().ok_or_else(|| EvalError::NotBoolean {
            place: place.to_owned(),
            found: value.type_name(),
            span: self.span.clone(),
        })
    }

    fn evaluate_binary(
        &self,
        op: BinaryOp,
        left: &Self,
        right: &Self,
        scope: &dyn Scope,
    ) -> Result<Value, EvalError> {
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            let place = format!("an operand of `{}`", op.symbol());
            let decided = op == BinaryOp::Or;
            let value = left.boolean(scope, &place)?;
            return Ok(Value::Bool(if value == decided { decided } else { right.boolean(scope, &place)? }));
        }
        let (left, right) = (left.evaluate(scope)?, right.evaluate(scope)?);
        let operands = || EvalError::Operands {
            operator: op.symbol(),
            left: left.type_name(),
            right: right.type_name(),
            span: self.span.clone(),
        };
        let result = match op {
            BinaryOp::Equal => equal(&left, &right).ok_or_else(operands)?,
            BinaryOp::NotEqual => !equal(&left, &right).ok_or_else(operands)?,
            _ => {
                let ordering = order(&left, &right).ok_or_else(operands)?;
                match op {
                    BinaryOp::Less => ordering.is_lt(),
                    BinaryOp::LessOrEqual => ordering.is_le(),
                    BinaryOp::Greater => ordering.is_gt(),
                    _ => ordering.is_ge(),
                }
            }
        };
        Ok(Value::Bool(result))
    }

    fn call(&self, function: Function, arguments: &[Self], scope: &dyn Scope) -> Result<Value, EvalError> {
        let values =
            arguments.iter().map(|argument| argument.evaluate(scope)).collect::<Result<Vec<_>, _>>()?;
        let problem = |problem: String| EvalError::Argument {
            function: function.name(),
            problem,
            span: self.span.clone(),
        };
        match (function, values.as_slice()) {
            (Function::Success, _) => Ok(Value::Bool(scope.status() == Status::Success)),
            (Function::Failure, _) => Ok(Value::Bool(scope.status() == Status::Failure)),
            (Function::Cancelled, _) => Ok(Value::Bool(scope.is_cancelled())),
            (Function::Always, _) => Ok(Value::Bool(true)),
            (Function::Contains, [Value::Text(text), Value::Text(part)]) => {
                Ok(Value::Bool(text.contains(part.as_str())))
            }
            (Function::Contains, [Value::List(list), element]) => {
                let found = list.iter().any(|item| equal(&item.clone().into(), element) == Some(true));
                Ok(Value::Bool(found))
            }
            (Function::StartsWith, [Value::Text(text), Value::Text(prefix)]) => {
                Ok(Value::Bool(text.starts_with(prefix.as_str())))
            }
            (Function::EndsWith, [Value::Text(text), Value::Text(suffix)]) => {
                Ok(Value::Bool(text.ends_with(suffix.as_str())))
            }
            (Function::Format, [Value::Text(pattern), values @ ..]) => {
                format_text(pattern, values).map(Value::Text).map_err(problem)
            }
            (_, values) => {
                let types: Vec<_> = values.iter().map(Value::type_name).collect();
                Err(problem(format!("cannot be applied to {}", types.join(" and "))))
            }
        }
    }
}

impl Template {
    /// The text with every expression replaced by its value.
    pub fn render(&self, scope: &dyn Scope) -> Result<String, EvalError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Expr(expr) => text.push_str(&expr.evaluate(scope)?.to_text()),
            }
        }
        Ok(text)
    }

    /// Like [`render`](Self::render), but a template that is one single expression keeps the type of its value.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<serde_json::Value, EvalError> {
        if let [Part::Expr(expr)] = self.parts.as_slice() {
            return expr.evaluate(scope).map(Into::into);
        }
        self.render(scope).map(serde_json::Value::String)
    }
}

/// Whether two values are equal; `None` where their types cannot be compared.
fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, _) | (_, Value::Null) => Some(false),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::Number(left), Value::Number(right)) => Some(order_numbers(left, right)?.is_eq()),
        (Value::Text(left), Value::Text(right)) => Some(left == right),
        (Value::List(left), Value::List(right)) => Some(left == right),
        (Value::Map(left), Value::Map(right)) => Some(left == right),
        _ => None,
    }
}

/// The order of two numbers or two texts.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order_numbers(left, right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Integers are compared exactly, anything else as `f64`.
fn order_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    let integer =
        |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// `{0}` and so on replaced by values; `{{` and `}}` are braces.
fn format_text(pattern: &str, values: &[Value]) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            text.push_str(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let end = tail.find('}').filter(|_| tail.starts_with('{'));
        let Some(end) = end else {
            return Err("has a brace that is not closed; write `{{` or `}}` for a brace".to_owned());
        };
        let index = tail[1..end]
            .parse::<usize>()
            .map_err(|_| format!("has `{}`, which is not a position such as `{{0}}`", &tail[..=end]))?;
        let value = values.get(index).ok_or_else(|| format!("has no argument for `{{{index}}}`"))?;
        let _ = write!(text, "{}", value.to_text());
        rest = &tail[end + 1..];
    }
    text.push_str(rest);
    Ok(text)
}
