//! What `.ci/install-github` installs.

use std::path::PathBuf;

use runner_tests::project;

/// A file of `target/github`; fails with the way to get it.
pub(crate) fn tool(path: &str) -> PathBuf {
    let found = project().join("target/github").join(path);
    assert!(found.exists(), "{} is missing: run .ci/install-github", found.display());
    found
}
