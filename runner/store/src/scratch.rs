//! Removing what attempts wrote, also against their will.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use crate::{
    layout::Store,
    run_dir::WORK,
    runs::{self, Owner},
};

impl Store {
    /// Removes the scratch of runs whose process is dead; their records stay. Best effort. Returns how many.
    pub fn remove_dead_scratch(&self) -> usize {
        let Ok(ids) = self.run_ids() else { return 0 };
        let dead = ids.iter().filter(|id| {
            let run = self.runs_dir().join(id.as_str());
            let work = run.join(WORK);
            // The lock is held while removing, so that nobody takes the run up meanwhile.
            work.is_dir() && matches!(runs::probe(&run), Owner::Dead(_lock) if remove_tree(&work).is_ok())
        });
        dead.count()
    }
}

/// Removes a folder with all below, and never follows a link. A folder made read-only by a step is made writable first.
/// That it is gone already is fine.
pub(crate) fn remove_tree(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(folder)?;
            fs::remove_dir_all(folder)
        }
        result => result,
    }
}

fn open_up(folder: &Path) -> io::Result<()> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}
