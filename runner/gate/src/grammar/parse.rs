//! Reads the one-line form. Written by hand, so that every error can say what is wrong, where, and what to write.

use std::{collections::BTreeMap, ops::Range};

use super::{
    Bound, Gate, Quantity, Reference, Rule, Settings, Term, Test,
    cursor::{Parsed, Parser},
    words::{in_id, nearest},
};
use crate::verdict::Level;

/// Why a text is not a gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Bytes of the text that are wrong; empty at the place where something is missing.
    pub range: Range<usize>,
    /// Stable code, such as `gate::unknown-unit`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// Reads a gate. Never panics, whatever the text, and takes time linear in its length.
pub fn parse(text: &str) -> Result<Gate, SyntaxError> {
    gate(Parser { text, at: 0, units: None })
}

/// Reads a gate of a workflow that declares these units of metrics, and refuses bounds beyond what a metric can be: such
/// a rule would always hold, or never.
pub fn parse_within_reach(text: &str, units: &BTreeMap<String, String>) -> Result<Gate, SyntaxError> {
    gate(Parser { text, at: 0, units: Some(units) })
}

fn gate(mut parser: Parser<'_>) -> Result<Gate, SyntaxError> {
    let id = parser.id();
    let mut rules = vec![parser.rule()?];
    let mut level = Level::Fail;
    loop {
        let start = parser.skip_space();
        if parser.at_end() {
            break;
        }
        match parser.peek_word() {
            "and" => {
                parser.take_word();
                rules.push(parser.rule()?);
            }
            "else" => {
                parser.take_word();
                level = parser.level()?;
                parser.end("after the level")?;
                break;
            }
            word => return Err(parser.unexpected_after_rule(start, word)),
        }
    }
    Ok(Gate { id, rules, level, settings: Settings::default() })
}

/// Reads a term alone, as `metric:` of the mapping form has it.
pub(crate) fn parse_term(text: &str) -> Parsed<Term> {
    let mut parser = Parser { text, at: 0, units: None };
    let term = parser.term()?;
    parser.end("after the metric")?;
    Ok(term)
}

/// Reads a number with its unit alone, as margins of the mapping form have it.
pub(crate) fn parse_quantity(text: &str) -> Parsed<Quantity> {
    let mut parser = Parser { text, at: 0, units: None };
    let quantity = parser.quantity("a number")?;
    parser.end("after the number")?;
    Ok(quantity)
}

impl Parser<'_> {
    fn id(&mut self) -> Option<String> {
        let before = self.skip_space();
        let id = self.take_while(in_id);
        self.skip_space();
        if !id.is_empty() && self.take(":") {
            return Some(id.to_owned());
        }
        self.at = before;
        None
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let start = self.skip_space();
        let term = self.term()?;
        self.skip_space();
        let test = if self.peek_word() == "within" {
            self.take_word();
            self.within(&term)?
        } else {
            let comparator = self.comparator()?;
            Test::Compare { comparator, bound: self.bound_of(&term)? }
        };
        let bounds = match &test {
            Test::Compare { bound, .. } => vec![bound],
            Test::Within { lower, upper } => vec![lower, upper],
            Test::Relative { .. } => Vec::new(),
        };
        for bound in bounds {
            if let Bound::Relative { reference: Reference::Metric(name), .. } = bound
                && *name == term.metric
            {
                return Err(Self::error(
                    start..self.at,
                    "gate::compares-with-itself",
                    format!("`{name}` is compared with itself"),
                    Some(
                        "compare with `baseline`, `anchor`, `previous`, a number or another metric"
                            .to_owned(),
                    ),
                ));
            }
        }
        Ok(Rule { term, test })
    }

    fn level(&mut self) -> Parsed<Level> {
        let start = self.skip_space();
        let word = self.take_word();
        let levels = [Level::Fail, Level::Hold, Level::Warn, Level::Info];
        if let Some(level) = levels.into_iter().find(|level| level.word() == word) {
            return Ok(level);
        }
        if word.is_empty() {
            return Err(self.expected("a level (fail, hold, warn, info)", None));
        }
        let meant = match word.to_lowercase().as_str() {
            "warning" => Some("warn"),
            "error" | "block" | "reject" => Some("fail"),
            "pause" | "wait" | "approve" => Some("hold"),
            "ignore" | "note" | "notice" => Some("info"),
            _ => nearest(word, levels.map(Level::word)),
        };
        let help = meant.map_or_else(
            || "one of fail, hold, warn, info".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        Err(Self::error(start..self.at, "gate::unknown-level", format!("unknown level `{word}`"), Some(help)))
    }

    fn unexpected_after_rule(&mut self, start: usize, word: &str) -> SyntaxError {
        if word == "or" || self.rest().starts_with("||") {
            return Self::no_or(start..start + 2);
        }
        let help = match self.peek() {
            Some('&' | ',' | ';') => Some("join rules with `and`".to_owned()),
            Some(':') => Some("an `id` is one word of letters, digits, `_`, `-` and `.`".to_owned()),
            Some('=' | '<' | '>') => {
                Some("a rule has one comparison; for two bounds write `within [low, high]`".to_owned())
            }
            _ => nearest(word, ["and", "else"]).map(|meant| format!("did you mean `{meant}`?")),
        };
        self.expected("`and`, `else` or the end of the gate", help)
    }
}
