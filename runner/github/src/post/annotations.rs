//! Annotations of a check run: what is wrong, on the line that asks for it.

use runner_engine::{executor::Severity, record::StepState};
use runner_gate::verdict::Verdict;
use serde_json::{Value, json};

use crate::{
    report::{FindingPlace, Report},
    visible,
};

/// How grave an annotation is, in the words of a check run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Shown red.
    Failure,
    /// Shown yellow.
    Warning,
    /// Shown grey.
    Notice,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Path from the root of the repository.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// How grave.
    pub level: Level,
    /// A few words.
    pub title: String,
    /// What is wrong.
    pub message: String,
}

impl Annotation {
    /// As a check run takes it.
    pub(super) fn json(&self) -> Value {
        let level = match self.level {
            Level::Failure => "failure",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        json!({
            "path": self.path,
            "start_line": self.line,
            "end_line": self.line,
            "annotation_level": level,
            "title": self.title,
            "message": self.message,
        })
    }
}

/// Annotations that one request may hold.
pub(super) const AT_ONCE: usize = 50;
/// Annotations of one report; the rest is in the text.
const MOST: usize = 500;
/// Characters of a message; GitHub takes 64 KB.
const MESSAGE: usize = 2000;

/// Bytes of a path.
const LONGEST_PATH: usize = 4096;

/// All annotations: gates first, then steps, then findings.
pub fn all(report: &Report) -> Vec<Annotation> {
    let mut annotations = Vec::new();
    let mut add = |path: &str, line: usize, level: Level, title: &str, message: &str| {
        if annotations.len() < MOST && line > 0 && is_inside(path) {
            annotations.push(Annotation {
                path: path.to_owned(),
                line,
                level,
                title: cut(title, 200),
                message: cut(message, MESSAGE),
            });
        }
    };
    for stage in &report.run.stages {
        for (index, judgement) in stage.gates.iter().enumerate() {
            let level = match judgement.verdict {
                Verdict::None | Verdict::Info | Verdict::Pass => continue,
                Verdict::Warn | Verdict::Waived | Verdict::Inconclusive | Verdict::Hold => Level::Warning,
                Verdict::Fail | Verdict::Error => Level::Failure,
            };
            let found = report.gate_lines.iter().find(|line| line.stage == stage.name && line.gate == index);
            let line = found.map_or(Some(1), |found| found.line).unwrap_or(1);
            let title = format!("gate {}: {}", judgement.id, judgement.verdict);
            add(&report.path, line, level, &title, &judgement.message);
        }
        for step in &stage.steps {
            let place = report.step_lines.iter().find(|line| line.step == step.id);
            let line = place.map_or(1, |place| place.line);
            if step.state == StepState::Finished
                && let Some(why) = step.result.as_ref().and_then(crate::report::failure)
            {
                add(&report.path, line, Level::Failure, &format!("step {}", step.id), &why);
            }
            for finding in &step.findings {
                let level = match finding.severity {
                    Severity::Error => Level::Failure,
                    Severity::Warning => Level::Warning,
                    Severity::Info => Level::Notice,
                };
                let schema = finding.column.as_deref().and_then(|column| {
                    report.finding_places.iter().find(|place| place.step == step.id && place.column == column)
                });
                let (path, line) = match schema {
                    Some(FindingPlace { path, line, .. }) => (path.as_str(), *line),
                    None => (report.path.as_str(), line),
                };
                add(path, line, level, &format!("{} in {}", finding.rule, step.id), &finding.message);
            }
        }
    }
    annotations
}

/// Whether a path is one from the root of a repository: GitHub refuses others, and with them all annotations of a request.
fn is_inside(path: &str) -> bool {
    path.len() <= LONGEST_PATH
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn cut(text: &str, columns: usize) -> String {
    let text = visible::cut(&visible::line(text), columns, true);
    // An empty text is refused.
    if text.trim().is_empty() { "(nothing was said)".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for path in ["churn.yml", "a/b c/ł.yaml", ".github/x", "a..b/c"] {
            assert!(is_inside(path), "{path}");
        }
        let long = "a".repeat(LONGEST_PATH + 1);
        for path in ["", "/etc/passwd", "../x", "a/../../x", "./a", "a//b", "a\nb", "a/", &long] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
