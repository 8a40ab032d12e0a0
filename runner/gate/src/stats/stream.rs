//! Random numbers by counting: the draws of a resample follow from the seed and its number alone.
//!
//! SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): the n-th output is a mixing
//! function of key + n·γ, so any resample can be drawn on any thread, in any order, with the same result.

/// The odd increment of the sequence: 2⁶⁴ divided by the golden ratio.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The random numbers of one resample.
#[derive(Debug, Clone)]
pub struct Stream {
    state: u64,
    /// The half of the last output that was not used.
    rest: Option<u32>,
}

impl Stream {
    /// The stream of this number under this seed.
    #[must_use]
    pub fn new(seed: u64, number: u64) -> Self {
        // Both go through the mixing function, so that neighbouring seeds and numbers give unrelated streams.
        Self { state: mix(mix(seed ^ GAMMA).wrapping_add(number.wrapping_mul(GAMMA))), rest: None }
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    #[expect(clippy::cast_possible_truncation, reason = "takes the two halves apart")]
    fn next_u32(&mut self) -> u32 {
        if let Some(rest) = self.rest.take() {
            return rest;
        }
        let bits = self.next_u64();
        self.rest = Some((bits >> 32) as u32);
        bits as u32
    }

    /// A whole number below `end`, each equally likely (Lemire, "Fast random integer generation in an interval", 2019).
    /// `end` is not 0.
    #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
    pub fn below(&mut self, end: u32) -> u32 {
        let mut product = u64::from(self.next_u32()) * u64::from(end);
        if (product as u32) < end {
            let least = end.wrapping_neg() % end.max(1);
            while (product as u32) < least {
                product = u64::from(self.next_u32()) * u64::from(end);
            }
        }
        (product >> 32) as u32
    }

    /// A number in [0, 1), of 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;

    #[test]
    fn streams_repeat_and_differ() {
        let draws = |seed, number| {
            let mut stream = Stream::new(seed, number);
            (0..8).map(|_| stream.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7, 3), draws(7, 3));
        assert_ne!(draws(7, 3), draws(7, 4));
        assert_ne!(draws(7, 3), draws(8, 3));
    }

    #[test]
    fn draws_are_even() {
        // Chi-square of 60,000 draws from 6 over 5 degrees of freedom: beyond 20.5 once in a thousand seeds.
        for seed in 0..4 {
            let mut counts = [0_u32; 6];
            let mut stream = Stream::new(seed, 0);
            for _ in 0..60_000 {
                counts[stream.below(6) as usize] += 1;
            }
            let chi: f64 = counts.iter().map(|count| (f64::from(*count) - 1e4).powi(2) / 1e4).sum();
            assert!(chi < 20.5, "seed {seed}: {counts:?}");
        }
    }
}
