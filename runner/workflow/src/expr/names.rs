//! Names of expressions, checked before anything runs.

use std::ops::Range;

use indexmap::IndexMap;

use super::{Expr, ExprKind};
use crate::{diagnostic::Diagnostic, suggest};

/// Names below `git`.
pub const GIT_NAMES: &[&str] = &["branch", "commit", "tag", "dirty"];

/// What follows `steps.ID`.
const STEP_PARTS: &[&str] = &["outputs", "metrics", "outcome"];

/// Roots of names that are known before the run.
pub(crate) const STATIC: &[&str] = &["params", "matrix"];
/// Roots in `env:`, which cannot refer to itself.
pub(crate) const IN_ENV: &[&str] = &["params", "matrix", "event", "git", "steps"];
/// Roots in a step.
pub(crate) const IN_STEP: &[&str] = &["params", "matrix", "env", "event", "git", "steps"];
/// Roots in the `if:` of a stage.
pub(crate) const IN_STAGE: &[&str] = &["params", "event", "git", "steps"];

/// The names there are at some place of the file.
pub(crate) struct Names<'a> {
    /// Roots that may be used here.
    pub(crate) roots: &'static [&'static str],
    /// Why the other roots may not, as the rest of "… has no place here:".
    pub(crate) reason: &'static str,
    /// Parameters.
    pub(crate) params: &'a IndexMap<String, serde_json::Value>,
    /// Keys of the matrix that every cell has.
    pub(crate) matrix: &'a [String],
    /// Keys of the matrix that only some cells have.
    pub(crate) partial: &'a [String],
    /// Environment variables of the step.
    pub(crate) env: &'a [&'a str],
}

/// A use of `steps.ID`.
pub(crate) struct StepUse<'e> {
    /// The second segment: `fit` or `fit[seed=0]`.
    pub(crate) step: &'e str,
    /// Name of the output, if it asks for one.
    pub(crate) output: Option<&'e str>,
    /// Bytes in the source text.
    pub(crate) span: Range<usize>,
}

