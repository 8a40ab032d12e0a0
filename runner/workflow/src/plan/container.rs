//! What runs in containers: steps, and the services beside them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Allow, Limits, Resources};

/// `container:`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Container {
    /// Where the image comes from.
    pub image: ImageSource,
    /// Program and arguments to start, instead of the image's own. With `run:`, the shell and its arguments follow them.
    pub entrypoint: Option<Vec<String>>,
    /// Folder to start in; `/workspace` without it.
    pub workdir: Option<String>,
    /// User to run as; without it, whoever runs the runner.
    pub user: Option<String>,
}

impl Container {
    /// A container of this image with nothing else said.
    #[must_use]
    pub fn of(image: &str) -> Self {
        let image = ImageSource::Named { reference: image.to_owned(), pull: Pull::Missing };
        Self { image, entrypoint: None, workdir: None, user: None }
    }
}

/// Where the image of a container comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum ImageSource {
    /// A registry, or the engine itself.
    Named {
        /// Such as `python:3.12-slim`.
        reference: String,
        /// When it is fetched.
        pull: Pull,
    },
    /// It is built.
    Built {
        /// Folder of the workspace.
        context: String,
        /// Recipe, relative to `context`.
        file: String,
        /// Values of the recipe's `ARG`s, in the order of the file.
        args: Vec<(String, String)>,
    },
}

/// `{}` names it, `{:#}` says all that decides what it is: `build:app (Dockerfile VERSION=3)`.
impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { reference, .. } => f.write_str(reference),
            Self::Built { context, file, args } => {
                write!(f, "build:{context}")?;
                if f.alternate() {
                    write!(f, " ({file}")?;
                    for (name, value) in args {
                        write!(f, " {name}={value}")?;
                    }
                    f.write_str(")")?;
                }
                Ok(())
            }
        }
    }
}

/// When an image is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pull {
    /// Where the engine does not have it.
    #[default]
    Missing,
    /// In every run.
    Always,
    /// Not at all.
    Never,
}

/// A container that runs beside the steps of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    /// Under which steps reach it.
    pub name: String,
    /// Its image, and how it is started.
    pub container: Container,
    /// Arguments of its program, instead of the image's own.
    pub command: Option<Vec<String>>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// When steps may use it; none: as soon as it runs.
    pub ready: Option<Ready>,
    /// How long it may take to be ready; none: the executor's default.
    pub ready_within: Option<Duration>,
    /// Grants.
    pub allow: Allow,
    /// Caps.
    pub limits: Limits,
    /// What it needs of the machine.
    pub resources: Resources,
}

/// When a service is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    /// Something listens on this port.
    Tcp(u16),
    /// `GET` is answered with a status below 400.
    Http {
        /// Port.
        port: u16,
        /// Path, from `/`.
        path: String,
    },
    /// A program and its arguments succeed inside.
    Command(Vec<String>),
}
