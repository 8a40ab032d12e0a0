//! `runner data infer`: the built-in table check, asked to write a schema instead of using one.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use runner_engine::{RunOptions, event::RunResult};
use runner_store::Store;
use runner_workflow::CheckOptions;
use serde_json::json;

use crate::{
    command::run::carry_out, environment::Environment, exit_code::ExitCode, failure::Failure,
    plugins::Plugins, stored, surroundings::Outside,
};

/// The step's output that holds the schema.
const OUTPUT: &str = "schema";

/// A schema, as YAML, that the data file fits.
///
/// It is a workflow of one step, run in a store of its own that is gone afterwards, so that the file is read in the sandbox
/// like any other.
pub(crate) fn schema(file: &Path, environment: &Environment) -> Result<String, Failure> {
    let unreadable =
        |error| Failure::usage("cli::data-file", format!("cannot read {}: {error}", file.display()));
    let file = file.canonicalize().map_err(unreadable)?;
    let (Some(folder), Some(name)) = (file.parent(), file.file_name().and_then(|name| name.to_str())) else {
        return Err(Failure::usage("cli::data-file", format!("{} is not a file", file.display())));
    };
    // JSON is YAML, and quotes any file name.
    let workflow = json!({
        "name": "infer",
        "data": { "table": { "path": name } },
        "stages": { "infer": { "steps": [{
            "id": "infer",
            "uses": "builtin:table-check",
            "with": { "infer": true },
            "in": { "data": "data.table" },
            "out": { OUTPUT: { "path": "schema.yaml", "kind": "any" } },
        }] } },
    });
    let plugins = Plugins::new(folder, environment);
    let source = workflow.to_string();
    let options = CheckOptions { file_name: "infer".to_owned(), ..CheckOptions::default() };
    let checked = runner_workflow::check(source.as_bytes(), &options, &Outside::new(folder, &plugins));
    let plan = checked.plan.ok_or_else(|| {
        let problems: Vec<_> = checked.diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect();
        Failure::usage("cli::data-file", format!("cannot infer a schema: {}", problems.join("; ")))
    })?;
    let scratch = tempfile::tempdir().map_err(|error| {
        Failure::environment("cli::scratch", format!("cannot make a temporary folder: {error}"))
    })?;
    let store = Store::open(scratch.path()).map_err(|error| stored::from_storage(&error))?;
    let mut options = RunOptions::new(Arc::new(plan), folder.to_path_buf(), store.clone());
    "infer".clone_into(&mut options.file);
    options.executors = vec![plugins.executor(BTreeMap::new())?];
    let summary = carry_out(options)?;
    if summary.result != RunResult::Passed {
        let reason = summary.reason.unwrap_or_else(|| "no reason was recorded".to_owned());
        return Err(Failure::new(ExitCode::from(summary.result), "cli::infer", reason));
    }
    let artifact = summary.record.iter().flat_map(|record| &record.stages).flat_map(|stage| &stage.steps);
    let artifact = artifact
        .flat_map(|step| &step.artifacts)
        .find(|artifact| artifact.output == OUTPUT)
        .ok_or_else(|| Failure::internal("the table check wrote no schema"))?;
    let digest = artifact.digest.parse().map_err(|_| Failure::internal("an artifact without a digest"))?;
    let path = store.path(&digest);
    fs::read_to_string(&path)
        .map_err(|error| Failure::internal(format!("cannot read {}: {error}", path.display())))
}
