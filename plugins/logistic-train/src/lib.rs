//! `logistic-train`: trains a two-class logistic regression and writes it as ONNX.

pub mod classes;
pub mod newton;

use std::fs;

use linear_model::{
    coefficients::Coefficients,
    columns::Columns,
    onnx::{self, Answer, LinearModel},
    scaling::Scaling,
    train::{TRAIN, read_train},
};
use runner_plugin_sdk::{Failure, Kind, Manifest, Metric, Port, Step, Task, host};
use serde::Deserialize;

use classes::Classes;
use newton::Settings;

const NAME: &str = "logistic-train";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The step's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Config {
    #[serde(flatten)]
    columns: Columns,
    #[serde(default = "positive")]
    positive: Scalar,
    #[serde(default = "c")]
    c: f64,
    #[serde(default = "standardise")]
    standardise: bool,
    #[serde(default = "max_iterations")]
    max_iterations: u32,
    #[serde(default = "tolerance")]
    tolerance: f64,
    #[serde(default)]
    allow_unconverged: bool,
}

/// A value of a label as it may stand in YAML: `yes`-like text, a number or a boolean.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Boolean(bool),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Boolean(boolean) => boolean.to_string(),
        }
    }
}

fn positive() -> Scalar {
    Scalar::Text("1".to_owned())
}

const fn c() -> f64 {
    1.0
}

const fn standardise() -> bool {
    true
}

const fn max_iterations() -> u32 {
    100
}

const fn tolerance() -> f64 {
    1e-10
}

/// The plugin: see the crate.
pub struct LogisticTrain;

