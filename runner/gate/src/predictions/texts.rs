//! Columns of text without one allocation per cell.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Texts in one buffer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    buffer: String,
    /// End of each text in the buffer.
    ends: Vec<usize>,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.buffer.push_str(text);
        self.ends.push(self.buffer.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.buffer[start..self.ends[index]]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Texts that repeat, each kept once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interned {
    pub(crate) values: Vec<String>,
    pub(crate) codes: Vec<u32>,
    known: HashMap<String, u32>,
}

impl Interned {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are at most u32::MAX rows, so at most as many values"
    )]
    pub(crate) fn push(&mut self, text: &str) {
        let code = self.known.get(text).copied().unwrap_or_else(|| {
            let code = self.values.len() as u32;
            self.values.push(text.to_owned());
            self.known.insert(text.to_owned(), code);
            code
        });
        self.codes.push(code);
    }
}

/// Finds the row of an id, and tells whether two sets of ids are the same.
#[derive(Debug, Clone)]
pub(crate) struct IdIndex {
    /// Hash and row of every id, sorted.
    hashes: Vec<(u64, u32)>,
}

impl IdIndex {
    /// The index, or two rows that have the same id.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most u32::MAX rows")]
    pub(crate) fn new(ids: &Texts) -> Result<Self, (usize, usize)> {
        let mut hashes: Vec<(u64, u32)> =
            ids.iter().enumerate().map(|(row, id)| (hash(id), row as u32)).collect();
        hashes.sort_unstable();
        let mut repeated: Option<(usize, usize)> = None;
        for group in hashes.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
            // Nearly always two equal ids; different ids with the same hash are possible all the same.
            for (i, (_, first)) in group.iter().enumerate() {
                let found =
                    group[i + 1..].iter().find(|(_, row)| ids.get(*row as usize) == ids.get(*first as usize));
                if let Some((_, second)) = found {
                    let pair = (*first as usize, *second as usize);
                    repeated = Some(repeated.map_or(pair, |old| old.min(pair)));
                    break;
                }
            }
        }
        repeated.map_or(Ok(Self { hashes }), Err)
    }

    /// Whether both have ids of the same hashes, which for all but contrived ids means the same ids.
    pub(crate) fn has_same_hashes(&self, other: &Self) -> bool {
        self.hashes.iter().map(|(hash, _)| hash).eq(other.hashes.iter().map(|(hash, _)| hash))
    }

    pub(crate) fn row_of(&self, id: &str, ids: &Texts) -> Option<usize> {
        let wanted = hash(id);
        let start = self.hashes.partition_point(|(hash, _)| *hash < wanted);
        self.hashes[start..]
            .iter()
            .take_while(|(hash, _)| *hash == wanted)
            .map(|(_, row)| *row as usize)
            .find(|row| ids.get(*row) == id)
    }
}

fn hash(text: &str) -> u64 {
    // Keys are fixed, and hashes never leave the process.
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
