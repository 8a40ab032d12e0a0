//! Names in the expressions of steps and stages, and the steps they wait for because of them.

use std::collections::BTreeSet;

use indexmap::IndexSet;

use super::{
    Context,
    order::Order,
    outline::{Outline, StageOutline},
    reference::{self, Choice},
};
use crate::{
    diagnostic::Diagnostic,
    expr::{self, Expr, ExprKind, Names, StepUse},
    suggest,
};

/// A step that an expression asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    /// Index of the step in the outline.
    pub(crate) step: usize,
    /// Its cells.
    pub(crate) choice: Choice,
}

/// The step that `steps.ID` means, asked from a stage.
pub(crate) fn asked(
    outline: &Outline<'_>,
    from: Option<usize>,
    used: &StepUse<'_>,
) -> Result<Asked, Diagnostic> {
    let text = reference::step(used.step).map_err(|(_, message, help)| {
        Diagnostic::error("reference::syntax", used.span.clone(), message).maybe_help(help)
    })?;
    let step = outline.step(text.name, &used.span)?;
    let choice = outline.choose(step, &text, from, &used.span)?;
    if choice == Choice::All {
        let message = "an expression can ask about one cell only";
        return Err(Diagnostic::error("reference::which-cell", used.span.clone(), message)
            .help("choose a cell; gates judge all of them"));
    }
    let target = &outline.steps[step];
    if let Some(output) = used.output
        && !target.outputs.contains_key(output)
        && !target.outputs_open
    {
        let message = format!("the step `{}` has no output `{output}`", target.name);
        return Err(Diagnostic::error("reference::unknown-output", used.span.clone(), message)
            .maybe_help(suggest::help(output, target.outputs.keys().map(String::as_str))));
    }
    Ok(Asked { step, choice })
}

/// An expression as the engine evaluates it for one cell: every `steps.ID` names its step with its cell, as it is printed.
pub(crate) fn localise(expr: &Expr, outline: &Outline<'_>, stage: usize, cell: usize) -> Expr {
    let kind = match &expr.kind {
        ExprKind::Path(path) if path[0] == "steps" && path.len() > 2 => {
            let used = StepUse { step: &path[1], output: None, span: expr.span.clone() };
            let Ok(asked) = asked(outline, Some(stage), &used) else { return expr.clone() };
            let target = &outline.steps[asked.step];
            let cells = &outline.stages[target.stage].cells;
            let cell = match asked.choice {
                Choice::One(cell) => cell,
                Choice::Same | Choice::All => cell,
            };
            let id = crate::plan::StepId { name: target.name.clone(), cell: cells[cell].id.clone() };
            let mut path = path.clone();
            path[1] = id.to_string();
            ExprKind::Path(path)
        }
        ExprKind::Literal(_) | ExprKind::Path(_) => expr.kind.clone(),
        ExprKind::Not(operand) => ExprKind::Not(Box::new(localise(operand, outline, stage, cell))),
        ExprKind::Binary { op, left, right } => ExprKind::Binary {
            op: *op,
            left: Box::new(localise(left, outline, stage, cell)),
            right: Box::new(localise(right, outline, stage, cell)),
        },
        ExprKind::Call { function, arguments } => ExprKind::Call {
            function: *function,
            arguments: arguments.iter().map(|argument| localise(argument, outline, stage, cell)).collect(),
        },
    };
    Expr { kind, span: expr.span.clone() }
}

/// Whether an expression asks about any step.
pub(crate) fn asks(expr: &Expr) -> bool {
    expr.paths().iter().any(|path| path[0] == "steps")
}

/// `if:` of a stage.
pub(crate) fn stage_condition(
    stage: &StageOutline<'_>,
    outline: &Outline<'_>,
    index: usize,
    order: &mut Order,
    context: &mut Context<'_>,
) -> Option<Expr> {
    let condition = &stage.document.condition.as_ref()?.value.0;
    let reason = "the condition of a stage is decided once, before its steps";
    let names =
        Names { roots: expr::IN_STAGE, reason, params: &context.params, matrix: &[], partial: &[], env: &[] };
    let mut found = Vec::new();
    let mut used = Vec::new();
    names.check(condition, &mut |problem| found.push(problem), &mut |step| used.push(step));
    names.check_types(condition, true, &mut |problem| found.push(problem));
    for path in condition.paths().into_iter().filter(|path| path.len() > 1 && path[0] == "params") {
        context.used_params.insert(path[1].clone());
    }
    for used in used {
        match asked(outline, None, &used) {
            // The steps of the stage wait for its condition, so asking about one of them is a circle.
            Ok(asked) => order.add(asked.step, order.start(index)),
            Err(problem) => found.push(problem),
        }
    }
    context.problems.extend(found);
    Some(localise(condition, outline, index, 0))
}

/// Collects what expressions of a step use.
#[derive(Default)]
pub(crate) struct Checker {
    /// Problems.
    pub(crate) found: Vec<Diagnostic>,
    /// Steps they ask about.
    pub(crate) asked: IndexSet<Asked>,
    /// Parameters they use.
    pub(crate) params: BTreeSet<String>,
}

impl Checker {
    /// Check an expression of a step of stage `from`.
    pub(crate) fn check(
        &mut self,
        expr: &Expr,
        names: &Names<'_>,
        outline: &Outline<'_>,
        from: Option<usize>,
    ) {
        let mut used = Vec::new();
        names.check(expr, &mut |problem| self.found.push(problem), &mut |step| used.push(step));
        names.check_types(expr, false, &mut |problem| self.found.push(problem));
        self.params(expr);
        for used in used {
            match asked(outline, from, &used) {
                Ok(asked) => {
                    self.asked.insert(asked);
                }
                Err(problem) => self.found.push(problem),
            }
        }
    }

    /// Note the parameters of an expression.
    pub(crate) fn params(&mut self, expr: &Expr) {
        for path in expr.paths().into_iter().filter(|path| path.len() > 1 && path[0] == "params") {
            self.params.insert(path[1].clone());
        }
    }
}
