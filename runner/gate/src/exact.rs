//! Exact numbers: bounds, margins and comparisons without binary rounding.
//!
//! `0.85 >= 0.80 + 0.05` is false in binary floating point and true for everybody who writes it. Here a number of a
//! gate is the decimal that was written, and a measured double is the shortest decimal that reads back as the same
//! double: the number that every report shows. All arithmetic between them is on rationals of unlimited size, so it
//! neither rounds nor overflows. What a gate may write is limited to 40 digits and exponents of at most ±400, so that
//! no text can ask for unbounded memory.

use std::{cmp::Ordering, fmt};

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

/// An exact rational number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(BigRational);

/// Most digits a number in a gate may have.
const MAX_DIGITS: usize = 40;
/// Largest power of ten a number in a gate may have.
const MAX_EXPONENT: i32 = 400;

impl Exact {
    /// Reads a decimal such as `0.85`, `-3` or `1e-4`. `None` if it is not one, or beyond the limits of the module.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let (negative, whole) = match whole.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, whole),
        };
        let digits = format!("{whole}{fraction}");
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !plain(&digits) || digits.len() > MAX_DIGITS || exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let digits: BigInt = digits.parse().ok()?;
        let scale = exponent - i32::try_from(fraction.len()).ok()?;
        let value = Self::scaled(digits, scale);
        Some(if negative { Self(-value.0) } else { value })
    }

    /// The shortest decimal that reads back as `value`. `None` for NaN and infinities.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        // `{:e}` prints the shortest decimal that round-trips.
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
        Some(Self::scaled(digits, exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?))
    }

    fn scaled(digits: BigInt, power_of_ten: i32) -> Self {
        let power = num_traits::pow(BigInt::from(10), power_of_ten.unsigned_abs() as usize);
        Self(if power_of_ten < 0 {
            BigRational::new(digits, power)
        } else {
            BigRational::from_integer(digits * power)
        })
    }

    /// A whole number.
    #[must_use]
    pub fn integer(value: u64) -> Self {
        Self(BigRational::from_integer(value.into()))
    }

    /// `numerator / denominator`; zero if the denominator is, which no caller passes.
    #[must_use]
    pub(crate) fn ratio(numerator: u64, denominator: u64) -> Self {
        if denominator == 0 {
            return Self(BigRational::zero());
        }
        Self(BigRational::new(numerator.into(), denominator.into()))
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0.is_negative()
    }

    /// Its absolute value.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self(self.0.abs())
    }

    /// The nearest double.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.to_f64().unwrap_or(f64::NAN)
    }

    /// Sum.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self(&self.0 + &other.0)
    }

    /// Difference.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    /// Product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        Self(&self.0 * &other.0)
    }

    /// As a decimal with at most `digits` significant digits, rounded half away from zero; trailing zeros dropped.
    /// Very large and very small numbers are printed with an exponent.
    #[must_use]
    pub fn to_digits(&self, digits: u32) -> String {
        if self.0.is_zero() {
            return "0".to_owned();
        }
        let sign = if self.0.is_negative() { "-" } else { "" };
        let magnitude = self.0.abs();
        // Position of the first digit: 10^first <= magnitude < 10^(first + 1).
        let length = |n: &BigInt| i32::try_from(n.to_string().len()).unwrap_or(i32::MAX);
        let mut first = length(magnitude.numer()) - length(magnitude.denom());
        if magnitude < Self::scaled(1.into(), first).0 {
            first -= 1;
        }
        let wanted = i32::try_from(digits.max(1)).unwrap_or(i32::MAX).saturating_sub(1);
        let mut kept =
            (&magnitude * Self::scaled(1.into(), wanted - first).0).round().to_integer().to_string();
        // Rounding up may have carried: 9.99 becomes 10.0.
        if kept.len() > digits.max(1) as usize {
            first += 1;
        }
        let significant = kept.trim_end_matches('0').len().max(1);
        kept.truncate(significant);
        let body = match first {
            -7..=-1 => format!("0.{}{kept}", "0".repeat(usize::try_from(-first - 1).unwrap_or(0))),
            0..=20 => {
                let whole = usize::try_from(first).unwrap_or(0) + 1;
                if kept.len() <= whole {
                    format!("{kept}{}", "0".repeat(whole - kept.len()))
                } else {
                    format!("{}.{}", &kept[..whole], &kept[whole..])
                }
            }
            _ if kept.len() == 1 => format!("{kept}e{first}"),
            _ => format!("{}.{}e{first}", &kept[..1], &kept[1..]),
        };
        format!("{sign}{body}")
    }
}

/// With up to 17 significant digits: enough to tell any two doubles apart.
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_digits(17))
    }
}

/// Two numbers as text, short, but with enough digits that different numbers look different.
#[must_use]
pub fn told_apart(a: &Exact, b: &Exact) -> (String, String) {
    for digits in 4..=17 {
        let texts = (a.to_digits(digits), b.to_digits(digits));
        if a.cmp(b) == Ordering::Equal || texts.0 != texts.1 {
            return texts;
        }
    }
    (a.to_digits(60), b.to_digits(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn decimal_arithmetic_is_exact() {
        assert!(Exact::from_f64(0.85).unwrap() >= exact("0.80").plus(&exact("0.05")));
        assert_eq!(Exact::from_f64(0.1).unwrap().plus(&Exact::from_f64(0.2).unwrap()), exact("0.3"));
        assert_eq!(Exact::from_f64(5e-324).unwrap(), exact("5e-324"));
        assert_eq!(Exact::from_f64(-1.797e308).unwrap(), exact("-1.797e308"));
        assert!(Exact::from_f64(f64::NAN).is_none());
    }

    #[test]
    fn reads_decimals_and_nothing_else() {
        assert_eq!(exact("-0.50"), exact("-5e-1"));
        for text in [
            "", "-", ".5", "5.", "1e", "0x1", "1_000", "NaN", "inf", "+1", "1.2.3", "--1", "1e401", "1-2",
            "1.-2",
        ] {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
        assert_eq!(Exact::parse(&"9".repeat(41)), None);
    }

    #[test]
    fn prints_short_and_rounded() {
        for (text, digits, printed) in [
            ("0.9122807017543859", 4, "0.9123"),
            ("0.99999", 4, "1"),
            ("9.996", 3, "10"),
            ("0.95", 4, "0.95"),
            ("-1200", 4, "-1200"),
            ("123456", 4, "123500"),
            ("0.0000001", 4, "0.0000001"),
            ("0.000000012", 4, "1.2e-8"),
            ("1e300", 4, "1e300"),
            ("0", 4, "0"),
        ] {
            assert_eq!(exact(text).to_digits(digits), printed, "{text}");
        }
        assert_eq!(told_apart(&exact("0.94999999"), &exact("0.95")), ("0.94999999".into(), "0.95".into()));
        assert_eq!(told_apart(&exact("0.9"), &exact("0.9")), ("0.9".into(), "0.9".into()));
    }

    #[test]
    fn doubles_survive_the_way_through_text() {
        for value in [0.1, 1.0 / 3.0, 1e22, 123_456_789.123_456_79, 2.5e-7, f64::MAX, f64::MIN_POSITIVE] {
            assert_eq!(Exact::from_f64(value).unwrap().to_string().parse::<f64>().unwrap(), value);
            assert_eq!(Exact::from_f64(value).unwrap().to_f64(), value);
        }
    }
}
