//! The record of a run, made from its events and from nothing else.

use std::collections::HashMap;

use jiff::Timestamp;
use runner_gate::verdict::{Judgement, Verdict};
use runner_workflow::plan::Kind;
use serde::{Deserialize, Serialize};

use crate::{
    event::{EventKind, ImageRecord, RunEvent, RunResult, StageResult, StepResult},
    executor::{Finding, Metric},
    references::ReferenceRecord,
};

/// Version of the shape of [`RunRecord`].
pub const FORMAT: u32 = 1;

/// What happened in one run. Written to `run.json`; [`summarise`] makes the same from `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run_id: String,
    /// Name of the workflow.
    pub workflow: String,
    /// Path of its file as given.
    pub file: String,
    /// SHA-256 of its source text, hex.
    pub workflow_digest: String,
    /// Version of the runner.
    pub runner_version: String,
    /// Commit of the workspace.
    pub git_commit: Option<String>,
    /// Branch of the workspace.
    pub git_branch: Option<String>,
    /// Whether tracked files differed from the commit.
    #[serde(default)]
    pub git_dirty: bool,
    /// Parameters as used.
    pub params: serde_json::Value,
    /// Steps at once.
    pub jobs: usize,
    /// Wall clock, UTC.
    pub started_at: Timestamp,
    /// Wall clock, UTC; none while it runs, or where it was killed.
    pub finished_at: Option<Timestamp>,
    /// Milliseconds to the last event.
    pub duration_ms: f64,
    /// How it ended; none while it runs, or where it was killed.
    pub result: Option<RunResult>,
    /// Exit code of the process.
    pub exit_code: Option<u8>,
    /// Over all gates that were judged.
    pub verdict: Verdict,
    /// Why it did not pass, in one line.
    pub reason: Option<String>,
    /// Data sets by name, in the order they were identified.
    pub data: Vec<DataRecord>,
    /// What was compared with.
    #[serde(default)]
    pub references: Vec<ReferenceRecord>,
    /// The evidence, where gates were judged.
    #[serde(default)]
    pub evidence: Option<EvidenceRecord>,
    /// Stages in order.
    pub stages: Vec<StageRecord>,
    /// What a person should see.
    pub warnings: Vec<WarningRecord>,
}

/// The evidence of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// Digest of `evidence.json`, which is an object too.
    pub digest: String,
    /// Id of the key that signed it; none where nobody did.
    pub key: Option<String>,
}

/// A data set of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Name under `data:`.
    pub name: String,
    /// Path in the workspace.
    pub path: String,
    /// Digest of the bytes that the steps read.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// A stage of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its name.
    pub name: String,
    /// How it ended; none where it did not.
    pub result: Option<StageResult>,
    /// Milliseconds.
    pub duration_ms: f64,
    /// Its steps in order.
    pub steps: Vec<StepRecord>,
    /// Gates the workflow asks for.
    pub planned_gates: usize,
    /// Gates that were judged.
    pub gates: Vec<Judgement>,
    /// What was promoted, or refused.
    pub promotions: Vec<PromotionRecord>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It has not started.
    Waiting,
    /// It runs, or did when the record ends.
    Running,
    /// It ended with a result.
    Finished,
    /// It does not run.
    Skipped,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// `fit` or `fit[seed=0]`.
    pub id: String,
    /// Where it stands.
    pub state: StepState,
    /// Attempts so far.
    pub attempts: u32,
    /// What ran it.
    pub executor: Option<String>,
    /// Whether it ran in a sandbox; none where it did not run.
    pub sandboxed: Option<bool>,
    /// What its container was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageRecord>,
    /// Milliseconds from the start of the run to its first attempt.
    pub started_ms: Option<f64>,
    /// Milliseconds, all attempts.
    pub duration_ms: f64,
    /// How it ended.
    pub result: Option<StepResult>,
    /// Why it does not run.
    pub skipped: Option<String>,
    /// Metrics of the last attempt, each name and slice once.
    pub metrics: Vec<Metric>,
    /// Findings of the last attempt.
    pub findings: Vec<Finding>,
    /// Outputs that were stored.
    pub artifacts: Vec<ArtifactRecord>,
}

impl StepRecord {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            state: StepState::Waiting,
            attempts: 0,
            executor: None,
            sandboxed: None,
            image: None,
            started_ms: None,
            duration_ms: 0.0,
            result: None,
            skipped: None,
            metrics: Vec::new(),
            findings: Vec::new(),
            artifacts: Vec::new(),
        }
    }

    /// Whether it ran and succeeded.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        matches!(&self.result, Some(StepResult::Ran(outcome)) if outcome.is_success())
    }
}

