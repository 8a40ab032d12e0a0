//! Every curve against the points that scikit-learn and numpy give: see `golden/make_curves.py`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "tests; constants are meant exactly"
)]

use std::{fmt::Write as _, fs, path::PathBuf};

use runner_gate::{
    curves::{self, Answer, Pairs},
    predictions::{Format, Predictions, read},
};
use serde_json::Value;

const BINS: usize = 10;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn predictions(name: &str) -> Predictions {
    csv(&fs::read_to_string(golden(&format!("{name}.csv"))).unwrap())
}

fn csv(text: &str) -> Predictions {
    read(text.as_bytes(), Format::Csv).unwrap()
}

fn expected(name: &str) -> Value {
    serde_json::from_slice::<Value>(&fs::read(golden("curves.json")).unwrap()).unwrap()[name].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap_or_else(|| panic!("{value} is no list"));
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

#[track_caller]
fn same(ours: impl IntoIterator<Item = f64>, theirs: &Value) {
    let (ours, theirs): (Vec<f64>, _) = (ours.into_iter().collect(), numbers(theirs));
    assert_eq!(ours.len(), theirs.len(), "{ours:?}\n{theirs:?}");
    for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{index}: {ours} is not {theirs}");
    }
}

#[test]
fn curves_of_scores_agree() {
    for file in ["tied", "weighted", "cancer"] {
        let (predictions, expected) = (predictions(file), expected(file));
        assert_eq!(curves::answer(&predictions), Answer::Score);
        let roc = curves::roc(&predictions).unwrap();
        same(roc.iter().map(|point| point.fpr), &expected["roc"][0]);
        same(roc.iter().map(|point| point.tpr), &expected["roc"][1]);
        let curve = curves::precision_recall(&predictions).unwrap();
        // Theirs ends where every positive is found; ours goes on to the lowest score, at the same recall.
        let length = numbers(&expected["precision_recall"][0]).len();
        same(curve[..length].iter().map(|point| point.recall), &expected["precision_recall"][0]);
        same(curve[..length].iter().map(|point| point.precision), &expected["precision_recall"][1]);
        assert!(curve[length..].iter().all(|point| point.recall == 1.0));
        let spread = curves::score_distribution(&predictions, BINS).unwrap();
        same(spread.positives, &expected["positives"]);
        same(spread.negatives, &expected["negatives"]);
    }
}

#[test]
fn calibration_agrees() {
    for file in ["tied", "cancer"] {
        let bins = curves::calibration(&predictions(file), BINS).unwrap();
        same(bins.iter().map(|bin| bin.mean_score), &expected(file)["calibration"][0]);
        same(bins.iter().map(|bin| bin.positive_rate), &expected(file)["calibration"][1]);
    }
}

#[test]
fn confusion_agrees() {
    for file in ["classes", "classes_weighted"] {
        let (predictions, expected) = (predictions(file), expected(file));
        assert_eq!(curves::answer(&predictions), Answer::Class);
        let confusion = curves::confusion(&predictions, 20).unwrap();
        assert_eq!(confusion.cells.len(), 3);
        for (ours, theirs) in confusion.cells.iter().zip(expected["confusion"].as_array().unwrap()) {
            same(ours.iter().copied(), theirs);
        }
        assert!(curves::confusion(&predictions, 2).unwrap_err().contains("3 classes"));
    }
}

#[test]
fn pairs_and_residuals_of_numbers_agree() {
    for file in ["numbers", "numbers_weighted"] {
        let (predictions, expected) = (predictions(file), expected(file));
        assert_eq!(curves::answer(&predictions), Answer::Number);
        let residuals = curves::residual_distribution(&predictions, BINS).unwrap();
        same(residuals.edges, &expected["edges"]);
        same(residuals.weights, &expected["residuals"]);
        let Pairs::Density { x_edges, y_edges, cells } = curves::agreement(&predictions, BINS, BINS).unwrap()
        else {
            panic!("there are more rows than points")
        };
        same(x_edges, &expected["x"]);
        same(y_edges, &expected["y"]);
        let mut grid = vec![vec![0.0; BINS]; BINS];
        for cell in cells {
            grid[cell.column][cell.row] = cell.weight;
        }
        for (ours, theirs) in grid.iter().zip(expected["grid"].as_array().unwrap()) {
            same(ours.iter().copied(), theirs);
        }
        let Pairs::Points(points) = curves::residuals(&predictions, 1000, BINS).unwrap() else {
            panic!("there are fewer rows than points")
        };
        assert_eq!(points.len(), predictions.rows());
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for file in ["tied", "weighted", "cancer"] {
        let text = fs::read_to_string(golden(&format!("{file}.csv"))).unwrap();
        let (head, rows) = text.split_once('\n').unwrap();
        let mut reversed = format!("{head}\n");
        for row in rows.lines().rev() {
            let _ = writeln!(reversed, "{row}");
        }
        let (one, other) = (csv(&text), csv(&reversed));
        assert_eq!(curves::roc(&one), curves::roc(&other));
        assert_eq!(curves::precision_recall(&one), curves::precision_recall(&other));
        assert_eq!(curves::calibration(&one, BINS), curves::calibration(&other, BINS));
    }
}

#[test]
fn what_is_undefined_says_why() {
    let positives = csv("id,label,score\na,1,0.2\nb,1,0.9\n");
    assert_eq!(curves::roc(&positives).unwrap_err(), "no row has a negative label");
    assert_eq!(curves::precision_recall(&positives).unwrap().last().unwrap().precision, 1.0);
    let negatives = csv("id,label,score\na,0,0.2\nb,0,0.9\n");
    assert_eq!(curves::precision_recall(&negatives).unwrap_err(), "no row has a positive label");
    let weightless = csv("id,label,score,weight\na,0,0.2,0\nb,1,0.9,0\n");
    assert_eq!(curves::roc(&weightless).unwrap_err(), "no row has a positive label");
    assert_eq!(curves::calibration(&weightless, BINS).unwrap_err(), "the weights add up to 0");
    let logits = csv("id,label,score\na,0,-2.5\nb,1,3\n");
    assert_eq!(
        curves::calibration(&logits, BINS).unwrap_err(),
        "the score -2.5 in row 1 is not a probability"
    );
    assert_eq!(curves::score_distribution(&logits, 2).unwrap().edges, [-2.5, 0.25, 3.0]);
    let words = csv("id,label,prediction\na,cat,dog\n");
    assert_eq!(
        curves::residual_distribution(&words, BINS).unwrap_err(),
        "labels and predictions must be numbers"
    );
}

#[test]
fn equal_scores_are_one_threshold() {
    let tied = csv("id,label,score\na,0,0.5\nb,1,0.5\nc,0,0.5\n");
    let roc = curves::roc(&tied).unwrap();
    assert_eq!(roc.len(), 2);
    assert_eq!((roc[1].fpr, roc[1].tpr, roc[1].threshold), (1.0, 1.0, 0.5));
    // Both zeros are one score.
    assert_eq!(curves::roc(&csv("id,label,score\na,0,0.0\nb,1,-0.0\n")).unwrap().len(), 2);
}

#[test]
fn a_class_that_only_scores_give_has_a_column() {
    let confusion = curves::confusion(&csv("id,label,score\na,0,0.2\nb,0,0.9\n"), 5).unwrap();
    assert_eq!(confusion.names, ["0", "1"]);
    assert_eq!(confusion.cells, [[1.0, 1.0], [0.0, 0.0]]);
}
