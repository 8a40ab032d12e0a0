//! The left side of a rule: metrics, slices, aggregates.

use std::ops::Range;

use super::{
    Aggregate, Selector, Slice, Term,
    cursor::{Parsed, Parser},
    words::{RESERVED, nearest, reference_prefix},
};

impl Parser<'_> {
    pub(super) fn term(&mut self) -> Parsed<Term> {
        let start = self.skip_space();
        let (metric, quoted) = self.metric("a metric")?;
        let after_name = self.at;
        self.skip_space();
        if !quoted && self.take("(") {
            let aggregate = Self::aggregate(&metric, start..after_name)?;
            self.skip_space();
            let (metric, _) = self.metric("a metric inside the parentheses")?;
            let slices = self.slices()?;
            self.skip_space();
            if !self.take(")") {
                return Err(self.expected("`)`", None));
            }
            if slices.is_empty() {
                let word = aggregate.word();
                return Err(Self::error(
                    start..self.at,
                    "gate::aggregate-of-nothing",
                    format!("`{word}` needs slices to go over"),
                    Some(format!("name the columns: `{word}({metric}[column])`")),
                ));
            }
            return Ok(Term { aggregate: Some(aggregate), metric, slices });
        }
        self.at = after_name;
        let slices = self.slices()?;
        Ok(Term { aggregate: None, metric, slices })
    }

    pub(super) fn metric(&mut self, what: &str) -> Parsed<(String, bool)> {
        let start = self.skip_space();
        if self.peek() == Some('"') {
            return Ok((self.quoted()?, true));
        }
        let word = self.take_word();
        let range = start..self.at;
        if word.is_empty() {
            let help = (self.peek().is_some_and(|c| c.is_ascii_digit()))
                .then(|| "the metric stands on the left: `auc >= 0.9`; a name that starts with a digit needs double quotes".to_owned());
            return Err(self.expected(what, help));
        }
        if RESERVED.contains(&word) {
            let help = if RESERVED[3..].contains(&word) {
                format!("`{word}` stands on the right of a comparison: `auc >= {word} - 1%`")
            } else {
                format!("a metric of that name needs double quotes: `\"{word}\"`")
            };
            return Err(Self::error(
                range,
                "gate::syntax",
                format!("expected {what}, found `{word}`"),
                Some(help),
            ));
        }
        if let Some(prefix) = reference_prefix(word) {
            return Err(Self::error(
                range,
                "gate::reference-with-metric",
                format!("`{word}` names a metric of the {prefix}"),
                Some(format!("write `{prefix}` alone: it stands for the same metric and slice")),
            ));
        }
        Ok((word.to_owned(), false))
    }

    pub(super) fn aggregate(word: &str, range: Range<usize>) -> Parsed<Aggregate> {
        if let Some(aggregate) = Aggregate::ALL.into_iter().find(|aggregate| aggregate.word() == word) {
            return Ok(aggregate);
        }
        let meant = match word {
            "avg" | "average" => Some("mean"),
            "range" | "gap" | "diff" => Some("spread"),
            "worst" | "lowest" | "minimum" => Some("min"),
            "maximum" | "highest" => Some("max"),
            "len" | "size" | "n" => Some("count"),
            _ => nearest(word, Aggregate::ALL.map(Aggregate::word)),
        };
        let words = "min, max, mean, median, spread, count";
        Err(Self::error(
            range,
            "gate::unknown-aggregate",
            format!("unknown aggregate `{word}`"),
            Some(meant.map_or_else(|| format!("one of {words}"), |meant| format!("did you mean `{meant}`?"))),
        ))
    }

    pub(super) fn slices(&mut self) -> Parsed<Vec<Slice>> {
        let before = self.at;
        self.skip_space();
        if !self.take("[") {
            self.at = before;
            return Ok(Vec::new());
        }
        let mut slices: Vec<Slice> = Vec::new();
        loop {
            let start = self.skip_space();
            let column = self.value("a column")?;
            if slices.iter().any(|slice| slice.column == column) {
                let message = format!("column `{column}` is named twice");
                return Err(Self::error(start..self.at, "gate::repeated-column", message, None));
            }
            self.skip_space();
            let selector = if self.take("==") || self.take("=") {
                self.skip_space();
                if self.take("*") { Selector::Each } else { Selector::Value(self.value("a value or `*`")?) }
            } else {
                Selector::Each
            };
            slices.push(Slice { column, selector });
            self.skip_space();
            if self.take("]") {
                return Ok(slices);
            }
            if !self.take(",") {
                let help =
                    "a value with spaces or signs needs double quotes: `[city=\"New York\"]`".to_owned();
                return Err(self.expected("`,` or `]`", Some(help)));
            }
        }
    }
}
