//! `action.yml`, its scripts and the workflows pass the linters of the field, and no action is used by a name that can move.

use std::{fs, path::PathBuf, process::Command};

use regex::Regex;
use runner_tests::{Seen, docs, project};
use serde_json::Value;

use crate::tools::tool;

/// `action.yml` and all workflows.
fn files() -> Vec<PathBuf> {
    let mut files = vec![project().join("action.yml")];
    for entry in fs::read_dir(project().join(".github/workflows")).unwrap() {
        files.push(entry.unwrap().path());
    }
    files.sort();
    files
}

fn passes(command: &mut Command) {
    let output = command.current_dir(project()).output();
    let seen: Seen = output.unwrap_or_else(|error| panic!("{command:?}: {error}: run .ci/install")).into();
    assert_eq!(seen.code, 0, "{command:?}\n{}\n{}", seen.stdout, seen.stderr);
}

#[test]
#[ignore = "needs .ci/install-github: cargo xtask test --all"]
fn zizmor() {
    passes(Command::new(tool("python/bin/zizmor")).args(["--offline", "--no-progress"]).args(files()));
}

#[test]
#[ignore = "needs .ci/install-github: cargo xtask test --all"]
fn actionlint() {
    let workflows = files().into_iter().filter(|path| !path.ends_with("action.yml"));
    // It reads action.yml too, for the inputs and outputs that the examples use, and gives scripts to ShellCheck.
    let mut command = Command::new(tool("python/bin/actionlint"));
    passes(command.arg("-shellcheck").arg(tool("python/bin/shellcheck")).args(workflows));
}

#[test]
#[ignore = "needs .ci/install-github: cargo xtask test --all"]
fn action_validator() {
    passes(Command::new("action-validator").args(files()));
}

#[test]
#[ignore = "needs .ci/install-github: cargo xtask test --all"]
fn shellcheck() {
    let mut scripts: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(project().join(".github/action")).unwrap() {
        scripts.push(entry.unwrap().path());
    }
    assert!(!scripts.is_empty());
    passes(Command::new(tool("python/bin/shellcheck")).args(scripts));
}

#[test]
fn actions_are_pinned_by_commit_with_their_version_beside() {
    let pinned = Regex::new(r"^uses: [A-Za-z0-9-]+/[A-Za-z0-9/_.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$").unwrap();
    for file in files() {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let line = line.trim().trim_start_matches("- ");
            if line.starts_with("uses:") && line != "uses: ./" {
                assert!(pinned.is_match(line), "{}: {line}", file.display());
            }
        }
    }
}

#[test]
fn no_expression_stands_inside_a_script() {
    for file in files() {
        let mut script: Option<usize> = None;
        for line in fs::read_to_string(&file).unwrap().lines() {
            let indent = line.len() - line.trim_start().len();
            if script.is_some_and(|outer| indent <= outer && !line.trim().is_empty()) {
                script = None;
            }
            let is_run = line.trim().trim_start_matches("- ").starts_with("run:");
            if is_run {
                script = Some(indent);
            }
            assert!(
                script.is_none() || !line.contains("${{"),
                "{}: an expression becomes code here: {line}",
                file.display()
            );
        }
    }
}

/// The workflows that the documentation shows, as text.
fn documented() -> Vec<String> {
    let page = fs::read_to_string(project().join("docs/github-action.md")).unwrap();
    let snippets: Vec<String> = docs::fences(&page)
        .into_iter()
        .filter(|fence| fence.info == "yaml" && fence.text.contains("jobs:"))
        .map(|fence| fence.text)
        .collect();
    assert!(!snippets.is_empty());
    snippets
}

#[test]
fn the_documentation_uses_inputs_that_exist_and_lists_them_all() {
    let action: Value =
        serde_saphyr::from_str(&fs::read_to_string(project().join("action.yml")).unwrap()).unwrap();
    for snippet in documented() {
        let workflow: Value = serde_saphyr::from_str(&snippet).unwrap();
        let steps = workflow["jobs"]["model"]["steps"].as_array().unwrap();
        let own = steps.iter().filter(|step| step["uses"].as_str().unwrap().starts_with("OWNER/runner@"));
        for input in own.flat_map(|step| step["with"].as_object().unwrap().keys()) {
            assert!(action["inputs"].get(input).is_some(), "{input} is no input of the action");
        }
    }
    let page = fs::read_to_string(project().join("docs/github.md")).unwrap();
    for kind in ["inputs", "outputs"] {
        for name in action[kind].as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{name}`")), "docs/github.md lacks {name} of the {kind}");
        }
    }
}

#[test]
#[ignore = "needs .ci/install-github: cargo xtask test --all"]
fn the_documented_workflow_passes_too() {
    let folder = tempfile::tempdir().unwrap();
    for snippet in documented() {
        let file = folder.path().join("model.yml");
        fs::write(&file, snippet).unwrap();
        passes(Command::new(tool("python/bin/actionlint")).arg(&file));
        passes(Command::new("action-validator").arg(&file));
    }
}

#[test]
fn permissions_are_the_least() {
    for file in files().into_iter().filter(|path| !path.ends_with("action.yml")) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(text.contains("\npermissions: {}\n"), "{name}: nothing is granted to all jobs");
        assert_eq!(
            text.matches("actions/checkout@").count(),
            text.matches("persist-credentials: false").count(),
            "{name}: a checkout leaves no credentials behind"
        );
        assert!(!text.contains("pull_request_target"), "{name}: never with a fork's code");
        // The untrusted half of the pair can write nothing.
        if name == "example-fork-run.yml" {
            assert!(!text.contains(": write"), "{name}");
        }
    }
}
