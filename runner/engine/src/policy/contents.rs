//! The bytes behind what a workflow names in its workspace: a name that stays says nothing about them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use runner_store::Digest;
use runner_workflow::plan::{Action, Container, ImageSource, Plan};

/// Paths of a folder that are told one by one where it changed.
const TOLD: usize = 5;

/// Something in the workspace whose bytes are policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// A file: a component (`./x.wasm`), or a model to compare with (`file:model.onnx`).
    File {
        /// As written.
        reference: String,
        /// Relative to the workspace.
        path: String,
    },
    /// The folder that an image is built from, without what its `.dockerignore` hides.
    Context {
        /// Relative to the workspace.
        path: String,
    },
}

impl Named {
    /// Under which its content stands in [`Contents`].
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::File { reference, .. } => reference.clone(),
            Self::Context { path } => context_key(path),
        }
    }
}

/// Everything of that kind that a plan names.
#[must_use]
pub fn named(plan: &Plan) -> BTreeSet<Named> {
    let file = |reference: &str, path: &str| Named::File {
        reference: reference.to_owned(),
        path: path.trim_start_matches("./").to_owned(),
    };
    let mut named = BTreeSet::new();
    let context = |container: &Container| match &container.image {
        ImageSource::Built { context, .. } => Some(Named::Context { path: context.clone() }),
        ImageSource::Named { .. } => None,
    };
    for step in &plan.steps {
        match &step.action {
            Action::Plugin { uses } if uses.starts_with("./") => {
                named.insert(file(uses, uses));
            }
            Action::Container { container, .. } => named.extend(context(container)),
            Action::Plugin { .. } | Action::Process { .. } => {}
        }
    }
    let services = plan.stages.iter().flat_map(|stage| &stage.services);
    named.extend(services.filter_map(|service| context(&service.container)));
    let baseline = plan.baseline.iter().flat_map(|known| [Some(&known.model), known.anchor.as_ref()]);
    for reference in baseline.flatten() {
        named.extend(reference.strip_prefix("file:").map(|path| file(reference, path)));
    }
    named
}

/// What lies at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// What tells each file from another, by its path in the folder; the path of a single file is empty.
    files: BTreeMap<String, String>,
}

impl Content {
    /// A file, by its digest `sha256:…`.
    #[must_use]
    pub fn file(digest: String) -> Self {
        Self { files: [(String::new(), digest)].into_iter().collect() }
    }

    /// A folder: for each path with `/` what tells it from another, such as mode and digest.
    #[must_use]
    pub fn folder(files: BTreeMap<String, String>) -> Self {
        Self { files }
    }

    /// `sha256:…` of the file, or of the list of all files.
    #[must_use]
    pub fn digest(&self) -> String {
        if let Some(digest) = self.files.get("") {
            return digest.clone();
        }
        let mut listing = String::new();
        for (path, file) in &self.files {
            // Neither holds a NUL.
            let _ = write!(listing, "{path}\0{file}\0");
        }
        Digest::of_bytes(listing.as_bytes()).to_string()
    }

    /// What is different in it, in words.
    fn changes_since(&self, before: &Self) -> Vec<String> {
        let paths: BTreeSet<&String> = self.files.keys().chain(before.files.keys()).collect();
        let mut changed = Vec::new();
        for path in paths.into_iter().filter(|path| !path.is_empty()) {
            match (before.files.get(path), self.files.get(path)) {
                (Some(before), Some(now)) if before == now => {}
                (Some(_), Some(_)) => changed.push(format!("{path} changed")),
                (None, _) => changed.push(format!("{path} is new")),
                (Some(_), None) => changed.push(format!("{path} is gone")),
            }
        }
        let more = changed.len().saturating_sub(TOLD);
        changed.truncate(TOLD);
        if more > 0 {
            changed.push(format!("and {more} more"));
        }
        changed
    }
}

/// What lies behind the names, in two revisions. Of a name that is missing nothing could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// In the base.
    pub base: BTreeMap<String, Content>,
    /// In the head.
    pub head: BTreeMap<String, Content>,
}

impl Contents {
    /// What changed within the image that both build, in words; empty where one of them does not.
    pub(super) fn rebuilt(&self, before: &Container, after: &Container) -> Vec<String> {
        let context = |container: &Container, contents: &BTreeMap<String, Content>| match &container.image {
            ImageSource::Built { context, .. } => contents.get(&context_key(context)).cloned(),
            ImageSource::Named { .. } => None,
        };
        match (context(before, &self.base), context(after, &self.head)) {
            (Some(before), Some(after)) => after.changes_since(&before),
            _ => Vec::new(),
        }
    }
}

/// A reference with the digest of what lies behind it.
pub(super) fn with_digest(reference: &str, contents: &BTreeMap<String, Content>) -> String {
    match contents.get(reference) {
        Some(content) => format!("{reference} ({})", content.digest()),
        None => reference.to_owned(),
    }
}

/// Where an image comes from, with all that its recipe is told and the digest of what it is built from.
pub(super) fn image(container: &Container, contents: &BTreeMap<String, Content>) -> String {
    let mut text = format!("{:#}", container.image);
    if let ImageSource::Built { context, .. } = &container.image
        && let Some(content) = contents.get(&context_key(context))
    {
        let _ = write!(text, " {}", content.digest());
    }
    text
}

fn context_key(path: &str) -> String {
    format!("build:{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> Content {
        let files = files.iter().map(|(path, digest)| ((*path).to_owned(), (*digest).to_owned()));
        Content::folder(files.collect())
    }

    #[test]
    fn a_folder_is_its_files() {
        let before = folder(&[("Dockerfile", "1"), ("a", "2"), ("gone", "3")]);
        let after = folder(&[("Dockerfile", "9"), ("a", "2"), ("new", "3")]);
        assert_eq!(after.changes_since(&before), ["Dockerfile changed", "gone is gone", "new is new"]);
        assert_ne!(before.digest(), after.digest());
        assert_eq!(before.digest(), before.clone().digest());
        // Where one name ends and the next begins is part of it.
        assert_ne!(folder(&[("a", "b")]).digest(), folder(&[("ab", "")]).digest());
        let many: Vec<(String, String)> = (0..9).map(|n| (format!("f{n}"), String::new())).collect();
        let many = Content::folder(many.into_iter().collect());
        assert_eq!(many.changes_since(&Content::default()).last().unwrap(), "and 4 more");
    }

    #[test]
    fn a_file_is_its_bytes() {
        assert_eq!(Content::file("sha256:1".into()).digest(), "sha256:1");
    }
}
