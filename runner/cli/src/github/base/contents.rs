//! What lies behind the names of two revisions: in the base commit by git, in the head on the disk.
//!
//! Of a folder only what git tracks counts, with the bytes that are there: a change under review brings nothing else, and
//! what a job made itself is not compared with a commit that cannot have it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use runner_engine::{
    container::Ignore,
    policy::{Content, Contents, Named, named},
};
use runner_workflow::plan::Plan;
use sha2::{Digest as _, Sha256};

use crate::{
    git::{
        self,
        tree::{self, Entry},
    },
    workflow_file::hex,
};

const IGNORE: &str = ".dockerignore";
/// A pointer of Git LFS is shorter; its format is three lines.
const LARGEST_POINTER: usize = 1024;

/// The contents behind both plans.
pub(super) fn contents(workspace: &Path, commit: &str, base: &Plan, head: &Plan) -> Contents {
    let prefix = git::prefix(workspace);
    let read = |plan: &Plan, read: &dyn Fn(&Named) -> Option<Content>| -> BTreeMap<String, Content> {
        let named = named(plan).into_iter();
        named.filter_map(|named| Some((named.key(), read(&named)?))).collect()
    };
    Contents {
        base: read(base, &|named| match named {
            Named::File { path, .. } => {
                let bytes = git::file_at(workspace, commit, &format!("{prefix}{path}"))?;
                Some(Content::file(digest(&bytes)))
            }
            Named::Context { path } => context_in(workspace, commit, &format!("{prefix}{}", folder(path))),
        }),
        head: read(head, &|named| match named {
            Named::File { path, .. } => Some(Content::file(digest_of(&workspace.join(path)).ok()?)),
            Named::Context { path } => context_here(workspace, folder(path)),
        }),
    }
}

/// As git writes a folder.
fn folder(path: &str) -> &str {
    if path == "." { "" } else { path.trim_end_matches('/') }
}

/// Rules that cannot be read hide nothing.
fn rules(text: Option<Vec<u8>>) -> Ignore {
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    Ignore::parse(&text).unwrap_or_default()
}

fn context_in(workspace: &Path, commit: &str, folder: &str) -> Option<Content> {
    let entries = tree::files_in(workspace, commit, folder)?;
    let at = |path: &str| {
        if folder.is_empty() { path.to_owned() } else { format!("{}/{path}", folder.trim_end_matches('/')) }
    };
    let ignore = rules(git::file_at(workspace, commit, &at(IGNORE)));
    let seen: Vec<&Entry> = entries.iter().filter(|entry| !ignore.hides(&entry.path)).collect();
    let mut files = BTreeMap::new();
    let (modules, blobs): (Vec<&Entry>, Vec<&Entry>) = seen.iter().partition(|entry| entry.mode == "160000");
    files.extend(modules.into_iter().map(|module| (module.path.clone(), submodule(module))));
    let ids: Vec<String> = blobs.iter().map(|entry| entry.id.clone()).collect();
    tree::read_all(workspace, &ids, |index, bytes| {
        let Entry { mode, path, .. } = blobs[index];
        files.insert(path.clone(), format!("{mode} {}", digest(bytes)));
    })?;
    Some(Content::folder(files))
}

fn context_here(workspace: &Path, folder: &str) -> Option<Content> {
    let entries = tree::tracked_in(workspace, folder);
    let root = workspace.join(folder);
    let ignore = rules(fs::read(root.join(IGNORE)).ok());
    let mut files = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !ignore.hides(&entry.path)) {
        let path = root.join(&entry.path);
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let said = if metadata.is_symlink() {
            let target = fs::read_link(&path).ok()?;
            format!("120000 {}", digest(target.as_os_str().as_encoded_bytes()))
        } else if metadata.is_file() {
            let mode = if metadata.permissions().mode() & 0o111 == 0 { "100644" } else { "100755" };
            format!("{mode} {}", digest_of(&path).ok()?)
        } else if metadata.is_dir() {
            submodule(entry)
        } else {
            "neither a file nor a link".to_owned()
        };
        files.insert(entry.path.clone(), said);
    }
    (!files.is_empty()).then(|| Content::folder(files))
}

fn submodule(entry: &Entry) -> String {
    format!("submodule {}", entry.id)
}

fn digest(bytes: &[u8]) -> String {
    pointed_at(bytes).unwrap_or_else(|| format!("sha256:{}", hex(&Sha256::digest(bytes))))
}

/// The same of a file that may be large.
fn digest_of(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut file = File::open(path)?;
    let mut start = Vec::new();
    file.by_ref().take(LARGEST_POINTER as u64).read_to_end(&mut start)?;
    if start.len() < LARGEST_POINTER {
        return Ok(digest(&start));
    }
    let mut hasher = Sha256::new();
    hasher.update(&start);
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(format!("sha256:{}", hex(&hasher.finalize()))),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// What a pointer of Git LFS points at: commits hold the pointer, checkouts the bytes.
///
/// Format: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>.
fn pointed_at(bytes: &[u8]) -> Option<String> {
    if bytes.len() >= LARGEST_POINTER {
        return None;
    }
    let lines: Vec<&str> = std::str::from_utf8(bytes).ok()?.lines().collect();
    let ["version https://git-lfs.github.com/spec/v1", oid, size] = lines[..] else { return None };
    let oid = oid.strip_prefix("oid sha256:")?;
    size.strip_prefix("size ")?.parse::<u64>().ok()?;
    (oid.len() == 64 && oid.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| format!("sha256:{oid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_what_it_points_at() {
        let content = vec![b'x'; 5000];
        let real = digest(&content);
        let oid = real.strip_prefix("sha256:").unwrap();
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5000\n");
        assert_eq!(digest(pointer.as_bytes()), real);
        for other in [pointer.replace("oid", "id"), format!("{pointer}x\n"), pointer.replace(oid, "../x")] {
            assert_ne!(digest(other.as_bytes()), real, "{other}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        for bytes in [content.as_slice(), pointer.as_bytes()] {
            fs::write(&file, bytes).unwrap();
            assert_eq!(digest_of(&file).unwrap(), real);
        }
        assert!(digest_of(folder.path()).is_err());
    }
}
