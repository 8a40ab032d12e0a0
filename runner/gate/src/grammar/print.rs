//! Printing gates canonically: one space between words, none before a unit. Parsing the text gives the gate again,
//! except for rules that only the mapping form can write, which are printed with their keys.

use std::fmt::{Display, Formatter, Result};

use super::{
    Bound, Gate, Quantity, Reference, Rule, Selector, Sign, Slice, Term, Test,
    words::{is_bare_metric, is_bare_value},
};
use crate::verdict::Level;

impl Display for Gate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(id) = &self.id {
            write!(f, "{id}: ")?;
        }
        for (i, rule) in self.rules.iter().enumerate() {
            write!(f, "{}{rule}", if i == 0 { "" } else { " and " })?;
        }
        if self.level == Level::Fail { Ok(()) } else { write!(f, " else {}", self.level.word()) }
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {}", self.term, self.test)
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Compare { comparator, bound } => write!(f, "{} {bound}", comparator.sign()),
            Self::Within { lower, upper } => write!(f, "within [{lower}, {upper}]"),
            Self::Relative { relation, reference, margin } => {
                write!(f, "{} {reference} margin {margin}", relation.key())
            }
        }
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(aggregate) = self.aggregate {
            write!(f, "{}(", aggregate.word())?;
        }
        write_metric(f, &self.metric)?;
        for (i, slice) in self.slices.iter().enumerate() {
            f.write_str(if i == 0 { "[" } else { "," })?;
            slice.write(f, self.aggregate.is_some())?;
        }
        if !self.slices.is_empty() {
            f.write_str("]")?;
        }
        if self.aggregate.is_some() { f.write_str(")") } else { Ok(()) }
    }
}

impl Slice {
    /// `region` inside an aggregate, `region=*` outside: the same thing in the words a reader expects.
    fn write(&self, f: &mut Formatter<'_>, aggregated: bool) -> Result {
        write_value(f, &self.column)?;
        match &self.selector {
            Selector::Each if aggregated => Ok(()),
            Selector::Each => f.write_str("=*"),
            Selector::Value(value) => {
                f.write_str("=")?;
                write_value(f, value)
            }
        }
    }
}

impl Display for Bound {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Constant(quantity) => quantity.fmt(f),
            Self::Relative { reference, margin: None } => reference.fmt(f),
            Self::Relative { reference, margin: Some((sign, margin)) } => {
                write!(f, "{reference} {} {margin}", if *sign == Sign::Plus { '+' } else { '-' })
            }
        }
    }
}

impl Display for Reference {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Metric(name) => write_metric(f, name),
            _ => f.write_str(self.name()),
        }
    }
}

impl Display for Quantity {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.text)?;
        self.unit.map_or(Ok(()), |unit| unit.fmt(f))
    }
}

fn write_metric(f: &mut Formatter<'_>, name: &str) -> Result {
    if is_bare_metric(name) { f.write_str(name) } else { write_quoted(f, name) }
}

/// A column or a value of a slice.
pub(crate) fn write_value(f: &mut Formatter<'_>, value: &str) -> Result {
    if is_bare_value(value) { f.write_str(value) } else { write_quoted(f, value) }
}

fn write_quoted(f: &mut Formatter<'_>, text: &str) -> Result {
    f.write_str("\"")?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{character}")?;
    }
    f.write_str("\"")
}
