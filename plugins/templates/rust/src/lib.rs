//! A plugin in one file: counts the rows of a CSV file, and fails if there are too few.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
};

use runner_plugin_sdk::{Failure, Finding, Kind, Manifest, Metric, Port, Severity, Step, Task, host};
use serde::Deserialize;
use serde_json::json;

/// The plugin.
struct RowCount;

/// What stands under `with:`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(default)]
    min_rows: u64,
}

impl Step for RowCount {
    fn describe() -> Manifest {
        Manifest::new("row-count", env!("CARGO_PKG_VERSION"), "Counts the rows of a CSV file.")
            .stage("validate")
            .input(Port::required("data", Kind::Dataset, "A CSV file with a header."))
            .output(Port::optional_output("report", Kind::Report, "rows.md", "The count, for people."))
            .config_schema(json!({
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "min-rows": { "type": "integer", "minimum": 0, "description": "Fail below this many rows." }
                }
            }))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let rows = count(task.input("data")?)?;
        host::metric(Metric::new("rows", rows as f64));
        if let Some(report) = task.output("report") {
            fs::write(report, format!("{rows} rows\n")).map_err(Failure::unwritable(report))?;
        }
        if rows < config.min_rows {
            let message = format!("{rows} rows, fewer than {}", config.min_rows);
            host::finding(Finding::new(Severity::Error, "min-rows", &message).input("data").count(rows));
            return Err(Failure::failed(message));
        }
        Ok(())
    }
}

/// Lines after the header.
fn count(path: &Path) -> Result<u64, Failure> {
    let file = File::open(path).map_err(Failure::unreadable(path))?;
    let mut rows = 0;
    for line in BufReader::new(file).lines().skip(1) {
        line.map_err(Failure::unreadable(path))?;
        rows += 1;
    }
    Ok(rows)
}

runner_plugin_sdk::export_step!(RowCount);

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the plugin as on any machine: `host::take_recorded` has what it told the host.
    fn run(text: &str, config: &serde_json::Value) -> Result<(), Failure> {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.csv");
        fs::write(&data, text).unwrap();
        RowCount::run(Task::new("count").with_input("data", Kind::Dataset, data).with_config(config).unwrap())
    }

    #[test]
    fn rows_are_counted_without_the_header() {
        assert_eq!(run("a,b\n1,2\n3,4\n", &json!({})), Ok(()));
        assert_eq!(host::take_recorded().metric("rows"), Some(2.0));
    }

    #[test]
    fn too_few_rows_fail() {
        let failure = run("a,b\n1,2\n", &json!({ "min-rows": 2 })).unwrap_err();
        assert_eq!(failure, Failure::Failed("1 rows, fewer than 2".into()));
        assert_eq!(host::take_recorded().findings[0].rule, "min-rows");
    }
}
