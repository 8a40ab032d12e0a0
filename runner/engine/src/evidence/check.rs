//! Whether evidence says, without contradicting itself, that a model may be promoted. The signature is checked before.

use jiff::Timestamp;
use miette::Diagnostic;
use runner_gate::verdict::{self, Verdict};
use runner_store::Digest;
use runner_workflow::plan::Baseline;
use thiserror::Error;

use super::{Predicate, Statement, StepsEnd, Subject};

/// Why evidence is not accepted.
#[derive(Debug, Error, Diagnostic)]
pub enum Doubt {
    /// Not a statement of this program.
    #[error("this is no evidence of a gated run: {reason}")]
    #[diagnostic(code(evidence::statement), help("evidence is the file `evidence.json` of a run"))]
    Statement {
        /// What is wrong.
        reason: String,
    },
    /// About something else.
    #[error("the evidence is about {subjects}, not about this model, which has the digest {model}")]
    #[diagnostic(
        code(evidence::subject),
        help(
            "these are not the bytes that were judged: take the evidence of the run that made them, or run again"
        )
    )]
    Subject {
        /// Digests of its subjects.
        subjects: String,
        /// Digest of the model.
        model: String,
    },
    /// The policy was changed.
    #[error("the evidence states the policy {stated}, but its gates are those of the policy {found}")]
    #[diagnostic(code(evidence::policy), help("somebody changed a gate after it was judged; run again"))]
    Policy {
        /// As stated.
        stated: String,
        /// Of its content.
        found: String,
    },
    /// Made under another policy.
    #[error("the evidence was made under the policy {made_under}; {asked_by} asks for the policy {asked}")]
    #[diagnostic(
        code(evidence::other_policy),
        help("the gates were changed since: run again, so that the model is judged by the gates of today")
    )]
    OtherPolicy {
        /// Policy of the evidence.
        made_under: String,
        /// Who asks.
        asked_by: String,
        /// Policy asked for.
        asked: String,
    },
    /// Judgements that do not belong to the policy.
    #[error("stage `{stage}` was judged by other gates than those of the policy")]
    #[diagnostic(code(evidence::gates), help("the evidence contradicts itself; run again"))]
    Gates {
        /// The stage.
        stage: String,
    },
    /// A stage was left out.
    #[error("the gates of stage `{stage}` were not judged")]
    #[diagnostic(
        code(evidence::incomplete),
        help("run the whole workflow to its end, without `--stage` and `--until`")
    )]
    Incomplete {
        /// The stage.
        stage: String,
    },
    /// A stage that is waited for did not do what it had to.
    #[error("the steps of stage `{stage}` {end}")]
    #[diagnostic(
        code(evidence::stage),
        help(
            "the promotion waits for that stage: put right what stopped it, and run the whole workflow again"
        )
    )]
    Stage {
        /// The stage.
        stage: String,
        /// What became of its steps.
        end: StepsEnd,
    },
    /// Waived by nobody.
    #[error("the gate `{gate}` is said to be waived, and there is no waiver of it")]
    #[diagnostic(code(evidence::waiver), help("the evidence contradicts itself; run again"))]
    Waiver {
        /// The gate.
        gate: String,
    },
    /// Waived no longer.
    #[error("the waiver of the gate `{gate}` expired on {until}")]
    #[diagnostic(
        code(evidence::waiver_expired),
        help("run again with a better model, or have the gate waived anew (`runner waive`)")
    )]
    WaiverExpired {
        /// The gate.
        gate: String,
        /// Its last day.
        until: String,
    },
    /// The verdict does not follow from the judgements.
    #[error("the evidence says {stated}, but its judgements amount to {found}")]
    #[diagnostic(code(evidence::verdict), help("the evidence contradicts itself; run again"))]
    Verdict {
        /// As stated.
        stated: Verdict,
        /// By its judgements.
        found: Verdict,
    },
    /// It does not allow the promotion.
    #[error("the verdict is {verdict}: {reason}")]
    #[diagnostic(code(evidence::not_passing), help("only a model that its gates let pass may be promoted"))]
    NotPassing {
        /// The verdict.
        verdict: Verdict,
        /// The gate that decided.
        reason: String,
    },
    /// Gates of other things let it through.
    #[error("no gate judged this model")]
    #[diagnostic(
        code(evidence::unjudged),
        help(
            "a gate on the data alone, a warning or a note is no pass: judge what was measured of the model itself"
        )
    )]
    Unjudged,
    /// An approval of something else.
    #[error("this is no approval of it: {reason}")]
    #[diagnostic(
        code(evidence::approval),
        help("an approval is of one evidence: look at the run again and approve what it says now")
    )]
    Approval {
        /// What is wrong.
        reason: String,
    },
    /// Predictions that are gone or changed.
    #[error("the predictions of `{step}` cannot be used: {reason}")]
    #[diagnostic(
        code(evidence::predictions),
        help("the verdict can only be computed again from the very predictions that were judged")
    )]
    Predictions {
        /// The step.
        step: String,
        /// Why.
        reason: String,
    },
    /// Judging again gives something else.
    #[error("judging `{gate}` again gives `{found}`; the evidence says `{said}`")]
    #[diagnostic(
        code(evidence::replay),
        help("do not rely on it: the numbers in the evidence are not those of its predictions")
    )]
    Replay {
        /// The gate.
        gate: String,
        /// As stated.
        said: String,
        /// As computed now.
        found: String,
    },
}

