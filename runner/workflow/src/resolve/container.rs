//! `container:`: where its image comes from, how it is started, and the keys that have a meaning for it.

use std::ops::Range;

use super::{Context, matrix::Cell, path};
use crate::{
    diagnostic::Diagnostic,
    document::{AllowDocument, BuildSetting, ContainerDocument, ContainerSetting, StepDocument},
    expr::Template,
    plan::{Container, ImageSource, Pull},
    read::Spanned,
};

/// Recipe of a build that names none.
const RECIPE: &str = "Dockerfile";

/// A container as written.
pub(crate) struct Form<'d> {
    image: Image<'d>,
    document: Option<&'d ContainerDocument>,
}

/// Where its image comes from, as written.
enum Image<'d> {
    Named { reference: &'d Template, span: Range<usize> },
    Built { context: &'d Template, span: Range<usize>, setting: &'d BuildSetting },
}

impl<'d> Form<'d> {
    /// The container that `setting` describes; none where its image cannot be told.
    pub(crate) fn new(setting: &'d Spanned<ContainerSetting>, context: &mut Context<'_>) -> Option<Self> {
        let document = match &setting.value {
            ContainerSetting::Image(image) => {
                let image = Image::Named { reference: &image.0, span: setting.span.clone() };
                return Some(Self { image, document: None });
            }
            ContainerSetting::Document(document) => document,
        };
        let mut problem = |code: &str, span: &Range<usize>, message: &str, help: &str| {
            context.problems.push(Diagnostic::error(code, span.clone(), message).help(help));
        };
        let image = match (&document.image, &document.build) {
            (Some(image), None) => Image::Named { reference: &image.value.0, span: image.span.clone() },
            (None, Some(build)) => {
                if let Some(pull) = &document.pull {
                    let help = "what is built here is never pulled; remove it";
                    problem("step::no-effect", &pull.key, "`pull` has no meaning beside `build`", help);
                }
                let (context, span) = match &build.value {
                    BuildSetting::Folder(folder) => (&folder.0, build.span.clone()),
                    BuildSetting::Document(document) => {
                        let context = document.context.as_ref()?;
                        (&context.value.0, context.span.clone())
                    }
                };
                Image::Built { context, span, setting: &build.value }
            }
            (Some(_), Some(build)) => {
                let help = "keep the one that is meant";
                problem("step::exclusive", &build.key, "`build` cannot stand beside `image`", help);
                return None;
            }
            (None, None) => {
                if !document.broken {
                    let help = "write `image: NAME` or `build: FOLDER`";
                    problem("workflow::missing-key", &setting.key, "a container needs an image", help);
                }
                return None;
            }
        };
        Some(Self { image, document: Some(document) })
    }

    /// A container of this image with nothing else said.
    pub(crate) fn of_image(reference: &'d Template, span: Range<usize>) -> Self {
        Self { image: Image::Named { reference, span }, document: None }
    }

    /// Its templates, all of which are known before the run.
    pub(crate) fn templates(&self) -> Vec<&'d Template> {
        match &self.image {
            Image::Named { reference, .. } => vec![reference],
            Image::Built { context, setting, .. } => {
                let mut templates = vec![*context];
                if let BuildSetting::Document(document) = setting {
                    let args = document.args.iter().flat_map(|args| &args.value.entries);
                    templates.extend(args.map(|(_, value)| &value.value.0));
                }
                templates
            }
        }
    }

    /// Checks what is the same in every cell.
    pub(crate) fn check(&self, context: &mut Context<'_>) {
        let Some(document) = self.document else { return };
        if let Some(user) = &document.user {
            check_user(user, context);
        }
        let mut problem = |code: &str, span: &Range<usize>, message: String, help: &str| {
            context.problems.push(Diagnostic::error(code, span.clone(), message).help(help));
        };
        if let Some(entrypoint) = &document.entrypoint
            && entrypoint.value.0.first().is_none_or(|program| program.value.is_empty())
        {
            let help = "write a program and its arguments: `[python, -u]`";
            problem("workflow::empty", &entrypoint.span, "the entrypoint names no program".to_owned(), help);
        }
        if let Some(workdir) = &document.workdir
            && (!workdir.value.starts_with('/') || workdir.value.contains("/.."))
        {
            let message = format!("`{}` is not an absolute path of the container", workdir.value);
            problem("container::workdir", &workdir.span, message, "the workspace is `/workspace`");
        }
        if let Some(build) = &document.build
            && let BuildSetting::Document(build) = &build.value
            && let Some(file) = &build.file
            && let Err(message) = path::check(&file.value)
        {
            problem("container::build", &file.span, message, "the recipe lies below `context`");
        }
    }

    /// The container of a cell.
    pub(crate) fn plan(
        &self,
        cell: &Cell,
        keys: (&[String], &[String]),
        context: &mut Context<'_>,
    ) -> Container {
        let image = self.image(cell, keys, context);
        let document = self.document;
        let texts = |list: &[Spanned<String>]| list.iter().map(|text| text.value.clone()).collect();
        Container {
            image,
            entrypoint: document.and_then(|d| d.entrypoint.as_ref()).map(|list| texts(&list.value.0)),
            workdir: document.and_then(|d| d.workdir.as_ref()).map(|path| path.value.clone()),
            user: document.and_then(|d| d.user.as_ref()).map(|user| user.value.clone()),
        }
    }

    fn image(&self, cell: &Cell, keys: (&[String], &[String]), context: &mut Context<'_>) -> ImageSource {
        let reason = "the image is known before the run";
        match &self.image {
            Image::Named { reference, span } => {
                let text = context.static_text(reference, cell, keys, reason);
                if let Some(text) = &text
                    && !is_reference(text)
                {
                    let message = format!("`{text}` is not an image");
                    let problem = Diagnostic::error("container::image", span.clone(), message);
                    let help = "write `python:3.12-slim`, `registry/name:tag` or `registry/name@sha256:…`";
                    context.problems.push(problem.help(help));
                }
                let pull = self.document.and_then(|document| document.pull.as_ref());
                ImageSource::Named {
                    reference: text.unwrap_or_default(),
                    pull: pull.map_or(Pull::Missing, |pull| pull.value),
                }
            }
            Image::Built { context: folder, span, setting } => {
                let text = context.static_text(folder, cell, keys, reason);
                if let Some(text) = &text
                    && let Err(message) = path::check(text)
                {
                    context.problems.push(Diagnostic::error("container::build", span.clone(), message));
                }
                let (mut file, mut args) = (RECIPE.to_owned(), Vec::new());
                if let BuildSetting::Document(document) = setting {
                    if let Some(name) = &document.file {
                        file = path::normal(&name.value);
                    }
                    for (name, value) in document.args.iter().flat_map(|args| &args.value.entries) {
                        let reason = "the arguments of a build are known before the run";
                        let text = context.static_text(&value.value.0, cell, keys, reason);
                        args.push((name.clone(), text.unwrap_or_default()));
                    }
                }
                ImageSource::Built { context: path::normal(&text.unwrap_or_default()), file, args }
            }
        }
    }
}

