//! `onnx-score`: runs an ONNX model over a table and writes predictions.

pub mod columns;
pub mod config;
pub mod model;
pub mod scoring;
pub mod truth;

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter},
};

use runner_plugin_sdk::{Failure, Finding, Kind, Manifest, Metric, Port, Severity, Step, Task, host};

use columns::ColumnsError;
use config::Config;
use model::ModelError;
use scoring::{ScoringError, Summary};

/// Name of the input with the rows.
const DATA: &str = "data";
/// Name of the input with the model.
const MODEL: &str = "model";

/// The plugin: see the crate.
pub struct OnnxScore;

impl Step for OnnxScore {
    fn describe() -> Manifest {
        Manifest::new(
            "onnx-score",
            env!("CARGO_PKG_VERSION"),
            "Runs an ONNX model over a table and writes predictions.",
        )
        .stage("evaluate")
        .input(Port::required(MODEL, Kind::Model, "ONNX: one input of floats [N, d], one number per row."))
        .input(Port::required(
            DATA,
            Kind::Dataset,
            "CSV with a header: the model's features, and ids and labels.",
        ))
        .output(Port::output(
            "predictions",
            Kind::Predictions,
            "predictions.csv",
            "CSV: id, label, score or prediction, and the slice columns.",
        ))
        .config_schema(config::schema())
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let model_path = task.input(MODEL)?;
        let model = fs::read(model_path).map_err(Failure::unreadable(model_path))?;
        let data_path = task.input(DATA)?;
        let data = File::open(data_path).map_err(Failure::unreadable(data_path))?;
        let path = task.required_output("predictions")?;
        let predictions = File::create(path).map_err(Failure::unwritable(path))?;
        let summary = scoring::score(&model, BufReader::new(data), BufWriter::new(predictions), &config)
            .map_err(failure)?;
        report(&summary);
        Ok(())
    }
}

fn report(summary: &Summary) {
    let columns = &summary.columns;
    let names: Vec<&str> = columns.features.iter().map(|(_, name)| name.as_str()).collect();
    if columns.order_guessed {
        host::warn(format!(
            "the model does not name its features; they were taken in the data's order: {}",
            names.join(", ")
        ));
    }
    if columns.id.is_none() {
        host::info("no column `id`: the row number serves as id");
    }
    if columns.label.is_none() {
        host::info(
            "no label in the data: the predictions have none, and no metric can be computed from them",
        );
    }
    host::info(format!("{} rows scored with {} features", summary.rows, names.len()));
    host::metric(Metric::new("scored_rows", summary.rows as f64));
}

fn failure(error: ScoringError) -> Failure {
    match error {
        ScoringError::Unclear
        | ScoringError::Threshold
        | ScoringError::Model(ModelError::Output { .. })
        | ScoringError::Columns(ColumnsError::Configured { .. } | ColumnsError::Reserved(_)) => {
            Failure::config(error)
        }
        ScoringError::Model(error) => Failure::input(format!("input `{MODEL}`: {error}")),
        ScoringError::Cell { row, ref column, ref value, .. } => {
            let message = format!("input `{DATA}`: {error}");
            host::finding(
                Finding::new(Severity::Error, "unusable-cell", &*message)
                    .input(DATA)
                    .column(column.as_str())
                    .example(row, value.as_str())
                    .count(1),
            );
            Failure::InvalidInput(message)
        }
        ScoringError::Write(_) | ScoringError::Answer { .. } => Failure::failed(error),
        ScoringError::Columns(_) | ScoringError::Csv(_) | ScoringError::NoRows => {
            Failure::input(format!("input `{DATA}`: {error}"))
        }
    }
}

runner_plugin_sdk::export_step!(OnnxScore);

#[cfg(test)]
mod tests;
