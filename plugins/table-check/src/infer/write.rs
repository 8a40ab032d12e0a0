//! Writes a profile as a schema in YAML.

use std::fmt::Write as _;

use super::{
    Profile,
    profile::{ColumnProfile, Seen},
    round,
};
use crate::value;

/// Rows per different value from which on a text counts as one of a few.
const ROWS_PER_MEMBER: u64 = 5;
/// Different whole numbers up to which they are classes or flags rather than amounts.
const FEW: usize = 5;
/// Rows below which nothing is concluded from values not repeating.
const ROWS_FOR_UNIQUE: u64 = 20;

pub(super) fn schema(profile: &Profile, source: &str) -> String {
    let mut text = String::new();
    let rows = profile.rows;
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "# Inferred from {} with {rows} rows. Review every line: it says what was seen, widened a",
        one_line(source)
    );
    let _ = writeln!(text, "# little, and not what is right.");
    if profile.faults > 0 {
        let _ = writeln!(text, "# {} of the rows could not be read; a check names them.", profile.faults);
    }
    let nulls = nulls(profile);
    if profile.delimiter != b',' || !nulls.is_empty() {
        let _ = writeln!(text, "csv:");
        if profile.delimiter != b',' {
            let delimiter = if profile.delimiter == b'\t' {
                "tab".into()
            } else {
                char::from(profile.delimiter).to_string()
            };
            let _ = writeln!(text, "  delimiter: {}", quoted(&delimiter));
        }
        if !nulls.is_empty() {
            let words: Vec<_> =
                std::iter::once("\"\"".to_owned()).chain(nulls.iter().map(|word| quoted(word))).collect();
            let _ = writeln!(text, "  missing: [{}]", words.join(", "));
        }
    }
    // A table without rows fits its own schema too.
    let _ = writeln!(text, "rows: {{ min: {} }}\nextra-columns: deny\ncolumns:", rows.min(1));
    for column in &profile.columns {
        self::column(&mut text, column, &nulls);
    }
    text
}

/// Words that stand for a missing value: those seen in columns that otherwise hold no text.
fn nulls(profile: &Profile) -> Vec<&'static str> {
    let mut words: Vec<_> = profile
        .columns
        .iter()
        .filter(|column| !matches!(column.seen, Seen::String | Seen::Nothing))
        .flat_map(|column| column.missing.keys().copied())
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn column(text: &mut String, column: &ColumnProfile, nulls: &[&'static str]) {
    let (mut missing, mut words) = (column.nulls, 0);
    for (word, count) in &column.missing {
        if nulls.contains(word) { missing += count } else { words += count }
    }
    let present = column.present + words;
    let _ = writeln!(text, "  {}:{}", plain(&column.name), seen(column));
    let kind = match column.seen {
        Seen::Integer => "integer",
        Seen::Number => "number",
        Seen::Boolean => "boolean",
        Seen::Date => "date",
        Seen::Timestamp => "timestamp",
        Seen::String | Seen::Nothing => "string",
    };
    let _ = writeln!(text, "    type: {kind}");
    if missing == 0 {
        let _ = writeln!(text, "    required: true");
    } else {
        let share = round::null_share(missing as f64 / (missing + present) as f64);
        let _ = writeln!(text, "    null-share: {{ max: {share} }}");
    }
    let identifies = matches!(column.seen, Seen::Integer | Seen::String) && words == 0;
    if identifies && column.unique == Some(true) && present >= ROWS_FOR_UNIQUE {
        let _ = writeln!(text, "    unique: true");
    }
    match column.seen {
        Seen::Integer | Seen::Number => numbers(text, column),
        Seen::Date | Seen::Timestamp => instants(text, column),
        Seen::String => strings(text, column, words, present),
        Seen::Boolean | Seen::Nothing => {}
    }
}

/// What was seen, as a comment.
fn seen(column: &ColumnProfile) -> String {
    match (column.seen, column.numbers.0, column.instants.0) {
        (Seen::Integer | Seen::Number, Some((min, max)), _) if column.mean.is_finite() => {
            format!(" # {min} to {max}, mean {:.6}", column.mean)
        }
        // The differences of numbers near the end of what a number can be are beyond it.
        (Seen::Integer | Seen::Number, Some((min, max)), _) => format!(" # {min} to {max}"),
        (Seen::Date, _, Some((min, max))) => {
            format!(" # {} to {}", value::date_text(min), value::date_text(max))
        }
        (Seen::Timestamp, _, Some((min, max))) => {
            format!(" # {} to {}", value::timestamp_text(min), value::timestamp_text(max))
        }
        (Seen::Nothing, ..) => " # no value seen".to_owned(),
        _ => String::new(),
    }
}

fn numbers(text: &mut String, column: &ColumnProfile) {
    let Some((min, max)) = column.numbers.0 else { return };
    if column.seen == Seen::Integer
        && let Some(members) = &column.members
        && members.len() <= FEW
        && column.present >= ROWS_PER_MEMBER * members.len() as u64
    {
        let mut members: Vec<i64> =
            members.keys().filter_map(|member| value::integer(member.as_bytes())).collect();
        members.sort_unstable();
        members.dedup();
        let members: Vec<_> = members.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "    set: [{}]", members.join(", "));
        return;
    }
    let identifier = column.seen == Seen::Integer && column.unique == Some(true);
    let (low, high) = round::widened(min, max);
    let (low, high) = if column.seen == Seen::Integer { (low.floor(), high.ceil()) } else { (low, high) };
    // Identifiers go on upwards.
    let upwards = identifier && column.present >= ROWS_FOR_UNIQUE;
    // Widened beyond what a number can be, a side is open.
    let bounds: Vec<_> = [("min", low), ("max", high)]
        .into_iter()
        .filter(|(side, bound)| bound.is_finite() && !(upwards && *side == "max"))
        .map(|(side, bound)| format!("{side}: {}", number(column.seen, bound)))
        .collect();
    if !bounds.is_empty() {
        let _ = writeln!(text, "    range: {{ {} }}", bounds.join(", "));
    }
}

/// A bound as its column's type reads it: a whole one for integers, which the widening of large ones may not be.
fn number(seen: Seen, bound: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is the bound of the type")]
    if seen == Seen::Integer { (bound as i64).to_string() } else { bound.to_string() }
}

fn instants(text: &mut String, column: &ColumnProfile) {
    let Some((min, _)) = column.instants.0 else { return };
    let first = if column.seen == Seen::Date { value::date_text(min) } else { value::timestamp_text(min) };
    // The next file will be later, so there is no upper bound.
    let _ = writeln!(text, "    range: {{ min: \"{first}\" }}");
}

fn strings(text: &mut String, column: &ColumnProfile, words: u64, present: u64) {
    if let Some(members) = &column.members
        && present >= ROWS_PER_MEMBER * (members.len() as u64 + words)
    {
        let mut members: Vec<_> = members.keys().map(|member| plain(member)).collect();
        if words > 0 {
            members.extend(column.missing.keys().map(|word| quoted(word)));
        }
        let _ = writeln!(text, "    set: [{}]", members.join(", "));
        return;
    }
    let longest = (column.longest * 2).max(10);
    let _ = writeln!(text, "    length: {{ max: {longest} }}");
}

/// A text as YAML reads it back: as it is where that is safe, else in quotes.
fn plain(text: &str) -> String {
    const RESERVED: [&str; 11] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    let safe = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-. ()/".contains(c))
        && !text.ends_with(' ')
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    if safe { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes; JSON's escapes are among YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
