//! `drift-check`: compares the distribution of every column with a reference.

pub mod bins;
pub mod column;
pub mod drift;
pub mod statistics;

use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};

use runner_plugin_sdk::{Failure, Finding, Kind, Manifest, Metric, Port, Severity, Step, Task, host};
use serde::Deserialize;

use column::{Column, Reading, TableError};
use drift::{Drift, Method, Thresholds};

/// Name of the input that the data is compared with.
const REFERENCE: &str = "reference";
/// Name of the input that is compared.
const DATA: &str = "data";

/// What to do where a column has drifted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnDrift {
    /// Findings and metrics, by which gates judge.
    #[default]
    Report,
    /// The step fails.
    Fail,
}

/// The step's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Config {
    #[serde(default)]
    columns: Option<Vec<String>>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default = "default_bins")]
    bins: usize,
    #[serde(default = "default_methods")]
    methods: Vec<Method>,
    #[serde(default)]
    thresholds: Thresholds,
    #[serde(default)]
    on_drift: OnDrift,
}

const fn default_bins() -> usize {
    10
}

fn default_methods() -> Vec<Method> {
    vec![Method::Psi]
}

/// The plugin: see the crate.
pub struct DriftCheck;

impl Step for DriftCheck {
    fn describe() -> Manifest {
        Manifest::new(
            "drift-check",
            env!("CARGO_PKG_VERSION"),
            "Compares the distribution of every column with a reference.",
        )
        .stage("validate")
        .stage("monitor")
        .input(Port::required(
            REFERENCE,
            Kind::Dataset,
            "CSV with a header: what the columns should look like.",
        ))
        .input(Port::required(DATA, Kind::Dataset, "CSV with a header: the same columns, to be compared."))
        .output(Port::optional_output(
            "report",
            Kind::Report,
            "drift.json",
            "Every measure of every column, as JSON.",
        ))
        .config_schema(config_schema())
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let reading = match &config.columns {
            Some(columns) => Reading::Only(columns),
            None => Reading::AllBut(&config.exclude),
        };
        let reference = read(REFERENCE, task.input(REFERENCE)?, &reading)?;
        if reference.is_empty() {
            return Err(Failure::config("no column is left to compare"));
        }
        host::progress(0.4, "reference read");
        let data = read(DATA, task.input(DATA)?, &Reading::Like(&reference))?;
        host::progress(0.8, "data read");
        let drifts: Vec<Drift> = reference
            .iter()
            .zip(&data)
            .map(|(left, right)| {
                drift::compare(left, right, config.bins, &config.methods, &config.thresholds)
            })
            .collect();
        for drift in &drifts {
            report(drift, &config);
        }
        if let Some(path) = task.output("report") {
            fs::write(path, document(&drifts)?).map_err(Failure::unwritable(path))?;
        }
        let columns = |verdict: Option<bool>| -> Vec<&str> {
            let alike = drifts.iter().filter(|drift| drift.drifted() == verdict);
            alike.map(|drift| drift.column.as_str()).collect()
        };
        // A number of drifted columns would count those of which nothing is known as not drifted.
        let unmeasured = columns(None);
        if !unmeasured.is_empty() {
            return Err(Failure::InvalidInput(format!(
                "none of the chosen `methods` measures: {}; `psi` and `js` measure every column, or leave it out by `exclude`",
                unmeasured.join(", ")
            )));
        }
        let drifted = columns(Some(true));
        host::metric(Metric::new("drifted_columns", drifted.len() as f64));
        host::metric(Metric::new("drift_share", drifted.len() as f64 / drifts.len() as f64));
        host::info(format!("{} of {} columns drifted", drifted.len(), drifts.len()));
        if config.on_drift == OnDrift::Fail && !drifted.is_empty() {
            return Err(Failure::failed(format!("drifted from the reference: {}", drifted.join(", "))));
        }
        Ok(())
    }
}

fn read(input: &str, path: &Path, reading: &Reading<'_>) -> Result<Vec<Column>, Failure> {
    let file = File::open(path).map_err(Failure::unreadable(path))?;
    column::read(BufReader::new(file), reading).map_err(|error| {
        let message = format!("input `{input}`: {error}");
        match error {
            TableError::Missing { .. } if input == REFERENCE => Failure::InvalidConfig(message),
            TableError::NotANumber { row, column, value } => {
                host::finding(
                    Finding::new(Severity::Error, "not-a-number", &*message)
                        .input(input)
                        .column(column)
                        .example(row, value)
                        .count(1),
                );
                Failure::InvalidInput(message)
            }
            _ => Failure::InvalidInput(message),
        }
    })
}

