//! Furnishes the sandbox of one attempt: what the plugin finds under `/in`, `/out` and `/workspace`, its environment,
//! its clocks and its randomness.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use runner_engine::executor::{Binding, ExecutorError, StepRequest};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use crate::{
    bindings::types,
    determinism,
    error::{denied, environment, internal, usage},
    limits::{FOLDER_ENTRIES, RANDOM_BYTES},
    manifest::wit_kind,
    paths::{inside_workspace, resolve},
    stdio::Captured,
};

/// Standard output and error of an attempt.
pub(crate) struct Streams {
    /// Standard output.
    pub(crate) stdout: Captured,
    /// Standard error.
    pub(crate) stderr: Captured,
}

/// A context in which nothing is granted: for `describe`.
pub(crate) fn bare() -> WasiCtx {
    let mut wasi = builder();
    determinism::fix_clocks(&mut wasi);
    determinism::seed_randomness(&mut wasi, 0);
    wasi.build()
}

fn builder() -> WasiCtxBuilder {
    let mut wasi = WasiCtxBuilder::new();
    // A file operation on a thread of its own costs more than most operations do. Everything that could block for
    // long (pipes, sockets, devices) is kept out of the sandbox: see `refuse_special`. Set before any folder is opened.
    wasi.allow_blocking_current_thread(true).max_random_size(RANDOM_BYTES);
    wasi
}

/// The context of one attempt. Blocks for a few file operations.
pub(crate) fn context(
    request: &StepRequest,
    variables: &BTreeMap<String, String>,
    streams: &Streams,
) -> Result<WasiCtx, ExecutorError> {
    let mut wasi = builder();
    wasi.stdout(streams.stdout.clone()).stderr(streams.stderr.clone());
    for (name, input) in &request.inputs {
        let folder = input_folder(request, input).map_err(|error| cannot_show(name, &input.path, &error))?;
        open(&mut wasi, &folder, &format!("/in/{}", segment(name)?), FsPerms::ReadOnly)?;
    }
    prepare_outputs(request)?;
    open(&mut wasi, &request.out_dir, "/out", FsPerms::ReadWrite)?;
    for (guest, folder) in granted_folders(request)? {
        open(&mut wasi, &folder, &guest, FsPerms::ReadOnly)?;
    }
    for name in &request.allow.env {
        // The step's own value first; a granted variable that is not set stays unset.
        if let Some(value) = request.env.get(name).or_else(|| variables.get(name)) {
            wasi.env(name, value);
        }
    }
    if !request.allow.clock {
        determinism::fix_clocks(&mut wasi);
    }
    if !request.allow.random {
        determinism::seed_randomness(&mut wasi, request.seed);
    }
    Ok(wasi.build())
}

/// The task as the plugin sees it.
pub(crate) fn task(request: &StepRequest) -> Result<types::Task, ExecutorError> {
    let inputs = request.inputs.iter().map(|(name, input)| {
        let folder = format!("/in/{}", segment(name)?);
        let path = if input.is_dir { folder } else { format!("{folder}/{}", file_name(&input.path)?) };
        Ok(types::Binding { name: name.clone(), kind: wit_kind(input.kind), path })
    });
    let outputs = request.outputs.iter().map(|(name, output)| {
        let relative = text(below_out(request, &output.path)?)?;
        Ok(types::Binding {
            name: name.clone(),
            kind: wit_kind(output.kind),
            path: format!("/out/{relative}"),
        })
    });
    Ok(types::Task {
        step: request.step.clone(),
        inputs: inputs.collect::<Result<_, ExecutorError>>()?,
        outputs: outputs.collect::<Result<_, ExecutorError>>()?,
        config: request.config.to_string(),
        seed: request.seed,
    })
}

/// The folder that is shown as `/in/<name>`. A file is shown in a folder that holds nothing else: the one it is in, or
/// a new one with a link to it.
fn input_folder(request: &StepRequest, input: &Binding) -> io::Result<PathBuf> {
    if input.is_dir {
        refuse_special(&input.path)?;
        return Ok(input.path.clone());
    }
    let metadata = fs::symlink_metadata(&input.path)?;
    let parent = input.path.parent().ok_or_else(|| io::Error::other("it has no folder"))?;
    if metadata.is_file() && fs::read_dir(parent)?.take(2).count() == 1 {
        return Ok(parent.to_owned());
    }
    let folder = new_folder(&request.scratch_dir)?;
    let file = input.path.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
    link(&input.path.canonicalize()?, &folder.join(file))?;
    Ok(folder)
}

