//! The methods: each finds how sure a value, or its distance from a reference on the same rows, is.

use std::fmt::Write as _;

use super::{Against, Found, Question};
use crate::{
    grammar::{Aggregate, Method},
    judge::{
        measure::{Cell, Computable, Origin},
        population::{Compared, Population, Trouble, is},
    },
    metrics::{self, Metric},
    predictions::Predictions,
    stats::{
        bootstrap::{Bootstrap, fewest_units, replicates, usual_threads},
        delong::Components,
        seeds::MeanOfSeeds,
        uncertainty::Uncertainty,
        units::Units,
    },
};

impl Question<'_> {
    fn rows(&self) -> Option<(&Predictions, Computable<'_>, Population<'_>)> {
        let all = self.candidate.predictions.as_deref()?;
        Some((all, self.metric?, Population::of(self.cell, all)?))
    }

    /// Of the value against a number.
    pub(super) fn alone(&self) -> Result<Option<Found>, Trouble> {
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
                self.enough(&units)?;
                let drawn = replicates(&units, &[&*statistic], self.draws(), usual_threads());
                let bootstrap = Bootstrap::new(self.value.to_f64(), &drawn.resampled[0], &drawn.left_out[0])
                    .map_err(Trouble::TooLittle)?;
                let contrast = spread(bootstrap, self.value.to_f64(), self.limits(metric), || {
                    population.trials(self.cell, (metric, all), &units)
                })?;
                let text = format!("BCa bootstrap of {}", self.what_is_drawn(units.len()));
                Ok(Some(Found {
                    drawn: true,
                    ..Found::alone(contrast, self.confidence, Method::Bootstrap, text)
                }))
            }
        }
    }

    /// Whether there is enough to resample.
    fn enough(&self, units: &Units) -> Result<(), Trouble> {
        let fewest = fewest_units(self.confidence);
        if units.len() < fewest {
            let drawn = self.what_is_drawn(units.len());
            return Err(Trouble::TooLittle(format!(
                "{drawn} cannot carry a bootstrap, which needs at least {fewest}"
            )));
        }
        match &self.settings.stratify {
            Some(column) if units.has_lone_unit() => Err(Trouble::TooLittle(format!(
                "a value of `{column}` has one unit only, which every resample holds once"
            ))),
            _ => Ok(()),
        }
    }

    /// Between which values the cell lies.
    fn limits(&self, metric: Computable<'_>) -> Option<(f64, f64)> {
        let (low, high) = metric.limits()?;
        match &self.cell.origin {
            Origin::Aggregated(Aggregate::Spread, _) => Some((0.0, high - low)),
            _ => Some((low, high)),
        }
    }

    fn what_is_drawn(&self, units: usize) -> String {
        let of_queries = matches!(self.metric, Some(Computable::Standard(metric)) if metric.of_queries());
        let (one, many) = match &self.settings.cluster {
            Some(_) => ("value", "values"),
            None if of_queries => ("query", "queries"),
            None => ("row", "rows"),
        };
        let mut text = format!("{units} {}", if units == 1 { one } else { many });
        if let Some(column) = &self.settings.cluster {
            let _ = write!(text, " of `{column}`");
        }
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
        let fewest = fewest_units(self.confidence);
        let variance = components.variance().filter(|_| m.min(n) >= fewest).ok_or_else(|| {
            Trouble::TooLittle(format!(
                "{m} positives and {n} negatives: of each at least {fewest} are needed"
            ))
        })?;
        let auc = components.auc;
        let contrast = if variance > 0.0 && auc > 0.0 && auc < 1.0 {
            Uncertainty::Logit { value: auc, standard_error: variance.sqrt() }
        } else {
            constant(auc, Some((0.0, 1.0)), m.min(n))?
        };
        let text = format!("DeLong's variance of {m} positives and {n} negatives, on the scale of log odds");
        Ok(Found::alone(contrast, self.confidence, Method::DeLong, text))
    }

    /// Of the value and a reference on the same rows.
    pub(super) fn paired(&self, with: &Compared<'_>, factor: f64) -> Result<Option<Found>, Trouble> {
        let Some(theirs) = with.measurements.predictions.as_deref() else { return self.alone() };
        let Some((all, metric, population)) = self.rows() else { return Ok(None) };
        match self.settings.method {
            Method::SeedsT => return Ok(None),
            Method::Wilson => {
                return Err(Trouble::Impossible(
                    "`method: wilson` compares a share with a number, not with another model: write `method: paired-bootstrap`".to_owned(),
                ));
            }
            Method::McNemar => {
                let same = population.is_same(metric, with, theirs);
                return self.mcnemar(metric, (theirs, same), factor).map(Some);
            }
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
                let same = population.is_same(metric, with, theirs);
                return self.areas(&population, (theirs, same), factor).map(Some);
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
        let enough = self.enough(&units);
        let trials = |(metric, measured)| population.trials(self.cell, (metric, measured), &units);
        let own = enough.clone().and_then(|()| {
            let own =
                Bootstrap::new(value, &drawn.resampled[0], &drawn.left_out[0]).map_err(Trouble::TooLittle)?;
            spread(own, value, self.limits(metric), || trials((metric, all)))
        });
        let same = population.is_same(metric, with, theirs);
        let contrast = |factor: f64| {
            let difference = value - factor * base;
            if same {
                return Ok(Uncertainty::Known(difference));
            }
            enough.clone()?;
            let minus = |lists: &[Vec<f64>]| -> Vec<f64> {
                lists[0].iter().zip(&lists[1]).map(|(a, b)| a - factor * b).collect()
            };
            let bootstrap = Bootstrap::new(difference, &minus(&drawn.resampled), &minus(&drawn.left_out))
                .map_err(Trouble::TooLittle)?;
            let limits = self.limits(metric).zip(self.limits(with.metric)).map(|(ours, theirs)| {
                let ends = (factor * theirs.0, factor * theirs.1);
                (ours.0 - ends.0.max(ends.1), ours.1 - ends.0.min(ends.1))
            });
            spread(bootstrap, value.abs().max((factor * base).abs()), limits, || {
                Ok(trials((metric, all))?.min(trials((with.metric, theirs))?))
            })
        };
        Ok(Some(Found {
            contrast: contrast(factor)?,
            interval: own.ok().map(|own| own.bounds(self.confidence)),
            difference: Some(contrast(1.0)?.bounds(self.confidence)),
            method: Method::PairedBootstrap,
            text: format!(
                "BCa bootstrap of the difference: {} drawn for both alike",
                self.what_is_drawn(units.len())
            ),
            drawn: true,
        }))
    }

    fn mcnemar(
        &self,
        metric: Computable<'_>,
        (theirs, same): (&Predictions, bool),
        factor: f64,
    ) -> Result<Found, Trouble> {
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
        let contrast = match table.helpful + table.harmful {
            0 if same => Uncertainty::Known(0.0),
            0 => Uncertainty::Constant { value: 0.0, limits: (-1.0, 1.0), trials: table.rows as f64 },
            _ => Uncertainty::Discordant(table),
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
        (theirs, same): (&Predictions, bool),
        factor: f64,
    ) -> Result<Found, Trouble> {
        let rows = population
            .all
            .matched(&population.rows, theirs)
            .map_err(|id| Trouble::Impossible(format!("not comparable: no row with id `{id}`")))?;
        let ours = components(population.all, &population.rows)?;
        let mut theirs = components(theirs, &rows)?;
        let own = self.area_alone(population);
        let rarer = ours.positives.len().min(ours.negatives.len());
        let sure = |theirs: &Components, factor: f64| {
            let value = ours.auc - theirs.auc;
            if same {
                return Ok(Uncertainty::Known(value));
            }
            match ours.variance_of_difference(theirs).filter(|_| own.is_ok()) {
                Some(variance) if variance > 0.0 => {
                    Ok(Uncertainty::Normal { value, standard_error: variance.sqrt() })
                }
                Some(_) => constant(value, Some((-factor.max(0.0), 1.0 - factor.min(0.0))), rarer),
                None => Err(own.as_ref().err().cloned().unwrap_or_else(unknown)),
            }
        };
        let difference = sure(&theirs, 1.0)?;
        for value in theirs.positives.iter_mut().chain(&mut theirs.negatives) {
            *value *= factor;
        }
        theirs.auc *= factor;
        Ok(Found {
            contrast: sure(&theirs, factor)?,
            interval: own.as_ref().ok().and_then(|own| own.interval),
            difference: Some(difference.bounds(self.confidence)),
            method: Method::DeLong,
            text: "DeLong's covariance of both areas on the same rows".to_owned(),
            drawn: false,
        })
    }

    /// Of a mean over seeds, alone or minus that of a reference.
    pub(super) fn over_seeds(
        &self,
        parts: &[Cell],
        with: Option<(&Cell, f64)>,
    ) -> Result<Option<Found>, Trouble> {
        if !matches!(self.settings.method, Method::Auto | Method::SeedsT) || parts.len() < 3 {
            return Ok(None);
        }
        let values = |parts: &[Cell]| -> Vec<f64> { parts.iter().filter_map(|part| part.observed).collect() };
        let ours = values(parts);
        let Some(own) = MeanOfSeeds::of(&ours) else { return Ok(None) };
        let certain = |seeds: MeanOfSeeds| {
            if seeds.standard_error > 0.0 {
                return Ok(Uncertainty::Seeds(seeds));
            }
            Err(Trouble::TooLittle(format!(
                "all {} repetitions give the same, so their spread is unknown",
                parts.len()
            )))
        };
        let text = |what: &str| format!("Student's t over {} repetitions{what}", parts.len());
        let Some((reference, factor)) = with else {
            return Ok(Some(Found::alone(certain(own)?, self.confidence, Method::SeedsT, text(""))));
        };
        let Origin::Aggregated(_, theirs) = &reference.origin else { return Ok(None) };
        let same = theirs.len() == parts.len() && parts.iter().zip(theirs).all(|(a, b)| a.slice == b.slice);
        let theirs = values(theirs);
        // The same numbers seed by seed: nothing changed.
        let unchanged = same && ours == theirs;
        let minus = |factor: f64| {
            let scaled: Vec<f64> = theirs.iter().map(|value| factor * value).collect();
            let seeds = if same {
                MeanOfSeeds::of(&ours.iter().zip(&scaled).map(|(a, b)| a - b).collect::<Vec<_>>())
            } else {
                MeanOfSeeds::welch(&ours, &scaled)
            };
            match seeds {
                Some(seeds) if unchanged => Ok(Uncertainty::Known(seeds.mean)),
                Some(seeds) => certain(seeds),
                None => Err(unknown()),
            }
        };
        Ok(Some(Found {
            contrast: minus(factor)?,
            interval: certain(own).ok().map(|own| own.bounds(self.confidence)),
            difference: Some(minus(1.0)?.bounds(self.confidence)),
            method: Method::SeedsT,
            text: text(if same { ", paired by seed" } else { ", against other seeds (Welch)" }),
            drawn: false,
        }))
    }
}

/// What resamples tell of a number that was computed from numbers as large as `scale`. Where every one of them gives the
/// same, only the number of trials behind it says how sure that is, and only where it cannot lie anywhere.
fn spread(
    bootstrap: Bootstrap,
    scale: f64,
    limits: Option<(f64, f64)>,
    trials: impl FnOnce() -> Result<usize, Trouble>,
) -> Result<Uncertainty, Trouble> {
    if !bootstrap.is_constant(scale) {
        return Ok(Uncertainty::Resampled(bootstrap));
    }
    constant(bootstrap.value(), limits, trials()?)
}

fn constant(value: f64, limits: Option<(f64, f64)>, trials: usize) -> Result<Uncertainty, Trouble> {
    match limits {
        Some(limits) if trials > 0 => Ok(Uncertainty::Constant { value, limits, trials: trials as f64 }),
        _ => Err(unknown()),
    }
}

fn unknown() -> Trouble {
    Trouble::TooLittle("it is the same on all resamples, which say nothing of its spread then".to_owned())
}

fn components(all: &Predictions, rows: &[u32]) -> Result<Components, Trouble> {
    let (positive, scores) = metrics::labels_and_scores(all, rows).map_err(Trouble::TooLittle)?;
    Components::of(&positive, &scores)
        .ok_or_else(|| Trouble::TooLittle("a class has no row, so there is no ROC curve".to_owned()))
}
