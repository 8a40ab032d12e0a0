//! Compares a value with a bound under uncertainty: chooses the method, and makes the two tests.

use super::{
    measure::{Cell, Computable, Origin},
    population::{Compared, Trouble},
};
use crate::{
    evidence::Measurements,
    exact::Exact,
    grammar::{Aggregate, Comparator, Method, Settings},
    metrics,
    predictions::Predictions,
    stats::{
        bootstrap::{USUAL_RESAMPLES, USUAL_SEED},
        correction::Correction,
        power::{USUAL_POWER, minimum_detectable, sufficient_rows},
        uncertainty::Uncertainty,
    },
    verdict::{Difference, FlipCounts, Interval, Power, RuleJudgement},
};

mod methods;

/// Where the bound of a comparison comes from.
pub(super) enum Against<'a> {
    /// A number that is taken as exact.
    Number,
    /// A reference on the same rows: the bound is `factor` times its value plus `offset`.
    Paired { with: Compared<'a>, factor: f64, offset: f64, value: f64 },
    /// A reference over the same or other seeds: likewise.
    Seeds { with: &'a Cell, factor: f64, offset: f64, value: f64 },
}

/// Everything about one comparison.
pub(super) struct Question<'a> {
    pub(super) settings: &'a Settings,
    pub(super) confidence: f64,
    pub(super) candidate: &'a Measurements,
    pub(super) baseline: Option<&'a Predictions>,
    pub(super) metric: Option<Computable<'a>>,
    pub(super) name: &'a str,
    pub(super) cell: &'a Cell,
    pub(super) value: &'a Exact,
    pub(super) comparator: Comparator,
    pub(super) bound: &'a Exact,
    /// Distance between the bound and what it refers to.
    pub(super) margin: Option<f64>,
    pub(super) against: Against<'a>,
}

/// The answer: both tests, and what to show.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) passes: bool,
    pub(super) fails: bool,
    pub(super) holds: f64,
    pub(super) broken: f64,
    pub(super) power: Power,
    /// Why a pass would not count.
    pub(super) underpowered: Option<String>,
    interval: Option<Interval>,
    difference: Option<Difference>,
    flips: Option<FlipCounts>,
    method: Method,
    text: String,
    drawn: Option<(u64, u64)>,
}

/// What a method found.
struct Found {
    /// Of the value minus factor times the reference, or of the value alone.
    contrast: Uncertainty,
    interval: Option<(f64, f64)>,
    difference: Option<(f64, f64)>,
    method: Method,
    text: String,
    drawn: bool,
}

impl Found {
    fn alone(contrast: Uncertainty, confidence: f64, method: Method, text: impl Into<String>) -> Self {
        let interval = Some(contrast.bounds(confidence));
        Self { contrast, interval, difference: None, method, text: text.into(), drawn: false }
    }
}

