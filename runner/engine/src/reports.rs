//! Metrics and findings that a step writes to files, one JSON object a line, reported as the files grow.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use indexmap::IndexMap;
use serde::Deserialize;

use crate::executor::{Finding, Metric, Severity, StepSink};

/// A longer line is not a metric and not a finding.
const LONGEST: usize = 1 << 20;
/// Bytes before the place read to that are looked at again, to notice a file that was written anew.
const REMEMBERED: usize = 64;
/// Time between two looks at the files while a step runs.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The file for metrics in this folder.
pub(crate) fn metrics_path(folder: &Path) -> PathBuf {
    folder.join("metrics.jsonl")
}

/// The file for findings in this folder.
pub(crate) fn findings_path(folder: &Path) -> PathBuf {
    folder.join("findings.jsonl")
}

/// Reads both files of an attempt while they grow.
#[derive(Debug)]
pub(crate) struct Reports {
    metrics: Tail,
    findings: Tail,
}

impl Reports {
    /// Makes both files, empty, so that a script can append to them.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        File::create(metrics_path(folder))?;
        File::create(findings_path(folder))?;
        Ok(Self {
            metrics: Tail::new(metrics_path(folder), "RUNNER_METRICS"),
            findings: Tail::new(findings_path(folder), "RUNNER_FINDINGS"),
        })
    }

    /// Reports every line that was finished since the last look.
    pub(crate) fn look(&mut self, sink: &dyn StepSink) {
        self.read(sink, false);
    }

    /// Reports what is left. `Err` names the first line that cannot be read; everything else is reported.
    pub(crate) fn finish(mut self, sink: &dyn StepSink) -> Result<(), String> {
        self.read(sink, true);
        [self.metrics.problem, self.findings.problem].into_iter().flatten().next().map_or(Ok(()), Err)
    }

    fn read(&mut self, sink: &dyn StepSink, last: bool) {
        self.metrics.read(last, |line: WrittenMetric| {
            sink.metric(line.into_metric()?);
            Ok(())
        });
        self.findings.read(last, |line: WrittenFinding| {
            sink.finding(line.into_finding());
            Ok(())
        });
    }
}

/// One file, read to its end again and again.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    variable: &'static str,
    /// Device and inode of the file that was read last.
    file: Option<(u64, u64)>,
    /// Bytes and lines read.
    offset: u64,
    lines: u64,
    /// The bytes before `offset`.
    before: Vec<u8>,
    problem: Option<String>,
}

impl Tail {
    fn new(path: PathBuf, variable: &'static str) -> Self {
        Self { path, variable, file: None, offset: 0, lines: 0, before: Vec::new(), problem: None }
    }

    /// Reads the lines that came since the last time; `last` also takes one without its line end. Never waits: what stands
    /// in place of the file is not opened if that could.
    fn read<T: for<'de> Deserialize<'de>>(&mut self, last: bool, take: impl FnMut(T) -> Result<(), String>) {
        let variable = self.variable;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(&self.path);
        let found = match opened.and_then(|file| Ok((file.metadata()?, file))) {
            Ok((metadata, file)) if metadata.is_file() => Ok((metadata, file)),
            // A script that removed it reported nothing more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Ok(_) => Err(format!("{variable} is not a file any more")),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Err(format!("{variable} is not a file any more"))
            }
            Err(error) => Err(format!("{variable} cannot be read: {error}")),
        };
        match found {
            Ok((metadata, file)) => {
                if let Err(error) = self.read_on(&metadata, file, last, take) {
                    self.problem.get_or_insert(format!("{variable} cannot be read: {error}"));
                }
            }
            // It may be put back before the step ends.
            Err(problem) if last => {
                self.problem.get_or_insert(problem);
            }
            Err(_) => {}
        }
    }

    fn read_on<T: for<'de> Deserialize<'de>>(
        &mut self,
        metadata: &Metadata,
        mut file: File,
        last: bool,
        mut take: impl FnMut(T) -> Result<(), String>,
    ) -> io::Result<()> {
        let identity = Some((metadata.dev(), metadata.ino()));
        if self.file != identity || metadata.len() < self.offset || !self.continues(&file) {
            *self = Self { file: identity, ..Self::new(std::mem::take(&mut self.path), self.variable) };
        }
        file.seek(SeekFrom::Start(self.offset))?;
        // What is written meanwhile is for the next look, so that this one ends.
        let mut reader = BufReader::new(file.take(metadata.len() - self.offset));
        let mut line = Vec::new();
        loop {
            line.clear();
            (&mut reader).take(LONGEST as u64 + 1).read_until(b'\n', &mut line)?;
            let whole = line.last() == Some(&b'\n');
            if line.len() > LONGEST && !whole {
                let (number, variable) = (self.lines + 1, self.variable);
                let problem = format!("line {number} of {variable} is longer than {LONGEST} bytes");
                self.problem.get_or_insert(problem);
                return Ok(());
            }
            if line.is_empty() || !(whole || last) {
                return Ok(());
            }
            self.lines += 1;
            self.offset += line.len() as u64;
            self.before.extend_from_slice(&line);
            let surplus = self.before.len().saturating_sub(REMEMBERED);
            self.before.drain(..surplus);
            if let Err(error) = parse(&line, &mut take) {
                let (number, variable) = (self.lines, self.variable);
                self.problem
                    .get_or_insert_with(|| format!("line {number} of {variable} cannot be used: {error}"));
            }
        }
    }

    /// Whether what stands before the place read to is what stood there.
    fn continues(&self, file: &File) -> bool {
        let mut now = vec![0; self.before.len()];
        file.read_exact_at(&mut now, self.offset - self.before.len() as u64).is_ok() && now == self.before
    }
}

