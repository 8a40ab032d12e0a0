//! The frame of a plot: where numbers lie on the paper, and the axes that say so.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::report::quantity;

const LEFT: f64 = 50.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;

/// A range of numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Range {
    /// From 0 to 1.
    pub(super) const UNIT: Self = Self { from: 0.0, to: 1.0 };

    /// A range with some room around what it must hold; never empty.
    pub(super) fn around(from: f64, to: f64) -> Self {
        let room = if to > from { 0.04 * (to - from) } else { from.abs().max(1.0) * 0.5 };
        Self { from: from - room, to: to + room }
    }

    /// Where a number lies, from 0 to 1 within the range.
    pub(super) fn share(self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    /// Round numbers inside the range, about `wanted` of them.
    pub(super) fn ticks(self, wanted: u32) -> Vec<f64> {
        let rough = (self.to - self.from) / f64::from(wanted.max(1));
        let magnitude = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|digit| digit * magnitude)
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(10.0 * magnitude);
        if !step.is_finite() || step <= 0.0 {
            return Vec::new();
        }
        let first = (self.from / step - 1e-9).ceil();
        (0..100)
            .map(|i| (first + f64::from(i)) * step)
            .take_while(|tick| *tick <= self.to + 1e-9 * step)
            // `0.30000000000000004` is 0.3 on an axis.
            .map(|tick| (tick / step).round() * step)
            .collect()
    }
}

/// A plot area with two linear axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    width: f64,
    height: f64,
    x: Range,
    y: Range,
    /// Whether numbers below 0 are shown without their sign, where both directions count upwards.
    mirrored: bool,
}

impl Frame {
    /// A square for two fractions.
    pub(super) fn square() -> Self {
        Self::new(300.0, 300.0, Range::UNIT, Range::UNIT)
    }

    /// A plot area of this size in user units, which are pixels where the plot is not scaled.
    pub(super) fn new(width: f64, height: f64, x: Range, y: Range) -> Self {
        Self { width, height, x, y, mirrored: false }
    }

    /// The same, for a plot that counts upwards and downwards.
    pub(super) fn mirrored(self) -> Self {
        Self { mirrored: true, ..self }
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        LEFT + self.width * self.x.share(value).clamp(0.0, 1.0)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        TOP + self.height * (1.0 - self.y.share(value).clamp(0.0, 1.0))
    }

    /// The `d` of a line through these points.
    pub(super) fn line(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (x, y) in points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{} {}", short(self.x(x)), short(self.y(y)));
        }
        path
    }

    /// The whole picture: axes, then what is drawn on them.
    pub(super) fn picture(&self, alternative: &str, x_name: &str, y_name: &str, inner: &Markup) -> Markup {
        let (right, bottom) = (LEFT + self.width, TOP + self.height);
        let view = format!("0 0 {} {}", short(right + RIGHT), short(bottom + BOTTOM));
        html! {
            svg viewBox=(view) role="img" aria-label=(alternative) {
                g.axis {
                    @for tick in self.x.ticks(5) {
                        line x1=(short(self.x(tick))) x2=(short(self.x(tick))) y1=(short(TOP)) y2=(short(bottom)) {}
                        text x=(short(self.x(tick))) y=(short(bottom + 15.0)) text-anchor="middle" { (label(tick)) }
                    }
                    @for tick in self.y.ticks(5) {
                        line x1=(short(LEFT)) x2=(short(right)) y1=(short(self.y(tick))) y2=(short(self.y(tick))) {}
                        text x=(short(LEFT - 6.0)) y=(short(self.y(tick) + 3.5)) text-anchor="end" {
                            (label(if self.mirrored { tick.abs() } else { tick }))
                        }
                    }
                    text.name x=(short(LEFT + self.width / 2.0)) y=(short(bottom + 34.0)) text-anchor="middle" { (x_name) }
                    @let (x, y) = (12.0, TOP + self.height / 2.0);
                    text.name x=(short(x)) y=(short(y)) text-anchor="middle"
                        transform={ "rotate(-90 " (short(x)) " " (short(y)) ")" } { (y_name) }
                }
                (inner)
            }
        }
    }
}

/// A coordinate with as many digits as can be seen: a tenth of a pixel.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

fn label(tick: f64) -> String {
    // Rounded to what the step of an axis can need, so that no tick reads 0.30000000000000004.
    let text = format!("{tick:.12e}");
    quantity::number(text.parse().unwrap_or(tick))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(Range::UNIT.ticks(5), [0.0, 0.2, 0.4, 0.600_000_000_000_000_1, 0.8, 1.0]);
        assert_eq!(label(0.600_000_000_000_000_1), "0.6");
        assert_eq!(Range { from: -7.0, to: 12.0 }.ticks(4), [-5.0, 0.0, 5.0, 10.0]);
        assert_eq!(Range { from: 151.0, to: 329.0 }.ticks(5), [200.0, 250.0, 300.0]);
        assert!(Range { from: 0.0, to: f64::INFINITY }.ticks(5).is_empty());
    }

    #[test]
    fn ranges_are_never_empty() {
        let range = Range::around(3.0, 3.0);
        assert!(range.from < 3.0 && 3.0 < range.to);
        let range = Range::around(0.0, 0.0);
        assert!(range.from < 0.0 && 0.0 < range.to);
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(
            [0.0, -0.04, 10.0, 12.345, -3.25].map(short),
            ["0", "0", "10", "12.3", "-3.2"].map(str::to_owned)
        );
    }
}