/// Reports keys of a step that have no meaning for what it runs.
pub(crate) fn check_keys(step: &StepDocument, is_container: bool, context: &mut Context<'_>) {
    let mut no_effect = |span: &Range<usize>, message: &str, help: &str| {
        context.problems.push(Diagnostic::error("step::no-effect", span.clone(), message).help(help));
    };
    if let Some(allow) = &step.allow {
        let AllowDocument { read, env, clock, random, capabilities, write_root, .. } = &allow.value;
        if is_container {
            let help = "a container reads all of the workspace; name what shall be an input under `in`";
            if let Some(read) = read {
                no_effect(&read.key, "`allow.read` has no meaning for a container", help);
            }
            if let Some(env) = env {
                let help = "give the variable a value under `env:`";
                no_effect(&env.key, "`allow.env` has no meaning for a container", help);
            }
            for (flag, name) in [(clock, "clock"), (random, "random")] {
                if let Some(flag) = flag {
                    let message = format!("`allow.{name}` has no meaning for a container");
                    no_effect(&flag.key, &message, "a container has it anyway; remove it");
                }
            }
        } else {
            let help = "it is for containers; remove it";
            if let Some(capabilities) = capabilities {
                no_effect(&capabilities.key, "`allow.capabilities` has no meaning for a plugin", help);
            }
            if let Some(write_root) = write_root {
                no_effect(&write_root.key, "`allow.write-root` has no meaning for a plugin", help);
            }
        }
    }
    if is_container {
        return;
    }
    if step.run.is_some()
        && let Some(memory) = step.limits.as_ref().and_then(|limits| limits.memory.as_ref())
    {
        let help = "nothing caps the memory of a step on the host: run it in a container, or remove it";
        no_effect(&memory.key, "`limits.memory` has no meaning on the host", help);
    }
    let help = "it is for containers; remove it";
    if let Some(pids) = step.limits.as_ref().and_then(|limits| limits.pids.as_ref()) {
        no_effect(&pids.key, "`limits.pids` has no meaning without a container", help);
    }
    if let Some(size) = step.resources.as_ref().and_then(|resources| resources.shm_size.as_ref()) {
        no_effect(&size.key, "`resources.shm-size` has no meaning without a container", help);
    }
}

/// Reports what cannot be a user.
pub(crate) fn check_user(user: &Spanned<String>, context: &mut Context<'_>) {
    if !is_user(&user.value) {
        let message = format!("`{}` is not a user", user.value);
        let problem = Diagnostic::error("container::user", user.span.clone(), message);
        context.problems.push(problem.help("write `UID`, `UID:GID` or a name of the image"));
    }
}

/// `UID`, `UID:GID`, or names.
fn is_user(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    match text.split_once(':') {
        Some((user, group)) => part(user) && part(group),
        None => part(text),
    }
}

/// Whether a text can be the reference of an image: `[registry[:port]/]name[:tag][@digest]`. What the engine makes of
/// it is the engine's business; this keeps out what could be misread as something else.
fn is_reference(text: &str) -> bool {
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':' | b'[' | b']');
    let is_digest = |digest: &str| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    !name.is_empty()
        && name.len() <= 500
        && name.bytes().all(plain)
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'[')
        && !name.contains("//")
        && !name.ends_with(['/', ':'])
        && digest.is_none_or(is_digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let digest = format!("python@sha256:{}", "0a".repeat(32));
        for good in ["python", "python:3.12-slim", "localhost:5000/a/b:v1", "ghcr.io/a/b_c", &digest] {
            assert!(is_reference(good), "{good}");
        }
        for bad in ["", "a b", "-rm", "a//b", "a@sha256:12", "a:", "/a", "a;b", "$(a)", "https://a/b?c"] {
            assert!(!is_reference(bad), "{bad}");
        }
    }

    #[test]
    fn users() {
        for good in ["1000", "0:0", "nobody", "app:www-data"] {
            assert!(is_user(good), "{good}");
        }
        for bad in ["", ":", "1:", "a b", "1:2:3"] {
            assert!(!is_user(bad), "{bad}");
        }
    }
}
