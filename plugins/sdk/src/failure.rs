//! Why a plugin could not do its work.

use std::{fmt::Display, io, path::Path};

/// Why a plugin could not do its work. The message is shown to people as it is: say what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used, in a way its JSON Schema could not express.
    #[error("{0}")]
    InvalidConfig(String),
    /// An input is not what the plugin needs: unreadable, the wrong format, a missing column.
    #[error("{0}")]
    InvalidInput(String),
    /// The work was done and the answer is no: rows that break the schema, a fit that did not converge.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// The configuration cannot be used.
    pub fn config(message: impl Display) -> Self {
        Self::InvalidConfig(message.to_string())
    }

    /// An input is not what the plugin needs.
    pub fn input(message: impl Display) -> Self {
        Self::InvalidInput(message.to_string())
    }

    /// The work was done and the answer is no.
    pub fn failed(message: impl Display) -> Self {
        Self::Failed(message.to_string())
    }

    /// For `map_err` after reading `path`.
    pub fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::InvalidInput(format!("cannot read {}: {error}", path.display()))
    }

    /// For `map_err` after writing `path`.
    pub fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::Failed(format!("cannot write {}: {error}", path.display()))
    }
}
