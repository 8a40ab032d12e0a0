//! `in:` of a step: references resolved and their kinds checked.

use std::{collections::HashSet, ops::Range};

use indexmap::IndexMap;

use super::{
    Context, action,
    matrix::Cell,
    outline::{self, Outline, StepOutline},
    path,
    reference::{self, Choice, Reference},
};
use crate::{
    diagnostic::Diagnostic,
    expr::Template,
    plan::{DataSet, Kind, OutputRef, Source},
    read::Spanned,
    suggest,
    surroundings::Port,
};

/// What references can refer to besides steps.
pub(crate) struct Known<'k> {
    /// Data sets.
    pub(crate) data: &'k IndexMap<String, DataSet>,
    /// Whether there is a baseline.
    pub(crate) baseline: bool,
}

/// A reference, resolved but for the cell that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A data set.
    Data(String),
    /// An output of a step, by its index in the outline.
    Output {
        /// The step.
        step: usize,
        /// Its cells.
        choice: Choice,
        /// The output.
        output: String,
    },
    /// The baseline's model.
    Baseline(String),
    /// A path.
    Path(String),
}

impl Target {
    /// As the plan has it, for the cell with this index.
    pub(crate) fn source(&self, outline: &Outline<'_>, cell: usize) -> Source {
        match self {
            Self::Data(name) => Source::Data(name.clone()),
            Self::Baseline(name) => Source::Baseline(name.clone()),
            Self::Path(path) => Source::Path(path.clone()),
            Self::Output { step, choice, output } => {
                let first = outline.steps[*step].first;
                let of = |cell: usize| OutputRef { step: first + cell, output: output.clone() };
                match choice {
                    Choice::Same => Source::Output(of(cell)),
                    Choice::One(cell) => Source::Output(of(*cell)),
                    Choice::All => {
                        let cells = outline.stages[outline.steps[*step].stage].cells.len();
                        Source::AllCells((0..cells).map(of).collect())
                    }
                }
            }
        }
    }
}

/// Inputs of a step: known to its plugin, complete, and told apart.
pub(crate) fn check_names(step: &StepOutline<'_>, context: &mut Context<'_>) {
    let inputs = step.document.inputs.as_ref();
    let entries = inputs.map(|table| table.entries.as_slice()).unwrap_or_default();
    outline::check_variables(entries.iter().map(|(name, value)| (name, &value.key)), "input", context);
    let (Some(manifest), Some(action::Form::Plugin { uses })) = (&step.manifest, &step.action) else {
        return;
    };
    for (name, value) in entries {
        if !manifest.inputs.iter().any(|port| port.name == *name) {
            let message = format!("the plugin {} has no input `{name}`", manifest.name);
            let help = suggest::help(name, manifest.inputs.iter().map(|port| port.name.as_str()))
                .unwrap_or_else(|| "it takes no inputs".to_owned());
            context.problems.push(Diagnostic::error("input::unknown", value.key.clone(), message).help(help));
        }
    }
    if inputs.is_some_and(|table| table.broken) || step.document.broken && inputs.is_none() {
        return;
    }
    let given: HashSet<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
    for port in manifest.inputs.iter().filter(|port| port.required && !given.contains(port.name.as_str())) {
        let span = inputs.map_or_else(|| uses.span.clone(), |inputs| inputs.key.clone());
        let message = format!(
            "the plugin {} needs the input `{}`, a {}",
            manifest.name,
            port.name,
            outline::word(port.kind)
        );
        let help = format!("add it under `in:`: `{}: {}`", port.name, example(port.kind));
        context.problems.push(Diagnostic::error("input::missing", span, message).help(help));
    }
}

fn example(kind: Kind) -> &'static str {
    if kind == Kind::Dataset { "data.NAME" } else { "STEP.OUTPUT" }
}

/// What an input refers to, for one cell. `None` with the problem reported.
pub(crate) fn target(
    (step, cell): (usize, &Cell),
    (name, value): (&str, &Spanned<crate::read::Templated>),
    outline: &Outline<'_>,
    known: &Known<'_>,
    context: &mut Context<'_>,
) -> Option<Target> {
    let consumer = &outline.steps[step];
    let stage = &outline.stages[consumer.stage];
    let template: &Template = &value.value.0;
    let reason = "where data comes from is known before the run";
    let text = context.static_text(template, cell, stage.keys(), reason)?;
    // Parts of the text can be pointed to only where it stands in the file as it is.
    let place = |context: &Context<'_>, range: Range<usize>| {
        if template.as_text().is_some() {
            context.part_of(&value.span, &text, &range)
        } else {
            value.span.clone()
        }
    };
    let reference = match reference::parse(&text) {
        Ok(reference) => reference,
        Err((range, message, help)) => {
            let span = place(context, range);
            context.problems.push(Diagnostic::error("reference::syntax", span, message).maybe_help(help));
            return None;
        }
    };
    match resolve(&reference, step, outline, known, context) {
        Ok((target, kind)) => {
            let port = consumer
                .manifest
                .as_ref()
                .and_then(|manifest| manifest.inputs.iter().find(|port| port.name == name));
            if let Some(port) = port {
                check_kind(port, kind, &text, value, context);
            }
            Some(target)
        }
        Err((range, problem)) => {
            let span = place(context, range);
            context.problems.push(Diagnostic { span, ..problem });
            None
        }
    }
}

