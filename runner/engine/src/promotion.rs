//! Promotion of a model once its gates allow it, with its lineage.

use std::collections::HashSet;

use runner_gate::verdict::{Judgement, Verdict};
use runner_store::{Change, ChangeKind, Digest, Expected, NewVersion, Registry, RegistryError, Store};
use runner_workflow::plan::{Action, Plan, StageIndex};
use serde_json::{Value, json};

use crate::{
    drive::{Driver, Message},
    event::{EventKind, RunResult, StageResult},
    evidence::{self, Ruling, StepsEnd, UNJUDGED, lets_through, policy_of},
    judging::case::Case,
    references::{Role, roles_of},
    refusal::read_gate,
};

/// What came of a promotion.
pub(crate) enum PromotionEnd {
    /// The alias points to the model.
    Made { version: u64, previous: Option<u64>, digest: Digest },
    /// Somebody else moved the alias since the comparison was made.
    Moved(String),
    /// The registry could not do it.
    Impossible(String),
}

impl Driver {
    /// Promotes the model of a stage whose gates allow it, or says why not. To be called once per stage, when everything
    /// else of it is done.
    pub(crate) fn promote(&mut self, stage: StageIndex) {
        let Some(promotion) = self.plan.stages[stage].promote.clone() else {
            self.finish_stage(stage, StageResult::Passed);
            return;
        };
        let published = self.facts[promotion.model.step].outputs.get(&promotion.model.output).cloned();
        let refusal = match &published {
            None => Some(format!("`{}` gave no model", self.ids[promotion.model.step])),
            Some(_) => self.why_not(stage, promotion.model.step),
        };
        let (Some(published), None) = (published, refusal.clone()) else {
            let reason = refusal.unwrap_or_default();
            // A run that is held is not more than held because of it.
            let held = self.conclusion.result().0 == RunResult::Held;
            self.refuse(stage, if held { RunResult::Held } else { RunResult::GateFailed }, reason);
            return;
        };
        let digest = published.object.digest;
        let evidence = match evidence::write(self, false) {
            Ok(evidence) => evidence,
            Err(reason) => {
                self.refuse(stage, RunResult::Environment, reason);
                return;
            }
        };
        let mut new = NewVersion {
            digest,
            run: Some(self.run_id.clone()),
            lineage: self.lineage(stage, promotion.model.step, &promotion.model.output),
            metrics: self.metrics_of_promotion(stage),
            evidence: json!({
                "digest": evidence,
                "policy": policy_of(&self.plan).digest(),
                "verdict": overall(&self.judgements),
                "judgements": self.judgements.iter().map(|(_, judgement)| judgement).collect::<Vec<_>>(),
            }),
            keep: promotion.keep,
            change: Change {
                run: Some(self.run_id.clone()),
                by: self.actor.clone(),
                why: Some(format!("the gates of `{}` allow it", self.plan.name)),
                evidence,
                kind: ChangeKind::Promotion,
            },
        };
        let masker = self.facilities.stream.masker();
        masker.mask_json(&mut new.lineage);
        masker.mask_json(&mut new.metrics);
        masker.mask_json(&mut new.evidence);
        let store = self.facilities.store.clone();
        let registry = self.registry.clone();
        let expected = match &self.references.expected {
            Some((model, alias, version))
                if *model == promotion.registry && *alias == promotion.alias && self.compares(stage) =>
            {
                Expected::Version(*version)
            }
            _ => Expected::Anything,
        };
        let predictions = self.judged_predictions();
        self.spawn(async move {
            let made =
                make(&store, registry, &promotion.registry, &promotion.alias, new, expected, predictions);
            let end = match made.await {
                Ok((version, previous)) => PromotionEnd::Made { version, previous, digest },
                Err(error @ RegistryError::Moved { .. }) => PromotionEnd::Moved(error.to_string()),
                Err(error) => PromotionEnd::Impossible(error.to_string()),
            };
            Message::Promotion(stage, end)
        });
    }

