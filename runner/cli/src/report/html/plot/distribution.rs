//! How scores and errors are spread.

use maud::{Markup, html};
use runner_gate::{curves, predictions::Predictions};

use super::{
    figure,
    frame::{Frame, Range, short},
};
use crate::report::quantity;

const BINS: usize = 40;

/// Scores of positive rows upwards, of negative ones downwards; `None` where there are none. Each class has an area of its own
/// size, so that a rare one can be seen.
pub(in super::super) fn score_distribution(predictions: &Predictions) -> Option<Markup> {
    let spread = curves::score_distribution(predictions, BINS).ok()?;
    let share = |weights: &[f64]| -> Vec<f64> {
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| if total > 0.0 { weight / total } else { 0.0 }).collect()
    };
    let (positives, negatives) = (share(&spread.positives), share(&spread.negatives));
    let highest = positives.iter().chain(&negatives).copied().fold(0.0, f64::max);
    let first = *spread.edges.first()?;
    let x = Range { from: first, to: *spread.edges.last()? };
    let frame = Frame::new(300.0, 300.0, x, Range { from: -1.05 * highest, to: 1.05 * highest }).mirrored();
    let bars = |class: &str, shares: &[f64], sign: f64| {
        html! {
            g class=(class) {
                @for (index, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
                    @let (left, right) = (frame.x(spread.edges[index]), frame.x(spread.edges[index + 1]));
                    @let (end, zero) = (frame.y(sign * share), frame.y(0.0));
                    rect.bar x=(short(left)) width=(short((right - left - 0.6).max(0.4)))
                        y=(short(end.min(zero))) height=(short((end - zero).abs().max(0.5))) {}
                }
            }
        }
    };
    let inner = html! {
        (bars("positive", &positives, 1.0))
        (bars("negative", &negatives, -1.0))
        path.zero d=(frame.line([(x.from, 0.0), (x.to, 0.0)])) {}
    };
    let alternative = format!(
        "Distribution of scores. Positive rows have a median of about {}, negative rows of about {}.",
        median(&spread.edges, &positives),
        median(&spread.edges, &negatives)
    );
    let picture = frame.picture(&alternative, "score", "share of the class, positives upwards", &inner);
    let legend = [("positive", "positive rows".to_owned()), ("negative", "negative rows".to_owned())];
    Some(figure("Scores", &legend, &picture))
}

/// Label − prediction.
pub(in super::super) fn residual_distribution(predictions: &Predictions) -> Option<Markup> {
    let spread = curves::residual_distribution(predictions, BINS).ok()?;
    let total: f64 = spread.weights.iter().sum();
    let shares: Vec<f64> = spread.weights.iter().map(|weight| weight / total).collect();
    let highest = shares.iter().copied().fold(0.0, f64::max);
    let first = *spread.edges.first()?;
    let x = Range { from: first, to: *spread.edges.last()? };
    let frame = Frame::new(300.0, 300.0, x, Range { from: 0.0, to: 1.05 * highest });
    let inner = html! {
        g.candidate {
            @for (index, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
                @let (left, right) = (frame.x(spread.edges[index]), frame.x(spread.edges[index + 1]));
                rect.bar x=(short(left)) width=(short((right - left - 0.6).max(0.4)))
                    y=(short(frame.y(*share))) height=(short((frame.y(0.0) - frame.y(*share)).max(0.5))) {}
            }
        }
        @if x.from <= 0.0 && 0.0 <= x.to {
            line.bound x1=(short(frame.x(0.0))) x2=(short(frame.x(0.0)))
                y1=(short(frame.y(1.05 * highest))) y2=(short(frame.y(0.0))) {}
        }
    };
    let alternative = format!(
        "Distribution of residuals, label minus prediction: from {} to {}, with a median of about {}.",
        quantity::number(x.from),
        quantity::number(x.to),
        median(&spread.edges, &shares)
    );
    let picture = frame.picture(&alternative, "residual (label − prediction)", "share of rows", &inner);
    Some(figure("Residuals", &[], &picture))
}

/// The middle of the range in which half of the weight is reached.
fn median(edges: &[f64], shares: &[f64]) -> String {
    let mut sum = 0.0;
    let bin = shares.iter().position(|share| {
        sum += share;
        sum >= 0.5
    });
    bin.map_or_else(
        || "none".to_owned(),
        |bin| quantity::rounded(f64::midpoint(edges[bin], edges[bin + 1]), 3),
    )
}