fn report(drift: &Drift, config: &Config) {
    for (method, value) in &drift.measures {
        host::metric(Metric::new(method.metric(), *value).slice("column", drift.column.as_str()));
    }
    if !drift.over.is_empty() {
        let measures: Vec<String> = drift
            .measures
            .iter()
            .filter(|(method, _)| drift.over.contains(method))
            .map(|(method, value)| {
                format!("{} {value:.3} reaches {}", method.metric(), config.thresholds.of(*method))
            })
            .collect();
        let certainty =
            drift.test.map_or_else(String::new, |(name, _, p)| format!(" ({name} p-value {p:.2e})"));
        let message = format!("drifted from the reference: {}{certainty}", measures.join(", "));
        host::finding(
            Finding::new(Severity::Warning, "drift", message)
                .input(DATA)
                .column(drift.column.as_str())
                .count(drift.rows.1),
        );
    }
    if !drift.measured {
        let methods: Vec<&str> = config.methods.iter().map(|method| method.metric()).collect();
        let why = match (drift.numeric, drift.missing) {
            (_, (left, _)) if left >= 1.0 => "the reference has no value there",
            (_, (_, right)) if right >= 1.0 => "the data has no value there",
            (true, _) => "its values are numbers",
            (false, _) => "its values are no numbers, or all the same",
        };
        let message =
            format!("whether it drifted was not measured: {} has no value, as {why}", methods.join(", "));
        host::finding(
            Finding::new(Severity::Error, "not-measured", message)
                .input(DATA)
                .column(drift.column.as_str())
                .count(drift.rows.1),
        );
    }
    // With few rows chance alone looks like drift: say so instead of letting the number speak.
    if config.methods.contains(&Method::Psi) && drift.expected_psi >= config.thresholds.psi / 2.0 {
        let message = format!(
            "with {} and {} rows chance alone gives a psi of about {:.3}: use fewer `bins` or more rows",
            drift.rows.0, drift.rows.1, drift.expected_psi
        );
        host::finding(
            Finding::new(Severity::Info, "few-rows", message)
                .input(DATA)
                .column(drift.column.as_str())
                .count(drift.rows.1),
        );
    }
}

fn document(drifts: &[Drift]) -> Result<Vec<u8>, Failure> {
    let columns: Vec<serde_json::Value> = drifts
        .iter()
        .map(|drift| {
            let measures: serde_json::Map<String, serde_json::Value> = drift
                .measures
                .iter()
                .map(|(method, value)| (method.metric().to_owned(), (*value).into()))
                .collect();
            let test = drift.test.map(|(name, statistic, p_value)| {
                serde_json::json!({ "name": name, "statistic": statistic, "p_value": p_value })
            });
            serde_json::json!({
                "column": drift.column,
                "sort": if drift.numeric { "numeric" } else { "categorical" },
                "drifted": drift.drifted(),
                "measures": measures,
                "test": test,
                "missing_share": { "reference": drift.missing.0, "data": drift.missing.1 },
                "rows": { "reference": drift.rows.0, "data": drift.rows.1 },
                "psi_by_chance": drift.expected_psi,
            })
        })
        .collect();
    let mut json =
        serde_json::to_vec_pretty(&serde_json::json!({ "columns": columns })).map_err(Failure::failed)?;
    json.push(b'\n');
    Ok(json)
}

fn config_schema() -> serde_json::Value {
    let columns = serde_json::json!({ "type": "string", "minLength": 1 });
    let threshold = |of: &str| serde_json::json!({ "description": of, "type": "number", "exclusiveMinimum": 0, "default": 0.2 });
    serde_json::json!({
        "type": "object",
        "additionalProperties": false,
        "not": { "required": ["columns", "exclude"] },
        "properties": {
            "columns": { "description": "The columns to compare. Default: all.", "type": "array", "items": columns, "minItems": 1, "uniqueItems": true },
            "exclude": { "description": "Columns to leave out, such as ids.", "type": "array", "items": columns, "uniqueItems": true },
            "bins": { "description": "Bins of a numeric column, cut at quantiles of the reference.", "type": "integer", "minimum": 2, "maximum": 1000, "default": 10 },
            "methods": { "description": "The measures that decide whether a column has drifted. All are reported. The step fails where none of them measures a column.", "type": "array", "items": { "enum": ["psi", "js", "ks", "cramers-v"] }, "minItems": 1, "uniqueItems": true, "default": ["psi"] },
            "thresholds": {
                "description": "From where on a measure counts as drift.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "psi": threshold("Population stability index: 0.1 is slight, 0.25 is large."),
                    "js": threshold("Jensen-Shannon distance, 0 to 1."),
                    "ks": threshold("Kolmogorov-Smirnov statistic, 0 to 1; numeric columns."),
                    "cramers-v": threshold("Cramér's V, 0 to 1; other columns.")
                }
            },
            "on-drift": { "description": "`report`: metrics and findings, by which gates judge. `fail`: the step fails.", "enum": ["report", "fail"], "default": "report" }
        }
    })
}

