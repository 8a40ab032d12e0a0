//! Which folder is the workspace: the root of every path that a workflow names, and the home of `.runner/`.

use std::path::{Path, PathBuf};

/// Name of the store's folder in the workspace.
pub(crate) const STORE_DIR: &str = ".runner";

/// The workspace of a workflow file, or of the current folder where a command takes no file.
///
/// It is the nearest folder, from that of the file (or the current one) upwards, that holds `.git` or `.runner`; where there is
/// none, the current folder. So `runner run workflows/quickstart.yml` means the same from everywhere in a checkout.
pub(crate) fn find(current_dir: &Path, workflow: Option<&Path>) -> PathBuf {
    let start = match workflow {
        Some(file) => {
            let file = current_dir.join(file);
            // Through links and `..`, so that the parents are the real ones; a file that is not there is reported later.
            let file = file.canonicalize().unwrap_or(file);
            file.parent().map_or_else(|| current_dir.to_path_buf(), Path::to_path_buf)
        }
        None => current_dir.to_path_buf(),
    };
    start
        .ancestors()
        .find(|folder| folder.join(".git").exists() || folder.join(STORE_DIR).is_dir())
        .unwrap_or(current_dir)
        .to_path_buf()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn nearest_checkout_or_store_above_the_file() {
        let root = tempfile::tempdir().expect("tempdir");
        let root = root.path().canonicalize().expect("path");
        fs::create_dir_all(root.join("repo/.git")).expect("dir");
        fs::create_dir_all(root.join("repo/a/b")).expect("dir");
        fs::create_dir_all(root.join("plain/.runner")).expect("dir");
        fs::create_dir_all(root.join("none/deep")).expect("dir");
        for file in ["repo/a/b/w.yml", "plain/w.yml", "none/deep/w.yml"] {
            fs::write(root.join(file), "").expect("file");
        }
        assert_eq!(find(&root, Some(Path::new("repo/a/b/w.yml"))), root.join("repo"));
        assert_eq!(find(&root.join("repo/a"), Some(Path::new("b/w.yml"))), root.join("repo"));
        assert_eq!(find(&root.join("repo"), Some(Path::new("../plain/w.yml"))), root.join("plain"));
        assert_eq!(find(&root.join("none"), Some(Path::new("deep/w.yml"))), root.join("none"));
        assert_eq!(find(&root.join("repo/a/b"), None), root.join("repo"));
    }
}
