//! Clocks and randomness of a step that was granted neither: the same on every run.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use chacha20::{
    ChaCha12Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use sha2::{Digest as _, Sha256};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// 2020-01-01T00:00:00Z, 18,262 days after 1970: late enough that archives and certificates accept it.
const FIXED_TIME: Duration = Duration::from_hours(24 * 18_262);
/// What every reading of the monotonic clock adds, so that loops that wait for time to pass end.
const NANOSECONDS_PER_READING: u64 = 1_000;

/// A wall clock that stands still.
struct FixedWallClock;

impl HostWallClock for FixedWallClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        FIXED_TIME
    }
}

/// A clock that counts how often it is read. Sleeping does not move it, but takes its real time (within the deadline).
#[derive(Default)]
struct ReadingCounter(AtomicU64);

impl HostMonotonicClock for ReadingCounter {
    fn resolution(&self) -> u64 {
        NANOSECONDS_PER_READING
    }

    fn now(&self) -> u64 {
        self.0.fetch_add(NANOSECONDS_PER_READING, Ordering::Relaxed)
    }
}

/// Replaces both clocks of the builder.
pub(crate) fn fix_clocks(wasi: &mut WasiCtxBuilder) {
    wasi.wall_clock(FixedWallClock).monotonic_clock(ReadingCounter::default());
}

/// Replaces all sources of randomness of the builder by streams drawn from the step's seed.
pub(crate) fn seed_randomness(wasi: &mut WasiCtxBuilder, seed: u64) {
    let mut hash_seed = generator(seed, "insecure-seed");
    let (low, high) = (hash_seed.next_u64(), hash_seed.next_u64());
    wasi.secure_random(generator(seed, "random"))
        .insecure_random(generator(seed, "insecure"))
        .insecure_random_seed(u128::from(low) | u128::from(high) << 64);
}

/// `ChaCha12` (RFC 8439's block function with 12 rounds), keyed with SHA-256 of a label and the seed, so that the
/// streams have nothing to do with each other.
fn generator(seed: u64, stream: &str) -> ChaCha12Rng {
    let key = Sha256::new()
        .chain_update("runner:plugin randomness 1\0")
        .chain_update(stream)
        .chain_update([0])
        .chain_update(seed.to_le_bytes())
        .finalize();
    ChaCha12Rng::from_seed(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_depend_on_seed_and_name_only() {
        let first = |seed, stream| generator(seed, stream).next_u64();
        assert_eq!(first(7, "random"), first(7, "random"));
        assert_ne!(first(7, "random"), first(8, "random"));
        assert_ne!(first(7, "random"), first(7, "insecure"));
    }

    #[test]
    fn the_monotonic_clock_advances() {
        let clock = ReadingCounter::default();
        assert!(clock.now() < clock.now());
    }
}
