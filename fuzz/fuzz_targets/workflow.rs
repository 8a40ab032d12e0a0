//! Any bytes are a workflow or have a diagnostic, placed inside them, on the boundaries of characters.
#![no_main]

mod fixed_keys;

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use runner_workflow::{
    CheckOptions, check, graph,
    plan::{Kind, PlannedGate},
    surroundings::{PluginManifest, Port, Problem, Surroundings},
};

/// One plugin that takes a data set and gives a model, and no files.
struct World;

impl Surroundings for World {
    fn manifest(&self, _: &str) -> Result<Option<PluginManifest>, Problem> {
        let port = |name: &str, kind, required| Port {
            name: name.to_owned(),
            kind,
            required,
            default_path: name.to_owned(),
        };
        Ok(Some(PluginManifest {
            name: "p".to_owned(),
            stages: Vec::new(),
            inputs: vec![port("train", Kind::Dataset, true), port("other", Kind::Any, false)],
            outputs: vec![port("model", Kind::Model, true), port("log", Kind::Report, false)],
            config_schema: serde_json::json!({}),
        }))
    }

    fn check_config(&self, _: &serde_json::Value, config: &serde_json::Value) -> Vec<Problem> {
        // Point to whatever stands first, to exercise the way from pointers to places.
        let Some((key, _)) = config.as_object().and_then(|config| config.iter().next()) else {
            return Vec::new();
        };
        let pointer = Some(format!("/{}/0", key.replace('~', "~0").replace('/', "~1")));
        let (code, message) = ("config".to_owned(), "config".to_owned());
        vec![Problem { code, message, help: None, range: None, pointer }]
    }

    fn check_gate(&self, gate: &PlannedGate, units: &BTreeMap<String, String>) -> Vec<Problem> {
        let read = |line| runner_gate::grammar::parse_within_reach(line, units);
        let Some(Err(error)) = gate.line.as_deref().map(read) else {
            return Vec::new();
        };
        let (code, message) = ("gate".to_owned(), error.message);
        vec![Problem { code, message, help: None, range: Some(error.range), pointer: None }]
    }

    fn read(&self, _: &str) -> Result<String, Problem> {
        Ok("a: 1\nb: { c: [1, 2] }\n".to_owned())
    }

    fn builtin_names(&self) -> Vec<String> {
        vec!["p".to_owned()]
    }
}

fuzz_target!(|bytes: &[u8]| {
    let params = vec![("a".to_owned(), "2".to_owned())];
    let options = CheckOptions { file_name: "f.yml".to_owned(), params };
    let checked = check(bytes, &options, &World);
    assert!(checked.plan.is_some() != checked.has_errors());
    let text = std::str::from_utf8(bytes);
    for problem in &checked.diagnostics {
        assert!(problem.span.start <= problem.span.end && problem.span.end <= bytes.len());
        if let Ok(text) = text {
            assert!(text.get(problem.span.clone()).is_some());
        }
    }
    if let Some(plan) = checked.plan {
        let _ = (graph::mermaid(&plan), graph::dot(&plan));
        for (index, step) in plan.steps.iter().enumerate() {
            assert!(step.after.iter().all(|before| *before < plan.steps.len() && *before != index));
        }
    }
});