/// An output of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRecord {
    /// Name of the output.
    pub output: String,
    /// What it holds.
    pub kind: Kind,
    /// File name.
    pub path: String,
    /// `sha256:…`, or `sha256-tree:…` for a folder.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// A promotion of a run, made or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionRecord {
    /// Name in the registry.
    pub model: String,
    /// Alias.
    pub alias: String,
    /// Version it points to now; none where it was refused.
    pub version: Option<u64>,
    /// Digest of the model.
    pub digest: Option<String>,
    /// Version it pointed to before.
    pub previous: Option<u64>,
    /// Why it was refused.
    pub refused: Option<String>,
}

/// A warning of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningRecord {
    /// Stable code.
    pub code: String,
    /// In words.
    pub message: String,
}

/// The record of the run whose events these are; `None` where the first one is not [`EventKind::RunStarted`].
///
/// Events may end anywhere, as those of a killed run do: what is missing then reads as not finished.
pub fn summarise<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> Option<RunRecord> {
    let mut recorder = Summary::default();
    for event in events {
        recorder.apply(event);
    }
    recorder.into_record()
}

/// Makes a [`RunRecord`] event by event, in constant time for each.
#[derive(Debug, Default)]
pub struct Summary {
    record: Option<RunRecord>,
    stages: HashMap<String, usize>,
    steps: HashMap<String, (usize, usize)>,
}

impl Summary {
    /// The record so far, owned.
    #[must_use]
    pub fn into_record(self) -> Option<RunRecord> {
        self.record
    }

    /// Takes one more event into account. Events before the first `run-started` are ignored.
    pub fn apply(&mut self, event: &RunEvent) {
        if let EventKind::RunStarted { .. } = &event.kind {
            self.start(event);
            return;
        }
        let Some(record) = &mut self.record else { return };
        record.duration_ms = event.elapsed_ms;
        match &event.kind {
            EventKind::DataIdentified { name, path, digest, size } => record.data.push(DataRecord {
                name: name.clone(),
                path: path.clone(),
                digest: digest.clone(),
                size: *size,
            }),
            EventKind::ReferenceResolved { reference } => record.references.push(reference.clone()),
            EventKind::EvidenceRecorded { digest, key, .. } => {
                record.evidence = Some(EvidenceRecord { digest: digest.clone(), key: key.clone() });
            }
            EventKind::Warning { code, message } => {
                record.warnings.push(WarningRecord { code: code.clone(), message: message.clone() });
            }
            EventKind::RunFinished { result, exit_code, verdict, reason, duration_ms } => {
                record.finished_at = Some(event.timestamp);
                record.result = Some(*result);
                record.exit_code = Some(*exit_code);
                record.verdict = *verdict;
                record.reason.clone_from(reason);
                record.duration_ms = *duration_ms;
            }
            EventKind::StageFinished { stage, .. }
            | EventKind::GateEvaluated { stage, .. }
            | EventKind::Promoted { stage, .. }
            | EventKind::PromotionRefused { stage, .. } => {
                if let Some(index) = self.stages.get(stage) {
                    apply_to_stage(&mut record.stages[*index], &event.kind);
                }
                if let EventKind::GateEvaluated { judgement, .. } = &event.kind {
                    record.verdict = record.verdict.max(judgement.verdict);
                }
            }
            EventKind::StepStarted { step, .. }
            | EventKind::StepFinished { step, .. }
            | EventKind::AttemptFailed { step, .. }
            | EventKind::StepSkipped { step, .. }
            | EventKind::MetricReported { step, .. }
            | EventKind::FindingReported { step, .. }
            | EventKind::StepImage { step, .. }
            | EventKind::ArtifactPublished { step, .. } => {
                if let Some((stage, index)) = self.steps.get(step) {
                    apply_to_step(&mut record.stages[*stage].steps[*index], event);
                }
            }
            EventKind::RunStarted { .. }
            | EventKind::StageStarted { .. }
            | EventKind::StepSlow { .. }
            | EventKind::StepOutput { .. }
            | EventKind::ImageProgress { .. }
            | EventKind::ImageReady { .. }
            | EventKind::StepProgress { .. } => {}
        }
    }

