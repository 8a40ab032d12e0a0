use std::{fmt::Write as _, sync::Arc};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::judge;
use crate::{
    evidence::{Defaults, Evidence, Measurements, Reference},
    grammar::parse,
    judge::tests::{evidence, scalars},
    mapping,
    predictions::{Format, read},
    stats::stream::Stream,
    verdict::{Judgement, Verdict},
};

/// Predictions of a model whose scores separate the classes by `strength`; the same seed gives the same rows.
fn scored(rows: u32, strength: f64, seed: u64, noise: u64) -> Measurements {
    let (mut truth, mut score) = (Stream::new(seed, 0), Stream::new(seed, noise));
    let mut text = "id,label,score,region,user\n".to_owned();
    for row in 0..rows {
        let label = truth.below(2);
        let region = ["EU", "US", "APAC"][truth.below(3) as usize];
        let value = ((1.0 - strength) * score.unit() + strength * f64::from(label)).clamp(0.0, 1.0);
        let _ = writeln!(text, "{row},{label},{value:.6},{region},u{}", row / 5);
    }
    measured(&text)
}

pub(super) fn measured(csv: &str) -> Measurements {
    let predictions = read(csv.as_bytes(), Format::Csv).unwrap_or_else(|error| panic!("{error}"));
    Measurements { predictions: Some(Arc::new(predictions)), ..Measurements::default() }
}

pub(super) fn against(candidate: Measurements, baseline: Measurements) -> Evidence {
    let mut evidence = Evidence { candidate, ..Evidence::default() };
    evidence.references.baseline = Reference::Measured(baseline);
    evidence
}

pub(super) fn alone(candidate: Measurements) -> Evidence {
    Evidence { candidate, ..Evidence::default() }
}

fn confident() -> Defaults {
    Defaults { confidence: Some(0.95), ..Defaults::default() }
}

pub(super) fn line(gate: &str, evidence: &Evidence) -> Judgement {
    judge(&parse(gate).unwrap(), evidence, &confident())
}

pub(super) fn mapped(gate: impl std::borrow::Borrow<Value>, evidence: &Evidence) -> Judgement {
    let gate = mapping::from_json(gate.borrow()).unwrap_or_else(|problems| panic!("{problems:?}"));
    judge(&gate, evidence, &Defaults::default())
}

#[test]
fn the_whole_interval_decides() {
    let evidence = alone(scored(400, 0.3, 1, 1));
    let accuracy = line("accuracy >= 0", &evidence).rules[0].observed.unwrap();
    for (bound, verdict) in
        [(accuracy - 0.1, Verdict::Pass), (accuracy, Verdict::Inconclusive), (accuracy + 0.1, Verdict::Fail)]
    {
        let judgement = line(&format!("accuracy >= {bound}"), &evidence);
        assert_eq!(judgement.verdict, verdict, "{}", judgement.message);
        let rule = &judgement.rules[0];
        assert_eq!(rule.method, "wilson");
        let interval = rule.interval.as_ref().unwrap();
        assert!(interval.lower < accuracy && accuracy < interval.upper);
        let tests = rule.tests.unwrap();
        assert_eq!(verdict == Verdict::Pass, tests.holds <= 0.05);
        assert_eq!(verdict == Verdict::Fail, tests.broken <= 0.05);
    }
    let judgement = line(&format!("accuracy >= {accuracy} else warn"), &evidence);
    assert_eq!(judgement.verdict, Verdict::Warn);
    let judgement = line(&format!("accuracy within [{}, {}]", accuracy - 0.1, accuracy + 0.1), &evidence);
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(line(&format!("accuracy within [0, {}]", accuracy - 0.1), &evidence).verdict, Verdict::Fail);
}

