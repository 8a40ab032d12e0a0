//! Verdicts and judgements: what a gate said, with every number that decided it.
//!
//! Plain data, written to events and records and read back. Nothing here judges; see [`crate::judge()`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::any_float;

/// What a gate, or a whole run, was found to be.
///
/// Ordered from harmless to worst, so that the greatest verdict of several is the one that counts:
/// `None < Info < Pass < Warn < Waived < Inconclusive < Hold < Fail < Error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// There was no gate. Never reads as a pass.
    None,
    /// A rule of a gate with `else info` is not met; shown, nothing more.
    Info,
    /// Every rule is met.
    Pass,
    /// A rule of a gate with `else warn` is not met, or something should be seen that blocks nothing.
    Warn,
    /// It would block, and a recorded waiver lets it pass for now. Blocks nothing, and is never silent.
    Waived,
    /// Not enough evidence to say either way. Blocks.
    Inconclusive,
    /// A rule of a gate with `else hold` is not met: a person decides. Blocks.
    Hold,
    /// A rule is not met. Blocks.
    Fail,
    /// It could not be judged: missing, NaN, infinite, not comparable. Blocks.
    Error,
}

impl Verdict {
    /// Whether later stages and promotions must not go on. [`Verdict::None`] does not block a stage, but it is not a
    /// pass either: see [`Verdict::allows_promotion`].
    #[must_use]
    pub fn blocks(self) -> bool {
        self >= Self::Inconclusive
    }

    /// Whether a model may be promoted on this verdict: something was judged, and nothing blocks.
    /// `None` and a lone `Info` prove nothing, so they do not.
    #[must_use]
    pub fn allows_promotion(self) -> bool {
        matches!(self, Self::Pass | Self::Warn | Self::Waived)
    }

    /// The word used in JSON and in expressions, such as `pass`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Info => "info",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Waived => "waived",
            Self::Inconclusive => "inconclusive",
            Self::Hold => "hold",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }
}

/// In capitals, as reports show it: `PASS`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.word().to_uppercase())
    }
}

/// What an unmet rule of a gate means: the word after `else`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Blocks.
    #[default]
    Fail,
    /// Blocks until a person decides.
    Hold,
    /// Shown prominently, blocks nothing.
    Warn,
    /// Shown, blocks nothing.
    Info,
}

impl Level {
    /// The word of the grammar.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Hold => "hold",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }

    /// The verdict of an unmet rule at this level.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Fail => Verdict::Fail,
            Self::Hold => Verdict::Hold,
            Self::Warn => Verdict::Warn,
            Self::Info => Verdict::Info,
        }
    }
}

/// The judgement of one gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The gate's `id`, or its text where it has none.
    pub id: String,
    /// The gate as printed canonically.
    pub text: String,
    /// What an unmet rule means.
    pub level: Level,
    /// The verdict.
    pub verdict: Verdict,
    /// One line that says what decided, such as `recall 0.912 is below 0.95 (n = 171)`.
    pub message: String,
    /// The author's reason, from `why:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Rules against the baseline were not judged, because there has never been one and the workflow allows that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rubber_stamp: bool,
    /// How many slices a report should list, worst first (see [`Judgement::worst_first`]); every slice is in `rules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<u64>,
    /// One-sided confidence at which the rules were judged; none where point estimates were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// How p-values were adjusted within the gate, `holm` or `bh`, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<String>,
    /// Every rule, one entry per judged slice, in the order of the gate and then of the slices.
    pub rules: Vec<RuleJudgement>,
}

/// Nothing known, and therefore an error.
impl Default for Judgement {
    fn default() -> Self {
        Self {
            id: String::new(),
            text: String::new(),
            level: Level::Fail,
            verdict: Verdict::Error,
            message: String::new(),
            why: None,
            rubber_stamp: false,
            worst: None,
            confidence: None,
            correction: None,
            rules: Vec::new(),
        }
    }
}

impl Judgement {
    /// The rules as a report lists them: worst verdict first, then farthest from its bound on the wrong side.
    #[must_use]
    pub fn worst_first(&self) -> Vec<&RuleJudgement> {
        let mut rules: Vec<&RuleJudgement> = self.rules.iter().collect();
        rules.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(a.room().total_cmp(&b.room())));
        rules
    }
}