    fn start(&mut self, event: &RunEvent) {
        let EventKind::RunStarted {
            workflow,
            file,
            workflow_digest,
            runner_version,
            git_commit,
            git_branch,
            git_dirty,
            params,
            stages,
            jobs,
        } = &event.kind
        else {
            return;
        };
        for (index, stage) in stages.iter().enumerate() {
            self.stages.insert(stage.name.clone(), index);
            for (position, step) in stage.steps.iter().enumerate() {
                self.steps.insert(step.clone(), (index, position));
            }
        }
        self.record = Some(RunRecord {
            format: FORMAT,
            run_id: event.run_id.clone(),
            workflow: workflow.clone(),
            file: file.clone(),
            workflow_digest: workflow_digest.clone(),
            runner_version: runner_version.clone(),
            git_commit: git_commit.clone(),
            git_branch: git_branch.clone(),
            git_dirty: *git_dirty,
            params: params.clone(),
            jobs: *jobs,
            started_at: event.timestamp,
            finished_at: None,
            duration_ms: event.elapsed_ms,
            result: None,
            exit_code: None,
            verdict: Verdict::None,
            reason: None,
            data: Vec::new(),
            references: Vec::new(),
            evidence: None,
            stages: stages
                .iter()
                .map(|stage| StageRecord {
                    name: stage.name.clone(),
                    result: None,
                    duration_ms: 0.0,
                    steps: stage.steps.iter().map(|id| StepRecord::new(id)).collect(),
                    planned_gates: stage.gates,
                    gates: Vec::new(),
                    promotions: Vec::new(),
                })
                .collect(),
            warnings: Vec::new(),
        });
    }
}

fn apply_to_stage(stage: &mut StageRecord, kind: &EventKind) {
    match kind {
        EventKind::StageFinished { result, duration_ms, .. } => {
            stage.result = Some(*result);
            stage.duration_ms = *duration_ms;
        }
        EventKind::GateEvaluated { judgement, .. } => stage.gates.push(judgement.clone()),
        EventKind::Promoted { model, alias, version, digest, previous, .. } => {
            stage.promotions.push(PromotionRecord {
                model: model.clone(),
                alias: alias.clone(),
                version: Some(*version),
                digest: Some(digest.clone()),
                previous: *previous,
                refused: None,
            });
        }
        EventKind::PromotionRefused { model, alias, reason, .. } => {
            stage.promotions.push(PromotionRecord {
                model: model.clone(),
                alias: alias.clone(),
                version: None,
                digest: None,
                previous: None,
                refused: Some(reason.clone()),
            });
        }
        _ => {}
    }
}

fn apply_to_step(step: &mut StepRecord, event: &RunEvent) {
    match &event.kind {
        EventKind::StepStarted { attempt, executor, sandboxed, .. } => {
            step.state = StepState::Running;
            step.attempts = *attempt;
            step.executor = Some(executor.clone());
            step.sandboxed = Some(*sandboxed);
            step.started_ms.get_or_insert(event.elapsed_ms);
            // What an earlier attempt reported is in the events; it says nothing about this one.
            step.metrics.clear();
            step.findings.clear();
        }
        EventKind::StepFinished { attempts, result, duration_ms, .. } => {
            step.state = StepState::Finished;
            step.attempts = *attempts;
            step.result = Some(result.clone());
            step.duration_ms = *duration_ms;
        }
        EventKind::AttemptFailed { result, .. } => step.result = Some(result.clone()),
        EventKind::StepSkipped { reason, .. } => {
            step.state = StepState::Skipped;
            step.skipped = Some(reason.clone());
        }
        EventKind::StepImage { image, .. } => step.image = Some(image.clone()),
        EventKind::MetricReported { metric, .. } => replace_metric(&mut step.metrics, metric),
        EventKind::FindingReported { finding, .. } => step.findings.push(finding.clone()),
        EventKind::ArtifactPublished { output, kind, path, digest, size, .. } => {
            step.artifacts.push(ArtifactRecord {
                output: output.clone(),
                kind: *kind,
                path: path.clone(),
                digest: digest.clone(),
                size: *size,
            });
        }
        _ => {}
    }
}

/// Reporting the same name and slice again replaces the value.
pub(crate) fn replace_metric(metrics: &mut Vec<Metric>, metric: &Metric) {
    match metrics.iter_mut().find(|known| known.name == metric.name && known.slice == metric.slice) {
        Some(known) => known.value = metric.value,
        None => metrics.push(metric.clone()),
    }
}