#[test]
fn auto_chooses_by_what_is_known() {
    let evidence = against(scored(300, 0.3, 1, 1), scored(300, 0.3, 1, 2));
    for (gate, method, resamples) in [
        ("recall >= 0.5", "wilson", None),
        ("harmful_flips <= 90%", "wilson", None),
        ("roc_auc >= 0.5", "delong", None),
        ("f1 >= 0.5", "bootstrap", Some(2000)),
        ("min(recall[region]) >= 0.1", "bootstrap", Some(2000)),
        ("roc_auc >= baseline - 20pp", "paired-bootstrap", Some(2000)),
        ("recall >= specificity - 50pp", "paired-bootstrap", Some(2000)),
        ("n >= 1", "point estimate", None),
        ("count(recall[region]) == 3", "point estimate", None),
    ] {
        let judgement = line(gate, &evidence);
        let rule = &judgement.rules[0];
        assert_eq!((rule.method.as_str(), rule.resamples), (method, resamples), "{gate}: {}", rule.message);
        assert_eq!(judgement.verdict, Verdict::Pass, "{gate}: {}", judgement.message);
        assert!(rule.method_text.is_some(), "{gate}");
    }
    let rule = line("accuracy >= baseline - 20pp", &evidence).rules[0].clone();
    let flips = rule.flips.unwrap();
    let difference = rule.difference.unwrap();
    assert_eq!(flips.rows, 300);
    assert!((difference.value - (flips.helpful as f64 - flips.harmful as f64) / 300.0).abs() < 1e-12);
    // A reported number comes alone, and the judgement says so.
    let judgement = line("loss <= 0.5", &super::tests::evidence(&[("loss", 0.4)], None));
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert!(judgement.rules[0].method_text.as_ref().unwrap().contains("no uncertainty available"));
}

#[test]
fn seeds_are_the_unit_where_nothing_else_is_known() {
    let ours = [("auc seed=1", 0.90), ("auc seed=2", 0.91), ("auc seed=3", 0.92), ("auc seed=4", 0.91)];
    let theirs = [("auc seed=1", 0.90), ("auc seed=2", 0.912), ("auc seed=3", 0.919), ("auc seed=4", 0.911)];
    let evidence = evidence(&ours, Some(&theirs));
    let judgement = line("mean(auc[seed]) >= 0.89", &evidence);
    assert_eq!((judgement.verdict, judgement.rules[0].method.as_str()), (Verdict::Pass, "seeds-t"));
    let judgement = line("mean(auc[seed]) >= 0.908", &evidence);
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}", judgement.message);
    let judgement = line("mean(auc[seed]) >= baseline - 0.5pp", &evidence);
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.message);
    assert!(judgement.rules[0].method_text.as_ref().unwrap().contains("paired by seed"));
    let two = super::tests::evidence(&ours[..2], None);
    assert_eq!(line("mean(auc[seed]) >= 0.89", &two).rules[0].method, "point estimate");
    let judgement =
        mapped(json!({ "metric": "auc", "min": 0.5, "confidence": 0.9, "method": "seeds-t" }), &{
            alone(scored(50, 0.5, 1, 1))
        });
    assert_eq!(judgement.verdict, Verdict::Error, "{}", judgement.message);
}

#[test]
fn methods_do_what_they_can_and_refuse_the_rest() {
    let evidence = against(scored(300, 0.3, 1, 1), scored(300, 0.2, 1, 2));
    let gate = |metric: &str, method: &str, margin: &str| json!({ "metric": metric, "no-worse-than": { "ref": "baseline", "margin": margin }, "confidence": 0.95, "method": method });
    for (metric, method, margin, verdict) in [
        ("accuracy", "mcnemar", "0", Verdict::Pass),
        ("accuracy", "mcnemar", "1pp", Verdict::Error),
        ("f1", "mcnemar", "0", Verdict::Error),
        ("auc", "delong", "0", Verdict::Pass),
        ("auc", "delong", "1%", Verdict::Pass),
        ("f1", "delong", "0", Verdict::Error),
        ("accuracy", "wilson", "0", Verdict::Error),
        ("auc", "bootstrap", "0", Verdict::Pass),
    ] {
        let judgement = mapped(gate(metric, method, margin), &evidence);
        assert_eq!(judgement.verdict, verdict, "{metric} {method}: {}", judgement.message);
    }
    let judgement =
        mapped(json!({ "metric": "auc", "min": 0.5, "method": "wilson", "confidence": 0.9 }), &evidence);
    assert!(judgement.message.contains("write `method: bootstrap`"), "{}", judgement.message);
    let judgement = mapped(json!({ "metric": "auc", "min": 0.5, "method": "delong" }), &evidence);
    assert_eq!(judgement.verdict, Verdict::Error);
    assert!(judgement.message.contains("needs a `confidence`"), "{}", judgement.message);
}