fn check_kind(
    port: &Port,
    kind: Kind,
    text: &str,
    value: &Spanned<crate::read::Templated>,
    context: &mut Context<'_>,
) {
    if !kind.connects_to(port.kind) {
        let (wanted, found) = (outline::word(port.kind), outline::word(kind));
        let message = format!("the input `{}` takes a {wanted}, and `{text}` is a {found}", port.name);
        context.problems.push(
            Diagnostic::error("reference::kind", value.span.clone(), message)
                .label(format!("a {found}"))
                .help(format!("refer to a {wanted}")),
        );
    }
}

/// The target and its kind; or bytes of the reference's text and the problem there.
fn resolve(
    reference: &Reference<'_>,
    consumer: usize,
    outline: &Outline<'_>,
    known: &Known<'_>,
    context: &mut Context<'_>,
) -> Result<(Target, Kind), (Range<usize>, Diagnostic)> {
    let error = |range: Range<usize>, code: &str, message: String, help: Option<String>| {
        Err((range, Diagnostic::error(code, 0..0, message).maybe_help(help)))
    };
    match reference {
        Reference::Path(path) => Ok((Target::Path(path::normal(path)), Kind::Any)),
        Reference::Data(name) => {
            if known.data.contains_key(*name) {
                context.used_data.insert((*name).to_owned());
                return Ok((Target::Data((*name).to_owned()), Kind::Dataset));
            }
            let help = suggest::help(name, known.data.keys().map(String::as_str))
                .unwrap_or_else(|| "declare it under `data:`".to_owned());
            let range = "data.".len().."data.".len() + name.len();
            error(range, "reference::unknown-data", format!("there is no data set `{name}`"), Some(help))
        }
        Reference::Baseline(name) => {
            let range = 0.."baseline.".len() + name.len();
            if !known.baseline {
                let help = Some("declare one: `baseline: { model: registry:NAME@champion }`".to_owned());
                return error(
                    range,
                    "reference::no-baseline",
                    "the workflow has no baseline".to_owned(),
                    help,
                );
            }
            if *name != "model" {
                let help = Some("write `baseline.model`".to_owned());
                return error(
                    range,
                    "reference::unknown-output",
                    format!("the baseline has no `{name}`"),
                    help,
                );
            }
            Ok((Target::Baseline((*name).to_owned()), Kind::Model))
        }
        Reference::Output { step, output } => {
            let name = 0..step.name.len();
            let index = outline.step(step.name, &(0..0)).map_err(|mut problem| {
                if known.data.contains_key(step.name) {
                    problem.help = Some(format!("did you mean `data.{}`?", step.name));
                } else if problem.help.as_deref().is_none_or(|help| help.starts_with("known")) {
                    let file = format!("for a file, write `./{}.{output}`", step.name);
                    problem.help =
                        Some(problem.help.map_or_else(|| file.clone(), |help| format!("{help}; {file}")));
                }
                (name.clone(), problem)
            })?;
            let target = &outline.steps[index];
            if index == consumer {
                let message = "a step cannot take its own output as an input".to_owned();
                return error(0..0, "order::cycle", message, None);
            }
            let from = Some(outline.steps[consumer].stage);
            let choice = outline.choose(index, step, from, &(0..0)).map_err(|problem| (0..0, problem))?;
            let kind = match target.outputs.get(*output) {
                Some(known) => known.kind,
                None if target.outputs_open => Kind::Any,
                None => {
                    let message = format!("the step `{}` has no output `{output}`", target.name);
                    let help = suggest::help(output, target.outputs.keys().map(String::as_str))
                        .unwrap_or_else(|| "declare it under `out:` of that step".to_owned());
                    return error(0..0, "reference::unknown-output", message, Some(help));
                }
            };
            Ok((Target::Output { step: index, choice, output: (*output).to_owned() }, kind))
        }
    }
}
