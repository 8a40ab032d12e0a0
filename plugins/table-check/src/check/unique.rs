//! Whether a value occurs once only, within a bounded memory.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
};

use super::violations::Violations;

/// Remembers values by 64 bits each, until the budget of the whole table is spent.
///
/// Numbers, dates and timestamps are told apart exactly. Texts are by a 64-bit hash: among `n` different texts, the
/// probability that two of them are taken for the same is below n² / 2⁶⁵, which is 3 in a million for ten million.
#[derive(Default)]
pub(super) struct Unique {
    /// Values that came in ascending order, as identifiers mostly do: half the memory, and no search.
    run: Vec<u64>,
    /// The others.
    seen: HashSet<u64, BuildHasherDefault<Mixed>>,
    pub(super) repeated: Violations,
    /// Row of the first value that could not be remembered.
    pub(super) gave_up: Option<u64>,
}

impl Unique {
    /// Takes in a value that is told apart by its bits.
    pub(super) fn bits(&mut self, row: u64, bits: u64, budget: &mut usize, show: impl FnOnce() -> String) {
        let ascends = self.run.last().is_none_or(|last| bits > *last);
        if *budget == 0 {
            // What was remembered still tells some repetitions.
            if !ascends && self.run.binary_search(&bits).is_ok() || self.seen.contains(&bits) {
                self.repeated.add(row, show);
            } else {
                self.gave_up.get_or_insert(row);
            }
        } else if ascends && !self.seen.contains(&bits) {
            self.run.push(bits);
            *budget -= 1;
        } else if !ascends && self.run.binary_search(&bits).is_err() && self.seen.insert(bits) {
            *budget -= 1;
        } else {
            self.repeated.add(row, show);
        }
    }

    /// Takes in a text.
    pub(super) fn text(&mut self, row: u64, text: &[u8], budget: &mut usize, show: impl FnOnce() -> String) {
        self.bits(row, crate::hash::text(text), budget, show);
    }

    pub(super) fn distinct(&self) -> usize {
        self.run.len() + self.seen.len()
    }
}

/// Spreads the bits of a word over the table: the finaliser of `SplitMix64`, which maps no two words to one.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        self.0 = word ^ (word >> 31);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_repetition_is_found_and_shown() {
        let (mut unique, mut budget) = (Unique::default(), 10);
        for (row, text) in [(1, "a"), (2, "b"), (3, "a")] {
            unique.text(row, text.as_bytes(), &mut budget, || text.to_owned());
        }
        assert_eq!((unique.repeated.count, unique.distinct(), budget), (1, 2, 8));
        assert_eq!(unique.gave_up, None);
    }

    proptest! {
        #[test]
        fn repetitions_agree_with_counting(values in proptest::collection::vec(0_u64..40, 0..80)) {
            let (mut unique, mut budget) = (Unique::default(), 1000);
            for (row, value) in values.iter().enumerate() {
                unique.bits(row as u64, *value, &mut budget, String::new);
            }
            let distinct: std::collections::BTreeSet<_> = values.iter().collect();
            prop_assert_eq!(unique.distinct(), distinct.len());
            prop_assert_eq!(unique.repeated.count, (values.len() - distinct.len()) as u64);
        }
    }

    #[test]
    fn a_spent_budget_is_told() {
        let (mut unique, mut budget) = (Unique::default(), 2);
        for row in 1..=4 {
            unique.bits(row, row, &mut budget, String::new);
        }
        assert_eq!((unique.repeated.count, unique.gave_up), (0, Some(3)));
    }
}
