//! Expressions: `${{ params.lr }}`, `if: event.name == 'push'`.
//!
//! A small, total language: literals, names, comparisons, `&& || !` and a fixed list of functions. There are no loops,
//! no variables and no evaluation of text. Its semantics avoid coercions that surprise:
//!
//! * `==` and `!=` compare values of the same type; `null` may be compared with everything. Comparing a number with a
//!   text is an error, not `false`.
//! * `<`, `<=`, `>`, `>=` compare two numbers, or two texts by code point.
//! * `&&`, `||` and `!` take booleans only; the right side is not looked at when the left side decides.
//! * A name below `event` or `git` that is not there is `null`, since payloads differ. Any other name without a value is
//!   an error.
//! * In text, `null` is rendered as nothing, lists and mappings as JSON.

mod ast;
mod evaluate;
mod lexer;
mod names;
mod parser;
mod template;
mod types;
mod value;

pub(crate) use ast::is_name;
pub use ast::{BinaryOp, Expr, ExprKind, Function, Part, Template};
pub use evaluate::{EvalError, Scope, Status};
pub use names::GIT_NAMES;
pub(crate) use names::{IN_ENV, IN_STAGE, IN_STEP, Names, STATIC, StepUse};
pub use parser::SyntaxError;
pub(crate) use parser::{Place, parse};
pub(crate) use template::{OPEN, parse as parse_template};
pub use types::OUTCOMES;
pub use value::Value;
