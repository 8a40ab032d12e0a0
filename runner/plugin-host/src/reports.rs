//! The host's side of the contract: log, progress, metrics and findings, within their caps.

use std::{sync::Arc, time::Instant};

use runner_engine::executor::{Finding, Metric, OutputStream, Severity, StepSink};

use crate::{
    bindings::host,
    limits::{Caps, EXAMPLE, FINDING_ROWS, MESSAGE, NAME, PROGRESS_INTERVAL, SLICE_COLUMNS, SLICE_VALUE},
    log::{Log, shorten},
    stop::Stop,
};

/// What one attempt reports.
pub(crate) struct Reports {
    sink: Arc<dyn StepSink>,
    /// Its log.
    pub(crate) log: Log,
    metric_limit: u64,
    metrics: u64,
    finding_limit: u64,
    findings: u64,
    last_progress: Option<Instant>,
}

impl Reports {
    /// Reports to `sink` within `caps`.
    pub(crate) fn new(sink: Arc<dyn StepSink>, caps: &Caps) -> Self {
        Self {
            log: Log::new(sink.clone(), caps.log),
            sink,
            metric_limit: caps.metrics,
            metrics: 0,
            finding_limit: caps.findings,
            findings: 0,
            last_progress: None,
        }
    }

    /// Writes a line of the log.
    pub(crate) fn line(&self, level: host::LogLevel, message: &str) {
        let message = shorten(message, MESSAGE);
        match level {
            host::LogLevel::Info => self.log.write(OutputStream::Log, &message),
            host::LogLevel::Debug => self.log.write(OutputStream::Log, &format!("debug: {message}")),
            host::LogLevel::Warn => self.log.write(OutputStream::Log, &format!("warning: {message}")),
            host::LogLevel::Error => {
                self.log.remember_error(&message);
                self.log.write(OutputStream::Log, &format!("error: {message}"));
            }
        }
    }

    /// Reports progress. What is not a number says nothing, and what comes too often is left out.
    pub(crate) fn progress(&mut self, fraction: f64, message: &str) {
        if !fraction.is_finite() {
            return;
        }
        let now = Instant::now();
        let soon = self.last_progress.is_some_and(|last| now.duration_since(last) < PROGRESS_INTERVAL);
        if !soon {
            self.last_progress = Some(now);
            self.sink.progress(fraction.clamp(0.0, 1.0), &shorten(message, NAME));
        }
    }

    /// Reports a metric. Gates are judged by metrics, so that none is ever shortened or left out: too much of them ends
    /// the step instead.
    pub(crate) fn metric(&mut self, metric: host::Metric) -> Result<(), Stop> {
        if self.metrics >= self.metric_limit {
            return Err(Stop::Limit { what: "metrics", limit: self.metric_limit });
        }
        within("bytes in the name of a metric", metric.name.len(), NAME)?;
        within("columns in the slice of a metric", metric.slice.len(), SLICE_COLUMNS)?;
        for (column, value) in &metric.slice {
            within("bytes in the column of a slice", column.len(), NAME)?;
            within("bytes in the value of a slice", value.len(), SLICE_VALUE)?;
        }
        self.metrics += 1;
        self.sink.metric(Metric { name: metric.name, value: metric.value, slice: metric.slice });
        Ok(())
    }

    /// Reports a finding, or counts it where there are too many.
    pub(crate) fn finding(&mut self, finding: host::Finding) {
        self.findings += 1;
        if self.findings > self.finding_limit {
            return;
        }
        let optional = |text: String| (!text.is_empty()).then(|| shorten(&text, NAME).into_owned());
        self.sink.finding(Finding {
            severity: match finding.severity {
                host::Severity::Info => Severity::Info,
                host::Severity::Warning => Severity::Warning,
                host::Severity::Error => Severity::Error,
            },
            rule: shorten(&finding.rule, NAME).into_owned(),
            message: shorten(&finding.message, MESSAGE).into_owned(),
            input: optional(finding.input),
            column: optional(finding.column),
            rows: finding.rows.into_iter().take(FINDING_ROWS).collect(),
            examples: finding
                .examples
                .iter()
                .take(FINDING_ROWS)
                .map(|example| shorten(example, EXAMPLE).into_owned())
                .collect(),
            count: finding.count,
        });
    }

    /// Says what was counted and not kept. Past the log's cap on purpose: it is one line.
    pub(crate) fn finish(&self) {
        let dropped = self.findings.saturating_sub(self.finding_limit);
        if dropped > 0 {
            let notice = format!(
                "{dropped} of {} findings not kept (`limits: {{ findings: … }}` raises it)",
                self.findings
            );
            self.sink.output(OutputStream::Log, &notice);
        }
    }
}

/// Refuses what is larger than its limit.
fn within(what: &'static str, size: usize, limit: usize) -> Result<(), Stop> {
    if size <= limit { Ok(()) } else { Err(Stop::Limit { what, limit: limit as u64 }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recorder;

    fn metric(name: &str) -> host::Metric {
        host::Metric { name: name.into(), value: f64::NAN, slice: Vec::new() }
    }

    #[test]
    fn metrics_are_never_left_out_silently() {
        let sink = Arc::new(Recorder::default());
        let mut reports = Reports::new(sink.clone(), &Caps { metrics: 1, ..Caps::default() });
        reports.metric(metric("auc")).unwrap();
        assert_eq!(reports.metric(metric("auc")), Err(Stop::Limit { what: "metrics", limit: 1 }));
        assert!(sink.metrics()[0].value.is_nan());
        let mut reports = Reports::new(sink, &Caps::default());
        assert!(reports.metric(metric(&"x".repeat(NAME + 1))).is_err());
    }

    #[test]
    fn progress_is_thinned_and_clamped() {
        let sink = Arc::new(Recorder::default());
        let mut reports = Reports::new(sink.clone(), &Caps::default());
        reports.progress(f64::NAN, "");
        for _ in 0..1_000 {
            reports.progress(7.0, "");
        }
        assert_eq!(sink.progress(), [1.0]);
    }
}
