//! From the document to the plan: what the words of a workflow mean, and everything that is wrong with them.

mod action;
mod configuration;
mod container;
mod expand;
mod gates;
mod inputs;
mod matrix;
mod names;
mod order;
mod outline;
mod params;
mod path;
mod promote;
mod reference;
mod scope;
mod script;
mod services;
mod settings;
mod top;
mod unavailable;

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    rc::Rc,
};

use indexmap::IndexMap;

use self::{matrix::Cell, outline::Outline, scope::StaticScope};
use crate::{
    check::CheckOptions,
    diagnostic::Diagnostic,
    document::WorkflowDocument,
    expr::{self, Names, Template},
    plan::{Output, OutputRef, Plan, PlannedStage, PlannedStep, Source, StageIndex, Unavailable},
    problems::Problems,
    surroundings::{PluginManifest, Surroundings},
};

/// What every part of resolving needs.
pub(crate) struct Context<'c> {
    /// The world outside.
    surroundings: &'c dyn Surroundings,
    /// Problems so far.
    problems: &'c mut Problems,
    /// Source text without its byte order mark, and the length of that mark.
    text: &'c str,
    base: usize,
    /// Offsets at which lines start, in bytes of the source.
    lines: Vec<usize>,
    /// Parameters.
    params: IndexMap<String, serde_json::Value>,
    /// Manifests by `uses:`.
    manifests: HashMap<String, Option<Rc<PluginManifest>>>,
    /// What this version cannot do.
    unavailable: Vec<Unavailable>,
    /// Data sets that something refers to.
    used_data: HashSet<String>,
    /// Parameters that something refers to.
    used_params: HashSet<String>,
}

