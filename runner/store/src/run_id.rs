//! Names of runs.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    str::FromStr,
};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Digits without `i`, `l`, `o`, `u`, which are misread; in ASCII order, so that text sorts like numbers.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The name of a run: `20250131-142305-k3f9q2`.
///
/// Date and time in UTC, two digits of base 32 for the millisecond, four at random. Sorts by time. Uniqueness does not rest
/// on chance: [`Store::create_run`](crate::Store::create_run) refuses a name that is taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

/// The text is not the name of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{text}` is not the id of a run")]
#[diagnostic(
    code(store::bad_run_id),
    help("an id looks like `20250131-142305-k3f9q2`; `runner ls` lists them")
)]
pub struct BadRunId {
    /// What was given, cut to 100 characters.
    pub text: String,
}

impl RunId {
    /// A new name for a run that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Timestamp::now(), RandomState::new().hash_one(std::process::id()))
    }

    fn at(now: Timestamp, random: u64) -> Self {
        let time = now.to_zoned(TimeZone::UTC).datetime();
        let millisecond = u64::try_from(time.millisecond()).unwrap_or(0);
        let mut id = time.strftime("%Y%m%d-%H%M%S-").to_string();
        let bits = millisecond << 20 | random & 0xf_ffff;
        for digit in (0..6).rev() {
            let value = usize::try_from(bits >> (5 * digit) & 31).unwrap_or(0);
            id.push(char::from(DIGITS[value]));
        }
        Self(id)
    }

    /// When the run was created, to the millisecond.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        // Checked whenever an id is made.
        parse(&self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the date and time, which tells runs of a day apart.
    pub(crate) fn last_part(&self) -> &str {
        self.0.rsplit('-').next().unwrap_or_default()
    }
}

impl Default for RunId {
    fn default() -> Self {
        Self::new()
    }
}

/// `None` where the text is not an id.
fn parse(text: &str) -> Option<Timestamp> {
    let mut parts = text.split('-');
    let (date, time, last) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || date.len() != 8 || time.len() != 6 || last.len() != 6 {
        return None;
    }
    if !digits(date) || !digits(time) {
        return None;
    }
    let mut bits = 0;
    for byte in last.bytes() {
        bits = bits << 5 | DIGITS.iter().position(|digit| *digit == byte)?;
    }
    let number = |part: &str| part.parse::<i8>().ok();
    let millisecond = i32::try_from(bits >> 20).ok()?;
    civil::DateTime::new(
        date[..4].parse().ok()?,
        number(&date[4..6])?,
        number(&date[6..])?,
        number(&time[..2])?,
        number(&time[2..4])?,
        number(&time[4..])?,
        millisecond * 1_000_000,
    )
    .ok()?
    .to_zoned(TimeZone::UTC)
    .ok()
    .map(|zoned| zoned.timestamp())
}

impl FromStr for RunId {
    type Err = BadRunId;

    fn from_str(text: &str) -> Result<Self, BadRunId> {
        match parse(text) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(BadRunId { text: text.chars().take(100).collect() }),
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_ids() {
        for text in [
            "",
            "latest",
            "..",
            "20250131-142305",
            "20250131-142305-k3f9q",
            "20251331-142305-k3f9q2",
            "20250131-142305-k3f9u2",
            "+0250131-142305-k3f9q2",
            "20250131-142305-zzzzzz",
            "20250131-1423é-k3f9q2",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn sorts_by_time_and_reads_back(
            a in 0_i64..4_000_000_000_000, later in 1_i64..10_000, random: u64, other: u64
        ) {
            let first = Timestamp::from_millisecond(a).unwrap();
            let second = Timestamp::from_millisecond(a + later).unwrap();
            let (one, two) = (RunId::at(first, random), RunId::at(second, other));
            proptest::prop_assert!(one < two);
            proptest::prop_assert_eq!(one.created(), first);
            proptest::prop_assert_eq!(two.as_str().parse::<RunId>(), Ok(two));
        }
    }
}
