//! Judging the gates of a stage on what its steps, and those of the stages before it, measured.

pub mod case;
mod scalars;

use runner_gate::verdict::{self, Verdict};
use runner_store::Digest;
use runner_workflow::plan::{Kind, Source, StageIndex, StepIndex};

use case::{
    Case, CaseReference, CaseReferences, Computed, Frame, GateText, Judged, Measured, PredictionsOutput,
};

use crate::{
    drive::{Driver, Message},
    event::{EventKind, RunResult, StageResult},
    promotion::waits_for,
    references::Role,
    waiver,
};

/// What judging a stage brought.
pub(crate) struct JudgedStage {
    /// What it was judged on.
    pub(crate) case: Case,
    pub(crate) judged: Judged,
}

impl Driver {
    /// Judges a stage whose steps all ended well, then promotes.
    pub(crate) fn judge(&mut self, stage: StageIndex) {
        let none = self.plan.stages[stage].gates.is_empty();
        if none && self.predictions(&[stage], None).is_empty() {
            self.promote(stage);
            return;
        }
        let case = self.case(stage);
        let store = self.facilities.store.clone();
        self.spawn(async move {
            let theirs = case.clone();
            // Predictions may be large.
            let judged = tokio::task::spawn_blocking(move || theirs.judge(&store)).await;
            let judged = judged.unwrap_or_else(|error| Judged {
                warnings: vec![format!("judging the gates failed: {error}")],
                ..Judged::default()
            });
            Message::Judged(stage, Box::new(JudgedStage { case, judged }))
        });
    }

