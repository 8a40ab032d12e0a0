//! Steps of the plan: everything about a step is checked once, then it is written out for each cell.

mod cell;
mod shared;

use std::collections::HashSet;

use indexmap::IndexMap;

use super::{
    Context, action,
    configuration::Configurations,
    container,
    inputs::{self, Known, Target},
    order::Order,
    outline::Outline,
    unavailable,
};
use crate::{
    diagnostic::Diagnostic,
    document::WorkflowDocument,
    plan::{DataSet, PlannedStep, Source},
    read::{EnvName, Spanned, Table, Templated},
};

/// Heaviest plan: sizes of steps and their environments as written, times their cells.
const MAX_WEIGHT: usize = 32 * 1024 * 1024;
/// Most connections between steps of a plan.
const MAX_EDGES: usize = 1_000_000;

/// All steps of the plan.
pub(crate) fn steps(
    document: &WorkflowDocument,
    outline: &Outline<'_>,
    data: &IndexMap<String, DataSet>,
    baseline: bool,
    order: &mut Order,
    context: &mut Context<'_>,
) -> Vec<PlannedStep> {
    let known = Known { data, baseline };
    let mut expander = Expander {
        document,
        outline,
        known,
        order,
        context,
        configurations: Configurations::default(),
        edges: 0,
        planned: Vec::new(),
    };
    let cells_fit = expander.check_weight();
    for index in 0..outline.steps.len() {
        expander.step(index, cells_fit);
        if expander.edges > MAX_EDGES {
            let message = format!("the steps have more than {MAX_EDGES} connections");
            let problem = Diagnostic::error("plan::too-large", outline.steps[index].span.clone(), message);
            expander.context.problems.push(problem.help("collect cells in one step, and refer to that one"));
            break;
        }
    }
    expander.planned
}

struct Expander<'e, 'd, 'c> {
    document: &'d WorkflowDocument,
    outline: &'e Outline<'d>,
    known: Known<'e>,
    order: &'e mut Order,
    context: &'e mut Context<'c>,
    configurations: Configurations,
    edges: usize,
    planned: Vec<PlannedStep>,
}

/// What an input refers to, where its text is the same in every cell.
#[derive(Clone)]
enum Fixed {
    /// Not looked at, or different in every cell.
    NotYet,
    /// Nothing; that was reported.
    Wrong,
    /// This.
    Known(Target),
}

impl Expander<'_, '_, '_> {
    /// Whether the plan stays within its budget. Otherwise only one cell of each step is looked at.
    fn check_weight(&mut self) -> bool {
        let weight = |env: Option<&Spanned<Table<EnvName, Templated>>>| env.map_or(0, |env| env.weight);
        let everywhere = weight(self.document.env.as_ref());
        let total = self.outline.steps.iter().fold(0_usize, |total, step| {
            let stage = &self.outline.stages[step.stage];
            let one = step.weight + everywhere + stage.cell_weight + weight(stage.document.env.as_ref());
            total.saturating_add(one.saturating_mul(stage.cells.len()))
        });
        if total <= MAX_WEIGHT {
            return true;
        }
        let span = self.document.stages.as_ref().map_or(0..0, |stages| stages.key.clone());
        self.context.problems.push(
            Diagnostic::error(
                "plan::too-large",
                span,
                "the plan is too large once every matrix is written out",
            )
            .help("make the matrices smaller, or keep long texts in files"),
        );
        false
    }

    fn step(&mut self, index: usize, cells_fit: bool) {
        let outline = self.outline;
        let step = &outline.steps[index];
        let stage = &outline.stages[step.stage];
        inputs::check_names(step, self.context);
        let shared = self.shared(index);
        unavailable::step(step, self.context);
        if let Some(form) = &step.action {
            let container =
                if let action::Form::Container(container) = form { Some(container) } else { None };
            if let Some(container) = container {
                container.check(self.context);
            }
            container::check_keys(step.document, container.is_some(), self.context);
        }
        for asked in shared.asked.iter().chain(&shared.needs) {
            self.order.add(asked.step, index);
        }
        let count = if cells_fit { stage.cells.len() } else { 1 };
        let mut ordered = HashSet::new();
        let mut fixed = Vec::new();
        for cell in 0..count {
            let inputs = self.inputs(index, cell, &mut fixed, &mut ordered);
            let planned = self.cell(index, cell, &shared, inputs);
            self.edges += planned.after.len();
            // A plan that is too large is checked and not kept.
            if cells_fit {
                self.planned.push(planned);
            }
            if self.edges > MAX_EDGES {
                return;
            }
        }
    }

    fn inputs(
        &mut self,
        index: usize,
        cell: usize,
        fixed: &mut Vec<Fixed>,
        ordered: &mut HashSet<usize>,
    ) -> IndexMap<String, Source> {
        let step = &self.outline.steps[index];
        let values = &self.outline.stages[step.stage].cells[cell];
        let entries = step.document.inputs.as_ref().map(|table| table.entries.as_slice()).unwrap_or_default();
        fixed.resize(entries.len(), Fixed::NotYet);
        let mut inputs = IndexMap::with_capacity(entries.len());
        for ((name, value), fixed) in entries.iter().zip(fixed) {
            let target = match fixed {
                Fixed::Known(target) => Some(target.clone()),
                Fixed::Wrong => None,
                Fixed::NotYet => {
                    inputs::target((index, values), (name, value), self.outline, &self.known, self.context)
                }
            };
            if value.value.0.as_text().is_some() {
                *fixed = target.clone().map_or(Fixed::Wrong, Fixed::Known);
            }
            let Some(target) = target else { continue };
            if let Target::Output { step, .. } = &target
                && ordered.insert(*step)
            {
                self.order.add(*step, index);
            }
            let source = target.source(self.outline, cell);
            if let Source::AllCells(cells) = &source {
                self.edges += cells.len();
            }
            inputs.insert(name.clone(), source);
        }
        inputs
    }
}
