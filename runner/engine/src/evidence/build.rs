//! Making the evidence of a run that is going on.

use runner_gate::verdict::{Judgement, Verdict};
use runner_store::{Digest, signing::Bundle};
use runner_workflow::plan::{Action, Kind, StageIndex, StepIndex};

use super::{
    BaselineAlias, FILE, IntendedPromotion, JudgedStage, PREDICATE_TYPE, Predicate, RunIdentity, StageEnd,
    Statement, StepIdentity, StepMetric, StepsEnd, Subject, policy_of,
    statement::{FORMAT, STATEMENT_TYPE},
};
use crate::{
    drive::Driver,
    event::{EventKind, StageResult},
    promotion::waits_for,
    record::DataRecord,
};

/// Writes the evidence of what was judged so far: as an object of the store, and as [`FILE`] in the folder of the run. Its
/// digest; `None` where no gate was judged.
pub(crate) fn write(driver: &mut Driver, durable: bool) -> Result<Option<Digest>, String> {
    if driver.judgements.is_empty() {
        return Ok(None);
    }
    let mut statement = serde_json::to_value(driver.statement()).map_err(|error| error.to_string())?;
    driver.facilities.stream.masker().mask_json(&mut statement);
    let statement = serde_json::to_vec(&statement).map_err(|error| error.to_string())?;
    let bytes = Bundle::sign(&statement, driver.signing_key.as_deref()).to_bytes();
    let digest = driver.facilities.store.put_bytes(&bytes).map_err(|error| error.to_string())?.digest;
    if driver.evidence != Some(digest) {
        driver
            .facilities
            .run_dir
            .write_file(FILE, &bytes, durable)
            .map_err(|error| format!("the evidence cannot be written: {error}"))?;
        driver.evidence = Some(digest);
        driver.emit(EventKind::EvidenceRecorded {
            digest: digest.to_string(),
            verdict: driver.verdict(),
            key: driver.signing_key.as_ref().map(|key| key.public().id()),
        });
    }
    Ok(Some(digest))
}

