//! What is remembered of a column.

use std::collections::{BTreeMap, HashSet};

use crate::{
    hash,
    value::{self, Value},
};

/// Different values kept before a column counts as free text.
const MEMBERS: usize = 20;
/// Words that stand for a missing value in files from R, pandas and databases.
pub(super) const MISSING: [&str; 9] = ["NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "#N/A"];

/// Type that every value seen so far has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Integer,
    Number,
    Boolean,
    Date,
    Timestamp,
    String,
}

/// What is remembered of a column.
pub(super) struct ColumnProfile {
    pub(super) name: String,
    pub(super) seen: Seen,
    pub(super) present: u64,
    pub(super) nulls: u64,
    /// Words that may stand for a missing value, with how often they occur.
    pub(super) missing: BTreeMap<&'static str, u64>,
    /// Smallest and largest number, or day, or instant.
    pub(super) numbers: Extent<f64>,
    pub(super) instants: Extent<i64>,
    pub(super) mean: f64,
    pub(super) longest: u64,
    /// The different values, until there are too many.
    pub(super) members: Option<BTreeMap<String, u64>>,
    /// Whether no value has come twice; `None` once that cannot be told.
    pub(super) unique: Option<bool>,
    hashes: HashSet<u64, foldhash::fast::FixedState>,
}

/// Smallest and largest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent<T>(pub(super) Option<(T, T)>);

impl<T: PartialOrd + Copy> Extent<T> {
    fn see(&mut self, value: T) {
        let (min, max) = self.0.unwrap_or((value, value));
        self.0 = Some((if value < min { value } else { min }, if value > max { value } else { max }));
    }
}

impl ColumnProfile {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seen: Seen::Nothing,
            present: 0,
            nulls: 0,
            missing: BTreeMap::new(),
            numbers: Extent(None),
            instants: Extent(None),
            mean: 0.0,
            longest: 0,
            members: Some(BTreeMap::new()),
            unique: Some(true),
            hashes: HashSet::default(),
        }
    }

    pub(super) fn text(&mut self, text: &[u8], budget: &mut usize) {
        if text.is_empty() {
            self.nulls += 1;
            return;
        }
        if text.len() <= 4
            && let Some(word) = MISSING.iter().find(|word| word.as_bytes() == text)
        {
            *self.missing.entry(word).or_default() += 1;
            return;
        }
        self.present(text, budget);
        // A type once lost does not come back, so that most cells are tried for one type only.
        let mut candidate = if self.seen == Seen::Nothing { first(text) } else { self.seen };
        loop {
            if self.fits(candidate, text) {
                self.seen = candidate;
                return;
            }
            candidate = if candidate == Seen::Integer { Seen::Number } else { Seen::String };
        }
    }

    fn fits(&mut self, candidate: Seen, text: &[u8]) -> bool {
        match candidate {
            Seen::Integer => {
                // 007 is a code, not a number.
                let integer = if is_code(text) { None } else { value::integer(text) };
                integer.map(|number| self.number(number as f64)).is_some()
            }
            Seen::Number => {
                let number = if is_code(text) { None } else { value::number(text) };
                number.map(|number| self.number(number)).is_some()
            }
            Seen::Boolean => {
                !text.starts_with(b"0") && !text.starts_with(b"1") && value::boolean(text).is_some()
            }
            Seen::Date => value::date(text).map(|days| self.instants.see(days)).is_some(),
            Seen::Timestamp => value::timestamp(text).map(|micros| self.instants.see(micros)).is_some(),
            Seen::String | Seen::Nothing => true,
        }
    }

    pub(super) fn value(&mut self, value: Option<Value<'_>>, budget: &mut usize) {
        let Some(value) = value else {
            self.nulls += 1;
            return;
        };
        let seen = match value {
            Value::Integer(number) => {
                self.number(number as f64);
                Seen::Integer
            }
            Value::Number(number) => {
                self.number(number);
                Seen::Number
            }
            Value::Boolean(_) => Seen::Boolean,
            Value::Date(days) => {
                self.instants.see(days);
                Seen::Date
            }
            Value::Timestamp(micros) => {
                self.instants.see(micros);
                Seen::Timestamp
            }
            Value::Text(_) => Seen::String,
        };
        self.seen = if self.seen == Seen::Nothing || self.seen == seen { seen } else { Seen::String };
        match value {
            Value::Text(text) => self.present(text, budget),
            other => self.present(other.to_string().as_bytes(), budget),
        }
    }

    fn number(&mut self, number: f64) {
        self.numbers.see(number);
        self.mean += (number - self.mean) / self.present.max(1) as f64;
    }

    /// What is remembered of a value whatever its type.
    fn present(&mut self, text: &[u8], budget: &mut usize) {
        self.present += 1;
        let characters = text.iter().filter(|byte| (**byte & 0xC0) != 0x80).count() as u64;
        self.longest = self.longest.max(characters);
        if let Some(members) = &mut self.members {
            *members.entry(String::from_utf8_lossy(text).into_owned()).or_default() += 1;
            if members.len() > MEMBERS {
                self.members = None;
            }
        }
        if self.unique == Some(true) {
            if *budget == 0 {
                self.unique = None;
                self.hashes = HashSet::default();
            } else if self.hashes.insert(hash::text(text)) {
                *budget -= 1;
            } else {
                self.unique = Some(false);
                *budget += self.hashes.len();
                self.hashes = HashSet::default();
            }
        }
    }
}

/// The narrowest type of a first value.
fn first(text: &[u8]) -> Seen {
    if value::date(text).is_some() {
        Seen::Date
    } else if value::timestamp(text).is_some() {
        Seen::Timestamp
    } else if value::boolean(text).is_some() && text.len() > 1 {
        Seen::Boolean
    } else {
        Seen::Integer
    }
}

/// Digits with a leading zero identify something; they count nothing.
fn is_code(text: &[u8]) -> bool {
    matches!(text, [b'0', b'0'..=b'9', ..])
}
