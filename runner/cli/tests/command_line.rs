//! The built binary, driven with workflows that need nothing but a shell.
#![expect(clippy::unwrap_used, reason = "test code: a panic is how it fails")]

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

const PASSES: &str = "name: passes
stages:
  one:
    steps:
      - { id: hello, run: echo hello to you }
      - { id: world, run: echo world, needs: [hello] }
";

const FAILS: &str = "name: fails
stages:
  one:
    steps:
      - { id: bad, run: \"echo a clue >&2; exit 7\" }
  two:
    steps:
      - { id: never, run: echo never }
";

fn workspace(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".runner")).unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn runner(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    runner(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn expect(output: &Output, code: i32) -> (String, String) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "--- stdout\n{out}\n--- stderr\n{err}");
    (out, err)
}

#[test]
fn version_and_help() {
    let folder = workspace(&[]);
    let (out, _) = expect(&run(folder.path(), &["--version"]), 0);
    assert_eq!(out, format!("runner {}\n", env!("CARGO_PKG_VERSION")));
    for command in
        ["run", "check", "plan", "graph", "schema", "ls", "show", "logs", "report", "model", "data", "plugin"]
    {
        expect(&run(folder.path(), &[command, "--help"]), 0);
    }
}

#[test]
fn mistakes_on_the_command_line_end_with_2() {
    let folder = workspace(&[("w.yml", PASSES), ("event.json", "[1]")]);
    let mistakes: &[&[&str]] = &[
        &[],
        &["rnu"],
        &["run"],
        &["run", "w.yml", "--no-such-option"],
        &["run", "missing.yml"],
        &["run", "w.yml", "-p", "novalue"],
        &["run", "w.yml", "--jobs", "0"],
        &["run", "w.yml", "--stage", "three"],
        &["run", "w.yml", "--event", "missing.json"],
        &["run", "w.yml", "--event", "event.json"],
        &["check", "missing.yml"],
        &["check", "w.yml", "--format", "xml"],
        &["show", "no-such-run"],
        &["report", "latest"],
        &["model", "show", "no-such-model"],
        &["plugin", "inspect", "builtin:no-such-plugin"],
    ];
    for arguments in mistakes {
        let (out, err) = expect(&run(folder.path(), arguments), 2);
        assert_eq!(out, "", "{arguments:?}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_run_that_passes_is_told_and_recorded() {
    let folder = workspace(&[("w.yml", PASSES)]);
    let (out, _) = expect(&run(folder.path(), &["run", "w.yml"]), 0);
    let succeeded: Vec<&str> = out.lines().filter(|line| line.contains("succeeded")).collect();
    assert_eq!(succeeded.len(), 2, "{out}");
    assert!(succeeded.iter().all(|line| line.contains("unsandboxed")), "{out}");
    assert!(out.lines().last().unwrap().contains("passed"), "{out}");
    assert!(!out.contains('\x1b'), "{out}");

    let (out, _) = expect(&run(folder.path(), &["ls"]), 0);
    assert!(out.contains("passed") && out.contains("passes"), "{out}");
    let (out, _) = expect(&run(folder.path(), &["show"]), 0);
    assert!(out.contains("one/hello"), "{out}");
    let (out, _) = expect(&run(folder.path(), &["logs", "latest"]), 0);
    assert_eq!(out, "hello | hello to you\nworld | world\n");
    let (out, _) = expect(&run(folder.path(), &["logs", "latest", "hello"]), 0);
    assert_eq!(out, "hello to you\n");
    expect(&run(folder.path(), &["logs", "latest", "no-such-step"]), 2);
    let (out, _) = expect(&run(folder.path(), &["report", "latest", "--format", "junit"]), 0);
    assert!(out.starts_with("<?xml") && out.contains("<testsuite "), "{out}");
    let (out, _) = expect(&run(folder.path(), &["report", "--format", "markdown"]), 0);
    assert!(out.starts_with("## "), "{out}");
}

#[test]
fn a_run_that_fails_says_why_last() {
    let folder = workspace(&[("w.yml", FAILS)]);
    let (out, _) = expect(&run(folder.path(), &["run", "w.yml"]), 1);
    assert!(out.contains("a clue"), "the output of the failed step is shown: {out}");
    let last = out.lines().last().unwrap();
    assert!(last.starts_with("reason: ") && last.contains("bad"), "{out}");
    assert!(out.contains("skipped"), "{out}");

    let (out, err) = expect(&run(folder.path(), &["run", "w.yml", "--quiet"]), 1);
    assert_eq!(out, "");
    assert!(err.contains("bad"), "{err}");
}

#[test]
fn json_and_report_files() {
    let folder = workspace(&[("w.yml", PASSES)]);
    let arguments = ["run", "w.yml", "--json", "--summary", "out/summary.md", "--junit", "out/junit.xml"];
    let (out, err) = expect(&run(folder.path(), &arguments), 0);
    let record: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(record["result"], "passed");
    assert_eq!(record["workflow"], "passes");
    assert!(err.contains("succeeded"), "the report goes to standard error: {err}");
    assert!(fs::read_to_string(folder.path().join("out/summary.md")).unwrap().contains("passes"));
    assert!(fs::read_to_string(folder.path().join("out/junit.xml")).unwrap().contains("<testcase "));
    let (out, _) = expect(&run(folder.path(), &["ls", "--json"]), 0);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list[0]["run_id"], record["run_id"]);
}

#[test]
fn colour_is_a_choice() {
    let folder = workspace(&[("w.yml", PASSES)]);
    let colored = |set: &[(&str, &str)], arguments: &[&str]| {
        let output = runner(folder.path(), arguments).envs(set.iter().copied()).output().unwrap();
        text(&output.stdout).contains('\x1b')
    };
    assert!(!colored(&[], &["run", "w.yml"]));
    assert!(colored(&[("CLICOLOR_FORCE", "1")], &["run", "w.yml"]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &["run", "w.yml"]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1")], &["run", "w.yml", "--no-color"]));
    let ascii = runner(folder.path(), &["run", "w.yml"]).env("LANG", "C").output().unwrap();
    assert!(text(&ascii.stdout).is_ascii());
}

#[test]
fn a_command_means_the_same_from_everywhere_in_a_workspace() {
    let folder = workspace(&[("flows/w.yml", PASSES)]);
    let inner = folder.path().join("flows");
    expect(&run(&inner, &["run", "w.yml", "--quiet"]), 0);
    expect(&run(folder.path(), &["run", "flows/w.yml", "--quiet"]), 0);
    let (out, _) = expect(&run(&inner, &["ls", "--json"]), 0);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(!inner.join(".runner").exists());
    expect(&run(folder.path(), &["run", "flows/w.yml", "--quiet", "--store", "elsewhere"]), 0);
    assert!(folder.path().join("elsewhere/runs").is_dir());
}

#[test]
fn looking_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    let (_, err) = expect(&run(folder.path(), &["ls"]), 2);
    assert!(err.contains("no store"), "{err}");
    assert!(!folder.path().join(".runner").exists());
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let folder = workspace(&[]);
    let mut child =
        runner(folder.path(), &["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_secret_that_is_missing_stops_the_run_before_it_starts() {
    let flow = PASSES.to_owned() + "secrets: { TOKEN: { from: \"env:NO_SUCH_VARIABLE\" } }\n";
    let folder = workspace(&[("w.yml", &flow)]);
    let (_, err) = expect(&run(folder.path(), &["run", "w.yml"]), 6);
    assert!(err.contains("NO_SUCH_VARIABLE"), "{err}");
}
