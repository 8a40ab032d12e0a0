//! Judging the gates of a stage on what its steps, and those of the stages before it, measured.

use std::{collections::BTreeSet, io::Read, sync::Arc};

use runner_gate::{
    Defaults, Evidence, Measurements, ScalarMetric,
    grammar::{Better, Gate},
    metrics,
    predictions::{Format, Predictions, read},
    verdict::{Judgement, Verdict},
};
use runner_store::{Digest, Store};
use runner_workflow::plan::{self, Kind, Plan, Source, StageIndex, StepIndex};

use crate::{
    drive::{Driver, Message},
    event::{EventKind, RunResult, StageResult},
    executor::Metric,
    promotion::waits_for,
    refusal::read_gate,
    scope::StepFacts,
    staging::Published,
};

/// What judging a stage brought.
pub(crate) struct JudgedStage {
    /// In the order of the gates.
    pub(crate) judgements: Vec<Judgement>,
    /// Metrics computed from the predictions of steps of this stage.
    pub(crate) computed: Vec<(StepIndex, Vec<Metric>)>,
    /// What a person should know about the evidence.
    pub(crate) warnings: Vec<String>,
}

/// Predictions that a step published.
#[derive(Clone)]
struct PredictionsOutput {
    step: StepIndex,
    id: String,
    cell: Vec<(String, String)>,
    published: Published,
    test_set: Option<String>,
    /// Of the judged stage itself, not of an earlier one.
    own: bool,
}

/// Everything needed to judge a stage away from the driver.
struct Case {
    store: Store,
    gates: Vec<(plan::PlannedGate, Result<Gate, String>)>,
    defaults: Defaults,
    evidence: Evidence,
    predictions: Vec<PredictionsOutput>,
}

impl Driver {
    /// Judges a stage whose steps all ended well, then promotes.
    pub(crate) fn judge(&mut self, stage: StageIndex) {
        if self.plan.stages[stage].gates.is_empty() && self.predictions(&[stage]).is_empty() {
            self.promote(stage);
            return;
        }
        let case = self.case(stage);
        self.spawn(async move {
            // Predictions may be large.
            let judged = tokio::task::spawn_blocking(move || case.judge()).await;
            let judged = judged.unwrap_or_else(|error| JudgedStage {
                judgements: Vec::new(),
                computed: Vec::new(),
                warnings: vec![format!("judging the gates failed: {error}")],
            });
            Message::Judged(stage, Box::new(judged))
        });
    }

    /// Takes in the judgements of a stage.
    pub(crate) fn judged(&mut self, stage: StageIndex, judged: JudgedStage) {
        let JudgedStage { judgements, computed, warnings } = judged;
        for message in warnings {
            self.facilities.stream.warn("engine::evidence", message);
        }
        for (step, metrics) in computed {
            for metric in &metrics {
                self.emit(EventKind::MetricReported { step: self.ids[step].clone(), metric: metric.clone() });
            }
            self.facts[step].host_metrics = metrics;
        }
        let name = self.plan.stages[stage].name.clone();
        let complete = judgements.len() == self.plan.stages[stage].gates.len();
        if !complete {
            let reason = format!("the gates of stage `{name}` could not be judged");
            self.conclusion.add(RunResult::Internal, reason);
        }
        let mut end = if complete { StageResult::Passed } else { StageResult::Failed };
        for judgement in judgements {
            let said = format!("gate `{}` says {}: {}", judgement.id, judgement.verdict, judgement.message);
            match judgement.verdict {
                Verdict::Error | Verdict::Fail => {
                    self.conclusion.add(RunResult::GateFailed, said);
                    end = StageResult::Failed;
                }
                Verdict::Hold | Verdict::Inconclusive => {
                    self.conclusion.add(RunResult::Held, said);
                    if end == StageResult::Passed {
                        end = StageResult::Held;
                    }
                }
                Verdict::Warn | Verdict::Waived => self.facilities.stream.warn("gate::warn", said),
                Verdict::Pass | Verdict::Info | Verdict::None => {}
            }
            self.emit(EventKind::GateEvaluated { stage: name.clone(), judgement: judgement.clone() });
            self.judgements.push((stage, judgement));
        }
        if end == StageResult::Passed {
            self.promote(stage);
        } else {
            self.finish_stage(stage, end);
        }
    }

