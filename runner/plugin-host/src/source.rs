//! Where a plugin comes from: what `uses:` names.

use std::{borrow::Cow, fs::File, io::Read as _, path::Path};

use runner_engine::executor::ExecutorError;

use crate::{
    component::inspect,
    digest,
    error::{WithHelp as _, environment, usage},
    limits::COMPONENT_BYTES,
    paths::{inside_workspace, resolve},
};

/// A plugin that is part of the program.
#[derive(Debug, Clone, Copy)]
pub struct Builtin {
    /// The name behind `builtin:`.
    pub name: &'static str,
    /// The component.
    pub bytes: &'static [u8],
    /// SHA-256 of the component in lower-case hex. Trusted as it is: it was computed when the program was built.
    pub sha256: &'static str,
    /// Its manifest as JSON, so that nothing need be compiled to check a workflow.
    pub manifest_json: &'static str,
}

/// The bytes of a plugin.
pub(crate) struct Source {
    /// As written in the workflow, for messages.
    pub(crate) name: String,
    /// SHA-256 in hex.
    pub(crate) digest: String,
    /// The component.
    pub(crate) bytes: Cow<'static, [u8]>,
    /// Its manifest, where it comes with one.
    pub(crate) manifest_json: Option<&'static str>,
}

impl Source {
    /// Finds what `uses` names. Reads a file; blocks.
    pub(crate) fn find(uses: &str, workspace: &Path, builtins: &[Builtin]) -> Result<Self, ExecutorError> {
        if let Some(name) = uses.strip_prefix("builtin:") {
            return builtin(uses, name, builtins);
        }
        if uses.starts_with("https://") || uses.starts_with("http://") || uses.starts_with("oci://") {
            let message = format!("`uses: {uses}`: plugins from elsewhere are not available yet");
            return Err(environment("plugin::remote-unavailable", message).with_help(
                "download the component into the workspace and name its path, such as ./plugin.wasm",
            ));
        }
        file(uses, workspace)
    }
}

fn builtin(uses: &str, name: &str, builtins: &[Builtin]) -> Result<Source, ExecutorError> {
    let Some(found) = builtins.iter().find(|builtin| builtin.name == name) else {
        let names: Vec<_> = builtins.iter().map(|builtin| builtin.name).collect();
        return Err(usage("plugin::not-found", format!("there is no built-in plugin `{name}`"))
            .with_help(format!("built-in plugins: {}", names.join(", "))));
    };
    Ok(Source {
        name: format!("plugin `{uses}`"),
        digest: found.sha256.to_owned(),
        bytes: Cow::Borrowed(found.bytes),
        manifest_json: Some(found.manifest_json),
    })
}

fn file(uses: &str, workspace: &Path) -> Result<Source, ExecutorError> {
    let unusable = |reason: String| usage("plugin::path", format!("`uses: {uses}` {reason}"));
    let relative = inside_workspace(uses).map_err(unusable)?;
    let missing = |error: std::io::Error| {
        environment("plugin::not-found", format!("`uses: {uses}` cannot be read: {error}"))
            .with_help(format!("the path is taken from the workspace {}", workspace.display()))
    };
    let Some(path) = resolve(workspace, &relative).map_err(missing)? else {
        return Err(unusable("is a symbolic link that leads out of the workspace".into()));
    };
    // Opening a pipe would wait for somebody to write to it.
    if !path.metadata().map_err(missing)?.is_file() {
        return Err(unusable("is not a file".into()));
    }
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(COMPONENT_BYTES + 1).read_to_end(&mut bytes))
        .map_err(missing)?;
    let name = format!("plugin `{uses}`");
    inspect(&name, &bytes)?;
    Ok(Source { name, digest: digest::of(&bytes), bytes: Cow::Owned(bytes), manifest_json: None })
}
