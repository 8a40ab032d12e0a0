//! A workspace of its own for each test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

use crate::redact;

/// The project's root folder.
#[must_use]
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
}

/// The binary under test. `cargo test --workspace` builds it for the tests of its own crate, beside these.
#[must_use]
pub fn runner_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // target/<profile>/deps/e2e-… → target/<profile>/runner
        let test = std::env::current_exe().expect("the test's own path");
        let binary = test.ancestors().nth(2).expect("target/<profile>").join("runner");
        assert!(binary.exists(), "{} is missing: run `cargo xtask test`, which builds all", binary.display());
        binary
    })
}

/// What a user saw of one command.
#[derive(Debug)]
pub struct Seen {
    /// Exit code; −1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Seen {
    /// One text for a snapshot, with what differs from run to run replaced.
    #[must_use]
    pub fn snapshot(&self) -> String {
        format!(
            "exit code: {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            redact(&self.stdout),
            redact(&self.stderr)
        )
    }

    /// Fails, showing everything, unless the exit code is the expected one.
    #[must_use]
    pub fn expect_code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "unexpected exit code\n{}", self.snapshot());
        self
    }
}

impl From<Output> for Seen {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A temporary folder with a `.runner` folder, so that it is its own workspace.
pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// An empty workspace.
    #[must_use]
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join(".runner")).expect("a store folder");
        Self { folder }
    }

    /// A workspace with one workflow, `workflow.yml`.
    #[must_use]
    pub fn with_workflow(text: &str) -> Self {
        let workspace = Self::empty();
        workspace.write("workflow.yml", text);
        workspace
    }

    /// A workspace with a copy of the project's `workflows/`.
    #[must_use]
    pub fn with_examples() -> Self {
        let workspace = Self::empty();
        copy_folder(&project().join("workflows"), &workspace.path().join("workflows"));
        workspace
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with its folders.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("inside the workspace")).expect("its folder");
        fs::write(path, content).expect("the file");
    }

    /// Reads a file.
    #[must_use]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path))
            .unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
    }

    /// Copies a hostile (or harmless) guest of `tests/guests/dist` into the workspace.
    pub fn add_guest(&self, name: &str) {
        let source = project().join("tests/guests/dist").join(format!("{name}.wasm"));
        fs::copy(&source, self.path().join(format!("{name}.wasm")))
            .unwrap_or_else(|error| panic!("cannot copy {}: {error}", source.display()));
    }

    /// `runner` with arguments, not started yet. The environment is scrubbed; the cache of compiled plugins is shared by
    /// all tests, as it is by all workspaces of a user.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(runner_binary());
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("LANG", "C.UTF-8")
            .env("RUNNER_CACHE_DIR", project().join("target/tmp/plugin-cache"))
            .stdin(Stdio::null());
        command
    }

    /// Runs `runner` to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Seen {
        self.command(arguments).output().expect("the binary starts").into()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
