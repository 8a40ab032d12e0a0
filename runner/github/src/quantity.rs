//! Numbers, durations and sizes as people read them.

/// Significant digits of a number in a report.
const DIGITS: usize = 6;

/// A measured number, to six significant digits: `0.964912`, `455`, `1.2e-9`. NaN and infinities are said in words.
pub fn number(value: f64) -> String {
    with_digits(value, DIGITS)
}

/// A value and the bound it is compared with, with as many digits as it takes to tell them apart, so that no report reads
/// `0.9 < 0.9`.
pub fn apart(value: f64, bound: f64) -> (String, String) {
    let mut digits = DIGITS;
    loop {
        let pair = (with_digits(value, digits), with_digits(bound, digits));
        // 17 significant digits distinguish any two doubles.
        if pair.0 != pair.1 || digits == 17 || value.total_cmp(&bound).is_eq() {
            return pair;
        }
        digits += 1;
    }
}

/// A number to this many significant digits, for where fewer are enough.
pub fn rounded(value: f64, digits: usize) -> String {
    with_digits(value, digits)
}

/// A change: always with its sign, `+0.012`, `-0.2`, and `0` where there is none.
pub fn signed(value: f64) -> String {
    signed_to(value, DIGITS)
}

/// The same to this many significant digits.
pub fn signed_to(value: f64, digits: usize) -> String {
    let text = with_digits(value, digits);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// A share of 1 in per cent: `97.2 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A p-value: two digits are all that matter, and below 0.0001 not even those.
pub fn p_value(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { with_digits(p, 2) }
}

fn with_digits(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "infinity" } else { "-infinity" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs();
    // Counts are shown whole: up to here every integer is a double of its own.
    if magnitude < 9_007_199_254_740_992.0 && value.fract() == 0.0 {
        return format!("{value}");
    }
    if !(1e-4..1e15).contains(&magnitude) {
        let text = format!("{value:.*e}", digits - 1);
        return match text.split_once('e') {
            Some((mantissa, exponent)) if mantissa.contains('.') => {
                format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => text,
        };
    }
    // The digit count before the point; at least one decimal is kept, since the value is no integer.
    #[expect(clippy::cast_possible_truncation, reason = "the logarithm of a double is below 309")]
    let exponent = magnitude.log10().floor() as i32;
    let decimals = i32::try_from(digits).unwrap_or(6) - 1 - exponent;
    let text = format!("{value:.*}", usize::try_from(decimals.max(1)).unwrap_or(1));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A duration from milliseconds: `0.4 ms`, `12 ms`, `3.4 s`, `2 m 05 s`, `1 h 02 m`.
pub fn duration(milliseconds: f64) -> String {
    if !milliseconds.is_finite() || milliseconds < 0.0 {
        return "?".to_owned();
    }
    if milliseconds < 9.95 {
        return format!("{milliseconds:.1} ms");
    }
    if milliseconds < 999.5 {
        return format!("{milliseconds:.0} ms");
    }
    let seconds = milliseconds / 1000.0;
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive and finite; saturates"
    )]
    let whole = seconds.round() as u64;
    if whole < 3600 {
        return format!("{} m {:02} s", whole / 60, whole % 60);
    }
    let minutes = whole / 60;
    format!("{} h {:02} m", minutes / 60, minutes % 60)
}

/// A size: `512 B`, `1.4 KiB`, `3.2 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A count with its noun: `1 error`, `3 errors`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A digest short enough to be read aloud and long enough to be found: `sha256:0123456789ab`.
pub fn short_digest(digest: &str) -> &str {
    let end = digest.find(':').map_or(12, |colon| colon + 13);
    digest.get(..end).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (455.0, "455"),
            (1_000_000.0, "1000000"),
            (0.964_912_280_701_754_4, "0.964912"),
            (0.9, "0.9"),
            (-0.002, "-0.002"),
            (12.345_678_9, "12.3457"),
            (123_456.789, "123456.8"),
            (0.000_012_345_678, "1.23457e-5"),
            (1e-9, "1e-9"),
            (1.5e300, "1.5e300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "infinity"),
            (f64::NEG_INFINITY, "-infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn different_numbers_look_different() {
        assert_eq!(apart(0.964_912_28, 0.9), ("0.964912".into(), "0.9".into()));
        assert_eq!(apart(0.899_999_999, 0.9), ("0.899999999".into(), "0.9".into()));
        assert_eq!(apart(0.3, 0.1 + 0.2), ("0.29999999999999999".into(), "0.30000000000000004".into()));
        assert_eq!(apart(0.5, 0.5), ("0.5".into(), "0.5".into()));
    }

    #[test]
    fn durations() {
        let cases = [
            (0.04, "0.0 ms"),
            (0.42, "0.4 ms"),
            (12.3, "12 ms"),
            (999.6, "1.0 s"),
            (3_400.0, "3.4 s"),
            (59_990.0, "1 m 00 s"),
            (125_000.0, "2 m 05 s"),
            (3_725_000.0, "1 h 02 m"),
            (f64::NAN, "?"),
        ];
        for (value, text) in cases {
            assert_eq!(duration(value), text);
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(size(u64::MAX), "16384.0 PiB");
    }

    #[test]
    fn digests() {
        assert_eq!(short_digest("sha256:0123456789abcdef"), "sha256:0123456789ab");
        assert_eq!(short_digest("0123456789abcdef"), "0123456789ab");
        assert_eq!(short_digest("abc"), "abc");
    }
}
