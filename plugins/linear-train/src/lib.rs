//! `linear-train`: trains a ridge or least-squares regression and writes it as ONNX.

pub mod ridge;

use std::fs;

use linear_model::{
    coefficients::Coefficients,
    columns::Columns,
    onnx::{self, Answer, LinearModel},
    scaling::Scaling,
    train::{TRAIN, read_train},
};
use nalgebra::DVector;
use runner_plugin_sdk::{Failure, Finding, Kind, Manifest, Metric, Port, Severity, Step, Task, host};
use serde::Deserialize;

use ridge::FitError;

const NAME: &str = "linear-train";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The step's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Config {
    #[serde(flatten)]
    columns: Columns,
    #[serde(default = "alpha")]
    alpha: f64,
    #[serde(default = "standardise")]
    standardise: bool,
}

const fn alpha() -> f64 {
    1.0
}

const fn standardise() -> bool {
    true
}

/// The plugin: see the crate.
pub struct LinearTrain;

impl Step for LinearTrain {
    fn describe() -> Manifest {
        Manifest::new(NAME, VERSION, "Trains a ridge or least-squares regression and writes it as ONNX.")
            .stage("train")
            .input(Port::required(
                TRAIN,
                Kind::Dataset,
                "CSV with a header: a numeric label and numeric features.",
            ))
            .output(Port::output(
                "model",
                Kind::Model,
                "model.onnx",
                "ONNX: `features` double[N, d] to `prediction` double[N], standardisation included.",
            ))
            .output(Port::optional_output(
                "coefficients",
                Kind::Report,
                "coefficients.json",
                "Weights and intercept, for standardised features and for features as they are.",
            ))
            .config_schema(config_schema())
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let examples = read_train(&task, &config.columns)?;
        let targets = targets(&config.columns.label, &examples.labels)?;
        let scaling = if config.standardise {
            Scaling::fit(&examples.values)
        } else {
            Scaling::identity(examples.features.len())
        };
        let fit = ridge::fit(&scaling.apply(&examples.values), &targets, config.alpha)
            .map_err(|error| no_fit(&error, &examples.features))?;
        host::metric(Metric::new("train_rmse", fit.rmse));
        host::metric(Metric::new("train_r2", fit.r2));
        host::metric(Metric::new("train_rows", targets.len() as f64));
        host::info(format!("root mean squared error {}, R² {} on the training rows", fit.rmse, fit.r2));

        let features = serde_json::to_string(&examples.features).map_err(Failure::failed)?;
        let model = LinearModel {
            producer: NAME,
            producer_version: VERSION,
            scaling: &scaling,
            weights: fit.weights.as_slice(),
            intercept: fit.intercept,
            answer: Answer::Prediction,
            metadata: &[
                (onnx::META_TASK, "regression".to_owned()),
                (onnx::META_FEATURES, features),
                (onnx::META_LABEL, config.columns.label.clone()),
            ],
        };
        let path = task.required_output("model")?;
        fs::write(path, onnx::write(&model)).map_err(Failure::unwritable(path))?;
        if let Some(path) = task.output("coefficients") {
            let report = Coefficients::new(&examples.features, &scaling, &fit.weights, fit.intercept);
            fs::write(path, report.to_json().map_err(Failure::failed)?).map_err(Failure::unwritable(path))?;
        }
        Ok(())
    }
}

/// The labels as numbers.
fn targets(column: &str, labels: &[String]) -> Result<DVector<f64>, Failure> {
    let mut targets = DVector::zeros(labels.len());
    for ((row, label), target) in (1_u64..).zip(labels).zip(targets.iter_mut()) {
        match label.parse::<f64>() {
            Ok(value) if value.is_finite() => *target = value,
            _ => {
                let message = format!(
                    "input `{TRAIN}`: row {row}, column `{column}`: the label `{label}` is not a finite number"
                );
                host::finding(
                    Finding::new(Severity::Error, "not-a-number", &*message)
                        .input(TRAIN)
                        .column(column)
                        .example(row, label.as_str())
                        .count(1),
                );
                return Err(Failure::InvalidInput(message));
            }
        }
    }
    Ok(targets)
}

fn no_fit(error: &FitError, features: &[String]) -> Failure {
    match error {
        FitError::RankDeficient { redundant, .. } => {
            let names: Vec<&str> = redundant.iter().map(|&index| features[index].as_str()).collect();
            Failure::Failed(format!("{error}; determined by the others: {}", names.join(", ")))
        }
        FitError::Singular => Failure::failed(error),
    }
}

fn config_schema() -> serde_json::Value {
    let column = serde_json::json!({ "type": "string", "minLength": 1 });
    serde_json::json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["label"],
        "properties": {
            "label": { "description": "The numeric column to be predicted.", "type": "string", "minLength": 1 },
            "id": { "description": "The column that identifies a row, never a feature. Default: `id`, if there is one.", "type": "string", "minLength": 1 },
            "features": { "description": "The features, in the order the model takes them. Default: every numeric column but id, label and `exclude`.", "type": "array", "items": column, "minItems": 1, "uniqueItems": true },
            "exclude": { "description": "Columns that are not features.", "type": "array", "items": column, "uniqueItems": true },
            "alpha": { "description": "Penalty on the weights: ‖y − Xw − b‖² + alpha · ‖w‖², as scikit-learn's Ridge. 0 is ordinary least squares.", "type": "number", "minimum": 0, "default": 1.0 },
            "standardise": { "description": "Bring every feature to mean 0 and deviation 1 first; the model does it too.", "type": "boolean", "default": true }
        }
    })
}

runner_plugin_sdk::export_step!(LinearTrain);

#[cfg(test)]
mod tests {
    use super::*;

    fn run(
        config: &serde_json::Value,
        data: &str,
    ) -> (Result<(), Failure>, host::Recorded, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.csv");
        fs::write(&path, data).unwrap();
        let task = Task::new("fit")
            .with_input(TRAIN, Kind::Dataset, path)
            .with_output("model", Kind::Model, folder.path().join("model.onnx"))
            .with_config(config)
            .unwrap();
        host::take_recorded();
        let result = LinearTrain::run(task);
        (result, host::take_recorded(), folder)
    }

    #[test]
    fn writes_a_model() {
        let (result, recorded, folder) =
            run(&serde_json::json!({ "label": "y", "alpha": 0 }), "a,y\n1,5\n2,7\n3,9\n");
        result.unwrap();
        assert!(recorded.metric("train_rmse").unwrap() < 1e-12);
        assert!(folder.path().join("model.onnx").exists());
    }

    #[test]
    fn redundant_features_are_named() {
        let (result, ..) =
            run(&serde_json::json!({ "label": "y", "alpha": 0 }), "a,b,y\n1,2,5\n2,4,7\n3,6,9\n4,8,1\n");
        let Err(Failure::Failed(message)) = result else { unreachable!("b is twice a") };
        assert!(message.contains("determined by the others: "), "{message}");
    }

    #[test]
    fn a_label_that_is_no_number_is_named() {
        let (result, recorded, _folder) = run(&serde_json::json!({ "label": "y" }), "a,y\n1,5\n2,high\n");
        assert!(
            matches!(&result, Err(Failure::InvalidInput(message)) if message.contains("row 2, column `y`")),
            "{result:?}"
        );
        assert_eq!(recorded.findings[0].examples, ["high"]);
    }
}