/// The judgement of one rule on one slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleJudgement {
    /// Name of the metric, such as `recall`.
    pub metric: String,
    /// What was judged as printed, such as `min(recall[region,device])` or `recall[region=EU]`.
    pub term: String,
    /// Columns and values of the slice; empty for the whole. For `min` and `max` the cell that decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slice: Vec<(String, String)>,
    /// The value, where there was one.
    #[serde(default, with = "any_float::option", skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
    /// Unit of `observed`, `bound` and `reference`, such as `fraction` or `ms`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// `>=`, `<=`, `>`, `<`, `==` or `within`.
    pub comparator: String,
    /// The bound as written, such as `baseline - 0.2pp`.
    pub bound_text: String,
    /// The bound as a number in the metric's unit; the lower end for `within`. The comparison itself was made on
    /// exact decimals; this is the nearest double.
    #[serde(default, with = "any_float::option", skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// The upper end for `within`.
    #[serde(default, with = "any_float::option", skip_serializing_if = "Option::is_none")]
    pub bound_upper: Option<f64>,
    /// What the bound refers to, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceValue>,
    /// Rows behind the value, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// Confidence interval of the value. None where only a point estimate was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Candidate minus reference, where the rule compares with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// How it was judged, in the words of the mapping form where there is one: `point estimate`, `wilson`,
    /// `bootstrap`, `paired-bootstrap`, `mcnemar`, `delong`, `seeds-t`.
    pub method: String,
    /// The method in one sentence: what was resampled, what was assumed, why there is no uncertainty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method_text: Option<String>,
    /// Resamples drawn, where the method draws any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resamples: Option<u64>,
    /// Seed of the resamples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// p-values of the two tests behind the verdict, where there is uncertainty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Tests>,
    /// What this many rows can see, where there is uncertainty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// How many rows changed from right to wrong and back, where both models' predictions are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flips: Option<FlipCounts>,
    /// The verdict of this rule on this slice.
    pub verdict: Verdict,
    /// One line that says why.
    pub message: String,
}

/// Nothing known, and therefore an error.
impl Default for RuleJudgement {
    fn default() -> Self {
        Self {
            metric: String::new(),
            term: String::new(),
            slice: Vec::new(),
            observed: None,
            unit: None,
            comparator: String::new(),
            bound_text: String::new(),
            bound: None,
            bound_upper: None,
            reference: None,
            n: None,
            interval: None,
            difference: None,
            method: "point estimate".to_owned(),
            method_text: None,
            resamples: None,
            seed: None,
            tests: None,
            power: None,
            flips: None,
            verdict: Verdict::Error,
            message: String::new(),
        }
    }
}

impl RuleJudgement {
    /// How far the value lies on the right side of its bound; negative on the wrong side, lowest where unknown.
    fn room(&self) -> f64 {
        let (Some(observed), Some(bound)) = (self.observed, self.bound) else { return f64::NEG_INFINITY };
        match self.comparator.as_str() {
            ">=" | ">" => observed - bound,
            "<=" | "<" => bound - observed,
            "==" => -(observed - bound).abs(),
            _ => (observed - bound).min(self.bound_upper.unwrap_or(bound) - observed),
        }
    }
}

/// The value that a bound refers to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceValue {
    /// `baseline`, `anchor`, `previous` or the name of another metric.
    pub name: String,
    /// Its value, where it has one.
    #[serde(default, with = "any_float::option", skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// Candidate minus reference, in the metric's unit: negative where the candidate's number is lower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The difference of the observed values.
    #[serde(with = "any_float")]
    pub value: f64,
    /// Its confidence interval, where both values come from the same rows or seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

/// The two one-sided tests behind a verdict. PASS needs a small `holds`, FAIL a small `broken`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tests {
    /// How likely data at least this favourable would be if the rule were just broken.
    pub holds: f64,
    /// How likely data at least this unfavourable would be if the rule just held.
    pub broken: f64,
    /// `holds`, adjusted for the other comparisons of the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds_adjusted: Option<f64>,
    /// `broken`, adjusted for the other comparisons of the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_adjusted: Option<f64>,
    /// How many comparisons it was adjusted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<u64>,
}