#[test]
fn clusters_and_strata() {
    // Five rows of a user are the same row five times: resampling rows would claim five times the data.
    let mut text = "id,label,score,user\n".to_owned();
    let mut stream = Stream::new(5, 5);
    for user in 0..60 {
        let (label, score) = (stream.below(2), stream.unit());
        for copy in 0..5 {
            let _ = writeln!(text, "{user}-{copy},{label},{score},u{user}");
        }
    }
    let evidence = alone(measured(&text));
    let width = |gate: Value| {
        let judgement = mapped(gate, &evidence);
        let interval = judgement.rules[0].interval.clone().unwrap_or_else(|| panic!("{}", judgement.message));
        interval.upper - interval.lower
    };
    let rows = width(json!({ "metric": "f1", "min": 0.1, "confidence": 0.95 }));
    let users = width(json!({ "metric": "f1", "min": 0.1, "confidence": 0.95, "cluster": "user" }));
    assert!(users > 1.8 * rows, "{users} {rows}");
    let strata = width(json!({ "metric": "f1", "min": 0.1, "confidence": 0.95, "stratify": "label" }));
    assert!(strata < rows, "{strata} {rows}");
    let gate =
        json!({ "metric": "f1", "min": 0.1, "confidence": 0.95, "cluster": "user", "min-samples": 100 });
    let judgement = mapped(gate, &evidence);
    assert_eq!(judgement.message, "f1: 60 clusters are below min-samples 100");
    let gate = json!({ "metric": "f1", "min": 0.1, "confidence": 0.95, "cluster": "usr" });
    assert_eq!(mapped(gate, &evidence).verdict, Verdict::Error);
}

#[test]
fn too_little_data_for_the_margin_is_inconclusive_and_says_how_much_would_do() {
    let evidence = against(scored(400, 0.3, 1, 1), scored(400, 0.25, 1, 2));
    let mut gate = json!({ "metric": "auc", "no-worse-than": { "ref": "baseline", "margin": "0.2pp" }, "confidence": 0.95 });
    let judgement = mapped(gate.clone(), &evidence);
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.message);
    let power = judgement.rules[0].power.unwrap();
    assert!(power.minimum_detectable > 0.002 && power.sufficient_n.unwrap() > 400, "{power:?}");
    gate["min-power"] = json!(0.8);
    let judgement = mapped(gate.clone(), &evidence);
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}", judgement.message);
    assert!(judgement.message.contains(&format!("{} rows would", power.sufficient_n.unwrap())));
    gate["no-worse-than"]["margin"] = json!("30pp");
    assert_eq!(mapped(gate, &evidence).verdict, Verdict::Pass);
}

#[test]
fn an_inconclusive_rule_counts_for_what_the_event_says() {
    let mut evidence = alone(scored(40, 0.3, 1, 1));
    let accuracy = line("accuracy >= 0", &evidence).rules[0].observed.unwrap();
    let gate = json!({ "metric": "accuracy", "min": accuracy, "confidence": 0.95,
        "on-inconclusive": { "pull_request": "warn", "promote": "hold" } });
    for (event, verdict) in [
        (None, Verdict::Inconclusive),
        (Some("push"), Verdict::Inconclusive),
        (Some("pull_request"), Verdict::Warn),
        (Some("promote"), Verdict::Hold),
    ] {
        evidence.event = event.map(str::to_owned);
        let judgement = mapped(gate.clone(), &evidence);
        assert_eq!((judgement.verdict, judgement.rules[0].verdict), (verdict, Verdict::Inconclusive));
    }
}

#[test]
fn corrections_make_calls_harder_in_both_directions() {
    let evidence = alone(scored(600, 0.2, 3, 1));
    let accuracy = line("accuracy >= 0", &evidence).rules[0].observed.unwrap();
    let gate = |correction: &str| {
        json!({ "metric": "accuracy", "min": accuracy - 0.05, "confidence": 0.95,
            "slices": { "by": ["region", "user"] }, "correction": correction })
    };
    let (none, bh, holm) =
        (mapped(gate("none"), &evidence), mapped(gate("bh"), &evidence), mapped(gate("holm"), &evidence));
    let decided = |judgement: &Judgement| {
        judgement.rules.iter().filter(|rule| rule.verdict != Verdict::Inconclusive).count()
    };
    assert!(
        decided(&none) > decided(&bh) && decided(&bh) >= decided(&holm),
        "{} {} {}",
        decided(&none),
        decided(&bh),
        decided(&holm)
    );
    let tests = holm.rules[0].tests.unwrap();
    assert_eq!(tests.family, Some(holm.rules.len() as u64));
    assert!(tests.holds_adjusted.unwrap() >= tests.holds);
    assert_eq!(holm.correction.as_deref(), Some("holm"));
}

