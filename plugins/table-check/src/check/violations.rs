//! Rows that break a rule: how many, and the first few.

use runner_plugin_sdk::{Finding, Severity};

/// Examples kept per rule.
const EXAMPLES: usize = 5;
/// Characters kept of an example.
const LENGTH: usize = 80;

/// Rows that break a rule.
#[derive(Debug, Default)]
pub(super) struct Violations {
    pub(super) count: u64,
    examples: Vec<(u64, String)>,
}

impl Violations {
    /// Counts a row; `show` is only called for the first few.
    #[inline]
    pub(super) fn add(&mut self, row: u64, show: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.keep(row, &show());
        }
    }

    #[cold]
    fn keep(&mut self, row: u64, text: &str) {
        let mut text: String = if text.chars().nth(LENGTH).is_some() {
            text.chars().take(LENGTH).chain(['…']).collect()
        } else {
            text.to_owned()
        };
        // A line break inside a cell would break the line of a report.
        if text.contains(char::is_control) {
            text = text.escape_debug().to_string();
        }
        self.examples.push((row, text));
    }

    pub(super) fn finding(self, severity: Severity, rule: &str, message: String) -> Finding {
        let finding = Finding::new(severity, rule, message).count(self.count);
        self.examples.into_iter().fold(finding, |finding, (row, text)| finding.example(row, text))
    }
}
