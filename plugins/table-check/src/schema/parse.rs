//! From a document (YAML or JSON, as plain values) to a [`Schema`], with every problem named by its place.

use std::fmt::Display;

use serde_json::{Map, Value};

use super::{Bounds, Column, ExtraColumns, Format, Monotone, Ordered, Rules, Schema, Text};
use crate::{csv::Dialect, value};

/// Distinct values that `unique` remembers where the schema does not say: about 130 MiB.
pub const UNIQUE_BUDGET: usize = 7_000_000;

/// Rules that are kept or broken row by row, so that a share of rows may break them.
const ROW_RULES: [&str; 7] = ["type", "range", "set", "regex", "length", "unique", "monotone"];

/// Something in a schema that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Problem {
    /// Where: `columns.age.range.min`.
    pub place: String,
    /// What, and what to write instead.
    pub message: String,
}

/// Reads a schema written as YAML (of which JSON is a part).
pub fn yaml(text: &str) -> Result<Schema, Vec<Problem>> {
    let value: Value = serde_saphyr::from_str(text)
        .map_err(|error| vec![Problem { place: "schema".into(), message: error.to_string() }])?;
    schema(&value)
}

/// Reads a schema, or says everything that is wrong with it.
pub fn schema(document: &Value) -> Result<Schema, Vec<Problem>> {
    let mut problems = Problems(Vec::new());
    let schema = read_schema(document, &mut problems);
    match (schema, problems.0.is_empty()) {
        (Some(schema), true) => Ok(schema),
        _ => Err(problems.0),
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, place: &str, message: impl Display) {
        self.0.push(Problem { place: place.to_owned(), message: message.to_string() });
    }

    fn expected(&mut self, place: &str, what: &str, found: &Value) {
        self.add(place, format_args!("expected {what}, found {found}"));
    }
}

/// A mapping of which every key is known.
struct Mapping<'a> {
    place: String,
    entries: Option<&'a Map<String, Value>>,
}

impl<'a> Mapping<'a> {
    fn new(place: &str, value: &'a Value, keys: &[&str], problems: &mut Problems) -> Self {
        let entries = value.as_object();
        if entries.is_none() && !value.is_null() {
            problems.expected(place, "a mapping", value);
        }
        for key in entries.into_iter().flat_map(Map::keys).filter(|key| !keys.contains(&key.as_str())) {
            problems.add(place, format_args!("unknown key `{key}`: there are {}", keys.join(", ")));
        }
        Self { place: place.to_owned(), entries }
    }

    fn get(&self, key: &str) -> Option<(String, &'a Value)> {
        let value = self.entries?.get(key)?;
        Some((format!("{}.{key}", self.place), value))
    }

    fn flag(&self, key: &str, problems: &mut Problems) -> bool {
        self.get(key).is_some_and(|(place, value)| {
            value.as_bool().unwrap_or_else(|| {
                problems.expected(&place, "true or false", value);
                false
            })
        })
    }

    fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let (place, value) = self.get(key)?;
        let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            problems.expected(&place, &format!("one of {}", known.join(", ")), value);
        }
        found.map(|(_, meaning)| *meaning)
    }

    fn bounds<T: PartialOrd + Copy>(
        &self,
        key: &str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
        problems: &mut Problems,
    ) -> Bounds<T> {
        self.get(key)
            .map_or_else(Bounds::default, |(place, value)| bounds(&place, value, what, read, problems))
    }
}

fn bounds<T: PartialOrd + Copy>(
    place: &str,
    value: &Value,
    what: &str,
    read: impl Fn(&Value) -> Option<T>,
    problems: &mut Problems,
) -> Bounds<T> {
    let mapping = Mapping::new(place, value, &["min", "max"], problems);
    let mut side = |key: &str| {
        let (place, value) = mapping.get(key)?;
        let read = read(value);
        if read.is_none() {
            problems.expected(&place, what, value);
        }
        read
    };
    let bounds = Bounds { min: side("min"), max: side("max") };
    if mapping.entries.is_none_or(Map::is_empty) {
        problems.add(place, "give `min`, `max` or both");
    }
    if let (Some(min), Some(max)) = (bounds.min, bounds.max)
        && min > max
    {
        problems.add(place, "`min` is above `max`");
    }
    bounds
}

