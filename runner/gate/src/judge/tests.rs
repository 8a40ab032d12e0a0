use std::sync::Arc;

use proptest::prelude::*;

use super::judge;
use crate::{
    evidence::{Defaults, Evidence, Measurements, Reference, ScalarMetric},
    grammar::parse,
    mapping,
    predictions::{Format, Predictions, read},
    verdict::{Judgement, Verdict},
};

/// `auc` or `auc region=EU device=ios`.
pub(super) fn scalars(values: &[(&str, f64)]) -> Measurements {
    let scalars = values.iter().map(|(name, value)| {
        let mut words = name.split(' ');
        ScalarMetric {
            name: words.next().unwrap().to_owned(),
            slice: words
                .map(|word| word.split_once('=').unwrap())
                .map(|(c, v)| (c.to_owned(), v.to_owned()))
                .collect(),
            value: *value,
        }
    });
    Measurements { scalars: scalars.collect(), ..Measurements::default() }
}

pub(super) fn evidence(candidate: &[(&str, f64)], baseline: Option<&[(&str, f64)]>) -> Evidence {
    let mut evidence = Evidence { candidate: scalars(candidate), ..Evidence::default() };
    if let Some(baseline) = baseline {
        evidence.references.baseline = Reference::Measured(scalars(baseline));
    }
    evidence
}

pub(super) fn judged(gate: &str, evidence: &Evidence) -> Judgement {
    judge(&parse(gate).unwrap_or_else(|error| panic!("{gate}: {error:?}")), evidence, &Defaults::default())
}

fn predictions(csv: &str) -> Measurements {
    let predictions: Predictions = read(csv.as_bytes(), Format::Csv).unwrap();
    Measurements { predictions: Some(Arc::new(predictions)), ..Measurements::default() }
}

const SCORED: &str = "id,label,score,region\na,1,0.9,EU\nb,0,0.2,EU\nc,1,0.4,US\nd,0,0.1,US\ne,1,0.8,US\n";

#[test]
fn says_what_decided() {
    let mut measured = evidence(&[("auc", 0.912), ("loss", 0.3)], Some(&[("auc", 0.92)]));
    measured.units.insert("latency".into(), "ms".into());
    measured.candidate.scalars.extend(scalars(&[("latency", 49.5), ("drift", 0.2)]).scalars);
    for (gate, verdict, message) in [
        ("auc >= 0.9", Verdict::Pass, "auc 0.912 is at least 0.9"),
        ("auc >= 0.95", Verdict::Fail, "auc 0.912 is below 0.95"),
        ("auc > 0.912 else warn", Verdict::Warn, "auc 0.912 is not above 0.912"),
        ("auc >= baseline", Verdict::Fail, "auc 0.912 is below 0.92 (baseline 0.92)"),
        (
            "auc >= baseline - 0.2pp else hold",
            Verdict::Hold,
            "auc 0.912 is below 0.918 (baseline 0.92 - 0.2pp)",
        ),
        ("auc >= baseline - 1%", Verdict::Pass, "auc 0.912 is at least 0.9108 (baseline 0.92 - 1%)"),
        ("auc <= baseline + 5% else hold", Verdict::Pass, "auc 0.912 is at most 0.966 (baseline 0.92 + 5%)"),
        ("latency < 0.05s", Verdict::Pass, "latency 49.5 is below 50"),
        ("drift == 0 else info", Verdict::Info, "drift 0.2 is not 0"),
        ("loss within [0, 0.25]", Verdict::Fail, "loss 0.3 is outside [0, 0.25]"),
        ("loss <= 0.5 and auc >= 0.5", Verdict::Pass, "all 2 comparisons hold"),
        ("loss <= 0.1 and auc >= 0.5 else warn", Verdict::Warn, "loss 0.3 is above 0.1"),
        ("loss <= 0.1 and auc >= 0.95", Verdict::Fail, "loss 0.3 is above 0.1, and 1 more like it"),
        ("drift <= loss", Verdict::Pass, "drift 0.2 is at most 0.3 (loss 0.3)"),
        ("ac >= 0.5", Verdict::Error, "`ac` was not measured; did you mean `auc`?"),
        ("ghost >= 0.5 else info", Verdict::Error, "`ghost` was not measured"),
        (
            "recall >= 0.5",
            Verdict::Error,
            "`recall` was not measured, and there are no predictions to compute it from",
        ),
        ("auc >= anchor - 1%", Verdict::Error, "auc: there is no anchor to compare with"),
        (
            "loss >= 30%",
            Verdict::Error,
            "loss: `loss` has no declared unit: 30% could mean 30 or 0.3; declare it: `metrics: { loss: { unit: fraction } }`",
        ),
    ] {
        let judgement = judged(gate, &measured);
        assert_eq!((judgement.verdict, judgement.message.as_str()), (verdict, message), "{gate}");
    }
}

