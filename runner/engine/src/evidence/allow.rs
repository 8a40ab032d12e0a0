//! Whether a model may be promoted on evidence, by the rules of a run.

use std::collections::BTreeSet;

use runner_gate::verdict::Verdict;
use runner_store::{Digest, Expected};

use super::{Doubt, IntendedPromotion, Predicate, StageEnd, StepsEnd};

/// Who lets a model through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Its gates.
    OfGates,
    /// A person, where gates hold it.
    OfPerson,
}

impl Ruling {
    /// Whether nothing is in the way of what was judged so.
    fn accepts(self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Hold | Verdict::Inconclusive => self == Self::OfPerson,
            verdict => !verdict.blocks(),
        }
    }
}

impl Predicate {
    /// Stages that have to have ended well and been judged before this model may be promoted to `target`, a name in the registry
    /// and an alias: those that the workflow says. Where it does not promote it there, all that it waits for elsewhere;
    /// where it does not promote it at all, every stage with gates and what they wait for.
    #[must_use]
    pub fn awaited(&self, model: &Digest, target: Option<(&str, &str)>) -> Vec<String> {
        let of_model = || self.promotions.iter().filter(|promotion| promotion.digest == *model);
        let there = |promotion: &&IntendedPromotion| {
            target.is_some_and(|(name, alias)| promotion.model == name && promotion.alias == alias)
        };
        if let Some(promotion) = of_model().find(there) {
            return promotion.after.clone();
        }
        let mut stages: BTreeSet<&String> = of_model().flat_map(|promotion| &promotion.after).collect();
        if stages.is_empty() {
            stages.extend(self.policy.gates.keys());
            let gated = self.stage_ends.iter().filter(|end| self.policy.gates.contains_key(&end.stage));
            stages.extend(gated.flat_map(|end| &end.after));
        }
        stages.into_iter().cloned().collect()
    }

    /// Whether this model may be promoted after these stages, as a run decides it: no verdict is in the way, the steps of every
    /// stage ended well, its gates were judged, and at least one gate let through this very model.
    pub fn allows(&self, model: &Digest, after: &[String], ruling: Ruling) -> Result<(), Doubt> {
        let verdict = self.overall();
        let judgements = || self.stages.iter().flat_map(|stage| &stage.judgements);
        if !ruling.accepts(verdict) {
            let decisive = judgements().find(|judgement| judgement.verdict == verdict);
            let reason = decisive.map_or_else(
                || "no gate judged it".to_owned(),
                |judgement| format!("gate `{}`: {}", judgement.id, judgement.message),
            );
            return Err(Doubt::NotPassing { verdict, reason });
        }
        self.covers(after)?;
        if self.judged(model, ruling) { Ok(()) } else { Err(Doubt::Unjudged) }
    }

    /// Whether at least one gate lets through this very model: a gate of a stage that made it, or of a later one that waits for
    /// such a stage. A gate on the data alone did not judge the model, and a warning is no pass.
    fn judged(&self, model: &Digest, ruling: Ruling) -> bool {
        let made = model.to_string();
        let makers = self.steps.iter().filter(|step| step.outputs.values().any(|output| *output == made));
        let makers: BTreeSet<&str> = makers.map(|step| step.stage.as_str()).collect();
        let waits_for_a_maker = |end: &StageEnd| end.after.iter().any(|stage| makers.contains(&**stage));
        let judges = |stage: &str| {
            // Without a maker numbers or data were judged, and whatever was judged is about them.
            makers.is_empty()
                || makers.contains(stage)
                || self.stage_ends.iter().any(|end| end.stage == stage && waits_for_a_maker(end))
        };
        let about = self.stages.iter().filter(|stage| judges(&stage.case.stage));
        about.flat_map(|stage| &stage.judgements).any(|judgement| match judgement.verdict {
            Verdict::Pass => true,
            Verdict::Hold | Verdict::Inconclusive => ruling == Ruling::OfPerson,
            // A first model has nothing to be compared with, where the workflow allows that.
            _ => judgement.rubber_stamp,
        })
    }

    /// Whether the gates of all these stages were judged, and their steps ended well.
    fn covers(&self, stages: &[String]) -> Result<(), Doubt> {
        for stage in stages.iter().filter(|stage| self.policy.gates.contains_key(*stage)) {
            if !self.stages.iter().any(|judged| judged.case.stage == *stage) {
                return Err(Doubt::Incomplete { stage: stage.clone() });
            }
        }
        for stage in stages {
            let end = self.stage_ends.iter().find(|end| end.stage == *stage);
            let end = end.map_or(StepsEnd::NotRun, |end| end.steps);
            if end != StepsEnd::Well {
                return Err(Doubt::Stage { stage: stage.clone(), end });
            }
        }
        Ok(())
    }

    /// What the alias of a promotion has to point to: the version that the model was compared with.
    #[must_use]
    pub fn expected(&self, promotion: &IntendedPromotion) -> Expected {
        let compared = self.stage_ends.iter().any(|end| end.compares && promotion.after.contains(&end.stage));
        match &self.baseline {
            Some(baseline)
                if compared && (&baseline.model, &baseline.alias) == (&promotion.model, &promotion.alias) =>
            {
                Expected::Version(baseline.version)
            }
            _ => Expected::Anything,
        }
    }
}