fn parse<T: for<'de> Deserialize<'de>>(
    line: &[u8],
    take: &mut impl FnMut(T) -> Result<(), String>,
) -> Result<(), String> {
    let text = line.trim_ascii();
    if text.is_empty() {
        return Ok(());
    }
    let parsed = serde_json::from_slice(text).or_else(|error| match quoted(text) {
        Some(text) => serde_json::from_slice(&text).map_err(|_| error),
        None => Err(error),
    });
    parsed.map_err(|error| error.to_string()).and_then(take)
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
    use std::{
        fs,
        io::Write as _,
        sync::{Mutex, PoisonError},
    };

    use super::*;
    use crate::executor::OutputStream;

    #[derive(Default)]
    struct Values(Mutex<Vec<f64>>);

    impl Values {
        fn seen(&self) -> Vec<f64> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl StepSink for Values {
        fn output(&self, _: OutputStream, _: &str) {}
        fn progress(&self, _: f64, _: &str) {}
        fn metric(&self, metric: Metric) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(metric.value);
        }
        fn finding(&self, _: Finding) {}
    }

    fn line(value: u32) -> String {
        format!("{{\"name\": \"m\", \"value\": {value}}}\n")
    }

    #[test]
    fn lines_are_reported_as_they_come() {
        let folder = tempfile::tempdir().unwrap();
        let mut reports = Reports::create(folder.path()).unwrap();
        let sink = Values::default();
        let mut file = OpenOptions::new().append(true).open(metrics_path(folder.path())).unwrap();
        let (one, two) = (line(1), line(2));
        write!(file, "{one}{}", &two[..9]).unwrap();
        reports.look(&sink);
        reports.look(&sink);
        assert_eq!(sink.seen(), [1.0]);
        write!(file, "{}{}", &two[9..], line(3).trim_end()).unwrap();
        reports.look(&sink);
        assert_eq!(sink.seen(), [1.0, 2.0]);
        reports.finish(&sink).unwrap();
        assert_eq!(sink.seen(), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_file_that_is_written_anew_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut reports = Reports::create(folder.path()).unwrap();
        let sink = Values::default();
        fs::write(metrics_path(folder.path()), line(1)).unwrap();
        reports.look(&sink);
        fs::write(metrics_path(folder.path()), format!("{}{}", line(20), line(30))).unwrap();
        reports.look(&sink);
        fs::remove_file(metrics_path(folder.path())).unwrap();
        reports.look(&sink);
        fs::write(metrics_path(folder.path()), line(4)).unwrap();
        reports.finish(&sink).unwrap();
        assert_eq!(sink.seen(), [1.0, 20.0, 30.0, 4.0]);
    }

    #[test]
    fn links_and_pipes_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, line(1)).unwrap();
        let reports = Reports::create(folder.path()).unwrap();
        fs::remove_file(metrics_path(folder.path())).unwrap();
        std::os::unix::fs::symlink(&secret, metrics_path(folder.path())).unwrap();
        let sink = Values::default();
        assert_eq!(reports.finish(&sink).unwrap_err(), "RUNNER_METRICS is not a file any more");
        assert!(sink.seen().is_empty());
    }

    #[test]
    fn words_that_json_has_not() {
        let quote = |line: &str| quoted(line.as_bytes()).map(|line| String::from_utf8(line).unwrap());
        assert_eq!(quote(r#"{"name": "x", "value": NaN}"#).unwrap(), r#"{"name": "x", "value": "NaN"}"#);
        assert_eq!(quote(r#"{"value": -Infinity}"#).unwrap(), r#"{"value": "-Infinity"}"#);
        assert_eq!(quote(r#"{"name": "NaN \" NaN", "value": 1}"#), None);
    }
}
