//! Files of a commit and of the checkout, as git lists them.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use super::{ask_bytes, command, is_hash};

/// A file, a link or a submodule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// As in a tree: `100644`, `100755`, `120000` a link, `160000` a submodule.
    pub(crate) mode: String,
    /// Name of its object.
    pub(crate) id: String,
    /// From the folder that was asked for, with `/`.
    pub(crate) path: String,
}

impl Entry {
    /// Whether it is a file with bytes of its own.
    pub(crate) fn is_file(&self) -> bool {
        self.mode.starts_with("100")
    }
}

/// Everything below a folder of a commit, by its path from the root of the repository, empty for the root; none where
/// there is no such folder.
pub(crate) fn files_in(workspace: &Path, commit: &str, folder: &str) -> Option<Vec<Entry>> {
    if !is_hash(commit) {
        return None;
    }
    let tree = format!("{commit}:{}", folder.trim_end_matches('/'));
    let listed = ask_bytes(workspace, &["ls-tree", "-r", "-z", "--end-of-options", &tree])?;
    // `MODE TYPE ID<TAB>PATH`
    Some(entries(&listed, |fields| match fields {
        [mode, _, id] => Some((mode, id)),
        _ => None,
    }))
}

/// Everything below a folder of the workspace that git tracks; paths are from that folder.
pub(crate) fn tracked_in(workspace: &Path, folder: &str) -> Vec<Entry> {
    let listed =
        ask_bytes(workspace, &["--literal-pathspecs", "ls-files", "-s", "-z", "--", &format!("./{folder}")]);
    // `MODE ID STAGE<TAB>PATH`
    let mut found = entries(&listed.unwrap_or_default(), |fields| match fields {
        [mode, id, _] => Some((mode, id)),
        _ => None,
    });
    if !matches!(folder, "" | ".") {
        let start = format!("{folder}/");
        found.retain(|entry| entry.path.starts_with(&start));
        for entry in &mut found {
            entry.path.drain(..start.len());
        }
    }
    found
}

/// Whether git tracks this path or anything below it.
pub(crate) fn is_tracked(workspace: &Path, path: &Path) -> bool {
    let Some(path) = path.to_str() else { return false };
    let listed = ask_bytes(workspace, &["--literal-pathspecs", "ls-files", "-z", "--", path]);
    listed.is_some_and(|listed| !listed.is_empty())
}

/// Files of the checkout that git tracks or would add, from the workspace.
pub(crate) fn in_checkout(workspace: &Path) -> Vec<String> {
    let listed = ask_bytes(workspace, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    names(&listed.unwrap_or_default()).map(str::to_owned).collect()
}

fn names(listed: &[u8]) -> impl Iterator<Item = &str> {
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    // What is not UTF-8 cannot be named by a workflow.
    names.filter_map(|name| std::str::from_utf8(name).ok())
}

fn entries<'a>(listed: &'a [u8], read: impl Fn(&[&'a str]) -> Option<(&'a str, &'a str)>) -> Vec<Entry> {
    let entry = |line: &'a str| {
        let (fields, path) = line.split_once('\t')?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let (mode, id) = read(&fields)?;
        Some(Entry { mode: mode.to_owned(), id: id.to_owned(), path: path.to_owned() })
    };
    names(listed).filter_map(entry).collect()
}

/// Reads objects one after the other; `None` where git could not give all of them.
pub(crate) fn read_all(workspace: &Path, ids: &[String], mut take: impl FnMut(usize, &[u8])) -> Option<()> {
    if ids.is_empty() {
        return Some(());
    }
    let mut git: Command = command(workspace);
    let mut child = git
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let mut asked = ids.join("\n");
    asked.push('\n');
    // Git answers while it is asked: both pipes are served at once.
    let asking = std::thread::spawn(move || input.write_all(asked.as_bytes()));
    let mut answers = BufReader::new(child.stdout.take()?);
    let complete = (0..ids.len()).try_for_each(|index| {
        let mut head = String::new();
        answers.read_line(&mut head).ok()?;
        // `ID TYPE SIZE`, or `ID missing`.
        let size: u64 = head.trim_end().rsplit_once(' ')?.1.parse().ok()?;
        let mut bytes = Vec::new();
        answers.by_ref().take(size).read_to_end(&mut bytes).ok()?;
        let mut end = [0];
        answers.read_exact(&mut end).ok()?;
        take(index, &bytes);
        Some(())
    });
    drop(answers);
    let asked = asking.join().is_ok_and(|asked| asked.is_ok());
    let ended = child.wait().is_ok();
    complete.filter(|()| asked && ended)
}
