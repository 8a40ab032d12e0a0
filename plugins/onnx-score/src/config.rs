//! The step's configuration.

use serde::Deserialize;

/// What the predictions' number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The probability of the positive class: column `score`.
    Score,
    /// A value as it is: column `prediction`.
    Prediction,
}

/// The step's configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    /// The column that identifies a row. Default: `id`, if there is one; else the row number.
    #[serde(default)]
    pub id: Option<String>,
    /// The column with the truth. Default: the one the model was trained for, if it is there.
    #[serde(default)]
    pub label: Option<String>,
    /// The column with the rows' weights.
    #[serde(default)]
    pub weight: Option<String>,
    /// Columns to copy, by which metrics are sliced.
    #[serde(default)]
    pub slices: Vec<String>,
    /// The label's value that counts as 1. Default: the model's.
    #[serde(default)]
    pub positive: Option<Scalar>,
    /// Adds the column `prediction`: 1 where the score is at least this.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// The model's output to take. Default: the only one.
    #[serde(default)]
    pub output_name: Option<String>,
    /// What the number is. Default: by the model's metadata.
    #[serde(default, rename = "as")]
    pub answer: Option<Answer>,
}

/// A value of a label as it may stand in YAML.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A number.
    Number(serde_json::Number),
    /// `true` or `false`.
    Boolean(bool),
}

impl Scalar {
    /// The value as it would stand in a CSV.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Boolean(boolean) => boolean.to_string(),
        }
    }
}

/// JSON Schema of the configuration.
pub fn schema() -> serde_json::Value {
    serde_json::json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "id": { "description": "The column that identifies a row. Default: `id`, if there is one; else the row number.", "type": "string", "minLength": 1 },
            "label": { "description": "The column with the truth. Default: the one the model was trained for, if it is there.", "type": "string", "minLength": 1 },
            "weight": { "description": "The column with the rows' weights.", "type": "string", "minLength": 1 },
            "slices": { "description": "Columns to copy into the predictions, by which metrics are sliced.", "type": "array", "items": { "type": "string", "minLength": 1 }, "uniqueItems": true },
            "positive": { "description": "The label's value that counts as 1. Default: the model's.", "type": ["string", "number", "boolean"] },
            "threshold": { "description": "Adds the column `prediction`: 1 where the score is at least this, else 0.", "type": "number", "minimum": 0, "maximum": 1 },
            "output-name": { "description": "The model's output to take. Default: the only one.", "type": "string", "minLength": 1 },
            "as": { "description": "What the number is: the probability of the positive class, or a value as it is. Default: by the model's metadata.", "enum": ["score", "prediction"] }
        }
    })
}
