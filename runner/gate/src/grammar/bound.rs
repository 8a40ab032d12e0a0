//! The right side of a rule: comparisons, references, margins, units.

use std::ops::Range;

use super::{
    Bound, Comparator, Quantity, Reference, Sign, SyntaxError, Term, Test,
    cursor::{Parsed, Parser},
    words::{is_not_finite, nearest},
};
use crate::{exact::Exact, reach, unit::Unit};

impl Parser<'_> {
    pub(super) fn comparator(&mut self) -> Parsed<Comparator> {
        let start = self.skip_space();
        let signs = self.take_while(|character| "=<>!~≥≤≠".contains(character));
        if let Some(comparator) = Comparator::ALL.into_iter().find(|comparator| comparator.sign() == signs) {
            return Ok(comparator);
        }
        let range = start..self.at;
        let meant = match signs {
            "=>" | "≥" | ">==" => Some(">="),
            "=<" | "≤" | "<==" => Some("<="),
            "=" | "===" => Some("=="),
            ">>" => Some(">"),
            "<<" => Some("<"),
            "" => {
                if self.peek() == Some('-') {
                    let help =
                        "a metric's name with `-` needs double quotes: `\"my-metric\" >= 1`".to_owned();
                    return Err(self.expected("a comparison (>=, <=, >, <, ==) or `within`", Some(help)));
                }
                let help = nearest(self.peek_word(), ["within"])
                    .map_or("write the rule as `metric >= number`".to_owned(), |word| {
                        format!("did you mean `{word}`?")
                    });
                return Err(self.expected("a comparison (>=, <=, >, <, ==) or `within`", Some(help)));
            }
            _ => None,
        };
        let help = meant.map_or_else(
            || "one of >=, <=, >, <, ==, or `within [low, high]`".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        Err(Self::error(
            range,
            "gate::unknown-comparator",
            format!("unknown comparison `{signs}`"),
            Some(help),
        ))
    }

    pub(super) fn within(&mut self, term: &Term) -> Parsed<Test> {
        let start = self.skip_space();
        let help = || Some("write `metric within [low, high]`".to_owned());
        if !self.take("[") {
            return Err(self.expected("`[`", help()));
        }
        let lower = self.bound_of(term)?;
        self.skip_space();
        if !self.take(",") {
            return Err(self.expected("`,`", help()));
        }
        let upper = self.bound_of(term)?;
        self.skip_space();
        if !self.take("]") {
            return Err(self.expected("`]`", help()));
        }
        if let (Bound::Constant(low), Bound::Constant(high)) = (&lower, &upper)
            && low.unit == high.unit
            && low.value > high.value
        {
            return Err(Self::error(
                start..self.at,
                "gate::empty-range",
                format!("nothing lies within [{low}, {high}]"),
                Some(format!("did you mean `[{high}, {low}]`?")),
            ));
        }
        Ok(Test::Within { lower, upper })
    }

    pub(super) fn bound_of(&mut self, term: &Term) -> Parsed<Bound> {
        let start = self.skip_space();
        let bound = self.bound()?;
        if let Some(beyond) = self.units.and_then(|units| reach::of_bound(term, &bound, units)) {
            return Err(Self::error(start..self.at, reach::CODE, beyond.message, Some(beyond.help)));
        }
        Ok(bound)
    }

    fn bound(&mut self) -> Parsed<Bound> {
        let start = self.skip_space();
        let next = self.peek();
        if next.is_some_and(|character| character.is_ascii_digit() || "-+.".contains(character)) {
            return Ok(Bound::Constant(self.quantity("a number")?));
        }
        let reference = match self.peek_word() {
            "baseline" => Some(Reference::Baseline),
            "anchor" => Some(Reference::Anchor),
            "previous" => Some(Reference::Previous),
            _ => None,
        };
        let reference = if let Some(reference) = reference {
            self.take_word();
            reference
        } else {
            let word = self.peek_word();
            if is_not_finite(word) {
                let range = start..start + word.len();
                return Err(Self::error(
                    range,
                    "gate::number",
                    format!("`{word}` is not a bound: it must be finite"),
                    None,
                ));
            }
            Reference::Metric(self.metric("a number, `baseline`, `anchor`, `previous` or another metric")?.0)
        };
        let before = self.at;
        self.skip_space();
        let sign = if self.take("+") {
            Sign::Plus
        } else if self.take("-") {
            Sign::Minus
        } else {
            self.at = before;
            return Ok(Bound::Relative { reference, margin: None });
        };
        let start = self.skip_space();
        if matches!(self.peek(), Some('-' | '+')) {
            let range = start..start + 1;
            let help = "the sign before the margin says on which side it lies".to_owned();
            return Err(Self::error(range, "gate::number", "a margin has no sign of its own", Some(help)));
        }
        Ok(Bound::Relative {
            reference,
            margin: Some((sign, self.quantity("a margin, such as `1%` or `0.2pp`")?)),
        })
    }

    pub(super) fn quantity(&mut self, what: &str) -> Parsed<Quantity> {
        let start = self.skip_space();
        self.take("-");
        self.take_while(|character| character.is_ascii_digit() || character == '.');
        let mantissa = self.at;
        if self.take("e") || self.take("E") {
            let _ = self.take("-") || self.take("+");
            if self.take_while(|character| character.is_ascii_digit()).is_empty() {
                self.at = mantissa;
            }
        }
        let text = &self.text[start..self.at];
        let Some(value) = Exact::parse(text) else {
            if !text.contains(|character: char| character.is_ascii_digit()) && !text.starts_with('.') {
                self.at = start;
                let help = (self.peek() == Some('+')).then(|| "write the number without `+`".to_owned());
                return Err(self.expected(what, help));
            }
            let help = if text.trim_start_matches('-').starts_with('.') {
                format!("write `{}`", text.replacen('.', "0.", 1))
            } else {
                "a number is written as `12`, `0.5`, `-3` or `1e-4`, with at most 40 digits and exponents up to 400".to_owned()
            };
            let message = format!("`{text}` is not a number");
            return Err(Self::error(start..self.at, "gate::number", message, Some(help)));
        };
        Ok(Quantity { text: text.to_owned(), value, unit: self.unit()? })
    }

    pub(super) fn unit(&mut self) -> Parsed<Option<Unit>> {
        let before = self.at;
        let start = self.skip_space();
        if self.take("%") {
            return Ok(Some(Unit::Percent));
        }
        let word = self.take_word();
        if let Some(unit) = Unit::from_word(word) {
            return Ok(Some(unit));
        }
        if word.is_empty() || ["and", "else"].contains(&word) {
            self.at = before;
            return Ok(None);
        }
        let meant = match word.to_lowercase().as_str() {
            "sec" | "secs" | "second" | "seconds" => Some("s"),
            "msec" | "millis" | "milliseconds" => Some("ms"),
            "min" | "mins" | "minute" | "minutes" => Some("m"),
            "hour" | "hours" | "hr" => Some("h"),
            "percent" | "pct" => Some("%"),
            "ppt" | "points" => Some("pp"),
            "bytes" | "byte" => Some("B"),
            "or" => return Err(Self::no_or(start..self.at)),
            _ => nearest(word, Unit::ALL.map(Unit::word)).or_else(|| nearest(word, ["and", "else"])),
        };
        let help = meant.map_or_else(
            || "units: ms s m h, B KB MB GB KiB MiB GiB, %, pp".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        Err(Self::error(start..self.at, "gate::unknown-unit", format!("unknown unit `{word}`"), Some(help)))
    }

    pub(super) fn no_or(range: Range<usize>) -> SyntaxError {
        let help = "every rule of a gate must be met; write two gates, or a weaker bound".to_owned();
        Self::error(range, "gate::no-or", "a gate has no `or`", Some(help))
    }
}
