//! Mistakes of type that can be seen before the run: `params.lr == '0.1'` where `lr` is a number, `'a' && true`.

use std::ops::Range;

use super::{BinaryOp, Expr, ExprKind, Function, Names, Value};
use crate::{diagnostic::Diagnostic, suggest};

/// What `steps.ID.outcome` can be.
pub const OUTCOMES: &[&str] = &[
    "succeeded",
    "failed",
    "trapped",
    "timed-out",
    "out-of-memory",
    "limit-exceeded",
    "denied",
    "cancelled",
    "skipped",
    "error",
];

/// What is known of a value before the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    Bool,
    Number,
    Text,
    List,
    Map,
    Unknown,
}

impl Type {
    fn of(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(_) => Self::Bool,
            serde_json::Value::Number(_) => Self::Number,
            serde_json::Value::String(_) => Self::Text,
            serde_json::Value::Array(_) => Self::List,
            serde_json::Value::Object(_) => Self::Map,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "a mapping",
            Self::Unknown => "unknown",
        }
    }

    fn may_be(self, wanted: Self) -> bool {
        self == wanted || self == Self::Unknown
    }
}

impl Names<'_> {
    /// Report mistakes of type. A condition must be a boolean too.
    pub(crate) fn check_types(&self, expr: &Expr, condition: bool, report: &mut dyn FnMut(Diagnostic)) {
        let found = self.type_of(expr, report);
        if condition && !found.may_be(Type::Bool) {
            report(not_boolean("a condition", found, &expr.span));
        }
    }

    fn type_of(&self, expr: &Expr, report: &mut dyn FnMut(Diagnostic)) -> Type {
        match &expr.kind {
            ExprKind::Literal(value) => Type::of(&value.clone().into()),
            ExprKind::Path(path) => self.type_of_path(path),
            ExprKind::Not(operand) => {
                let found = self.type_of(operand, report);
                if !found.may_be(Type::Bool) {
                    report(not_boolean("the operand of `!`", found, &operand.span));
                }
                Type::Bool
            }
            ExprKind::Binary { op, left, right } => {
                let types = (self.type_of(left, report), self.type_of(right, report));
                match op {
                    BinaryOp::And | BinaryOp::Or => {
                        let place = format!("an operand of `{}`", op.symbol());
                        for (found, operand) in [(types.0, left), (types.1, right)] {
                            if !found.may_be(Type::Bool) {
                                report(not_boolean(&place, found, &operand.span));
                            }
                        }
                    }
                    BinaryOp::Equal | BinaryOp::NotEqual => {
                        check_outcome(left, right, report);
                        check_outcome(right, left, report);
                        let open = |found| matches!(found, Type::Unknown | Type::Null);
                        if types.0 != types.1 && !open(types.0) && !open(types.1) {
                            report(operands(*op, types, &expr.span));
                        }
                    }
                    _ => {
                        let ordered =
                            |found: Type| matches!(found, Type::Number | Type::Text | Type::Unknown);
                        let same = types.0 == types.1 || types.0 == Type::Unknown || types.1 == Type::Unknown;
                        if !ordered(types.0) || !ordered(types.1) || !same {
                            report(operands(*op, types, &expr.span));
                        }
                    }
                }
                Type::Bool
            }
            ExprKind::Call { function, arguments } => {
                let types: Vec<_> = arguments.iter().map(|argument| self.type_of(argument, report)).collect();
                let fits = match function {
                    Function::Contains => {
                        types[0].may_be(Type::List) || types[0] == Type::Text && types[1].may_be(Type::Text)
                    }
                    Function::StartsWith | Function::EndsWith => {
                        types.iter().all(|found| found.may_be(Type::Text))
                    }
                    Function::Format => types[0].may_be(Type::Text),
                    Function::Success | Function::Failure | Function::Always | Function::Cancelled => true,
                };
                if !fits {
                    let words: Vec<_> = types.iter().map(|found| found.words()).collect();
                    let message =
                        format!("`{}` cannot be applied to {}", function.name(), words.join(" and "));
                    report(Diagnostic::error("expr::argument", expr.span.clone(), message));
                }
                if *function == Function::Format { Type::Text } else { Type::Bool }
            }
        }
    }

    fn type_of_path(&self, path: &[String]) -> Type {
        let segments: Vec<_> = path.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["params", first, rest @ ..] => {
                let value = self.params.get(*first).and_then(|start| {
                    rest.iter().try_fold(start, |value, segment| match value {
                        serde_json::Value::Object(map) => map.get(*segment),
                        serde_json::Value::Array(list) => list.get(segment.parse::<usize>().ok()?),
                        _ => None,
                    })
                });
                value.map_or(Type::Unknown, Type::of)
            }
            ["env", _]
            | ["event", "name"]
            | ["git", "branch" | "commit" | "tag"]
            | ["steps", _, "outcome"]
            | ["steps", _, "outputs", _] => Type::Text,
            ["git", "dirty"] => Type::Bool,
            ["steps", _, "metrics", _] => Type::Number,
            _ => Type::Unknown,
        }
    }
}

/// `steps.ID.outcome == 'success'` can never be true: the word is `succeeded`.
fn check_outcome(path: &Expr, word: &Expr, report: &mut dyn FnMut(Diagnostic)) {
    if let (ExprKind::Path(path), ExprKind::Literal(Value::Text(text))) = (&path.kind, &word.kind)
        && path.len() == 3
        && path[0] == "steps"
        && path[2] == "outcome"
        && !OUTCOMES.contains(&text.as_str())
    {
        let help = match text.as_str() {
            "success" | "passed" | "ok" => Some("did you mean `succeeded`?".to_owned()),
            "failure" => Some("did you mean `failed`?".to_owned()),
            _ => suggest::help(text, OUTCOMES.iter().copied()),
        };
        report(
            Diagnostic::error(
                "expr::outcome",
                word.span.clone(),
                format!("`{text}` is not an outcome of a step"),
            )
            .maybe_help(help),
        );
    }
}

fn operands(op: BinaryOp, (left, right): (Type, Type), span: &Range<usize>) -> Diagnostic {
    let message = format!("`{}` cannot be applied to {} and {}", op.symbol(), left.words(), right.words());
    let help = match (left, right) {
        (Type::Number, Type::Text) | (Type::Text, Type::Number) => "a number is written without quotes",
        _ => "compare values of the same type",
    };
    Diagnostic::error("expr::operands", span.clone(), message).help(help)
}

fn not_boolean(place: &str, found: Type, span: &Range<usize>) -> Diagnostic {
    let message = format!("{place} must be true or false, not {}", found.words());
    Diagnostic::error("expr::not-boolean", span.clone(), message).help("compare it with something: `… == …`")
}