impl Step for LogisticTrain {
    fn describe() -> Manifest {
        Manifest::new(NAME, VERSION, "Trains a two-class logistic regression and writes it as ONNX.")
            .stage("train")
            .input(Port::required(TRAIN, Kind::Dataset, "CSV with a header: a label and numeric features."))
            .output(Port::output(
                "model",
                Kind::Model,
                "model.onnx",
                "ONNX: `features` double[N, d] to `probability` double[N], standardisation included.",
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
        let classes = Classes::find(&config.columns.label, &examples.labels, &config.positive.text())
            .map_err(Failure::input)?;
        let positives: Vec<bool> = examples.labels.iter().map(|label| classes.is_positive(label)).collect();
        let scaling = if config.standardise {
            Scaling::fit(&examples.values)
        } else {
            Scaling::identity(examples.features.len())
        };
        let settings =
            Settings { c: config.c, max_iterations: config.max_iterations, tolerance: config.tolerance };
        let fit =
            newton::fit(&scaling.apply(&examples.values), &positives, &settings).map_err(Failure::failed)?;

        host::metric(Metric::new("converged", f64::from(u8::from(fit.converged))));
        host::metric(Metric::new("iterations", f64::from(fit.iterations)));
        host::metric(Metric::new("train_log_loss", fit.log_loss));
        host::metric(Metric::new("train_rows", positives.len() as f64));
        if fit.converged {
            host::info(format!("converged in {} iterations, log loss {}", fit.iterations, fit.log_loss));
        } else {
            let message = format!(
                "not converged after {} iterations: the gradient is {:.3e}, above the tolerance {:e}; raise \
                 `max-iterations` or `tolerance`",
                fit.iterations, fit.gradient, config.tolerance
            );
            if !config.allow_unconverged {
                return Err(Failure::Failed(message));
            }
            host::warn(message);
        }

        let features = serde_json::to_string(&examples.features).map_err(Failure::failed)?;
        let model = LinearModel {
            producer: NAME,
            producer_version: VERSION,
            scaling: &scaling,
            weights: fit.weights.as_slice(),
            intercept: fit.intercept,
            answer: Answer::Probability,
            metadata: &[
                (onnx::META_TASK, "binary-classification".to_owned()),
                (onnx::META_FEATURES, features),
                (onnx::META_LABEL, config.columns.label.clone()),
                (onnx::META_POSITIVE, classes.positive.clone()),
                (onnx::META_NEGATIVE, classes.negative.clone()),
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

fn config_schema() -> serde_json::Value {
    let column = serde_json::json!({ "type": "string", "minLength": 1 });
    serde_json::json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["label"],
        "properties": {
            "label": { "description": "The column to be predicted; it has exactly two values.", "type": "string", "minLength": 1 },
            "id": { "description": "The column that identifies a row, never a feature. Default: `id`, if there is one.", "type": "string", "minLength": 1 },
            "features": { "description": "The features, in the order the model takes them. Default: every numeric column but id, label and `exclude`.", "type": "array", "items": column, "minItems": 1, "uniqueItems": true },
            "exclude": { "description": "Columns that are not features.", "type": "array", "items": column, "uniqueItems": true },
            "positive": { "description": "The label's value whose probability the model gives.", "type": ["string", "number", "boolean"], "default": "1" },
            "c": { "description": "Weight of the data against the penalty: ½‖w‖² + c · Σ log loss, as scikit-learn's C. Smaller is simpler.", "type": "number", "exclusiveMinimum": 0, "default": 1.0 },
            "standardise": { "description": "Bring every feature to mean 0 and deviation 1 first; the model does it too.", "type": "boolean", "default": true },
            "max-iterations": { "description": "Newton steps at most.", "type": "integer", "minimum": 1, "maximum": 10000, "default": 100 },
            "tolerance": { "description": "Converged once no component of the gradient of the mean loss is larger.", "type": "number", "exclusiveMinimum": 0, "default": 1e-10 },
            "allow-unconverged": { "description": "Write the model even if the fit did not converge; the metric `converged` is then 0.", "type": "boolean", "default": false }
        }
    })
}

runner_plugin_sdk::export_step!(LogisticTrain);

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = "id,a,b,group,y\n1,0.5,1.0,x,1\n2,-1.5,2.0,x,0\n3,1.5,-0.5,z,1\n4,-0.3,-1.2,z,0\n5,2.2,0.1,x,0\n6,-1.1,0.4,x,1\n";

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
            .with_output("coefficients", Kind::Report, folder.path().join("coefficients.json"))
            .with_config(config)
            .unwrap();
        host::take_recorded();
        let result = LogisticTrain::run(task);
        (result, host::take_recorded(), folder)
    }

    #[test]
    fn writes_a_model_and_its_coefficients() {
        let (result, recorded, folder) = run(&serde_json::json!({ "label": "y", "positive": 1 }), DATA);
        result.unwrap();
        assert_eq!(recorded.metric("converged"), Some(1.0));
        assert!(recorded.metric("train_log_loss").unwrap() < std::f64::consts::LN_2);
        assert!(fs::metadata(folder.path().join("model.onnx")).unwrap().len() > 200);
        let report: Coefficients =
            serde_json::from_slice(&fs::read(folder.path().join("coefficients.json")).unwrap()).unwrap();
        assert_eq!(
            report.features.iter().map(|entry| entry.feature.as_str()).collect::<Vec<_>>(),
            ["a", "b"]
        );
    }

    #[test]
    fn a_fit_that_does_not_converge_fails_unless_allowed() {
        let config = serde_json::json!({ "label": "y", "max-iterations": 1 });
        let (result, recorded, folder) = run(&config, DATA);
        assert!(
            matches!(&result, Err(Failure::Failed(message)) if message.starts_with("not converged")),
            "{result:?}"
        );
        assert_eq!(recorded.metric("converged"), Some(0.0));
        assert!(!folder.path().join("model.onnx").exists());
        let config = serde_json::json!({ "label": "y", "max-iterations": 1, "allow-unconverged": true });
        let (result, recorded, folder) = run(&config, DATA);
        result.unwrap();
        assert_eq!(recorded.metric("converged"), Some(0.0));
        assert!(folder.path().join("model.onnx").exists());
    }

    #[test]
    fn a_broken_cell_is_a_finding_too() {
        let (result, recorded, _folder) =
            run(&serde_json::json!({ "label": "y" }), "a,y\n1.5,1\n12.O,0\n3.5,1\n4,0\n");
        assert!(
            matches!(&result, Err(Failure::InvalidInput(message)) if message.contains("row 2, column `a`")),
            "{result:?}"
        );
        assert_eq!(recorded.findings[0].rows, [2]);
        assert_eq!(recorded.findings[0].examples, ["12.O"]);
    }

    #[test]
    fn the_same_data_gives_the_same_bytes() {
        let config = serde_json::json!({ "label": "y" });
        let (_, _, first) = run(&config, DATA);
        let (_, _, second) = run(&config, DATA);
        let bytes = |folder: &tempfile::TempDir| fs::read(folder.path().join("model.onnx")).unwrap();
        assert_eq!(bytes(&first), bytes(&second));
    }
}