    /// Takes in what came of a promotion.
    pub(crate) fn promoted(&mut self, stage: StageIndex, end: PromotionEnd) {
        match end {
            PromotionEnd::Made { version, previous, digest } => {
                if let Some(promotion) = &self.plan.stages[stage].promote {
                    self.emit(EventKind::Promoted {
                        stage: self.plan.stages[stage].name.clone(),
                        model: promotion.registry.clone(),
                        alias: promotion.alias.clone(),
                        version,
                        digest: digest.to_string(),
                        previous,
                    });
                }
                self.finish_stage(stage, StageResult::Passed);
            }
            PromotionEnd::Moved(reason) => self.refuse(
                stage,
                RunResult::Denied,
                format!("{reason}; run again to compare with the model that is there now"),
            ),
            PromotionEnd::Impossible(reason) => self.refuse(stage, RunResult::Environment, reason),
        }
    }

    fn refuse(&mut self, stage: StageIndex, result: RunResult, reason: String) {
        if let Some(promotion) = &self.plan.stages[stage].promote {
            let (model, alias) = (promotion.registry.clone(), promotion.alias.clone());
            self.conclusion.add(result, format!("{model}@{alias} was not promoted: {reason}"));
            let stage = self.plan.stages[stage].name.clone();
            self.emit(EventKind::PromotionRefused { stage, model, alias, reason });
        }
        self.finish_stage(stage, StageResult::Failed);
    }

    /// Why a model made by `step` may not be promoted now; `None` if it may.
    ///
    /// Everything in the run so far must have gone well, the gates of every stage that this one waits for must have been
    /// judged in this run (not left out or skipped) and allow it, their steps must have run, and at least one gate must have
    /// let through this very model. Promotions by hand ask the same of evidence: see [`evidence::Predicate::allows`].
    fn why_not(&self, stage: StageIndex, step: usize) -> Option<String> {
        if self.stopped.is_some() || self.facilities.cancel.is_requested() {
            return Some("the run was cancelled".to_owned());
        }
        let blocking = self.judgements.iter().find(|(_, judgement)| judgement.verdict.blocks());
        if let Some((_, judgement)) = blocking {
            return Some(format!(
                "the gate `{}` says {}: {}",
                judgement.id, judgement.verdict, judgement.message
            ));
        }
        if let (_, Some(reason)) = self.conclusion.result() {
            return Some(reason);
        }
        if self.schedule.stage_cause(stage).1 {
            return Some("something that its stage waits for failed".to_owned());
        }
        if let Some(stage) = self.unjudged(stage) {
            return Some(format!("the gates of stage `{stage}` were not judged in this run"));
        }
        if let Some(stage) = self.still_judging(stage, step) {
            return Some(format!(
                "the gates of stage `{stage}` judge this model too, and have not been judged yet: let this stage wait for it (`needs:`)"
            ));
        }
        let ends = self.stage_ends();
        let before = waits_for(&self.plan, stage);
        let unfinished = (0..ends.len()).filter(|stage| before.contains(stage));
        if let Some(end) = unfinished.map(|stage| &ends[stage]).find(|end| end.steps != StepsEnd::Well) {
            return Some(format!("the steps of stage `{}` {}", end.stage, end.steps));
        }
        let about = [self.plan.stages[self.plan.steps[step].stage].name.as_str()];
        let judgements = self.judgements.iter();
        let judgements = judgements.map(|(stage, judged)| (self.plan.stages[*stage].name.as_str(), judged));
        let judged = lets_through(&about, &ends, judgements, Ruling::OfGates);
        (!judged).then(|| UNJUDGED.to_owned())
    }

    /// The first stage with gates, among this one and those it waits for, that was left out or skipped.
    fn unjudged(&self, stage: StageIndex) -> Option<&str> {
        let awaited = waits_for(&self.plan, stage);
        let mut gated = self.plan.stages.iter().enumerate().filter(|(index, planned)| {
            (*index == stage || awaited.contains(index)) && !planned.gates.is_empty()
        });
        let (_, missing) =
            gated.find(|(_, planned)| !self.cases.iter().any(|case| case.stage == planned.name))?;
        Some(&missing.name)
    }

    /// A stage with gates that waits for the one that made the model, and has not ended: whether a model is promoted must not
    /// hang on who is faster.
    fn still_judging(&self, stage: StageIndex, step: usize) -> Option<&str> {
        let about = self.plan.steps[step].stage;
        let open = self.schedule.stages_open().into_iter().filter(|open| *open != stage);
        let mut judging = open.filter(|open| {
            let awaited = waits_for(&self.plan, *open);
            !self.plan.stages[*open].gates.is_empty() && awaited.contains(&about) && !awaited.contains(&stage)
        });
        judging.next().map(|open| self.plan.stages[open].name.as_str())
    }

