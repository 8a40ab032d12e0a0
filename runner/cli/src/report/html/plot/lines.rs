//! ROC and precision-recall: how the choice of a threshold trades one error for the other.

use maud::{Markup, html};
use runner_gate::{
    curves::{self, reduce},
    metrics::Metric,
    predictions::Predictions,
};

use super::{Role, drawable, figure, frame::Frame};
use crate::report::quantity;

/// A model whose line is drawn.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Line<'a> {
    pub(in super::super) role: Role,
    pub(in super::super) predictions: &'a Predictions,
}

/// Columns of a plot that is enlarged to twice its size, and a distance nobody sees there.
const COLUMNS: usize = 600;
const TOLERANCE: f64 = 0.0008;

/// Share of true positives found against share of false alarms; `None` where it is not defined.
pub(in super::super) fn roc(lines: &[Line<'_>]) -> Option<Markup> {
    let frame = Frame::square();
    let drawn =
        drawable(lines, |predictions| Ok((curves::roc(predictions)?, Metric::RocAuc.of(predictions)?)))?;
    let drawn: Vec<(Role, String, f64, f64)> = drawn
        .into_iter()
        .map(|(role, (points, area))| {
            // The highest share found while one false alarm in twenty is tolerated.
            let found =
                points.iter().take_while(|point| point.fpr <= 0.05).last().map_or(0.0, |point| point.tpr);
            let points: Vec<(f64, f64)> = points.iter().map(|point| (point.fpr, point.tpr)).collect();
            (role, frame.line(reduce(&points, COLUMNS, TOLERANCE)), area, found)
        })
        .collect();
    let words: Vec<String> = drawn
        .iter()
        .map(|(role, _, area, at)| {
            format!(
                "{}: area {}, and {} of the positives found at 5 % false alarms",
                role.word(),
                quantity::number(*area),
                quantity::percent(*at)
            )
        })
        .collect();
    let inner = html! {
        path.chance d=(frame.line([(0.0, 0.0), (1.0, 1.0)])) {}
        @for (role, path, ..) in drawn.iter().rev() { path class={ "line " (role.word()) } d=(path) {} }
    };
    let picture = frame.picture(
        &format!("ROC curve. {}.", words.join("; ")),
        "false positive rate",
        "true positive rate (recall)",
        &inner,
    );
    let legend: Vec<(&str, String)> = drawn
        .iter()
        .map(|(role, _, area, _)| {
            (role.word(), format!("{} · area {}", role.word(), quantity::number(*area)))
        })
        .collect();
    Some(figure("ROC", &legend, &picture))
}

/// Precision against recall; `None` where it is not defined.
pub(in super::super) fn precision_recall(lines: &[Line<'_>]) -> Option<Markup> {
    let frame = Frame::square();
    let drawn = drawable(lines, |predictions| {
        Ok((curves::precision_recall(predictions)?, Metric::PrAuc.of(predictions)?))
    })?;
    // Both models saw the same rows.
    let prevalence =
        drawn.first().and_then(|(_, (points, _))| points.last()).map_or(0.0, |point| point.precision);
    let drawn: Vec<(Role, String, f64)> = drawn
        .into_iter()
        .map(|(role, (points, area))| {
            let points: Vec<(f64, f64)> =
                points.iter().map(|point| (point.recall, point.precision)).collect();
            (role, frame.line(reduce(&points, COLUMNS, TOLERANCE)), area)
        })
        .collect();
    let words: Vec<String> = drawn
        .iter()
        .map(|(role, _, area)| format!("{}: average precision {}", role.word(), quantity::number(*area)))
        .collect();
    let inner = html! {
        path.chance d=(frame.line([(0.0, prevalence), (1.0, prevalence)])) {}
        @for (role, path, _) in drawn.iter().rev() { path class={ "line " (role.word()) } d=(path) {} }
    };
    let alternative = format!(
        "Precision-recall curve. {}; guessing gives a precision of {}.",
        words.join("; "),
        quantity::number(prevalence)
    );
    let picture = frame.picture(&alternative, "recall", "precision", &inner);
    let legend: Vec<(&str, String)> = drawn
        .iter()
        .map(|(role, _, area)| {
            (role.word(), format!("{} · average precision {}", role.word(), quantity::number(*area)))
        })
        .collect();
    Some(figure("Precision and recall", &legend, &picture))
}
