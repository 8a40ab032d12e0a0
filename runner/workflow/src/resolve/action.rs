//! What a step runs: exactly one of a plugin, a container and a command on the host, and the keys that go with each.

use std::{ops::Range, rc::Rc};

use super::{Context, container, outline::StepOutline};
use crate::{
    diagnostic::Diagnostic, document::StepDocument, plan::StageIndex, read::Spanned, suggest,
    surroundings::PluginManifest,
};

/// Stage names that manifests speak of. In stages of any other name, every plugin fits.
const STANDARD_STAGES: &[&str] = &["validate", "train", "evaluate", "deploy", "monitor"];

/// What a step runs, as written.
pub(crate) enum Form<'d> {
    /// `uses:`
    Plugin {
        /// The reference and where it stands.
        uses: &'d Spanned<String>,
    },
    /// `container:`
    Container(container::Form<'d>),
    /// `run:` alone.
    Process,
}

/// The form of a step; problems with keys that exclude each other are reported.
pub(crate) fn form<'d>(
    step: &'d StepDocument,
    span: &Range<usize>,
    context: &mut Context<'_>,
) -> Option<Form<'d>> {
    let mut problem = |code: &str, span: &Range<usize>, message: &str, help: &str| {
        context.problems.push(Diagnostic::error(code, span.clone(), message).help(help));
    };
    if let Some(uses) = &step.uses {
        if let Some(run) = &step.run {
            let help = "a plugin is configured by `with:`; put the command in a step of its own";
            problem("step::exclusive", &run.key, "`run` cannot stand beside `uses`", help);
        }
        if let Some(container) = &step.container {
            let help = "keep the one that is meant";
            problem("step::exclusive", &container.key, "`container` cannot stand beside `uses`", help);
        }
        if let Some(shell) = &step.shell {
            problem("step::no-effect", &shell.key, "`shell` has no meaning for a plugin", "remove it");
        }
        return Some(Form::Plugin { uses });
    }
    if let Some(with) = &step.with {
        let help = "`with` configures a plugin (`uses:`); a command gets `env:` and `${{ params.… }}`";
        problem("step::no-effect", &with.key, "`with` has no meaning without `uses`", help);
    }
    if let Some(container) = &step.container {
        return container::Form::new(container, context).map(Form::Container);
    }
    let mut problem = |code: &str, span: &Range<usize>, message: &str, help: &str| {
        context.problems.push(Diagnostic::error(code, span.clone(), message).help(help));
    };
    if step.run.is_some() {
        if let Some(allow) = &step.allow {
            let help = "a command on the host is not sandboxed, so there is nothing to grant; use a plugin or a container to confine it";
            problem("step::no-effect", &allow.key, "`allow` has no meaning for a command on the host", help);
        }
        return Some(Form::Process);
    }
    if !step.broken {
        let help = "write `uses: PLUGIN`, `container: IMAGE` or `run: COMMAND`";
        problem("step::nothing-to-run", span, "this step does not say what to run", help);
    }
    None
}

/// What the plugin of a step says about itself; problems with the reference are reported.
pub(crate) fn manifest(
    step: &StepOutline<'_>,
    stage: &str,
    context: &mut Context<'_>,
) -> Option<Rc<PluginManifest>> {
    let Some(Form::Plugin { uses }) = step.action else { return None };
    if let Some(known) = context.manifests.get(&uses.value) {
        let known = known.clone();
        check_stage(known.as_deref(), stage, uses, context);
        if is_remote(&uses.value) {
            context.unavailable("uses", &uses.span, Some(step.stage));
        }
        return known;
    }
    let manifest = look_up(uses, step.stage, context).map(Rc::new);
    context.manifests.insert(uses.value.clone(), manifest.clone());
    check_stage(manifest.as_deref(), stage, uses, context);
    manifest
}

fn is_remote(uses: &str) -> bool {
    uses.starts_with("https://") || uses.starts_with("oci://")
}

fn look_up(uses: &Spanned<String>, stage: StageIndex, context: &mut Context<'_>) -> Option<PluginManifest> {
    let text = uses.value.as_str();
    let mut problem = |message: String, help: String| {
        context.problems.push(Diagnostic::error("plugin::reference", uses.span.clone(), message).help(help));
        None
    };
    let forms = "write `builtin:NAME`, `./path.wasm`, `https://…#sha256=…` or `oci://registry/name:tag`";
    if let Some(name) = text.strip_prefix("builtin:") {
        let names = context.surroundings.builtin_names();
        if !names.iter().any(|known| known == name) {
            let help = suggest::nearest(name, names.iter().map(String::as_str)).map_or_else(
                || suggest::help("", names.iter().map(String::as_str)).unwrap_or_default(),
                |nearest| format!("did you mean `builtin:{nearest}`?"),
            );
            return problem(format!("there is no built-in plugin `{name}`"), help);
        }
    } else if let Some(rest) = text.strip_prefix("https://") {
        let digest = rest.split_once("#sha256=").map(|(_, digest)| digest);
        if digest.is_none_or(|digest| digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit())) {
            let help = "append `#sha256=` and the 64 hexadecimal digits of the component's SHA-256";
            return problem("a plugin from the web must be pinned by its digest".to_owned(), help.to_owned());
        }
        context.unavailable("uses", &uses.span, Some(stage));
        return None;
    } else if let Some(rest) = text.strip_prefix("oci://") {
        if rest.is_empty() || !rest.contains('/') {
            return problem(format!("`{text}` names no plugin"), forms.to_owned());
        }
        context.unavailable("uses", &uses.span, Some(stage));
        return None;
    } else if text.starts_with("http://") {
        return problem("plugins are not fetched over plain http".to_owned(), "use https".to_owned());
    } else if !(text.starts_with("./")
        || std::path::Path::new(text).extension().is_some_and(|end| end == "wasm"))
    {
        let names = context.surroundings.builtin_names();
        let help = if names.iter().any(|known| known == text) {
            format!("did you mean `builtin:{text}`?")
        } else {
            forms.to_owned()
        };
        return problem(format!("`{text}` is not a reference to a plugin"), help);
    } else if let Err(message) = super::path::check(text) {
        return problem(
            message,
            "a plugin's path is relative to the workspace and stays inside it".to_owned(),
        );
    }
    match context.surroundings.manifest(text) {
        Ok(manifest) => manifest,
        Err(problem) => {
            context.problems.push(
                Diagnostic::error(&problem.code, uses.span.clone(), problem.message).maybe_help(problem.help),
            );
            None
        }
    }
}

fn check_stage(
    manifest: Option<&PluginManifest>,
    stage: &str,
    uses: &Spanned<String>,
    context: &mut Context<'_>,
) {
    let Some(manifest) = manifest else { return };
    let fits = manifest.stages.is_empty() || manifest.stages.iter().any(|known| known == stage);
    if !fits && STANDARD_STAGES.contains(&stage) {
        let message =
            format!("the plugin {} is made for the stage {}", manifest.name, manifest.stages.join(" or "));
        context.problems.push(Diagnostic::warning("plugin::stage", uses.span.clone(), message));
    }
}