#[test]
fn judges_metrics_of_predictions_and_their_slices() {
    let measured = Evidence { candidate: predictions(SCORED), ..Evidence::default() };
    let judgement = judged("recall >= 0.95", &measured);
    assert_eq!(judgement.message, "recall 0.6667 is below 0.95 (n = 5)");
    assert_eq!(judged("tp == 2 and n == 5", &measured).verdict, Verdict::Pass);
    let judgement = judged("recall[region=*] >= 0.80", &measured);
    assert_eq!(judgement.message, "recall[region=US] 0.5 is below 0.8 (n = 3)");
    assert_eq!(judgement.rules.iter().map(|r| r.verdict).collect::<Vec<_>>(), [Verdict::Pass, Verdict::Fail]);
    assert_eq!(judgement.worst_first()[0].slice, [("region".to_owned(), "US".to_owned())]);
    let judgement = judged("min(recall[region]) >= 80% else warn", &measured);
    assert_eq!(judgement.message, "min(recall[region]) 0.5 is below 0.8 (at region=US, n = 3)");
    assert_eq!(
        judged("spread(tpr[region]) <= 5pp", &measured).message,
        "spread(tpr[region]) 0.5 is above 0.05 (n = 5)"
    );
    assert_eq!(judged("mean(recall[region]) == 75%", &measured).verdict, Verdict::Pass);
    assert_eq!(
        judged("median(recall[region]) == 0.75 and max(recall[region]) == 1", &measured).verdict,
        Verdict::Pass
    );
    assert_eq!(judged("count(recall[region]) == 2", &measured).verdict, Verdict::Pass);
    for (gate, message) in [
        (
            "recall[regoin=*] > 0",
            "recall[regoin=*]: predictions have no column `regoin`; did you mean `region`?",
        ),
        ("recall[region=XX] > 0", "recall[region=XX]: no row is in this slice"),
        (
            "precision_macro[region=EU,region2=x] > 0",
            "precision_macro[region=EU,region2=x]: predictions have no column `region2`; did you mean `region`?",
        ),
        ("mae[region=EU] < baseline", "mae[region=EU]: there is no baseline to compare with"),
    ] {
        let judgement = judged(gate, &measured);
        assert_eq!((judgement.verdict, judgement.message.as_str()), (Verdict::Error, message));
    }
}

#[test]
fn undefined_metrics_are_errors() {
    let one_class =
        Evidence { candidate: predictions("id,label,score\na,1,0.9\nb,1,0.2\n"), ..Evidence::default() };
    for gate in ["auc >= 0", "specificity >= 0", "mcc >= -1", "balanced_accuracy >= 0", "fpr <= 1", "r2 <= 1"]
    {
        let judgement = judged(gate, &one_class);
        assert_eq!(judgement.verdict, Verdict::Error, "{gate}: {}", judgement.message);
    }
    assert_eq!(judged("recall >= 0.5", &one_class).verdict, Verdict::Pass);
    let ties = Evidence {
        candidate: predictions("id,label,score\na,1,0.5\nb,0,0.5\nc,1,0.5\n"),
        ..Evidence::default()
    };
    assert_eq!(judged("auc == 0.5", &ties).verdict, Verdict::Pass);
    let logits =
        Evidence { candidate: predictions("id,label,score\na,1,2.5\nb,0,-0.5\n"), ..Evidence::default() };
    assert_eq!(judged("auc == 1", &logits).verdict, Verdict::Pass);
    assert_eq!(judged("recall >= 0", &logits).message, "recall: the score 2.5 in row 1 is not a probability");
    let classes =
        Evidence { candidate: predictions("id,label,prediction\na,x,x\nb,y,z\n"), ..Evidence::default() };
    assert!(judged("recall >= 0", &classes).message.contains("there are 3 classes: say which average"));
    assert_eq!(judged("accuracy == 0.5 and recall_micro == 0.5", &classes).verdict, Verdict::Pass);
    assert_eq!(judged("recall_macro >= 0", &classes).message, "recall_macro: no row has the label `z`");
}