fn read_schema(document: &Value, problems: &mut Problems) -> Option<Schema> {
    const KEYS: [&str; 6] = ["format", "csv", "rows", "extra-columns", "unique-budget", "columns"];
    let mapping = Mapping::new("schema", document, &KEYS, problems);
    let format = mapping.word("format", &[("csv", Format::Csv), ("parquet", Format::Parquet)], problems);
    let policies =
        [("deny", ExtraColumns::Deny), ("warn", ExtraColumns::Warn), ("allow", ExtraColumns::Allow)];
    let extra_columns = mapping.word("extra-columns", &policies, problems).unwrap_or(ExtraColumns::Deny);
    let (dialect, nulls) = csv_options(&mapping, problems);
    let rows = mapping.bounds("rows", "a whole number of rows", Value::as_u64, problems);
    let unique_budget = match mapping.get("unique-budget") {
        None => UNIQUE_BUDGET,
        Some((place, value)) => {
            value.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_else(|| {
                problems.expected(&place, "a whole number of values", value);
                0
            })
        }
    };
    let Some((place, columns)) = mapping.get("columns") else {
        problems.add("schema", "`columns` is missing: name each column with its rules");
        return None;
    };
    let Some(columns) = columns.as_object() else {
        problems.expected(&place, "a mapping from column names to rules", columns);
        return None;
    };
    let columns = columns
        .iter()
        .filter_map(|(name, rules)| column(name, &format!("columns.{name}"), rules, problems))
        .collect();
    Some(Schema { format, dialect, nulls, rows, extra_columns, unique_budget, columns })
}

fn csv_options(schema: &Mapping<'_>, problems: &mut Problems) -> (Dialect, Vec<String>) {
    let mut dialect = Dialect::default();
    let mut nulls = vec![String::new()];
    let Some((place, value)) = schema.get("csv") else { return (dialect, nulls) };
    let csv = Mapping::new(&place, value, &["delimiter", "quote", "missing"], problems);
    if let Some((place, value)) = csv.get("delimiter") {
        match value.as_str().map(str::as_bytes) {
            Some(&[byte]) if byte.is_ascii() && !b"\r\n".contains(&byte) => dialect.delimiter = byte,
            Some(b"tab") => dialect.delimiter = b'\t',
            _ => problems.expected(&place, "one ASCII character, or `tab`", value),
        }
    }
    if let Some((place, value)) = csv.get("quote") {
        match value.as_str().map(str::as_bytes) {
            Some(b"none") => dialect.quote = None,
            Some(&[byte]) if byte.is_ascii() && !b"\r\n".contains(&byte) => dialect.quote = Some(byte),
            _ => problems.expected(&place, "one ASCII character, or `none`", value),
        }
    }
    if dialect.quote == Some(dialect.delimiter) {
        problems.add(&place, "`delimiter` and `quote` are the same character");
    }
    if let Some((place, value)) = csv.get("missing") {
        nulls = texts(&place, value, problems);
    }
    (dialect, nulls)
}

fn column(name: &str, place: &str, value: &Value, problems: &mut Problems) -> Option<Column> {
    const KEYS: [&str; 14] = [
        "type",
        "optional",
        "required",
        "null-share",
        "range",
        "set",
        "regex",
        "length",
        "unique",
        "monotone",
        "mean",
        "median",
        "quantiles",
        "mostly",
    ];
    let mapping = Mapping::new(place, value, &KEYS, problems);
    let rules = rules(&mapping, problems);
    let column = Column {
        name: name.to_owned(),
        optional: mapping.flag("optional", problems),
        required: mapping.flag("required", problems),
        null_share: mapping.bounds("null-share", "a share from 0 to 1", share, problems),
        unique: mapping.flag("unique", problems),
        mostly: mostly(&mapping, problems),
        rules: rules?,
    };
    if column.required && !column.null_share.is_open() {
        problems
            .add(place, "`required` allows no missing value, so `null-share` says nothing: drop one of them");
    }
    Some(column)
}

fn rules(mapping: &Mapping<'_>, problems: &mut Problems) -> Option<Rules> {
    const TYPES: [&str; 6] = ["integer", "number", "boolean", "string", "date", "timestamp"];
    let Some((type_place, value)) = mapping.get("type") else {
        problems.add(&mapping.place, format_args!("`type` is missing: one of {}", TYPES.join(", ")));
        return None;
    };
    let numeric = ["range", "set", "monotone", "mean", "median", "quantiles"];
    let (allowed, rules): (&[&str], Rules) = match value.as_str() {
        Some("integer") => (&numeric, Rules::Integer(ordered(mapping, "a whole number", whole, problems))),
        Some("number") => (&numeric, Rules::Number(ordered(mapping, "a number", Value::as_f64, problems))),
        Some("date") => {
            let day = |value: &Value| value.as_str().and_then(|text| value::date(text.as_bytes()));
            (&numeric[..3], Rules::Date(ordered(mapping, "a date such as 2026-01-31", day, problems)))
        }
        Some("timestamp") => {
            let what = "a timestamp such as 2026-01-31T12:00:00Z";
            (&numeric[..3], Rules::Timestamp(ordered(mapping, what, instant, problems)))
        }
        Some("boolean") => (&[], Rules::Boolean),
        Some("string") => (&["set", "regex", "length"], Rules::String(text(mapping, problems))),
        _ => {
            problems.expected(&type_place, &format!("one of {}", TYPES.join(", ")), value);
            return None;
        }
    };
    for rule in numeric.iter().chain(&["regex", "length"]) {
        if mapping.get(rule).is_some() && !allowed.contains(rule) {
            problems.add(
                &mapping.place,
                format_args!("`{rule}` says nothing about a column of type {}", rules.name()),
            );
        }
    }
    Some(rules)
}