    fn case(&self, stage: StageIndex) -> Case {
        let gates = &self.plan.stages[stage].gates;
        let earlier = waits_for(&self.plan, stage);
        // The judged stage first, then those before it from the nearest to the farthest.
        let mut stages: Vec<StageIndex> = vec![stage];
        let mut before: Vec<StageIndex> = earlier.into_iter().collect();
        before.sort_unstable_by(|a, b| b.cmp(a));
        stages.extend(before);
        let predictions = self.predictions(&stages);
        let computed = !predictions.is_empty();
        let scalars = scalars(&self.plan, &self.facts, &stages, computed);
        let declared = &self.plan.metrics;
        Case {
            store: self.facilities.store.clone(),
            gates: gates.iter().map(|gate| (gate.clone(), read_gate(gate))).collect(),
            defaults: defaults(&self.plan),
            evidence: Evidence {
                candidate: Measurements { scalars, ..Measurements::default() },
                references: self.references.clone(),
                event: None,
                units: declared
                    .iter()
                    .filter_map(|(name, metric)| Some((name.clone(), metric.unit.clone()?)))
                    .collect(),
                better: declared
                    .iter()
                    .filter_map(|(name, metric)| {
                        let better = match metric.better? {
                            plan::Better::Higher => Better::Higher,
                            plan::Better::Lower => Better::Lower,
                        };
                        Some((name.clone(), better))
                    })
                    .collect(),
            },
            predictions,
        }
    }

