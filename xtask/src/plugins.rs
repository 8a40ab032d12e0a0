//! `cargo xtask plugins`: the standard plugins and the test guests, from source to shipped component.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    command::{cargo, root, run_in},
    toolchain::{TARGET, Toolchain},
};

/// The digests of everything in a `dist` folder, and the compiler that made it.
const SUMS: &str = "SHA256SUMS";
/// What follows a plugin's name in the file of its manifest.
const MANIFEST: &str = ".manifest.json";
/// The test that the SDK adds to every plugin; it writes the manifest where this variable says.
const MANIFEST_TEST: &str = "runner_plugin_manifest";
const MANIFEST_VARIABLE: &str = "RUNNER_PLUGIN_MANIFEST";
const COMPILER_PREFIX: &str = "# Compiler: ";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only these plugins.
    names: Vec<String>,
    /// Fail if what is built differs from what is shipped, instead of replacing it.
    #[arg(long)]
    check: bool,
    /// Build the guests of the tests (`tests/guests`) instead.
    #[arg(long)]
    guests: bool,
    /// Build with Debian's compiler even where rustup's is at hand.
    #[arg(long)]
    debian: bool,
}

/// A workspace of components.
struct Components {
    workspace: PathBuf,
    /// Whether every component has a manifest that is shipped beside it.
    manifests: bool,
}

/// What `dist` holds, by file name.
type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let components = if arguments.guests {
        Components { workspace: root().join("tests").join("guests"), manifests: false }
    } else {
        Components { workspace: root().join("plugins"), manifests: true }
    };
    let toolchain = Toolchain::find(arguments.debian)?;
    let compiler = toolchain.compiler()?;
    let dist = components.workspace.join("dist");
    let names = components.names(&arguments.names)?;
    let built = components.build(&toolchain, &names)?;
    if arguments.check {
        let whole = arguments.names.is_empty();
        if whole && components.manifests {
            build_template(&toolchain, &components.workspace)?;
        }
        return Shipped::read(&dist)?.compare(&built, whole, &compiler);
    }
    fs::create_dir_all(&dist).with_context(|| format!("cannot make {}", dist.display()))?;
    if arguments.names.is_empty() {
        remove_leftovers(&dist, &built)?;
    }
    for (name, bytes) in &built {
        let path = dist.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{:>9} bytes  {}", bytes.len(), path.strip_prefix(root()).unwrap_or(&path).display());
    }
    write_sums(&dist, &compiler)
}

impl Components {
    /// The workspace's components: its packages that are a `cdylib`.
    fn names(&self, wanted: &[String]) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Metadata {
            packages: Vec<Package>,
        }
        #[derive(Deserialize)]
        struct Package {
            name: String,
            targets: Vec<Target>,
        }
        #[derive(Deserialize)]
        struct Target {
            kind: Vec<String>,
        }
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&self.workspace);
        let output = command.output().context("cannot run `cargo metadata`")?;
        if !output.status.success() {
            bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout).context("`cargo metadata`")?;
        let is_component = |package: &Package| {
            package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "cdylib"))
        };
        let mut all: Vec<_> =
            metadata.packages.into_iter().filter(is_component).map(|package| package.name).collect();
        all.sort();
        if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
            bail!("there is no `{unknown}`; there are: {}", all.join(", "));
        }
        if !wanted.is_empty() {
            all.retain(|name| wanted.contains(name));
        }
        Ok(all)
    }

    /// Builds components and, where they have one, their manifests.
    fn build(&self, toolchain: &Toolchain, names: &[String]) -> Result<Files> {
        let target_dir = self.workspace.join("target");
        let mut files = Files::new();
        for name in names {
            // One at a time: built together, they would share the features of their dependencies, so that a
            // component's bytes would depend on what else was asked for.
            let mut command = toolchain.build(&self.workspace, &target_dir)?;
            run_in(&self.workspace, command.args(["--package", name]))?;
            let library = format!("{}.wasm", name.replace('-', "_"));
            let built = target_dir.join(TARGET).join("release").join(library);
            let bytes = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
            refuse_paths(name, &bytes)?;
            files.insert(format!("{name}.wasm"), bytes);
            if self.manifests {
                files.insert(format!("{name}{MANIFEST}"), self.manifest(&target_dir, name)?);
            }
        }
        Ok(files)
    }

    /// Asks a plugin for its manifest: by the same code on this machine, as a test that every plugin has.
    fn manifest(&self, target_dir: &Path, name: &str) -> Result<Vec<u8>> {
        let path = target_dir.join(format!("{name}{MANIFEST}"));
        // Whatever an earlier build left must not pass for this one's.
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let mut test: Command = cargo();
        test.args(["test", "--locked", "--quiet", "--lib", "--package", name, "--target-dir"])
            .arg(target_dir);
        test.args(["--", MANIFEST_TEST]).env(MANIFEST_VARIABLE, &path);
        run_in(&self.workspace, &mut test)?;
        fs::read(&path).with_context(|| format!("`{name}` wrote no manifest: does it call `export_step!`?"))
    }
}