#[test]
fn cases_that_other_tools_get_wrong() {
    // An unpaired test of paired data sees nothing; pairing does. (lm-evaluation-harness)
    let (better, worse) = (scored(500, 0.32, 7, 1), scored(500, 0.30, 7, 1));
    let evidence = against(better, worse);
    let judgement = mapped(
        json!({ "metric": "auc", "improve-by": { "ref": "baseline" }, "confidence": 0.95 }),
        &evidence,
    );
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.message);
    let (ours, theirs) =
        (judgement.rules[0].interval.clone().unwrap(), judgement.rules[0].reference.clone().unwrap());
    assert!(ours.lower < theirs.value.unwrap(), "the intervals overlap: {ours:?}");
    // More confidence turns a FAIL into INCONCLUSIVE, never into PASS. (lattice)
    let evidence = alone(scored(300, 0.2, 2, 1));
    let accuracy = line("accuracy >= 0", &evidence).rules[0].observed.unwrap();
    let verdict = |confidence: f64| {
        mapped(json!({ "metric": "accuracy", "min": accuracy + 0.055, "confidence": confidence }), &evidence)
            .verdict
    };
    assert_eq!((verdict(0.95), verdict(0.9999)), (Verdict::Fail, Verdict::Inconclusive));
    // A perfect score on five rows is not certainty.
    let perfect = alone(measured("id,label,score\n1,1,0.9\n2,0,0.1\n3,1,0.8\n4,0,0.2\n5,1,0.7\n"));
    for gate in ["accuracy >= 0.95", "roc_auc >= 0.95", "f1 >= 0.95", "recall >= 0.95"] {
        assert_eq!(line(gate, &perfect).verdict, Verdict::Inconclusive, "{gate}");
    }
    // A metric that is undefined on many resamples is not decided by the others.
    let rare = alone(measured("id,label,score\n1,1,0.9\n2,0,0.1\n3,0,0.3\n4,0,0.2\n5,0,0.4\n"));
    assert_eq!(line("pr_auc >= 0.5", &rare).verdict, Verdict::Inconclusive);
    assert_eq!(line("roc_auc >= 0.5", &rare).verdict, Verdict::Inconclusive);
}

#[test]
fn stored_numbers_of_other_definitions_are_not_compared() {
    let mut candidate = scalars(&[("accuracy", 0.9)]);
    candidate.definitions = Some("2".into());
    let mut baseline = scalars(&[("accuracy", 0.8)]);
    baseline.definitions = Some("1".into());
    let judgement = line("accuracy >= baseline", &against(candidate, baseline));
    assert_eq!(judgement.verdict, Verdict::Error);
    assert!(judgement.message.contains("version 2") && judgement.message.contains("version 1"));
}

fn order(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::Inconclusive => 1,
        Verdict::Pass => 2,
        other => panic!("{other}"),
    }
}

/// A few rows as a table, in the given order.
fn rows_of(rows: &[(usize, (bool, u32, u8))], copies: usize) -> Measurements {
    let mut text = "id,label,score,region\n".to_owned();
    for (id, (label, score, region)) in rows {
        for copy in 0..copies {
            let _ = writeln!(text, "{id}-{copy},{},{},r{region}", u8::from(*label), f64::from(*score) / 19.0);
        }
    }
    measured(&text)
}

fn some_rows() -> impl Strategy<Value = Vec<(usize, (bool, u32, u8))>> {
    prop::collection::vec((any::<bool>(), 0..20_u32, 0..3_u8), 12..60)
        .prop_map(|rows| rows.into_iter().enumerate().collect())
}

