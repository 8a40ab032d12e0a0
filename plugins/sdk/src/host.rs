//! What the host offers to a running plugin.
//!
//! On a native target every call is kept in the calling thread, for tests: see `take_recorded`.

use crate::{Finding, LogLevel, Metric};

/// Writes a line to the step's log. The host cuts the log at the step's limit, with a notice.
pub fn log(level: LogLevel, message: impl AsRef<str>) {
    backend::log(level, message.as_ref());
}

/// Writes a line for the plugin's author.
pub fn debug(message: impl AsRef<str>) {
    log(LogLevel::Debug, message);
}

/// Writes a line that says what happens.
pub fn info(message: impl AsRef<str>) {
    log(LogLevel::Info, message);
}

/// Writes a line that is worth a look.
pub fn warn(message: impl AsRef<str>) {
    log(LogLevel::Warn, message);
}

/// Writes a line that says what is wrong.
pub fn error(message: impl AsRef<str>) {
    log(LogLevel::Error, message);
}

/// Says how far the work is: 0 to 1.
pub fn progress(fraction: f64, message: impl AsRef<str>) {
    backend::progress(fraction, message.as_ref());
}

/// Reports a metric. Reporting the same name and slice again replaces the value.
pub fn metric(metric: Metric) {
    backend::metric(metric);
}

/// Reports a finding. Findings beyond the step's limit are counted, not kept.
pub fn finding(finding: Finding) {
    backend::finding(finding);
}

#[cfg(target_family = "wasm")]
use crate::component as backend;

#[cfg(not(target_family = "wasm"))]
pub use backend::{Recorded, take_recorded};

#[cfg(not(target_family = "wasm"))]
mod backend {
    use std::cell::RefCell;

    use crate::{Finding, LogLevel, Metric};

    /// The calls that a plugin made to the host in this thread.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Recorded {
        /// Lines of the log, in order.
        pub logs: Vec<(LogLevel, String)>,
        /// Reports of progress, in order.
        pub progress: Vec<(f64, String)>,
        /// Metrics: the last value per name and slice, in the order of first report.
        pub metrics: Vec<Metric>,
        /// Findings, in order.
        pub findings: Vec<Finding>,
    }

    impl Recorded {
        /// The value of a metric of the whole.
        pub fn metric(&self, name: &str) -> Option<f64> {
            self.sliced_metric(name, &[])
        }

        /// The value of a metric of one slice.
        pub fn sliced_metric(&self, name: &str, slice: &[(&str, &str)]) -> Option<f64> {
            self.metrics
                .iter()
                .find(|metric| {
                    metric.name == name
                        && metric
                            .slice
                            .iter()
                            .map(|(c, v)| (c.as_str(), v.as_str()))
                            .eq(slice.iter().copied())
                })
                .map(|metric| metric.value)
        }
    }

    thread_local! {
        static RECORDED: RefCell<Recorded> = RefCell::default();
    }

    /// Takes what this thread has reported since the last call. Only on native targets, for tests.
    pub fn take_recorded() -> Recorded {
        RECORDED.with(RefCell::take)
    }

    pub(super) fn log(level: LogLevel, message: &str) {
        RECORDED.with_borrow_mut(|recorded| recorded.logs.push((level, message.into())));
    }

    pub(super) fn progress(fraction: f64, message: &str) {
        RECORDED.with_borrow_mut(|recorded| recorded.progress.push((fraction, message.into())));
    }

    pub(super) fn metric(metric: Metric) {
        RECORDED.with_borrow_mut(|recorded| {
            let same = |other: &&mut Metric| other.name == metric.name && other.slice == metric.slice;
            match recorded.metrics.iter_mut().find(same) {
                Some(known) => known.value = metric.value,
                None => recorded.metrics.push(metric),
            }
        });
    }

    pub(super) fn finding(finding: Finding) {
        RECORDED.with_borrow_mut(|recorded| recorded.findings.push(finding));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_reported_again_replaces_the_value() {
        metric(Metric::new("rows", 1.0));
        metric(Metric::new("rows", 5.0).slice("column", "age"));
        metric(Metric::new("rows", 2.0));
        let recorded = take_recorded();
        assert_eq!(recorded.metric("rows"), Some(2.0));
        assert_eq!(recorded.sliced_metric("rows", &[("column", "age")]), Some(5.0));
        assert_eq!(take_recorded(), Recorded::default());
    }
}