impl Driver {
    /// What the evidence says by now.
    pub(crate) fn statement(&self) -> Statement {
        let policy = policy_of(&self.plan);
        let promotions = self.intended_promotions();
        let predicate = Predicate {
            format: FORMAT,
            run: RunIdentity {
                id: self.run_id.clone(),
                workflow: self.plan.name.clone(),
                file: self.file.clone(),
                workflow_digest: self.workflow_digest.clone(),
                runner_version: self.runner_version.clone(),
                git_commit: self.git.commit.clone(),
                git_branch: self.git.branch.clone(),
                git_dirty: self.git.dirty,
            },
            params: serde_json::to_value(&self.plan.params).unwrap_or_default(),
            data: self.data_records(),
            steps: self.step_identities(),
            metrics: self.measured_numbers(),
            references: self.references.records.clone(),
            policy_digest: policy.digest(),
            policy,
            stages: self.judged_stages(),
            stage_ends: self.stage_ends(),
            baseline: self.references.expected.clone().map(|(model, alias, version)| BaselineAlias {
                model,
                alias,
                version,
            }),
            promotions,
            waivers: self.waived.clone(),
            verdict: Verdict::None,
        };
        let predicate = Predicate { verdict: predicate.overall(), ..predicate };
        Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: self.subjects(&predicate),
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate,
        }
    }

    fn judged_stages(&self) -> Vec<JudgedStage> {
        let cases = self.cases.iter().map(|case| {
            let of_stage = |(stage, judgement): &(usize, Judgement)| {
                (self.plan.stages[*stage].name == case.stage).then(|| judgement.clone())
            };
            JudgedStage {
                case: case.clone(),
                judgements: self.judgements.iter().filter_map(of_stage).collect(),
            }
        });
        cases.collect()
    }

    /// How far each stage came by now.
    fn stage_ends(&self) -> Vec<StageEnd> {
        let stages = self.plan.stages.iter().enumerate();
        let names = |indices: Vec<StageIndex>| {
            indices.into_iter().map(|stage| self.plan.stages[stage].name.clone()).collect()
        };
        stages
            .map(|(index, stage)| {
                let mut after: Vec<StageIndex> = waits_for(&self.plan, index).into_iter().collect();
                after.sort_unstable();
                StageEnd {
                    stage: stage.name.clone(),
                    after: names(after),
                    steps: self.steps_end(index),
                    compares: self.compares_in(index),
                }
            })
            .collect()
    }

    fn steps_end(&self, stage: StageIndex) -> StepsEnd {
        let (progress, steps) = (&self.stages[stage], &self.plan.stages[stage].steps);
        let fine = |step: &StepIndex| matches!(self.facts[*step].outcome, Some("succeeded" | "skipped"));
        match progress.ended {
            _ if steps.is_empty() => StepsEnd::Well,
            _ if progress.failed => StepsEnd::Badly,
            // Skipped by its own condition: what it waits for ended well.
            Some(StageResult::Skipped) if !self.schedule.standing_of_stage(stage).tainted => StepsEnd::Well,
            _ if progress.opened.is_none() => StepsEnd::NotRun,
            Some(StageResult::Cancelled) => StepsEnd::Badly,
            _ if steps.iter().all(fine) => StepsEnd::Well,
            _ => StepsEnd::Badly,
        }
    }

    /// The data sets that were read, by name.
    pub(crate) fn data_records(&self) -> Vec<DataRecord> {
        let mut data: Vec<DataRecord> = self
            .data
            .iter()
            .filter_map(|(name, data)| {
                let object = data.identity.as_ref()?.as_ref().ok()?;
                Some(DataRecord {
                    name: name.clone(),
                    path: self.plan.data.get(name)?.path.clone(),
                    digest: object.digest.to_string(),
                    size: object.size,
                })
            })
            .collect();
        data.sort_by(|a, b| a.name.cmp(&b.name));
        data
    }

    /// Every step that ended well, with what it ran.
    fn step_identities(&self) -> Vec<StepIdentity> {
        let steps = self.plan.steps.iter().enumerate();
        steps
            .filter(|(index, _)| self.facts[*index].outcome == Some("succeeded"))
            .map(|(index, step)| {
                let executor = self.executors[index].as_ref();
                let outputs = self.facts[index].outputs.iter();
                StepIdentity {
                    id: self.ids[index].clone(),
                    stage: self.plan.stages[step.stage].name.clone(),
                    executor: executor.map_or("none", |executor| executor.name()).to_owned(),
                    runs: match &step.action {
                        Action::Plugin { uses } => uses.clone(),
                        Action::Container { container, .. } => container.image.to_string(),
                        Action::Process { run } => run.text.clone(),
                    },
                    digest: executor.and_then(|executor| executor.identity(&step.action)),
                    seed: step.seed,
                    outputs: outputs
                        .map(|(name, published)| (name.clone(), published.object.digest.to_string()))
                        .collect(),
                }
            })
            .collect()
    }

    /// What was measured of a reference is not of this model.
    fn measured_numbers(&self) -> Vec<StepMetric> {
        let steps = self.facts.iter().enumerate();
        let steps = steps.filter(|(index, _)| !self.references.rescored.contains_key(index));
        steps
            .flat_map(|(index, facts)| {
                let metrics = facts.metrics.iter().chain(&facts.host_metrics);
                metrics
                    .map(move |metric| StepMetric { step: self.ids[index].clone(), metric: metric.clone() })
            })
            .collect()
    }

    /// Promotions that the workflow asks for and whose model is there.
    fn intended_promotions(&self) -> Vec<IntendedPromotion> {
        let stages = self.plan.stages.iter().enumerate();
        stages
            .filter_map(|(index, stage)| {
                let promotion = stage.promote.as_ref()?;
                let model = &promotion.model;
                let published = self.facts[model.step].outputs.get(&model.output)?;
                let mut after: Vec<usize> = waits_for(&self.plan, index).into_iter().collect();
                after.push(index);
                after.sort_unstable();
                Some(IntendedPromotion {
                    stage: stage.name.clone(),
                    path: Some(published.path.clone()),
                    output: format!("{}.{}", self.ids[model.step], model.output),
                    digest: published.object.digest,
                    model: promotion.registry.clone(),
                    alias: promotion.alias.clone(),
                    keep: promotion.keep,
                    after: after.into_iter().map(|stage| self.plan.stages[stage].name.clone()).collect(),
                })
            })
            .collect()
    }

    /// The models that are promoted; else all models of the run; else what was judged.
    fn subjects(&self, predicate: &Predicate) -> Vec<Subject> {
        let mut subjects: Vec<Subject> = predicate
            .promotions
            .iter()
            .map(|promotion| Subject::new(promotion.output.clone(), &promotion.digest))
            .collect();
        if subjects.is_empty() {
            for (index, facts) in self.facts.iter().enumerate() {
                if self.references.rescored.contains_key(&index) {
                    continue;
                }
                let models = facts.outputs.iter().filter(|(_, published)| published.kind == Kind::Model);
                subjects.extend(models.map(|(name, published)| {
                    Subject::new(format!("{}.{name}", self.ids[index]), &published.object.digest)
                }));
            }
        }
        if subjects.is_empty() {
            let predictions = predicate.stages.iter().flat_map(|stage| &stage.case.candidate.predictions);
            let digests = predictions
                .map(|output| (&output.step, &output.digest))
                .chain(predicate.data.iter().map(|data| (&data.name, &data.digest)));
            subjects.extend(
                digests.filter_map(|(name, digest)| Some(Subject::new(name.clone(), &digest.parse().ok()?))),
            );
        }
        if subjects.is_empty() {
            // Numbers alone were judged; a statement has to be about something.
            let numbers = serde_json::to_vec(&predicate.stages).unwrap_or_default();
            subjects.push(Subject::new("measurements", &Digest::of_bytes(&numbers)));
        }
        let mut unique: Vec<Subject> = Vec::new();
        for subject in subjects {
            if !unique.contains(&subject) {
                unique.push(subject);
            }
        }
        unique
    }
}
