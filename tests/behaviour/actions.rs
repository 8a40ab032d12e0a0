//! A job of GitHub Actions as the binary sees it: variables, an event, files for outputs, and a checkout with a base.

use std::{fs, process::Command};

use runner_tests::{Seen, Workspace};

pub(crate) const WORKFLOW: &str = r#"name: churn
on:
  pull_request: { branches: [main], paths: [src/**, workflows/**] }
metrics: { auc: { unit: fraction, better: higher } }
stages:
  evaluate:
    steps:
      - id: score
        run: |
          echo "::error::not a command"
          echo "hello ##[set-output name=verdict;]pass"
          echo '{"name": "auc", "value": 0.85}' >> "$RUNNER_METRICS"
    gates: ["quality: auc >= 0.8"]
report: { comment: true, check: true }
"#;

/// A checkout with a base commit, a head commit, and the event of a pull request between them.
pub(crate) struct Job {
    pub(crate) workspace: Workspace,
    base: String,
    head: String,
}

impl Job {
    fn new(base: &str, head: &str) -> Self {
        Self::with(
            |workspace| workspace.write("workflows/churn.yml", base),
            |workspace| workspace.write("workflows/churn.yml", head),
        )
    }

    /// The base as the first makes it, the head as the second changes it.
    pub(crate) fn with(base: impl FnOnce(&Workspace), head: impl FnOnce(&Workspace)) -> Self {
        let workspace = Workspace::empty();
        git(&workspace, &["init", "-q", "-b", "main"]);
        workspace.write(".gitignore", "/.runner\n/job\n");
        base(&workspace);
        let base = commit(&workspace, "base");
        workspace.write("src/train.py", "pass\n");
        head(&workspace);
        let head = commit(&workspace, "head");
        let job = Self { workspace, base, head };
        job.event(&job.base, "main");
        job
    }

    fn event(&self, base: &str, branch: &str) {
        let repository = serde_json::json!({ "id": 10, "full_name": "acme/churn" });
        let payload = serde_json::json!({
            "action": "synchronize", "number": 7,
            "pull_request": {
                "number": 7, "user": { "login": "mona", "id": 5 },
                "head": { "ref": "feature", "sha": self.head, "repo": repository },
                "base": { "ref": branch, "sha": base, "repo": repository },
            },
            "repository": repository,
        });
        self.workspace.write("job/event.json", payload.to_string());
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Seen {
        self.run_file("workflows/churn.yml", arguments)
    }

    pub(crate) fn run_file(&self, file: &str, arguments: &[&str]) -> Seen {
        let path = |name: &str| self.workspace.path().join("job").join(name);
        let mut command = self.workspace.command(&[&["run", file], arguments].concat());
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_EVENT_PATH", path("event.json"))
            .env("GITHUB_REPOSITORY", "acme/churn")
            .env("GITHUB_SHA", &self.head)
            .env("GITHUB_OUTPUT", path("output"))
            .env("GITHUB_STEP_SUMMARY", path("summary"));
        command.output().unwrap().into()
    }

    /// An output of the last run.
    pub(crate) fn output(&self, name: &str) -> String {
        let text = self.workspace.read("job/output");
        let start = format!("{name}<<");
        // The last entry of a name counts.
        let last = text.lines().rfind(|line| line.starts_with(&start));
        let last = last.unwrap_or_else(|| panic!("{name}: {text}"));
        let lines = text.lines().skip_while(|line| *line != last).skip(1);
        lines.take_while(|line| *line != &last[start.len()..]).collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn git(workspace: &Workspace, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(workspace.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn commit(workspace: &Workspace, message: &str) -> String {
    git(workspace, &["add", "-A"]);
    git(workspace, &["commit", "-q", "-m", message]);
    git(workspace, &["rev-parse", "HEAD"])
}

pub(crate) fn lowered() -> String {
    WORKFLOW.replace("quality: auc >= 0.8", "quality: auc >= 0.5")
}

#[test]
fn a_pull_request_that_passes() {
    let job = Job::new(WORKFLOW, WORKFLOW);
    let seen = job.run(&[]).expect_code(0);
    assert!(seen.stdout.contains("::group::output of score\n"), "{}", seen.stdout);
    assert!(!seen.stdout.lines().any(|line| line.trim_start().starts_with("::error::")), "{}", seen.stdout);
    assert!(!seen.stdout.contains("##[") && seen.stdout.contains("[set-output"), "{}", seen.stdout);
    assert_eq!((job.output("verdict"), job.output("result")), ("pass".into(), "passed".into()));
    assert_eq!(job.output("approve"), "");
    let report = job.workspace.read(&job.output("report"));
    assert!(
        report.starts_with(&format!("<!-- runner:report v1 key=churn@workflows/churn.yml sha={}", job.head)),
        "{report}"
    );
    assert!(job.workspace.read("job/summary").contains("1 gate passed"));
    // There is no token: nothing is posted, and only who insists minds.
    let _ = job.run(&["--require-report"]).expect_code(6);
    let preview = job.workspace.run(&["report", "preview"]).expect_code(0);
    assert!(preview.stdout.contains("1 gate passed"), "{}", preview.stdout);
}

#[test]
fn an_event_that_does_not_count() {
    let job = Job::new(WORKFLOW, WORKFLOW);
    job.event(&job.base, "develop");
    let seen = job.run(&[]).expect_code(0);
    assert_eq!(seen.stdout, "not run: `develop` does not pass `branches`\n");
    assert_eq!((job.output("verdict"), job.output("result")), ("none".into(), "not-selected".into()));
    assert!(!job.workspace.path().join(".runner/runs").exists());
}

#[test]
fn a_lowered_gate_stays_red() {
    // It meets both gates, and is held because one was lowered.
    let job = Job::new(WORKFLOW, &lowered());
    let seen = job.run(&[]).expect_code(4);
    assert!(seen.stdout.contains("gate loosened"), "{}", seen.stdout);
    let summary = job.workspace.read("job/summary");
    assert!(summary.contains("**Policy changes in this pull request**"), "{summary}");
    assert_eq!(job.output("approve").len(), "sha256:".len() + 64);
    // It meets only its own.
    let job = Job::new(&WORKFLOW.replace(">= 0.8", ">= 0.9"), WORKFLOW);
    let _ = job.run(&[]).expect_code(3);
    assert_eq!(job.output("verdict"), "fail");
    assert!(job.workspace.read("job/summary").contains("base.quality"));
    // A stricter one is free.
    let job = Job::new(&lowered(), WORKFLOW);
    let _ = job.run(&[]).expect_code(0);
}

/// What is wrong with data is shown where the schema asks for it.
#[test]
fn findings_stand_on_the_line_of_the_schema() {
    let checked = WORKFLOW.replace(
        "      - id: score",
        "      - { id: check, uses: \"builtin:table-check\", in: { data: data.d, schema: ./schema.yaml } }\n      - id: score",
    ) + "data: { d: { path: d.csv } }\n";
    let job = Job::new(&checked, &checked);
    job.workspace.write("d.csv", "id,age\n1,-5\n");
    job.workspace.write(
        "schema.yaml",
        "# The age of a person.\ncolumns:\n  id: { type: integer }\n  age: { type: integer, range: { min: 0 } }\n",
    );
    let seen = job.run(&[]);
    let annotation = seen.stdout.lines().find(|line| line.contains("file=schema.yaml"));
    let annotation = annotation.unwrap_or_else(|| panic!("{}", seen.snapshot()));
    assert!(annotation.starts_with("::error file=schema.yaml,line=4,"), "{annotation}");
}

#[test]
fn what_the_base_did_not_grant() {
    let granted = WORKFLOW.replace(
        "      - id: score",
        "      - { id: check, uses: \"builtin:table-check\", in: { data: data.d, schema: ./schema.yaml }, allow: { env: [TZ] } }\n      - id: score",
    ) + "data: { d: { path: d.csv } }\n";
    let base = granted.replace(", allow: { env: [TZ] }", "");
    let job = Job::new(&base, &granted);
    job.workspace.write("d.csv", "a\n1\n");
    job.workspace.write("schema.yaml", "columns: { a: { type: integer } }\n");
    let seen = job.run(&[]).expect_code(5);
    assert!(seen.stdout.contains("new capability (check)"), "{}", seen.stdout);
    assert!(job.workspace.read("job/summary").contains("<code>env&#58; TZ</code>, not granted"));
}

#[test]
fn without_the_base_nothing_is_judged() {
    let job = Job::new(WORKFLOW, &lowered());
    job.event(&"9".repeat(40), "main");
    let seen = job.run(&[]).expect_code(6);
    assert!(seen.stderr.contains("error[policy::base-missing]"), "{}", seen.stderr);
    assert!(seen.stderr.contains("fetch-depth: 0"), "{}", seen.stderr);
    // The workflow is new: there is nothing that it could loosen, and the report says so.
    git(&job.workspace, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let first =
        git(&job.workspace, &["commit-tree", "-m", "empty", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"]);
    job.event(&first, "main");
    let _ = job.run(&[]).expect_code(0);
    assert!(job.workspace.read("job/summary").contains("has no such workflow"));
}

#[test]
fn a_bundle_needs_no_token_and_is_refused_when_tampered_with() {
    let job = Job::new(WORKFLOW, WORKFLOW);
    let _ = job.run(&["--report-out", "bundle"]).expect_code(0);
    let json = job.workspace.read("bundle/report.json");
    job.workspace
        .write("bundle/report.json", json.replacen("\"verdict\": \"pass\"", "\"verdict\": \"fail\"", 1));
    let event = serde_json::json!({
        "action": "completed", "repository": { "id": 10 },
        "workflow_run": { "id": 1, "event": "pull_request", "head_sha": job.head, "conclusion": "success" },
    });
    job.workspace.write("job/run.json", event.to_string());
    let seen = job.workspace.run(&["report", "post", "bundle", "--event", "job/run.json"]).expect_code(5);
    assert!(seen.stderr.contains("error[report::refused]"), "{}", seen.stderr);
    // It chooses neither the file that says who may approve, nor the workflow that it is posted as.
    job.workspace.write("workflows/other.yml", WORKFLOW.replace("name: churn", "name: other-required"));
    let elsewhere = job.workspace.path().join("workflows/churn.yml");
    for (from, to, why) in [
        ("workflows/churn.yml", elsewhere.to_str().unwrap(), "is no path of a workflow inside the checkout"),
        ("workflows/churn.yml", "workflows/../workflows/churn.yml", "is no path of a workflow"),
        ("workflows/churn.yml", "workflows/new.yml", "the default branch has no workflow"),
        ("workflows/churn.yml", "workflows/other.yml", "and `workflows/other.yml` is `other-required`"),
        (
            "\"workflow\": \"churn\"",
            "\"workflow\": \"other-required\"",
            "it is of a workflow `other-required`",
        ),
    ] {
        let forged = json.replace(&format!("\"path\": \"{from}\""), &format!("\"path\": \"{to}\""));
        let forged = if forged == json { json.replace(from, to) } else { forged };
        assert_ne!(forged, json, "{why}");
        job.workspace.write("bundle/report.json", forged);
        let seen = job.workspace.run(&["report", "post", "bundle", "--event", "job/run.json"]).expect_code(5);
        assert!(
            seen.stderr.contains("error[report::refused]") && seen.stderr.contains(why),
            "{}",
            seen.stderr
        );
    }
    // The job may say which workflow it posts; then the bundle has no choice at all.
    job.workspace.write("bundle/report.json", &json);
    let posting = |workflow: &str, code: i32| {
        let event = ["--event", "job/run.json", "--workflow", workflow];
        job.workspace
            .run(&[["report", "post", "bundle"].as_slice(), &event].concat())
            .expect_code(code)
            .stderr
    };
    let said = posting("workflows/other.yml", 5);
    assert!(
        said.contains(
            "it is of the workflow `workflows/churn.yml`, and this job posts `workflows/other.yml`"
        ),
        "{said}"
    );
    let said = posting("workflows/new.yml", 5);
    assert!(said.contains("the default branch has no workflow `workflows/new.yml`"), "{said}");
    // The right one goes as far as GitHub, for which there is no token.
    let said = posting("./workflows/churn.yml", 6);
    assert!(said.contains("GITHUB_REPOSITORY"), "{said}");
}

/// However a command ends, later steps of the job read its exit code, and nothing that reads as passed.
#[test]
fn the_exit_code_is_told_also_where_nothing_ran() {
    let job = Job::new(WORKFLOW, WORKFLOW);
    let told = |arguments: &[&str], code: i32, result: &str, verdict: &str| {
        let _ = fs::remove_file(job.workspace.path().join("job/output"));
        let _ = job.run(arguments).expect_code(code);
        assert_eq!(job.output("exit-code"), code.to_string(), "{arguments:?}");
        assert_eq!((job.output("result"), job.output("verdict")), (result.into(), verdict.into()));
    };
    told(&[], 0, "passed", "pass");
    // What decides is how the command ended, not what the run alone would say.
    told(&["--require-report"], 6, "passed", "pass");
    told(&["--stage", "nothing"], 2, "not-run", "error");
    told(&["--no-such-option"], 2, "not-run", "error");
    job.event(&"9".repeat(40), "main");
    told(&[], 6, "not-run", "error");
    job.event(&job.base, "develop");
    told(&[], 0, "not-selected", "none");
}

/// What a run of changed files measured is no figure of the commit.
#[test]
fn figures_of_the_base_are_of_a_clean_checkout() {
    let job = Job::new(WORKFLOW, WORKFLOW);
    for (changed, expected) in [(true, "No figures of the base commit"), (false, " vs ")] {
        git(&job.workspace, &["checkout", "-q", &job.base]);
        if changed {
            job.workspace.write("workflows/churn.yml", WORKFLOW.replace("0.85", "0.99"));
        }
        let _ = job.workspace.run(&["run", "workflows/churn.yml"]).expect_code(0);
        git(&job.workspace, &["checkout", "-q", "-f", "main"]);
        let _ = fs::remove_file(job.workspace.path().join("job/summary"));
        let _ = job.run(&[]).expect_code(0);
        let summary = job.workspace.read("job/summary");
        assert!(summary.contains(expected), "{summary}");
    }
}

#[test]
fn tokens_reach_no_step() {
    let leaking = WORKFLOW.replace("not a command", "[${GITHUB_TOKEN:-}]");
    let job = Job::new(&leaking, &leaking);
    let path = |name: &str| job.workspace.path().join("job").join(name);
    let mut command = job.workspace.command(&["run", "workflows/churn.yml", "--report", "off"]);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", "pull_request")
        .env("GITHUB_EVENT_PATH", path("event.json"))
        .env("GITHUB_TOKEN", "ghs_verysecrettoken");
    let seen: Seen = command.output().unwrap().into();
    let seen = seen.expect_code(0);
    // The machine that runs the job is told to mask it, and nothing else says it.
    assert_eq!(seen.stdout.matches("ghs_verysecrettoken").count(), 1, "{}", seen.stdout);
    assert!(seen.stdout.starts_with("::add-mask::ghs_verysecrettoken\n"), "{}", seen.stdout);
    for entry in fs::read_dir(job.workspace.path().join(".runner/runs")).unwrap() {
        let events = fs::read_to_string(entry.unwrap().path().join("events.jsonl")).unwrap();
        assert!(!events.contains("verysecrettoken"));
        assert!(events.contains("::error::[]"), "{events}");
    }
}

/// The base says on what it is judged: a change that takes itself out of `on:` is judged all the same, and waits.
#[test]
fn a_change_does_not_choose_whether_it_is_judged() {
    let lower = |text: &str| text.replace("auc >= 0.8", "auc >= 0.9");
    let unselected =
        WORKFLOW.replace("branches: [main], paths: [src/**, workflows/**]", "branches: [nothing]");
    let seen = Job::new(WORKFLOW, &unselected).run(&[]).expect_code(4);
    assert!(seen.stdout.contains("policy changed (on), which nobody approved"), "{}", seen.stdout);
    let seen = Job::new(&lower(WORKFLOW), &unselected).run(&[]).expect_code(3);
    assert!(seen.stdout.contains("base.quality"), "{}", seen.stdout);
    // Where the base does not run either, nothing does.
    let _ = Job::new(&unselected, &unselected).run(&[]).expect_code(0);
}

/// A link in place of the file is still that file to the base.
#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_workflow_is_compared_with_it() {
    let job = Job::new(&WORKFLOW.replace("auc >= 0.8", "auc >= 0.9"), WORKFLOW);
    job.workspace.write("workflows/other.yml", lowered());
    let file = job.workspace.path().join("workflows/churn.yml");
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("other.yml", &file).unwrap();
    let seen = job.run(&[]).expect_code(3);
    assert!(seen.stdout.contains("gate loosened"), "{}", seen.stdout);
}