impl Context<'_> {
    /// Line of an offset, from 1.
    fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// Note something that this version cannot do.
    fn unavailable(&mut self, key: &str, span: &Range<usize>, stage: Option<StageIndex>) {
        self.unavailable.push(Unavailable { key: key.to_owned(), span: span.clone(), stage });
    }

    /// The text of a template that must be known before the run, or `None` with the problem reported.
    fn static_text(
        &mut self,
        template: &Template,
        cell: &Cell,
        (matrix_keys, partial): (&[String], &[String]),
        reason: &'static str,
    ) -> Option<String> {
        if let Some(text) = template.as_text() {
            return Some(text.to_owned());
        }
        let names = Names {
            roots: expr::STATIC,
            reason,
            params: &self.params,
            matrix: matrix_keys,
            partial,
            env: &[],
        };
        let mut found = Vec::new();
        for expr in template.exprs() {
            names.check(expr, &mut |problem| found.push(problem), &mut |_| {});
            for path in expr.paths().into_iter().filter(|path| path.len() > 1 && path[0] == "params") {
                self.used_params.insert(path[1].clone());
            }
            if expr.asks_for_status() {
                let message = format!("how the run goes is not known here: {reason}");
                found.push(Diagnostic::error("expr::name-not-here", expr.span.clone(), message));
            }
        }
        if !found.is_empty() {
            self.problems.extend(found);
            return None;
        }
        match (StaticScope { params: &self.params, cell }).render(template) {
            Ok(text) => Some(text),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// Bytes of a part of a scalar's text, where the text stands in the source as it is; else of the whole scalar.
    fn part_of(&self, span: &Range<usize>, text: &str, range: &Range<usize>) -> Range<usize> {
        let raw = self.text.get(span.start - self.base..span.end - self.base).unwrap_or("");
        match raw.find(text) {
            Some(offset) if !text.is_empty() && !range.is_empty() => {
                span.start + offset + range.start..span.start + offset + range.end
            }
            _ => span.clone(),
        }
    }
}

/// Resolve a workflow. The plan has no meaning if there are errors.
pub(crate) fn resolve(
    document: &WorkflowDocument,
    (text, base): (&str, usize),
    options: &CheckOptions,
    surroundings: &dyn Surroundings,
    problems: &mut Problems,
) -> Plan {
    let lines = std::iter::once(0)
        .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1 + base))
        .collect();
    let params = params::resolve(document.params.as_ref(), options, surroundings, problems);
    let context = &mut Context {
        surroundings,
        problems,
        text,
        base,
        lines,
        params,
        manifests: HashMap::new(),
        unavailable: Vec::new(),
        used_data: HashSet::new(),
        used_params: HashSet::new(),
    };
    let data = top::data(document, context);
    let metrics = top::metrics(document);
    let units =
        metrics.iter().filter_map(|(name, metric)| Some((name.clone(), metric.unit.clone()?))).collect();
    let baseline = top::baseline(document, context);
    let secrets = top::secrets(document, context);
    let policy = top::policy(document);
    let gate_defaults = top::gate_defaults(document, context);
    top::event(document, context);

    let outline = Outline::new(document, context);
    let needs = order::stage_needs(&outline, context);
    let mut order = order::Order::new(&outline, &needs);
    let mut steps = expand::steps(document, &outline, &data, baseline.is_some(), &mut order, context);
    let mut stages = Vec::with_capacity(outline.stages.len());
    for (index, (stage, needs)) in outline.stages.iter().zip(needs).enumerate() {
        let condition = names::stage_condition(stage, &outline, index, &mut order, context);
        let promote = promote::promote(stage, &outline, index, &mut order, context);
        let gates = gates::gates(stage.document, &units, context);
        let services = services::services(stage, &outline, context);
        let planned = |step: usize| {
            let first = outline.steps[step].first;
            first..first + stage.cells.len()
        };
        stages.push(PlannedStage {
            name: stage.name.to_owned(),
            needs,
            condition,
            environment: stage.document.environment.as_ref().map(|name| name.value.clone()),
            services,
            max_parallel: stage
                .document
                .matrix
                .as_ref()
                .and_then(|matrix| matrix.max_parallel.as_ref())
                .map(|most| usize::try_from(most.value).unwrap_or(usize::MAX)),
            steps: stage.steps.clone().flat_map(planned).collect(),
            gates,
            promote,
            span: stage.span.clone(),
        });
    }
    order.check(&outline, context);
    add_optional_outputs(&mut steps, &stages, &outline);
    if !context.problems.has_errors() {
        top::unused(document, context);
    }

    let name = document.name.as_ref().map_or_else(|| stem(&options.file_name), |name| name.value.clone());
    let mut unavailable = std::mem::take(&mut context.unavailable);
    unavailable.sort_by_key(|item| item.span.start);
    unavailable.dedup_by(|a, b| a.key == b.key && a.span == b.span && a.stage == b.stage);
    Plan {
        name,
        params: std::mem::take(&mut context.params),
        data,
        metrics,
        baseline,
        secrets,
        policy,
        triggers: top::triggers(document),
        report: top::report(document),
        gate_defaults,
        stages,
        steps,
        unavailable,
    }
}

/// An output that a plugin writes only when asked is planned where something refers to it.
fn add_optional_outputs(steps: &mut [PlannedStep], stages: &[PlannedStage], outline: &Outline<'_>) {
    let mut wanted: HashSet<OutputRef> =
        stages.iter().filter_map(|stage| Some(stage.promote.as_ref()?.model.clone())).collect();
    for source in steps.iter().flat_map(|step| step.inputs.values()) {
        match source {
            Source::Output(output) => {
                wanted.insert(output.clone());
            }
            Source::AllCells(outputs) => wanted.extend(outputs.iter().cloned()),
            Source::Data(_) | Source::Baseline(_) | Source::Path(_) => {}
        }
    }
    for OutputRef { step, output } in wanted {
        let Some(planned) = steps.get_mut(step) else { continue };
        if planned.outputs.contains_key(&output) {
            continue;
        }
        let known = outline
            .step_names
            .get(&planned.id.name)
            .and_then(|index| outline.steps[*index].outputs.get(&output));
        if let Some(known) = known {
            let path = path::normal(&known.default_path);
            planned.outputs.insert(output, Output { path, kind: known.kind });
        }
    }
}

/// `workflows/quickstart.yml` is called `quickstart`.
fn stem(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name);
    if stem.is_empty() { "workflow".to_owned() } else { stem.to_owned() }
}