/// Folders shown below `/workspace`. Granted folders as they are; granted files in private folders that hold them only.
fn granted_folders(request: &StepRequest) -> Result<BTreeMap<String, PathBuf>, ExecutorError> {
    let cannot = |path: &str, error: &io::Error| {
        environment(
            "plugin::read-failed",
            format!("`allow.read` names `{path}`, which cannot be shown: {error}"),
        )
    };
    let mut folders = BTreeMap::new();
    let mut files = Vec::new();
    for path in &request.allow.read {
        let relative = inside_workspace(path)
            .map_err(|reason| usage("plugin::read-outside-workspace", format!("`allow.read` {reason}")))?;
        let found = resolve(&request.workspace, &relative).map_err(|error| cannot(path, &error))?;
        let Some(resolved) = found else {
            let message =
                format!("`allow.read` names `{path}`, a symbolic link that leads out of the workspace");
            return Err(denied("plugin::read-outside-workspace", message));
        };
        if resolved.is_dir() {
            refuse_special(&resolved).map_err(|error| cannot(path, &error))?;
            folders.insert(guest_path(&relative)?, resolved);
        } else {
            files.push((relative, resolved, path));
        }
    }
    for (relative, resolved, path) in &files {
        let parent = relative.parent().unwrap_or(Path::new(""));
        // Below a granted folder it is visible already.
        if parent
            .ancestors()
            .any(|above| guest_path(above).is_ok_and(|above| is_granted_folder(&folders, &above, request)))
        {
            continue;
        }
        let guest = guest_path(parent)?;
        let Some(name) = relative.file_name() else { continue };
        let folder = match folders.entry(guest) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => {
                let folder = new_folder(&request.scratch_dir).map_err(|error| cannot(path, &error))?;
                new.insert(folder).clone()
            }
        };
        link(resolved, &folder.join(name)).map_err(|error| cannot(path, &error))?;
    }
    Ok(folders)
}

/// Whether `guest` is shown as a whole folder, and not as a private one made for single files.
fn is_granted_folder(folders: &BTreeMap<String, PathBuf>, guest: &str, request: &StepRequest) -> bool {
    folders.get(guest).is_some_and(|folder| !folder.starts_with(&request.scratch_dir))
}

fn guest_path(relative: &Path) -> Result<String, ExecutorError> {
    if relative.as_os_str().is_empty() {
        return Ok("/workspace".into());
    }
    Ok(format!("/workspace/{}", text(relative)?))
}

/// A new, empty folder. New even where the scratch folder is not: what an earlier attempt was shown is not for this one.
fn new_folder(scratch: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(scratch)?;
    Ok(tempfile::Builder::new().prefix("shown-").tempdir_in(scratch)?.keep())
}

/// Makes `to` another name of the regular file `from`, or a copy of it on another file system. Never writes to a file
/// that is there: it could be that very file.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if !fs::metadata(from)?.is_file() {
        return Err(io::Error::other("it is neither a regular file nor a folder"));
    }
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        // In a new folder: the same path was granted twice.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => io::copy(&mut File::open(from)?, &mut File::create_new(to)?).map(drop),
    }
}

/// Refuses a folder that holds pipes, sockets or devices: reading one can block for ever, which no deadline could end.
fn refuse_special(folder: &Path) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            seen += 1;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if !kind.is_file() && !kind.is_symlink() {
                let path = entry.path();
                return Err(io::Error::other(format!("{} is a pipe, socket or device", path.display())));
            } else if seen > FOLDER_ENTRIES {
                return Err(io::Error::other(format!("more than {FOLDER_ENTRIES} entries")));
            }
        }
    }
    Ok(())
}

/// Makes the folders in which outputs will lie, so that plugins need not.
fn prepare_outputs(request: &StepRequest) -> Result<(), ExecutorError> {
    let make = |folder: &Path| {
        fs::create_dir_all(folder).map_err(|error| {
            environment(
                "plugin::output-folder",
                format!("cannot make the folder {}: {error}", folder.display()),
            )
        })
    };
    make(&request.out_dir)?;
    for output in request.outputs.values() {
        let relative = below_out(request, &output.path)?;
        if output.is_dir {
            make(&output.path)?;
        } else if let Some(parent) = relative.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            make(&request.out_dir.join(parent))?;
        }
    }
    Ok(())
}

fn below_out<'a>(request: &StepRequest, path: &'a Path) -> Result<&'a Path, ExecutorError> {
    path.strip_prefix(&request.out_dir).map_err(|_| {
        internal(format!("output {} does not lie below {}", path.display(), request.out_dir.display()))
    })
}

fn open(wasi: &mut WasiCtxBuilder, folder: &Path, guest: &str, perms: FsPerms) -> Result<(), ExecutorError> {
    wasi.preopened_dir(folder, guest, perms).map_err(|error| {
        environment("plugin::folder", format!("cannot open the folder {}: {error:#}", folder.display()))
    })?;
    Ok(())
}

fn cannot_show(name: &str, path: &Path, error: &io::Error) -> ExecutorError {
    let message = format!("input `{name}` ({}) cannot be shown to the plugin: {error}", path.display());
    environment("plugin::input", message)
}

/// A name that is one segment of a path. The workflow's rules for names promise it; the sandbox does not rely on them.
fn segment(name: &str) -> Result<&str, ExecutorError> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(internal(format!("`{name}` cannot be the name of an input")));
    }
    Ok(name)
}

fn file_name(path: &Path) -> Result<&str, ExecutorError> {
    path.file_name().map_or_else(|| Err(internal("an input has no file name")), |name| text(Path::new(name)))
}

fn text(path: &Path) -> Result<&str, ExecutorError> {
    path.to_str().ok_or_else(|| {
        usage(
            "plugin::path-not-unicode",
            format!("the path {} is not Unicode, which plugins need", path.display()),
        )
    })
}
