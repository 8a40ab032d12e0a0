//! Machine code compiled before, on disk.
//!
//! Code from this folder runs with all the rights of the runner. So the folder belongs to the user and nobody else can
//! write to it, an entry counts only if its bytes have the digest that its record names, and the engine checks that the
//! code was made by this version with these settings. Whatever fails is compiled again, never trusted.
//!
//! Per component there is a record `KEY.entry` and the code `KEY-DIGEST.cwasm`. Both are written to a temporary file and
//! renamed, code first, and never changed: any number of processes may read and write at once.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use runner_engine::executor::ExecutorError;
use serde::{Deserialize, Serialize};
use wasmtime::{Engine, component::Component};

use crate::{
    digest,
    error::{WithHelp as _, environment},
};

/// The form of records. Others are ignored.
const FORMAT: u32 = 1;

/// A folder of compiled code, or nothing where no folder can be made.
pub(crate) struct CodeCache {
    folder: Option<PathBuf>,
}

/// What is known about one piece of code.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    format: u32,
    /// For which component, engine and settings.
    key: String,
    /// SHA-256 of the key and the code, so that code under a foreign name does not count.
    digest: String,
}

impl CodeCache {
    /// Opens or makes the folder. A folder that others could write to is refused; where none can be made (a read-only
    /// disk), everything is compiled anew.
    pub(crate) fn open(folder: &Path) -> Result<Self, ExecutorError> {
        if let Err(error) = make_private(folder) {
            tracing::warn!(folder = %folder.display(), %error, "no cache of compiled plugins");
            return Ok(Self { folder: None });
        }
        if let Err(reason) = verify_private(folder) {
            let message =
                format!("the cache of compiled plugins {} cannot be trusted: {reason}", folder.display());
            return Err(environment("plugin::cache-not-private", message)
                .with_help("remove the folder, or name another one; it must belong to you alone"));
        }
        Ok(Self { folder: Some(folder.to_owned()) })
    }

    /// The key of a component's code.
    pub(crate) fn key(component: &str, compatibility: u64) -> String {
        let parts = format!("{component} {compatibility:016x} {}", std::env::consts::ARCH);
        digest::of(parts.as_bytes())
    }

    /// The code under `key`, if there is any that can be trusted.
    pub(crate) fn load(&self, engine: &Engine, key: &str) -> Option<Component> {
        let folder = self.folder.as_ref()?;
        match read(engine, folder, key) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::debug!(key, %error, "compiled code is not used");
                None
            }
        }
    }

    /// Keeps the code of a component. A failure costs the next process a compilation and nothing else.
    pub(crate) fn store(&self, key: &str, component: &Component) {
        let Some(folder) = &self.folder else { return };
        let stored =
            component.serialize().map_err(io::Error::other).and_then(|code| write(folder, key, &code));
        if let Err(error) = stored {
            tracing::warn!(key, %error, "compiled code is not kept");
        }
    }

    /// A small text kept beside the code.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.as_ref()?.join(name)).ok()
    }

    /// Keeps a small text beside the code. A failure costs the next process the making of it.
    pub(crate) fn store_text(&self, name: &str, text: &str) {
        if let Some(folder) = &self.folder
            && let Err(error) = replace(folder, name, text.as_bytes())
        {
            tracing::warn!(name, %error, "not kept");
        }
    }
}

fn read(engine: &Engine, folder: &Path, key: &str) -> io::Result<Component> {
    let record = fs::read(folder.join(format!("{key}.entry")))?;
    let entry: Entry = serde_json::from_slice(&record)?;
    let code = folder.join(code_name(key, &entry.digest)?);
    if entry.format != FORMAT || entry.key != key {
        return Err(io::Error::other("the record is of another form or key"));
    }
    if digest::of_file(key, &mut File::open(&code)?)? != entry.digest {
        return Err(io::Error::other("the code does not have the digest of its record"));
    }
    #[expect(
        unsafe_code,
        reason = "the only way to load compiled code; what makes it sound is said beside it"
    )]
    // SAFETY: the file must hold what `Component::serialize` wrote, unchanged while it is mapped. It was written by this
    // user (`verify_private`: nobody else can write to the folder) and has the digest recorded when that was serialised.
    // Files in the folder are only ever replaced by renaming, never changed in place. The engine itself refuses code of
    // another version or other settings.
    let component = unsafe { Component::deserialize_file(engine, &code) };
    component.map_err(|error| io::Error::other(format!("{error:#}")))
}

fn write(folder: &Path, key: &str, code: &[u8]) -> io::Result<()> {
    let digest = digest::of_prefixed(key, code);
    replace(folder, &code_name(key, &digest)?, code)?;
    let entry = Entry { format: FORMAT, key: key.into(), digest };
    replace(folder, &format!("{key}.entry"), &serde_json::to_vec(&entry)?)
}

/// The file of some code. The digest comes from a record: it must not be able to name another folder.
fn code_name(key: &str, digest: &str) -> io::Result<String> {
    if digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(format!("{key}-{}.cwasm", &digest[..16]))
    } else {
        Err(io::Error::other("the record holds no digest"))
    }
}

/// Puts a file in place at once, whole.
fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn verify_private(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let metadata = fs::symlink_metadata(folder).map_err(|error| error.to_string())?;
    if !metadata.is_dir() {
        return Err("it is not a folder".into());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(format!("it belongs to user {}", metadata.uid()));
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(format!("others can write to it (mode {:03o})", metadata.permissions().mode() & 0o777));
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// The profile folders of other systems are private to their users by default.
#[cfg(not(unix))]
fn verify_private(_: &Path) -> Result<(), String> {
    Ok(())
}
