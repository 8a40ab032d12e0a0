//! Durations and sizes. Both need a unit: `45m`, `8GiB`.

use std::{borrow::Cow, ops::Range, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Read, Reader, mismatch};
use crate::{
    diagnostic::Diagnostic,
    scalar::{self, Meaning},
    suggest,
    yaml::{Content, Node},
};

/// A duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) Duration);

/// A size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

const DURATIONS: &[(&str, f64)] = &[("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
const SIZES: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];
/// Longest duration, in seconds: ten years.
const LONGEST: f64 = 315_360_000.0;
/// Largest size, in bytes: what an `f64` counts exactly.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// A kind of quantity, for messages.
struct Kind {
    what: &'static str,
    example: &'static str,
    units: &'static [(&'static str, f64)],
    most: f64,
}

const DURATION: Kind =
    Kind { what: "a duration", example: "`30s`, `45m` or `1h30m`", units: DURATIONS, most: LONGEST };
const SIZE: Kind = Kind { what: "a size", example: "`64MiB` or `8GiB`", units: SIZES, most: LARGEST };

impl Read for Seconds {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        quantity(node, reader, &DURATION).map(|seconds| Self(Duration::from_secs_f64(seconds)))
    }
}

impl Read for Bytes {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and LARGEST")]
        quantity(node, reader, &SIZE).map(|bytes| Self(bytes.round() as u64))
    }
}

fn quantity(node: &Node<'_>, reader: &mut Reader<'_>, kind: &Kind) -> Option<f64> {
    let Content::Scalar { text, plain } = &node.content else {
        let problem = mismatch(node, &format!("{} such as {}", kind.what, kind.example));
        reader.problems.push(problem);
        return None;
    };
    if let Meaning::Number(number) = scalar::resolve(text)
        && *plain
    {
        let common = |unit: &&str| !matches!(*unit, "kB" | "KB" | "GB" | "TB" | "TiB" | "B");
        let units: Vec<_> = kind
            .units
            .iter()
            .map(|(unit, _)| *unit)
            .filter(common)
            .map(|unit| format!("`{number}{unit}`"))
            .collect();
        reader.problems.push(
            Diagnostic::error("workflow::no-unit", node.span.clone(), format!("{} needs a unit", kind.what))
                .help(format!("write {}", units.join(", ")))
                .label("a bare number"),
        );
        return None;
    }
    match parse(text, kind) {
        Ok(value) => Some(value),
        Err((range, help)) => {
            let span = if *plain { narrow(&node.span, &range) } else { node.span.clone() };
            reader.problems.push(
                Diagnostic::error("workflow::quantity", span, format!("`{text}` is not {}", kind.what))
                    .help(help.unwrap_or_else(|| format!("write {} such as {}", kind.what, kind.example))),
            );
            None
        }
    }
}

/// Bytes of a plain scalar's part in the source.
fn narrow(span: &Range<usize>, range: &Range<usize>) -> Range<usize> {
    (span.start + range.start).min(span.end)..(span.start + range.end).min(span.end)
}

/// The sum of parts such as `1h` and `30m`; the bytes and advice where it is none.
fn parse(text: &str, kind: &Kind) -> Result<f64, (Range<usize>, Option<String>)> {
    let mut total = 0.0;
    let mut from = 0;
    while from < text.len() {
        let rest = &text[from..];
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let Ok(number) = rest[..digits].parse::<f64>() else {
            return Err((from..text.len(), None));
        };
        let unit_text = &rest[digits..];
        let gap = unit_text.len() - unit_text.trim_start().len();
        let unit_text = unit_text.trim_start();
        let length = unit_text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit_text.len());
        let unit = &unit_text[..length];
        let Some((_, factor)) = kind.units.iter().find(|(name, _)| *name == unit) else {
            let at = from + digits + gap;
            let names = kind.units.iter().map(|(name, _)| *name);
            return Err((at..at + length, suggest::help(unit, names)));
        };
        total += number * factor;
        from += digits + gap + length;
    }
    if text.is_empty() || !(0.0..=kind.most).contains(&total) {
        return Err((0..text.len(), None));
    }
    Ok(total)
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A duration with its unit: `30s`, `45m`, `1h30m`.",
            "pattern": r"^([0-9.]+\s*(ms|s|m|h|d))+$",
        })
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A size with its unit: `64MiB`, `8GiB`, `500kB`.",
            "pattern": r"^([0-9.]+\s*(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB))+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_summed_and_units_are_known() {
        assert_eq!(parse("1h30m", &DURATION), Ok(5400.0));
        assert_eq!(parse("1.5 h", &DURATION), Ok(5400.0));
        assert_eq!(parse("8GiB", &SIZE), Ok(8.0 * 1_073_741_824.0));
        assert_eq!(parse("8Gib", &SIZE).unwrap_err().1.as_deref(), Some("did you mean `GiB`?"));
        for text in ["", "m", "-1s", "1", "1 s 2", "9999999999d", "1..2s", "5 minutes"] {
            assert!(parse(text, &DURATION).is_err(), "{text}");
        }
    }
}
