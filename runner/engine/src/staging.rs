//! Putting inputs where an attempt can read them, and taking its outputs into the store.

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use indexmap::IndexMap;
use runner_store::{Digest, Object, ObjectError, ObjectKind, OutputLimits, Store};
use runner_workflow::plan::{Kind, Output};

use crate::{data::Seen, executor::Binding, slots::Slot};

/// An output in the store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Published {
    /// Its bytes.
    pub(crate) object: Object,
    /// What it holds.
    pub(crate) kind: Kind,
    /// Path below the output folder, as declared.
    pub(crate) path: String,
}

/// Where the bytes of an input are.
#[derive(Debug, Clone)]
pub(crate) enum InputSource {
    /// An output of another step.
    Object {
        /// The output.
        published: Published,
        /// Several steps use it: worth a place of its own for the whole run.
        popular: bool,
    },
    /// One output of every cell: name of the cell and output.
    Cells(Vec<(String, Published)>),
    /// Something in the workspace.
    Workspace(Seen),
}

/// How an attempt gets its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Links that all attempts of the run share: for sandboxes, which show inputs read-only.
    Shared,
    /// Links of its own: for processes that could remove or replace what they see.
    Own,
    /// Bytes of its own for what comes from the store: for processes of the superuser, whom modes do not stop.
    OwnCopy,
}

/// Stages inputs of one run.
#[derive(Debug)]
pub(crate) struct Stager {
    store: Store,
    /// Folder of shared inputs.
    shared: PathBuf,
    placed: Mutex<HashSet<PathBuf>>,
}

impl Stager {
    /// A stager that puts shared inputs below `shared`, which must exist.
    pub(crate) fn new(store: Store, shared: PathBuf) -> Self {
        Self { store, shared, placed: Mutex::default() }
    }

    /// Makes the input available and says where. Inputs that are files stand alone in a folder, under their own name.
    pub(crate) fn stage(
        &self,
        kind: Kind,
        source: &InputSource,
        sharing: Sharing,
        slot: &mut Slot,
    ) -> Result<Binding, ObjectError> {
        let mut own = |file: &Path| slot.place_input(file).map_err(at("create a folder for", file));
        let (path, is_dir) = match source {
            InputSource::Workspace(seen) if seen.is_dir => (seen.path.clone(), true),
            InputSource::Workspace(seen) => {
                let path = if sharing == Sharing::Shared {
                    let path = seen.path.to_string_lossy();
                    self.shared.join(&Digest::of_bytes(path.as_bytes()).hex()[..32]).join(&seen.name)
                } else {
                    own(Path::new(&seen.name))?
                };
                self.once(&path, sharing, || link_or_copy(&seen.path, &path))?;
                (path, false)
            }
            InputSource::Object { published, popular } => {
                let digest = &published.object.digest;
                let is_dir = digest.kind() == ObjectKind::Tree;
                let name = file_name(&published.path);
                let path = if sharing == Sharing::Shared && (*popular || is_dir) {
                    // The name too: the same bytes may be `a.csv` here and `b.csv` there.
                    let path = self.shared.join(shared_name(digest, &published.path)).join(name);
                    self.once(&path, sharing, || self.place(digest, &path, sharing))?;
                    path
                } else {
                    let path = own(Path::new(name))?;
                    self.place(digest, &path, sharing)?;
                    path
                };
                (path, is_dir)
            }
            InputSource::Cells(cells) => {
                let folder = if sharing == Sharing::Shared {
                    let mut key = String::new();
                    for (cell, published) in cells {
                        let _ = write!(key, "{cell}\0{}\0{}\0", published.object.digest, published.path);
                    }
                    self.shared.join(&Digest::of_bytes(key.as_bytes()).hex()[..32]).join("cells")
                } else {
                    own(Path::new("cells"))?
                };
                self.once(&folder, sharing, || {
                    fs::create_dir_all(&folder).map_err(at("create the folder", &folder))?;
                    for (cell, published) in cells {
                        let digest = &published.object.digest;
                        // A file keeps its name, and with it its format, in a folder named by the cell.
                        let mut path = folder.join(cell);
                        if digest.kind() == ObjectKind::File {
                            path.push(file_name(&published.path));
                        }
                        self.place(digest, &path, sharing)?;
                    }
                    Ok(())
                })?;
                (folder, true)
            }
        };
        Ok(Binding { kind, path, is_dir })
    }

