//! What reports need of a run's plan, which is recorded beside its events.

use std::collections::HashMap;

use runner_engine::record::RunRecord;
use runner_store::{Digest, RecordedRun};
use runner_workflow::plan::{Better, Kind};
use serde::Deserialize;

/// The plan as far as reports look at it. A plan that cannot be read, as of a run that was killed at once, is an empty one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PlanOutline {
    #[serde(default)]
    metrics: HashMap<String, Declaration>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Declaration {
    better: Option<Better>,
}

#[derive(Debug, Deserialize)]
struct Step {
    id: runner_workflow::plan::StepId,
    inputs: serde_json::Map<String, serde_json::Value>,
}

/// Where an input comes from, as far as it can be a data set.
#[derive(Debug, Deserialize)]
enum Source {
    Data(String),
    Output { step: usize, output: String },
}

impl PlanOutline {
    /// Read the plan of a run.
    pub(crate) fn read(run: &RecordedRun) -> Self {
        run.plan().unwrap_or_default()
    }

    /// Which way a metric gets better: as the workflow declares, else as its definition says.
    pub(crate) fn better(&self, metric: &str) -> Option<Better> {
        let declared = self.metrics.get(metric).and_then(|declaration| declaration.better);
        declared.or_else(|| {
            runner_gate::metrics::better(metric).map(|better| match better {
                runner_gate::grammar::Better::Higher => Better::Higher,
                runner_gate::grammar::Better::Lower => Better::Lower,
            })
        })
    }

    /// Digest of the rows that a step worked on: of its one input that holds a data set, or of all of them together, as the gates
    /// compare it. None where it has no such input, or one whose digest is not recorded.
    pub(crate) fn test_set(&self, record: &RunRecord, step: &str) -> Option<String> {
        let planned = self.steps.iter().find(|planned| planned.id.to_string() == step)?;
        let mut digests: Vec<(&str, String)> = Vec::new();
        for (name, source) in &planned.inputs {
            let digest = match serde_json::from_value::<Source>(source.clone()) {
                Ok(Source::Data(data)) => record.data.iter().find(|known| known.name == data)?.digest.clone(),
                Ok(Source::Output { step, output }) => {
                    let id = self.steps.get(step)?.id.to_string();
                    let mut artifacts = record
                        .stages
                        .iter()
                        .flat_map(|stage| &stage.steps)
                        .filter(|step| step.id == id)
                        .flat_map(|step| &step.artifacts);
                    let artifact = artifacts.find(|artifact| artifact.output == output)?;
                    if artifact.kind != Kind::Dataset {
                        continue;
                    }
                    artifact.digest.clone()
                }
                // No data set: a path of the workspace, or a model.
                Err(_) => continue,
            };
            digests.push((name, digest));
        }
        digests.sort_unstable();
        match digests.as_slice() {
            [] => None,
            [(_, digest)] => Some(digest.clone()),
            many => {
                let lines: Vec<String> =
                    many.iter().map(|(name, digest)| format!("{name} {digest}")).collect();
                Some(Digest::of_bytes(lines.join("\n").as_bytes()).to_string())
            }
        }
    }
}
