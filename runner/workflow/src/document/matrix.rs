//! `matrix:` — names with lists of values, and the three keys that are not names.

use std::{borrow::Cow, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    diagnostic::Diagnostic,
    read::{Json, KeyRule, Name, Read, Reader, Spanned, Table, mismatch},
    yaml::{Content, Node},
};

/// A matrix as written.
#[derive(Debug)]
pub(crate) struct Matrix {
    /// Names and their values, scalars only.
    pub(crate) axes: Vec<(String, Range<usize>, Vec<Spanned<serde_json::Value>>)>,
    /// Cells to add, or values to add to cells.
    pub(crate) include: Vec<Spanned<Table<Name, Json>>>,
    /// Cells to leave out.
    pub(crate) exclude: Vec<Spanned<Table<Name, Json>>>,
    /// Cells that run at once.
    pub(crate) max_parallel: Option<Spanned<u64>>,
}

impl Read for Matrix {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut matrix =
            Self { axes: Vec::new(), include: Vec::new(), exclude: Vec::new(), max_parallel: None };
        let mut whole = true;
        for entry in reader.map(node, "a matrix")? {
            match entry.key.as_ref() {
                "include" | "exclude" => match reader.field::<Vec<Spanned<Table<Name, Json>>>>(entry) {
                    Some(list) => {
                        whole &= list.value.iter().all(|cell| !cell.broken && scalars(&cell.value, reader));
                        *(if entry.key == "include" { &mut matrix.include } else { &mut matrix.exclude }) =
                            list.value;
                    }
                    None => whole = false,
                },
                "max-parallel" => {
                    matrix.max_parallel = reader.field(entry);
                    match &matrix.max_parallel {
                        Some(most) if most.value == 0 => {
                            let message = "`max-parallel` must be at least 1";
                            reader.problems.push(Diagnostic::error(
                                "workflow::range",
                                most.span.clone(),
                                message,
                            ));
                            whole = false;
                        }
                        Some(_) => {}
                        None => whole = false,
                    }
                }
                key => {
                    if !Name::accepts(key) {
                        let message = format!("`{key}` cannot be a name here");
                        let problem = Diagnostic::error("workflow::name", entry.key_span.clone(), message);
                        reader.problems.push(problem.help(Name::WORDS));
                        whole = false;
                    }
                    match values(&entry.value, reader) {
                        Some(values) => matrix.axes.push((key.to_owned(), entry.key_span.clone(), values)),
                        None => whole = false,
                    }
                }
            }
        }
        whole.then_some(matrix)
    }
}

/// The values of one axis.
fn values(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Vec<Spanned<serde_json::Value>>> {
    let Content::List(items) = &node.content else {
        let problem = mismatch(node, "a list of values").help("write `seed: [0, 1, 2]`");
        reader.problems.push(problem);
        return None;
    };
    if items.is_empty() {
        let message = "a list without values makes a matrix without cells";
        reader.problems.push(Diagnostic::error("matrix::empty", node.span.clone(), message));
        return None;
    }
    let mut values: Vec<Spanned<serde_json::Value>> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    let mut whole = true;
    for item in items {
        let Some(Json { value, .. }) = Json::read(item, reader).filter(|json| scalar(json, item, reader))
        else {
            whole = false;
            continue;
        };
        if let Some(first) = seen.insert(value.to_string(), item.span.clone()) {
            let message = format!("the value {value} is listed twice");
            let problem = Diagnostic::error("matrix::duplicate", item.span.clone(), message);
            reader.problems.push(problem.help("remove one of the two").related(first, "first listed here"));
            whole = false;
        }
        values.push(Spanned { value, span: item.span.clone(), key: item.span.clone(), weight: item.weight });
    }
    whole.then_some(values)
}

fn scalar(json: &Json, node: &Node<'_>, reader: &mut Reader<'_>) -> bool {
    let fits = matches!(node.content, Content::Scalar { .. }) && !json.value.is_null();
    if !fits {
        let problem = mismatch(node, "a text, a number or a boolean");
        reader.problems.push(problem.help("values of a matrix name its cells; keep larger values in files"));
    }
    fits
}

fn scalars(cell: &Table<Name, Json>, reader: &mut Reader<'_>) -> bool {
    let mut fits = true;
    for (_, json) in &cell.entries {
        if json.value.value.is_array() || json.value.value.is_object() || json.value.value.is_null() {
            let message = "expected a text, a number or a boolean";
            reader.problems.push(Diagnostic::error("workflow::type", json.span.clone(), message));
            fits = false;
        }
    }
    fits
}

impl JsonSchema for Matrix {
    fn schema_name() -> Cow<'static, str> {
        "Matrix".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let scalar = serde_json::json!({ "type": ["string", "number", "boolean"] });
        let cell = serde_json::json!({ "type": "object", "additionalProperties": scalar });
        json_schema!({
            "type": "object",
            "description": "Names with lists of values; every step of the stage runs once for each combination.",
            "properties": {
                "include": { "type": "array", "items": cell, "description": "Cells to add, or values to add to cells." },
                "exclude": { "type": "array", "items": cell, "description": "Cells to leave out." },
                "max-parallel": { "type": "integer", "minimum": 1, "description": "Cells that run at once." },
            },
            "additionalProperties": { "type": "array", "items": scalar, "minItems": 1 },
        })
    }
}
