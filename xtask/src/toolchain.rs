//! The compilers that can build a WebAssembly component, and which of them is at hand.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, root};

/// The target of every component.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// A way to build a component.
pub(crate) enum Toolchain {
    /// The toolchain that builds the runner, with the target's standard library from rustup.
    Rustup,
    /// Debian's `rustc-web`, which brings the standard library as source, with the tools and the C library that
    /// `.ci/install-wasm-toolchain` leaves in `target/tools`.
    Debian {
        /// Folder of `wasm-component-ld`, `wasm-ld` and `wasi/libc.a`.
        tools: PathBuf,
    },
}

/// Debian's compiler, under a name that rustup's does not hide.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Source of Debian's standard library.
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust";
/// Debian's own WASI C library: start-up objects, and the archives that the merged one leaves out.
const DEBIAN_WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

impl Toolchain {
    /// The first way that is available on this machine; Debian's where `debian` insists.
    pub(crate) fn find(debian: bool) -> Result<Self> {
        if !debian && rustup_has_target() {
            return Ok(Self::Rustup);
        }
        let tools = root().join("target").join("tools");
        let parts = [
            Path::new(DEBIAN_RUSTC).to_path_buf(),
            Path::new(DEBIAN_WASI_LIBC).join("crt1-reactor.o"),
            tools.join("bin").join("wasm-component-ld"),
            tools.join("bin").join("wasm-ld"),
            tools.join("wasi").join("libc.a"),
        ];
        if parts.iter().all(|part| part.exists()) {
            return Ok(Self::Debian { tools });
        }
        bail!(
            "no compiler for {TARGET} was found: run `rustup target add {TARGET}`, or `.ci/install-wasm-toolchain` on Debian"
        )
    }

    /// The compiler's name and version: `rustc 1.95.0 (59807616e 2026-04-14)`. Only the same one gives the same bytes.
    pub(crate) fn compiler(&self) -> Result<String> {
        let mut rustc = Command::new(self.rustc());
        let output = rustc.arg("--version").current_dir(root()).output().context("cannot run rustc")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn rustc(&self) -> PathBuf {
        match self {
            Self::Rustup => rustup_rustc(),
            Self::Debian { .. } => PathBuf::from(DEBIAN_RUSTC),
        }
    }

    /// `cargo build --release` of the workspace at `workspace` for [`TARGET`] into `target_dir`.
    pub(crate) fn build(&self, workspace: &Path, target_dir: &Path) -> Result<Command> {
        let mut build = cargo();
        build.args(["build", "--release", "--locked", "--target", TARGET, "--target-dir"]).arg(target_dir);
        // The profile's `strip` leaves the names of functions in, a sixth of the bytes.
        let mut flags: Vec<OsString> =
            vec!["-Ctarget-feature=+simd128".into(), "-Clink-arg=--strip-all".into()];
        let mut remap = |from: &Path, to: &str| {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(from);
            flag.push("=");
            flag.push(to);
            flags.push(flag);
        };
        // Later prefixes win, so the most specific comes last.
        remap(&cargo_home()?, "/cargo");
        remap(&root(), "/runner");
        remap(workspace, "/workspace");
        remap(target_dir, "/target");
        if let Self::Debian { tools } = self {
            remap(Path::new(DEBIAN_SOURCE), "/rust");
            // The former is a link to where the package `rust-web-src` of this version unpacks.
            if let Ok(unpacked) = Path::new(DEBIAN_SOURCE).canonicalize() {
                remap(&unpacked, "/rust");
            }
            build.arg("-Zbuild-std=std,panic_abort");
            // Building the standard library is an unstable option; nothing else of nightly is used.
            build.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIAN_RUSTC);
            for folder in [tools.join("wasi"), PathBuf::from(DEBIAN_WASI_LIBC)] {
                let mut flag = OsString::from("-Lnative=");
                flag.push(folder);
                flags.push(flag);
            }
            let mut path = vec![tools.join("bin")];
            path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
            build.env("PATH", env::join_paths(path).context("PATH")?);
        }
        build.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags.join(&OsString::from("\x1f")));
        // A wrapper, a profile or an incremental build of the developer's own must not reach the bytes.
        build.env_remove("RUSTC_WRAPPER").env("CARGO_INCREMENTAL", "0").current_dir(workspace);
        Ok(build)
    }
}

fn rustup_has_target() -> bool {
    let mut rustc = Command::new(rustup_rustc());
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(root());
    rustc.output().is_ok_and(|output| {
        output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

/// The compiler beside the `cargo` that runs this program.
fn rustup_rustc() -> PathBuf {
    env::var_os("CARGO")
        .map(|cargo| Path::new(&cargo).with_file_name("rustc"))
        .filter(|rustc| rustc.exists())
        .unwrap_or_else(|| PathBuf::from("rustc"))
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(PathBuf::from(home));
    }
    let home = env::home_dir().context("the home folder is unknown: set CARGO_HOME")?;
    Ok(home.join(".cargo"))
}
