//! What the gates of a stage are judged on, as data: it stands in evidence as it was used, and gives the same judgements
//! wherever its objects are.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    sync::Arc,
};

use indexmap::IndexMap;
use runner_gate::{
    Defaults, Evidence, Measurements, Reference, References, ScalarMetric,
    grammar::Better,
    metrics,
    predictions::{Format, Predictions, read},
    verdict::{Judgement, Verdict},
};
use runner_store::{Digest, Store};
use runner_workflow::plan::{self, GateDefaults, MetricDeclaration, PlannedGate};
use serde::{Deserialize, Serialize};

use crate::{executor::Metric, refusal::read_text};

/// Everything that decides the judgements of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Name of the stage.
    pub stage: String,
    /// Its gates as written, in the order of the file.
    pub gates: Vec<GateText>,
    /// What else decides how they are judged.
    #[serde(flatten)]
    pub frame: Frame,
    /// What the verdict is for: `promote` where a promotion hangs on it, else the event that started the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// What was measured of the model that is judged.
    pub candidate: Measured,
    /// What it is compared with.
    #[serde(default)]
    pub references: CaseReferences,
}

/// A gate as written: one of the two forms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateText {
    /// The one-line form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The mapping form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<serde_json::Value>,
    /// What it is judged by in place of what the case says: of a gate of the base. Its `rubber_stamp` allows what only counts
    /// where there has never been a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
}

impl From<&PlannedGate> for GateText {
    fn from(gate: &PlannedGate) -> Self {
        let frame = gate.frame.as_ref();
        let frame = frame.map(|frame| Frame::new(&frame.defaults, &frame.metrics, frame.rubber_stamp));
        Self { line: gate.line.clone(), mapping: gate.mapping.clone(), frame }
    }
}

/// What decides beside their text how gates are judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// What holds for every gate that does not say otherwise.
    pub defaults: CaseDefaults,
    /// Declared unit of each metric.
    pub units: BTreeMap<String, String>,
    /// Declared direction of each metric.
    pub better: BTreeMap<String, plan::Better>,
}

impl Frame {
    /// As a workflow declares it. `rubber_stamp`: see [`CaseDefaults`].
    pub(crate) fn new(
        defaults: &GateDefaults,
        metrics: &IndexMap<String, MetricDeclaration>,
        rubber_stamp: bool,
    ) -> Self {
        let GateDefaults { confidence, min_samples } = *defaults;
        let units = metrics.iter().filter_map(|(name, metric)| Some((name.clone(), metric.unit.clone()?)));
        let better = metrics.iter().filter_map(|(name, metric)| Some((name.clone(), metric.better?)));
        Self {
            defaults: CaseDefaults { confidence, min_samples, rubber_stamp },
            units: units.collect(),
            better: better.collect(),
        }
    }

    /// The directions as the gate crate says them.
    pub(crate) fn directions(&self) -> BTreeMap<String, Better> {
        let directions = self.better.iter().map(|(name, better)| {
            let better = match better {
                plan::Better::Higher => Better::Higher,
                plan::Better::Lower => Better::Lower,
            };
            (name.clone(), better)
        });
        directions.collect()
    }
}

impl From<&CaseDefaults> for Defaults {
    fn from(said: &CaseDefaults) -> Self {
        let CaseDefaults { confidence, min_samples, rubber_stamp } = *said;
        Self { confidence, min_samples, rubber_stamp }
    }
}

/// Defaults of the workflow's gates.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseDefaults {
    /// One-sided confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Fewer samples are inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_samples: Option<u64>,
    /// There has never been a baseline, and the workflow allows a first promotion without one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rubber_stamp: bool,
}

/// What was measured of one model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Numbers that steps reported.
    pub scalars: Vec<Metric>,
    /// Predictions that steps published.
    pub predictions: Vec<PredictionsOutput>,
    /// Digest of the rows behind the numbers, where steps reported numbers only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_set: Option<String>,
}

impl Measured {
    /// Digest of all rows that were scored; none where it is not known of every one.
    fn rows(&self) -> Option<String> {
        if self.predictions.is_empty() {
            return self.test_set.clone();
        }
        let sets: Option<BTreeSet<&str>> =
            self.predictions.iter().map(|output| output.test_set.as_deref()).collect();
        together(sets?)
    }

