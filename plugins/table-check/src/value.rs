//! From the text of a cell to a value, strictly: nothing is trimmed, guessed or rounded.

use std::fmt;

/// A value of a table that stores types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A whole number.
    Integer(i64),
    /// Any other number; it may be NaN.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i64),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// Text that claims to be UTF-8.
    Text(&'a [u8]),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
            Self::Boolean(value) => value.fmt(formatter),
            Self::Date(days) => date_text(*days).fmt(formatter),
            Self::Timestamp(micros) => timestamp_text(*micros).fmt(formatter),
            Self::Text(text) => String::from_utf8_lossy(text).fmt(formatter),
        }
    }
}

/// A whole number in decimal digits with an optional sign. `None` also where it does not fit 64 bits.
pub fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut magnitude: u64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Nineteen digits stay below 10^19, which 64 bits hold.
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// A finite decimal number, with or without an exponent. NaN and infinities are no numbers.
pub fn number(text: &[u8]) -> Option<f64> {
    // The words `nan` and `inf` are not refused by their value alone: `1e999` is infinite too.
    fast_float2::parse::<f64, _>(text).ok().filter(|value| value.is_finite())
}

/// `true` or `false` in any case, `1` or `0`.
pub fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"1" => Some(true),
        b"0" => Some(false),
        _ if text.eq_ignore_ascii_case(b"true") => Some(true),
        _ if text.eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}

/// A day of the Gregorian calendar, `2026-01-31`, as days since 1970-01-01.
pub fn date(text: &[u8]) -> Option<i64> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = i64::from(two(y1, y2)?) * 100 + i64::from(two(y3, y4)?);
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    Some(days(year, i64::from(month), i64::from(day)))
}

/// An instant, `2026-01-31T23:59:59.123456Z`, as microseconds since 1970-01-01T00:00:00Z.
///
/// `T` may be a space, seconds and their fraction may be absent, and the offset may be `Z`, `+hh:mm`, `+hhmm` or absent,
/// which reads as UTC. Digits beyond microseconds are dropped.
pub fn timestamp(text: &[u8]) -> Option<i64> {
    let (day, rest) = (date(text.get(..10)?)?, &text[10..]);
    let [b'T' | b't' | b' ', h1, h2, b':', n1, n2, rest @ ..] = rest else { return None };
    let (hour, minute) = (two(*h1, *h2)?, two(*n1, *n2)?);
    let (second, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (two(*s1, *s2)?, rest),
        _ => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (micros, rest) = match rest {
        [b'.', rest @ ..] => fraction(rest)?,
        _ => (0, rest),
    };
    let seconds = ((day * 24 + i64::from(hour)) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Some((seconds - offset_seconds(rest)?) * 1_000_000 + micros)
}

/// Digits of a fraction of a second as microseconds, and what follows them.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 18 {
        return None;
    }
    let padded = text[..digits].iter().copied().chain(std::iter::repeat(b'0'));
    let micros = padded.take(6).fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0'));
    Some((micros, &text[digits..]))
}

fn offset_seconds(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *text {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, two(h1, h2)?, two(m1, m2)?),
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then_some(tens * 10 + ones)
}

fn days_in(year: i64, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a civil date: the era-based algorithm of Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms".
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The text of a day, the inverse of [`date`] for years 0 to 9999.
pub fn date_text(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The text of an instant in UTC, to the microsecond where there is a fraction.
pub fn timestamp_text(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let fraction = micros.rem_euclid(1_000_000);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let date = date_text(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    if fraction == 0 {
        format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
    } else {
        format!("{date}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_read_to_the_edge_and_not_beyond() {
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"+7"), Some(7));
        for bad in
            ["9223372036854775808", "-9223372036854775809", "", "-", "1.0", " 1", "1e3", "0x1", "--1", "٣"]
        {
            assert_eq!(integer(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(number(b"-1.5e3"), Some(-1500.0));
        assert_eq!(number(b".5"), Some(0.5));
        for bad in ["nan", "NaN", "inf", "-Infinity", "1e999", "", "1,5", " 1", "1_000", "0x10"] {
            assert_eq!(number(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn dates_are_of_the_calendar() {
        assert_eq!(date(b"1970-01-01"), Some(0));
        assert_eq!(date(b"2000-02-29"), Some(11_016));
        for bad in
            ["1900-02-29", "2026-13-01", "2026-00-01", "2026-04-31", "26-01-01", "2026-1-1", "2026/01/01"]
        {
            assert_eq!(date(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn timestamps_know_offsets_and_fractions() {
        assert_eq!(timestamp(b"1970-01-01T00:00:01.5Z"), Some(1_500_000));
        assert_eq!(timestamp(b"1970-01-01 01:00+01:00"), Some(0));
        assert_eq!(timestamp(b"1969-12-31T23:59:59.999999999"), Some(-1));
        for bad in ["1970-01-01", "1970-01-01T24:00", "1970-01-01T00:00:00.", "1970-01-01T00:00:00 Z"] {
            assert_eq!(timestamp(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn integers_agree_with_the_standard_library(value: i64) {
            prop_assert_eq!(integer(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn numbers_agree_with_the_standard_library(value in proptest::num::f64::NORMAL) {
            prop_assert_eq!(number(value.to_string().as_bytes()), Some(value));
        }

        #[test]
        fn a_day_written_is_read_back(day in -719_000_i64..2_900_000) {
            prop_assert_eq!(date(date_text(day).as_bytes()), Some(day));
        }

        #[test]
        fn an_instant_written_is_read_back(micros in -62_000_000_000_000_000_i64..250_000_000_000_000_000) {
            prop_assert_eq!(timestamp(timestamp_text(micros).as_bytes()), Some(micros));
        }

        #[test]
        fn any_bytes_are_read_or_refused(text: Vec<u8>) {
            let _ = (integer(&text), number(&text), boolean(&text), date(&text), timestamp(&text));
        }
    }
}