    /// Does `place`, for shared inputs only the first time.
    fn once(
        &self,
        path: &Path,
        sharing: Sharing,
        place: impl FnOnce() -> Result<(), ObjectError>,
    ) -> Result<(), ObjectError> {
        if sharing != Sharing::Shared {
            return place();
        }
        // Held while placing, so that nobody uses what is half there. Links are quick.
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        if !placed.contains(path) {
            place()?;
            placed.insert(path.to_path_buf());
        }
        Ok(())
    }

    fn place(&self, digest: &Digest, path: &Path, sharing: Sharing) -> Result<(), ObjectError> {
        if sharing == Sharing::OwnCopy {
            self.store.materialise_copy(digest, path)
        } else {
            self.store.materialise(digest, path)
        }
    }
}

/// Where an attempt writes its outputs, all below `out_dir`, with the folders above each.
pub(crate) fn bind_outputs(
    outputs: &IndexMap<String, Output>,
    out_dir: &Path,
) -> Result<IndexMap<String, Binding>, ObjectError> {
    let mut bindings = IndexMap::with_capacity(outputs.len());
    for (name, output) in outputs {
        let path = out_dir.join(&output.path);
        if output.path.contains('/')
            && let Some(folder) = path.parent()
        {
            fs::create_dir_all(folder).map_err(at("create the folder", folder))?;
        }
        bindings.insert(name.clone(), Binding { kind: output.kind, path, is_dir: false });
    }
    Ok(bindings)
}

/// Why the outputs of an attempt that succeeded cannot be used.
#[derive(Debug)]
pub(crate) enum OutputProblem {
    /// The step did not keep its word; it failed.
    Broken(String),
    /// More bytes than its limit.
    TooLarge(u64),
    /// The store could not take it.
    Store(ObjectError),
}

/// Moves every declared output into the store.
pub(crate) fn publish_outputs(
    store: &Store,
    outputs: &IndexMap<String, Output>,
    out_dir: &Path,
    limit: Option<u64>,
) -> Result<IndexMap<String, Published>, OutputProblem> {
    // All must be there before any is moved.
    for (name, output) in outputs {
        if fs::symlink_metadata(out_dir.join(&output.path)).is_err() {
            return Err(OutputProblem::Broken(format!(
                "it succeeded without its output `{name}`: nothing was written to `{}`",
                output.path
            )));
        }
    }
    let mut left = limit.unwrap_or(u64::MAX);
    let mut published = IndexMap::with_capacity(outputs.len());
    for (name, output) in outputs {
        let limits = OutputLimits { bytes: left, ..OutputLimits::default() };
        let object = match store.put_output(out_dir, &output.path, limits) {
            Ok(object) => object,
            Err(ObjectError::OutputTooLarge { .. }) => {
                return Err(OutputProblem::TooLarge(limit.unwrap_or(u64::MAX)));
            }
            Err(error @ (ObjectError::Storage(_) | ObjectError::BadDigest(_))) => {
                return Err(OutputProblem::Store(error));
            }
            Err(error) => {
                return Err(OutputProblem::Broken(format!("its output `{name}` cannot be used: {error}")));
            }
        };
        left = left.saturating_sub(object.size);
        published.insert(name.clone(), Published { object, kind: output.kind, path: output.path.clone() });
    }
    Ok(published)
}

/// The name of a cell as a file name: `seed=0`, or `seed=0,lr=0.1`.
pub(crate) fn cell_name(cell: &[(String, String)]) -> String {
    let mut name = String::new();
    for (key, value) in cell {
        if !name.is_empty() {
            name.push(',');
        }
        let _ = write!(name, "{key}={value}");
    }
    let mut safe: String =
        name.chars().map(|c| if c == '/' || c == '\\' || c.is_control() { '_' } else { c }).collect();
    if safe != name || safe.len() > 200 || safe.is_empty() || safe.starts_with('.') {
        let cut = safe.char_indices().map(|(at, _)| at).find(|at| *at >= 150).unwrap_or(safe.len());
        safe.truncate(cut);
        safe = format!("cell-{safe}-{}", &Digest::of_bytes(name.as_bytes()).hex()[..8]);
    }
    safe
}

fn shared_name(digest: &Digest, path: &str) -> String {
    let name = Digest::of_bytes(path.as_bytes()).hex();
    format!("{}-{}", &digest.hex()[..32], &name[..8])
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ObjectError {
    move |error| runner_store::StorageError::new(action, path, error).into()
}

/// A link to a file of the workspace, or a copy where there can be none.
fn link_or_copy(from: &Path, to: &Path) -> Result<(), ObjectError> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(at("create the folder", folder))?;
    }
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Another disk, a file of another user, a system without links.
        Err(_) => fs::copy(from, to).map(|_| ()).map_err(at("copy", from)),
    }
}
