//! The output folder of an attempt: how much is in it, and nothing in it that leads out of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    limits::{OUTPUT_CHECK, OUTPUT_FILES},
    stop::Stop,
};

/// Watches the output folder while a plugin runs.
#[derive(Debug)]
pub(crate) struct OutputWatch {
    folder: PathBuf,
    limit: u64,
    next: Instant,
}

impl OutputWatch {
    /// Watches `folder` for more than `limit` bytes.
    pub(crate) fn new(folder: &Path, limit: u64) -> Self {
        Self { folder: folder.to_owned(), limit, next: Instant::now() + OUTPUT_CHECK }
    }

    /// Measures, if it is time to. The next time is far enough off that measuring stays below a tenth of the work.
    pub(crate) fn tick(&mut self) -> Result<(), Stop> {
        let start = Instant::now();
        if start < self.next {
            return Ok(());
        }
        let result = self.measure();
        let spent = start.elapsed();
        self.next = start + spent + OUTPUT_CHECK.max(spent.saturating_mul(10)).min(Duration::from_secs(5));
        result
    }

    /// Measures now. A folder that cannot be read counts as too large: it cannot be shown to be small.
    pub(crate) fn measure(&self) -> Result<(), Stop> {
        let mut bytes: u64 = 0;
        let mut entries: u64 = 0;
        let walked = walk(&self.folder, &mut |entry| {
            entries += 1;
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                bytes = bytes.saturating_add(metadata.len());
            }
            Ok(entries <= OUTPUT_FILES && bytes <= self.limit)
        });
        if entries > OUTPUT_FILES {
            return Err(Stop::Limit { what: "files and folders in the outputs", limit: OUTPUT_FILES });
        }
        match walked {
            // Files may come and go while the plugin works.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Stop::Limit { what: "output bytes", limit: self.limit })
            }
            _ if bytes > self.limit => Err(Stop::Limit { what: "output bytes", limit: self.limit }),
            _ => Ok(()),
        }
    }
}

/// Removes every symbolic link below `folder` and returns them with their targets: whoever reads the outputs later does so
/// outside the sandbox, where a link leads anywhere.
pub(crate) fn remove_links(folder: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let mut links = Vec::new();
    walk(folder, &mut |entry| {
        if entry.file_type()?.is_symlink() {
            let path = entry.path();
            let target = fs::read_link(&path)?;
            fs::remove_file(&path)?;
            links.push((path.strip_prefix(folder).unwrap_or(&path).to_owned(), target));
        }
        Ok(true)
    })?;
    Ok(links)
}

/// Visits everything below a folder until `visit` returns false. Never follows a link.
fn walk(folder: &Path, visit: &mut dyn FnMut(&fs::DirEntry) -> io::Result<bool>) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if !visit(&entry)? {
                return Ok(());
            }
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn holes_of_sparse_files_count() {
        let folder = tempfile::tempdir().unwrap();
        fs::File::create(folder.path().join("sparse")).unwrap().set_len(1 << 30).unwrap();
        let limit = |bytes| OutputWatch::new(folder.path(), bytes).measure();
        assert_eq!(limit(1 << 30), Ok(()));
        assert_eq!(limit(1 << 20), Err(Stop::Limit { what: "output bytes", limit: 1 << 20 }));
    }

    #[test]
    fn links_are_removed_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("file"), "x").unwrap();
        symlink("../..", folder.path().join("sub/up")).unwrap();
        symlink("file", folder.path().join("same")).unwrap();
        let mut links = remove_links(folder.path()).unwrap();
        links.sort();
        assert_eq!(links, [("same".into(), "file".into()), ("sub/up".into(), "../..".into())]);
        assert!(folder.path().join("file").exists());
        assert!(fs::symlink_metadata(folder.path().join("same")).is_err());
    }

    #[test]
    fn a_folder_that_is_gone_is_not_small() {
        let watch = OutputWatch::new(Path::new("/nonexistent/folder"), 10);
        assert_eq!(watch.measure(), Ok(()), "NotFound is a race with the plugin while it runs");
    }
}
