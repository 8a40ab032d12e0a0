//! Metrics and findings that a process writes to files, one JSON object a line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use indexmap::IndexMap;
use serde::Deserialize;

use crate::executor::{Finding, Metric, Severity, StepSink};

/// A longer line is not a metric and not a finding.
const LONGEST: usize = 1 << 20;

pub(super) fn metrics_path(scratch: &Path) -> PathBuf {
    scratch.join("metrics.jsonl")
}

pub(super) fn findings_path(scratch: &Path) -> PathBuf {
    scratch.join("findings.jsonl")
}

/// Makes both files, empty, so that a script can append to them.
pub(super) fn create(scratch: &Path) -> io::Result<()> {
    File::create(metrics_path(scratch))?;
    File::create(findings_path(scratch))?;
    Ok(())
}

/// Reports everything in the files. `Err` names the first line that cannot be read; everything else is reported.
pub(super) fn read(scratch: &Path, sink: &dyn StepSink) -> Result<(), String> {
    let metrics = each_line(&metrics_path(scratch), "RUNNER_METRICS", |line: WrittenMetric| {
        sink.metric(line.into_metric()?);
        Ok(())
    });
    let findings = each_line(&findings_path(scratch), "RUNNER_FINDINGS", |line: WrittenFinding| {
        sink.finding(line.into_finding());
        Ok(())
    });
    metrics.and(findings)
}

fn each_line<T: for<'de> Deserialize<'de>>(
    path: &Path,
    variable: &str,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<(), String> {
    let file = match File::open(path) {
        // A script that removed it reported nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(|error| format!("{variable} cannot be read: {error}"))?,
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(format!("{variable} is not a file any more"));
    }
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut problem = None;
    for number in 1_u64.. {
        line.clear();
        let limited = (&mut reader).take(LONGEST as u64 + 1).read_until(b'\n', &mut line);
        if limited.map_err(|error| format!("{variable} cannot be read: {error}"))? == 0 {
            break;
        }
        if line.len() > LONGEST {
            return Err(format!("line {number} of {variable} is longer than {LONGEST} bytes"));
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let parsed = serde_json::from_slice(text).or_else(|error| match quoted(text) {
            Some(text) => serde_json::from_slice(&text).map_err(|_| error),
            None => Err(error),
        });
        let taken = parsed.map_err(|error| error.to_string()).and_then(&mut take);
        if let Err(error) = taken {
            problem.get_or_insert_with(|| format!("line {number} of {variable} cannot be used: {error}"));
        }
    }
    problem.map_or(Ok(()), Err)
}

/// The line with `NaN`, `Infinity` and `-Infinity` in quotes; `None` where there is none. JSON has no such words, but
/// Python's and other writers put them, and a NaN has to reach the gate that it fails.
fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(line.len() + 2);
    let mut rest = line;
    let mut in_text = false;
    let mut found = false;
    'next: while let Some((byte, tail)) = rest.split_first() {
        if !in_text {
            for word in [b"NaN".as_slice(), b"Infinity", b"-Infinity"] {
                if let Some(tail) = rest.strip_prefix(word) {
                    out.push(b'"');
                    out.extend_from_slice(word);
                    out.push(b'"');
                    rest = tail;
                    found = true;
                    continue 'next;
                }
            }
        }
        out.push(*byte);
        rest = tail;
        if *byte == b'"' {
            in_text = !in_text;
        } else if in_text
            && *byte == b'\\'
            && let Some((escaped, tail)) = rest.split_first()
        {
            out.push(*escaped);
            rest = tail;
        }
    }
    found.then_some(out)
}

/// A metric as scripts write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMetric {
    name: String,
    value: serde_json::Value,
    #[serde(default)]
    slice: IndexMap<String, serde_json::Value>,
}

impl WrittenMetric {
    fn into_metric(self) -> Result<Metric, String> {
        let value = match &self.value {
            serde_json::Value::Number(number) => number.as_f64(),
            // As Python's and other writers put what JSON has no number for.
            serde_json::Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            },
            _ => None,
        };
        let value =
            value.ok_or_else(|| format!("the value of `{}` is not a number: {}", self.name, self.value))?;
        let slice = self.slice.into_iter().map(|(column, value)| {
            let text = match value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            (column, text)
        });
        Ok(Metric { slice: slice.collect(), name: self.name, value })
    }
}

/// A finding as scripts write it: only the message is required.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFinding {
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    rule: String,
    message: String,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    column: Option<String>,
    #[serde(default)]
    rows: Vec<u64>,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    count: u64,
}

impl WrittenFinding {
    fn into_finding(self) -> Finding {
        Finding {
            severity: self.severity.unwrap_or(Severity::Warning),
            rule: self.rule,
            message: self.message,
            input: self.input,
            column: self.column,
            rows: self.rows,
            examples: self.examples,
            count: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_json_has_not() {
        let quote = |line: &str| quoted(line.as_bytes()).map(|line| String::from_utf8(line).unwrap());
        assert_eq!(quote(r#"{"name": "x", "value": NaN}"#).unwrap(), r#"{"name": "x", "value": "NaN"}"#);
        assert_eq!(quote(r#"{"value": -Infinity}"#).unwrap(), r#"{"value": "-Infinity"}"#);
        assert_eq!(quote(r#"{"name": "NaN \" NaN", "value": 1}"#), None);
    }
}
