//! Steps of the plan: everything about a step is checked once, then it is written out for each cell.

use std::collections::{BTreeSet, HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};

use super::{
    Context, action,
    configuration::{self, Configurations},
    inputs::{self, Known, Target},
    names::{self, Asked, Checker},
    order::Order,
    outline::{Outline, StepOutline},
    path,
    reference::{self, Choice},
    script, settings, unavailable,
};
use crate::{
    diagnostic::Diagnostic,
    document::WorkflowDocument,
    expr::{self, Expr, Names, Part, Template},
    plan::{
        Action, Allow, ConfigTemplate, DataSet, Limits, Output, PlannedStep, Resources, Retry, Script,
        Source, StepId,
    },
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

/// What is the same in all cells of a step.
struct Shared<'d> {
    env: IndexMap<&'d str, &'d Template>,
    asked: IndexSet<Asked>,
    params: BTreeSet<String>,
    script: Option<Script>,
    needs: Vec<Asked>,
    retry: Retry,
    timeout: Option<std::time::Duration>,
    limits: Limits,
    allow: Allow,
    resources: Resources,
}

impl<'d> Expander<'_, 'd, '_> {
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

    /// Check everything that does not depend on the cell.
    fn shared(&mut self, index: usize) -> Shared<'d> {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        let mut env: IndexMap<&str, &Template> = IndexMap::new();
        for table in [&self.document.env, &stage.document.env, &step.document.env].into_iter().flatten() {
            env.extend(table.entries.iter().map(|(name, value)| (name.as_str(), &value.value.0)));
        }
        let mut checker = Checker::default();
        let declared: Vec<_> = env.keys().copied().collect();
        let names = |roots, reason| Names {
            roots,
            reason,
            params: &self.context.params,
            matrix: &stage.matrix_keys,
            partial: &stage.partial_keys,
            env: &declared,
        };
        let in_env = names(expr::IN_ENV, "variables cannot be made from variables");
        let in_step = names(expr::IN_STEP, "");
        let from = Some(step.stage);
        for expr in env.values().flat_map(|template| template.exprs()) {
            checker.check(expr, &in_env, self.outline, from);
        }
        if let Some(with) = &step.document.with {
            configuration::visit(&with.value.template, &mut |template| {
                template.exprs().for_each(|expr| checker.check(expr, &in_step, self.outline, from));
            });
        }
        if let Some(run) = &step.document.run {
            run.value.0.exprs().for_each(|expr| checker.check(expr, &in_step, self.outline, from));
        }
        if let Some(condition) = &step.document.condition {
            checker.check(&condition.value.0, &in_step, self.outline, from);
            in_step.check_types(&condition.value.0, true, &mut |problem| checker.found.push(problem));
        }
        // Places that are known before the run are checked cell by cell; here, only for the parameters they use.
        for template in static_templates(step) {
            template.exprs().for_each(|expr| checker.params(expr));
        }
        let Checker { found, asked, params } = checker;
        self.context.used_params.extend(params.iter().cloned());
        self.context.problems.extend(found);
        let script = self.script(step);
        let needs = self.needs(index);
        let document = step.document;
        let defaults = self.document.defaults.as_ref();
        let retry = document.retry.as_ref().or_else(|| defaults?.retry.as_ref());
        let timeout = document.timeout.as_ref().or_else(|| defaults?.timeout.as_ref());
        Shared {
            env,
            asked,
            params,
            script,
            needs,
            retry: settings::retry(retry, self.context),
            timeout: settings::duration(timeout, self.context),
            limits: settings::limits(document.limits.as_ref(), self.context),
            allow: settings::allow(document.allow.as_ref(), self.context),
            resources: settings::resources(document.resources.as_ref(), self.context),
        }
    }

    fn script(&mut self, step: &StepOutline<'_>) -> Option<Script> {
        let run = step.document.run.as_ref()?;
        if run.value.0.as_text().is_some_and(|text| text.trim().is_empty()) {
            let problem = Diagnostic::error("workflow::empty", run.key.clone(), "`run` has no command");
            self.context.problems.push(problem);
        }
        let default = self.document.defaults.as_ref().and_then(|defaults| defaults.shell.as_ref());
        let shell = step.document.shell.as_ref().or(default);
        if let Some(shell) = shell
            && run.value.0.exprs().next().is_some()
            && !script::is_posix(&shell.value.0)
        {
            let message =
                format!("`{}` does not expand the variables that carry expressions", shell.value.0[0]);
            self.context.problems.push(
                Diagnostic::error("script::shell", run.key.clone(), message)
                    .help("pass the value under `env:`, and read that variable in the script"),
            );
        }
        let (text, variables) =
            script::script(&run.value.0, &mut |problem| self.context.problems.push(problem));
        Some(Script { text, variables, shell: shell.map(|shell| shell.value.0.clone()) })
    }

    /// `needs:` of a step.
    fn needs(&mut self, index: usize) -> Vec<Asked> {
        let step = &self.outline.steps[index];
        let mut needs = Vec::new();
        for need in step.document.needs.as_ref().map(|needs| needs.value.0.as_slice()).unwrap_or_default() {
            match self.need(index, need) {
                Ok(need) => needs.push(need),
                Err(problem) => self.context.problems.push(problem),
            }
        }
        needs
    }

    fn need(&self, index: usize, need: &Spanned<String>) -> Result<Asked, Diagnostic> {
        let text = reference::step(&need.value).map_err(|(_, message, help)| {
            Diagnostic::error("reference::syntax", need.span.clone(), message).maybe_help(help)
        })?;
        let target = self.outline.step(text.name, &need.span).map_err(|problem| {
            if self.outline.stages.iter().any(|stage| stage.name == text.name) {
                problem.help("this is a stage; stages need stages, steps need steps")
            } else {
                problem
            }
        })?;
        if target == index {
            return Err(Diagnostic::error("order::cycle", need.span.clone(), "a step cannot need itself"));
        }
        let from = self.outline.steps[index].stage;
        // A step of another stage without a cell means all of its cells: waiting needs no choice.
        let choice = if text.cell.is_none() && self.outline.steps[target].stage != from {
            Choice::All
        } else {
            self.outline.choose(target, &text, Some(from), &need.span)?
        };
        Ok(Asked { step: target, choice })
    }

    fn cell(
        &mut self,
        index: usize,
        cell: usize,
        shared: &Shared<'d>,
        inputs: IndexMap<String, Source>,
    ) -> PlannedStep {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        let values = &stage.cells[cell];
        let localise = |expr: &Expr| {
            if names::asks(expr) {
                names::localise(expr, self.outline, step.stage, cell)
            } else {
                expr.clone()
            }
        };
        let localise_template = |template: &Template| Template {
            parts: template
                .parts
                .iter()
                .map(
                    |part| {
                        if let Part::Expr(expr) = part { Part::Expr(localise(expr)) } else { part.clone() }
                    },
                )
                .collect(),
        };
        let env =
            shared.env.iter().map(|(name, value)| ((*name).to_owned(), localise_template(value))).collect();
        let with = step.document.with.as_ref().map_or_else(
            || ConfigTemplate::Map(IndexMap::new()),
            |with| configuration::map(&with.value.template, &localise_template),
        );
        let script = shared.script.as_ref().map(|script| Script {
            text: script.text.clone(),
            variables: script.variables.iter().map(|(name, expr)| (name.clone(), localise(expr))).collect(),
            shell: script.shell.clone(),
        });
        let condition = step.document.condition.as_ref().map(|condition| localise(&condition.value.0));
        self.configurations.check(step, &with, values, self.context);
        let action = self.action(index, cell, script);
        let outputs = self.outputs(index, cell);
        let mut after = BTreeSet::new();
        for source in inputs.values() {
            match source {
                Source::Output(output) => {
                    after.insert(output.step);
                }
                Source::AllCells(cells) => after.extend(cells.iter().map(|output| output.step)),
                Source::Data(_) | Source::Baseline(_) | Source::Path(_) => {}
            }
        }
        for asked in shared.asked.iter().chain(&shared.needs) {
            let first = self.outline.steps[asked.step].first;
            match asked.choice {
                Choice::Same => {
                    after.insert(first + cell);
                }
                Choice::One(cell) => {
                    after.insert(first + cell);
                }
                Choice::All => {
                    let cells = self.outline.stages[self.outline.steps[asked.step].stage].cells.len();
                    after.extend(first..first + cells);
                }
            }
        }
        let seed = self.seed(index, cell);
        PlannedStep {
            id: StepId { name: step.name.clone(), cell: values.id.clone() },
            stage: step.stage,
            action,
            with,
            inputs,
            outputs,
            env,
            after: after.into_iter().collect(),
            condition,
            retry: shared.retry.clone(),
            timeout: shared.timeout,
            limits: shared.limits.clone(),
            allow: shared.allow.clone(),
            resources: shared.resources.clone(),
            seed,
            matrix: values.values.clone(),
            params_used: shared.params.iter().cloned().collect(),
            span: step.span.clone(),
            line_number: self.context.line_of(step.span.start),
        }
    }

    fn action(&mut self, index: usize, cell: usize, script: Option<Script>) -> Action {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        match &step.action {
            Some(action::Form::Plugin { uses }) => Action::Plugin { uses: uses.value.clone() },
            Some(action::Form::Container { image, span, build }) => {
                let reason = "the image is known before the run";
                let text = self.context.static_text(image, &stage.cells[cell], stage.keys(), reason);
                let known = text.is_some();
                let text = text.unwrap_or_default();
                if !known {
                    // Reported already.
                } else if *build && let Err(message) = path::check(&text) {
                    self.context.problems.push(Diagnostic::error("container::build", span.clone(), message));
                } else if text.is_empty() || text.contains(char::is_whitespace) {
                    let message = format!("`{text}` is not an image");
                    let problem = Diagnostic::error("container::image", span.clone(), message);
                    self.context
                        .problems
                        .push(problem.help("write `python:3.12-slim` or `registry/name:tag`"));
                }
                Action::Container { image: if *build { format!("build:{text}") } else { text }, run: script }
            }
            Some(action::Form::Process) | None => Action::Process {
                run: script.unwrap_or(Script { text: String::new(), variables: Vec::new(), shell: None }),
            },
        }
    }

    fn outputs(&mut self, index: usize, cell: usize) -> IndexMap<String, Output> {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        let mut outputs: IndexMap<String, Output> = IndexMap::new();
        let mut paths = HashMap::new();
        for (name, output) in step.outputs.iter().filter(|(_, output)| output.always) {
            let mut path = output.default_path.clone();
            if let Some((template, span)) = &output.path {
                let reason = "the place of an output is known before the run";
                let Some(text) = self.context.static_text(template, &stage.cells[cell], stage.keys(), reason)
                else {
                    continue;
                };
                if let Err(message) = path::check(&text) {
                    let problem = Diagnostic::error("output::path", span.clone(), message);
                    self.context.problems.push(problem.help("an output lies below the step's own folder"));
                }
                path = text;
            }
            let path = path::normal(&path);
            if let Some(other) = paths.insert(path.clone(), name) {
                let span = output.path.as_ref().map_or_else(|| step.span.clone(), |(_, span)| span.clone());
                let message = format!("the outputs `{other}` and `{name}` have the same path `{path}`");
                self.context.problems.push(Diagnostic::error("output::same-path", span, message));
            }
            outputs.insert(name.clone(), Output { path, kind: output.kind });
        }
        outputs
    }

    /// `seed:` of the step, the matrix value `seed`, `defaults.seed`, or 0.
    fn seed(&mut self, index: usize, cell: usize) -> u64 {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        let values = &stage.cells[cell];
        if let Some(seed) = &step.document.seed {
            let reason = "the seed is known before the run";
            let text = self.context.static_text(&seed.value.0, values, stage.keys(), reason);
            let Some(text) = text else { return 0 };
            return text.parse().unwrap_or_else(|_| {
                let message = format!("expected a whole number of 0 or more, found `{text}`");
                self.context.problems.push(Diagnostic::error("workflow::type", seed.span.clone(), message));
                0
            });
        }
        let default = self.document.defaults.as_ref().and_then(|defaults| defaults.seed.as_ref());
        values
            .values
            .get("seed")
            .and_then(serde_json::Value::as_u64)
            .or_else(|| default.map(|seed| seed.value))
            .unwrap_or(0)
    }
}

/// Templates of a step that are known before the run.
fn static_templates<'s>(step: &'s StepOutline<'_>) -> impl Iterator<Item = &'s Template> {
    let image = match &step.action {
        Some(action::Form::Container { image, .. }) => Some(*image),
        _ => None,
    };
    let inputs =
        step.document.inputs.iter().flat_map(|table| table.entries.iter().map(|(_, value)| &value.value.0));
    let outputs = step.outputs.values().filter_map(|output| output.path.as_ref().map(|(path, _)| *path));
    let seed = step.document.seed.iter().map(|seed| &seed.value.0);
    inputs.chain(image).chain(outputs).chain(seed)
}
