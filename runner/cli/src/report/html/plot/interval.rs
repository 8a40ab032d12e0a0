//! A value with its interval beside its bound, in the height of a line of a table.

use maud::{Markup, html};

use super::frame::{Range, short};
use crate::report::quantity;

/// What is drawn: where the value lies, how sure that is, and where it must not pass.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Span {
    /// The value, or the difference from a reference.
    pub(in super::super) value: f64,
    /// Lower and upper end of its interval.
    pub(in super::super) ends: Option<(f64, f64)>,
    /// The bound, or the lower one of two.
    pub(in super::super) bound: Option<f64>,
    /// The upper of two bounds.
    pub(in super::super) upper_bound: Option<f64>,
}

const WIDTH: f64 = 150.0;
const MIDDLE: f64 = 9.0;

/// A bar from end to end with a dot at the value, and a mark at the bound; `None` where there is nothing finite to draw.
pub(in super::super) fn interval(span: Span, mood: &str) -> Option<Markup> {
    let Span { value, ends, bound, upper_bound } = span;
    let marks: Vec<f64> = [Some(value), ends.map(|ends| ends.0), ends.map(|ends| ends.1), bound, upper_bound]
        .into_iter()
        .flatten()
        .filter(|mark| mark.is_finite())
        .collect();
    if !value.is_finite() || marks.len() < 2 {
        return None;
    }
    let low = marks.iter().copied().fold(f64::INFINITY, f64::min);
    let range = Range::around(low, marks.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    let x = |value: f64| short(4.0 + (WIDTH - 8.0) * range.share(value).clamp(0.0, 1.0));
    let mut words = quantity::number(value);
    if let Some((lower, upper)) = ends {
        words = format!("{words}, from {} to {}", quantity::number(lower), quantity::number(upper));
    }
    match (bound, upper_bound) {
        (Some(lower), Some(upper)) => {
            words = format!("{words}; bounds {} and {}", quantity::number(lower), quantity::number(upper));
        }
        (Some(bound), None) => words = format!("{words}; bound {}", quantity::number(bound)),
        _ => {}
    }
    Some(html! {
        svg.interval viewBox={ "0 0 " (short(WIDTH)) " 18" } role="img" aria-label=(words) {
            line.rail x1="0" x2=(short(WIDTH)) y1=(short(MIDDLE)) y2=(short(MIDDLE)) {}
            g class=(mood) {
                @if let Some((lower, upper)) = ends {
                    line.reach x1=(x(lower)) x2=(x(upper)) y1=(short(MIDDLE)) y2=(short(MIDDLE)) {}
                }
                circle cx=(x(value)) cy=(short(MIDDLE)) r="3.5" {}
            }
            @for bound in [bound, upper_bound].into_iter().flatten() {
                line.bound x1=(x(bound)) x2=(x(bound)) y1="1" y2="17" {}
            }
        }
    })
}
