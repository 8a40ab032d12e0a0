//! Which stages a run considers: `--stage` and `--until`.

use runner_workflow::plan::{Plan, StageIndex};

use crate::options::EngineError;

/// One flag for each stage of the plan. Without a filter all are selected.
///
/// `--until S` selects S and every stage that stands before it in the file. `--stage S` selects S alone; several names
/// select several. Both bring in the stages whose outputs a selected step uses, because there is no other place to get
/// them from. The order of stages (`needs`) that are left out is left out with them, and so are their gates: what they
/// would have measured is missing, which no gate and no promotion takes for a pass.
pub(crate) fn select_stages(
    plan: &Plan,
    stages: &[String],
    until: Option<&str>,
) -> Result<Vec<bool>, EngineError> {
    let find = |name: &str| -> Result<StageIndex, EngineError> {
        let found = plan.stages.iter().position(|stage| stage.name == name);
        found.ok_or_else(|| EngineError::UnknownStage {
            name: name.to_owned(),
            known: plan.stages.iter().map(|stage| stage.name.clone()).collect(),
        })
    };
    let last = until.map(find).transpose()?;
    let mut selected = vec![stages.is_empty(); plan.stages.len()];
    for name in stages {
        selected[find(name)?] = true;
    }
    if let Some(last) = last {
        for flag in &mut selected[last + 1..] {
            *flag = false;
        }
    }
    let mut open: Vec<StageIndex> = (0..selected.len()).filter(|stage| selected[*stage]).collect();
    while let Some(stage) = open.pop() {
        let promoted = plan.stages[stage].promote.iter().map(|promotion| promotion.model.step);
        let used = plan.stages[stage].steps.iter().flat_map(|step| plan.steps[*step].after.iter().copied());
        for step in promoted.chain(used) {
            let needed = plan.steps[step].stage;
            if !selected[needed] {
                selected[needed] = true;
                open.push(needed);
            }
        }
    }
    Ok(selected)
}