impl Question<'_> {
    /// The answer; none where nothing is known of how sure the value is, with the reason.
    pub(super) fn answer(&self) -> Result<Result<Answer, String>, Trouble> {
        if self.comparator == Comparator::Equal {
            return Ok(Err("equality is judged on the value itself".to_owned()));
        }
        if matches!(self.metric, Some(Computable::Standard(metric)) if metric.counts()) {
            return Ok(Err("a count of rows is no estimate".to_owned()));
        }
        let found = match (&self.against, &self.cell.origin) {
            (_, Origin::Aggregated(Aggregate::Count, _)) => {
                return Ok(Err("a count of slices is no estimate".to_owned()));
            }
            (Against::Seeds { with, factor, .. }, Origin::Aggregated(Aggregate::Mean, parts)) => {
                self.over_seeds(parts, Some((with, *factor)))?
            }
            (_, Origin::Aggregated(Aggregate::Mean, parts))
                if parts.iter().all(|part| matches!(part.origin, Origin::Reported)) =>
            {
                self.over_seeds(parts, None)?
            }
            (Against::Paired { with, factor, .. }, _) => self.paired(with, *factor)?,
            _ => self.alone()?,
        };
        let Some(found) = found else {
            if self.settings.method == Method::Auto {
                return Ok(Err("no uncertainty available: a reported number comes alone".to_owned()));
            }
            let word = self.settings.method.word();
            let needs = if self.settings.method == Method::SeedsT {
                "the mean of three or more reported values, such as `mean(auc[seed])`"
            } else {
                "predictions of the rows behind the value"
            };
            return Err(Trouble::Impossible(format!("`method: {word}` needs {needs}")));
        };
        Ok(Ok(self.decided(found)))
    }

    fn decided(&self, found: Found) -> Answer {
        let Found { contrast, interval, difference, method, mut text, drawn } = found;
        if self.margin.is_some() && matches!(self.against, Against::Number) {
            text += "; of the reference only a number is known, which is taken as exact";
        }
        let alpha = self.confidence;
        let threshold = match &self.against {
            Against::Number => self.bound.to_f64(),
            Against::Paired { offset, .. } | Against::Seeds { offset, .. } => *offset,
        };
        let (lower, upper) = contrast.bounds(alpha);
        let at_point = self.comparator.holds(self.value, self.bound);
        let (mut passes, mut fails) = match self.comparator {
            Comparator::AtLeast => (lower >= threshold, upper < threshold),
            Comparator::Above => (lower > threshold, upper <= threshold),
            Comparator::AtMost => (upper <= threshold, lower > threshold),
            Comparator::Below | Comparator::Equal => (upper < threshold, lower >= threshold),
        };
        let upwards = matches!(self.comparator, Comparator::AtLeast | Comparator::Above);
        let (at_most, at_least) = match contrast {
            Uncertainty::Proportion(share) if self.settings.correction != Correction::None => {
                (share.exact_p_at_most(threshold), share.exact_p_at_least(threshold))
            }
            _ => (contrast.p_at_most(threshold), contrast.p_at_least(threshold)),
        };
        let (mut holds, mut broken) = if upwards { (at_most, at_least) } else { (at_least, at_most) };
        if matches!(contrast, Uncertainty::Known(_)) {
            // Nothing varies: the comparison on exact decimals decides.
            (passes, fails) = (at_point, !at_point);
            (holds, broken) = if at_point { (0.0, 1.0) } else { (1.0, 0.0) };
        }
        if matches!(contrast, Uncertainty::Resampled(_)) {
            // Where many resamples lie exactly at the threshold, the bound does too: half of them speak against it, as
            // the p-value knows.
            passes &= holds <= 1.0 - alpha;
            fails &= broken <= 1.0 - alpha;
        }
        let standard_error = contrast.standard_error();
        let wanted = self.settings.min_power.unwrap_or(USUAL_POWER);
        let detectable = minimum_detectable(standard_error, alpha, wanted);
        let margin = self.margin.filter(|margin| *margin > 0.0);
        let distance = margin.unwrap_or_else(|| (self.value.to_f64() - self.bound.to_f64()).abs());
        let undecided = if at_point { !passes } else { !fails };
        let short = margin.is_some_and(|margin| detectable > margin);
        let sufficient_n = self
            .cell
            .n
            .filter(|_| short || (undecided && detectable > distance))
            .and_then(|n| sufficient_rows(n, detectable, distance));
        let underpowered = (self.settings.min_power.is_some() && short).then(|| {
            let shown =
                |value: f64| Exact::from_f64(value).map_or_else(String::new, |value| value.to_digits(3));
            let rows = sufficient_n.map_or_else(String::new, |n| format!("; {n} rows would"));
            let n = self.cell.n.map_or_else(|| "this".to_owned(), |n| format!("n = {n}"));
            let (power, margin) = (shown(wanted * 100.0), shown(margin.unwrap_or_default()));
            format!(
                "{n} cannot see the margin {margin} with {power} % power, only {} and more{rows}",
                shown(detectable)
            )
        });
        let as_interval = |(lower, upper)| Interval { confidence: alpha, lower, upper };
        Answer {
            passes: passes && at_point,
            fails: fails && !at_point,
            holds,
            broken,
            power: Power { power: wanted, minimum_detectable: detectable, margin, sufficient_n },
            underpowered,
            interval: interval.map(as_interval),
            difference: match &self.against {
                Against::Number => None,
                Against::Paired { value, .. } | Against::Seeds { value, .. } => Some(Difference {
                    value: self.value.to_f64() - value,
                    interval: difference.map(as_interval),
                }),
            },
            flips: self.flips(),
            method,
            text,
            drawn: drawn.then(|| self.draws()),
        }
    }

    fn draws(&self) -> (u64, u64) {
        (self.settings.resamples.unwrap_or(USUAL_RESAMPLES), self.settings.seed.unwrap_or(USUAL_SEED))
    }

    /// Rows that only one of both models has right, where that can be said.
    fn flips(&self) -> Option<FlipCounts> {
        let Against::Paired { with, .. } = &self.against else { return None };
        let (all, theirs) =
            (self.candidate.predictions.as_deref()?, with.measurements.predictions.as_deref()?);
        let Origin::Computed(rows) = &self.cell.origin else { return None };
        if std::ptr::eq(all, theirs) {
            return None;
        }
        let table = metrics::flip_counts(all, theirs, rows.as_deref()).ok()?;
        Some(FlipCounts {
            harmful: table.harmful,
            helpful: table.helpful,
            rows: table.rows,
            mcnemar_p: table.p_two_sided(),
        })
    }
}

impl Answer {
    /// Writes what was found into a judgement.
    pub(super) fn show(&self, judgement: &mut RuleJudgement) {
        judgement.interval.clone_from(&self.interval);
        judgement.difference.clone_from(&self.difference);
        judgement.flips = self.flips;
        judgement.power = Some(self.power);
        self.method.word().clone_into(&mut judgement.method);
        judgement.method_text = Some(self.text.clone());
        judgement.resamples = self.drawn.map(|(resamples, _)| resamples);
        judgement.seed = self.drawn.map(|(_, seed)| seed);
    }

    /// Bounds of what was compared.
    pub(super) fn bounds(&self) -> Option<&Interval> {
        self.difference.as_ref().map_or(self.interval.as_ref(), |difference| difference.interval.as_ref())
    }

    /// The difference, where there is one.
    pub(super) fn difference(&self) -> Option<f64> {
        self.difference.as_ref().map(|difference| difference.value)
    }
}
