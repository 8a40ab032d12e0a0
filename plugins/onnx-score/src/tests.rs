//! The plugin over models written by the training plugins' own writer.

use std::fs;

use linear_model::{
    onnx::{self, Answer, LinearModel},
    scaling::Scaling,
};
use nalgebra::DVector;
use runner_plugin_sdk::{Failure, Kind, Step, Task, host};

use crate::{DATA, MODEL, OnnxScore};

/// Weights 2 and −1 for (a − 1) / 2 and (b − 3) / 4, intercept 0.5.
fn model(answer: Answer, metadata: &[(&str, String)]) -> Vec<u8> {
    let scaling =
        Scaling { means: DVector::from_vec(vec![1.0, 3.0]), scales: DVector::from_vec(vec![2.0, 4.0]) };
    onnx::write(&LinearModel {
        producer: "test",
        producer_version: "0.1.0",
        scaling: &scaling,
        weights: &[2.0, -1.0],
        intercept: 0.5,
        answer,
        metadata,
    })
}

fn described() -> Vec<(&'static str, String)> {
    vec![
        (onnx::META_TASK, "binary-classification".to_owned()),
        (onnx::META_FEATURES, r#"["a","b"]"#.to_owned()),
        (onnx::META_LABEL, "y".to_owned()),
        (onnx::META_POSITIVE, "yes".to_owned()),
        (onnx::META_NEGATIVE, "no".to_owned()),
    ]
}

fn score(a: f64, b: f64) -> f64 {
    2.0 * (a - 1.0) / 2.0 - (b - 3.0) / 4.0 + 0.5
}

fn probability(a: f64, b: f64) -> f64 {
    1.0 / (1.0 + (-score(a, b)).exp())
}

fn run(model: &[u8], data: &str, config: &serde_json::Value) -> (Result<String, Failure>, host::Recorded) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("model.onnx"), model).unwrap();
    fs::write(at("data.csv"), data).unwrap();
    let task = Task::new("score")
        .with_input(MODEL, Kind::Model, at("model.onnx"))
        .with_input(DATA, Kind::Dataset, at("data.csv"))
        .with_output("predictions", Kind::Predictions, at("predictions.csv"))
        .with_config(config)
        .unwrap();
    host::take_recorded();
    let result = OnnxScore::run(task).map(|()| fs::read_to_string(at("predictions.csv")).unwrap());
    (result, host::take_recorded())
}

#[test]
fn scores_by_name_with_labels_and_slices() {
    let data = "y,b,a,id,group\nyes,3,1,x1,north\nno,-2.5,0.25,x2,\"so,uth\"\n";
    let config = serde_json::json!({ "slices": ["group"], "threshold": 0.5 });
    let (predictions, recorded) = run(&model(Answer::Probability, &described()), data, &config);
    let predictions = predictions.unwrap();
    let lines: Vec<&str> = predictions.lines().collect();
    assert_eq!(lines[0], "id,label,score,prediction,group");
    let fields: Vec<&str> = lines[1].split(',').collect();
    assert_eq!([fields[0], fields[1], fields[3], fields[4]], ["x1", "1", "1", "north"]);
    assert!((fields[2].parse::<f64>().unwrap() - probability(1.0, 3.0)).abs() < 1e-15);
    assert!(lines[2].ends_with(",1,\"so,uth\""), "{}", lines[2]);
    let second: f64 = lines[2].split(',').nth(2).unwrap().parse().unwrap();
    assert!((second - probability(0.25, -2.5)).abs() < 1e-15);
    assert_eq!(recorded.metric("scored_rows"), Some(2.0));
}