#[test]
fn reported_and_computed_values_must_agree() {
    let mut measured = Evidence { candidate: predictions(SCORED), ..Evidence::default() };
    measured.candidate.scalars =
        scalars(&[("accuracy", 0.800_000_01), ("recall", 0.99), ("x", 1.0), ("x", 2.0)]).scalars;
    assert_eq!(judged("accuracy == 0.8", &measured).verdict, Verdict::Pass);
    assert_eq!(
        judged("recall >= 0", &measured).message,
        "`recall` was reported as 0.99, but is 0.6666666666666666 by the predictions"
    );
    assert_eq!(judged("x >= 0", &measured).verdict, Verdict::Error);
}

#[test]
fn flips_are_counted_by_id() {
    let baseline = "id,label,prediction\ne,1,1\nd,0,1\nc,1,1\nb,0,0\na,1,0\n";
    let mut measured = Evidence { candidate: predictions(SCORED), ..Evidence::default() };
    assert_eq!(
        judged("harmful_flips <= 1%", &measured).message,
        "harmful_flips: there is no baseline to compare with"
    );
    measured.references.baseline = Reference::Measured(predictions(baseline));
    assert_eq!(judged("harmful_flips <= 1%", &measured).message, "harmful_flips 0.2 is above 0.01 (n = 5)");
    assert_eq!(
        judged("helpful_flips == 40% and harmful_flips[region=EU] == 0", &measured).verdict,
        Verdict::Pass
    );
    measured.references.baseline = Reference::Measured(predictions(&baseline.replace("e,1,1", "f,1,1")));
    assert!(judged("harmful_flips <= 1%", &measured).message.contains("not comparable"));
    measured.references.baseline = Reference::Measured(predictions(&baseline.replace("e,1,1", "e,0,1")));
    assert!(judged("harmful_flips <= 1%", &measured).message.contains("the label of id `e` differs"));
}

#[test]
fn different_rows_are_not_comparable() {
    let mut measured = evidence(&[("auc", 0.9)], Some(&[("auc", 0.8)]));
    measured.candidate.test_set_digest = Some("sha256:aaa".into());
    let judgement = judged("auc >= baseline", &measured);
    assert_eq!(judgement.verdict, Verdict::Error);
    assert!(judgement.message.contains("sha256:aaa"), "{}", judgement.message);
    let Reference::Measured(baseline) = &mut measured.references.baseline else { panic!() };
    baseline.test_set_digest = Some("sha256:bbb".into());
    let message = judged("auc >= baseline", &measured).message;
    assert!(message.contains("sha256:aaa") && message.contains("sha256:bbb"), "{message}");
    let Reference::Measured(baseline) = &mut measured.references.baseline else { panic!() };
    baseline.test_set_digest = Some("sha256:aaa".into());
    assert_eq!(judged("auc >= baseline", &measured).verdict, Verdict::Pass);
}

#[test]
fn a_first_promotion_is_a_rubber_stamp_only_where_allowed() {
    let measured = evidence(&[("auc", 0.9)], None);
    let allowed = Defaults { rubber_stamp: true, ..Defaults::default() };
    let gate = parse("auc >= baseline and auc >= 0.8").unwrap();
    let judgement = judge(&gate, &measured, &allowed);
    assert_eq!((judgement.verdict, judgement.rubber_stamp), (Verdict::Warn, true));
    assert!(judgement.message.starts_with("RUBBER STAMP"));
    assert_eq!(judge(&gate, &measured, &Defaults::default()).verdict, Verdict::Error);
    assert_eq!(
        judge(&parse("auc >= baseline and auc >= 0.95").unwrap(), &measured, &allowed).verdict,
        Verdict::Fail
    );
    let nan = evidence(&[("auc", f64::NAN)], None);
    assert_eq!(judge(&gate, &nan, &allowed).verdict, Verdict::Error);
    let mut unreadable = measured;
    unreadable.references.baseline = Reference::Unreadable("digest mismatch".into());
    let judgement = judge(&gate, &unreadable, &allowed);
    assert_eq!(judgement.verdict, Verdict::Error);
    assert!(judgement.message.contains("digest mismatch"));
}

