//! What a plain YAML scalar means: the core schema of YAML 1.2.
//!
//! `yes`, `no`, `on`, `off` are text, as is `1_000`; `0o17` and `0x1F` are integers. `.inf` and `.nan` are floats in YAML,
//! but have no place in a workflow and no form in JSON, so they are reported.

use serde_json::Number;

/// Meaning of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning<'a> {
    /// Nothing, `~`, `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer that fits 64 bits, or a finite float.
    Number(Number),
    /// `.inf`, `-.inf`, `.nan`, and numbers too large for a float.
    NotFinite,
    /// Anything else.
    Text(&'a str),
}

impl Meaning<'_> {
    /// For messages: "expected a text, found …".
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("the boolean `{value}`"),
            Self::Number(value) => format!("the number {value}"),
            Self::NotFinite => "a number that is not finite".to_owned(),
            Self::Text(_) => "a text".to_owned(),
        }
    }
}

/// The meaning of plain text.
pub(crate) fn resolve(text: &str) -> Meaning<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
        "true" | "True" | "TRUE" => return Meaning::Bool(true),
        "false" | "False" | "FALSE" => return Meaning::Bool(false),
        _ => {}
    }
    // Most scalars are words: look at the first byte before trying numbers.
    let first = text.as_bytes()[0];
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Meaning::Text(text);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Meaning::NotFinite;
    }
    let radix = |prefix: &str, radix| {
        let digits = text.strip_prefix(prefix)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
            .then(|| u64::from_str_radix(digits, radix).ok())?
    };
    if let Some(value) = radix("0o", 8).or_else(|| radix("0x", 16)) {
        return Meaning::Number(value.into());
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        if let Ok(value) = text.parse::<i64>() {
            return Meaning::Number(value.into());
        }
        if let Ok(value) = text.parse::<u64>() {
            return Meaning::Number(value.into());
        }
    }
    if is_float(unsigned) {
        return match text.parse::<f64>().ok().and_then(Number::from_f64) {
            Some(value) => Meaning::Number(value),
            None => Meaning::NotFinite,
        };
    }
    Meaning::Text(text)
}

/// `[0-9]* ( \. [0-9]* )? ( [eE] [-+]? [0-9]+ )?` with at least one digit before the exponent.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_schema() {
        for text in
            ["yes", "on", "1_000", "1.2.3", "-", "+", ".", "e5", "0o8", "0xg", "1e", "3.12-slim", "45m"]
        {
            assert_eq!(resolve(text), Meaning::Text(text), "{text}");
        }
        for (text, value) in [("0", 0), ("-7", -7), ("+3", 3), ("0o17", 15), ("0x1F", 31), ("012", 12)] {
            assert_eq!(resolve(text), Meaning::Number(value.into()), "{text}");
        }
        for (text, value) in [("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1e3", 1000.0), ("6E-2", 0.06)] {
            assert_eq!(resolve(text), Meaning::Number(Number::from_f64(value).unwrap()), "{text}");
        }
        for text in [".inf", "-.INF", ".nan", "1e999"] {
            assert_eq!(resolve(text), Meaning::NotFinite, "{text}");
        }
        assert_eq!(resolve("18446744073709551615"), Meaning::Number(u64::MAX.into()));
        assert_eq!(resolve(""), Meaning::Null);
        assert_eq!(resolve("True"), Meaning::Bool(true));
    }
}
