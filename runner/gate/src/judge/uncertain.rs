//! Compares a value with a bound under uncertainty: chooses the method, and makes the two tests.

use std::fmt::Write as _;

use super::{
    measure::{Cell, Computable, Origin},
    population::{Compared, Population, Trouble, is},
};
use crate::{
    evidence::Measurements,
    exact::Exact,
    grammar::{Aggregate, Comparator, Method, Settings},
    metrics::{self, Metric},
    predictions::Predictions,
    stats::{
        bootstrap::{Bootstrap, USUAL_RESAMPLES, USUAL_SEED, replicates, usual_threads},
        correction::Correction,
        delong::Components,
        power::{USUAL_POWER, minimum_detectable, sufficient_rows},
        seeds::MeanOfSeeds,
        uncertainty::Uncertainty,
    },
    verdict::{Difference, FlipCounts, Interval, Power, RuleJudgement},
};

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
                self.over_seeds(parts, Some((with, *factor)))
            }
            (_, Origin::Aggregated(Aggregate::Mean, parts))
                if parts.iter().all(|part| matches!(part.origin, Origin::Reported)) =>
            {
                self.over_seeds(parts, None)
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

    fn rows(&self) -> Option<(&Predictions, Computable<'_>, Population<'_>)> {
        let all = self.candidate.predictions.as_deref()?;
        Some((all, self.metric?, Population::of(self.cell, all)?))
    }

    /// Of the value against a number.
    fn alone(&self) -> Result<Option<Found>, Trouble> {
        let Some((all, metric, population)) = self.rows() else { return Ok(None) };
        let flipped = metric.prepare(all, self.baseline);
        let plain = self.settings.cluster.is_none()
            && self.settings.stratify.is_none()
            && matches!(self.cell.origin, Origin::Computed(_));
        let share = match metric {
            Computable::Standard(metric) if plain => metric.proportion(population.view(), &flipped),
            _ => None,
        };
        let area = plain && is(metric, Metric::RocAuc) && all.weight.is_none();
        match self.settings.method {
            Method::Auto | Method::Wilson if share.is_some() => {
                let text = "Wilson's score interval of a share of rows";
                let found = share.map(|share| {
                    Found::alone(Uncertainty::Proportion(share), self.confidence, Method::Wilson, text)
                });
                Ok(found)
            }
            Method::Wilson => Err(Trouble::Impossible(format!(
                "`method: wilson` needs a share of rows without weights, clusters or strata, and `{}` is none here: write `method: bootstrap`",
                self.name
            ))),
            Method::Auto | Method::DeLong if area => self.area_alone(&population).map(Some),
            Method::DeLong => Err(self.no_area()),
            Method::SeedsT => Ok(None),
            Method::Auto | Method::Bootstrap | Method::PairedBootstrap | Method::McNemar => {
                let statistic = population.statistic(self.cell, metric, (all, &flipped))?;
                let units = population.units(self.settings, metric)?;
                let drawn = replicates(&units, &[&*statistic], self.draws(), usual_threads());
                let value = self.value.to_f64();
                let bootstrap = Bootstrap::new(value, &drawn.resampled[0], &drawn.left_out[0])
                    .map_err(Trouble::TooLittle)?;
                let contrast = self.spread(bootstrap, value, units.len());
                let text = format!("BCa bootstrap of {}", self.what_is_drawn(units.len()));
                Ok(Some(Found {
                    drawn: true,
                    ..Found::alone(contrast, self.confidence, Method::Bootstrap, text)
                }))
            }
        }
    }

    /// A share that is 0 or 1 on every resample is not known for sure.
    fn spread(&self, bootstrap: Bootstrap, value: f64, units: usize) -> Uncertainty {
        match bootstrap.is_constant() {
            false => Uncertainty::Resampled(bootstrap),
            true if metrics::is_fraction(self.name) && (value == 0.0 || value == 1.0) => {
                Uncertainty::AtEnd { at_one: value == 1.0, trials: units as f64 }
            }
            true => Uncertainty::Known(value),
        }
    }

    fn what_is_drawn(&self, units: usize) -> String {
        let mut text = match &self.settings.cluster {
            Some(column) => format!("{units} values of `{column}`"),
            None if matches!(self.metric, Some(Computable::Standard(metric)) if metric.of_queries()) => {
                format!("{units} queries")
            }
            None => format!("{units} rows"),
        };
        if let Some(column) = &self.settings.stratify {
            let _ = write!(text, " within `{column}`");
        }
        text
    }

    fn no_area(&self) -> Trouble {
        Trouble::Impossible(format!(
            "`method: delong` is for roc_auc of rows without weights, clusters or strata, not for `{}` here",
            self.name
        ))
    }

    fn area_alone(&self, population: &Population<'_>) -> Result<Found, Trouble> {
        let components = components(population.all, &population.rows)?;
        let (m, n) = (components.positives.len(), components.negatives.len());
        let variance = components.variance().ok_or_else(|| {
            Trouble::TooLittle("a class has fewer than two rows, so its spread is unknown".to_owned())
        })?;
        let auc = components.auc;
        let contrast = if variance > 0.0 && auc > 0.0 && auc < 1.0 {
            Uncertainty::Logit { value: auc, standard_error: variance.sqrt() }
        } else if auc == 1.0 || auc == 0.0 {
            Uncertainty::AtEnd { at_one: auc == 1.0, trials: m.min(n) as f64 }
        } else {
            Uncertainty::Known(auc)
        };
        let text = format!("DeLong's variance of {m} positives and {n} negatives, on the scale of log odds");
        Ok(Found::alone(contrast, self.confidence, Method::DeLong, text))
    }

    /// Of the value and a reference on the same rows.
    fn paired(&self, with: &Compared<'_>, factor: f64) -> Result<Option<Found>, Trouble> {
        let Some(theirs) = with.measurements.predictions.as_deref() else { return self.alone() };
        let Some((all, metric, population)) = self.rows() else { return Ok(None) };
        match self.settings.method {
            Method::SeedsT => return Ok(None),
            Method::Wilson => {
                return Err(Trouble::Impossible(
                    "`method: wilson` compares a share with a number, not with another model: write `method: paired-bootstrap`".to_owned(),
                ));
            }
            Method::McNemar => return self.mcnemar(metric, theirs, factor).map(Some),
            Method::DeLong => {
                let plain = self.settings.cluster.is_none() && self.settings.stratify.is_none();
                let same = is(metric, Metric::RocAuc) && is(with.metric, Metric::RocAuc);
                if !plain
                    || !same
                    || all.weight.is_some()
                    || matches!(self.cell.origin, Origin::Aggregated(..))
                {
                    return Err(self.no_area());
                }
                return self.areas(&population, theirs, factor).map(Some);
            }
            Method::Auto | Method::Bootstrap | Method::PairedBootstrap => {}
        }
        let flipped = metric.prepare(all, self.baseline);
        let ours = population.statistic(self.cell, metric, (all, &flipped))?;
        let reference =
            population.statistic(self.cell, with.metric, (theirs, &with.metric.prepare(theirs, None)))?;
        let units = population.units(self.settings, metric)?;
        let drawn = replicates(&units, &[&*ours, &*reference], self.draws(), usual_threads());
        let everything = vec![1; population.rows.len()];
        let (value, base) = (ours.of(&everything), reference.of(&everything));
        let (Some(value), Some(base)) = (value, base) else {
            return Err(Trouble::TooLittle("the reference has no value on these rows".to_owned()));
        };
        let contrast = |factor: f64| {
            let minus = |lists: &[Vec<f64>]| -> Vec<f64> {
                lists[0].iter().zip(&lists[1]).map(|(a, b)| a - factor * b).collect()
            };
            Bootstrap::new(value - factor * base, &minus(&drawn.resampled), &minus(&drawn.left_out))
                .map_err(Trouble::TooLittle)
        };
        let own =
            Bootstrap::new(value, &drawn.resampled[0], &drawn.left_out[0]).map_err(Trouble::TooLittle)?;
        let own = self.spread(own, value, units.len());
        let difference = contrast(1.0)?;
        let bounds = difference.bounds(self.confidence);
        let tested = if factor == 1.0 { difference } else { contrast(factor)? };
        let contrast = if tested.is_constant() {
            Uncertainty::Known(tested.value())
        } else {
            Uncertainty::Resampled(tested)
        };
        Ok(Some(Found {
            contrast,
            interval: Some(own.bounds(self.confidence)),
            difference: Some(bounds),
            method: Method::PairedBootstrap,
            text: format!(
                "BCa bootstrap of the difference: {} drawn for both alike",
                self.what_is_drawn(units.len())
            ),
            drawn: true,
        }))
    }

    fn mcnemar(&self, metric: Computable<'_>, theirs: &Predictions, factor: f64) -> Result<Found, Trouble> {
        let offset = match &self.against {
            Against::Paired { offset, .. } => *offset,
            _ => 0.0,
        };
        let exact = is(metric, Metric::Accuracy)
            && factor == 1.0
            && offset == 0.0
            && self.settings.cluster.is_none()
            && self.settings.stratify.is_none();
        let (all, Origin::Computed(rows), true) =
            (self.candidate.predictions.as_deref(), &self.cell.origin, exact)
        else {
            return Err(Trouble::Impossible(
                "`method: mcnemar` compares accuracies of the same rows without a margin: write `method: paired-bootstrap`".to_owned(),
            ));
        };
        let Some(all) = all.filter(|all| all.weight.is_none()) else {
            return Err(Trouble::Impossible("`method: mcnemar` knows no weights".to_owned()));
        };
        let table = metrics::flip_counts(all, theirs, rows.as_deref()).map_err(Trouble::Impossible)?;
        let contrast = if table.helpful + table.harmful == 0 {
            Uncertainty::Known(0.0)
        } else {
            Uncertainty::Discordant(table)
        };
        Ok(Found {
            difference: Some(contrast.bounds(self.confidence)),
            contrast,
            interval: None,
            method: Method::McNemar,
            text: format!(
                "McNemar's exact test of {} rows that only one of the two has right",
                table.helpful + table.harmful
            ),
            drawn: false,
        })
    }

    fn areas(
        &self,
        population: &Population<'_>,
        theirs: &Predictions,
        factor: f64,
    ) -> Result<Found, Trouble> {
        let rows = population
            .all
            .matched(&population.rows, theirs)
            .map_err(|id| Trouble::Impossible(format!("not comparable: no row with id `{id}`")))?;
        let ours = components(population.all, &population.rows)?;
        let mut theirs = components(theirs, &rows)?;
        let few =
            || Trouble::TooLittle("a class has fewer than two rows, so its spread is unknown".to_owned());
        let normal = |value: f64, variance: f64| {
            if variance > 0.0 {
                Uncertainty::Normal { value, standard_error: variance.sqrt() }
            } else {
                Uncertainty::Known(value)
            }
        };
        let difference = normal(ours.auc - theirs.auc, ours.variance_of_difference(&theirs).ok_or_else(few)?);
        for value in theirs.positives.iter_mut().chain(&mut theirs.negatives) {
            *value *= factor;
        }
        theirs.auc *= factor;
        let contrast = normal(ours.auc - theirs.auc, ours.variance_of_difference(&theirs).ok_or_else(few)?);
        let own = self.area_alone(population)?;
        Ok(Found {
            contrast,
            interval: own.interval,
            difference: Some(difference.bounds(self.confidence)),
            method: Method::DeLong,
            text: "DeLong's covariance of both areas on the same rows".to_owned(),
            drawn: false,
        })
    }

    /// Of a mean over seeds, alone or minus that of a reference.
    fn over_seeds(&self, parts: &[Cell], with: Option<(&Cell, f64)>) -> Option<Found> {
        if !matches!(self.settings.method, Method::Auto | Method::SeedsT) || parts.len() < 3 {
            return None;
        }
        let values = |parts: &[Cell]| -> Vec<f64> { parts.iter().filter_map(|part| part.observed).collect() };
        let ours = values(parts);
        let own = MeanOfSeeds::of(&ours)?;
        let certain = |seeds: MeanOfSeeds| {
            if seeds.standard_error > 0.0 {
                Uncertainty::Seeds(seeds)
            } else {
                Uncertainty::Known(seeds.mean)
            }
        };
        let text = |what: &str| format!("Student's t over {} repetitions{what}", parts.len());
        let Some((reference, factor)) = with else {
            return Some(Found::alone(certain(own), self.confidence, Method::SeedsT, text("")));
        };
        let Origin::Aggregated(_, theirs) = &reference.origin else { return None };
        let same = theirs.len() == parts.len() && parts.iter().zip(theirs).all(|(a, b)| a.slice == b.slice);
        let theirs = values(theirs);
        let minus = |factor: f64| {
            let scaled: Vec<f64> = theirs.iter().map(|value| factor * value).collect();
            if same {
                MeanOfSeeds::of(&ours.iter().zip(&scaled).map(|(a, b)| a - b).collect::<Vec<_>>())
            } else {
                MeanOfSeeds::welch(&ours, &scaled)
            }
        };
        Some(Found {
            contrast: certain(minus(factor)?),
            interval: Some(own.bounds(self.confidence)),
            difference: Some(certain(minus(1.0)?).bounds(self.confidence)),
            method: Method::SeedsT,
            text: text(if same { ", paired by seed" } else { ", against other seeds (Welch)" }),
            drawn: false,
        })
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

fn components(all: &Predictions, rows: &[u32]) -> Result<Components, Trouble> {
    let (positive, scores) = metrics::labels_and_scores(all, rows).map_err(Trouble::TooLittle)?;
    Components::of(&positive, &scores)
        .ok_or_else(|| Trouble::TooLittle("a class has no row, so there is no ROC curve".to_owned()))
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
