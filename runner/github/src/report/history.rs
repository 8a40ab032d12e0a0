//! The last runs on a pull request, kept inside the comment itself: no server, no store.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use runner_gate::verdict::Verdict;
use runner_store::RunId;
use serde::{Deserialize, Serialize};

use super::{Report, Standing};

/// Runs that are kept.
pub const RUNS: usize = 5;
/// Figures of each.
const FIGURES: usize = 4;
/// Bytes of the encoded form that are read.
const LONGEST: usize = 16 * 1024;
/// Characters of a name.
const NAME: usize = 80;

const START: &str = "<!-- runner:history v1 ";

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// Its commit.
    pub sha: String,
    /// Over all gates.
    pub verdict: Verdict,
    /// Whether it passed as a whole.
    pub passed: bool,
    /// The first judged values by what was judged.
    pub figures: Vec<(String, f64)>,
    /// Its id; none where an older version wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl Past {
    /// Of a report.
    pub fn of(report: &Report) -> Self {
        let gates = report.run.stages.iter().flat_map(|stage| &stage.gates);
        let rules = gates.flat_map(|gate| &gate.rules).filter(|rule| rule.slice.is_empty());
        let mut figures: Vec<(String, f64)> = Vec::new();
        for rule in rules {
            let name: String = rule.term.chars().take(NAME).collect();
            let Some(value) = rule.observed.filter(|value| value.is_finite()) else { continue };
            if figures.len() < FIGURES && figures.iter().all(|(known, _)| *known != name) {
                figures.push((name, value));
            }
        }
        Self {
            sha: report.head_sha.clone().unwrap_or_default(),
            verdict: report.run.verdict,
            passed: matches!(report.standing(), Standing::Passed | Standing::Warned | Standing::Nothing),
            figures,
            run: Some(report.run.run_id.chars().take(NAME).collect()),
        }
    }

    /// Whether it is of a run of the same commit that started after the one of a report. Who claims to be of the future is not
    /// believed.
    pub fn is_later_than(&self, report: &Report, now: Timestamp) -> bool {
        let created = |run: &str| run.parse::<RunId>().ok().map(|run| run.created());
        let (Some(run), Some(ours)) = (self.run.as_deref().and_then(created), created(&report.run.run_id))
        else {
            return false;
        };
        Some(self.sha.as_str()) == report.head_sha.as_deref() && run > ours && run <= now
    }
}

/// The history with one more run; a commit that ran before is not listed twice.
pub fn continued(mut history: Vec<Past>, latest: Past) -> Vec<Past> {
    history.retain(|past| past.sha != latest.sha);
    history.insert(0, latest);
    history.truncate(RUNS + 1);
    history
}

/// A comment of HTML that holds it and is not shown.
pub fn hidden(history: &[Past]) -> String {
    format!("{START}{} -->", STANDARD.encode(serde_json::to_vec(history).unwrap_or_default()))
}

/// Read it back; nothing where it is not there or not whole.
pub fn find(text: &str) -> Vec<Past> {
    let encoded = text.lines().rev().find_map(|line| line.strip_prefix(START)?.strip_suffix(" -->"));
    let decoded =
        encoded.filter(|encoded| encoded.len() <= LONGEST).and_then(|encoded| STANDARD.decode(encoded).ok());
    let mut history: Vec<Past> =
        decoded.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    history.truncate(RUNS + 1);
    history
}

/// A row of block characters, oldest first; empty where there is nothing to see.
pub fn sparkline(values: &[f64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    if values.len() < 2 || !low.is_finite() || !high.is_finite() {
        return String::new();
    }
    let block = |value: &f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
        let index = (share * 7.0).round() as usize;
        BLOCKS[index.min(7)]
    };
    values.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparklines() {
        assert_eq!(sparkline(&[0.0, 0.5, 1.0]), "▁▅█");
        assert_eq!(sparkline(&[1.0, 1.0]), "▅▅");
        assert_eq!(sparkline(&[1.0]), "");
        assert_eq!(sparkline(&[1.0, f64::INFINITY]), "");
    }

    #[test]
    fn history_travels_and_forgets() {
        let past = |n: usize| Past {
            sha: format!("{n:040x}"),
            verdict: Verdict::Pass,
            passed: true,
            figures: vec![("a -->".into(), 0.5)],
            run: None,
        };
        let history = (0..9).fold(Vec::new(), |history, n| continued(history, past(n)));
        assert_eq!(history.len(), RUNS + 1);
        assert_eq!(history[0], past(8));
        let text = format!("x\n{}\n", hidden(&history));
        assert_eq!(find(&text), history);
        assert_eq!(find("nothing"), Vec::new());
        assert_eq!(continued(history, past(8)).len(), RUNS + 1);
    }
}
