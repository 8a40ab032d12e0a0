//! Two numbers of each row against one another.

use maud::{Markup, html};
use runner_gate::{
    curves::{self, Pairs},
    metrics::Metric,
    predictions::Predictions,
};

use super::{
    figure,
    frame::{Frame, Range, short},
};
use crate::report::quantity;

/// Rows that are drawn one by one; more are drawn as a grid.
const MOST: usize = 2000;
const GRID: usize = 60;

/// Prediction against label, with the line on which both are equal.
pub(in super::super) fn agreement(predictions: &Predictions) -> Option<Markup> {
    let pairs = curves::agreement(predictions, MOST, GRID).ok()?;
    let (x, y) = extent(&pairs)?;
    let both = Range { from: x.from.min(y.from), to: x.to.max(y.to) };
    let frame = Frame::new(300.0, 300.0, both, both);
    let inner = html! {
        path.chance d=(frame.line([(both.from, both.from), (both.to, both.to)])) {}
        (marks(&frame, &pairs))
    };
    let quality = Metric::RSquared.of(predictions).map(|value| format!("R² {}", quantity::number(value)));
    let error =
        Metric::RootMeanSquaredError.of(predictions).map(|value| format!("RMSE {}", quantity::number(value)));
    let words: Vec<String> = [quality, error].into_iter().flatten().collect();
    let alternative = format!("Predictions against labels. {}.", words.join(", "));
    let picture = frame.picture(&alternative, "label", "prediction", &inner);
    let legend =
        [("candidate", std::iter::once("candidate".to_owned()).chain(words).collect::<Vec<_>>().join(" · "))];
    Some(figure("Predicted and actual", &legend, &picture))
}

/// Residual against prediction, with the line of no error.
pub(in super::super) fn residuals(predictions: &Predictions) -> Option<Markup> {
    let pairs = curves::residuals(predictions, MOST, GRID).ok()?;
    let (x, y) = extent(&pairs)?;
    let frame = Frame::new(300.0, 300.0, x, y);
    let inner = html! {
        path.chance d=(frame.line([(x.from, 0.0), (x.to, 0.0)])) {}
        (marks(&frame, &pairs))
    };
    let alternative = format!(
        "Residuals, label minus prediction, against predictions: from {} to {}.",
        quantity::number(y.from),
        quantity::number(y.to)
    );
    let picture = frame.picture(&alternative, "prediction", "residual (label − prediction)", &inner);
    Some(figure("Residuals by prediction", &[], &picture))
}

fn extent(pairs: &Pairs) -> Option<(Range, Range)> {
    match pairs {
        Pairs::Points(points) => {
            let over = |of: fn(&(f64, f64)) -> f64| {
                let low = points.iter().map(of).fold(f64::INFINITY, f64::min);
                Range::around(low, points.iter().map(of).fold(f64::NEG_INFINITY, f64::max))
            };
            (!points.is_empty()).then(|| (over(|point| point.0), over(|point| point.1)))
        }
        Pairs::Density { x_edges, y_edges, .. } => Some((
            Range::around(*x_edges.first()?, *x_edges.last()?),
            Range::around(*y_edges.first()?, *y_edges.last()?),
        )),
    }
}

fn marks(frame: &Frame, pairs: &Pairs) -> Markup {
    match pairs {
        Pairs::Points(points) => html! {
            g.candidate {
                @for (x, y) in points { circle.point cx=(short(frame.x(*x))) cy=(short(frame.y(*y))) r="2.2" {} }
            }
        },
        Pairs::Density { x_edges, y_edges, cells } => {
            let most = cells.iter().map(|cell| cell.weight).fold(0.0, f64::max);
            html! {
                g.candidate {
                    @for cell in cells {
                        @let (left, right) = (frame.x(x_edges[cell.column]), frame.x(x_edges[cell.column + 1]));
                        @let (bottom, top) = (frame.y(y_edges[cell.row]), frame.y(y_edges[cell.row + 1]));
                        // The root, so that a single row among a million is still seen.
                        @let opacity = 0.08 + 0.92 * (cell.weight / most).sqrt();
                        rect.cell x=(short(left)) y=(short(top)) width=(short(right - left)) height=(short(bottom - top))
                            fill-opacity=(format!("{opacity:.2}")) {}
                    }
                }
            }
        }
    }
}
