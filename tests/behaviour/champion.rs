//! A champion and its challengers: promoted, refused, promoted over, rolled back; held and approved; waived.

use runner_tests::{Seen, Workspace, redact};

const WORKFLOW: &str = "workflows/champion-challenger.yml";

fn run(workspace: &Workspace, c: &str) -> Seen {
    workspace.run(&["run", WORKFLOW, "-p", c])
}

/// The id of the newest run.
pub(crate) fn latest(workspace: &Workspace) -> String {
    let mut runs: Vec<String> = std::fs::read_dir(workspace.path().join(".runner/runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    runs.sort();
    runs.pop().unwrap()
}

fn end(seen: &Seen) -> String {
    let text = seen.snapshot();
    let start = text.find("\nGates").expect("a summary with gates");
    text[start..].to_owned()
}

#[test]
fn the_story_of_a_champion() {
    let workspace = Workspace::with_examples();
    let first = run(&workspace, "c=0.01").expect_code(0);
    assert!(first.stdout.contains("RUBBER STAMP"), "{}", first.snapshot());
    let worse = run(&workspace, "c=0.0001").expect_code(3);
    assert!(worse.stdout.contains("score@baseline"), "{}", worse.snapshot());
    insta::assert_snapshot!("worse_challenger", end(&worse));
    let better = run(&workspace, "c=1.0").expect_code(0);
    assert!(better.stdout.contains("promoted    deploy"), "{}", better.snapshot());

    let back = workspace
        .run(&["model", "rollback", "tumours@champion", "--why", "the clinic saw false alarms"])
        .expect_code(0);
    insta::assert_snapshot!("rollback", back.snapshot());
    let history = workspace.run(&["model", "history", "tumours@champion"]).expect_code(0);
    insta::assert_snapshot!("history", history.snapshot());
    let again = workspace.run(&["model", "rollback", "tumours@champion", "--why", "more"]).expect_code(2);
    insta::assert_snapshot!("nothing_before", again.snapshot());
    let _ = workspace
        .run(&["model", "rollback", "tumours@champion", "--to", "v2", "--why", "it was the scanner"])
        .expect_code(0);
    let show = workspace.run(&["model", "show", "tumours@champion"]).expect_code(0);
    insta::assert_snapshot!("show_one", show.snapshot());
    let show = workspace.run(&["model", "show", "tumours@v9"]).expect_code(2);
    insta::assert_snapshot!("show_unknown", show.snapshot());
    let history = workspace.run(&["model", "history", "tumours@v9"]).expect_code(2);
    assert!(history.stderr.contains("registry::alias_name"), "{}", history.snapshot());
    let history = workspace.run(&["model", "history", "tumours@nobody"]).expect_code(2);
    assert!(
        history.stderr.contains("nothing of the model `tumours` is called `nobody`"),
        "{}",
        history.snapshot()
    );
    let show = workspace.run(&["model", "show", "tumours"]).expect_code(0);
    insta::assert_snapshot!("show", show.snapshot());
}

#[test]
fn promotion_by_hand_needs_evidence_for_this_model_and_these_gates() {
    let workspace = Workspace::with_examples();
    let _ = run(&workspace, "c=0.01").expect_code(0);
    let champion = latest(&workspace);
    let _ = run(&workspace, "c=0.0001").expect_code(3);
    let refused = latest(&workspace);
    let promote = |alias: &str, what: &str| workspace.run(&["model", "promote", alias, what]);

    let by_hand = promote("tumours@canary", "v1").expect_code(0);
    insta::assert_snapshot!("promoted_by_hand", by_hand.snapshot());
    let _ = promote("tumours@canary", &format!("run:{champion}")).expect_code(0);
    let seen = promote("tumours@champion", &format!("run:{refused}")).expect_code(3);
    assert!(seen.stderr.contains("evidence::not_passing"), "{}", seen.snapshot());
    insta::assert_snapshot!("promotion_refused", seen.snapshot());

    // The gates were changed since.
    let text = workspace.read(WORKFLOW);
    workspace.write(WORKFLOW, text.replace("accuracy >= 0.85", "accuracy >= 0.99"));
    let seen = promote("tumours@canary", "v1").expect_code(5);
    insta::assert_snapshot!("promotion_under_other_gates", seen.snapshot());
    workspace.write(WORKFLOW, text);

    // The bytes were changed since.
    let version = workspace.read(".runner/registry/tumours/versions/00000001.json");
    let version: serde_json::Value = serde_json::from_str(&version).unwrap();
    let hex = version["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let object = workspace.path().join(format!(".runner/objects/sha256/{}/{hex}", &hex[..2]));
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, "another model").unwrap();
    let seen = promote("tumours@canary2", "v1").expect_code(6);
    assert!(seen.stderr.contains("is damaged"), "{}", seen.snapshot());
}

#[test]
fn a_model_without_evidence_cannot_be_promoted_by_hand() {
    let workspace = Workspace::with_examples();
    let _ = run(&workspace, "c=0.01").expect_code(0);
    for record in ["versions/00000001.json", "aliases/champion/00000001.json"] {
        let path = format!(".runner/registry/tumours/{record}");
        let mut record: serde_json::Value = serde_json::from_str(&workspace.read(&path)).unwrap();
        record["evidence"] = serde_json::Value::Null;
        std::fs::remove_file(workspace.path().join(&path)).unwrap();
        workspace.write(&path, record.to_string());
    }
    let seen = workspace.run(&["model", "promote", "tumours@canary", "v1"]).expect_code(5);
    assert!(seen.stderr.contains("has no evidence"), "{}", seen.snapshot());
}

#[test]
fn what_is_held_waits_for_a_person() {
    let workspace = Workspace::with_examples();
    let text = workspace.read(WORKFLOW).replace("accuracy >= 0.85", "accuracy >= 0.999 else hold");
    workspace.write(WORKFLOW, text);
    let held = run(&workspace, "c=1.0").expect_code(4);
    assert!(!workspace.path().join(".runner/registry/tumours").exists(), "{}", held.snapshot());
    let line = held.stdout.lines().find(|line| line.contains("runner approve")).expect("what to do");
    let id = latest(&workspace);
    let digest = line.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap().to_owned();

    let other = format!("sha256:{}", "0".repeat(64));
    let stale = workspace.run(&["approve", &id, "--evidence", &other, "--why", "seen"]).expect_code(5);
    insta::assert_snapshot!("approval_of_other_evidence", stale.snapshot());
    let approved = workspace
        .run(&["approve", &id, "--evidence", &digest, "--why", "good enough for the pilot"])
        .expect_code(0);
    insta::assert_snapshot!("approved", approved.snapshot());
    let history = workspace.run(&["model", "history", "tumours@champion"]).expect_code(0);
    assert!(history.stdout.contains("good enough for the pilot"), "{}", redact(&history.stdout));
    assert!(workspace.path().join(format!(".runner/runs/{id}/approval.json")).exists());

    // The evidence was changed after somebody looked at it.
    let second = run(&workspace, "c=2.0").expect_code(4);
    let digest =
        second.stdout.split_whitespace().find(|word| word.starts_with("sha256:") && word.len() == 71);
    let digest = digest.unwrap().to_owned();
    let path = format!(".runner/runs/{}/evidence.json", latest(&workspace));
    let changed = workspace.read(&path).replace("\"mediaType\"", " \"mediaType\"");
    std::fs::remove_file(workspace.path().join(&path)).unwrap();
    workspace.write(&path, changed);
    let seen = workspace.run(&["approve", "latest", "--evidence", &digest, "--why", "seen"]).expect_code(5);
    assert!(seen.stderr.contains("approve::evidence-changed"), "{}", seen.snapshot());
}

#[test]
fn what_failed_is_not_approved() {
    let workspace = Workspace::with_examples();
    let text = workspace.read(WORKFLOW).replace("accuracy >= 0.85", "accuracy >= 0.999");
    workspace.write(WORKFLOW, text);
    let failed = run(&workspace, "c=1.0").expect_code(3);
    let digest =
        failed.stdout.split_whitespace().find(|word| word.starts_with("sha256:") && word.len() == 71);
    let seen = workspace
        .run(&["approve", "latest", "--evidence", digest.unwrap(), "--why", "please"])
        .expect_code(5);
    assert!(seen.stderr.contains("approve::not-held"), "{}", seen.snapshot());
}

#[test]
fn a_waiver_lets_one_finding_pass_until_a_day() {
    let workspace = Workspace::with_examples();
    let text = workspace.read(WORKFLOW);
    workspace.write(WORKFLOW, text.replace("accuracy >= 0.85", "sharp: accuracy >= 0.999"));
    let _ = run(&workspace, "c=1.0").expect_code(3);
    let waive = |gate: &str, until: &str| {
        workspace.run(&[
            "waive",
            "latest",
            gate,
            "--reason",
            "the pilot needs it",
            "--author",
            "ana",
            "--until",
            until,
        ])
    };
    let past = waive("sharp", "2020-01-01").expect_code(2);
    assert!(past.stderr.contains("waiver::past"), "{}", past.snapshot());
    let unknown = waive("dull", "2999-01-01").expect_code(2);
    assert!(unknown.stderr.contains("waiver::no-gate"), "{}", unknown.snapshot());
    let passing = waive("harmful_flips <= 1%", "2999-01-01").expect_code(2);
    assert!(passing.stderr.contains("waiver::not-a-fail"), "{}", passing.snapshot());
    insta::assert_snapshot!("waive", waive("sharp", "2999-01-01").expect_code(0).snapshot());

    // Visible wherever the run is shown.
    let waived = workspace
        .run(&["run", WORKFLOW, "-p", "c=1.0", "--summary", "s.md", "--junit", "j.xml"])
        .expect_code(0);
    insta::assert_snapshot!("waived", end(&waived));
    let shown = workspace.run(&["report", "latest", "--format", "json"]).expect_code(0);
    for text in [&workspace.read("s.md"), &workspace.read("j.xml"), &shown.stdout] {
        assert!(text.contains("the pilot needs it"), "{text}");
        assert!(text.to_lowercase().contains("waived"), "{text}");
    }
    let model = workspace.run(&["verify", "registry:tumours@champion", "--replay"]).expect_code(0);
    assert!(model.stdout.contains("WAIVED"), "{}", model.snapshot());

    // Another model is another finding.
    let other = run(&workspace, "c=0.5").expect_code(3);
    assert!(other.stdout.contains("waiver::other-finding"), "{}", other.snapshot());

    // Expired.
    let file = "runner-waivers.jsonl";
    let expired = workspace.read(file).replace("2999-01-01", "2020-01-01");
    workspace.write(file, expired);
    let late = run(&workspace, "c=1.0").expect_code(3);
    assert!(late.stdout.contains("waiver::expired"), "{}", late.snapshot());

    // A file that cannot be read is no waiver, and not ignored.
    workspace.write(file, "{");
    let broken = run(&workspace, "c=1.0").expect_code(2);
    assert!(broken.stderr.contains("runner-waivers.jsonl:1"), "{}", broken.snapshot());
}

#[test]
fn an_error_cannot_be_waived() {
    let workspace = Workspace::with_examples();
    let text = workspace.read(WORKFLOW);
    workspace.write(WORKFLOW, text.replace("accuracy >= 0.85", "lost: no_such_metric >= 0.5"));
    let _ = run(&workspace, "c=1.0").expect_code(3);
    let seen = workspace
        .run(&["waive", "latest", "lost", "--reason", "x", "--author", "ana", "--until", "2999-01-01"])
        .expect_code(2);
    assert!(seen.stderr.contains("ERROR"), "{}", seen.snapshot());
}

/// Git in the workspace, with a person.
fn git(workspace: &Workspace, arguments: &[&str]) {
    let done = std::process::Command::new("git")
        .args(["-c", "user.name=ana", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(workspace.path())
        .env("HOME", workspace.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_branch_is_compared_with_the_run_of_another_commit() {
    let workspace = Workspace::with_examples();
    let text = workspace.read(WORKFLOW);
    workspace.write(WORKFLOW, text.replace("registry:tumours@champion\", evaluate", "git:main\", evaluate"));
    git(&workspace, &["init", "--quiet", "--initial-branch", "main"]);
    git(&workspace, &["add", "workflows"]);
    git(&workspace, &["commit", "--quiet", "--message", "first"]);
    let before = run(&workspace, "c=1.0").expect_code(3);
    assert!(
        before.stdout.contains("no finished run of `champion-challenger` at the commit"),
        "{}",
        before.snapshot()
    );
    git(&workspace, &["checkout", "--quiet", "-b", "topic"]);
    git(&workspace, &["commit", "--quiet", "--allow-empty", "--message", "second"]);
    // That run was at the commit `main` and is finished, whatever its gates said.
    let compared = run(&workspace, "c=0.0001").expect_code(3);
    assert!(compared.stdout.contains("git:main is run"), "{}", compared.snapshot());
    let same = run(&workspace, "c=1.0").expect_code(0);
    assert!(same.stdout.contains("score@baseline"), "{}", same.snapshot());
    let unknown = workspace.read(WORKFLOW).replace("git:main", "git:--output=x");
    workspace.write(WORKFLOW, unknown);
    let unknown = run(&workspace, "c=1.0").expect_code(3);
    assert!(unknown.stdout.contains("git knows no commit"), "{}", unknown.snapshot());
    assert!(!workspace.path().join("x").exists());
}

#[test]
fn without_a_place_for_keys_evidence_is_not_signed_and_that_is_said() {
    let workspace = Workspace::with_examples();
    let mut command = workspace.command(&["run", "workflows/quickstart.yml"]);
    command.env("RUNNER_CONFIG_DIR", "/proc/none");
    let seen: Seen = command.output().unwrap().into();
    let seen = seen.expect_code(0);
    assert!(seen.stderr.contains("not signed") && seen.stdout.contains("not signed"), "{}", seen.snapshot());
    let verified = workspace.run(&["verify", "registry:breast-cancer@champion"]).expect_code(5);
    assert!(verified.stderr.contains("no trusted key"), "{}", verified.snapshot());
}

#[test]
fn an_approval_skips_no_gate() {
    let workspace = Workspace::with_examples();
    let text = workspace.read(WORKFLOW).replace("accuracy >= 0.85", "accuracy >= 0.999 else hold");
    let fairness =
        "  fairness:\n    steps:\n      - { id: fair, run: \"true\" }\n    gates: [gap <= 0.1]\n\n  deploy:";
    workspace.write(WORKFLOW, text.replace("  deploy:", fairness));
    let held = run(&workspace, "c=1.0").expect_code(4);
    let digest = held.stdout.split_whitespace().find(|word| word.starts_with("sha256:") && word.len() == 71);
    let seen =
        workspace.run(&["approve", "latest", "--evidence", digest.unwrap(), "--why", "seen"]).expect_code(5);
    assert!(seen.stderr.contains("the gates of stage `fairness` were not judged"), "{}", seen.snapshot());
    assert!(!workspace.path().join(".runner/registry/tumours").exists());
}

#[test]
fn there_is_no_way_back_to_bytes_that_are_not_what_they_were() {
    let workspace = Workspace::with_examples();
    let _ = run(&workspace, "c=0.01").expect_code(0);
    let _ = run(&workspace, "c=1.0").expect_code(0);
    let version: serde_json::Value =
        serde_json::from_str(&workspace.read(".runner/registry/tumours/versions/00000001.json")).unwrap();
    let hex = version["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let object = workspace.path().join(format!(".runner/objects/sha256/{}/{hex}", &hex[..2]));
    let mut bytes = std::fs::read(&object).unwrap();
    bytes[200] ^= 1;
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, bytes).unwrap();
    let seen = workspace.run(&["model", "rollback", "tumours@champion", "--why", "hurry"]).expect_code(6);
    assert!(seen.stderr.contains("is damaged"), "{}", seen.snapshot());
    let history = workspace.run(&["model", "history", "tumours@champion"]).expect_code(0);
    assert!(!history.stdout.contains("hurry"), "{}", history.snapshot());
}