impl Names<'_> {
    /// Check every name of an expression; what it takes from steps is handed on.
    pub(crate) fn check<'e>(
        &self,
        expr: &'e Expr,
        report: &mut dyn FnMut(Diagnostic),
        steps: &mut dyn FnMut(StepUse<'e>),
    ) {
        expr.walk(&mut |expr| {
            if let ExprKind::Path(path) = &expr.kind
                && let Err(problem) = self.check_path(path, &expr.span, steps)
            {
                report(problem);
            }
        });
    }

    fn check_path<'e>(
        &self,
        path: &'e [String],
        span: &Range<usize>,
        steps: &mut dyn FnMut(StepUse<'e>),
    ) -> Result<(), Diagnostic> {
        let root = path[0].as_str();
        if !self.roots.contains(&root) {
            return Err(self.unknown_root(root, span));
        }
        let unknown = |what: &str, name: &str, help: Option<String>| {
            Diagnostic::error("expr::unknown-name", span.clone(), format!("there is no {what} `{name}`"))
                .maybe_help(help)
        };
        if root != "event" && path.len() == 1 {
            let message = format!("`{root}` is not a value");
            return Err(Diagnostic::error("expr::unknown-name", span.clone(), message)
                .help(format!("name what you need of it: `{root}.NAME`")));
        }
        match root {
            "params" => self.check_param(path, span),
            "matrix" if path.len() > 2 || !self.matrix.contains(&path[1]) => {
                let help = if self.partial.contains(&path[1]) {
                    Some(
                        "only some cells have it; give it to every cell, for instance by `include`"
                            .to_owned(),
                    )
                } else if self.matrix.is_empty() {
                    Some("the stage has no `matrix:`".to_owned())
                } else {
                    suggest::help(&path[1], self.matrix.iter().map(String::as_str))
                };
                Err(unknown("matrix value", &path[1..].join("."), help))
            }
            "env" if path.len() > 2 || !self.env.contains(&path[1].as_str()) => {
                let help = suggest::help(&path[1], self.env.iter().copied()).unwrap_or_else(|| {
                    "declare it under `env:`; variables of the machine are not visible".to_owned()
                });
                Err(unknown("declared variable", &path[1..].join("."), Some(help)))
            }
            "git" if path.len() > 2 || !GIT_NAMES.contains(&path[1].as_str()) => {
                let message = format!("`git` has no `{}`", path[1..].join("."));
                Err(Diagnostic::error("expr::unknown-name", span.clone(), message)
                    .maybe_help(suggest::help(&path[1], GIT_NAMES.iter().copied())))
            }
            "steps" => Self::check_step(path, span, steps),
            _ => Ok(()),
        }
    }

    fn unknown_root(&self, root: &str, span: &Range<usize>) -> Diagnostic {
        if IN_STEP.contains(&root) {
            let message = format!("`{root}` has no place here: {}", self.reason);
            return Diagnostic::error("expr::name-not-here", span.clone(), message)
                .maybe_help(suggest::help("", self.roots.iter().copied()));
        }
        let help = match root {
            "secrets" => Some("secrets never enter expressions; see `secrets:`".to_owned()),
            "github" => Some("use `event` and `git`".to_owned()),
            "vars" | "inputs" => Some("use `params`".to_owned()),
            _ if self.params.contains_key(root) => Some(format!("did you mean `params.{root}`?")),
            _ => suggest::help(root, self.roots.iter().copied()),
        };
        Diagnostic::error("expr::unknown-name", span.clone(), format!("there is no name `{root}`"))
            .maybe_help(help)
    }

    fn check_param(&self, path: &[String], span: &Range<usize>) -> Result<(), Diagnostic> {
        let unknown = |help: Option<String>| {
            let message = format!("there is no parameter `{}`", path[1..].join("."));
            Err(Diagnostic::error("expr::unknown-name", span.clone(), message).maybe_help(help))
        };
        let Some(mut value) = self.params.get(&path[1]) else {
            let help = suggest::help(&path[1], self.params.keys().map(String::as_str))
                .unwrap_or_else(|| "declare it under `params:`".to_owned());
            return unknown(Some(help));
        };
        for segment in &path[2..] {
            let next = match value {
                serde_json::Value::Object(map) => map.get(segment),
                serde_json::Value::Array(list) => {
                    segment.parse::<usize>().ok().and_then(|index| list.get(index))
                }
                _ => None,
            };
            let Some(next) = next else {
                let help = match value {
                    serde_json::Value::Object(map) => suggest::help(segment, map.keys().map(String::as_str)),
                    serde_json::Value::Array(list) => {
                        Some(format!("the list has {} elements, from 0", list.len()))
                    }
                    _ => Some("the value before it is a single value".to_owned()),
                };
                return unknown(help);
            };
            value = next;
        }
        Ok(())
    }

    fn check_step<'e>(
        path: &'e [String],
        span: &Range<usize>,
        steps: &mut dyn FnMut(StepUse<'e>),
    ) -> Result<(), Diagnostic> {
        let problem = |message: String, help: Option<String>| {
            Err(Diagnostic::error("expr::unknown-name", span.clone(), message).maybe_help(help))
        };
        let forms = "write `steps.ID.outputs.NAME`, `steps.ID.metrics.NAME` or `steps.ID.outcome`";
        let Some(part) = path.get(2) else {
            return problem("a step is not a value".to_owned(), Some(forms.to_owned()));
        };
        let length = match part.as_str() {
            "outputs" | "metrics" => 4,
            "outcome" => 3,
            _ => {
                let help = suggest::help(part, STEP_PARTS.iter().copied());
                return problem(format!("a step has no `{part}`"), help);
            }
        };
        if path.len() != length {
            return problem(format!("`{}` is not a value of a step", path.join(".")), Some(forms.to_owned()));
        }
        let output = (part == "outputs").then(|| path[3].as_str());
        steps(StepUse { step: &path[1], output, span: span.clone() });
        Ok(())
    }
}
