//! Plots as inline SVG: no script, no style of their own, a text alternative for each.

mod calibration;
mod distribution;
mod frame;
mod interval;
mod lines;
mod pairs;

pub(super) use calibration::calibration;
pub(super) use distribution::{residual_distribution, score_distribution};
pub(super) use interval::{Span, interval};
pub(super) use lines::{Line, precision_recall, roc};
pub(super) use pairs::{agreement, residuals};

use maud::{Markup, html};

/// Whose line or dots these are; the class that colours them, beside a pattern that needs no colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The model that is judged.
    Candidate,
    /// The model it is compared with.
    Baseline,
}

impl Role {
    /// The word in legends, and the class.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Baseline => "baseline",
        }
    }
}

/// What each line is drawn from. The candidate decides whether there is a plot; a baseline that has nothing to draw is left out.
fn drawable<T>(
    lines: &[Line<'_>],
    draw: impl Fn(&runner_gate::predictions::Predictions) -> Result<T, String>,
) -> Option<Vec<(Role, T)>> {
    let mut drawn = Vec::new();
    for line in lines {
        match draw(line.predictions) {
            Ok(found) => drawn.push((line.role, found)),
            Err(_) if line.role == Role::Baseline => {}
            Err(_) => return None,
        }
    }
    Some(drawn)
}

/// A plot with what it shows in words: a heading, a legend of (class, text), and a sentence for those who do not see it.
pub(super) fn figure(title: &str, legend: &[(&str, String)], plot: &Markup) -> Markup {
    html! {
        figure.plot {
            figcaption {
                strong { (title) }
                @for (class, text) in legend {
                    span.legend { span class={ "swatch " (class) } {} (text) }
                }
            }
            (plot)
        }
    }
}
