//! Gates, in their three forms. Their grammar belongs to the gate crate.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    read::{Json, Read, Reader, Shape, mismatch},
    yaml::{Content, Node},
};

/// A gate as written.
#[derive(Debug)]
pub(crate) enum Gate {
    /// `auc >= 0.9`, or a mapping of one key, `id: auc >= 0.9`.
    Line {
        /// The rule, with its id where it has one.
        text: String,
        /// Bytes of `text` before the part that stands byte for byte in the source, and where that starts.
        verbatim: Option<(usize, usize)>,
    },
    /// A mapping with keys such as `metric` and `min`.
    Mapping {
        /// As JSON.
        value: serde_json::Value,
        /// Where its parts stand.
        shape: Shape,
    },
}

impl Read for Gate {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Scalar { .. } => {
                let text = String::read(node, reader)?;
                let verbatim = verbatim(&text, node, reader).map(|start| (0, start));
                Some(Self::Line { text, verbatim })
            }
            Content::Map(entries) => {
                if let [entry] = entries.as_slice()
                    && entry.key != "metric"
                    && matches!(entry.value.content, Content::Scalar { .. })
                {
                    let rule = String::read(&entry.value, reader)?;
                    let text = format!("{}: {rule}", entry.key);
                    let verbatim =
                        verbatim(&rule, &entry.value, reader).map(|start| (text.len() - rule.len(), start));
                    return Some(Self::Line { text, verbatim });
                }
                let Json { value, shape } = Json::read(node, reader)?;
                Some(Self::Mapping { value, shape })
            }
            Content::List(_) => {
                let problem = mismatch(node, "a gate such as `auc >= 0.9`").help(
                    "inside `[ ]`, a gate that holds brackets or commas must be quoted; or write one gate per line after `-`",
                );
                reader.problems.push(problem);
                None
            }
        }
    }
}

/// Offset at which the text of a scalar stands byte for byte in the source.
fn verbatim(text: &str, node: &Node<'_>, reader: &Reader<'_>) -> Option<usize> {
    let raw = reader.text.get(node.span.start - reader.base..node.span.end - reader.base)?;
    raw.find(text).map(|offset| node.span.start + offset)
}

impl JsonSchema for Gate {
    fn schema_name() -> Cow<'static, str> {
        "Gate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A rule such as `auc >= baseline - 0.2pp`, the same under an id, or a mapping.",
            "anyOf": [
                { "type": "string" },
                { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": { "type": "string" } },
                { "type": "object", "required": ["metric"], "properties": { "metric": { "type": "string" } } },
            ]
        })
    }
}
