//! `promote:` of a stage.

use super::{
    Context,
    order::Order,
    outline::{self, Outline, StageOutline},
    reference::{self, Choice, Reference},
    top,
};
use crate::{
    diagnostic::Diagnostic,
    plan::{Kind, OutputRef, Promotion},
    read::{KeyRule, Name},
    suggest,
};

/// The promotion of a stage, checked.
pub(crate) fn promote(
    stage: &StageOutline<'_>,
    outline: &Outline<'_>,
    index: usize,
    order: &mut Order,
    context: &mut Context<'_>,
) -> Option<Promotion> {
    let promote = stage.document.promote.as_ref()?;
    let target = promote.to.as_ref().and_then(|to| {
        let problem = |message: String, help: &str| {
            Err(Diagnostic::error("promote::to", to.span.clone(), message).help(help))
        };
        let checked = match top::registry(to) {
            Some((_, alias)) if is_version(alias) => problem(
                format!("`{alias}` is a version; versions are numbered by the registry"),
                "name an alias: `champion`",
            ),
            Some((name, alias)) => Ok((name.to_owned(), alias.to_owned())),
            None => {
                let message = format!("`{}` is not an alias of the registry", to.value);
                problem(message, &format!("write `registry:NAME@ALIAS`; {}", Name::WORDS))
            }
        };
        checked.map_err(|problem| context.problems.push(problem)).ok()
    });
    if let Some(keep) = &promote.keep
        && keep.value == 0
    {
        super::settings::out_of_range(keep.span.clone(), "at least 1 version to keep", context);
    }
    let text = promote.model.as_ref()?;
    let resolved = model(&text.value, outline).map_err(|problem| {
        let span = problem
            .1
            .map_or_else(|| text.span.clone(), |range| context.part_of(&text.span, &text.value, &range));
        context.problems.push(Diagnostic { span, ..problem.0 });
    });
    let (step, model) = resolved.ok()?;
    order.add(step, order.end(index));
    let (registry, alias) = target?;
    Some(Promotion { model, registry, alias, keep: promote.keep.as_ref().map(|keep| keep.value) })
}

/// `v3` or `3`.
fn is_version(alias: &str) -> bool {
    let digits = alias.strip_prefix('v').unwrap_or(alias);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

type Misplaced = (Diagnostic, Option<std::ops::Range<usize>>);

/// The step and output of `promote.model`. The span of a problem is the caller's to fill in.
fn model(text: &str, outline: &Outline<'_>) -> Result<(usize, OutputRef), Misplaced> {
    let error = |code: &str, message: String, help: Option<String>| {
        (Diagnostic::error(code, 0..0, message).maybe_help(help), None)
    };
    if text.contains(crate::expr::OPEN) {
        let help = Some("write `STEP.OUTPUT` or `STEP[CELL].OUTPUT`".to_owned());
        return Err(error("promote::model", "what is promoted cannot be an expression".to_owned(), help));
    }
    let reference = reference::parse(text).map_err(|(range, message, help)| {
        (Diagnostic::error("reference::syntax", 0..0, message).maybe_help(help), Some(range))
    })?;
    let Reference::Output { step, output } = reference else {
        let help = Some("promote what a step of this workflow made: `STEP.OUTPUT`".to_owned());
        return Err(error("promote::model", format!("`{text}` is not an output of a step"), help));
    };
    let index = outline.step(step.name, &(0..0)).map_err(|problem| (problem, Some(0..step.name.len())))?;
    let target = &outline.steps[index];
    let choice = outline.choose(index, &step, None, &(0..0)).map_err(|problem| (problem, None))?;
    let Choice::One(cell) = choice else {
        let help = Some(format!("choose a cell of `{}`", step.name));
        return Err(error("promote::model", "one model is promoted, not all of them".to_owned(), help));
    };
    match target.outputs.get(output) {
        Some(known) if !known.kind.connects_to(Kind::Model) => {
            let message = format!("`{text}` is a {}, not a model", outline::word(known.kind));
            return Err(error(
                "reference::kind",
                message,
                Some("promote an output of kind `model`".to_owned()),
            ));
        }
        None if !target.outputs_open => {
            let message = format!("the step `{}` has no output `{output}`", target.name);
            let help = suggest::help(output, target.outputs.keys().map(String::as_str));
            return Err(error("reference::unknown-output", message, help));
        }
        _ => {}
    }
    Ok((index, OutputRef { step: target.first + cell, output: output.to_owned() }))
}
