//! A store that came with the change under review: what it says, the change says.

use std::path::{Path, PathBuf};

use crate::{exit_code::ExitCode, failure::Failure, git::tree};

/// Refuses a folder of the runner's own that lies in files git tracks.
///
/// Runs, baselines, approvals and the registry are believed because the runner wrote them. Where git brings them, whoever
/// wrote the change did.
pub(crate) fn refuse(workspace: &Path, what: &str, folder: &Path) -> Result<(), Failure> {
    let Some(tracked) = tracked(workspace, folder) else { return Ok(()) };
    let shown = tracked.strip_prefix(workspace).unwrap_or(&tracked).display().to_string();
    let message = format!(
        "{what} {} lies in files that git tracks (`{shown}`): the change under review could bring its own baselines, evidence and approvals",
        folder.display()
    );
    let help = format!(
        "take it out of git (`git rm -r --cached -- {shown}`) and ignore it in `.gitignore`; what has to be shared belongs into a registry (`--registry`) or a cache"
    );
    Err(Failure::new(ExitCode::Denied, "policy::store-tracked", message).help(help))
}

/// What git tracks of a folder, or of a link on the way to it.
fn tracked(workspace: &Path, folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let workspace = std::path::absolute(workspace).ok()?;
    let links = folder.ancestors().filter(|path| path.starts_with(&workspace) && path.is_symlink());
    let real = folder.canonicalize().ok();
    let mut places = links.map(Path::to_path_buf).chain([folder.clone()]).chain(real);
    places.find(|place| tree::is_tracked(&workspace, place))
}
