//! Ranges of equal width, as numpy makes them.

/// Equal ranges from the lowest to the highest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bins {
    low: f64,
    high: f64,
    count: usize,
}

impl Bins {
    /// `count` (at least 1) bins from `low` to `high`; around the value where both are equal.
    pub(super) fn new(low: f64, high: f64, count: usize) -> Self {
        let count = count.max(1);
        if low < high { Self { low, high, count } } else { Self { low: low - 0.5, high: low + 0.5, count } }
    }

    /// Bins over the extent of some values, or why there are none.
    pub(super) fn over(values: impl Iterator<Item = f64>, count: usize) -> Result<Self, String> {
        let extent = values.fold(None, |extent: Option<(f64, f64)>, value| {
            Some(extent.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        });
        let (low, high) = extent.ok_or("no row weighs anything")?;
        if !(high - low).is_finite() {
            return Err("the values are too far apart for a number".to_owned());
        }
        Ok(Self::new(low, high, count))
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The lower end of a bin; that of bin `count` is the upper end of the last.
    pub(super) fn edge(&self, index: usize) -> f64 {
        if index >= self.count {
            return self.high;
        }
        self.low + index as f64 * ((self.high - self.low) / self.count as f64)
    }

    pub(super) fn edges(&self) -> Vec<f64> {
        (0..=self.count).map(|index| self.edge(index)).collect()
    }

    /// The bin of a value: the lower end belongs to it, the upper end to the next one, but for the last bin. Values outside of all
    /// bins go to the nearest.
    pub(super) fn of(&self, value: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast of a double saturates, and the result is cut to the number of bins"
        )]
        let guess = ((value - self.low) / (self.high - self.low) * self.count as f64) as usize;
        let guess = guess.min(self.count - 1);
        // The division may have rounded across an edge.
        if value < self.edge(guess) {
            guess.saturating_sub(1)
        } else if guess + 1 < self.count && value >= self.edge(guess + 1) {
            guess + 1
        } else {
            guess
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_value_has_a_bin_around_it() {
        let bins = Bins::over([3.0, 3.0].into_iter(), 4).unwrap();
        assert_eq!((bins.edge(0), bins.edge(4)), (2.5, 3.5));
        assert_eq!(bins.of(3.0), 2);
        assert!(Bins::over(std::iter::empty(), 4).is_err());
        assert!(Bins::over([f64::MIN, f64::MAX].into_iter(), 4).is_err());
    }

    proptest! {
        #[test]
        fn a_value_lies_between_the_edges_of_its_bin(low in -1e6..1e6f64, width in 1e-3..1e6f64, at in 0.0..=1.0f64, count in 1..200usize) {
            let bins = Bins::new(low, low + width, count);
            let value = (low + at * width).clamp(low, low + width);
            let bin = bins.of(value);
            prop_assert!(bins.edge(bin) <= value);
            prop_assert!(value < bins.edge(bin + 1) || bin + 1 == count);
        }
    }
}