    /// Takes in the judgements of a stage.
    pub(crate) fn judged(&mut self, stage: StageIndex, judged: JudgedStage) {
        let JudgedStage { case, judged } = judged;
        let Judged { mut judgements, computed, warnings } = judged;
        let now = Some(jiff::Timestamp::now());
        let waivers = waiver::apply(&self.waivers, &self.plan.name, &case, &mut judgements, now);
        for (code, note) in waivers.notes {
            self.facilities.stream.warn(code, note);
        }
        self.waived.extend(waivers.used);
        for message in warnings {
            self.facilities.stream.warn("engine::evidence", message);
        }
        for Computed { step: id, of_reference, metrics } in computed {
            // What an earlier stage published was told when that was judged; what another run published, in that run.
            let step = self.by_id.get(&id).copied().filter(|step| {
                self.plan.steps[*step].stage == stage
                    && self.references.rescored.contains_key(step) == of_reference
            });
            let Some(step) = step else { continue };
            for metric in &metrics {
                self.emit(EventKind::MetricReported { step: id.clone(), metric: metric.clone() });
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
        self.cases.push(case);
        if end == StageResult::Passed {
            self.promote(stage);
        } else {
            self.finish_stage(stage, end);
        }
    }

    /// The verdict over everything that was judged so far.
    pub(crate) fn verdict(&self) -> Verdict {
        verdict::overall(self.judgements.iter().map(|(_, judgement)| judgement))
    }

    fn case(&self, stage: StageIndex) -> Case {
        let planned = &self.plan.stages[stage];
        let earlier = waits_for(&self.plan, stage);
        // The judged stage first, then those before it from the nearest to the farthest.
        let mut stages: Vec<StageIndex> = vec![stage];
        let mut before: Vec<StageIndex> = earlier.into_iter().collect();
        before.sort_unstable_by(|a, b| b.cmp(a));
        stages.extend(before);
        let candidate = self.measured(&stages, None);
        let reference = |role| self.reference(role, stage, &stages, &candidate);
        Case {
            stage: planned.name.clone(),
            gates: planned.gates.iter().map(GateText::from).collect(),
            frame: Frame::new(&self.plan.gate_defaults, &self.plan.metrics, self.references.rubber_stamp),
            event: self.purpose(stage),
            references: CaseReferences {
                baseline: reference(Role::Baseline),
                anchor: reference(Role::Anchor),
                previous: reference(Role::Previous),
            },
            candidate,
        }
    }

    /// What the verdict of a stage is for, as `on-inconclusive` names it.
    fn purpose(&self, stage: StageIndex) -> Option<String> {
        let promotes = self.plan.stages.iter().enumerate().any(|(index, planned)| {
            planned.promote.is_some() && (index == stage || waits_for(&self.plan, index).contains(&stage))
        });
        let event = self.event.get("name").and_then(|name| name.as_str());
        if promotes { Some("promote".to_owned()) } else { event.map(str::to_owned) }
    }

    /// What the gates of a stage see of a reference.
    fn reference(
        &self,
        role: Role,
        stage: StageIndex,
        stages: &[StageIndex],
        candidate: &Measured,
    ) -> CaseReference {
        if let Some(reason) = self.references.unreadable.get(&role) {
            return CaseReference::Unreadable(reason.clone());
        }
        if let Some(stored) = self.references.stored.get(&role) {
            let stored = stored.of_stage(&self.plan.stages[stage].name);
            return match &stored {
                CaseReference::Measured(earlier) => {
                    candidate.differs_from(earlier).map_or(stored, CaseReference::Unreadable)
                }
                _ => stored,
            };
        }
        if self.references.models.contains_key(&role) {
            return CaseReference::Measured(self.measured(stages, Some(role)));
        }
        CaseReference::Absent
    }

    /// What was measured of the candidate, or of a reference that was scored again.
    fn measured(&self, stages: &[StageIndex], role: Option<Role>) -> Measured {
        let predictions = self.predictions(stages, role);
        let computed = !predictions.is_empty();
        let counts = |step| self.counts_as(step, role).map(|step| &self.plan.steps[step].id);
        Measured {
            scalars: scalars::scalars(&self.plan, &self.facts, stages, computed, &counts),
            test_set: if computed { None } else { self.test_set_of_numbers(stages, role) },
            predictions,
        }
    }

    /// The step that this one stands for where it measured the model in question: itself for the candidate, its original
    /// for a reference.
    fn counts_as(&self, step: StepIndex, role: Option<Role>) -> Option<StepIndex> {
        match (self.references.rescored.get(&step), role) {
            (None, None) => Some(step),
            (Some(again), Some(role)) if again.role == role => Some(again.original),
            _ => None,
        }
    }

    /// Predictions of the nearest of these stages that has any.
    fn predictions(&self, stages: &[StageIndex], role: Option<Role>) -> Vec<PredictionsOutput> {
        for stage in stages {
            let mut found = Vec::new();
            for step in &self.plan.stages[*stage].steps {
                let Some(original) = self.counts_as(*step, role) else { continue };
                for published in self.facts[*step].outputs.values() {
                    if published.kind == Kind::Predictions {
                        let cell = &self.plan.steps[*step].id.cell;
                        found.push(PredictionsOutput {
                            step: self.ids[*step].clone(),
                            slice: if cell.is_empty() {
                                vec![("step".to_owned(), self.ids[original].clone())]
                            } else {
                                cell.clone()
                            },
                            path: published.path.clone(),
                            digest: published.object.digest.to_string(),
                            test_set: self.test_set(*step),
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

    /// Digest of the rows behind the numbers that steps of the nearest of these stages reported.
    fn test_set_of_numbers(&self, stages: &[StageIndex], role: Option<Role>) -> Option<String> {
        let reported =
            |step: &StepIndex| !self.facts[*step].metrics.is_empty() && self.counts_as(*step, role).is_some();
        let stage = stages.iter().find(|stage| self.plan.stages[**stage].steps.iter().any(reported))?;
        let steps = self.plan.stages[*stage].steps.iter().copied().filter(reported);
        let sets: Vec<String> = steps.filter_map(|step| self.test_set(step)).collect();
        case::together(sets.iter().map(String::as_str).collect())
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
