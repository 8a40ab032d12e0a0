//! Scalars, lists, text with expressions, and free-form values.

use std::{borrow::Cow, ops::Range};

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Read, Reader, Spanned, describe, mismatch, point};
use crate::{
    diagnostic::Diagnostic,
    expr::{self, Expr, ExprKind, Place, Template, Value},
    plan::ConfigTemplate,
    scalar::{self, Meaning},
    yaml::{Content, Node},
};

/// Most expressions of one file. Each is a hundred times larger in memory than in text.
pub(crate) const MAX_EXPRESSIONS: usize = 100_000;

/// A text: quoted, or plain and neither a number, a boolean nor nothing.
impl Read for String {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if let Content::Scalar { text, plain } = &node.content {
            if !plain || matches!(scalar::resolve(text), Meaning::Text(_)) {
                return Some(text.clone().into_owned());
            }
            let problem = mismatch(node, "a text").help(format!("quote it: \"{text}\""));
            reader.problems.push(problem);
            return None;
        }
        let problem = mismatch(node, "a text");
        reader.problems.push(problem);
        None
    }
}

fn meaning<'n>(node: &'n Node<'_>) -> Option<Meaning<'n>> {
    match &node.content {
        Content::Scalar { text, plain: true } => Some(scalar::resolve(text)),
        Content::Scalar { text, plain: false } => Some(Meaning::Text(text)),
        _ => None,
    }
}

impl Read for bool {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(Meaning::Bool(value)) = meaning(node) {
            return Some(value);
        }
        let mut problem = mismatch(node, "`true` or `false`");
        if let Some(Meaning::Text(text)) = meaning(node) {
            match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "true" => problem = problem.help("write `true`"),
                "no" | "off" | "false" => problem = problem.help("write `false`"),
                _ => {}
            }
        }
        reader.problems.push(problem);
        None
    }
}

impl Read for u64 {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(Meaning::Number(number)) = meaning(node)
            && let Some(value) = number.as_u64()
        {
            return Some(value);
        }
        let problem = mismatch(node, "a whole number of 0 or more");
        reader.problems.push(problem);
        None
    }
}

impl Read for u32 {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let value = u64::read(node, reader)?;
        if let Ok(value) = Self::try_from(value) {
            return Some(value);
        }
        reader.problems.push(Diagnostic::error(
            "workflow::range",
            node.span.clone(),
            format!("{value} is too large"),
        ));
        None
    }
}

impl Read for f64 {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(Meaning::Number(number)) = meaning(node) {
            return number.as_f64();
        }
        let problem = mismatch(node, "a number");
        reader.problems.push(problem);
        None
    }
}

impl<T: Read> Read for Vec<Spanned<T>> {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Content::List(items) = &node.content else {
            let problem = mismatch(node, "a list");
            reader.problems.push(problem);
            return None;
        };
        let mut list = Self::with_capacity(items.len());
        for item in items {
            if let Some(value) = T::read(item, reader) {
                list.push(Spanned { value, span: item.span.clone(), key: point(item), weight: item.weight });
            }
        }
        // What could not be read has been reported; the rest is checked as well.
        Some(list)
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// One value, or a list of them.
#[derive(Debug, Default)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<Spanned<T>>);

impl<T: Read> Read for OneOrMany<T> {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if let Content::List(_) = node.content {
            return Vec::read(node, reader).map(Self);
        }
        let value = T::read(node, reader)?;
        let (span, key, weight) = (node.span.clone(), node.span.clone(), node.weight);
        Some(Self(vec![Spanned { value, span, key, weight }]))
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrManyOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// Text that may hold `${{ }}`. Numbers and booleans are taken as they are written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Templated(pub(crate) Template);

impl Read for Templated {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Content::Scalar { text, .. } = &node.content else {
            let problem = mismatch(node, "a text");
            reader.problems.push(problem);
            return None;
        };
        template(text, node, reader).map(Self)
    }
}

impl JsonSchema for Templated {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number", "boolean"],
            "description": "Text that may hold expressions: `${{ params.lr }}`.",
        })
    }
}

/// Where in the source the text of a scalar stands: byte for byte if it can be found there.
fn places<'t>(
    text: &'t str,
    node: &Node<'_>,
    reader: &Reader<'t>,
) -> impl FnMut(Range<usize>) -> Place + use<'t> {
    let span = node.span.clone();
    let raw = reader.text.get(span.start - reader.base..span.end - reader.base).unwrap_or("");
    let whole = raw.find(text);
    let mut searched = Some(0);
    move |range| {
        if let Some(offset) = whole {
            return Place::At(span.start + offset + range.start);
        }
        // A block or folded text: each expression stands on one line, in the same order. After one that is not found
        // the search stops for good, so that it takes one pass over the text at most.
        let from = searched.take();
        match from.and_then(|from| Some(from + raw[from..].find(&text[range.clone()])?)) {
            Some(at) => {
                searched = Some(at + range.len());
                Place::At(span.start + at)
            }
            None => Place::Within(span.clone()),
        }
    }
}

