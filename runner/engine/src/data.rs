//! Data sets and paths of the workspace: identified when the run starts, unchanged when it used them.

mod folder;

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use runner_store::Object;

/// Why something in the workspace cannot be an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DataError {
    /// There is nothing of this name.
    #[error("there is no `{path}` in the workspace {}", workspace.display())]
    Missing { path: String, workspace: PathBuf },
    /// It leads out of the workspace.
    #[error("`{path}` leads out of the workspace, to {}", target.display())]
    Outside { path: String, target: PathBuf },
    /// A link in it leads nowhere.
    #[error("the link `{path}` leads nowhere: there is no {}", target.display())]
    Dangling { path: String, target: PathBuf },
    /// A link in it leads back to where it stands.
    #[error("the link `{path}` leads in a circle")]
    Circle { path: String },
    /// Neither a file nor a folder.
    #[error("`{path}` is {what}")]
    Special { path: String, what: &'static str },
    /// More than anybody can hash.
    #[error("`{path}` holds more than {limit} files and folders")]
    TooMany { path: String, limit: usize },
    /// The system did not allow it.
    #[error("cannot read `{path}`: {message}")]
    Unreadable { path: String, message: String },
}

impl DataError {
    /// Stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "data::missing",
            Self::Outside { .. } => "data::outside",
            Self::Dangling { .. } => "data::dangling",
            Self::Circle { .. } => "data::circle",
            Self::Special { .. } => "data::special",
            Self::TooMany { .. } => "data::too-many",
            Self::Unreadable { .. } => "data::unreadable",
        }
    }

    /// What to do.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Missing { .. } => {
                "paths are relative to the workspace; put the file there or correct the path"
            }
            Self::Outside { .. } => {
                "copy the data into the workspace: what a run reads must not depend on where a link leads"
            }
            Self::Dangling { .. } => "put what it leads to in its place, or remove the link",
            Self::Circle { .. } => "remove the link: a folder that holds itself has no end",
            Self::Special { .. } => {
                "data are files and folders: what comes through a pipe or a device is never the same twice"
            }
            Self::TooMany { .. } => "pack small files together, or name a folder further down",
            Self::Unreadable { .. } => "look at the permissions of the file and of the folders above it",
        }
    }
}

/// A file or folder of the workspace, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Where it is, links followed.
    pub(crate) path: PathBuf,
    /// Its name in the workspace, which is another one where it is a link.
    pub(crate) name: OsString,
    /// Whether it is a folder.
    pub(crate) is_dir: bool,
    /// The workspace it is in, links followed.
    workspace: PathBuf,
    /// What tells a change: file by file the path, device, inode, size and time of modification.
    stamps: Vec<Stamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    path: PathBuf,
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Seen {
    /// The device of a file; none of a folder.
    pub(crate) fn device(&self) -> Option<u64> {
        if self.is_dir { None } else { self.stamps.first().map(|stamp| stamp.device) }
    }
}

/// Finds `path` in the workspace, with everything below it: no link leads out, and nothing but files and folders is there.
/// `workspace` has all links followed already.
pub(crate) fn look(workspace: &Path, path: &str) -> Result<Seen, DataError> {
    let relative = Path::new(path);
    let outside = |target: PathBuf| DataError::Outside { path: path.to_owned(), target };
    if relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside(workspace.join(relative)));
    }
    let unreadable =
        |error: io::Error| DataError::Unreadable { path: path.to_owned(), message: error.to_string() };
    let found = match fs::canonicalize(workspace.join(relative)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DataError::Missing { path: path.to_owned(), workspace: workspace.to_path_buf() });
        }
        Err(error) if is_circle(&error) => return Err(DataError::Circle { path: path.to_owned() }),
        found => found.map_err(unreadable)?,
    };
    if !found.starts_with(workspace) {
        return Err(outside(found));
    }
    let name = relative.file_name().or(found.file_name()).unwrap_or_default().to_os_string();
    stamp(workspace, path, found, name)
}

/// A link that goes round in circles.
fn is_circle(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Whether it is still what was seen. Reads no bytes: a change that restores size and time is not noticed.
pub(crate) fn is_unchanged(seen: &Seen) -> bool {
    let shown = seen.path.to_string_lossy();
    stamp(&seen.workspace, &shown, seen.path.clone(), seen.name.clone()).is_ok_and(|now| now == *seen)
}

/// Hashes what was seen; an error if it changed meanwhile.
pub(crate) fn identify(name: &str, seen: &Seen) -> Result<Object, String> {
    let object = runner_store::digest_of(&seen.path).map_err(|error| error.to_string())?;
    if is_unchanged(seen) {
        Ok(object)
    } else {
        Err(format!("the data set `{name}` ({}) changed while it was read", seen.path.display()))
    }
}

fn stamp(workspace: &Path, shown: &str, path: PathBuf, name: OsString) -> Result<Seen, DataError> {
    let unreadable =
        |error: io::Error| DataError::Unreadable { path: shown.to_owned(), message: error.to_string() };
    let metadata = fs::metadata(&path).map_err(unreadable)?;
    let stamps = if metadata.is_dir() {
        folder::stamps(workspace, shown, &path)?
    } else if let Some(what) = folder::special(metadata.file_type()) {
        return Err(DataError::Special { path: shown.to_owned(), what });
    } else {
        vec![stamp_of(PathBuf::new(), &metadata)]
    };
    Ok(Seen { is_dir: metadata.is_dir(), workspace: workspace.to_path_buf(), path, name, stamps })
}

fn stamp_of(path: PathBuf, metadata: &fs::Metadata) -> Stamp {
    Stamp {
        path,
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_outside_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().canonicalize().unwrap().join("w");
        fs::create_dir(&workspace).unwrap();
        fs::write(workspace.join("in.csv"), "a").unwrap();
        fs::write(folder.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), workspace.join("link")).unwrap();
        assert!(look(&workspace, "in.csv").is_ok());
        assert!(look(&workspace, "./in.csv").is_ok());
        for path in ["../secret", "/etc/passwd", "link", "x/../../secret"] {
            assert!(matches!(look(&workspace, path), Err(DataError::Outside { .. })), "{path}");
        }
        assert!(matches!(look(&workspace, "none.csv"), Err(DataError::Missing { .. })));
    }

    #[test]
    fn changes_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().canonicalize().unwrap();
        fs::create_dir(workspace.join("d")).unwrap();
        fs::write(workspace.join("d/a"), "1").unwrap();
        let seen = look(&workspace, "d").unwrap();
        assert!(is_unchanged(&seen));
        fs::write(workspace.join("d/b"), "2").unwrap();
        assert!(!is_unchanged(&seen));
        fs::remove_file(workspace.join("d/b")).unwrap();
        assert!(is_unchanged(&seen));
        fs::write(workspace.join("d/a"), "22").unwrap();
        assert!(!is_unchanged(&seen));
    }
}