fn ordered<T: PartialOrd + Copy>(
    mapping: &Mapping<'_>,
    what: &str,
    read: impl Fn(&Value) -> Option<T>,
    problems: &mut Problems,
) -> Ordered<T> {
    const WORDS: [(&str, Monotone); 4] = [
        ("increasing", Monotone::Increasing),
        ("strictly-increasing", Monotone::StrictlyIncreasing),
        ("decreasing", Monotone::Decreasing),
        ("strictly-decreasing", Monotone::StrictlyDecreasing),
    ];
    let range = mapping.bounds("range", what, &read, problems);
    let set = mapping.get("set").map_or_else(Vec::new, |(place, value)| {
        items(&place, value, problems)
            .iter()
            .filter_map(|item| {
                let member = read(item);
                if member.is_none() {
                    problems.expected(&place, what, item);
                }
                member
            })
            .collect()
    });
    let mut quantiles = Vec::new();
    if let Some((place, value)) = mapping.get("median") {
        quantiles.push((0.5, bounds(&place, value, "a number", Value::as_f64, problems)));
    }
    if let Some((place, value)) = mapping.get("quantiles") {
        let entries = value.as_object();
        if entries.is_none() {
            problems.expected(&place, "a mapping from shares to bounds, such as `0.9: { max: 10 }`", value);
        }
        for (key, value) in entries.into_iter().flatten() {
            let place = format!("{place}.{key}");
            match key.parse().ok().filter(|share| (0.0..=1.0).contains(share)) {
                Some(share) => {
                    quantiles.push((share, bounds(&place, value, "a number", Value::as_f64, problems)));
                }
                None => problems.add(&place, "a quantile is named by a share from 0 to 1"),
            }
        }
    }
    Ordered {
        range,
        set,
        monotone: mapping.word("monotone", &WORDS, problems),
        mean: mapping.bounds("mean", "a number", Value::as_f64, problems),
        quantiles,
    }
}

fn text(mapping: &Mapping<'_>, problems: &mut Problems) -> Text {
    let set = mapping.get("set").map_or_else(Vec::new, |(place, value)| texts(&place, value, problems));
    let regex = mapping.get("regex").and_then(|(place, value)| {
        let Some(pattern) = value.as_str() else {
            problems.expected(&place, "a regular expression", value);
            return None;
        };
        regex::bytes::Regex::new(pattern).map_err(|error| problems.add(&place, error)).ok()
    });
    Text { set, regex, length: mapping.bounds("length", "a whole number", Value::as_u64, problems) }
}

fn mostly(mapping: &Mapping<'_>, problems: &mut Problems) -> Vec<(&'static str, f64)> {
    let Some((place, value)) = mapping.get("mostly") else { return Vec::new() };
    if let Some(share) = share(value) {
        return ROW_RULES.iter().map(|rule| (*rule, share)).collect();
    }
    let Some(entries) = value.as_object() else {
        problems.expected(&place, "a share from 0 to 1, or a mapping from rules to shares", value);
        return Vec::new();
    };
    let mut shares = Vec::new();
    for (key, value) in entries {
        let rule = ROW_RULES.iter().find(|rule| *rule == key);
        match (rule, share(value)) {
            (Some(rule), Some(share)) => shares.push((*rule, share)),
            (None, _) => problems.add(
                &place,
                format_args!("`{key}` is not kept or broken row by row: there are {}", ROW_RULES.join(", ")),
            ),
            (_, None) => problems.expected(&format!("{place}.{key}"), "a share from 0 to 1", value),
        }
    }
    shares
}

fn items<'a>(place: &str, value: &'a Value, problems: &mut Problems) -> &'a [Value] {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        problems.expected(place, "a list of values", value);
    }
    items
}

fn texts(place: &str, value: &Value, problems: &mut Problems) -> Vec<String> {
    let mut texts = Vec::new();
    for item in items(place, value, problems) {
        match item.as_str() {
            Some(text) => texts.push(text.to_owned()),
            None => problems.expected(place, "text (put it in quotes)", item),
        }
    }
    texts
}

fn share(value: &Value) -> Option<f64> {
    value.as_f64().filter(|share| (0.0..=1.0).contains(share))
}

/// A whole number, also where YAML wrote it as `1.0` or `1e3`.
fn whole(value: &Value) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the integers that f64 holds exactly"
    )]
    let from_float = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(from_float))
}

/// A timestamp, or a date for its first instant.
fn instant(value: &Value) -> Option<i64> {
    let text = value.as_str()?.as_bytes();
    value::timestamp(text).or_else(|| value::date(text).map(|days| days * 86_400_000_000))
}
