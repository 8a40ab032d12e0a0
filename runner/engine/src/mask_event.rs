//! Masking of every string of an event that a step, a file or a person wrote.

use runner_gate::verdict::Judgement;

use crate::{
    event::{EventKind, StepResult},
    executor::{Finding, Metric},
    mask::Masker,
    outcome::StepOutcome,
    references::ReferenceState,
};

/// Hides secrets in all free text of an event. Names that the workflow's own grammar restricts to words (steps, stages,
/// outputs, data sets) stay: reports find things by them.
pub(crate) fn mask_event(masker: &Masker, kind: &mut EventKind) {
    if masker.is_empty() {
        return;
    }
    match kind {
        EventKind::RunStarted { params, file, .. } => {
            masker.mask_json(params);
            masker.mask_string(file);
        }
        EventKind::StepFinished { result, .. } | EventKind::AttemptFailed { result, .. } => {
            mask_result(masker, result);
        }
        EventKind::StepSkipped { reason, .. } | EventKind::PromotionRefused { reason, .. } => {
            masker.mask_string(reason);
        }
        EventKind::StepOutput { line, .. } => masker.mask_string(line),
        EventKind::StepProgress { message, .. } | EventKind::Warning { message, .. } => {
            masker.mask_string(message);
        }
        EventKind::MetricReported { metric, .. } => mask_metric(masker, metric),
        EventKind::FindingReported { finding, .. } => mask_finding(masker, finding),
        EventKind::GateEvaluated { judgement, .. } => mask_judgement(masker, judgement),
        EventKind::ReferenceResolved { reference } => {
            masker.mask_string(&mut reference.reference);
            if let ReferenceState::Unreadable(reason) = &mut reference.state {
                masker.mask_string(reason);
            }
        }
        EventKind::RunFinished { reason: Some(reason), .. } => masker.mask_string(reason),
        EventKind::DataIdentified { path, .. } | EventKind::ArtifactPublished { path, .. } => {
            masker.mask_string(path);
        }
        EventKind::ImageProgress { image, .. } => masker.mask_string(image),
        EventKind::ImageReady { image, .. } | EventKind::StepImage { image, .. } => {
            masker.mask_string(&mut image.image);
        }
        EventKind::RunFinished { reason: None, .. }
        | EventKind::StageStarted { .. }
        | EventKind::StageFinished { .. }
        | EventKind::StepStarted { .. }
        | EventKind::StepSlow { .. }
        | EventKind::EvidenceRecorded { .. }
        | EventKind::Promoted { .. } => {}
    }
}

/// Hides secrets in how a step ended.
pub(crate) fn mask_result(masker: &Masker, result: &mut StepResult) {
    match result {
        StepResult::Ran(
            StepOutcome::Failed { message, .. }
            | StepOutcome::Trapped { message }
            | StepOutcome::Denied { message, .. },
        ) => masker.mask_string(message),
        StepResult::Ran(_) => {}
        StepResult::Error { message, help, .. } => {
            masker.mask_string(message);
            if let Some(help) = help {
                masker.mask_string(help);
            }
        }
    }
}

/// Hides secrets in the names and labels of a metric.
pub(crate) fn mask_metric(masker: &Masker, metric: &mut Metric) {
    masker.mask_string(&mut metric.name);
    mask_slice(masker, &mut metric.slice);
}

/// Hides secrets in a finding.
pub(crate) fn mask_finding(masker: &Masker, finding: &mut Finding) {
    masker.mask_string(&mut finding.rule);
    masker.mask_string(&mut finding.message);
    for text in finding.input.iter_mut().chain(&mut finding.column).chain(&mut finding.examples) {
        masker.mask_string(text);
    }
}

fn mask_judgement(masker: &Masker, judgement: &mut Judgement) {
    for text in
        [&mut judgement.id, &mut judgement.text, &mut judgement.message].into_iter().chain(&mut judgement.why)
    {
        masker.mask_string(text);
    }
    for rule in &mut judgement.rules {
        masker.mask_string(&mut rule.term);
        masker.mask_string(&mut rule.message);
        mask_slice(masker, &mut rule.slice);
    }
}

fn mask_slice(masker: &Masker, slice: &mut [(String, String)]) {
    for (column, value) in slice {
        masker.mask_string(column);
        masker.mask_string(value);
    }
}