#[test]
fn more_rows_than_a_batch_are_scored_alike() {
    let mut data = "id,a,b\n".to_owned();
    for row in 0..2500_u32 {
        use std::fmt::Write as _;
        writeln!(data, "{row},{},{}", f64::from(row) / 1000.0, f64::from(row % 7)).unwrap();
    }
    let (predictions, recorded) =
        run(&model(Answer::Probability, &described()), &data, &serde_json::json!({}));
    let predictions = predictions.unwrap();
    assert_eq!(predictions.lines().next(), Some("id,score"));
    assert_eq!(predictions.lines().count(), 2501);
    for (row, line) in (0_u32..).zip(predictions.lines().skip(1)) {
        let found: f64 = line.split(',').nth(1).unwrap().parse().unwrap();
        let expected = probability(f64::from(row) / 1000.0, f64::from(row % 7));
        assert!((found - expected).abs() < 1e-15, "row {row}: {found} is not {expected}");
    }
    assert!(recorded.logs.iter().any(|(_, line)| line.starts_with("no label in the data")));
}

#[test]
fn extreme_scores_are_probabilities() {
    let (predictions, _) = run(
        &model(Answer::Probability, &described()),
        "id,a,b\n1,1e300,0\n2,-1e300,0\n",
        &serde_json::json!({}),
    );
    assert_eq!(predictions.unwrap(), "id,score\n1,1.0\n2,0.0\n");
}

#[test]
fn a_regression_gives_predictions() {
    let metadata = [
        (onnx::META_TASK, "regression".to_owned()),
        (onnx::META_FEATURES, r#"["a","b"]"#.to_owned()),
        (onnx::META_LABEL, "y".to_owned()),
    ];
    let (predictions, _) =
        run(&model(Answer::Prediction, &metadata), "a,b,y\n1,3,0.75\n2,-1,2.5\n", &serde_json::json!({}));
    assert_eq!(predictions.unwrap(), "id,label,prediction\n1,0.75,0.5\n2,2.5,2.5\n");
}

#[test]
fn a_model_without_metadata_needs_to_be_described() {
    let bare = model(Answer::Probability, &[]);
    let (result, _) = run(&bare, "id,a,b,y\n1,1,3,1\n", &serde_json::json!({ "label": "y" }));
    assert!(matches!(result, Err(Failure::InvalidConfig(message)) if message.contains("`as: score`")));
    let (result, recorded) =
        run(&bare, "id,a,b,y\n1,1,3,1\n", &serde_json::json!({ "label": "y", "as": "score" }));
    assert!(result.unwrap().starts_with("id,label,score\n1,1,0.62"));
    assert!(recorded.logs.iter().any(|(_, line)| line.contains("in the data's order: a, b")));
    let (result, _) = run(&bare, "id,a,b,y\n1,1,3,1\n", &serde_json::json!({ "as": "score" }));
    assert!(
        matches!(&result, Err(Failure::InvalidInput(message)) if message.contains("takes 2 features, but 3 columns")),
        "{result:?}"
    );
}

#[test]
fn a_cell_that_is_no_number_is_named() {
    let (result, recorded) =
        run(&model(Answer::Probability, &described()), "a,b\n1,3\n1,x\n", &serde_json::json!({}));
    assert_eq!(
        result.unwrap_err().to_string(),
        "input `data`: row 2, column `b`: `x` is not a finite number"
    );
    assert_eq!(recorded.findings[0].rows, [2]);
}

#[test]
fn a_label_that_the_model_does_not_know_is_named() {
    let (result, _) =
        run(&model(Answer::Probability, &described()), "a,b,y\n1,3,yes\n1,3,maybe\n", &serde_json::json!({}));
    assert_eq!(
        result.unwrap_err().to_string(),
        "input `data`: row 2, column `y`: the label `maybe` is neither `yes` nor `no`, the values the model was trained on"
    );
}

#[test]
fn what_is_no_model_is_refused() {
    for garbage in [&b"not a model"[..], &[], &[0xff; 100]] {
        let (result, _) = run(garbage, "a,b\n1,3\n", &serde_json::json!({ "as": "score" }));
        assert!(matches!(result, Err(Failure::InvalidInput(_))), "{result:?}");
    }
}
