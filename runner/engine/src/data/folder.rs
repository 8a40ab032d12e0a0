//! Everything below a folder of the workspace, as a run would read it: links followed, as long as they stay inside.

use std::{
    fs, io,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{DataError, Stamp, is_circle, stamp_of};

/// Files and folders that are looked at.
const MAX_ENTRIES: usize = 1_000_000;

/// A folder to look through.
struct Open {
    /// Where it is, as it is reached.
    path: PathBuf,
    /// The folders in which the links on the way to it stand, links followed.
    through: Option<Rc<Through>>,
}

struct Through {
    folder: PathBuf,
    before: Option<Rc<Through>>,
}

/// What tells a change of each file below `folder`, sorted. `shown` is the folder as the workflow names it.
pub(super) fn stamps(workspace: &Path, shown: &str, folder: &Path) -> Result<Vec<Stamp>, DataError> {
    // A folder's own time changes with entries that nobody asked for, such as lock files that come and go.
    let mut stamps = Vec::new();
    let mut looked_at = 0;
    let mut folders = vec![Open { path: folder.to_path_buf(), through: None }];
    while let Some(open) = folders.pop() {
        let name = |path: &Path| {
            let below = path.strip_prefix(folder).unwrap_or(path).display();
            format!("{}/{below}", shown.trim_end_matches('/'))
        };
        let unreadable = |path: &Path| {
            let path = name(path);
            move |error: io::Error| DataError::Unreadable { path, message: error.to_string() }
        };
        for entry in fs::read_dir(&open.path).map_err(unreadable(&open.path))? {
            let entry = entry.map_err(unreadable(&open.path))?;
            let path = entry.path();
            looked_at += 1;
            if looked_at > MAX_ENTRIES {
                return Err(DataError::TooMany { path: shown.to_owned(), limit: MAX_ENTRIES });
            }
            let mut metadata = entry.metadata().map_err(unreadable(&path))?;
            let mut through = open.through.clone();
            if metadata.is_symlink() {
                let target = match fs::canonicalize(&path) {
                    Ok(target) => target,
                    Err(error) if is_circle(&error) => return Err(DataError::Circle { path: name(&path) }),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        let target = fs::read_link(&path).map_err(unreadable(&path))?;
                        return Err(DataError::Dangling { path: name(&path), target });
                    }
                    Err(error) => return Err(unreadable(&path)(error)),
                };
                if !target.starts_with(workspace) {
                    return Err(DataError::Outside { path: name(&path), target });
                }
                metadata = fs::metadata(&target).map_err(unreadable(&path))?;
                if metadata.is_dir() {
                    let here = fs::canonicalize(&open.path).map_err(unreadable(&open.path))?;
                    let on_the_way = Rc::new(Through { folder: here, before: through.take() });
                    if leads_back(&target, &on_the_way) {
                        return Err(DataError::Circle { path: name(&path) });
                    }
                    through = Some(on_the_way);
                }
            }
            if metadata.is_dir() {
                folders.push(Open { path, through });
            } else if let Some(what) = special(metadata.file_type()) {
                return Err(DataError::Special { path: name(&path), what });
            } else {
                stamps.push(stamp_of(path, &metadata));
            }
        }
    }
    stamps.sort_unstable();
    Ok(stamps)
}

/// Whether a folder holds one of those on the way to it.
fn leads_back(target: &Path, through: &Rc<Through>) -> bool {
    let mut next = Some(through);
    while let Some(through) = next {
        if through.folder.starts_with(target) {
            return true;
        }
        next = through.before.as_ref();
    }
    false
}

/// What is neither a file nor a folder, in words.
pub(super) fn special(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_block_device() || kind.is_char_device() {
        Some("a device")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;
    use crate::data::{Seen, look};

    struct Place {
        folder: tempfile::TempDir,
        workspace: PathBuf,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let workspace = folder.path().canonicalize().unwrap().join("w");
            fs::create_dir_all(workspace.join("d/sub")).unwrap();
            fs::write(workspace.join("d/sub/a"), "1").unwrap();
            fs::create_dir_all(workspace.join("else/deep")).unwrap();
            fs::write(workspace.join("else/deep/b"), "2").unwrap();
            Self { folder, workspace }
        }

        fn link(&self, target: impl AsRef<Path>, link: &str) {
            symlink(target, self.workspace.join(link)).unwrap();
        }

        fn look(&self) -> Result<Seen, DataError> {
            look(&self.workspace, "d")
        }
    }

    #[test]
    fn links_inside_the_workspace_are_followed() {
        let place = Place::new();
        place.link("../else", "d/all");
        place.link("../else/deep/b", "d/one");
        let seen = place.look().unwrap();
        let files: Vec<_> = seen.stamps.iter().map(|stamp| stamp.path.clone()).collect();
        let expected = ["d/all/deep/b", "d/one", "d/sub/a"].map(|path| place.workspace.join(path));
        assert_eq!(files, expected);
        fs::write(place.workspace.join("else/deep/b"), "22").unwrap();
        assert!(!crate::data::is_unchanged(&seen), "what a link leads to is part of it");
    }

    #[test]
    fn links_that_lead_out_are_named() {
        for target in ["/etc", "/etc/passwd", "/dev/zero", "/proc/self", "../../../outside", "/"] {
            let place = Place::new();
            fs::write(place.folder.path().join("outside"), "s").unwrap();
            place.link(target, "d/sub/link");
            match place.look() {
                Err(DataError::Outside { path, .. }) => assert_eq!(path, "d/sub/link", "{target}"),
                other => panic!("{target}: {other:?}"),
            }
        }
        // Also one by way of another.
        let place = Place::new();
        place.link("/etc", "else/out");
        place.link("../else", "d/all");
        let error = place.look().unwrap_err();
        assert!(matches!(&error, DataError::Outside { path, .. } if path == "d/all/out"), "{error}");
        // A folder whose name begins like the workspace's is not in it.
        let place = Place::new();
        fs::create_dir(place.folder.path().join("w2")).unwrap();
        place.link("../../w2", "d/link");
        assert!(matches!(place.look(), Err(DataError::Outside { .. })));
    }

    #[test]
    fn circles_are_told_and_end() {
        for (target, link) in
            [("..", "d/sub/up"), (".", "d/self"), ("../d", "d/sub/../again"), ("me", "d/me")]
        {
            let place = Place::new();
            place.link(target, link);
            assert!(matches!(place.look(), Err(DataError::Circle { .. })), "{target}: {:?}", place.look());
        }
        // Two folders that lead to one another.
        let place = Place::new();
        place.link("../else", "d/there");
        place.link("../d", "else/back");
        assert!(matches!(place.look(), Err(DataError::Circle { .. })));
        // Twice the same folder is no circle.
        let place = Place::new();
        place.link("../else", "d/one");
        place.link("../else", "d/two");
        assert!(place.look().is_ok());
    }

    #[test]
    fn what_is_neither_file_nor_folder_is_refused() {
        let place = Place::new();
        mknodat(CWD, place.workspace.join("d/pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(place.look(), Err(DataError::Special { path: "d/pipe".into(), what: "a pipe" }));
        assert!(matches!(look(&place.workspace, "d/pipe"), Err(DataError::Special { .. })));
        let place = Place::new();
        let _listener = UnixListener::bind(place.workspace.join("d/socket")).unwrap();
        assert_eq!(place.look(), Err(DataError::Special { path: "d/socket".into(), what: "a socket" }));
        let place = Place::new();
        place.link("none", "d/nowhere");
        assert!(matches!(place.look(), Err(DataError::Dangling { path, .. }) if path == "d/nowhere"));
    }
}
