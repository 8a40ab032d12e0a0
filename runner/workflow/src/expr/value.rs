//! Values of expressions.

use serde::Serialize;
use serde_json::{Map, Number};

/// What an expression evaluates to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// No value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer or a finite float.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<serde_json::Value>),
    /// A mapping.
    Map(Map<String, serde_json::Value>),
}

impl Value {
    /// Name of the type, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// The boolean, if it is one. Nothing else counts as true or false.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// How the value is written inside text: `null` as nothing, lists and mappings as JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(value) => value.clone(),
            Self::List(_) | Self::Map(_) => serde_json::Value::from(self.clone()).to_string(),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(value) => Self::Number(value),
            serde_json::Value::String(value) => Self::Text(value),
            serde_json::Value::Array(value) => Self::List(value),
            serde_json::Value::Object(value) => Self::Map(value),
        }
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(value) => Self::Number(value),
            Value::Text(value) => Self::String(value),
            Value::List(value) => Self::Array(value),
            Value::Map(value) => Self::Object(value),
        }
    }
}