fn template(text: &str, node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Template> {
    if !text.contains(expr::OPEN) {
        return Some(Template::text(text));
    }
    reader.expressions += text.matches(expr::OPEN).count();
    if reader.expressions > MAX_EXPRESSIONS {
        let message = format!("the file has more than {MAX_EXPRESSIONS} expressions");
        reader.problems.push(Diagnostic::error("expr::too-many", node.span.clone(), message));
        return None;
    }
    let mut errors = Vec::new();
    let mut place = places(text, node, reader);
    let template = expr::parse_template(text, &mut place, &mut |error, span| errors.push((error, span)));
    if errors.is_empty() {
        return Some(template);
    }
    for (error, span) in errors {
        reader.problems.push(Diagnostic::error(error.code, span, error.message).maybe_help(error.help));
    }
    None
}

/// `if:` — an expression, with or without `${{ }}` around it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition(pub(crate) Expr);

impl Read for Condition {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let Content::Scalar { text, .. } = &node.content else {
            let problem = mismatch(node, "a condition such as `git.branch == 'main'`");
            reader.problems.push(problem);
            return None;
        };
        let trimmed = text.trim();
        let inner =
            trimmed.strip_prefix(expr::OPEN).and_then(|rest| rest.strip_suffix("}}")).unwrap_or(trimmed);
        let start = inner.as_ptr() as usize - text.as_ptr() as usize;
        reader.expressions += 1;
        let place = places(text, node, reader)(start..start + inner.len());
        match expr::parse(inner, &place) {
            Ok(Expr { kind: ExprKind::Literal(value), span }) if !matches!(value, Value::Bool(_)) => {
                let message = format!("a condition must be true or false, not {}", value.type_name());
                reader.problems.push(Diagnostic::error("expr::not-boolean", span, message));
                None
            }
            Ok(expr) => Some(Self(expr)),
            Err(error) => {
                let span = place.span(&error.range);
                reader
                    .problems
                    .push(Diagnostic::error(error.code, span, error.message).maybe_help(error.help));
                None
            }
        }
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "boolean"],
            "description": "An expression: `event.name == 'push' && git.branch == 'main'`.",
        })
    }
}

/// Where the parts of a free-form value stand, for problems that come with a JSON pointer.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    span: Range<usize>,
    children: Vec<(String, Range<usize>, Shape)>,
}

impl Shape {
    /// Bytes of the part at `pointer`: of its key where it is a large value, of the nearest part above it where it is missing.
    pub(crate) fn locate(&self, pointer: &str) -> Range<usize> {
        let (mut here, mut span) = (self, self.span.clone());
        for segment in pointer.split('/').skip(1) {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let Some((_, key, child)) = here.children.iter().find(|(name, _, _)| *name == segment) else {
                break;
            };
            span = if child.children.is_empty() { child.span.clone() } else { key.clone() };
            here = child;
        }
        span
    }

    fn of(node: &Node<'_>) -> Self {
        let children = match &node.content {
            Content::Scalar { .. } => Vec::new(),
            Content::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (index.to_string(), point(item), Self::of(item)))
                .collect(),
            Content::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone().into_owned(), entry.key_span.clone(), Self::of(&entry.value)))
                .collect(),
        };
        Self { span: point(node), children }
    }
}

/// Any value, as JSON.
#[derive(Debug, Clone)]
pub(crate) struct Json {
    /// The value.
    pub(crate) value: serde_json::Value,
    /// Where its parts stand.
    pub(crate) shape: Shape,
}

impl Read for Json {
    const NOTHING: bool = true;

    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { value: json(node, reader)?, shape: Shape::of(node) })
    }
}

fn json(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<serde_json::Value> {
    match &node.content {
        Content::Scalar { .. } => json_scalar(node, reader),
        Content::List(items) => items.iter().map(|item| json(item, reader)).collect(),
        Content::Map(entries) => entries
            .iter()
            .map(|entry| Some((entry.key.clone().into_owned(), json(&entry.value, reader)?)))
            .collect::<Option<serde_json::Map<_, _>>>()
            .map(serde_json::Value::Object),
    }
}

fn json_scalar(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<serde_json::Value> {
    Some(match meaning(node)? {
        Meaning::Null => serde_json::Value::Null,
        Meaning::Bool(value) => value.into(),
        Meaning::Number(value) => value.into(),
        Meaning::Text(value) => value.into(),
        Meaning::NotFinite => {
            reader.problems.push(
                Diagnostic::error(
                    "workflow::not-finite",
                    node.span.clone(),
                    format!("{} cannot be used here", describe(node)),
                )
                .help("leave it out, or quote it if it is a text"),
            );
            return None;
        }
    })
}

impl JsonSchema for Json {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

/// `with:` — a mapping whose texts may hold expressions.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The value with its templates; always a [`ConfigTemplate::Map`].
    pub(crate) template: ConfigTemplate,
    /// Where its parts stand.
    pub(crate) shape: Shape,
}

impl Read for Config {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        reader.map(node, "the configuration")?;
        Some(Self { template: config(node, reader)?, shape: Shape::of(node) })
    }
}

fn config(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<ConfigTemplate> {
    match &node.content {
        Content::Scalar { text, .. } => match json_scalar(node, reader)? {
            serde_json::Value::String(_) => template(text, node, reader).map(ConfigTemplate::Text),
            scalar => Some(ConfigTemplate::Scalar(scalar)),
        },
        Content::List(items) => {
            items.iter().map(|item| config(item, reader)).collect::<Option<_>>().map(ConfigTemplate::List)
        }
        Content::Map(entries) => entries
            .iter()
            .map(|entry| Some((entry.key.clone().into_owned(), config(&entry.value, reader)?)))
            .collect::<Option<IndexMap<_, _>>>()
            .map(ConfigTemplate::Map),
    }
}

impl JsonSchema for Config {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Configuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}