/// What an amount of data can see.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// The power that `minimum_detectable` and `sufficient_n` are for: `min-power`, or 0.8.
    pub power: f64,
    /// Smallest distance from the bound that is noticed with that power, in the metric's unit.
    #[serde(with = "any_float")]
    pub minimum_detectable: f64,
    /// The margin that should be visible, where the rule has one.
    #[serde(default, with = "any_float::option", skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Rows that would suffice to see the margin, or to decide at the observed distance from the bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sufficient_n: Option<u64>,
}

/// Rows on which the candidate and the baseline disagree about being right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FlipCounts {
    /// Right before, wrong now.
    pub harmful: u64,
    /// Wrong before, right now.
    pub helpful: u64,
    /// Rows compared.
    pub rows: u64,
    /// Two-sided p-value of the exact McNemar test that both happen equally often.
    pub mcnemar_p: f64,
}

/// A confidence interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// One-sided confidence of each end, such as 0.95.
    pub confidence: f64,
    /// Lower end.
    #[serde(with = "any_float")]
    pub lower: f64,
    /// Upper end.
    #[serde(with = "any_float")]
    pub upper: f64,
}

/// The verdict over several gates: the worst one, and [`Verdict::None`] where there is no gate.
#[must_use]
pub fn overall<'j>(judgements: impl IntoIterator<Item = &'j Judgement>) -> Verdict {
    judgements.into_iter().map(|judgement| judgement.verdict).max().unwrap_or(Verdict::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(verdict: Verdict) -> Judgement {
        Judgement { id: "g".into(), text: "auc >= 0.5".into(), verdict, ..Judgement::default() }
    }

    #[test]
    fn no_gate_is_none_and_none_is_not_a_pass() {
        assert_eq!(overall(&[]), Verdict::None);
        assert!(!Verdict::None.blocks());
        assert!(!Verdict::None.allows_promotion());
    }

    #[test]
    fn the_worst_gate_counts() {
        let order = [
            Verdict::Error,
            Verdict::Fail,
            Verdict::Hold,
            Verdict::Inconclusive,
            Verdict::Waived,
            Verdict::Warn,
            Verdict::Pass,
            Verdict::Info,
        ];
        for pair in order.windows(2) {
            assert_eq!(overall(&[with(pair[1]), with(pair[0])]), pair[0]);
        }
        assert_eq!(order.map(Verdict::blocks), [true, true, true, true, false, false, false, false]);
    }

    #[test]
    fn json_keeps_what_json_cannot_hold() {
        let mut judgement = with(Verdict::Error);
        judgement.rules.push(RuleJudgement {
            metric: "auc".into(),
            term: "auc".into(),
            slice: vec![("region".into(), "EU".into())],
            observed: Some(f64::NEG_INFINITY),
            comparator: ">=".into(),
            bound_text: "0.5".into(),
            bound: Some(0.5),
            reference: Some(ReferenceValue { name: "baseline".into(), value: None }),
            interval: Some(Interval { confidence: 0.95, lower: 0.1, upper: f64::INFINITY }),
            message: "not finite".into(),
            ..RuleJudgement::default()
        });
        let json = serde_json::to_string(&judgement).unwrap();
        assert!(json.contains(r#""observed":"-Infinity""#), "{json}");
        assert!(json.contains(r#""verdict":"error""#), "{json}");
        assert_eq!(serde_json::from_str::<Judgement>(&json).unwrap(), judgement);
    }

    #[test]
    fn records_of_before_uncertainty_still_read() {
        let json = r#"{"id":"g","text":"auc >= 0.5","level":"fail","verdict":"pass","message":"","rules":[
            {"metric":"auc","term":"auc","observed":0.9,"comparator":">=","bound_text":"0.5","bound":0.5,
             "method":"point estimate","verdict":"pass","message":""}]}"#;
        let judgement: Judgement = serde_json::from_str(json).unwrap();
        assert_eq!((judgement.confidence, &judgement.rules[0].tests), (None, &None));
    }
}
