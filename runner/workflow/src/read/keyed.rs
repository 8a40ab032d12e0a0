//! Mappings whose keys are chosen by the author: stages, data sets, environment variables.

use std::{borrow::Cow, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Read, Reader, Spanned};
use crate::{diagnostic::Diagnostic, expr, yaml::Node};

/// Which keys a table accepts.
pub(crate) trait KeyRule {
    /// As a regular expression, for the schema.
    const PATTERN: &'static str;
    /// What a key is, in words: `a name: letters, digits, …`.
    const WORDS: &'static str;
    /// Whether `key` is one.
    fn accepts(key: &str) -> bool;
}

/// Names that references use: `fit`, `train-set`.
#[derive(Debug)]
pub(crate) struct Name;

/// Longest name, in bytes. Names become parts of paths and variables.
const LONGEST_NAME: usize = 100;

impl KeyRule for Name {
    const PATTERN: &'static str = "^[A-Za-z_][A-Za-z0-9_-]{0,99}$";
    const WORDS: &'static str =
        "a name starts with a letter or `_` and holds letters, digits, `_` and `-`, at most 100";

    fn accepts(key: &str) -> bool {
        key.len() <= LONGEST_NAME && expr::is_name(key)
    }
}

/// Names of environment variables.
#[derive(Debug)]
pub(crate) struct EnvName;

impl KeyRule for EnvName {
    const PATTERN: &'static str = "^[A-Za-z_][A-Za-z0-9_]*$";
    const WORDS: &'static str =
        "a variable's name starts with a letter or `_` and holds letters, digits and `_`";

    fn accepts(key: &str) -> bool {
        expr::is_name(key) && !key.contains('-')
    }
}

/// A mapping from names to `T`, in the order of the file.
#[derive(Debug)]
pub(crate) struct Table<K, T> {
    /// Names and values. The span of the name is its key's.
    pub(crate) entries: Vec<(String, Spanned<T>)>,
    /// Whether some entry could not be read.
    pub(crate) broken: bool,
    rule: PhantomData<K>,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { entries: Vec::new(), broken: false, rule: PhantomData }
    }
}

impl<K: KeyRule, T: Read> Read for Table<K, T> {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = Self::default();
        for entry in reader.map(node, "names with values")? {
            if !K::accepts(&entry.key) {
                let message = format!("`{}` cannot be a name here", entry.key);
                let problem =
                    Diagnostic::error("workflow::name", entry.key_span.clone(), message).help(K::WORDS);
                reader.problems.push(problem);
                table.broken = true;
            }
            match reader.field(entry) {
                Some(value) => table.entries.push((entry.key.clone().into_owned(), value)),
                None => table.broken = true,
            }
        }
        Some(table)
    }
}

impl<K: KeyRule, T: JsonSchema> JsonSchema for Table<K, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("TableOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": K::PATTERN },
            "additionalProperties": generator.subschema_for::<T>(),
        })
    }
}
