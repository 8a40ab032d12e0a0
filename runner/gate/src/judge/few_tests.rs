//! Verdicts from little data, and from data that show no spread.

use std::fmt::Write as _;

use serde_json::json;

use super::{
    tests::evidence,
    uncertain_tests::{against, alone, line, mapped, measured},
};
use crate::verdict::{Judgement, Verdict};

/// Rows of labels and predictions, with a column of clusters.
fn rows(rows: impl IntoIterator<Item = (f64, f64, String)>) -> crate::Measurements {
    let mut text = "id,label,prediction,user\n".to_owned();
    for (row, (label, predicted, user)) in rows.into_iter().enumerate() {
        let _ = writeln!(text, "{row},{label},{predicted},{user}");
    }
    measured(&text)
}

/// As many rows of one label, of which the first `right` are predicted.
fn shares(right: usize, of: usize) -> crate::Measurements {
    rows((0..of).map(|row| (1.0, if row < right { 1.0 } else { 0.0 }, "u".to_owned())))
}

fn is(judgement: &Judgement, verdict: Verdict, reason: &str) {
    assert_eq!(judgement.verdict, verdict, "{}: {}", judgement.text, judgement.message);
    assert!(judgement.message.contains(reason), "{}", judgement.message);
}

#[test]
fn a_few_units_decide_nothing() {
    let users = |count: usize| {
        let row = |row: usize| (1.0, f64::from(u8::from(row / count % 4 != 3)), format!("u{}", row % count));
        alone(rows((0..40 * count).map(row)))
    };
    let gate = json!({ "metric": "accuracy", "min": 0.7499, "confidence": 0.95, "cluster": "user" });
    is(&mapped(&gate, &users(1)), Verdict::Inconclusive, "1 value of `user` cannot carry a bootstrap");
    is(&mapped(&gate, &users(9)), Verdict::Inconclusive, "which needs at least 10");
    let judgement = mapped(json!({ "metric": "mae", "max": 0.9, "confidence": 0.95 }), &users(1));
    is(&judgement, Verdict::Pass, "");
    for few in [1, 2, 9] {
        let spread = alone(rows((0..few).map(|row| (1.0, 1.0 + 0.01 * f64::from(row), "u".to_owned()))));
        is(&line("mae <= 5", &spread), Verdict::Inconclusive, "cannot carry a bootstrap");
    }
    // At a higher confidence more are needed, as by the sign test.
    let some = alone(rows((0..12).map(|row| (1.0, 1.0 + 0.01 * f64::from(row), "u".to_owned()))));
    is(&line("mae <= 5", &some), Verdict::Pass, "");
    let gate = json!({ "metric": "mae", "max": 5, "confidence": 0.9999 });
    is(&mapped(gate, &some), Verdict::Inconclusive, "needs at least 14");
    let gate = json!({ "metric": "mae", "max": 5, "confidence": 0.95, "stratify": "id2" });
    let mut text = "id,label,prediction,id2\n".to_owned();
    (0..12).for_each(|row| writeln!(text, "{row},1,1.{row},{}", row / 2 * row % 7).unwrap_or_default());
    is(&mapped(gate, &alone(measured(&text))), Verdict::Inconclusive, "one unit only");
}

#[test]
fn what_shows_no_spread_is_not_known_for_sure() {
    // The same error in every row: nothing says how large others may be, whatever the rounding of the sums.
    let same = alone(rows((0..40).map(|_| (1.0, 1.05, "u".to_owned()))));
    is(&line("mae <= 0.06", &same), Verdict::Inconclusive, "the same on all resamples");
    // Every user has three of four rows right: as many users as agree say how sure that is.
    let users = |users: usize| {
        let row = |row: usize| (1.0, f64::from(u8::from(row % 4 != 3)), format!("u{}", row / 4));
        alone(rows((0..4 * users).map(row)))
    };
    let gate = |min: f64| json!({ "metric": "accuracy", "min": min, "confidence": 0.95, "cluster": "user" });
    is(&mapped(gate(0.7499), &users(40)), Verdict::Inconclusive, "95 % bounds 0.6959 to 0.768");
    is(&mapped(gate(0.69), &users(40)), Verdict::Pass, "");
    is(&mapped(gate(0.77), &users(40)), Verdict::Fail, "");
    // A perfect recall is as sure as its positives are many, not its rows.
    let rare = |positives: usize| {
        let row = |row: usize| {
            let label = f64::from(u8::from(row.is_multiple_of(200 / positives)));
            (label, label, format!("u{row}"))
        };
        alone(rows((0..200).map(row)))
    };
    let gate = json!({ "metric": "recall", "min": 0.9, "confidence": 0.95, "cluster": "user" });
    is(&mapped(&gate, &rare(10)), Verdict::Inconclusive, "95 % bounds 0.7411 to 1");
    is(&mapped(&gate, &rare(100)), Verdict::Pass, "");
    is(
        &line("min(recall[label2]) >= 0.9", &alone(measured("id,label,score,label2\n1,1,1,a\n"))),
        Verdict::Inconclusive,
        "1 row cannot",
    );
    is(&line("mcc >= 0.9", &rare(100)), Verdict::Pass, "");
    is(&line("mcc >= 0.9", &rare(10)), Verdict::Inconclusive, "");
}