const METRICS: [&str; 5] = ["accuracy", "f1", "roc_auc", "brier", "balanced_accuracy"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn raising_a_minimum_never_turns_fail_into_pass(rows in some_rows(), low in 0.0..1.0_f64, high in 0.0..1.0_f64) {
        let (low, high) = if low <= high { (low, high) } else { (high, low) };
        let evidence = alone(rows_of(&rows, 1));
        for metric in METRICS {
            let at = |bound: f64| line(&format!("{metric} >= {bound}"), &evidence).verdict;
            if at(0.0) != Verdict::Error {
                prop_assert!(order(at(low)) >= order(at(high)), "{metric} {low} {high}");
            }
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing(rows in some_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))) {
        let (rows, shuffled) = rows;
        let (one, other) = (alone(rows_of(&rows, 1)), alone(rows_of(&shuffled, 1)));
        for metric in METRICS {
            for gate in [format!("{metric} >= 0.5"), format!("{metric}[region=*] >= 0.5"), format!("spread({metric}[region]) <= 0.2")] {
                prop_assert_eq!(line(&gate, &one), line(&gate, &other));
            }
        }
    }

    #[test]
    fn identical_models_pass_every_no_regression_gate(rows in some_rows(), margin in 0..3_u8) {
        let evidence = against(rows_of(&rows, 1), rows_of(&rows, 1));
        for metric in METRICS {
            if line(&format!("{metric} >= 0"), &evidence).verdict != Verdict::Error {
                for method in ["auto", "paired-bootstrap"] {
                    let judgement = mapped(json!({ "metric": metric, "confidence": 0.95, "method": method, "slices": { "by": ["region"] },
                        "no-worse-than": { "ref": "baseline", "margin": f64::from(margin) / 100.0 } }), &evidence);
                    for rule in &judgement.rules {
                        // A slice of one class has no value to compare.
                        prop_assert!(matches!(rule.verdict, Verdict::Pass | Verdict::Error) || rule.message.contains("undefined"), "{}", rule.message);
                        prop_assert!(rule.slice.len() == 1 || rule.verdict != Verdict::Error, "{}", rule.message);
                    }
                }
            }
        }
    }

    #[test]
    fn more_of_the_same_data_never_turns_pass_into_fail(rows in some_rows(), bound in 0.0..1.0_f64) {
        let (once, thrice) = (alone(rows_of(&rows, 1)), alone(rows_of(&rows, 3)));
        for metric in METRICS {
            let gate = format!("{metric} >= {bound}");
            let (before, after) = (line(&gate, &once).verdict, line(&gate, &thrice).verdict);
            prop_assert!(before != Verdict::Pass || after != Verdict::Fail, "{gate}");
            prop_assert!(before != Verdict::Fail || after != Verdict::Pass, "{gate}");
        }
    }

    #[test]
    fn scaling_a_metric_and_its_bounds_changes_nothing(values in prop::collection::vec((1..100_u32, 1..100_u32), 12..40), bound in 1..60_u32, power in -6..7_i32) {
        let table = |scale: f64| {
            let mut text = "id,label,prediction\n".to_owned();
            for (row, (label, predicted)) in values.iter().enumerate() {
                let _ = writeln!(text, "{row},{:e},{:e}", f64::from(*label) * scale, f64::from(*predicted) * scale);
            }
            alone(measured(&text))
        };
        // Powers of two scale without rounding.
        let scale = 2f64.powi(power);
        for metric in ["mae", "rmse"] {
            let verdict = |scale: f64| line(&format!("{metric} <= {}", f64::from(bound) * scale), &table(scale)).verdict;
            prop_assert_eq!(verdict(1.0), verdict(scale));
        }
    }

    #[test]
    fn what_is_not_a_number_never_passes(value in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY])) {
        for (gate, measured) in [
            ("x >= 0", evidence(&[("x", value)], None)),
            ("x >= baseline", evidence(&[("x", 1.0)], Some(&[("x", value)]))),
            ("mean(x[seed]) >= 0", evidence(&[("x seed=1", 1.0), ("x seed=2", value), ("x seed=3", 1.0)], None)),
        ] {
            prop_assert_eq!(line(gate, &measured).verdict, Verdict::Error);
        }
    }
}

#[test]
fn threads_change_nothing() {
    use crate::stats::{bootstrap::replicates, units::Units};
    let measured = scored(200, 0.3, 1, 1);
    let all = measured.predictions.unwrap();
    let rows = crate::metrics::Rows { all: &all, some: Some(all.rows_by_id()) };
    let statistic = crate::metrics::Metric::RocAuc.statistic(rows, &Ok(Vec::new())).unwrap();
    let draw = |threads| replicates(&Units::rows(200), &[&*statistic], (101, 9), threads).resampled;
    let one = draw(1);
    for threads in [2, 3, 8, 200] {
        assert_eq!(one, draw(threads), "{threads}");
    }
}