    /// Whether gates of a stage, or of one it waits for, compared with the baseline.
    fn compares(&self, stage: StageIndex) -> bool {
        let mut stages = waits_for(&self.plan, stage);
        stages.insert(stage);
        stages.into_iter().any(|stage| self.compares_in(stage))
    }

    /// Whether a gate of this stage compares with the baseline.
    pub(crate) fn compares_in(&self, stage: StageIndex) -> bool {
        let gates = self.plan.stages[stage].gates.iter().filter_map(|gate| read_gate(gate).ok());
        gates.into_iter().any(|gate| roles_of(&gate).contains(&Role::Baseline))
    }

    /// Digests of the predictions that were judged so far: with them the verdict can be computed again elsewhere.
    fn judged_predictions(&self) -> Vec<Digest> {
        let outputs = self.cases.iter().flat_map(Case::predictions);
        outputs.filter_map(|output| output.digest.parse().ok()).collect()
    }

    /// What the model was made from.
    fn lineage(&self, stage: StageIndex, step: usize, output: &str) -> Value {
        let planned = &self.plan.steps[step];
        let verdict = self.judgements.iter().map(|(_, judgement)| judgement.verdict).max();
        json!({
            "workflow": self.plan.name,
            "file": self.file,
            "workflow_digest": self.workflow_digest,
            "git_commit": self.git.commit,
            "git_branch": self.git.branch,
            "git_dirty": self.git.dirty,
            "run": self.run_id,
            "stage": self.plan.stages[stage].name,
            "step": self.ids[step],
            "output": output,
            "path": planned.outputs.get(output).map(|output| output.path.clone()),
            "action": match &planned.action {
                Action::Plugin { uses } => uses.clone(),
                Action::Container { container, .. } => container.image.to_string(),
                Action::Process { run } => run.text.clone(),
            },
            "steps": self.step_identities(),
            "seed": planned.seed,
            "params": self.plan.params,
            "data": self.data_records(),
            "verdict": verdict,
        })
    }

    /// Metrics of the stage and of those it waits for, by step.
    fn metrics_of_promotion(&self, stage: StageIndex) -> Value {
        let mut stages = waits_for(&self.plan, stage);
        stages.insert(stage);
        let steps = self.plan.steps.iter().enumerate().filter(|(_, step)| stages.contains(&step.stage));
        // What was measured of a reference is not of this model.
        let steps = steps.filter(|(index, _)| !self.references.rescored.contains_key(index));
        let metrics = steps.flat_map(|(index, _)| {
            let facts = &self.facts[index];
            facts.metrics.iter().chain(&facts.host_metrics).map(move |metric| (index, metric))
        });
        metrics
            .map(|(index, metric)| {
                let mut entry = serde_json::to_value(metric).unwrap_or(Value::Null);
                if let Value::Object(entry) = &mut entry {
                    entry.insert("step".to_owned(), Value::from(self.ids[index].as_str()));
                }
                entry
            })
            .collect()
    }
}

/// All stages that a stage waits for, directly or not.
pub(crate) fn waits_for(plan: &Plan, stage: StageIndex) -> HashSet<StageIndex> {
    let mut found = HashSet::new();
    let mut open = plan.stages[stage].needs.clone();
    while let Some(stage) = open.pop() {
        if found.insert(stage) {
            open.extend(&plan.stages[stage].needs);
        }
    }
    found
}

async fn make(
    store: &Store,
    registry: Option<Registry>,
    model: &str,
    alias: &str,
    new: NewVersion,
    expected: Expected,
    predictions: Vec<Digest>,
) -> Result<(u64, Option<u64>), RegistryError> {
    let registry = match registry {
        Some(registry) => registry,
        None => store.registry()?,
    };
    for digest in &predictions {
        registry.share(digest).await?;
    }
    let promoted = registry.promote(model, alias, new, expected).await?;
    Ok((promoted.version, promoted.previous))
}

/// The verdict over judgements of several stages.
pub(crate) fn overall(judgements: &[(StageIndex, Judgement)]) -> Verdict {
    judgements.iter().map(|(_, judgement)| judgement.verdict).max().unwrap_or(Verdict::None)
}
