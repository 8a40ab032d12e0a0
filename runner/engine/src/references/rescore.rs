//! Scoring a reference in the same run: the steps that measure the candidate are planned once more, with the same plugin,
//! container or command, configuration and data, and only the model replaced.

use std::collections::{BTreeMap, BTreeSet};

use runner_workflow::plan::{Kind, OutputRef, Plan, Source, StageIndex, StepIndex};

use super::{Rescored, Role};
use crate::promotion::waits_for;

/// The models that a run is about: those it promotes, or, where it promotes none, those that steps take as an input.
pub(crate) fn candidate_models(plan: &Plan, selected: &[bool]) -> Vec<OutputRef> {
    let stages = plan.stages.iter().zip(selected).filter(|(_, selected)| **selected);
    let mut models: Vec<OutputRef> =
        stages.filter_map(|(stage, _)| Some(stage.promote.as_ref()?.model.clone())).collect();
    if models.is_empty() {
        let steps = plan.steps.iter().filter(|step| selected[step.stage]);
        let inputs = steps.flat_map(|step| step.inputs.values());
        models.extend(inputs.filter_map(|source| model_of(plan, source)).cloned());
    }
    let mut unique: Vec<OutputRef> = Vec::new();
    for model in models {
        if !unique.contains(&model) {
            unique.push(model);
        }
    }
    unique
}

/// The output behind an input, where it is a model.
fn model_of<'s>(plan: &Plan, source: &'s Source) -> Option<&'s OutputRef> {
    let Source::Output(output) = source else { return None };
    (plan.steps[output.step].outputs.get(&output.output)?.kind == Kind::Model).then_some(output)
}

/// Adds to the plan the steps that score a reference for the gates of these stages. `Err` says why it cannot be scored.
pub(super) fn add_steps(
    plan: &mut Plan,
    role: Role,
    judged: &[StageIndex],
    candidates: &[OutputRef],
    already: &BTreeMap<StepIndex, Rescored>,
) -> Result<BTreeMap<StepIndex, Rescored>, String> {
    let mut scoring: BTreeMap<StepIndex, BTreeSet<String>> = BTreeMap::new();
    for stage in judged {
        let own = steps_of_stage(plan, *stage, candidates, already)?;
        if own.is_empty() {
            let name = &plan.stages[*stage].name;
            return Err(format!(
                "no step that measures for the gates of stage `{name}` takes a model as an input, so it cannot be scored in this run"
            ));
        }
        scoring.extend(own);
    }
    Ok(copy(plan, role, &scoring))
}

/// The steps that measure the candidate for the gates of a stage, each with its inputs that hold the candidate; none for
/// those that work on what such a step gave.
fn steps_of_stage(
    plan: &Plan,
    stage: StageIndex,
    candidates: &[OutputRef],
    already: &BTreeMap<StepIndex, Rescored>,
) -> Result<BTreeMap<StepIndex, BTreeSet<String>>, String> {
    let earlier = waits_for(plan, stage);
    let mut found: BTreeMap<StepIndex, BTreeSet<String>> = BTreeMap::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let measures = step.stage == stage
            || (earlier.contains(&step.stage)
                && step.outputs.values().any(|output| output.kind == Kind::Predictions));
        if !measures || already.contains_key(&index) {
            continue;
        }
        let models = step.inputs.iter().filter(|(_, source)| model_of(plan, source).is_some());
        let mut inputs: BTreeSet<String> = models.map(|(name, _)| name.clone()).collect();
        if inputs.len() > 1 {
            inputs.retain(|name| {
                model_of(plan, &step.inputs[name]).is_some_and(|model| candidates.contains(model))
            });
            if inputs.len() != 1 {
                return Err(format!(
                    "`{}` takes several models, and it is not clear which one is the candidate: the one that is promoted counts",
                    step.id
                ));
            }
        }
        if !inputs.is_empty() {
            found.insert(index, inputs);
        }
    }
    // What works on the output of such a step, such as one that computes numbers from its predictions. Steps are few.
    loop {
        let more: Vec<StepIndex> = plan
            .steps
            .iter()
            .enumerate()
            .filter(|(index, step)| step.stage == stage && !found.contains_key(index))
            .filter(|(index, _)| !already.contains_key(index))
            .filter(|(_, step)| {
                step.inputs.values().any(|source| match source {
                    Source::Output(output) => found.contains_key(&output.step),
                    Source::AllCells(outputs) => {
                        outputs.iter().any(|output| found.contains_key(&output.step))
                    }
                    _ => false,
                })
            })
            .map(|(index, _)| index)
            .collect();
        if more.is_empty() {
            return Ok(found);
        }
        found.extend(more.into_iter().map(|index| (index, BTreeSet::new())));
    }
}

fn copy(
    plan: &mut Plan,
    role: Role,
    scoring: &BTreeMap<StepIndex, BTreeSet<String>>,
) -> BTreeMap<StepIndex, Rescored> {
    let first = plan.steps.len();
    let copies: BTreeMap<StepIndex, StepIndex> =
        scoring.keys().enumerate().map(|(position, original)| (*original, first + position)).collect();
    let moved = |output: &OutputRef| OutputRef {
        step: copies.get(&output.step).copied().unwrap_or(output.step),
        output: output.output.clone(),
    };
    let mut rescored = BTreeMap::new();
    for (original, models) in scoring {
        let mut step = plan.steps[*original].clone();
        step.id.name = format!("{}@{role}", step.id.name);
        for (name, source) in &mut step.inputs {
            *source = match &*source {
                _ if models.contains(name) => Source::Baseline(role.input().to_owned()),
                Source::Output(output) => Source::Output(moved(output)),
                Source::AllCells(outputs) => Source::AllCells(outputs.iter().map(moved).collect()),
                other => other.clone(),
            };
        }
        for after in &mut step.after {
            *after = copies.get(after).copied().unwrap_or(*after);
        }
        let index = plan.steps.len();
        let steps = &mut plan.stages[step.stage].steps;
        // Shown beside the step that it repeats.
        let place = steps.iter().position(|step| step == original).map_or(steps.len(), |place| place + 1);
        steps.insert(place, index);
        plan.steps.push(step);
        rescored.insert(index, Rescored { role, original: *original });
    }
    rescored
}
