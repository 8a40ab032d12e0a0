//! A world for checking workflows: the standard plugins as far as tests need them, and a few files.

use std::{collections::BTreeMap, fmt::Write as _};

use runner_workflow::{
    CheckOptions, Checked, Diagnostic, check,
    plan::{Kind, PlannedGate},
    surroundings::{PluginManifest, Port, Problem, Surroundings},
};
use serde_json::{Value, json};

/// The world.
pub(crate) struct World;

fn port(name: &str, kind: Kind, required: bool, default_path: &str) -> Port {
    Port { name: name.to_owned(), kind, required, default_path: default_path.to_owned() }
}

fn problem(code: &str, message: String) -> Problem {
    Problem { code: code.to_owned(), message, help: None, range: None, pointer: None }
}

impl Surroundings for World {
    fn manifest(&self, uses: &str) -> Result<Option<PluginManifest>, Problem> {
        let plugin = |name: &str, stages: &[&str], inputs, outputs, schema| {
            Ok(Some(PluginManifest {
                name: name.to_owned(),
                stages: stages.iter().map(|&stage| stage.to_owned()).collect(),
                inputs,
                outputs,
                config_schema: schema,
            }))
        };
        match uses.trim_start_matches("builtin:") {
            "table-check" => plugin(
                "table-check",
                &["validate", "monitor"],
                vec![port("data", Kind::Dataset, true, "")],
                vec![port("findings", Kind::Report, false, "findings.json")],
                json!({ "required": ["schema"], "keys": { "schema": "string" } }),
            ),
            "logistic-train" => plugin(
                "logistic-train",
                &["train"],
                vec![port("train", Kind::Dataset, true, "")],
                vec![port("model", Kind::Model, true, "model.onnx")],
                json!({ "keys": { "label": "string", "l2": "number", "seed": "number", "columns": "array" } }),
            ),
            "onnx-score" => plugin(
                "onnx-score",
                &[],
                vec![
                    port("model", Kind::Model, true, ""),
                    port("data", Kind::Dataset, true, ""),
                    port("baseline", Kind::Model, false, ""),
                ],
                vec![port("predictions", Kind::Predictions, true, "predictions.csv")],
                Value::Null,
            ),
            "./broken.wasm" => {
                Err(problem("plugin::not-a-component", "the file is not a component".to_owned()))
            }
            _ => Ok(None),
        }
    }

    /// `{required: [key], keys: {key: type}}`, enough to have problems with pointers.
    fn check_config(&self, schema: &Value, config: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        let Some(config) = config.as_object() else { return Vec::new() };
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !config.contains_key(key) {
                let message = format!("the key `{key}` is required");
                problems
                    .push(Problem { pointer: Some(String::new()), ..problem("config::missing", message) });
            }
        }
        for (key, value) in config {
            let fits = match schema["keys"][key].as_str() {
                Some("string") => value.is_string(),
                Some("number") => value.is_number(),
                Some("array") => value.is_array(),
                _ => false,
            };
            if !fits {
                let message = format!("`{key}` is unknown or of the wrong type");
                problems
                    .push(Problem { pointer: Some(format!("/{key}")), ..problem("config::type", message) });
            }
        }
        problems
    }

    /// A line needs a comparison; a mapping must not have `mni`.
    fn check_gate(&self, gate: &PlannedGate, _: &BTreeMap<String, String>) -> Vec<Problem> {
        if let Some(at) = gate.line.as_ref().and_then(|line| line.find("=>")) {
            let help = Some("write `>=`".to_owned());
            let base = problem("gate::comparison", "`=>` is not a comparison".to_owned());
            return vec![Problem { help, range: Some(at..at + 2), ..base }];
        }
        match &gate.mapping {
            Some(mapping) if mapping.get("mni").is_some() => {
                vec![Problem {
                    pointer: Some("/mni".to_owned()),
                    ..problem("gate::key", "unknown key `mni`".to_owned())
                }]
            }
            _ => Vec::new(),
        }
    }

    fn read(&self, path: &str) -> Result<String, Problem> {
        match path {
            "params.yaml" => Ok("rate: 0.5\nmodel:\n  depth: 3\nregions: [north, south]\n".to_owned()),
            "broken.yaml" => Ok("a: 1\na: 2\n".to_owned()),
            _ => Err(problem("file::not-found", format!("there is no file {path}"))),
        }
    }

    fn builtin_names(&self) -> Vec<String> {
        ["table-check", "logistic-train", "onnx-score"].map(str::to_owned).to_vec()
    }
}

/// Check a text in the world.
pub(crate) fn checked(text: &str) -> Checked {
    check_with(text, &CheckOptions::default())
}

/// Check a text in the world with options.
pub(crate) fn check_with(text: &str, options: &CheckOptions) -> Checked {
    check(text.as_bytes(), options, &World)
}

/// Problems as a terminal might show them: code, place, line of source with its underline, help.
pub(crate) fn shown(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for problem in diagnostics {
        let severity = if problem.severity == runner_workflow::Severity::Error { "error" } else { "warning" };
        let _ = writeln!(
            out,
            "{severity}[{}] {}:{}: {}",
            problem.code, problem.line, problem.column, problem.message
        );
        let line = text.lines().nth(problem.line - 1).unwrap_or("");
        let start = problem.column - 1;
        let length = text[problem.span.clone()].lines().next().unwrap_or("").chars().count().max(1);
        let _ = writeln!(out, "  | {line}");
        let label = problem.label.as_deref().map(|label| format!(" {label}")).unwrap_or_default();
        let _ = writeln!(out, "  | {}{}{label}", " ".repeat(start), "^".repeat(length));
        for related in &problem.related {
            let _ = writeln!(out, "  = {}:{}: {}", related.line, related.column, related.message);
        }
        if let Some(help) = &problem.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    out
}