/// Checks that the statement is about this model and does not contradict itself. Whether it allows a promotion is
/// for [`Predicate::allows`] to say.
pub fn check(statement: &Statement, model: &Digest, now: Timestamp) -> Result<(), Doubt> {
    if !statement.subject.iter().any(|subject| subject.is(model)) {
        let subjects: Vec<String> = statement.subject.iter().map(Subject::digest_text).collect();
        return Err(Doubt::Subject { subjects: subjects.join(" and "), model: model.to_string() });
    }
    let predicate = &statement.predicate;
    let found = predicate.policy.digest();
    if found != predicate.policy_digest {
        return Err(Doubt::Policy { stated: predicate.policy_digest.clone(), found });
    }
    for stage in &predicate.stages {
        let case = &stage.case;
        let asked = predicate.policy.gates.get(&case.stage).map(Vec::as_slice).unwrap_or_default();
        let mut frame = predicate.policy.frame.clone();
        // That there has never been a baseline is no policy; that it may be so is.
        let first = predicate.policy.baseline.get("first");
        frame.defaults.rubber_stamp =
            case.frame.defaults.rubber_stamp && first.is_some_and(|first| first == Baseline::RUBBER_STAMP);
        let same = case.gates == asked && case.frame == frame && stage.judgements.len() == asked.len();
        if !same {
            return Err(Doubt::Gates { stage: case.stage.clone() });
        }
    }
    check_waivers(predicate, now)?;
    let found = predicate.overall();
    if found != predicate.verdict {
        return Err(Doubt::Verdict { stated: predicate.verdict, found });
    }
    Ok(())
}

/// Every gate that is waived has a waiver that still counts.
fn check_waivers(predicate: &Predicate, now: Timestamp) -> Result<(), Doubt> {
    let judgements = predicate.stages.iter().flat_map(|stage| &stage.judgements);
    for judgement in judgements.filter(|judgement| judgement.verdict == Verdict::Waived) {
        let gate = judgement.id.clone();
        let mine = predicate.waivers.iter().filter(|waiver| waiver.gate == gate);
        match mine.max_by_key(|waiver| waiver.until) {
            None => return Err(Doubt::Waiver { gate }),
            Some(waiver) if waiver.is_expired(now) => {
                return Err(Doubt::WaiverExpired { gate, until: waiver.until.to_string() });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

impl Predicate {
    /// The verdict that the judgements amount to.
    #[must_use]
    pub fn overall(&self) -> Verdict {
        verdict::overall(self.stages.iter().flat_map(|stage| &stage.judgements))
    }
}
