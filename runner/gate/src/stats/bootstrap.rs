//! The bootstrap: the spread of a metric over resamples of its rows (B. Efron, 1979), with bounds corrected for bias and
//! skewness (BCa; B. Efron, 1987).

use std::{num::NonZero, thread};

use super::{
    distribution::{normal_cdf, normal_quantile},
    statistic::Statistic,
    stream::Stream,
    units::{Counts, Units},
};

/// Resamples where the gate does not say how many.
pub const USUAL_RESAMPLES: u64 = 2000;
/// Seed where the gate does not say one.
pub const USUAL_SEED: u64 = 0;
/// Most groups that the jackknife leaves out one after the other.
const JACKKNIFE_GROUPS: usize = 400;
/// Resamples beyond a value below which their number is no measure of its probability.
const TAIL: f64 = 8.0;
/// Fewest units that are resampled at any confidence: of fewer, bounds are much surer than they may be.
const FEWEST_UNITS: usize = 10;
/// Spread of resamples, as a share of what they were computed from, that is rounding.
const ROUNDING: f64 = 1e-12;
/// Share of resamples on which a metric may be undefined.
const MOST_UNDEFINED: f64 = 0.1;

/// Values of some statistics on the same resamples, and on the same rows with some left out.
#[derive(Debug, Clone)]
pub(crate) struct Replicates {
    /// One list per statistic, in the order of the resamples; NaN where it is undefined.
    pub(crate) resampled: Vec<Vec<f64>>,
    /// One list per statistic, for the jackknife.
    pub(crate) left_out: Vec<Vec<f64>>,
}

/// How many threads are worth starting.
pub(crate) fn usual_threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Fewest units whose resamples carry bounds at a confidence: ten, and so many that all of them lying on one side of the
/// truth by chance (½ to the power of n, as in the sign test) is no likelier than what is left of the confidence.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below 1075")]
pub(crate) fn fewest_units(confidence: f64) -> usize {
    FEWEST_UNITS.max((-(1.0 - confidence).log2()).ceil() as usize)
}

/// Evaluates the statistics on `resamples` resamples.
pub(crate) fn replicates(
    units: &Units,
    statistics: &[&dyn Statistic],
    (resamples, seed): (u64, u64),
    threads: usize,
) -> Replicates {
    let drawn = in_parallel(statistics, resamples, threads, |number, counts, scratch| {
        units.draw(&mut Stream::new(seed, number), counts, scratch);
    });
    let groups = units.len().min(JACKKNIFE_GROUPS);
    let left_out = in_parallel(statistics, groups as u64, threads, |group, counts, _| {
        units.without(usize::try_from(group).unwrap_or(usize::MAX), groups, counts);
    });
    Replicates { resampled: drawn, left_out }
}

/// For each number below `times`: makes counts, evaluates every statistic. The result does not depend on `threads`.
fn in_parallel(
    statistics: &[&dyn Statistic],
    times: u64,
    threads: usize,
    draw: impl Fn(u64, &mut Counts, &mut Counts) + Sync,
) -> Vec<Vec<f64>> {
    let some = |from: u64, to: u64| -> Vec<Vec<f64>> {
        let (mut counts, mut scratch) = (Counts::new(), Counts::new());
        let mut values = vec![Vec::new(); statistics.len()];
        for number in from..to {
            draw(number, &mut counts, &mut scratch);
            for (statistic, values) in statistics.iter().zip(&mut values) {
                values.push(statistic.of(&counts).filter(|value| value.is_finite()).unwrap_or(f64::NAN));
            }
        }
        values
    };
    let share = times.div_ceil(threads.max(1) as u64).max(1);
    let ranges: Vec<(u64, u64)> = (0..threads.max(1) as u64)
        .map(|thread| ((thread * share).min(times), ((thread + 1) * share).min(times)))
        .filter(|(from, to)| from < to)
        .collect();
    if ranges.len() < 2 {
        return some(0, times);
    }
    let parts: Vec<Vec<Vec<f64>>> = thread::scope(|scope| {
        let running: Vec<_> = ranges.iter().map(|(from, to)| scope.spawn(|| some(*from, *to))).collect();
        // A part that panicked is computed again here, where the panic shows itself as one.
        running
            .into_iter()
            .zip(&ranges)
            .map(|(part, (from, to))| part.join().unwrap_or_else(|_| some(*from, *to)))
            .collect()
    });
    (0..statistics.len()).map(|i| parts.iter().flat_map(|part| part[i].iter().copied()).collect()).collect()
}

/// The distribution of one number over resamples.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    value: f64,
    /// Sorted, without those on which it is undefined.
    sorted: Vec<f64>,
    bias: f64,
    acceleration: f64,
    standard_error: f64,
}

