//! Rules of values that have an order: numbers, dates, timestamps.

use std::cmp::Ordering;

use super::{unique::Unique, violations::Violations};
use crate::schema::{Bounds, Ordered};

/// A value with an order.
pub(super) trait Scalar: PartialOrd + Copy {
    /// Bits that are equal exactly where the values are.
    fn bits(self) -> u64;
    /// A total order: no value is NaN.
    fn order(&self, other: &Self) -> Ordering;
    /// For means and quantiles.
    fn as_f64(self) -> f64;
}

impl Scalar for i64 {
    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn bits(self) -> u64 {
        self.cast_unsigned()
    }

    fn as_f64(self) -> f64 {
        self as f64
    }
}

impl Scalar for f64 {
    fn order(&self, other: &Self) -> Ordering {
        (self + 0.0).total_cmp(&(other + 0.0))
    }

    fn bits(self) -> u64 {
        // The two zeros are one value.
        (self + 0.0).to_bits()
    }

    fn as_f64(self) -> f64 {
        self
    }
}

/// Holds the values of a column to rules of order.
pub(super) struct OrderedCheck<T> {
    pub(super) rules: Ordered<T>,
    pub(super) range: Violations,
    pub(super) set: Violations,
    pub(super) monotone: Violations,
    pub(super) unique: Option<Unique>,
    pub(super) sum: Sum,
    pub(super) quantiles: Vec<QuantileCheck>,
    previous: Option<T>,
    /// Whether the sum is of interest.
    sums: bool,
}

impl<T: Scalar> OrderedCheck<T> {
    pub(super) fn new(mut rules: Ordered<T>, unique: bool) -> Self {
        rules.set.sort_by(T::order);
        Self {
            range: Violations::default(),
            set: Violations::default(),
            monotone: Violations::default(),
            unique: unique.then(Unique::default),
            sum: Sum::default(),
            sums: !rules.mean.is_open(),
            quantiles: rules
                .quantiles
                .iter()
                .map(|(share, bounds)| QuantileCheck::new(*share, *bounds))
                .collect(),
            previous: None,
            rules,
        }
    }

    #[inline]
    pub(super) fn see(&mut self, row: u64, value: T, budget: &mut usize, show: impl Fn() -> String) {
        if !self.rules.range.hold(value) {
            self.range.add(row, &show);
        }
        if !self.rules.set.is_empty()
            && self.rules.set.binary_search_by(|member| member.order(&value)).is_err()
        {
            self.set.add(row, &show);
        }
        if let Some(monotone) = self.rules.monotone {
            if self.previous.is_some_and(|previous| !monotone.holds(previous, value)) {
                self.monotone.add(row, &show);
            }
            self.previous = Some(value);
        }
        if let Some(unique) = &mut self.unique {
            unique.bits(row, value.bits(), budget, &show);
        }
        if self.sums {
            self.sum.add(value.as_f64());
        }
        for quantile in &mut self.quantiles {
            quantile.see(value.as_f64());
        }
    }
}

/// A sum that keeps what rounding drops: Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
/// Summen", 1974.
#[derive(Debug, Default)]
pub(super) struct Sum {
    sum: f64,
    dropped: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.dropped +=
            if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    pub(super) fn total(&self) -> f64 {
        self.sum + self.dropped
    }
}

/// Decides exactly, in constant memory, whether a quantile lies within bounds.
///
/// The quantile is the smallest value that at least the given share of values does not exceed (the inverse of the
/// empirical distribution: definition 1 of Hyndman and Fan, 1996). Of `n` values it is the one of rank k = ⌈share · n⌉,
/// so it reaches `min` exactly if fewer than k values lie below `min`, and keeps to `max` exactly if at least k values
/// do. Two counters tell; no sketch, no error.
pub(super) struct QuantileCheck {
    pub(super) share: f64,
    pub(super) bounds: Bounds<f64>,
    below_min: u64,
    up_to_max: u64,
    count: u64,
}

/// On which side of its bounds a quantile lies, and how many values show it.
#[derive(Debug, PartialEq)]
pub(super) enum Side {
    Within,
    /// There are no values, so that there is no quantile.
    Unknown,
    Below {
        below_min: u64,
    },
    Above {
        above_max: u64,
    },
}

impl QuantileCheck {
    fn new(share: f64, bounds: Bounds<f64>) -> Self {
        Self { share, bounds, below_min: 0, up_to_max: 0, count: 0 }
    }

    fn see(&mut self, value: f64) {
        self.count += 1;
        self.below_min += u64::from(self.bounds.min.is_some_and(|min| value < min));
        self.up_to_max += u64::from(self.bounds.max.is_none_or(|max| value <= max));
    }

    pub(super) fn side(&self) -> Side {
        // 0.7 of 10 values are 7, not 8, whatever the last bit of the product says.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let rank = ((self.share * self.count as f64 - 1e-9).ceil() as u64).max(1);
        if self.count == 0 {
            Side::Unknown
        } else if self.below_min >= rank {
            Side::Below { below_min: self.below_min }
        } else if self.up_to_max < rank {
            Side::Above { above_max: self.count - self.up_to_max }
        } else {
            Side::Within
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sum_keeps_what_rounding_drops() {
        let mut sum = Sum::default();
        for value in [1e100, 1.0, -1e100] {
            sum.add(value);
        }
        assert_eq!(sum.total().to_bits(), 1.0_f64.to_bits());
    }

    proptest! {
        #[test]
        fn quantile_bounds_agree_with_sorting(
            mut values in proptest::collection::vec(-9_i32..9, 1..60),
            share in 0.0..=1.0_f64,
            min in -10_i32..10,
            width in 0_i32..10,
        ) {
            let (min, max) = (f64::from(min), f64::from(min + width));
            let mut check = QuantileCheck::new(share, Bounds { min: Some(min), max: Some(max) });
            for value in &values {
                check.see(f64::from(*value));
            }
            values.sort_unstable();
            let wanted = share * values.len() as f64 - 1e-9;
            let rank = (1..=values.len()).find(|rank| *rank as f64 >= wanted).unwrap();
            let quantile = f64::from(values[rank - 1]);
            let within = quantile >= min && quantile <= max;
            prop_assert_eq!(check.side() == Side::Within, within);
        }
    }
}
