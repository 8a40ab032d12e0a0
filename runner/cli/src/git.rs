//! The state of the checkout, asked of git itself.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use runner_engine::{GitState, Revisions};
use runner_workflow::plan::Plan;

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
    let output = Command::new("git")
        .args(["-c", "core.fsmonitor=false"])
        .args(arguments)
        .current_dir(workspace)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
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
