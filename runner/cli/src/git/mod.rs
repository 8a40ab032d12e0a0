//! The state of the checkout, asked of git itself.

pub(crate) mod tree;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use runner_engine::{GitState, Revisions};
use runner_workflow::plan::Plan;

use crate::github::variables;

/// The state of the checkout that holds the workspace; all empty outside of one, or without git.
pub(crate) fn state(workspace: &Path) -> GitState {
    if !workspace.ancestors().any(|folder| folder.join(".git").exists()) {
        return GitState::default();
    }
    let status = ask(workspace, &["status", "--porcelain=v2", "--branch", "--untracked-files=no"]);
    let mut state = status.map(|text| parse_status(&text)).unwrap_or_default();
    if state.commit.is_some() {
        let tags = ask(workspace, &["tag", "--points-at", "HEAD"]).unwrap_or_default();
        state.tag = tags.lines().next().map(str::to_owned);
    }
    state
}

/// The commits of the revisions that `baseline:` names, as git resolves them in the checkout that holds the workspace.
pub(crate) fn revisions(plan: &Plan, workspace: &Path) -> Revisions {
    let baseline = plan.baseline.as_ref();
    let written = baseline.into_iter().flat_map(|baseline| [Some(&baseline.model), baseline.anchor.as_ref()]);
    let revisions = written.flatten().filter_map(|reference| reference.strip_prefix("git:"));
    revisions
        .map(|revision| {
            // Never read as an option.
            let asked = format!("{revision}^{{commit}}");
            let commit = ask(workspace, &["rev-parse", "--verify", "--quiet", "--end-of-options", &asked]);
            let commit = commit
                .map(|text| text.trim().to_owned())
                .ok_or_else(|| format!("git knows no commit `{revision}` here"));
            (revision.to_owned(), commit)
        })
        .collect()
}

/// What git prints, where it succeeds. It takes no lock and runs nothing that the checkout's configuration names.
fn ask(workspace: &Path, arguments: &[&str]) -> Option<String> {
    ask_bytes(workspace, arguments).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn ask_bytes(workspace: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output =
        command(workspace).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then_some(output.stdout)
}

fn command(workspace: &Path) -> Command {
    let mut git = Command::new("git");
    for name in variables::RIGHTS {
        git.env_remove(name);
    }
    git.args(["-c", "core.fsmonitor=false"]).current_dir(workspace).env("GIT_OPTIONAL_LOCKS", "0");
    git
}

/// Whether a commit is in the clone. Anything but a plain hash is not.
pub(crate) fn has_commit(workspace: &Path, commit: &str) -> bool {
    is_hash(commit) && ask(workspace, &["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_some()
}

/// Paths that differ between two commits, from the root of the repository; none where git cannot tell.
pub(crate) fn changed_files(workspace: &Path, range: &str) -> Option<Vec<String>> {
    let (from, to) = range.split_once("...").or_else(|| range.split_once(".."))?;
    if !is_hash(from) || !(is_hash(to) || to == "HEAD") {
        return None;
    }
    let text = ask(workspace, &["diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", range, "--"])?;
    Some(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// The bytes of a file in a commit, by its path from the root of the repository; none where it is not there.
pub(crate) fn file_at(workspace: &Path, commit: &str, path: &str) -> Option<Vec<u8>> {
    if !is_hash(commit) {
        return None;
    }
    ask_bytes(workspace, &["cat-file", "blob", &format!("{commit}:{path}")])
}

/// The path of the workspace from the root of its repository, with `/` at its end; empty where it is the root.
pub(crate) fn prefix(workspace: &Path) -> String {
    ask(workspace, &["rev-parse", "--show-prefix"]).map(|text| text.trim_end().to_owned()).unwrap_or_default()
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Format: `git help status`, "Porcelain Format Version 2".
fn parse_status(text: &str) -> GitState {
    let mut state = GitState::default();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(header) => match header.split_once(' ') {
                Some(("branch.oid", commit)) if commit != "(initial)" => {
                    state.commit = Some(commit.to_owned());
                }
                Some(("branch.head", branch)) if branch != "(detached)" => {
                    state.branch = Some(branch.to_owned());
                }
                _ => {}
            },
            None => state.dirty |= !line.is_empty(),
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read() {
        let text =
            "# branch.oid 1234\n# branch.head main\n# branch.upstream origin/main\n# branch.ab +1 -0\n";
        let clean = parse_status(text);
        assert_eq!(
            (clean.commit.as_deref(), clean.branch.as_deref(), clean.dirty),
            (Some("1234"), Some("main"), false)
        );
        assert!(parse_status(&format!("{text}1 .M N... 100644 100644 100644 1 2 README.md\n")).dirty);
        let fresh = parse_status("# branch.oid (initial)\n# branch.head (detached)\n");
        assert_eq!(fresh, GitState::default());
    }
}
