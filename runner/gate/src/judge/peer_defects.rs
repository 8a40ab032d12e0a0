//! Cases in which other tools are known to answer wrongly, each with the answer given here.

use super::tests::{evidence, judged, scalars};
use crate::{
    evidence::{Defaults, Evidence, Reference},
    grammar::parse,
    judge,
    verdict::{Verdict, overall},
};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases_that_other_tools_get_wrong() {
    type Values<'a> = &'a [(&'a str, f64)];
    let cases: &[(&str, &str, Values<'_>, Option<Values<'_>>, Verdict)] = &[
        // MLflow cannot say "may lose at most this much"; DVC and CML print the difference and succeed.
        (
            "tolerated loss, within",
            "auc >= baseline - 0.2pp",
            &[("auc", 0.918)],
            Some(&[("auc", 0.92)]),
            Verdict::Pass,
        ),
        (
            "tolerated loss, beyond",
            "auc >= baseline - 0.2pp",
            &[("auc", 0.9179)],
            Some(&[("auc", 0.92)]),
            Verdict::Fail,
        ),
        // MLflow: NaN passes a relative rule and raises on an absolute one; DVC prints it.
        ("NaN, absolute", "auc >= 0.5", &[("auc", f64::NAN)], None, Verdict::Error),
        (
            "NaN, relative",
            "auc >= baseline + 1%",
            &[("auc", f64::NAN)],
            Some(&[("auc", 0.9)]),
            Verdict::Error,
        ),
        ("NaN baseline", "auc >= baseline - 1%", &[("auc", 0.9)], Some(&[("auc", f64::NAN)]), Verdict::Error),
        ("infinite", "x >= 0", &[("x", f64::INFINITY)], None, Verdict::Error),
        // MLflow: a zero baseline means "any gain above 1e-10"; TFMA: NaN, which always fails.
        (
            "zero baseline, %",
            "errors <= baseline + 5%",
            &[("errors", 0.0)],
            Some(&[("errors", 0.0)]),
            Verdict::Error,
        ),
        (
            "zero baseline, absolute",
            "errors <= baseline + 1",
            &[("errors", 1.0)],
            Some(&[("errors", 0.0)]),
            Verdict::Pass,
        ),
        // MLflow and TFMA: the sign of a negative baseline flips the rule: -20 passes and -5 fails against -10.
        (
            "negative baseline, worse",
            "reward >= baseline + 5%",
            &[("reward", -20.0)],
            Some(&[("reward", -10.0)]),
            Verdict::Fail,
        ),
        (
            "negative baseline, better",
            "reward >= baseline + 5%",
            &[("reward", -5.0)],
            Some(&[("reward", -10.0)]),
            Verdict::Pass,
        ),
        (
            "negative baseline, tolerated",
            "reward >= baseline - 5%",
            &[("reward", -10.5)],
            Some(&[("reward", -10.0)]),
            Verdict::Pass,
        ),
        (
            "negative baseline, not tolerated",
            "reward >= baseline - 5%",
            &[("reward", -10.6)],
            Some(&[("reward", -10.0)]),
            Verdict::Fail,
        ),
        // MLflow: KeyError where only the baseline lacks the metric; DVC: an absent row.
        ("missing", "auc >= 0.5", &[], None, Verdict::Error),
        ("missing in the baseline", "auc >= baseline", &[("auc", 0.9)], Some(&[("f1", 0.9)]), Verdict::Error),
        ("no baseline", "auc >= baseline", &[("auc", 0.9)], None, Verdict::Error),
        // TFMA drops small or empty slices; others have none.
        ("no slices", "recall[region=*] >= 0.8", &[("recall", 0.9)], None, Verdict::Error),
        (
            "one bad slice",
            "recall[region=*] >= 0.8",
            &[("recall region=EU", 0.9), ("recall region=US", 0.7)],
            None,
            Verdict::Fail,
        ),
        (
            "one NaN slice",
            "min(recall[region]) >= 0.8",
            &[("recall region=EU", 0.9), ("recall region=US", f64::NAN)],
            None,
            Verdict::Error,
        ),
        // Binary floats: MLflow says that 0.85 is not 0.05 better than 0.80.
        (
            "decimal addends",
            "auc >= baseline + 0.05",
            &[("auc", 0.85)],
            Some(&[("auc", 0.80)]),
            Verdict::Pass,
        ),
        (
            "decimal addends, a hair less",
            "auc >= baseline + 0.05",
            &[("auc", 0.849_999_999_999_999_9)],
            Some(&[("auc", 0.80)]),
            Verdict::Fail,
        ),
        ("decimal multiples", "x <= 0.3", &[("x", 0.3)], None, Verdict::Pass),
        (
            "decimal spread",
            "spread(tpr[g]) <= 5pp",
            &[("tpr g=a", 0.85), ("tpr g=b", 0.8)],
            None,
            Verdict::Pass,
        ),
        // TFMA's documentation shows 1.01 for "1 % better", and its code takes that for "101 % better".
        ("relative gain", "auc >= baseline + 1%", &[("auc", 0.808)], Some(&[("auc", 0.8)]), Verdict::Pass),
        // Suspicious improvement.
        (
            "too good",
            "auc <= baseline + 5% else hold",
            &[("auc", 0.99)],
            Some(&[("auc", 0.9)]),
            Verdict::Hold,
        ),
        // A percentage where a fraction was meant passes any bound.
        ("93.4 is not a fraction", "accuracy >= 0.9", &[("accuracy", 93.4)], None, Verdict::Error),
        ("unit nobody declared", "coverage >= 80%", &[("coverage", 60.0)], None, Verdict::Error),
    ];
    for (name, gate, candidate, baseline, verdict) in cases {
        let judgement = judged(gate, &evidence(candidate, *baseline));
        assert_eq!(judgement.verdict, *verdict, "{name}: {}", judgement.message);
    }
}

#[test]
fn no_gate_is_not_a_pass() {
    // TFX: without thresholds a model is neither blessed nor not; elsewhere that is success.
    assert_eq!(overall(&[]), Verdict::None);
}

#[test]
fn different_test_sets_are_noticed() {
    let mut measured: Evidence = evidence(&[("auc", 0.95)], None);
    measured.candidate.test_set_digest = Some("sha256:1".into());
    let mut baseline = scalars(&[("auc", 0.9)]);
    baseline.test_set_digest = Some("sha256:2".into());
    measured.references.baseline = Reference::Measured(baseline);
    assert_eq!(judged("auc >= baseline", &measured).verdict, Verdict::Error);
}

#[test]
fn an_unreadable_baseline_is_not_a_first_promotion() {
    let mut measured = evidence(&[("auc", 0.95)], None);
    measured.references.baseline = Reference::Unreadable("connection refused".into());
    let defaults = Defaults { rubber_stamp: true, ..Defaults::default() };
    assert_eq!(judge(&parse("auc >= baseline").unwrap(), &measured, &defaults).verdict, Verdict::Error);
}
