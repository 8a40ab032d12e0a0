//! Reads the values of keys, collecting every problem.

use serde_json::{Map, Value};

use super::MappingProblem;
use crate::{
    exact::Exact,
    grammar::{
        Better, Method, OnInconclusive, OnMissing, Quantity, Reference, Term, is_id, nearest, parse_quantity,
        parse_term,
    },
    stats::correction::Correction,
    unit::Unit,
    verdict::Level,
};

#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<MappingProblem>,
}

/// A key as a part of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

impl Reader {
    pub(super) fn report(
        &mut self,
        pointer: &str,
        code: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.problems.push(MappingProblem {
            pointer: pointer.to_owned(),
            code,
            message: message.into(),
            help,
        });
    }

    fn wrong_type(&mut self, pointer: &str, wanted: &str, value: &Value) {
        let message = format!("expected {wanted}, found {}", kind(value));
        self.report(pointer, "gate::type", message, None);
    }

    pub(super) fn unknown_keys<'k>(
        &mut self,
        pointer: &str,
        map: &Map<String, Value>,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let help = nearest(key, known.iter().copied()).map_or_else(
                || format!("keys: {}", known.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            let pointer = format!("{pointer}/{}", escaped(key));
            self.report(&pointer, "gate::unknown-key", format!("unknown key `{key}`"), Some(help));
        }
    }

    pub(super) fn text(&mut self, pointer: &str, value: &Value) -> Option<String> {
        match value {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::String(_) => {
                self.report(pointer, "gate::type", "the text is empty", None);
                None
            }
            _ => {
                self.wrong_type(pointer, "text", value);
                None
            }
        }
    }

