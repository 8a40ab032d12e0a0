//! The JSON Schema of `with:`, by which a configuration is checked before anything runs.

use serde_json::{Value, json};

/// The JSON Schema (draft 2020-12) of the step's configuration.
pub(super) fn config_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "schema": table(),
            "infer": {
                "type": "boolean",
                "description": "Write a schema that the table suggests to the output `schema`, instead of checking.",
                "default": false
            },
            "on-error": {
                "enum": ["fail", "report"],
                "description": "Whether a broken rule fails the step, or is only reported as `schema_errors`, for a gate.",
                "default": "fail"
            }
        }
    })
}

fn table() -> Value {
    json!({
        "type": "object",
        "description": "What the table must look like. A schema in a file is given as the input `schema` instead.",
        "additionalProperties": false,
        "required": ["columns"],
        "properties": {
            "format": { "enum": ["csv", "parquet"], "description": "By default told by the file's first bytes." },
            "csv": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "delimiter": { "type": "string", "description": "One ASCII character, or `tab`.", "default": "," },
                    "quote": { "type": "string", "description": "One ASCII character, or `none`.", "default": "\"" },
                    "missing": {
                        "type": "array",
                        "items": { "type": "string" },
                        "minItems": 1,
                        "description": "Texts that stand for a missing value.",
                        "default": [""]
                    }
                }
            },
            "rows": bounds(&json!({ "type": "integer", "minimum": 0 }), "Bounds of the number of rows."),
            "extra-columns": {
                "enum": ["deny", "warn", "allow"],
                "description": "What to do with columns that are not named here.",
                "default": "deny"
            },
            "unique-budget": {
                "type": "integer",
                "minimum": 1,
                "description": "Distinct values that `unique` may remember for all columns together, 19 bytes each.",
                "default": crate::schema::parse::UNIQUE_BUDGET
            },
            "columns": { "type": "object", "minProperties": 1, "additionalProperties": column() }
        }
    })
}

fn column() -> Value {
    let share = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let number = json!({ "type": "number" });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["type"],
        "properties": {
            "type": { "enum": ["integer", "number", "boolean", "string", "date", "timestamp"] },
            "optional": { "type": "boolean", "description": "Whether the table may lack the column.", "default": false },
            "required": { "type": "boolean", "description": "Whether a missing value is wrong.", "default": false },
            "null-share": bounds(&share, "Bounds of the share of missing values."),
            "range": bounds(&json!({ "type": ["number", "string"] }), "Bounds of every value."),
            "set": { "type": "array", "minItems": 1, "description": "The only values that may occur." },
            "regex": { "type": "string", "description": "A pattern that occurs in every value; anchor it with ^ and $." },
            "length": bounds(&json!({ "type": "integer", "minimum": 0 }), "Bounds of the number of characters."),
            "unique": { "type": "boolean", "description": "Whether a value may occur once only.", "default": false },
            "monotone": { "enum": ["increasing", "strictly-increasing", "decreasing", "strictly-decreasing"] },
            "mean": bounds(&number, "Bounds of the mean."),
            "median": bounds(&number, "Bounds of the median."),
            "quantiles": {
                "type": "object",
                "description": "Bounds of quantiles, by share: `0.99: { max: 10 }`.",
                "additionalProperties": bounds(&number, "Bounds of the quantile.")
            },
            "mostly": {
                "description": "Share of present values that must keep each rule, or a mapping from rules to shares.",
                "oneOf": [share, { "type": "object", "additionalProperties": share }]
            }
        }
    })
}

fn bounds(side: &Value, description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "additionalProperties": false,
        "minProperties": 1,
        "properties": { "min": side, "max": side }
    })
}
