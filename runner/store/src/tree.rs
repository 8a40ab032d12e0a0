//! Folders as objects: a canonical listing of the files below, which is an object itself.
//!
//! The listing is one line of JSON without spaces, `{"format":1,"files":[{"path":…,"size":…,"sha256":…},…]}`, sorted by
//! the bytes of the path. It holds no modes, owners or times, so that equal contents have equal digests. Empty folders
//! leave no trace, as in git.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    digest::{Digest, ObjectKind},
    error::StorageError,
    object_error::ObjectError,
};

/// The format of listings.
const FORMAT: u64 = 1;
/// Deeper folders are refused: nobody needs them, and a step could make them without end.
const MAX_DEPTH: usize = 64;

/// One file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Relative to the folder, with `/`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Its object.
    pub digest: Digest,
}

/// The listing as it stands in JSON.
#[derive(Serialize, Deserialize)]
struct Listing {
    format: u64,
    files: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    path: String,
    size: u64,
    sha256: String,
}

/// Whether symbolic links are an error or stand for what they point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symlinks {
    /// In outputs: a hostile step could plant one.
    Refuse,
    /// In the user's own data.
    Follow,
}

/// The canonical bytes of a listing. Sorts `files`.
pub(crate) fn encode(files: &mut [TreeFile]) -> Result<Vec<u8>, serde_json::Error> {
    files.sort_unstable_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    let files = files.iter().map(|file| Entry {
        path: file.path.clone(),
        size: file.size,
        sha256: file.digest.hex(),
    });
    serde_json::to_vec(&Listing { format: FORMAT, files: files.collect() })
}

/// Reads a listing back. `None` where it is not one, or not canonical in what matters for safety: every path stays
/// below the folder, and none occurs twice.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<TreeFile>> {
    let listing: Listing = serde_json::from_slice(bytes).ok()?;
    if listing.format != FORMAT || !listing.files.is_sorted_by(|a, b| a.path.as_bytes() < b.path.as_bytes()) {
        return None;
    }
    listing
        .files
        .into_iter()
        .map(|entry| {
            let digest = Digest::from_hex(ObjectKind::File, &entry.sha256)?;
            is_plain(&entry.path).then_some(TreeFile { path: entry.path, size: entry.size, digest })
        })
        .collect()
}

/// Whether a relative path names something below its start: no `..`, no root, no empty or `.` part.
pub(crate) fn is_plain(path: &str) -> bool {
    !path.contains('\0')
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && Path::new(path).components().all(|component| matches!(component, Component::Normal(_)))
}

/// The files below `folder`, as relative and real paths, unsorted. At most `max_files`.
pub(crate) fn walk(
    folder: &Path,
    symlinks: Symlinks,
    max_files: usize,
) -> Result<Vec<(String, PathBuf)>, ObjectError> {
    let mut files = Vec::new();
    let mut folders = vec![(String::new(), folder.to_path_buf(), 0)];
    while let Some((prefix, folder, depth)) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(StorageError::at("list", &folder))?;
        for entry in entries {
            let entry = entry.map_err(StorageError::at("list", &folder))?;
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                return Err(ObjectError::NameNotUtf8 { path });
            };
            let mut kind = entry.file_type().map_err(StorageError::at("look at", &path))?;
            if kind.is_symlink() {
                if symlinks == Symlinks::Refuse {
                    return Err(ObjectError::Symlink { path });
                }
                kind = fs::metadata(&path).map_err(StorageError::at("follow the link", &path))?.file_type();
            }
            let relative = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if kind.is_dir() {
                if depth == MAX_DEPTH {
                    return Err(ObjectError::TooDeep { path, limit: MAX_DEPTH });
                }
                folders.push((relative, path, depth + 1));
            } else if kind.is_file() {
                if files.len() == max_files {
                    return Err(ObjectError::TooManyFiles { path: folder, limit: max_files });
                }
                files.push((relative, path));
            } else {
                return Err(ObjectError::NotAFile { path });
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> TreeFile {
        TreeFile { path: path.into(), size: 3, digest: Digest::of_bytes(path.as_bytes()) }
    }

    #[test]
    fn the_listing_is_canonical() {
        let bytes = encode(&mut [file("b"), file("a/x"), file("a")]).unwrap();
        assert_eq!(bytes, encode(&mut [file("a"), file("b"), file("a/x")]).unwrap());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(r#"{"format":1,"files":[{"path":"a","size":3,"sha256":""#), "{text}");
    }

    #[test]
    fn hostile_listings_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", ".", "..", "a\0b"] {
            let bytes = encode(&mut [file(path)]).unwrap();
            assert_eq!(decode(&bytes), None, "{path}");
        }
        let twice = encode(&mut [file("a"), file("a")]).unwrap();
        assert_eq!(decode(&twice), None);
        let other = String::from_utf8(encode(&mut [file("a")]).unwrap()).unwrap().replace(":1,", ":2,");
        assert_eq!(decode(other.as_bytes()), None);
    }

    proptest::proptest! {
        #[test]
        fn there_and_back(names in proptest::collection::btree_set("[a-zé]{1,3}(/[a-z .]{0,2}[a-z]){0,2}", 0..20)) {
            let mut files: Vec<_> = names.iter().map(|name| file(name)).collect();
            files.reverse();
            let bytes = encode(&mut files).unwrap();
            proptest::prop_assert_eq!(decode(&bytes), Some(files));
        }
    }
}
