//! Gates of a stage. Their grammar belongs to the gate crate, which is asked through the surroundings.

use std::{collections::BTreeMap, ops::Range};

use super::Context;
use crate::{
    diagnostic::Diagnostic,
    document::{Gate, StageDocument},
    plan::PlannedGate,
    read::Spanned,
};

/// The gates of a stage, checked; `units` are those that the workflow declares.
pub(crate) fn gates(
    stage: &StageDocument,
    units: &BTreeMap<String, String>,
    context: &mut Context<'_>,
) -> Vec<PlannedGate> {
    let mut planned = Vec::new();
    for gate in stage.gates.as_ref().map(|gates| gates.value.as_slice()).unwrap_or_default() {
        planned.push(self::gate(gate, units, context));
    }
    planned
}

fn gate(gate: &Spanned<Gate>, units: &BTreeMap<String, String>, context: &mut Context<'_>) -> PlannedGate {
    let (line, mapping) = match &gate.value {
        Gate::Line { text, .. } => (Some(text.clone()), None),
        Gate::Mapping { value, .. } => (None, Some(value.clone())),
    };
    let line_number = context.line_of(gate.span.start);
    let planned = PlannedGate { line, mapping, span: gate.span.clone(), line_number, frame: None };
    if let Gate::Line { text, .. } = &gate.value
        && let Some(at) = text.find(crate::expr::OPEN)
    {
        let span = place(gate, &(at..text.len()));
        let message = "a gate cannot hold an expression";
        context.problems.push(
            Diagnostic::error("gate::expression", span, message)
                .help("write the bound itself: a gate says in one place what is asked for"),
        );
        return planned;
    }
    for problem in context.surroundings.check_gate(&planned, units) {
        let span = match (&gate.value, &problem.pointer, &problem.range) {
            (Gate::Mapping { shape, .. }, Some(pointer), _) => shape.locate(pointer),
            (Gate::Line { .. }, _, Some(range)) => place(gate, range),
            _ => gate.key.clone(),
        };
        context
            .problems
            .push(Diagnostic::error(&problem.code, span, problem.message).maybe_help(problem.help));
    }
    planned
}

/// Bytes of the source for bytes of a gate's line.
fn place(gate: &Spanned<Gate>, range: &Range<usize>) -> Range<usize> {
    match &gate.value {
        Gate::Line { verbatim: Some((from, start)), .. } if range.start >= *from => {
            let at = range.start - from + start;
            // An empty range stands between two characters; underline the one it stands at.
            at.min(gate.span.end)..(at + range.len().max(1)).min(gate.span.end.max(at))
        }
        _ => gate.span.clone(),
    }
}