    /// One of some words.
    pub(super) fn word(
        &mut self,
        pointer: &str,
        value: &Value,
        words: &[&'static str],
    ) -> Option<&'static str> {
        let text = self.text(pointer, value)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let help = nearest(&text, words.iter().copied()).map_or_else(
                || format!("one of {}", words.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            self.report(pointer, "gate::unknown-word", format!("`{text}` is not known here"), Some(help));
        }
        found
    }

    pub(super) fn id(&mut self, pointer: &str, value: &Value) -> Option<String> {
        let text = self.text(pointer, value)?;
        if !is_id(&text) {
            let help = "an `id` is one word of letters, digits, `_`, `-` and `.`".to_owned();
            self.report(pointer, "gate::id", format!("`{text}` is not an id"), Some(help));
        }
        Some(text)
    }

    pub(super) fn level(&mut self, pointer: &str, value: &Value) -> Level {
        match self.word(pointer, value, &["fail", "hold", "warn", "info"]) {
            Some("hold") => Level::Hold,
            Some("warn") => Level::Warn,
            Some("info") => Level::Info,
            _ => Level::Fail,
        }
    }

    pub(super) fn on_missing(&mut self, pointer: &str, value: &Value) -> OnMissing {
        match self.word(pointer, value, &["fail", "warn"]) {
            Some("warn") => OnMissing::Warn,
            _ => OnMissing::Fail,
        }
    }

    pub(super) fn better(&mut self, pointer: &str, value: &Value) -> Option<Better> {
        match self.word(pointer, value, &["higher", "lower"])? {
            "lower" => Some(Better::Lower),
            _ => Some(Better::Higher),
        }
    }

    pub(super) fn on_inconclusive(&mut self, pointer: &str, value: &Value) -> OnInconclusive {
        match value {
            Value::Object(map) => {
                let level = |(event, value): (&String, &Value)| {
                    (event.clone(), self.level(&format!("{pointer}/{}", escaped(event)), value))
                };
                OnInconclusive { always: None, by_event: map.iter().map(level).collect() }
            }
            _ => OnInconclusive { always: Some(self.level(pointer, value)), by_event: Vec::new() },
        }
    }

    pub(super) fn method(&mut self, pointer: &str, value: &Value) -> Option<Method> {
        let word = self.word(pointer, value, &Method::ALL.map(Method::word))?;
        Method::ALL.into_iter().find(|method| method.word() == word)
    }

    pub(super) fn correction(&mut self, pointer: &str, value: &Value) -> Option<Correction> {
        Some(match self.word(pointer, value, &["holm", "bh", "none"])? {
            "holm" => Correction::Holm,
            "bh" => Correction::BenjaminiHochberg,
            _ => Correction::None,
        })
    }

    /// Fewer would not carry an interval, and more would take hours.
    pub(super) fn resamples(&mut self, pointer: &str, value: &Value) -> Option<u64> {
        let count = self.count(pointer, value)?;
        if (100..=1_000_000).contains(&count) {
            return Some(count);
        }
        let help = Some("2000 are usual".to_owned());
        self.report(pointer, "gate::number", format!("{count} does not lie between 100 and 1000000"), help);
        None
    }

    pub(super) fn count(&mut self, pointer: &str, value: &Value) -> Option<u64> {
        let count = value.as_u64();
        if count.is_none() {
            self.wrong_type(pointer, "a whole number, not negative", value);
        }
        count
    }

    /// A number between 0 and 1, both excluded.
    pub(super) fn share(&mut self, pointer: &str, value: &Value) -> Option<f64> {
        match value.as_f64() {
            Some(share) if share > 0.0 && share < 1.0 => Some(share),
            Some(share) => {
                let help = (1.0..100.0).contains(&share).then(|| format!("write `{}`", share / 100.0));
                self.report(pointer, "gate::number", format!("{share} does not lie between 0 and 1"), help);
                None
            }
            None => {
                self.wrong_type(pointer, "a number between 0 and 1", value);
                None
            }
        }
    }

    pub(super) fn term(&mut self, pointer: &str, value: &Value) -> Option<Term> {
        let text = self.text(pointer, value)?;
        match parse_term(&text) {
            Ok(term) => Some(term),
            Err(error) => {
                self.report(pointer, error.code, error.message, error.help);
                None
            }
        }
    }

    /// A number, or text with a unit.
    pub(super) fn quantity(
        &mut self,
        pointer: &str,
        value: &Value,
        may_be_negative: bool,
    ) -> Option<Quantity> {
        let quantity = match value {
            Value::Number(number) => {
                let text = number.to_string();
                Exact::parse(&text).map(|value| Quantity { text, value, unit: None })
            }
            Value::String(text) => match parse_quantity(text) {
                Ok(quantity) => Some(quantity),
                Err(error) => {
                    let help = if text.contains("baseline")
                        || text.contains("anchor")
                        || text.contains("previous")
                    {
                        Some(
                            "for a comparison write `no-worse-than: { ref: baseline, margin: 1% }`"
                                .to_owned(),
                        )
                    } else {
                        error.help
                    };
                    self.report(pointer, error.code, error.message, help);
                    return None;
                }
            },
            _ => {
                self.wrong_type(pointer, "a number, or text with a unit such as `50ms`", value);
                return None;
            }
        };
        match &quantity {
            None => self.report(pointer, "gate::number", format!("{value} is not a usable number"), None),
            Some(quantity) if quantity.value.is_negative() && !may_be_negative => {
                self.report(pointer, "gate::number", format!("the margin {quantity} is negative"), None);
                return None;
            }
            Some(_) => {}
        }
        quantity
    }

    /// `{ ref: baseline, margin: 1% }`.
    pub(super) fn relative(&mut self, pointer: &str, value: &Value) -> Option<(Reference, Quantity)> {
        let Some(map) = value.as_object() else {
            self.wrong_type(pointer, "a mapping such as `{ ref: baseline, margin: 1% }`", value);
            return None;
        };
        self.unknown_keys(pointer, map, ["ref", "margin"]);
        let zero = || Quantity { text: "0".to_owned(), value: Exact::integer(0), unit: None::<Unit> };
        let margin = match map.get("margin") {
            Some(margin) => self.quantity(&format!("{pointer}/margin"), margin, false),
            None => Some(zero()),
        };
        let reference = if let Some(reference) = map.get("ref") {
            self.reference(&format!("{pointer}/ref"), reference)
        } else {
            let help = "add `ref: baseline`, `anchor`, `previous` or another metric".to_owned();
            self.report(pointer, "gate::no-reference", "it does not say compared with what", Some(help));
            None
        };
        reference.zip(margin)
    }

    fn reference(&mut self, pointer: &str, value: &Value) -> Option<Reference> {
        let text = self.text(pointer, value)?;
        match text.as_str() {
            "baseline" => return Some(Reference::Baseline),
            "anchor" => return Some(Reference::Anchor),
            "previous" => return Some(Reference::Previous),
            _ => {}
        }
        match parse_term(&text) {
            Ok(term) if term.aggregate.is_none() && term.slices.is_empty() => {
                Some(Reference::Metric(term.metric))
            }
            Ok(_) => {
                let help = "name the metric alone: it is taken on the same slice".to_owned();
                self.report(pointer, "gate::reference", format!("`{text}` is not a reference"), Some(help));
                None
            }
            Err(error) => {
                self.report(pointer, error.code, error.message, error.help);
                None
            }
        }
    }

    /// `[region, [region, device]]`, or one column.
    pub(super) fn families(&mut self, pointer: &str, value: &Value) -> Vec<Vec<String>> {
        let entries = match value {
            Value::Array(entries) => entries.as_slice(),
            single => std::slice::from_ref(single),
        };
        let mut families: Vec<Vec<String>> = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            let pointer = format!("{pointer}/{i}");
            let family = match entry {
                Value::Array(columns) => self.texts(&pointer, columns),
                single => self.text(&pointer, single).into_iter().collect(),
            };
            let repeated = family.iter().enumerate().any(|(i, column)| family[..i].contains(column));
            if repeated || families.contains(&family) {
                self.report(&pointer, "gate::repeated-column", "the same columns are named twice", None);
            } else if !family.is_empty() {
                families.push(family);
            }
        }
        families
    }

    fn texts(&mut self, pointer: &str, values: &[Value]) -> Vec<String> {
        let texts = values.iter().enumerate().map(|(i, value)| self.scalar(&format!("{pointer}/{i}"), value));
        texts.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// Text, or what YAML takes for a number or a boolean and a column holds as text.
    fn scalar(&mut self, pointer: &str, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
            _ => {
                self.wrong_type(pointer, "a value", value);
                None
            }
        }
    }

    /// `{ region: [XX] }`.
    pub(super) fn exceptions(&mut self, pointer: &str, value: &Value) -> Vec<(String, Vec<String>)> {
        let Some(map) = value.as_object() else {
            self.wrong_type(pointer, "a mapping such as `{ region: [XX] }`", value);
            return Vec::new();
        };
        let mut exceptions = Vec::new();
        for (column, values) in map {
            let pointer = format!("{pointer}/{}", escaped(column));
            let values = match values {
                Value::Array(values) => self.texts(&pointer, values),
                single => self.scalar(&pointer, single).into_iter().collect(),
            };
            exceptions.push((column.clone(), values));
        }
        exceptions
    }
}
