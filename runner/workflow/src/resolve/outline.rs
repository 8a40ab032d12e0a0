//! Names of stages and steps, cells, plugins and outputs: what references are resolved against.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    ops::Range,
    rc::Rc,
};

use indexmap::IndexMap;

use super::{Context, action, matrix, matrix::Cell};
use crate::{
    diagnostic::Diagnostic,
    document::{OutputSetting, StageDocument, StepDocument, WorkflowDocument},
    expr::Template,
    plan::Kind,
    read::{KeyRule, Name},
    suggest,
    surroundings::PluginManifest,
};

/// Most steps of a plan, cells expanded.
const MAX_STEPS: usize = 50_000;
/// Weight of a list without elements.
const EMPTY_LIST: usize = 16;
/// Names that references use for something else.
const RESERVED: &[&str] = &["data", "baseline"];

/// A stage as far as others need to know it.
pub(crate) struct StageOutline<'d> {
    /// Key under `stages:`.
    pub(crate) name: &'d str,
    /// Bytes of its key.
    pub(crate) span: Range<usize>,
    /// As written.
    pub(crate) document: &'d StageDocument,
    /// Its cells; one without a name where it has no matrix.
    pub(crate) cells: Vec<Cell>,
    /// Whether it has a matrix.
    pub(crate) has_matrix: bool,
    /// Matrix values that every cell has.
    pub(crate) matrix_keys: Vec<String>,
    /// Matrix values that only some cells have.
    pub(crate) partial_keys: Vec<String>,
    /// Size of its largest cell, for budgets.
    pub(crate) cell_weight: usize,
    /// Cells by their name.
    pub(crate) cell_names: HashMap<String, usize>,
    /// Its steps, as indices of [`Outline::steps`].
    pub(crate) steps: Range<usize>,
}

impl StageOutline<'_> {
    /// Keys of the matrix: those that every cell has, and the others.
    pub(crate) fn keys(&self) -> (&[String], &[String]) {
        (&self.matrix_keys, &self.partial_keys)
    }
}

/// A step as far as others need to know it.
pub(crate) struct StepOutline<'d> {
    /// `id`, or a name made from the stage and the position.
    pub(crate) name: String,
    /// Bytes of the `id`, or of the first key.
    pub(crate) span: Range<usize>,
    /// Stage it belongs to.
    pub(crate) stage: usize,
    /// As written.
    pub(crate) document: &'d StepDocument,
    /// Size of what was written, for budgets.
    pub(crate) weight: usize,
    /// What runs; `None` where that is not clear, which has been reported then.
    pub(crate) action: Option<action::Form<'d>>,
    /// What its plugin says about itself, where that is known.
    pub(crate) manifest: Option<Rc<PluginManifest>>,
    /// Its outputs.
    pub(crate) outputs: IndexMap<String, OutputOutline<'d>>,
    /// Whether there may be outputs that are not known: the plugin was not fetched, or the declaration is wrong.
    pub(crate) outputs_open: bool,
    /// Index in the plan of its first cell.
    pub(crate) first: usize,
}

/// An output as far as others need to know it.
pub(crate) struct OutputOutline<'d> {
    /// Path as written.
    pub(crate) path: Option<(&'d Template, Range<usize>)>,
    /// Path where none is written.
    pub(crate) default_path: String,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Whether every run has it: it is declared in the file, or the plugin always writes it.
    pub(crate) always: bool,
}

/// Everything that has a name.
pub(crate) struct Outline<'d> {
    /// Stages in the order of the file.
    pub(crate) stages: Vec<StageOutline<'d>>,
    /// Steps in the order of the file.
    pub(crate) steps: Vec<StepOutline<'d>>,
    /// Steps by name.
    pub(crate) step_names: HashMap<String, usize>,
    /// Number of steps, cells expanded.
    pub(crate) planned: usize,
}

impl<'d> Outline<'d> {
    /// Take stock of a workflow.
    pub(crate) fn new(document: &'d WorkflowDocument, context: &mut Context<'_>) -> Self {
        let mut outline =
            Self { stages: Vec::new(), steps: Vec::new(), step_names: HashMap::new(), planned: 0 };
        let Some(stages) = &document.stages else { return outline };
        for (name, stage) in &stages.entries {
            outline.add_stage(name, stage.key.clone(), &stage.value, context);
        }
        if stages.entries.is_empty() && !stages.broken {
            let problem =
                Diagnostic::error("workflow::empty", stages.key.clone(), "a workflow needs a stage");
            context.problems.push(problem.help("write one under `stages:`"));
        }
        if outline.planned > MAX_STEPS {
            let message = format!("the plan has {} steps, more than {MAX_STEPS}", outline.planned);
            context.problems.push(
                Diagnostic::error("plan::too-large", stages.key.clone(), message)
                    .help("make the matrices smaller, or split the workflow"),
            );
        }
        outline
    }

