//! Waivers: a person takes responsibility for one gate that failed, for some time and for exactly this finding.

use std::fmt;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use runner_gate::verdict::{Judgement, Verdict};
use runner_store::Digest;
use serde::{Deserialize, Serialize};

use crate::judging::case::Case;

/// A recorded waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Name of the workflow.
    pub workflow: String,
    /// Id of the gate, or its text where it has none.
    pub gate: String,
    /// What was found, see [`finding`]: another finding is not covered.
    pub finding: Digest,
    /// Why.
    pub reason: String,
    /// Who takes responsibility.
    pub author: String,
    /// Last day on which it counts, by UTC.
    pub until: Date,
}

impl Waiver {
    /// Whether it no longer counts.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.to_zoned(TimeZone::UTC).date() > self.until
    }
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waived by {} until {}: {}", self.author, self.until, self.reason)
    }
}

/// Digest of what was found: the gate, every number that decided, and the predictions and rows it rests on. A run that
/// finds the same has the same; where anything differs, a waiver no longer fits.
#[must_use]
pub fn finding(case: &Case, judgement: &Judgement) -> Digest {
    let candidate = case.candidate.predictions.iter();
    let rests_on: Vec<_> = candidate.map(|output| (&output.digest, &output.test_set)).collect();
    let found = serde_json::json!({
        "gate": judgement.text,
        "rules": judgement.rules,
        "predictions": rests_on,
    });
    Digest::of_bytes(found.to_string().as_bytes())
}

/// What became of the waivers of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Those that turned a FAIL into WAIVED.
    pub used: Vec<Waiver>,
    /// What a person should know about the others: code and text.
    pub notes: Vec<(&'static str, String)>,
}

/// Applies waivers to the judgements of a case. Only a FAIL can be waived: an ERROR means that nobody knows what would be
/// waived, and what holds is for `runner approve`.
pub fn apply(
    waivers: &[Waiver],
    workflow: &str,
    case: &Case,
    judgements: &mut [Judgement],
    now: Option<Timestamp>,
) -> Applied {
    let mut applied = Applied::default();
    for judgement in judgements {
        let mine = |waiver: &&Waiver| waiver.gate == judgement.id && waiver.workflow == workflow;
        let mine: Vec<&Waiver> = waivers.iter().filter(mine).collect();
        if mine.is_empty() || !judgement.verdict.blocks() {
            continue;
        }
        let gate = &judgement.id;
        if judgement.verdict != Verdict::Fail {
            let verdict = judgement.verdict;
            let text = format!(
                "the waiver of the gate `{gate}` does not count: it says {verdict}, and only FAIL can be waived"
            );
            applied.notes.push(("waiver::not-a-fail", text));
            continue;
        }
        let found = finding(case, judgement);
        let fitting = mine.iter().filter(|waiver| waiver.finding == found);
        let (valid, expired): (Vec<&Waiver>, Vec<&Waiver>) =
            fitting.partition(|waiver| now.is_none_or(|now| !waiver.is_expired(now)));
        if let Some(waiver) = valid.first() {
            judgement.verdict = Verdict::Waived;
            judgement.message = format!("{waiver} ({})", judgement.message);
            applied.used.push((*waiver).clone());
        } else if let Some(waiver) = expired.first() {
            let text =
                format!("the waiver of the gate `{gate}` expired on {} and does not count", waiver.until);
            applied.notes.push(("waiver::expired", text));
        } else {
            let text = format!(
                "the waiver of the gate `{gate}` does not count: it is for another finding than this one, {found}"
            );
            applied.notes.push(("waiver::other-finding", text));
        }
    }
    applied
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judging::case::{CaseReferences, Frame, Measured};

    fn case() -> Case {
        Case {
            stage: "evaluate".into(),
            gates: Vec::new(),
            frame: Frame::default(),
            event: None,
            candidate: Measured::default(),
            references: CaseReferences::default(),
        }
    }

    fn judgement(verdict: Verdict) -> Judgement {
        Judgement { id: "g".into(), text: "g: auc >= 0.9".into(), verdict, ..Judgement::default() }
    }

    fn waiver(until: &str) -> Waiver {
        Waiver {
            workflow: "w".into(),
            gate: "g".into(),
            finding: finding(&case(), &judgement(Verdict::Fail)),
            reason: "r".into(),
            author: "a".into(),
            until: until.parse().unwrap(),
        }
    }

    fn applied(waiver: Waiver, verdict: Verdict) -> (Verdict, Vec<&'static str>) {
        let mut judgements = [judgement(verdict)];
        let now = "2026-06-30T23:59:59Z".parse().unwrap();
        let applied = apply(&[waiver], "w", &case(), &mut judgements, Some(now));
        (judgements[0].verdict, applied.notes.into_iter().map(|(code, _)| code).collect())
    }

    #[test]
    fn only_a_fail_is_waived_and_nothing_else_is_silent() {
        let until = "2026-06-30";
        assert_eq!(applied(waiver(until), Verdict::Fail), (Verdict::Waived, vec![]));
        for verdict in [Verdict::Error, Verdict::Hold, Verdict::Inconclusive] {
            assert_eq!(applied(waiver(until), verdict), (verdict, vec!["waiver::not-a-fail"]));
        }
        for verdict in [Verdict::Pass, Verdict::Warn, Verdict::Info] {
            assert_eq!(applied(waiver(until), verdict), (verdict, vec![]));
        }
    }

    #[test]
    fn it_counts_for_its_workflow_finding_and_time_only() {
        assert_eq!(applied(waiver("2026-06-29"), Verdict::Fail), (Verdict::Fail, vec!["waiver::expired"]));
        let other = Waiver { finding: Digest::of_bytes(b"other"), ..waiver("2026-12-31") };
        assert_eq!(applied(other, Verdict::Fail), (Verdict::Fail, vec!["waiver::other-finding"]));
        let elsewhere = Waiver { workflow: "v".into(), ..waiver("2026-12-31") };
        assert_eq!(applied(elsewhere, Verdict::Fail), (Verdict::Fail, vec![]));
    }
}
