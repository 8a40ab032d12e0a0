//! Texts by 64 bits.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

/// A hash of 64 well-mixed bits, the same in every run.
pub fn text(text: &[u8]) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    hasher.write(text);
    hasher.finish()
}
