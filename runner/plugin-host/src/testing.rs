//! A sink for this crate's own tests.

use std::sync::Mutex;

use runner_engine::executor::{Finding, Metric, OutputStream, StepSink};

/// Keeps everything.
#[derive(Default)]
pub(crate) struct Recorder {
    lines: Mutex<Vec<String>>,
    progress: Mutex<Vec<f64>>,
    metrics: Mutex<Vec<Metric>>,
}

impl Recorder {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn progress(&self) -> Vec<f64> {
        self.progress.lock().unwrap().clone()
    }

    pub(crate) fn metrics(&self) -> Vec<Metric> {
        self.metrics.lock().unwrap().clone()
    }
}

impl StepSink for Recorder {
    fn output(&self, _: OutputStream, line: &str) {
        self.lines.lock().unwrap().push(line.into());
    }

    fn progress(&self, fraction: f64, _: &str) {
        self.progress.lock().unwrap().push(fraction);
    }

    fn metric(&self, metric: Metric) {
        self.metrics.lock().unwrap().push(metric);
    }

    fn finding(&self, _: Finding) {}
}
