//! Reading the tree of a file into typed documents, key by key, collecting every problem on the way.
//!
//! A document is declared once with [`document!`]: the same list of fields makes the struct, the keys that are known when
//! it is read, and its part of the JSON Schema, so that the three cannot differ.

mod keyed;
mod quantity;
mod values;
mod words;

use std::ops::Range;

use schemars::JsonSchema;

pub(crate) use self::{
    keyed::{EnvName, KeyRule, Name, Table},
    quantity::{Bytes, Seconds},
    values::{Condition, Config, Json, OneOrMany, Shape, Templated},
    words::words,
};
use crate::{
    diagnostic::Diagnostic,
    problems::Problems,
    scalar::{self, Meaning},
    suggest,
    yaml::{Content, Entry, Node},
};

/// Something read from a file, and where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spanned<T> {
    /// What was read.
    pub(crate) value: T,
    /// Bytes of the value.
    pub(crate) span: Range<usize>,
    /// Bytes of its key; those of the value in a list.
    pub(crate) key: Range<usize>,
    /// Size of the value, see [`crate::yaml::MAX_WEIGHT`].
    pub(crate) weight: usize,
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A type that can be read from a node of the file.
pub(crate) trait Read: JsonSchema + Sized {
    /// Whether a key without a value means something.
    const NOTHING: bool = false;

    /// Read `node`. `None` where that is impossible; a problem has been reported then.
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self>;
}

/// What reading needs besides the node.
pub(crate) struct Reader<'s> {
    /// Source text without its byte order mark.
    pub(crate) text: &'s str,
    /// Length of the byte order mark.
    pub(crate) base: usize,
    /// Problems so far.
    pub(crate) problems: Problems,
    /// Expressions so far, against [`values::MAX_EXPRESSIONS`].
    pub(crate) expressions: usize,
}

impl Reader<'_> {
    /// The entries of a mapping; anything else is reported as not being `what`.
    pub(crate) fn map<'n, 's>(&mut self, node: &'n Node<'s>, what: &str) -> Option<&'n [Entry<'s>]> {
        if let Content::Map(entries) = &node.content {
            return Some(entries);
        }
        let problem = mismatch(node, &format!("{what} (a mapping)"));
        self.problems.push(problem);
        None
    }

    /// The value of an entry as a `T`.
    pub(crate) fn field<T: Read>(&mut self, entry: &Entry<'_>) -> Option<Spanned<T>> {
        if let Content::Scalar { text, plain: true } = &entry.value.content
            && !T::NOTHING
            && scalar::resolve(text) == Meaning::Null
        {
            self.problems.push(
                Diagnostic::error(
                    "workflow::no-value",
                    entry.key_span.clone(),
                    format!("`{}` has no value", entry.key),
                )
                .help("give it one, or remove the key"),
            );
            return None;
        }
        let value = T::read(&entry.value, self)?;
        Some(Spanned {
            value,
            span: entry.value.span.clone(),
            key: entry.key_span.clone(),
            weight: entry.value.weight,
        })
    }

    /// Report a key that `what` does not have.
    pub(crate) fn unknown_key(&mut self, entry: &Entry<'_>, what: &str, known: &[&str]) {
        let message = format!("{what} has no key `{}`", entry.key);
        self.problems.push(
            Diagnostic::error("workflow::unknown-key", entry.key_span.clone(), message)
                .maybe_help(suggest::help(&entry.key, known.iter().copied())),
        );
    }
}

/// A problem for a node of the wrong type.
pub(crate) fn mismatch(node: &Node<'_>, expected: &str) -> Diagnostic {
    Diagnostic::error("workflow::type", point(node), format!("expected {expected}, found {}", describe(node)))
}

/// What a node is, for messages.
pub(crate) fn describe(node: &Node<'_>) -> String {
    match &node.content {
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a mapping".to_owned(),
        Content::Scalar { plain: false, .. } => "a text".to_owned(),
        Content::Scalar { text, .. } => match scalar::resolve(text) {
            Meaning::Text(text) if text.chars().count() <= 30 => format!("the text `{text}`"),
            meaning => meaning.describe(),
        },
    }
}

/// Bytes to underline for a node: all of a scalar, only the start of a large block.
pub(crate) fn point(node: &Node<'_>) -> Range<usize> {
    match &node.content {
        Content::Scalar { .. } => node.span.clone(),
        Content::List(items) => items.first().map_or(node.span.clone(), |item| point(item)),
        Content::Map(entries) => entries.first().map_or(node.span.clone(), |entry| entry.key_span.clone()),
    }
}

/// Declares a document: a struct of `Option<Spanned<T>>`, how it is read, and its JSON Schema.
///
/// `broken` is true where the value of some key could not be read: what is missing then was perhaps only miswritten, and
/// is not reported a second time.
macro_rules! document {
    (
        $(#[doc = $doc:literal])*
        $name:ident, $what:literal:
        $( $(#[doc = $field_doc:literal])* $field:ident = $key:literal : $type:ty $(, $required:ident)? ; )*
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Default)]
        pub(crate) struct $name {
            $( $(#[doc = $field_doc])* pub(crate) $field: Option<$crate::read::Spanned<$type>>, )*
            /// Whether the value of some key could not be read.
            pub(crate) broken: bool,
        }

        impl $name {
            /// Every key it knows.
            pub(crate) const KEYS: &'static [&'static str] = &[$($key),*];
        }

        impl $crate::read::Read for $name {
            fn read(node: &$crate::yaml::Node<'_>, reader: &mut $crate::read::Reader<'_>) -> Option<Self> {
                let entries = reader.map(node, $what)?;
                let mut document = Self::default();
                for entry in entries {
                    match entry.key.as_ref() {
                        $( $key => {
                            document.$field = reader.field::<$type>(entry);
                            document.broken |= document.$field.is_none();
                        } )*
                        _ => {
                            document.broken = true;
                            reader.unknown_key(entry, $what, Self::KEYS);
                        }
                    }
                }
                $( $( $crate::read::document!(@$required $key, $what, node, entries, reader, document); )? )*
                Some(document)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).trim_end_matches("Document").into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut properties = serde_json::Map::new();
                let required: &[&str] = &[$( $( $crate::read::document!(@schema $required $key), )? )*];
                $(
                    let mut schema = generator.subschema_for::<$type>();
                    schema.insert("description".to_owned(), concat!($($field_doc),*).trim().into());
                    properties.insert($key.to_owned(), schema.into());
                )*
                let mut schema = schemars::json_schema!({
                    "type": "object",
                    "description": concat!($($doc),*).trim(),
                    "properties": properties,
                    "additionalProperties": false,
                });
                if !required.is_empty() {
                    schema.insert("required".to_owned(), required.into());
                }
                schema
            }
        }
    };
    (@required $key:literal, $what:literal, $node:ident, $entries:ident, $reader:ident, $document:ident) => {
        if !$entries.iter().any(|entry| entry.key == $key) {
            $document.broken = true;
            $reader.problems.push(
                $crate::diagnostic::Diagnostic::error(
                    "workflow::missing-key",
                    $crate::read::point($node),
                    concat!($what, " needs the key `", $key, "`"),
                )
            );
        }
    };
    (@schema required $key:literal) => { $key };
}
pub(crate) use document;