#[test]
fn too_few_rows_are_inconclusive() {
    let measured = Evidence { candidate: predictions(SCORED), ..Evidence::default() };
    let few = Defaults { min_samples: Some(6), ..Defaults::default() };
    let judgement = judge(&parse("recall >= 0.5").unwrap(), &measured, &few);
    assert_eq!(
        (judgement.verdict, judgement.message.as_str()),
        (Verdict::Inconclusive, "recall: n = 5 is below min-samples 6")
    );
    assert_eq!(judge(&parse("recall >= 0.5 else warn").unwrap(), &measured, &few).verdict, Verdict::Warn);
    let scalar = evidence(&[("loss", 0.1)], None);
    assert_eq!(judge(&parse("loss <= 0.5").unwrap(), &scalar, &few).verdict, Verdict::Pass);
    let gate =
        mapping::from_json(&serde_json::json!({ "metric": "loss", "max": 0.5, "min-samples": 1 })).unwrap();
    assert_eq!(judge(&gate, &scalar, &Defaults::default()).verdict, Verdict::Inconclusive);
}

#[test]
fn mapping_rules_know_the_direction() {
    let gate = |json: serde_json::Value| mapping::from_json(&json).unwrap();
    let mut measured = evidence(
        &[("auc", 0.90), ("rmse", 3.1), ("speed", 9.0)],
        Some(&[("auc", 0.90), ("rmse", 3.0), ("speed", 10.0)]),
    );
    for (metric, key, margin, verdict) in [
        ("auc", "no-worse-than", "0", Verdict::Pass),
        ("auc", "improve-by", "0", Verdict::Fail),
        ("auc", "at-most-better-than", "5%", Verdict::Pass),
        ("rmse", "no-worse-than", "1%", Verdict::Fail),
        ("rmse", "no-worse-than", "0.1", Verdict::Pass),
        ("rmse", "at-most-better-than", "0.5", Verdict::Pass),
        ("rmse", "improve-by", "0", Verdict::Fail),
        ("speed", "no-worse-than", "1%", Verdict::Error),
    ] {
        let gate =
            gate(serde_json::json!({ "metric": metric, key: { "ref": "baseline", "margin": margin } }));
        let judgement = judge(&gate, &measured, &Defaults::default());
        assert_eq!(judgement.verdict, verdict, "{metric} {key} {margin}: {}", judgement.message);
    }
    let speed = gate(
        serde_json::json!({ "metric": "speed", "no-worse-than": { "ref": "baseline", "margin": "20%" } }),
    );
    measured.better.insert("speed".into(), crate::grammar::Better::Higher);
    let judgement = judge(&speed, &measured, &Defaults::default());
    assert_eq!(judgement.message, "speed 9 is at least 8 (baseline 10 - 20%)");
}

#[test]
fn mapping_slices_are_judged_besides_the_whole() {
    let measured = Evidence { candidate: predictions(SCORED), ..Evidence::default() };
    let mut json =
        serde_json::json!({ "metric": "recall", "min": 0.6, "slices": { "by": ["region"], "worst": 1 } });
    let judgement = judge(&mapping::from_json(&json).unwrap(), &measured, &Defaults::default());
    assert_eq!((judgement.verdict, judgement.rules.len(), judgement.worst), (Verdict::Fail, 3, Some(1)));
    json["slices"]["except"] = serde_json::json!({ "region": ["US"] });
    let judgement = judge(&mapping::from_json(&json).unwrap(), &measured, &Defaults::default());
    assert_eq!((judgement.verdict, judgement.rules.len()), (Verdict::Pass, 2));
    json["slices"]["min-samples"] = serde_json::json!(3);
    let judgement = judge(&mapping::from_json(&json).unwrap(), &measured, &Defaults::default());
    assert_eq!(
        (judgement.verdict, judgement.message.as_str()),
        (Verdict::Inconclusive, "recall[region=EU]: n = 2 is below min-samples 3")
    );
}