    fn add_stage(
        &mut self,
        name: &'d str,
        span: Range<usize>,
        document: &'d StageDocument,
        context: &mut Context<'_>,
    ) {
        let index = self.stages.len();
        let has_matrix = document.matrix.is_some();
        let mut cells = document
            .matrix
            .as_ref()
            .map(|matrix| matrix::cells(matrix, context.problems))
            .unwrap_or_default();
        if cells.is_empty() {
            cells.push(Cell::default());
        }
        let size = |cell: &Cell| {
            cell.values.iter().map(|(key, value)| 2 * (16 + key.len()) + matrix::text(value).len()).sum()
        };
        let cell_weight = cells.iter().map(size).max().unwrap_or(0);
        let everywhere = |key: &&String| cells.iter().all(|cell| cell.values.contains_key(*key));
        let matrix_keys: Vec<_> = cells[0].values.keys().filter(everywhere).cloned().collect();
        let partial_keys: Vec<_> = cells
            .iter()
            .flat_map(|cell| cell.values.keys())
            .filter(|key| !matrix_keys.contains(key))
            .cloned()
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        let cell_names =
            cells.iter().enumerate().map(|(index, cell)| (matrix::name(&cell.id), index)).collect();
        let first = self.steps.len();
        let steps = document.steps.as_ref().map(|steps| steps.value.as_slice()).unwrap_or_default();
        for (position, step) in steps.iter().enumerate() {
            let mut step_outline = StepOutline {
                name: format!("{name}-{}", position + 1),
                span: step.key.clone(),
                stage: index,
                document: &step.value,
                weight: step.weight,
                action: None,
                manifest: None,
                outputs: IndexMap::new(),
                outputs_open: step.value.broken,
                first: self.planned,
            };
            if let Some(id) = &step.value.id {
                step_outline.name.clone_from(&id.value);
                step_outline.span = id.span.clone();
                check_id(id, context);
            }
            self.name(&step_outline, context);
            step_outline.action = action::form(&step.value, &step_outline.span, context);
            step_outline.manifest = action::manifest(&step_outline, name, context);
            outputs(&mut step_outline, context);
            self.planned = self.planned.saturating_add(cells.len());
            self.steps.push(step_outline);
        }
        let has_steps = document.steps.as_ref().is_some_and(|steps| steps.weight > EMPTY_LIST);
        let does_something = has_steps || document.promote.is_some() || document.gates.is_some();
        if !does_something && !document.broken {
            let message = format!("the stage `{name}` does nothing");
            context.problems.push(
                Diagnostic::error("stage::empty", span.clone(), message)
                    .help("give it `steps:`, `gates:` or `promote:`"),
            );
        }
        let steps = first..self.steps.len();
        self.stages.push(StageOutline {
            name,
            span,
            document,
            cells,
            has_matrix,
            matrix_keys,
            partial_keys,
            cell_weight,
            cell_names,
            steps,
        });
    }

    fn name(&mut self, step: &StepOutline<'_>, context: &mut Context<'_>) {
        match self.step_names.entry(step.name.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(self.steps.len());
            }
            Entry::Occupied(entry) => {
                let message = format!("there are two steps `{}`", step.name);
                let first = self.steps[*entry.get()].span.clone();
                context.problems.push(
                    Diagnostic::error("step::duplicate", step.span.clone(), message)
                        .help("a step's id is unique in the file, so that references need no stage")
                        .related(first, "first used here"),
                );
            }
        }
    }

    /// The step of a name, or a problem with "did you mean".
    pub(crate) fn step(&self, name: &str, span: &Range<usize>) -> Result<usize, Diagnostic> {
        self.step_names.get(name).copied().ok_or_else(|| {
            let names = self.steps.iter().map(|step| step.name.as_str());
            Diagnostic::error("reference::unknown-step", span.clone(), format!("there is no step `{name}`"))
                .maybe_help(suggest::help(name, names))
        })
    }
}

