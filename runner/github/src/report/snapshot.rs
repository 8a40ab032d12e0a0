//! What a run measured, small enough to travel in a check run or a comment, and read back by a later run.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use runner_engine::{event::RunResult, record::RunRecord};
use runner_gate::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::Report;

/// Figures kept. More are dropped, and [`Snapshot::dropped`] says how many.
const FIGURES: usize = 300;
/// Bytes of the encoded form; what is longer is not read.
const LONGEST: usize = 48 * 1024;

const START: &str = "<!-- runner:data v1 ";

/// What a run measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Its id.
    pub run: String,
    /// Its commit.
    pub commit: Option<String>,
    /// Over all gates.
    pub verdict: Verdict,
    /// How it ended.
    pub result: Option<RunResult>,
    /// Judged values by what was judged, such as `recall[region=EU]`.
    pub figures: BTreeMap<String, f64>,
    /// Reported metrics by step and name.
    pub metrics: BTreeMap<String, f64>,
    /// Digest of each data set.
    pub data: BTreeMap<String, String>,
    /// Parameters, as JSON texts.
    pub params: BTreeMap<String, String>,
    /// Digest of the policy changes that wait for an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Digest of the evidence that waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Figures that had no room.
    #[serde(default)]
    pub dropped: usize,
}

impl Snapshot {
    /// Of a report.
    pub fn of(report: &Report) -> Self {
        let mut snapshot = Self::of_record(&report.run, report.head_sha.clone());
        if report.policy.waits() {
            snapshot.policy.clone_from(&report.policy.digest);
        }
        snapshot.evidence.clone_from(&report.evidence);
        snapshot
    }

    /// Of a recorded run.
    pub fn of_record(run: &RunRecord, commit: Option<String>) -> Self {
        let mut snapshot = Self {
            run: run.run_id.clone(),
            commit,
            verdict: run.verdict,
            result: run.result,
            figures: BTreeMap::new(),
            metrics: BTreeMap::new(),
            data: run.data.iter().map(|data| (data.name.clone(), data.digest.clone())).collect(),
            params: params(&run.params),
            policy: None,
            evidence: None,
            dropped: 0,
        };
        let rules = run.stages.iter().flat_map(|stage| &stage.gates).flat_map(|gate| &gate.rules);
        let judged = rules.filter_map(|rule| Some((rule.term.clone(), rule.observed?)));
        let steps = run.stages.iter().flat_map(|stage| &stage.steps);
        let whole = steps.flat_map(|step| {
            let metrics = step.metrics.iter().filter(|metric| metric.slice.is_empty());
            metrics.map(|metric| (format!("{}.{}", step.id, metric.name), metric.value))
        });
        let mut room = FIGURES;
        let mut keep = |kept: &mut BTreeMap<String, f64>, (name, value): (String, f64)| {
            // JSON has no number for the others, and nothing can be compared with them.
            if !value.is_finite() || (room == 0 && !kept.contains_key(&name)) {
                snapshot.dropped += 1;
            } else if kept.insert(name, value).is_none() {
                room -= 1;
            }
        };
        let (mut figures, mut metrics) = (BTreeMap::new(), BTreeMap::new());
        judged.for_each(|figure| keep(&mut figures, figure));
        whole.for_each(|metric| keep(&mut metrics, metric));
        (snapshot.figures, snapshot.metrics) = (figures, metrics);
        snapshot
    }

    /// A comment of HTML that holds it and is not shown; without figures where it would be too long.
    pub fn hidden(&self) -> String {
        let encode = |snapshot: &Self| {
            let json = serde_json::to_vec(snapshot).unwrap_or_default();
            format!("{START}{} -->", STANDARD.encode(json))
        };
        let whole = encode(self);
        if whole.len() <= LONGEST {
            return whole;
        }
        let bare = Self {
            figures: BTreeMap::new(),
            metrics: BTreeMap::new(),
            params: BTreeMap::new(),
            data: BTreeMap::new(),
            dropped: self.dropped + self.figures.len() + self.metrics.len(),
            ..self.clone()
        };
        encode(&bare)
    }

    /// Read it back from a text that has it in a line of its own.
    pub fn find(text: &str) -> Option<Self> {
        let encoded = text.lines().find_map(|line| line.strip_prefix(START)?.strip_suffix(" -->"))?;
        if encoded.len() > LONGEST {
            return None;
        }
        serde_json::from_slice(&STANDARD.decode(encoded).ok()?).ok()
    }
}

/// Parameters at any depth by their dotted names.
fn params(value: &serde_json::Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((name, value)) = open.pop() {
        match value {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                    open.push((name, value));
                }
            }
            value if found.len() < FIGURES && !name.is_empty() => {
                let text: String = value.to_string().chars().take(100).collect();
                found.insert(name, text);
            }
            _ => {}
        }
    }
    found
}
