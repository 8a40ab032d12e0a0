//! Folders of attempts, used again and again.
//!
//! Making a folder is the most expensive thing a file system does for a small step: a tenth of a millisecond and more,
//! three times per attempt. So sandboxed attempts, which cannot leave anything behind that would outlive them, hand their
//! folders on, provided that they are empty again. Whatever is not goes to the background to be removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Folders for one attempt at a time.
#[derive(Debug)]
pub(crate) struct Slot {
    folder: PathBuf,
    out_dir: PathBuf,
    /// Folders for inputs that there are already, each for one file.
    input_folders: usize,
    /// Inputs of this attempt, to be removed after it.
    placed: Vec<PathBuf>,
    /// Whether another attempt may have it.
    reusable: bool,
}

impl Slot {
    /// A new slot in `folder`, which exists and is empty.
    pub(crate) fn in_folder(folder: PathBuf, reusable: bool) -> io::Result<Self> {
        let out_dir = folder.join("out");
        fs::create_dir(&out_dir)?;
        Ok(Self { folder, out_dir, input_folders: 0, placed: Vec::new(), reusable })
    }

    /// Where outputs go; empty.
    pub(crate) fn out_dir(&self) -> &Path {
        &self.out_dir
    }

    /// Where the attempt may put anything else; does not exist.
    pub(crate) fn scratch_dir(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// A place for the next input: a folder of its own, which holds nothing else, and the name in it.
    pub(crate) fn place_input(&mut self, name: impl AsRef<Path>) -> io::Result<PathBuf> {
        let number = self.placed.len();
        let folder = self.folder.join(format!("in-{number}"));
        if number >= self.input_folders {
            fs::create_dir(&folder)?;
            self.input_folders += 1;
        }
        let path = folder.join(name);
        self.placed.push(path.clone());
        Ok(path)
    }

    /// Takes the inputs out again; whether everything is empty now.
    fn empty(&mut self) -> bool {
        let removed = self.placed.iter().all(|path| fs::remove_file(path).is_ok());
        self.placed.clear();
        let nothing_in =
            |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        removed && nothing_in(&self.out_dir) && fs::symlink_metadata(self.scratch_dir()).is_err()
    }
}

/// The slots of a run.
#[derive(Debug)]
pub(crate) struct Slots {
    folder: PathBuf,
    free: Mutex<Vec<Slot>>,
    made: AtomicUsize,
}

impl Slots {
    /// Slots in this folder.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, free: Mutex::default(), made: AtomicUsize::new(0) }
    }

    /// A slot with nothing in it.
    pub(crate) fn take(&self) -> io::Result<Slot> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(slot) = free {
            return Ok(slot);
        }
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("slot-{number}"));
        fs::create_dir(&folder)?;
        Slot::in_folder(folder, true)
    }

    /// Takes a slot back, with `reuse` for another attempt. `Some` is a folder that has to be removed, with all in it.
    pub(crate) fn give_back(&self, mut slot: Slot, reuse: bool) -> Option<PathBuf> {
        if reuse && slot.reusable && slot.empty() {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
            None
        } else {
            Some(slot.folder)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_empty_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let slots = Slots::new(folder.path().to_path_buf());
        let mut slot = slots.take().unwrap();
        let first = slot.folder.clone();
        let input = slot.place_input("a.csv").unwrap();
        fs::write(&input, "a").unwrap();
        assert_eq!(slots.give_back(slot, true), None);
        assert!(!input.exists());

        let slot = slots.take().unwrap();
        assert_eq!(slot.folder, first);
        fs::write(slot.out_dir().join("left"), "x").unwrap();
        assert_eq!(slots.give_back(slot, true), Some(first.clone()));

        let slot = slots.take().unwrap();
        assert_ne!(slot.folder, first);
        fs::create_dir(slot.scratch_dir()).unwrap();
        assert!(slots.give_back(slot, true).is_some());
    }
}