    /// Why the numbers of an earlier run cannot be held against these; none if they can. What two single outputs of
    /// predictions have in common is seen on their rows.
    pub(crate) fn differs_from(&self, earlier: &Self) -> Option<String> {
        if self.predictions.len() == 1 && earlier.predictions.len() == 1 {
            return None;
        }
        let known = |rows: &Option<String>| rows.clone().unwrap_or_else(|| "unknown data".to_owned());
        let (ours, theirs) = (self.rows(), earlier.rows());
        match (&ours, &theirs) {
            (Some(ours), Some(theirs)) if ours == theirs => None,
            _ => {
                let help = if ours.is_none() {
                    "; name the data as an input of the step that measures (`in:`)"
                } else {
                    ""
                };
                Some(format!(
                    "not comparable: the candidate was scored on {}, that run on {}{help}",
                    known(&ours),
                    known(&theirs)
                ))
            }
        }
    }
}

/// One digest of several data sets.
pub(crate) fn together(digests: BTreeSet<&str>) -> Option<String> {
    let mut digests = digests.into_iter();
    match (digests.next(), digests.next()) {
        (None, _) => None,
        (Some(one), None) => Some(one.to_owned()),
        (Some(first), Some(second)) => {
            let all: Vec<&str> = [first, second].into_iter().chain(digests).collect();
            Some(Digest::of_bytes(all.join("\n").as_bytes()).to_string())
        }
    }
}

/// Predictions that a step published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionsOutput {
    /// Id of the step.
    pub step: String,
    /// What tells these predictions from others of the same stage: a cell of a matrix, or the step.
    pub slice: Vec<(String, String)>,
    /// File name, whose end says the format.
    pub path: String,
    /// `sha256:…`.
    pub digest: String,
    /// Digest of the rows that were scored.
    pub test_set: Option<String>,
}

/// The references of a case; those that no gate asks for are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseReferences {
    /// The model in service.
    #[serde(default, skip_serializing_if = "CaseReference::is_absent")]
    pub baseline: CaseReference,
    /// A slower second reference.
    #[serde(default, skip_serializing_if = "CaseReference::is_absent")]
    pub anchor: CaseReference,
    /// The run before.
    #[serde(default, skip_serializing_if = "CaseReference::is_absent")]
    pub previous: CaseReference,
}

/// One reference of a case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseReference {
    /// There is none.
    #[default]
    Absent,
    /// There is one, but it cannot be read; with the reason.
    Unreadable(String),
    /// What was measured of it.
    Measured(Measured),
}

impl CaseReference {
    fn is_absent(&self) -> bool {
        *self == Self::Absent
    }
}

/// What judging a case brought.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// In the order of the gates.
    pub judgements: Vec<Judgement>,
    /// Metrics computed from predictions.
    pub computed: Vec<Computed>,
    /// What a person should know about the evidence.
    pub warnings: Vec<String>,
}

/// Metrics computed from one output of predictions.
#[derive(Debug, Clone)]
pub struct Computed {
    /// Id of the step that published it; of a reference that was not scored in this run, in its own run.
    pub step: String,
    /// Whether it scored a reference and not the candidate.
    pub of_reference: bool,
    /// The metrics.
    pub metrics: Vec<Metric>,
}

impl Case {
    /// All predictions that the judgements rest on.
    pub fn predictions(&self) -> impl Iterator<Item = &PredictionsOutput> {
        let references = [&self.references.baseline, &self.references.anchor, &self.references.previous];
        let measured = references.into_iter().filter_map(|reference| match reference {
            CaseReference::Measured(measured) => Some(measured),
            CaseReference::Absent | CaseReference::Unreadable(_) => None,
        });
        [&self.candidate].into_iter().chain(measured).flat_map(|measured| &measured.predictions)
    }