/// The template that authors start from must build and pass its tests as it is.
fn build_template(toolchain: &Toolchain, plugins: &Path) -> Result<()> {
    let template = plugins.join("templates").join("rust");
    let target_dir = plugins.join("target").join("template");
    run_in(&template, &mut toolchain.build(&template, &target_dir)?)?;
    run_in(&template, cargo().args(["test", "--locked", "--target-dir"]).arg(&target_dir))
}

/// A path of the building machine inside a component would make its bytes differ elsewhere.
fn refuse_paths(name: &str, bytes: &[u8]) -> Result<()> {
    let root = root();
    let root = root.to_string_lossy();
    if bytes.windows(root.len()).any(|window| window == root.as_bytes()) {
        bail!("`{name}` holds the path {root}: something escapes --remap-path-prefix");
    }
    Ok(())
}

fn remove_leftovers(dist: &Path, built: &Files) -> Result<()> {
    for entry in fs::read_dir(dist)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != SUMS && !built.contains_key(&name) {
            fs::remove_file(entry.path()).with_context(|| format!("cannot remove {name}"))?;
        }
    }
    Ok(())
}

/// Writes the digests of every file in `dist`, in the form that `sha256sum --check` reads.
fn write_sums(dist: &Path, compiler: &str) -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dist)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != SUMS {
            names.push(name);
        }
    }
    names.sort();
    let mut sums = format!("{COMPILER_PREFIX}{compiler}\n");
    for name in names {
        let digest = hex(&Sha256::digest(fs::read(dist.join(&name))?));
        writeln!(sums, "{digest}  {name}")?;
    }
    fs::write(dist.join(SUMS), sums).context("cannot write SHA256SUMS")
}

/// What `dist` says it holds.
struct Shipped {
    dist: PathBuf,
    /// The compiler that built the components.
    compiler: String,
    /// Digests by file name.
    digests: BTreeMap<String, String>,
}

impl Shipped {
    fn read(dist: &Path) -> Result<Self> {
        let path = dist.join(SUMS);
        let sums = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let digests = sums
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once("  "))
            .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
            .collect();
        let compiler = sums.lines().find_map(|line| line.strip_prefix(COMPILER_PREFIX)).unwrap_or("unknown");
        Ok(Self { dist: dist.to_path_buf(), compiler: compiler.to_owned(), digests })
    }

    /// Compares what was built by `compiler` with what is shipped; `whole` if everything was built.
    ///
    /// Another compiler than the shipped components' gives other bytes, so that only what the plugins say about
    /// themselves can be compared; that is told.
    fn compare(&self, built: &Files, whole: bool, compiler: &str) -> Result<()> {
        let same_compiler = self.compiler == compiler;
        let mut problems = Vec::new();
        for (name, bytes) in built {
            let digest = hex(&Sha256::digest(bytes));
            match self.digests.get(name) {
                None => problems.push(format!("{name} is not shipped")),
                Some(listed) if *listed != digest && (same_compiler || name.ends_with(MANIFEST)) => {
                    problems.push(format!(
                        "{name} is {digest} when built from this source, but {listed} is shipped"
                    ));
                }
                Some(_) => {}
            }
        }
        for (name, listed) in &self.digests {
            if whole && !built.contains_key(name) {
                problems.push(format!("{name} is shipped, but has no source"));
            }
            let on_disk = fs::read(self.dist.join(name)).map(|bytes| hex(&Sha256::digest(bytes)));
            if on_disk.ok().as_ref() != Some(listed) {
                problems.push(format!("{name} in {} is not the file that {SUMS} lists", self.dist.display()));
            }
        }
        if !problems.is_empty() {
            bail!("{}\nrun `cargo xtask plugins` and commit what it writes", problems.join("\n"));
        }
        if !same_compiler {
            eprintln!(
                "warning: the components build, and say the same about themselves, but their bytes were not compared: \
                 the shipped ones were built by {}, this machine's compiler is {compiler}",
                self.compiler
            );
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
