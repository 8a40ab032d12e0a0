//! Why the registry could not be read or changed.

use std::fmt::Display;

use miette::Diagnostic;
use thiserror::Error;

use crate::{error::StorageError, object_error::ObjectError};

/// The registry could not be read or changed.
#[derive(Debug, Error, Diagnostic)]
pub enum RegistryError {
    /// The disk did not allow it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Storage(#[from] StorageError),
    /// The model's bytes are missing or damaged.
    #[error("the model cannot be used: {source}")]
    #[diagnostic(
        code(registry::object),
        help(
            "an alias only ever points to a model whose bytes are in the store and match their digest; run the step that makes it again"
        )
    )]
    Object {
        /// Why.
        source: Box<ObjectError>,
    },
    /// Not a name of a model.
    #[error("`{name}` cannot be the name of a model")]
    #[diagnostic(
        code(registry::model_name),
        help(
            "use up to 100 letters, digits, `.`, `_` and `-`, beginning with a letter or digit and not ending with `.`"
        )
    )]
    ModelName {
        /// As given, cut.
        name: String,
    },
    /// Not a name of an alias.
    #[error("`{name}` cannot be the name of an alias")]
    #[diagnostic(
        code(registry::alias_name),
        help(
            "use up to 100 letters, digits, `.`, `_` and `-`, beginning with a letter or digit and not ending with `.`; `v` with digits means a version"
        )
    )]
    AliasName {
        /// As given, cut.
        name: String,
    },
    /// No such model.
    #[error("there is no model `{model}` in the registry")]
    #[diagnostic(code(registry::no_model), help("`runner model ls` lists the models"))]
    NoModel {
        /// What was asked for.
        model: String,
    },
    /// No such version.
    #[error("the model `{model}` has no version {number}")]
    #[diagnostic(code(registry::no_version), help("`runner model show {model}` lists the versions"))]
    NoVersion {
        /// The model.
        model: String,
        /// What was asked for.
        number: u64,
    },
    /// No such alias or version.
    #[error("nothing of the model `{model}` is called `{reference}`")]
    #[diagnostic(
        code(registry::no_reference),
        help("`runner model show {model}` lists its versions and aliases")
    )]
    NoReference {
        /// The model.
        model: String,
        /// What was asked for.
        reference: String,
    },
    /// The alias is not where the decision assumed it.
    #[error("`{model}@{alias}` points to {found}, not to {expected}: somebody else moved it")]
    #[diagnostic(
        code(registry::moved),
        help("the comparison was made with another model; run again to compare with this one")
    )]
    Moved {
        /// The model.
        model: String,
        /// The alias.
        alias: String,
        /// `v3` or `nothing`.
        expected: String,
        /// `v4` or `nothing`.
        found: String,
    },
    /// Two could be first at once.
    #[error("the place of the registry lets two create the same record at once")]
    #[diagnostic(
        code(registry::unconditional),
        help(
            "it ignores `If-None-Match`, so promotions could be lost; use a store that knows conditional writes, as S3 does"
        )
    )]
    Unconditional,
    /// Lost too many races.
    #[error("the registry of `{model}` is changed by too many others at once")]
    #[diagnostic(code(registry::busy), help("try again"))]
    Busy {
        /// The model.
        model: String,
    },
    /// Written by a later version.
    #[error("the record {location} has format {found}; this version knows formats up to {supported}")]
    #[diagnostic(code(registry::newer_format), help("update the runner"))]
    NewerFormat {
        /// Which record.
        location: String,
        /// Format found.
        found: u64,
        /// Newest format known.
        supported: u64,
    },
    /// A record that is none.
    #[error("the record {location} is damaged: {source}")]
    #[diagnostic(
        code(registry::record_damaged),
        help("something wrote to the registry; restore the file from a backup")
    )]
    Record {
        /// Which record.
        location: String,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// The place of the records refused.
    #[error("cannot {action} {location} in the registry: {}", reason(source))]
    #[diagnostic(
        code(registry::access),
        help("check that the place of the registry can be reached and written to, and has space")
    )]
    Access {
        /// What was tried.
        action: &'static str,
        /// Where.
        location: String,
        /// What it says.
        source: object_store::Error,
    },
    /// The runtime was shut down meanwhile.
    #[error("the promotion was interrupted")]
    #[diagnostic(code(registry::interrupted), help("try again"))]
    Interrupted,
}

impl RegistryError {
    pub(super) fn access(action: &'static str, location: impl Display, source: object_store::Error) -> Self {
        Self::Access { action, location: location.to_string(), source }
    }
}

/// The innermost cause: what the system said, without the layers around it.
fn reason(error: &object_store::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
