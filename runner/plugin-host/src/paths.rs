//! Paths that must stay inside the workspace.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// Reads a path of the workspace as written in a workflow: relative, without `..`. The error says what is wrong with it.
pub(crate) fn inside_workspace(path: &str) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err("names an empty path".into());
    }
    let mut clean = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                return Err(format!("names `{path}`, which leads out of the workspace (`..`)"));
            }
            Component::RootDir | Component::Prefix(_) => {
                return Err(format!("names `{path}`, which is not relative to the workspace"));
            }
        }
    }
    Ok(clean)
}

/// Follows symbolic links; `None` where they lead out of the workspace.
pub(crate) fn resolve(workspace: &Path, relative: &Path) -> io::Result<Option<PathBuf>> {
    let root = workspace.canonicalize()?;
    let path = root.join(relative).canonicalize()?;
    Ok(path.starts_with(&root).then_some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_workspace_are_taken() {
        assert_eq!(inside_workspace("./a/./b"), Ok(PathBuf::from("a/b")));
        assert_eq!(inside_workspace("."), Ok(PathBuf::new()));
        for path in ["", "..", "a/..", "/a", "../a"] {
            inside_workspace(path).unwrap_err();
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("workspace");
        std::fs::create_dir(&workspace).unwrap();
        std::fs::write(folder.path().join("outside"), "").unwrap();
        std::fs::write(workspace.join("inside"), "").unwrap();
        std::os::unix::fs::symlink("../outside", workspace.join("out")).unwrap();
        std::os::unix::fs::symlink("inside", workspace.join("in")).unwrap();
        assert_eq!(resolve(&workspace, Path::new("out")).unwrap(), None);
        assert!(resolve(&workspace, Path::new("in")).unwrap().unwrap().ends_with("inside"));
        assert!(resolve(&workspace, Path::new("missing")).is_err());
    }
}
