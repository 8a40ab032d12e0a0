//! The plugin: a task to a checked table.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use runner_plugin_sdk::{Failure, Finding, Kind, Manifest, Metric, Port, Severity, Step, Task, host};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    check::{self, Report, TableCheck},
    csv,
    infer::{self, Profile},
    parquet,
    schema::{Format, Schema, parse},
};

mod config_schema;

/// Problems named in the message of a failed step.
const NAMED: usize = 3;

/// Columns of which the share of missing values is reported as a metric, the largest ones: a step may report 10,000.
const NULL_SHARES: usize = 5000;

/// The step `table-check`.
pub struct TableCheckStep;

/// The step's `with:`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    schema: Option<Value>,
    #[serde(default)]
    infer: bool,
    #[serde(default)]
    on_error: OnError,
}

/// What a broken rule means for the step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnError {
    /// The step fails.
    #[default]
    Fail,
    /// The step succeeds; a gate on `schema_errors` decides.
    Report,
}

impl Step for TableCheckStep {
    fn describe() -> Manifest {
        Manifest::new(
            "table-check",
            env!("CARGO_PKG_VERSION"),
            "Checks a CSV or Parquet table against a schema, or infers a schema from it.",
        )
        .stage("validate")
        .input(Port::required("data", Kind::Dataset, "The table: CSV with a header, or Parquet."))
        .input(Port::optional(
            "schema",
            Kind::Any,
            "The schema as a YAML file, unless `with: schema` holds it.",
        ))
        .output(Port::optional_output("findings", Kind::Report, "findings.json", "Every finding, as JSON."))
        .output(Port::optional_output(
            "schema",
            Kind::Any,
            "schema.yaml",
            "With `infer`: the schema that was inferred.",
        ))
        .config_schema(config_schema::config_schema())
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let path = task.input("data")?;
        if config.infer {
            return write_schema(&task, path);
        }
        let schema = schema(&task, config.schema.as_ref())?;
        let mut report = check(path, &schema)?;
        bound_null_shares(&mut report);
        tell(&report);
        if let Some(output) = task.output("findings") {
            write_findings(output, &report.findings)?;
        }
        match summary(&report) {
            Some(summary) if config.on_error == OnError::Fail => Err(Failure::Failed(summary)),
            Some(summary) => {
                host::warn(summary);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// The schema of the configuration, or of the input `schema`.
fn schema(task: &Task, inline: Option<&Value>) -> Result<Schema, Failure> {
    let join = |problems: Vec<parse::Problem>| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    match (inline, task.optional_input("schema")) {
        (Some(_), Some(_)) => Err(Failure::config(
            "the schema is given twice: as `with: schema` and as the input `schema`; drop one",
        )),
        (Some(document), None) => {
            parse::schema(document).map_err(|problems| Failure::InvalidConfig(join(problems)))
        }
        (None, Some(path)) => {
            let text = fs::read_to_string(path).map_err(Failure::unreadable(path))?;
            parse::yaml(&text)
                .map_err(|problems| Failure::InvalidInput(format!("{}: {}", path.display(), join(problems))))
        }
        (None, None) => Err(Failure::config(
            "no schema is given: write it under `with: schema`, or name its file as the input `schema`",
        )),
    }
}

/// Holds the table at `path` to a schema.
///
/// # Errors
/// [`Failure::InvalidInput`] if the file cannot be read as a table at all.
pub fn check(path: &Path, schema: &Schema) -> Result<Report, Failure> {
    let (mut file, size) = open(path)?;
    match schema.format.map_or_else(|| format(&mut file), Ok).map_err(Failure::unreadable(path))? {
        Format::Csv => check_csv(file, size, schema),
        Format::Parquet => check_parquet(file, schema),
    }
}

fn open(path: &Path) -> Result<(File, u64), Failure> {
    let file = File::open(path).map_err(Failure::unreadable(path))?;
    let size = file.metadata().map_err(Failure::unreadable(path))?.len();
    Ok((file, size))
}

/// Tells the format by the file's first bytes.
fn format(file: &mut File) -> io::Result<Format> {
    let mut start = Vec::new();
    Read::by_ref(file).take(4).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(if parquet::is_parquet(&start) { Format::Parquet } else { Format::Csv })
}

fn check_csv(file: File, size: u64, schema: &Schema) -> Result<Report, Failure> {
    let mut reader = csv::Reader::new(file, schema.dialect.clone());
    let names = reader.header().map_err(Failure::input)?;
    let mut check = TableCheck::new(schema, &names, &[]);
    let mut told = 0;
    while let Some(batch) = reader.next_batch().map_err(Failure::input)? {
        check.batch(&batch);
        let read = reader.bytes_read();
        // A word now and then: each is an event of the run.
        if read - told > 32 << 20 {
            told = read;
            host::progress(read as f64 / size.max(read) as f64, format!("{} rows", reader.rows()));
        }
    }
    Ok(check.finish(reader.rows()))
}

fn check_parquet(file: File, schema: &Schema) -> Result<Report, Failure> {
    let table = parquet::Table::open(file).map_err(Failure::input)?;
    let check = std::cell::RefCell::new(TableCheck::new(schema, &table.names(), &table.stored()));
    table
        .read(
            |position| check.borrow().wants(position),
            |position, row, value| check.borrow_mut().value(position, row, value),
            |share| host::progress(share, ""),
        )
        .map_err(Failure::input)?;
    Ok(check.into_inner().finish(table.rows()))
}

/// Writes the schema that the table at `path` suggests to the output `schema`.
fn write_schema(task: &Task, path: &Path) -> Result<(), Failure> {
    let output = task.required_output("schema")?;
    let schema = infer(path)?;
    fs::write(output, schema).map_err(Failure::unwritable(output))
}

/// The schema that the table at `path` suggests, as YAML.
///
/// # Errors
/// [`Failure::InvalidInput`] if the file cannot be read as a table at all, or two of its columns bear one name.
pub fn infer(path: &Path) -> Result<String, Failure> {
    let (mut file, _) = open(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match format(&mut file).map_err(Failure::unreadable(path))? {
        Format::Csv => {
            let mut start = Vec::new();
            Read::by_ref(&mut file)
                .take(64 << 10)
                .read_to_end(&mut start)
                .map_err(Failure::unreadable(path))?;
            file.seek(SeekFrom::Start(0)).map_err(Failure::unreadable(path))?;
            let dialect = csv::Dialect { delimiter: infer::delimiter(&start), ..csv::Dialect::default() };
            let mut reader = csv::Reader::new(file, dialect.clone());
            let names = reader.header().map_err(Failure::input)?;
            refuse_repeated(&names)?;
            let mut profile = Profile::new(&names, dialect.delimiter);
            while let Some(batch) = reader.next_batch().map_err(Failure::input)? {
                profile.batch(&batch);
            }
            Ok(profile.schema(&name, reader.rows()))
        }
        Format::Parquet => {
            let table = parquet::Table::open(file).map_err(Failure::input)?;
            let names = table.names();
            refuse_repeated(&names)?;
            let mut profile = Profile::new(&names, b',');
            table
                .read(|_| true, |position, _, value| profile.value(position, value), |_| {})
                .map_err(Failure::input)?;
            Ok(profile.schema(&name, table.rows()))
        }
    }
}

/// A schema names each column once, so that no schema fits a table that has a name twice.
fn refuse_repeated(names: &[String]) -> Result<(), Failure> {
    match check::repeated(names).next() {
        Some(name) => Err(Failure::InvalidInput(format!(
            "two columns are named `{name}`, and a schema can name only one; rename the other"
        ))),
        None => Ok(()),
    }
}

/// Leaves out the smallest shares of missing values beyond what a step may report, and says so.
fn bound_null_shares(report: &mut Report) {
    if report.null_shares.len() <= NULL_SHARES {
        return;
    }
    report.null_shares.sort_by(|(_, first), (_, second)| second.total_cmp(first));
    let left_out = report.null_shares.split_off(NULL_SHARES);
    let largest = left_out.first().map_or(0.0, |(_, share)| *share);
    let message = format!(
        "the metric null_share holds the {NULL_SHARES} columns with the largest shares of missing values; {} more \
         columns have shares of up to {largest:.4} and are left out of it, not of the checks",
        left_out.len()
    );
    report
        .findings
        .push(Finding::new(Severity::Warning, "null-share-metric", message).count(left_out.len() as u64));
}

/// Reports findings and metrics to the host.
fn tell(report: &Report) {
    host::metric(Metric::new("rows", report.rows as f64));
    host::metric(Metric::new("columns", report.columns as f64));
    host::metric(Metric::new("schema_errors", report.errors() as f64));
    for (column, share) in &report.null_shares {
        host::metric(Metric::new("null_share", *share).slice("column", column));
    }
    for finding in &report.findings {
        host::finding(finding.clone().input("data"));
    }
}

/// The first problems in one line; `None` if every rule is kept.
fn summary(report: &Report) -> Option<String> {
    let errors: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    if errors.is_empty() {
        return None;
    }
    let mut named: Vec<String> = errors.iter().take(NAMED).map(|finding| in_words(finding)).collect();
    if errors.len() > NAMED {
        named.push(format!("and {} more", errors.len() - NAMED));
    }
    let broken =
        if errors.len() == 1 { "1 rule is".to_owned() } else { format!("{} rules are", errors.len()) };
    Some(format!("{broken} broken: {}", named.join("; ")))
}

/// A finding in one line: column, rule, what, and the first row with its value.
fn in_words(finding: &Finding) -> String {
    let place =
        if finding.column.is_empty() { String::new() } else { format!("column `{}`, ", finding.column) };
    let example = match (finding.rows.first(), finding.examples.first()) {
        (Some(row), Some(value)) if value.is_empty() => format!(" (row {row} is empty)"),
        (Some(row), Some(value)) => format!(" (row {row}: {value})"),
        _ => String::new(),
    };
    format!("{place}{}: {}{example}", finding.rule, finding.message)
}

fn write_findings(path: &Path, findings: &[Finding]) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(findings).map_err(Failure::failed)?;
    text.push(b'\n');
    File::create(path).and_then(|mut file| file.write_all(&text)).map_err(Failure::unwritable(path))
}

#[cfg(test)]
mod tests;
