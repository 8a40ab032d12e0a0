//! Calibration: of what was called 80 % likely, did 80 % come true?

use maud::{Markup, html};
use runner_gate::curves::{self, CalibrationBin};

use super::{
    Line, drawable, figure,
    frame::{Frame, short},
};
use crate::report::quantity;

const BINS: usize = 10;

/// Share of positives against mean score, a dot for each tenth; `None` where scores are no probabilities.
pub(in super::super) fn calibration(lines: &[Line<'_>]) -> Option<Markup> {
    let frame = Frame::square();
    let drawn: Vec<_> = drawable(lines, |predictions| curves::calibration(predictions, BINS))?
        .into_iter()
        .map(|(role, bins)| {
            let total: f64 = bins.iter().map(|bin| bin.weight).sum();
            let off = |bin: &CalibrationBin| (bin.mean_score - bin.positive_rate).abs() * bin.weight / total;
            let error: f64 = bins.iter().map(off).sum();
            (role, bins, total, error)
        })
        .collect();
    let words: Vec<String> = drawn
        .iter()
        .map(|(role, _, _, error)| {
            format!("{}: off by {} on average over the tenths", role.word(), quantity::percent(*error))
        })
        .collect();
    let inner = html! {
        path.chance d=(frame.line([(0.0, 0.0), (1.0, 1.0)])) {}
        @for (role, bins, total, _) in drawn.iter().rev() {
            g class=(role.word()) {
                path.line d=(frame.line(bins.iter().map(|bin| (bin.mean_score, bin.positive_rate)))) {}
                @for bin in bins {
                    circle.dot cx=(short(frame.x(bin.mean_score))) cy=(short(frame.y(bin.positive_rate)))
                        r=(short(2.5 + 7.0 * (bin.weight / total).sqrt())) {
                        title {
                            "scores over " (short(bin.lower)) " up to " (short(bin.upper)) ": " (bin.n) " rows, said "
                            (quantity::percent(bin.mean_score)) ", came true " (quantity::percent(bin.positive_rate))
                        }
                    }
                }
            }
        }
    };
    let alternative = format!("Calibration. {}.", words.join("; "));
    let picture = frame.picture(&alternative, "mean score", "share of positives", &inner);
    let legend: Vec<(&str, String)> = drawn
        .iter()
        .map(|(role, _, _, error)| {
            (role.word(), format!("{} · mean error {}", role.word(), quantity::percent(*error)))
        })
        .collect();
    Some(figure("Calibration", &legend, &picture))
}