runner_plugin_sdk::export_step!(DriftCheck);

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn run(
        config: &serde_json::Value,
        reference: &str,
        data: &str,
    ) -> (Result<(), Failure>, host::Recorded, String) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("reference.csv"), reference).unwrap();
        fs::write(at("data.csv"), data).unwrap();
        let task = Task::new("drift")
            .with_input(REFERENCE, Kind::Dataset, at("reference.csv"))
            .with_input(DATA, Kind::Dataset, at("data.csv"))
            .with_output("report", Kind::Report, at("drift.json"))
            .with_config(config)
            .unwrap();
        host::take_recorded();
        let result = DriftCheck::run(task);
        (result, host::take_recorded(), fs::read_to_string(at("drift.json")).unwrap_or_default())
    }

    fn table(shift: u32) -> String {
        let mut csv = "id,x,group\n".to_owned();
        for row in 0..500_u32 {
            writeln!(csv, "{row},{},{}", row + shift, if row % 2 == 0 { "a" } else { "b" }).unwrap();
        }
        csv
    }

    #[test]
    fn the_same_data_has_not_drifted() {
        let (result, recorded, report) = run(&serde_json::json!({ "exclude": ["id"] }), &table(0), &table(0));
        result.unwrap();
        assert_eq!(recorded.metric("drifted_columns"), Some(0.0));
        assert_eq!(recorded.sliced_metric("psi", &[("column", "x")]), Some(0.0));
        assert_eq!(recorded.sliced_metric("cramers_v", &[("column", "group")]), Some(0.0));
        assert_eq!(recorded.sliced_metric("psi", &[("column", "id")]), None);
        assert!(recorded.findings.is_empty(), "{:?}", recorded.findings);
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["columns"][0]["drifted"], false);
    }

    #[test]
    fn drift_is_a_finding_and_fails_only_where_asked() {
        let config = serde_json::json!({ "exclude": ["id"] });
        let (result, recorded, _) = run(&config, &table(0), &table(250));
        result.unwrap();
        assert_eq!(recorded.metric("drifted_columns"), Some(1.0));
        assert_eq!(recorded.metric("drift_share"), Some(0.5));
        assert_eq!(recorded.findings[0].column, "x");
        let config = serde_json::json!({ "exclude": ["id"], "on-drift": "fail" });
        let (result, ..) = run(&config, &table(0), &table(250));
        assert_eq!(result.unwrap_err().to_string(), "drifted from the reference: x");
    }

    #[test]
    fn few_rows_are_pointed_out() {
        let (result, recorded, _) = run(
            &serde_json::json!({ "columns": ["x"] }),
            "x\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n",
            "x\n1\n5\n9\n",
        );
        result.unwrap();
        assert!(recorded.findings.iter().any(|finding| finding.rule == "few-rows"));
    }

    #[test]
    fn a_column_that_no_chosen_method_measures_has_not_passed() {
        let numbers = "x,y\n1,1\n2,2\n3,3\n4,4\n";
        let same = "x,y\na,b\na,c\n";
        let mixed = "x,y\na,1\nb,2\n";
        for (methods, reference, data, why) in [
            (
                &["ks"][..],
                numbers,
                "x,y\n,1\n,2\n,3\n,4\n",
                "whether it drifted was not measured: ks has no value, as the data has no value there",
            ),
            (
                &["cramers-v"],
                same,
                same,
                "whether it drifted was not measured: cramers_v has no value, as its values are no numbers, or all the same",
            ),
            (
                &["ks"],
                mixed,
                mixed,
                "whether it drifted was not measured: ks has no value, as its values are no numbers, or all the same",
            ),
        ] {
            let config = serde_json::json!({ "methods": methods });
            let (result, recorded, report) = run(&config, reference, data);
            assert_eq!(
                result.unwrap_err(),
                Failure::InvalidInput(
                    "none of the chosen `methods` measures: x; `psi` and `js` measure every column, or leave it out by `exclude`"
                        .to_owned()
                )
            );
            let found: Vec<_> =
                recorded.findings.iter().filter(|finding| finding.rule == "not-measured").collect();
            assert_eq!(found.len(), 1, "{:?}", recorded.findings);
            assert_eq!((found[0].column.as_str(), found[0].severity), ("x", Severity::Error));
            assert_eq!(found[0].message, why);
            assert_eq!(recorded.metric("drifted_columns"), None);
            assert_eq!(recorded.metric("drift_share"), None);
            let report: serde_json::Value = serde_json::from_str(&report).unwrap();
            assert_eq!(report["columns"][0]["drifted"], serde_json::Value::Null);
            assert_eq!(report["columns"][1]["drifted"], false);
        }
        // Of several methods one is enough.
        let config = serde_json::json!({ "methods": ["ks", "cramers-v"] });
        let (result, recorded, _) = run(&config, mixed, mixed);
        result.unwrap();
        assert_eq!(recorded.metric("drifted_columns"), Some(0.0));
    }

    #[test]
    fn a_column_that_is_gone_is_an_invalid_input() {
        let (result, ..) = run(&serde_json::json!({}), "a,b\n1,2\n", "a\n1\n");
        assert_eq!(result.unwrap_err().to_string(), "input `data`: there is no column `b`; there are: a");
    }
}