    /// Predictions of the nearest of these stages that has any.
    fn predictions(&self, stages: &[StageIndex]) -> Vec<PredictionsOutput> {
        for (distance, stage) in stages.iter().enumerate() {
            let mut found = Vec::new();
            for step in &self.plan.stages[*stage].steps {
                for published in self.facts[*step].outputs.values() {
                    if published.kind == Kind::Predictions {
                        found.push(PredictionsOutput {
                            step: *step,
                            id: self.ids[*step].clone(),
                            cell: self.plan.steps[*step].id.cell.clone(),
                            published: published.clone(),
                            test_set: self.test_set(*step),
                            own: distance == 0,
                        });
                    }
                }
            }
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Digest of the rows that a step scored: of its one input that holds a data set, or of all of them together.
    fn test_set(&self, step: StepIndex) -> Option<String> {
        let mut digests: Vec<(String, String)> = Vec::new();
        for (name, source) in &self.plan.steps[step].inputs {
            let digest = match source {
                Source::Data(data) => {
                    self.data.get(data)?.identity.as_ref()?.as_ref().ok()?.digest.to_string()
                }
                Source::Output(output) => {
                    let published = self.facts[output.step].outputs.get(&output.output)?;
                    if published.kind != Kind::Dataset {
                        continue;
                    }
                    published.object.digest.to_string()
                }
                Source::AllCells(_) | Source::Baseline(_) | Source::Path(_) => continue,
            };
            digests.push((name.clone(), digest));
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

/// Defaults of the workflow's gates.
pub(crate) fn defaults(plan: &Plan) -> Defaults {
    Defaults {
        confidence: plan.gate_defaults.confidence,
        min_samples: plan.gate_defaults.min_samples,
        rubber_stamp: false,
    }
}

/// Reported numbers that the gates of a stage see.
///
/// A name that a nearer stage measured hides the same name of stages farther away: what training says of itself does not
/// argue with what evaluation found. The cell of a matrix is a slice (`auc[seed=0]`, `min(auc[seed])`); a metric of
/// several cells has no value for the whole. Where steps with different names report the same one, each is a slice
/// `step=NAME` as well, and different values for the whole are an error of the gate that asks for it.
///
/// With `computed`, the host computes the standard metrics from predictions of the nearest stage: reported ones of stages
/// farther away are hidden. One that the same stage reports beside them has to agree, or the gate is an error.
fn scalars(plan: &Plan, facts: &[StepFacts], stages: &[StageIndex], computed: bool) -> Vec<ScalarMetric> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut scalars = Vec::new();
    for (distance, stage) in stages.iter().enumerate() {
        let steps = plan.stages[*stage].steps.iter().copied();
        let steps: Vec<StepIndex> = steps.filter(|step| facts[*step].outcome == Some("succeeded")).collect();
        let mut here: Vec<(&str, StepIndex, &Metric)> = Vec::new();
        for step in steps {
            for metric in &facts[step].metrics {
                let standard = computed && distance > 0 && metrics::Metric::from_name(&metric.name).is_some();
                if !seen.contains(metric.name.as_str()) && !standard {
                    here.push((metric.name.as_str(), step, metric));
                }
            }
        }
        here.sort_by_key(|(name, ..)| *name);
        for group in here.chunk_by(|a, b| a.0 == b.0) {
            let cells: BTreeSet<_> = group.iter().map(|(_, step, _)| &plan.steps[*step].id.cell).collect();
            let names: BTreeSet<_> = group.iter().map(|(_, step, _)| &plan.steps[*step].id.name).collect();
            for (name, step, metric) in group {
                let id = &plan.steps[*step].id;
                let mut slice = metric.slice.clone();
                if cells.len() > 1 {
                    slice.extend(id.cell.iter().cloned());
                }
                let scalar = |slice| ScalarMetric { name: (*name).to_owned(), slice, value: metric.value };
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

impl Case {
    fn judge(mut self) -> JudgedStage {
        let mut warnings = Vec::new();
        let mut computed = Vec::new();
        let several = self.predictions.len() > 1;
        for output in &self.predictions {
            let predictions = match load(&self.store, output) {
                Ok(predictions) => Arc::new(predictions),
                Err(problem) => {
                    warnings.push(format!("the predictions of `{}` cannot be read: {problem}", output.id));
                    continue;
                }
            };
            let summary = metrics::summary(&predictions);
            if several {
                let slice = if output.cell.is_empty() {
                    vec![("step".to_owned(), output.id.clone())]
                } else {
                    output.cell.clone()
                };
                let scalars = summary.iter().map(|(name, value)| ScalarMetric {
                    name: (*name).to_owned(),
                    slice: slice.clone(),
                    value: *value,
                });
                self.evidence.candidate.scalars.extend(scalars);
            } else {
                self.evidence.candidate.test_set_digest.clone_from(&output.test_set);
                self.evidence.candidate.predictions = Some(predictions);
            }
            if output.own {
                let metrics = summary.into_iter().map(|(name, value)| Metric {
                    name: name.to_owned(),
                    value,
                    slice: Vec::new(),
                });
                computed.push((output.step, metrics.collect()));
            }
        }
        let judgements = self.gates.iter().map(|(planned, gate)| match gate {
            Ok(gate) => {
                let mut judgement = runner_gate::judge(gate, &self.evidence, &self.defaults);
                if judgement.verdict == Verdict::Error {
                    // Very likely the reason that something was not measured.
                    for warning in &warnings {
                        judgement.message.push_str("; ");
                        judgement.message.push_str(warning);
                    }
                }
                judgement
            }
            Err(problem) => unreadable(planned, problem),
        });
        JudgedStage { judgements: judgements.collect(), computed, warnings }
    }
}

fn load(store: &Store, output: &PredictionsOutput) -> Result<Predictions, String> {
    let path = &output.published.path;
    let format = Format::of_file_name(path)
        .ok_or_else(|| format!("`{path}` ends neither with .csv, .jsonl nor .parquet"))?;
    let mut bytes = Vec::new();
    let mut file = store.read(&output.published.object.digest).map_err(|error| error.to_string())?;
    file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    read(&bytes, format).map_err(|error| error.to_string())
}

/// A gate that cannot be read is refused before anything runs; should it get here, it blocks.
fn unreadable(planned: &plan::PlannedGate, problem: &str) -> Judgement {
    let text = planned.line.clone().or_else(|| planned.mapping.as_ref().map(ToString::to_string));
    let text = text.unwrap_or_default();
    Judgement {
        id: text.clone(),
        text,
        message: format!("the gate cannot be read: {problem}"),
        ..Judgement::default()
    }
}
