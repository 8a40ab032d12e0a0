//! Where a buffer holds a delimiter, a quote or a line feed: eight bytes at a time, on every target alike.

/// The three bytes that give a CSV file its structure, each repeated over a word.
pub(super) struct Marks {
    words: [u64; 3],
    bytes: [u8; 3],
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;

impl Marks {
    /// `quote` is `None` where nothing quotes.
    pub(super) fn new(delimiter: u8, quote: Option<u8>) -> Self {
        let bytes = [delimiter, b'\n', quote.unwrap_or(b'\n')];
        Self { words: bytes.map(|byte| ONES * u64::from(byte)), bytes }
    }

    /// Appends the position of every mark in `text`, in order.
    ///
    /// A buffer is at most a few MiB, so that positions fit 32 bits.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "buffers are bounded far below 4 GiB: `csv::LONGEST_RECORD`"
    )]
    pub(super) fn find(&self, text: &[u8], positions: &mut Vec<u32>) {
        let (words, rest) = text.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let [a, b, c] = self.words.map(|mark| equal_bytes(word ^ mark));
            let mut found = a | b | c;
            while found != 0 {
                positions.push((index * 8) as u32 + found.trailing_zeros() / 8);
                found &= found - 1;
            }
        }
        let start = words.len() * 8;
        for (index, byte) in rest.iter().enumerate() {
            if self.bytes.contains(byte) {
                positions.push((start + index) as u32);
            }
        }
    }
}

/// The high bit of every byte of `difference` that is zero, exactly: no carry crosses a byte.
fn equal_bytes(difference: u64) -> u64 {
    !(((difference & LOW) + LOW) | difference | LOW)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_agree_with_a_plain_search(text in proptest::collection::vec(
            prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(0x80_u8), Just(0xFF), any::<u8>()], 0..200,
        )) {
            let mut found = Vec::new();
            Marks::new(b',', Some(b'"')).find(&text, &mut found);
            let plain: Vec<u32> = (0..).zip(&text).filter(|(_, byte)| b",\"\n".contains(byte)).map(|(at, _)| at).collect();
            prop_assert_eq!(found, plain);
        }
    }
}