#[test]
fn slices_are_compared_with_the_same_slice_of_the_baseline() {
    let mut measured = Evidence { candidate: predictions(SCORED), ..Evidence::default() };
    measured.references.baseline =
        Reference::Measured(predictions(&SCORED.replace("e,1,0.8", "e,1,0.1").replace("b,0,0.2", "b,0,0.7")));
    let judgement = judged("accuracy[region=*] > baseline", &measured);
    let seen: Vec<_> = judgement.rules.iter().map(|rule| rule.message.as_str()).collect();
    assert_eq!(
        seen,
        [
            "accuracy[region=EU] 1 is above 0.5 (baseline 0.5, n = 2)",
            "accuracy[region=US] 0.6667 is above 0.3333 (baseline 0.333333, n = 3)",
        ]
    );
    let judgement = judged("min(accuracy[region]) <= baseline + 1pp else hold", &measured);
    assert_eq!(
        judgement.message,
        "min(accuracy[region]) 0.6667 is above 0.3433 (at region=US, baseline 0.333333 + 1pp, n = 3)"
    );
    assert_eq!(judged("recall[region=*] >= specificity - 60pp", &measured).verdict, Verdict::Pass);
    measured.references.baseline = Reference::Measured(predictions(&SCORED.replace("e,1", "f,1")));
    let message = judged("accuracy >= baseline", &measured).message;
    assert!(message.contains("only one of them has id"), "{message}");
}

#[test]
fn a_slice_that_vanished_is_an_error() {
    let measured = evidence(&[("f1 r=a", 0.9)], Some(&[("f1 r=a", 0.9), ("f1 r=b", 0.2)]));
    let judgement = judged("f1[r=*] >= baseline", &measured);
    assert_eq!(
        (judgement.verdict, judgement.message.as_str()),
        (Verdict::Error, "f1[r=b]: this slice vanished, the baseline has it")
    );
    // Under an aggregate too: the worst slice would be gone, and the least of the others better.
    for aggregate in ["min", "max", "mean", "median", "spread"] {
        let judgement = judged(&format!("{aggregate}(f1[r]) >= baseline - 90pp"), &measured);
        assert_eq!(
            (judgement.verdict, judgement.message),
            (Verdict::Error, format!("{aggregate}(f1[r]): the slice r=b vanished, the baseline has it"))
        );
    }
    assert_eq!(judged("count(f1[r]) >= baseline - 1", &measured).verdict, Verdict::Pass);
    // Other seeds are repetitions of the same, not slices that were lost; one of the same seeds is.
    let seeds = |ours: &[&'static str]| {
        let of = |names: &[&'static str]| names.iter().map(|name| (*name, 0.9)).collect::<Vec<_>>();
        evidence(&of(ours), Some(&of(&["f1 seed=1", "f1 seed=2", "f1 seed=3"])))
    };
    let judgement = judged("mean(f1[seed]) >= baseline", &seeds(&["f1 seed=4", "f1 seed=5", "f1 seed=6"]));
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.message);
    let judgement = judged("mean(f1[seed]) >= baseline", &seeds(&["f1 seed=1", "f1 seed=2", "f1 seed=4"]));
    assert_eq!(judgement.verdict, Verdict::Error, "{}", judgement.message);
}

#[test]
fn missing_may_warn_and_nan_may_not() {
    let gate = mapping::from_json(&serde_json::json!({ "metric": "auc", "min": 0.5, "on-missing": "warn" }))
        .unwrap();
    let verdict =
        |measured: &[(&str, f64)]| judge(&gate, &evidence(measured, None), &Defaults::default()).verdict;
    assert_eq!(verdict(&[]), Verdict::Warn);
    assert_eq!(verdict(&[("auc", f64::NAN)]), Verdict::Error);
    assert_eq!(verdict(&[("auc", f64::INFINITY)]), Verdict::Error);
}

/// A measured value as a decimal of few digits, as reports have them.
fn decimal() -> impl Strategy<Value = f64> {
    (-99_999_i32..100_000, 0..6_i32).prop_map(|(digits, scale)| f64::from(digits) / 10f64.powi(scale))
}

