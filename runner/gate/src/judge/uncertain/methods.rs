//! The methods: each finds how sure a value, or its distance from a reference on the same rows, is.

use std::fmt::Write as _;

use super::{Against, Found, Question};
use crate::{
    grammar::Method,
    judge::{
        measure::{Cell, Computable, Origin},
        population::{Compared, Population, Trouble, is},
    },
    metrics::{self, Metric},
    predictions::Predictions,
    stats::{
        bootstrap::{Bootstrap, replicates, usual_threads},
        delong::Components,
        seeds::MeanOfSeeds,
        uncertainty::Uncertainty,
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
    pub(super) fn over_seeds(&self, parts: &[Cell], with: Option<(&Cell, f64)>) -> Option<Found> {
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
}

fn components(all: &Predictions, rows: &[u32]) -> Result<Components, Trouble> {
    let (positive, scores) = metrics::labels_and_scores(all, rows).map_err(Trouble::TooLittle)?;
    Components::of(&positive, &scores)
        .ok_or_else(|| Trouble::TooLittle("a class has no row, so there is no ROC curve".to_owned()))
}
