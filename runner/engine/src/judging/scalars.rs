//! The reported numbers that the gates of a stage see.

use std::collections::BTreeSet;

use runner_gate::metrics;
use runner_workflow::plan::{Plan, StageIndex, StepId, StepIndex};

use crate::{executor::Metric, scope::StepFacts};

/// Reported numbers that the gates of a stage see.
///
/// A name that a nearer stage measured hides the same name of stages farther away: what training says of itself does not
/// argue with what evaluation found. The cell of a matrix is a slice (`auc[seed=0]`, `min(auc[seed])`); a metric of
/// several cells has no value for the whole. Where steps with different names report the same one, each is a slice
/// `step=NAME` as well, and different values for the whole are an error of the gate that asks for it.
///
/// With `computed`, the host computes the standard metrics from predictions of the nearest stage: reported ones of stages
/// farther away are hidden. One that the same stage reports beside them has to agree, or the gate is an error.
///
/// `counts` gives the name under which a step measured the model in question, and nothing for steps that measured another.
pub(super) fn scalars<'p>(
    plan: &'p Plan,
    facts: &[StepFacts],
    stages: &[StageIndex],
    computed: bool,
    counts: &dyn Fn(StepIndex) -> Option<&'p StepId>,
) -> Vec<Metric> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut scalars = Vec::new();
    for (distance, stage) in stages.iter().enumerate() {
        let steps = plan.stages[*stage].steps.iter().copied();
        let steps = steps.filter(|step| facts[*step].outcome == Some("succeeded"));
        let mut here: Vec<(&str, &StepId, &Metric)> = Vec::new();
        for (step, id) in steps.filter_map(|step| Some((step, counts(step)?))) {
            for metric in &facts[step].metrics {
                let standard = computed && distance > 0 && metrics::Metric::from_name(&metric.name).is_some();
                if !seen.contains(metric.name.as_str()) && !standard {
                    here.push((metric.name.as_str(), id, metric));
                }
            }
        }
        here.sort_by_key(|(name, ..)| *name);
        for group in here.chunk_by(|a, b| a.0 == b.0) {
            let cells: BTreeSet<_> = group.iter().map(|(_, id, _)| &id.cell).collect();
            let names: BTreeSet<_> = group.iter().map(|(_, id, _)| &id.name).collect();
            for (name, id, metric) in group {
                let mut slice = metric.slice.clone();
                if cells.len() > 1 {
                    slice.extend(id.cell.iter().cloned());
                }
                let scalar = |slice| Metric { name: (*name).to_owned(), slice, value: metric.value };
                if names.len() > 1 {
                    let mut of_step = slice.clone();
                    of_step.push(("step".to_owned(), id.name.clone()));
                    scalars.push(scalar(of_step));
                }
                scalars.push(scalar(slice));
            }
        }
        seen.extend(here.iter().map(|(name, ..)| *name));
    }
    scalars
}
