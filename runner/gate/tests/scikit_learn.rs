//! Every metric against scikit-learn's value, on stored predictions: see `golden/make.py`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use runner_gate::{
    Defaults, Evidence, Measurements,
    grammar::parse,
    judge,
    predictions::{Format, Predictions, read},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    file: String,
    metric: String,
    slice: BTreeMap<String, String>,
    value: f64,
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn predictions(name: &str) -> Arc<Predictions> {
    let format = Format::of_file_name(name).unwrap();
    Arc::new(read(&fs::read(golden(name)).unwrap(), format).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn differences(extension: &str) -> (usize, Vec<String>) {
    let expected: Vec<Expected> =
        serde_json::from_slice(&fs::read(golden("expected.json")).unwrap()).unwrap();
    let mut files: BTreeMap<String, Arc<Predictions>> = BTreeMap::new();
    let (mut compared, mut different) = (0, Vec::new());
    for Expected { file, metric, slice, value } in expected {
        let name = format!("{file}.{extension}");
        if !golden(&name).exists() {
            continue;
        }
        let predictions = files.entry(name.clone()).or_insert_with(|| predictions(&name)).clone();
        let columns: Vec<String> = slice
            .iter()
            .map(|(column, value)| format!("{column}=\"{}\"", value.replace('"', "\\\"")))
            .collect();
        let term = if columns.is_empty() { metric } else { format!("{metric}[{}]", columns.join(",")) };
        let evidence = Evidence {
            candidate: Measurements { predictions: Some(predictions), ..Measurements::default() },
            ..Evidence::default()
        };
        let judgement = judge(&parse(&format!("{term} >= -1e300")).unwrap(), &evidence, &Defaults::default());
        compared += 1;
        let close = judgement.rules[0]
            .observed
            .is_some_and(|observed| (observed - value).abs() <= 1e-9 * value.abs().max(1.0));
        if !close {
            different.push(format!(
                "{name} {term}: {:?}, not {value}: {}",
                judgement.rules[0].observed, judgement.message
            ));
        }
    }
    (compared, different)
}

#[test]
fn csv_agrees_to_1e_9() {
    let (compared, different) = differences("csv");
    assert!(compared > 500, "{compared}");
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn parquet_agrees_to_1e_9() {
    let (compared, different) = differences("parquet");
    assert!(compared > 400, "{compared}");
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn json_lines_agree_to_1e_9() {
    let (compared, different) = differences("jsonl");
    assert!(compared > 400, "{compared}");
    assert!(different.is_empty(), "{different:#?}");
}