proptest! {
    #[test]
    fn raising_a_minimum_never_turns_fail_into_pass(value in decimal(), low in decimal(), high in decimal()) {
        let (low, high) = if low <= high { (low, high) } else { (high, low) };
        let measured = evidence(&[("x", value)], None);
        let passes = |bound: f64| judged(&format!("x >= {bound}"), &measured).verdict == Verdict::Pass;
        prop_assert!(passes(low) || !passes(high));
        prop_assert_eq!(passes(low), value >= low);
    }

    #[test]
    fn what_is_not_a_number_never_passes(bound in decimal(), sign in prop::sample::select(vec![">=", "<=", ">", "<", "=="]), value in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY])) {
        for (gate, measured) in [
            (format!("x {sign} {bound}"), evidence(&[("x", value)], None)),
            (format!("x {sign} {bound}"), evidence(&[], None)),
            (format!("x {sign} baseline"), evidence(&[("x", value)], Some(&[("x", value)]))),
            (format!("x {sign} baseline"), evidence(&[("x", bound)], Some(&[("x", value)]))),
            (format!("x {sign} baseline"), evidence(&[("x", bound)], Some(&[]))),
            (format!("x {sign} baseline - 10%"), evidence(&[("x", bound)], Some(&[("x", 0.0)]))),
            (format!("min(x[a]) {sign} {bound}"), evidence(&[("x a=1", bound), ("x a=2", value)], None)),
            (format!("count(x[a]) {sign} {bound}"), evidence(&[], None)),
            (format!("x[a=*] {sign} {bound}"), evidence(&[("x", bound)], None)),
        ] {
            for level in ["", " else hold", " else warn", " else info"] {
                let judgement = judged(&format!("{gate}{level}"), &measured);
                prop_assert_eq!(judgement.verdict, Verdict::Error, "{}: {}", gate, judgement.message);
            }
        }
    }

    #[test]
    fn scaling_a_metric_and_its_bounds_changes_nothing(value in -9999_i64..9999, bound in -9999_i64..9999, margin in 0..500_u32, power in 0..12_i32) {
        let at = |digits: i64, power: i32| format!("{digits}e{power}").parse::<f64>().unwrap();
        for gate in [format!("x >= BOUND and x <= {margin}ePOWER"), format!("x >= baseline - {margin}%"), format!("x < baseline + {margin}ePOWER")] {
            let verdict = |power: i32| {
                let text = gate.replace("BOUND", &format!("{bound}e{power}")).replace("POWER", &power.to_string());
                judged(&text, &evidence(&[("x", at(value, power))], Some(&[("x", at(bound, power))]))).verdict
            };
            prop_assert_eq!(verdict(0), verdict(power));
            prop_assert_eq!(verdict(0), verdict(-power));
        }
    }

    #[test]
    fn an_identical_candidate_passes_every_no_regression_gate(value in decimal(), margin in 0..50_u32) {
        let measured = evidence(&[("x", value)], Some(&[("x", value)]));
        for gate in ["x >= baseline", "x <= baseline", "x == baseline"] {
            prop_assert_eq!(judged(gate, &measured).verdict, Verdict::Pass);
        }
        let zero = if value == 0.0 { "" } else { "%" };
        prop_assert_eq!(judged(&format!("x >= baseline - {margin}{zero}"), &measured).verdict, Verdict::Pass);
        prop_assert_eq!(judged(&format!("x <= baseline + {margin}{zero}"), &measured).verdict, Verdict::Pass);
    }

    #[test]
    fn the_order_of_rows_changes_nothing(
        rows in prop::collection::vec((any::<bool>(), 0..20_u32, 1..1000_u32, 0..3_u8), 4..60).prop_flat_map(|rows| (Just(rows.clone()), Just(rows.into_iter().enumerate().collect::<Vec<_>>()).prop_shuffle())),
    ) {
        let line = |(i, (label, score, weight, region)): (usize, (bool, u32, u32, u8))| {
            format!("{i},{},{},{},r{region}\n", u8::from(label), f64::from(score) / 19.0, f64::from(weight) / 7.0)
        };
        let table = |rows: Vec<(usize, (bool, u32, u32, u8))>| {
            let body: String = rows.into_iter().map(line).collect();
            Evidence { candidate: predictions(&format!("id,label,score,weight,region\n{body}")), ..Evidence::default() }
        };
        let (rows, shuffled) = rows;
        let (one, other) = (table(rows.into_iter().enumerate().collect()), table(shuffled));
        for metric in crate::metrics::names() {
            for gate in [format!("{metric} >= 0.5"), format!("{metric}[region=*] >= 0.5"), format!("mean({metric}[region]) >= 0.5")] {
                prop_assert_eq!(judged(&gate, &one), judged(&gate, &other).clone());
            }
        }
    }
}
