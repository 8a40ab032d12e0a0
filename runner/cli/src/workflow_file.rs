//! Reading and checking a workflow file, for every command that takes one.

use std::{
    fs::File,
    io::Read as _,
    path::{Component, Path, PathBuf},
};

use runner_workflow::{CheckOptions, Severity, plan::Plan};
use sha2::{Digest as _, Sha256};

use crate::{
    arguments::WorkflowArguments,
    diagnostics::{CheckedFile, text},
    environment::{Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    output,
    plugins::Plugins,
    surroundings::Outside,
    workspace,
};

/// Bytes read of a workflow file: one more than the language accepts, so that it can say so, and never all of a huge one.
const READ_AT_MOST: u64 = 16 * 1024 * 1024 + 1;
/// An event's payload larger than this is refused; GitHub's own limit is 25 MB.
const LARGEST_EVENT: u64 = 25 * 1024 * 1024;

/// A workflow file that was read and checked.
pub(crate) struct Loaded {
    /// Its workspace.
    pub(crate) workspace: PathBuf,
    /// Its text and its problems.
    pub(crate) checked: CheckedFile,
    /// The plan, unless there are errors.
    pub(crate) plan: Option<Plan>,
    /// SHA-256 of its text, hex.
    pub(crate) digest: String,
}

/// Read and check one file.
pub(crate) fn load(
    file: &Path,
    params: &[(String, String)],
    environment: &Environment,
) -> Result<(Loaded, Plugins), Failure> {
    let workspace = workspace::find(&environment.current_dir, Some(file));
    let plugins = Plugins::new(&workspace, environment);
    let source = read(&environment.current_dir.join(file), file)?;
    let shown = file.to_string_lossy().into_owned();
    let options = CheckOptions { file_name: shown.clone(), params: params.to_vec() };
    let checked = runner_workflow::check(&source, &options, &Outside::new(&workspace, &plugins));
    let digest = hex(&Sha256::digest(&source));
    let checked_file = CheckedFile {
        in_workspace: in_workspace(&environment.current_dir.join(file), &workspace)
            .unwrap_or_else(|| shown.clone()),
        shown,
        source,
        diagnostics: checked.diagnostics,
    };
    Ok((Loaded { workspace, checked: checked_file, plan: checked.plan, digest }, plugins))
}

/// Read and check one file for a command that needs its plan. Problems go to standard error; errors end the command.
pub(crate) fn load_plan(
    arguments: &WorkflowArguments,
    environment: &Environment,
    look: Look,
) -> Result<Result<(Plan, Loaded, Plugins), ExitCode>, Failure> {
    let (mut loaded, plugins) = load(&arguments.file, &arguments.params, environment)?;
    if !loaded.checked.diagnostics.is_empty() {
        output::complain(&text::render(std::slice::from_ref(&loaded.checked), look));
    }
    Ok(match loaded.plan.take() {
        Some(plan) => Ok((plan, loaded, plugins)),
        None => Err(exit_code(&loaded.checked, &plugins)),
    })
}

/// The exit code that the problems of a file call for.
pub(crate) fn exit_code(file: &CheckedFile, plugins: &Plugins) -> ExitCode {
    let errors = || file.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    if errors().next().is_none() {
        ExitCode::Passed
    } else if errors().all(|diagnostic| plugins.is_environmental(&diagnostic.code)) {
        // A plugin that is not there is no mistake in the workflow, unless there are mistakes too.
        ExitCode::Environment
    } else {
        ExitCode::Usage
    }
}

/// The payload of an event; an empty object without one.
pub(crate) fn read_event(path: Option<&Path>) -> Result<serde_json::Value, Failure> {
    let Some(path) = path else { return Ok(serde_json::Value::Object(serde_json::Map::new())) };
    let fail =
        |why: String| Failure::usage("cli::event", format!("cannot use the event {}: {why}", path.display()));
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_EVENT + 1).read_to_string(&mut text))
        .map_err(|error| fail(error.to_string()))?;
    if text.len() as u64 > LARGEST_EVENT {
        return Err(fail(format!("it is larger than {LARGEST_EVENT} bytes")));
    }
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(fail("it is not a JSON object".to_owned())) }
}

fn read(path: &Path, shown: &Path) -> Result<Vec<u8>, Failure> {
    let mut source = Vec::new();
    File::open(path).and_then(|file| file.take(READ_AT_MOST).read_to_end(&mut source)).map_err(|error| {
        Failure::usage("cli::workflow-file", format!("cannot read the workflow {}: {error}", shown.display()))
    })?;
    Ok(source)
}

/// The path from the workspace's root, with `/`, as it is written: a link is not followed, or a file under review could be
/// replaced by one to another file, which no base knows.
fn in_workspace(file: &Path, workspace: &Path) -> Option<String> {
    let plain = |path: &Path| path.components().all(|part| !matches!(part, Component::ParentDir));
    let written = std::path::absolute(file).ok().filter(|file| plain(file));
    let written = written.and_then(|file| {
        let workspace = std::path::absolute(workspace).ok()?;
        file.strip_prefix(workspace).ok().map(Path::to_path_buf)
    });
    let relative = if let Some(relative) = written {
        relative
    } else {
        let folder = file.parent()?.canonicalize().ok()?;
        folder.join(file.file_name()?).strip_prefix(workspace.canonicalize().ok()?).ok()?.to_path_buf()
    };
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Some(parts.join("/"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
