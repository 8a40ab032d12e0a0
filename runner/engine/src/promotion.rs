//! Promotion of a model once its gates allow it, with its lineage.

use std::{collections::HashSet, sync::Arc};

use runner_store::{Basis, Change, ChangeKind, Digest, Expected, NewVersion, Registry, RegistryError, Store};
use runner_workflow::plan::{Plan, StageIndex, StepIndex};

use crate::{
    decide::CANCELLED,
    drive::{Driver, Message},
    event::{EventKind, RunResult, StageResult},
    evidence::{self, IntendedPromotion, Predicate, Ruling},
    references::{Role, roles_of},
    refusal::read_gate,
};

/// What came of a promotion.
pub(crate) enum PromotionEnd {
    /// The alias points to the model.
    Made { version: u64, previous: Option<u64>, digest: Digest },
    /// Somebody else moved the alias since the comparison was made.
    Moved(String),
    /// The run was stopped before the alias was moved.
    Stopped,
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
        let evidence = self.statement().predicate;
        let name = &self.plan.stages[stage].name;
        let intended = evidence.promotions.iter().find(|intended| intended.stage == *name);
        let refusal = match intended {
            None => Some(format!("`{}` gave no model", self.ids[promotion.model.step])),
            Some(intended) => self.why_not(stage, promotion.model.step, &evidence, intended),
        };
        let (Some(intended), None) = (intended, &refusal) else {
            // A run that is held is not more than held because of it.
            let held = self.conclusion.result().0 == RunResult::Held;
            let result = if held { RunResult::Held } else { RunResult::GateFailed };
            self.refuse(stage, result, refusal.unwrap_or_default());
            return;
        };
        let digest = match evidence::write(self, false) {
            Ok(digest) => digest,
            Err(reason) => {
                self.refuse(stage, RunResult::Environment, reason);
                return;
            }
        };
        let change = Change {
            run: Some(self.run_id.clone()),
            by: self.actor.clone(),
            why: Some(format!("the gates of `{}` allow it", self.plan.name)),
            basis: digest.map(|evidence| Basis { evidence, approval: None }),
            kind: ChangeKind::Promotion,
        };
        let mut new = evidence.version(intended, change);
        let masker = self.facilities.stream.masker();
        masker.mask_json(&mut new.lineage);
        masker.mask_json(&mut new.metrics);
        masker.mask_json(&mut new.evidence);
        let store = self.facilities.store.clone();
        let registry = self.registry.clone();
        let digest = intended.digest;
        let expected = evidence.expected(intended);
        let predictions = evidence.predictions();
        let facilities = Arc::clone(&self.facilities);
        self.spawn(async move {
            let to = (promotion.registry.as_str(), promotion.alias.as_str());
            let is_stopped = || facilities.cancel.is_requested() || facilities.over.is_cancelled();
            let end = match make(&store, registry, to, new, expected, predictions, is_stopped).await {
                Ok(None) => PromotionEnd::Stopped,
                Ok(Some((version, previous))) => PromotionEnd::Made { version, previous, digest },
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
            PromotionEnd::Stopped => self.refuse(stage, RunResult::Cancelled, CANCELLED.to_owned()),
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

    /// Why a model made by `step` may not be promoted now; `None` if it may. Nothing may have gone wrong in the run so far, and
    /// the evidence has to allow it, as it has to for a promotion by hand.
    fn why_not(
        &self,
        stage: StageIndex,
        step: StepIndex,
        evidence: &Predicate,
        intended: &IntendedPromotion,
    ) -> Option<String> {
        if self.stopped.is_some() || self.facilities.cancel.is_requested() {
            return Some(CANCELLED.to_owned());
        }
        if let (_, Some(reason)) = self.conclusion.result() {
            return Some(reason);
        }
        if self.schedule.standing_of_stage(stage).tainted {
            return Some("something that its stage waits for failed".to_owned());
        }
        if let Some(stage) = self.still_judging(stage, step) {
            return Some(format!(
                "the gates of stage `{stage}` judge this model too, and have not been judged yet: let this stage wait for it (`needs:`)"
            ));
        }
        let allowed = evidence.allows(&intended.digest, &intended.after, Ruling::OfGates);
        allowed.err().map(|doubt| doubt.to_string())
    }

    /// A stage with gates that waits for the one that made the model, and has not ended: whether a model is promoted must not
    /// hang on who is faster.
    fn still_judging(&self, stage: StageIndex, step: StepIndex) -> Option<&str> {
        let about = self.plan.steps[step].stage;
        let open = self.schedule.stages_open().into_iter().filter(|open| *open != stage);
        let mut judging = open.filter(|open| {
            let awaited = waits_for(&self.plan, *open);
            !self.plan.stages[*open].gates.is_empty() && awaited.contains(&about) && !awaited.contains(&stage)
        });
        judging.next().map(|open| self.plan.stages[open].name.as_str())
    }

    /// Whether a gate of this stage compares with the baseline.
    pub(crate) fn compares_in(&self, stage: StageIndex) -> bool {
        let gates = self.plan.stages[stage].gates.iter().filter_map(|gate| read_gate(gate).ok());
        gates.into_iter().any(|gate| roles_of(&gate).contains(&Role::Baseline))
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

/// The new version and the one before; none where the run is stopped before the alias is moved.
async fn make(
    store: &Store,
    registry: Option<Registry>,
    (model, alias): (&str, &str),
    new: NewVersion,
    expected: Expected,
    predictions: Vec<Digest>,
    is_stopped: impl Fn() -> bool,
) -> Result<Option<(u64, Option<u64>)>, RegistryError> {
    let registry = match registry {
        Some(registry) => registry,
        None => store.registry()?,
    };
    for digest in &predictions {
        registry.share(digest).await?;
    }
    if is_stopped() {
        return Ok(None);
    }
    let promoted = registry.promote(model, alias, new, expected).await?;
    Ok(Some((promoted.version, promoted.previous)))
}
