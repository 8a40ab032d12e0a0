//! A release as `.github/workflows/release.yml` makes it, of the binary under test, served from loopback.

use std::{fs, path::PathBuf, process::Command, sync::OnceLock};

use runner_tests::{github::FakeGitHub, project, runner_binary};
use sha2::{Digest as _, Sha256};

/// Version in `Cargo.toml`, and so of the binary.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Name of the archive for this machine.
pub(crate) fn archive_name() -> String {
    format!("runner-{}-unknown-linux-musl.tar.gz", std::env::consts::ARCH)
}

/// The archive, made once for all tests. Symbols are left out: nothing here needs them, and they are most of its size.
pub(crate) fn archive() -> &'static [u8] {
    static ARCHIVE: OnceLock<Vec<u8>> = OnceLock::new();
    ARCHIVE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let binary: PathBuf = folder.path().join("runner");
        let run = |command: &mut Command| {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        run(Command::new("strip").arg("-o").arg(&binary).arg(runner_binary()));
        let file = folder.path().join("archive");
        let mut tar = Command::new("tar");
        tar.arg("-cf")
            .arg(&file)
            .args(["--use-compress-program", "gzip -1", "-C"])
            .arg(folder.path())
            .arg("runner");
        run(tar.arg("-C").arg(project()).args([
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "README.md",
            "CHANGELOG.md",
        ]));
        fs::read(file).unwrap()
    })
}

/// Serves the release.
pub(crate) fn publish(github: &FakeGitHub) {
    let digest: String = Sha256::digest(archive()).iter().map(|byte| format!("{byte:02x}")).collect();
    github.add_file(&format!("v{VERSION}/{}", archive_name()), archive().to_vec());
    let other = "0".repeat(64);
    let sums = format!("{other}  runner.cdx.json\n{digest}  {}\n", archive_name());
    github.add_file(&format!("v{VERSION}/SHA256SUMS"), sums.into_bytes());
}

/// Where it is served.
pub(crate) fn download_url(github: &FakeGitHub) -> String {
    format!("{}/releases", github.url())
}