fn check_id(id: &crate::read::Spanned<String>, context: &mut Context<'_>) {
    if RESERVED.contains(&id.value.as_str()) {
        let message = format!("a step cannot be called `{}`", id.value);
        let problem = Diagnostic::error("workflow::name", id.span.clone(), message);
        context.problems.push(problem.help(format!("references use `{}.` for something else", id.value)));
    } else if !Name::accepts(&id.value) {
        let message = format!("`{}` cannot be the id of a step", id.value);
        context
            .problems
            .push(Diagnostic::error("workflow::name", id.span.clone(), message).help(Name::WORDS));
    }
}

/// Outputs that are declared, and those the plugin knows.
fn outputs(step: &mut StepOutline<'_>, context: &mut Context<'_>) {
    let manifest = step.manifest.clone();
    if matches!(step.action, Some(action::Form::Plugin { .. })) && manifest.is_none() {
        step.outputs_open = true;
    }
    let declared = step.document.outputs.as_ref();
    for (name, setting) in declared.map(|table| table.entries.as_slice()).unwrap_or_default() {
        let port =
            manifest.as_ref().and_then(|manifest| manifest.outputs.iter().find(|port| port.name == *name));
        if let (Some(manifest), None) = (&manifest, port) {
            let names = manifest.outputs.iter().map(|port| port.name.as_str());
            let message = format!("the plugin {} has no output `{name}`", manifest.name);
            context.problems.push(
                Diagnostic::error("output::unknown", setting.key.clone(), message)
                    .maybe_help(suggest::help(name, names).or_else(|| Some("it has no outputs".to_owned()))),
            );
        }
        let (path, kind) = match &setting.value {
            OutputSetting::Path(path) => (Some((&path.0, setting.span.clone())), None),
            OutputSetting::Document(output) => {
                (output.path.as_ref().map(|path| (&path.value.0, path.span.clone())), output.kind.as_ref())
            }
        };
        if let (Some(port), Some(kind)) = (port, kind)
            && !port.kind.connects_to(kind.value)
        {
            let message = format!(
                "the output `{name}` of this plugin is a {}, not a {}",
                word(port.kind),
                word(kind.value)
            );
            context.problems.push(Diagnostic::error("output::kind", kind.span.clone(), message));
        }
        let kind = kind.map(|kind| kind.value).or(port.map(|port| port.kind)).unwrap_or(Kind::Any);
        let default_path = port
            .map(|port| port.default_path.clone())
            .filter(|path| !path.is_empty())
            .unwrap_or_else(|| name.clone());
        step.outputs.insert(name.clone(), OutputOutline { path, default_path, kind, always: true });
    }
    for port in manifest.iter().flat_map(|manifest| &manifest.outputs) {
        if !step.outputs.contains_key(&port.name) {
            let default_path =
                if port.default_path.is_empty() { port.name.clone() } else { port.default_path.clone() };
            let output = OutputOutline { path: None, default_path, kind: port.kind, always: port.required };
            step.outputs.insert(port.name.clone(), output);
        }
    }
    if declared.is_some_and(|table| table.broken) {
        step.outputs_open = true;
    }
    check_variables(
        declared.into_iter().flat_map(|table| table.entries.iter().map(|(name, value)| (name, &value.key))),
        "output",
        context,
    );
}

/// Names that become the same variable (`RUNNER_OUT_A_B`) cannot be told apart.
pub(crate) fn check_variables<'a>(
    names: impl Iterator<Item = (&'a String, &'a Range<usize>)>,
    what: &str,
    context: &mut Context<'_>,
) {
    let mut seen: HashMap<String, (&String, &Range<usize>)> = HashMap::new();
    for (name, span) in names {
        let variable = name.to_ascii_uppercase().replace('-', "_");
        if let Some((first, first_span)) = seen.insert(variable, (name, span)) {
            let message = format!("the {what}s `{first}` and `{name}` would share one variable");
            let problem = Diagnostic::error("step::same-variable", span.clone(), message);
            context
                .problems
                .push(problem.help("rename one of the two").related(first_span.clone(), "the other"));
        }
    }
}

/// The word of a kind.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Dataset => "dataset",
        Kind::Model => "model",
        Kind::Predictions => "predictions",
        Kind::Metrics => "metrics",
        Kind::Tests => "tests",
        Kind::Report => "report",
        Kind::Any => "any",
    }
}