#[test]
fn a_difference_without_spread_is_as_sure_as_its_rows_are_many() {
    let (right, wrong) = (|n| shares(n, n), |n| shares(0, n));
    for (n, gate, verdict) in [
        (4, "accuracy >= baseline + 50pp", Verdict::Inconclusive),
        (10, "accuracy >= baseline + 50pp", Verdict::Inconclusive),
        (12, "accuracy >= baseline + 50pp", Verdict::Pass),
        (12, "accuracy >= baseline + 60pp", Verdict::Inconclusive),
    ] {
        is(&line(gate, &against(right(n), wrong(n))), verdict, "");
    }
    // The same decisions by other scores: another row may tell the two apart.
    let scored = |score: f64| {
        let mut text = "id,label,score\n".to_owned();
        (0..400).for_each(|row| writeln!(text, "{row},{},{score}", row % 2).unwrap_or_default());
        measured(&text)
    };
    let evidence = against(scored(0.9), scored(0.8));
    is(&line("accuracy >= baseline", &evidence), Verdict::Inconclusive, "95 % bounds -0.007461 to 0.007461");
    is(&line("accuracy >= baseline - 1pp", &evidence), Verdict::Pass, "");
    for method in ["mcnemar", "delong"] {
        let metric = if method == "delong" { "auc" } else { "accuracy" };
        let gate = json!({ "metric": metric, "no-worse-than": { "ref": "baseline" }, "confidence": 0.95, "method": method });
        is(&mapped(&gate, &evidence), Verdict::Inconclusive, "");
        is(&mapped(&gate, &against(scored(0.9), scored(0.9))), Verdict::Pass, "");
    }
    // Errors that are all one smaller may lie anywhere in other rows.
    let errors = |by: f64| rows((0..40).map(|row| (f64::from(row), f64::from(row) + by, "u".to_owned())));
    is(
        &line("mae <= baseline", &against(errors(1.0), errors(2.0))),
        Verdict::Inconclusive,
        "the same on all",
    );
}

#[test]
fn a_copy_passes_however_few_its_rows() {
    for n in [1, 2, 4, 40] {
        let evidence = against(shares(n / 2, n), shares(n / 2, n));
        for gate in ["accuracy >= baseline", "mae <= baseline + 1%", "mean(accuracy[user]) >= baseline"] {
            is(&line(gate, &evidence), Verdict::Pass, "");
        }
        is(&line("accuracy > baseline", &evidence), Verdict::Fail, "");
    }
    let grades = |last: u8| {
        let mut text = "id,label,score,grade\n".to_owned();
        (0..12).for_each(|row| {
            writeln!(text, "{row},1,0.9,{}", if row == 11 { last } else { 3 }).unwrap_or_default();
        });
        measured(&text)
    };
    is(&line("mean_grade >= baseline", &against(grades(3), grades(3))), Verdict::Pass, "");
    is(&line("mean_grade >= baseline", &against(grades(4), grades(3))), Verdict::Inconclusive, "");
}

#[test]
fn few_rows_of_a_class_carry_no_area() {
    let mut text = "id,label,score\n1,1,0.951\n2,1,0.952\n".to_owned();
    (3..103).for_each(|row| writeln!(text, "{row},0,{}", f64::from(row) / 104.0).unwrap_or_default());
    is(
        &line("roc_auc >= 0.8", &alone(measured(&text))),
        Verdict::Inconclusive,
        "2 positives and 100 negatives",
    );
}

#[test]
fn repetitions_that_agree_say_nothing_of_their_spread() {
    let of = |value: f64| [("f1 seed=1", value), ("f1 seed=2", value), ("f1 seed=3", value)];
    is(&line("mean(f1[seed]) >= 0.8", &evidence(&of(0.9), None)), Verdict::Inconclusive, "all 3 repetitions");
    let better = evidence(&of(0.9), Some(&of(0.8)));
    is(&line("mean(f1[seed]) >= baseline", &better), Verdict::Inconclusive, "all 3 repetitions");
    is(&line("mean(f1[seed]) >= baseline", &evidence(&of(0.9), Some(&of(0.9)))), Verdict::Pass, "");
}
