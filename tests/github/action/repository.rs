//! A repository as GitHub keeps it: commits and branches, from which jobs fetch single commits.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

/// The origin of all checkouts.
pub(crate) struct Repository {
    folder: TempDir,
}

impl Repository {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        // As GitHub allows: any commit can be asked for by its name.
        repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        repository
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=A person",
            "-c",
            "user.email=person@example.com",
            "-c",
            "commit.gpgsign=false",
        ]);
        git.args(arguments).current_dir(self.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = git.output().unwrap();
        assert!(output.status.success(), "{git:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits files on a branch, which starts at another commit if it is new. Gives the commit.
    pub(crate) fn commit(&self, branch: &str, start: Option<&str>, files: &[(&str, &str)]) -> String {
        match start {
            Some(start) => self.git(&["checkout", "--quiet", "-B", branch, start]),
            None if self.git(&["branch", "--list", branch]).is_empty() => String::new(),
            None => self.git(&["checkout", "--quiet", branch]),
        };
        for (path, content) in files {
            let file = self.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "A change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The merge of a pull request that GitHub tests: a commit of its own, neither head nor base.
    pub(crate) fn merge(&self, base: &str, head: &str) -> String {
        self.git(&["checkout", "--quiet", "--detach", base]);
        self.git(&["merge", "--quiet", "--no-ff", "--no-edit", head]);
        let merge = self.git(&["rev-parse", "HEAD"]);
        self.git(&["update-ref", "refs/pull/7/merge", &merge]);
        merge
    }
}