impl Bootstrap {
    /// From the value on the rows themselves, on resamples of them, and with groups of them left out. An error says why
    /// the resamples do not tell.
    pub fn new(value: f64, resampled: &[f64], left_out: &[f64]) -> Result<Self, String> {
        let mut sorted: Vec<f64> = resampled.iter().copied().filter(|value| value.is_finite()).collect();
        let undefined = resampled.len() - sorted.len();
        if undefined as f64 > MOST_UNDEFINED * resampled.len() as f64 || sorted.len() < 20 {
            return Err(format!(
                "it is undefined on {undefined} of {} resamples: there is too little data of some kind",
                resampled.len()
            ));
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / n;
        let variance = sorted.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let standard_error = variance.sqrt();
        let mut bootstrap = Self { value, sorted, bias: 0.0, acceleration: 0.0, standard_error };
        let below = bootstrap.rank(value) / n;
        if below > 0.0 && below < 1.0 {
            bootstrap.bias = normal_quantile(below);
            bootstrap.acceleration = acceleration(left_out);
        }
        Ok(bootstrap)
    }

    /// The value on the rows themselves.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Standard deviation of the resamples.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.standard_error
    }

    /// Whether every resample gave the same, but for the rounding of numbers as large as `scale`.
    #[must_use]
    pub fn is_constant(&self, scale: f64) -> bool {
        let ends = self.sorted.first().zip(self.sorted.last());
        ends.is_none_or(|(first, last)| last - first <= ROUNDING * scale.abs())
    }

    /// Resamples below a value, those equal to it half.
    fn rank(&self, value: f64) -> f64 {
        let below = self.sorted.partition_point(|known| *known < value);
        let up_to = self.sorted.partition_point(|known| *known <= value);
        below as f64 + (up_to - below) as f64 / 2.0
    }

    /// Linear between neighbouring resamples, as numpy's default.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lies between 0 and the length"
    )]
    fn quantile(&self, share: f64) -> f64 {
        let at = share.clamp(0.0, 1.0) * (self.sorted.len() - 1) as f64;
        let low = at.floor() as usize;
        let high = (low + 1).min(self.sorted.len() - 1);
        self.sorted[low] + (self.sorted[high] - self.sorted[low]) * (at - low as f64)
    }

    /// Both one-sided bounds, each at this confidence.
    #[must_use]
    pub fn bounds(&self, confidence: f64) -> (f64, f64) {
        let at = |share: f64| {
            let y = self.bias + normal_quantile(share);
            let slope = 1.0 - self.acceleration * y;
            let corrected = if slope > 0.0 { self.bias + y / slope } else { y.signum() * f64::INFINITY };
            self.quantile(normal_cdf(corrected))
        };
        (at(1.0 - confidence), at(confidence))
    }

    /// z for which a one-sided bound at confidence Φ(−z) touches the value.
    fn score(&self, value: f64) -> f64 {
        let n = self.sorted.len() as f64;
        let rank = self.rank(value);
        // Beyond nearly all resamples their number says little; from there on the spread goes on as a normal one.
        let edge = TAIL.min(n / 4.0);
        let w = if rank < edge {
            normal_quantile(edge / n) + (value - self.quantile(edge / n)).min(0.0) / self.standard_error
        } else if rank > n - edge {
            normal_quantile(1.0 - edge / n)
                + (value - self.quantile(1.0 - edge / n)).max(0.0) / self.standard_error
        } else {
            normal_quantile(rank / n)
        };
        let distance = w - self.bias;
        let slope = 1.0 + self.acceleration * distance;
        if slope > 0.0 { distance / slope - self.bias } else { distance.signum() * f64::INFINITY }
    }

    /// p-value of the hypothesis that the true value is at most `value`.
    #[must_use]
    pub fn p_at_most(&self, value: f64) -> f64 {
        normal_cdf(self.score(value))
    }

    /// p-value of the hypothesis that the true value is at least `value`.
    #[must_use]
    pub fn p_at_least(&self, value: f64) -> f64 {
        normal_cdf(-self.score(value))
    }
}

/// Skewness of the influence of the rows: Σd³ / (6 (Σd²)^1.5), d the mean of the values without each group minus that value.
fn acceleration(left_out: &[f64]) -> f64 {
    if left_out.len() < 3 || left_out.iter().any(|value| !value.is_finite()) {
        return 0.0;
    }
    let mean = left_out.iter().sum::<f64>() / left_out.len() as f64;
    let (mut squares, mut cubes) = (0.0, 0.0);
    for value in left_out {
        let distance = mean - value;
        squares += distance * distance;
        cubes += distance * distance * distance;
    }
    if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 }
}