    /// Judges the gates. Reads the predictions from the store; the same case and objects give the same judgements.
    #[must_use]
    pub fn judge(&self, store: &Store) -> Judged {
        let mut judged = Judged::default();
        let candidate = measurements(&self.candidate, false, store, &mut judged);
        let mut reference = |reference: &CaseReference| match reference {
            CaseReference::Absent => Reference::Absent,
            CaseReference::Unreadable(reason) => Reference::Unreadable(reason.clone()),
            CaseReference::Measured(measured) => {
                Reference::Measured(measurements(measured, true, store, &mut judged))
            }
        };
        let references = References {
            baseline: reference(&self.references.baseline),
            anchor: reference(&self.references.anchor),
            previous: reference(&self.references.previous),
        };
        let mut evidence = Evidence {
            candidate,
            references,
            units: BTreeMap::new(),
            better: BTreeMap::new(),
            event: self.event.clone(),
        };
        let mut judgements = Vec::with_capacity(self.gates.len());
        for gate in &self.gates {
            let frame = gate.frame.as_ref().unwrap_or(&self.frame);
            evidence.units.clone_from(&frame.units);
            evidence.better = frame.directions();
            let mut defaults = Defaults::from(&frame.defaults);
            defaults.rubber_stamp &= self.frame.defaults.rubber_stamp;
            judgements.push(judge_one(gate, &evidence, &defaults, &judged.warnings));
        }
        judged.judgements = judgements;
        judged
    }
}

fn judge_one(gate: &GateText, evidence: &Evidence, defaults: &Defaults, warnings: &[String]) -> Judgement {
    match read_text(gate.line.as_deref(), gate.mapping.as_ref()) {
        Ok(gate) => {
            let mut judgement = runner_gate::judge(&gate, evidence, defaults);
            if judgement.verdict == Verdict::Error {
                // Very likely the reason that something was not measured.
                for warning in warnings {
                    if !judgement.message.contains(warning) {
                        judgement.message.push_str("; ");
                        judgement.message.push_str(warning);
                    }
                }
            }
            judgement
        }
        Err(problem) => unreadable(gate, &problem),
    }
}

/// Numbers and predictions of one model, for the gates. What the host computes from its predictions is noted.
fn measurements(measured: &Measured, of_reference: bool, store: &Store, judged: &mut Judged) -> Measurements {
    let scalars = measured.scalars.iter().map(|metric| ScalarMetric {
        name: metric.name.clone(),
        slice: metric.slice.clone(),
        value: metric.value,
    });
    let mut found = Measurements { scalars: scalars.collect(), ..Measurements::default() };
    for output in &measured.predictions {
        let predictions = match load(store, output) {
            Ok(predictions) => Arc::new(predictions),
            Err(problem) => {
                let problem = format!("the predictions of `{}` cannot be read: {problem}", output.step);
                found.unreadable.get_or_insert_with(|| problem.clone());
                judged.warnings.push(problem);
                continue;
            }
        };
        let summary = metrics::summary(&predictions);
        if measured.predictions.len() > 1 {
            found.definitions = Some(metrics::DEFINITIONS.to_owned());
            found.scalars.extend(summary.iter().map(|(name, value)| ScalarMetric {
                name: (*name).to_owned(),
                slice: output.slice.clone(),
                value: *value,
            }));
        } else {
            found.test_set_digest.clone_from(&output.test_set);
            found.predictions = Some(predictions);
        }
        let metrics = summary.into_iter().map(|(name, value)| Metric {
            name: name.to_owned(),
            value,
            slice: Vec::new(),
        });
        let (step, metrics) = (output.step.clone(), metrics.collect());
        judged.computed.push(Computed { step, of_reference, metrics });
    }
    found
}

fn load(store: &Store, output: &PredictionsOutput) -> Result<Predictions, String> {
    let path = &output.path;
    let format = Format::of_file_name(path)
        .ok_or_else(|| format!("`{path}` ends neither with .csv, .jsonl nor .parquet"))?;
    let digest = output.digest.parse().map_err(|error| format!("{error}"))?;
    let mut bytes = Vec::new();
    let mut file = store.read(&digest).map_err(|error| error.to_string())?;
    file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    read(&bytes, format).map_err(|error| error.to_string())
}

/// A gate that cannot be read is refused before anything runs; should it get here, it blocks.
fn unreadable(gate: &GateText, problem: &str) -> Judgement {
    let text = gate.line.clone().or_else(|| gate.mapping.as_ref().map(ToString::to_string));
    let text = text.unwrap_or_default();
    Judgement {
        id: text.clone(),
        text,
        message: format!("the gate cannot be read: {problem}"),
        ..Judgement::default()
    }
}
