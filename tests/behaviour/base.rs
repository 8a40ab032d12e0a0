//! What a change under review could bring to escape the policy of its base: another file, other bytes, its own store.

use std::{fs, os::unix::fs::PermissionsExt as _};

use runner_tests::Workspace;

use crate::actions::{Job, WORKFLOW, git, lowered};

fn strict() -> String {
    WORKFLOW.replace("auc >= 0.8", "auc >= 0.9")
}

/// `churn.yml` with these gates becomes what `head` makes of it.
fn moved(base: &str, head: impl FnOnce(&Workspace)) -> Job {
    Job::with(|workspace| workspace.write("workflows/churn.yml", base), head)
}

fn remove(workspace: &Workspace, path: &str) {
    fs::remove_file(workspace.path().join(path)).unwrap();
}

#[test]
fn a_renamed_workflow_is_judged_by_what_it_was() {
    let renamed = |base: &str, head: &str| {
        moved(base, |workspace| {
            remove(workspace, "workflows/churn.yml");
            workspace.write("ci/model.yaml", head);
        })
    };
    let job = renamed(&strict(), WORKFLOW);
    let seen = job.run_file("ci/model.yaml", &[]).expect_code(3);
    assert!(seen.stdout.contains("gate loosened") && seen.stdout.contains("base.quality"), "{}", seen.stdout);
    let summary = job.workspace.read("job/summary");
    assert!(summary.contains("has this workflow in <code>workflows/churn.yml</code>"), "{summary}");
    // It meets both, and waits.
    let seen = renamed(WORKFLOW, &lowered()).run_file("ci/model.yaml", &[]).expect_code(4);
    assert!(seen.stdout.contains("gate loosened"), "{}", seen.stdout);
    // A new name for the same is free.
    let _ = renamed(WORKFLOW, WORKFLOW).run_file("ci/model.yaml", &[]).expect_code(0);
    // One that the base itself cannot read is no way out.
    let broken = format!("{WORKFLOW}unknown: 1\n");
    let seen = renamed(&broken, WORKFLOW).run_file("ci/model.yaml", &[]).expect_code(4);
    assert!(seen.stdout.contains("base cannot be read"), "{}", seen.stdout);
}

/// Checks and waivers go by the name: a second workflow of that name answers for the first.
#[test]
fn a_copy_under_the_same_name_is_judged_by_the_first() {
    let job = moved(&strict(), |workspace| workspace.write("ci/model.yml", lowered()));
    let seen = job.run_file("ci/model.yml", &[]).expect_code(3);
    assert!(seen.stdout.contains("base.quality"), "{}", seen.stdout);
    // A workflow that is truly new is free.
    let other = lowered().replace("name: churn", "name: other");
    let job = moved(&strict(), |workspace| workspace.write("ci/other.yml", other));
    let _ = job.run_file("ci/other.yml", &[]).expect_code(0);
    assert!(job.workspace.read("job/summary").contains("has no such workflow"));
}

/// A clone that lacks what the base had is no clone of a base that never had it.
#[test]
fn a_base_that_git_cannot_read_is_not_new() {
    let lost = |name: &str| {
        let job = moved(&strict(), |workspace| {
            workspace.write("workflows/churn.yml", lowered());
            workspace.write("ci/churn.yml", lowered());
        });
        let object = git(&job.workspace, &["rev-parse", name]);
        remove(&job.workspace, &format!(".git/objects/{}/{}", &object[..2], &object[2..]));
        job
    };
    // The workflow itself, looked for under its own name and under another; then the list of files.
    for (name, file) in [
        ("HEAD~1:workflows/churn.yml", "workflows/churn.yml"),
        ("HEAD~1:workflows/churn.yml", "ci/churn.yml"),
        ("HEAD~1:workflows", "workflows/churn.yml"),
    ] {
        let seen = lost(name).run_file(file, &[]).expect_code(6);
        assert!(seen.stderr.contains("policy::base-unreadable"), "{name} {file}: {}", seen.stderr);
    }
}

#[test]
fn a_workflow_that_is_gone_is_told_of() {
    let other = || lowered().replace("name: churn", "name: other");
    let told = "workflow removed (workflows/churn.yml), which nobody approved";
    // Another file, another name: nothing stands for it any more.
    let job = moved(WORKFLOW, |workspace| {
        remove(workspace, "workflows/churn.yml");
        workspace.write("ci/other.yml", other());
    });
    let seen = job.run_file("ci/other.yml", &[]).expect_code(4);
    assert!(seen.stdout.contains(told), "{}", seen.stdout);
    assert!(job.workspace.read("job/summary").contains("1 gate"));
    // Any other workflow tells it too, unless a new file carries its name.
    for (heir, code) in [(None, 4), (Some(WORKFLOW), 0)] {
        let job = Job::with(
            |workspace| {
                workspace.write("workflows/churn.yml", WORKFLOW);
                workspace.write("ci/other.yml", other());
                // What looks like one, and is none.
                workspace.write(".gitlab-ci.yml", "stages: [build]\n");
            },
            |workspace| {
                remove(workspace, "workflows/churn.yml");
                remove(workspace, ".gitlab-ci.yml");
                if let Some(heir) = heir {
                    workspace.write("ci/model.yml", heir);
                }
            },
        );
        let seen = job.run_file("ci/other.yml", &[]).expect_code(code);
        assert_eq!(seen.stdout.contains(told), code == 4, "{}", seen.stdout);
    }
}

#[test]
fn a_new_workflow_does_not_take_over_an_alias() {
    let promoting = |name: &str, alias: &str| {
        let text = WORKFLOW.replace("name: churn", &format!("name: {name}"));
        text.replace(
            "report:",
            &format!(
                "  deploy:\n    if: event.name == 'push'\n    steps: [{{ id: fit, run: cp x \"$RUNNER_OUT_MODEL\", out: {{ model: {{ path: m.bin, kind: model }} }} }}]\n    promote: {{ model: fit.model, to: \"registry:churn@{alias}\" }}\nreport:"
            ),
        )
    };
    for (alias, code) in [("champion", 4), ("trial", 0)] {
        let job = moved(&promoting("churn", "champion"), |workspace| {
            workspace.write("ci/nightly.yml", promoting("nightly", alias));
        });
        let seen = job.run_file("ci/nightly.yml", &[]).expect_code(code);
        assert_eq!(seen.stdout.contains("promotion changed (deploy)"), code == 4, "{}", seen.stdout);
    }
    let job = moved(&promoting("churn", "champion"), |workspace| {
        workspace.write("ci/nightly.yml", promoting("nightly", "champion"));
    });
    let _ = job.run_file("ci/nightly.yml", &[]);
    assert!(job.workspace.read("job/summary").contains("workflows/churn.yml promotes to it"));
}

/// An image that is built is everything that its recipe can copy.
#[test]
fn other_files_behind_an_image_are_another_image() {
    let workflow = WORKFLOW.replace(
        "report:",
        "  pack:\n    steps: [{ id: pack, container: { build: { context: app } }, run: \"true\" }]\nreport:",
    );
    let base = |workspace: &Workspace| {
        workspace.write("workflows/churn.yml", &workflow);
        workspace.write("app/Dockerfile", "FROM scratch\nCOPY . /\n");
        workspace.write("app/src/main.py", "print(1)\n");
        workspace.write("app/notes.md", "1\n");
        workspace.write("app/.dockerignore", "*.md\n");
    };
    let changed = |head: &dyn Fn(&Workspace)| {
        let job = Job::with(base, head);
        let code = job.run(&["--stage", "evaluate"]).code;
        (code, job)
    };
    assert_eq!(changed(&|_| {}).0, 0);
    let (code, job) = changed(&|workspace| workspace.write("app/src/main.py", "print(2)\n"));
    assert_eq!(code, 5);
    let summary = job.workspace.read("job/summary");
    assert!(summary.contains("image changed") && summary.contains("src/main.py changed"), "{summary}");
    assert_eq!(changed(&|workspace| workspace.write("app/Dockerfile", "FROM other\n")).0, 5);
    assert_eq!(changed(&|workspace| workspace.write("app/extra", "")).0, 5);
    assert_eq!(changed(&|workspace| remove(workspace, "app/src/main.py")).0, 5);
    let executable = |workspace: &Workspace| {
        let path = workspace.path().join("app/src/main.py");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    assert_eq!(changed(&executable).0, 5);
    let link = |workspace: &Workspace| {
        remove(workspace, "app/src/main.py");
        std::os::unix::fs::symlink("/etc/passwd", workspace.path().join("app/src/main.py")).unwrap();
    };
    assert_eq!(changed(&link).0, 5);
    // What the build does not see does not count, until it does.
    assert_eq!(changed(&|workspace| workspace.write("app/notes.md", "2\n")).0, 0);
    assert_eq!(changed(&|workspace| workspace.write("app/.dockerignore", "")).0, 5);
    // What git does not track, the change did not bring.
    let job = Job::with(base, |_| {});
    job.workspace.write("app/made-by-the-job", "x");
    let _ = job.run(&["--stage", "evaluate"]).expect_code(0);
    // What it tracks counts as it lies there.
    job.workspace.write("app/src/main.py", "print(3)\n");
    let _ = job.run(&["--stage", "evaluate"]).expect_code(5);
}

#[test]
fn other_bytes_of_a_baseline_or_a_waiver_wait() {
    let workflow = format!("{WORKFLOW}baseline: {{ model: \"file:models/old.onnx\" }}\n");
    let job = |head: &dyn Fn(&Workspace)| {
        Job::with(
            |workspace| {
                workspace.write("workflows/churn.yml", &workflow);
                workspace.write("models/old.onnx", "good\n");
            },
            head,
        )
    };
    let _ = job(&|_| {}).run(&[]).expect_code(0);
    let job = job(&|workspace| workspace.write("models/old.onnx", "weak\n"));
    let seen = job.run(&[]).expect_code(4);
    assert!(seen.stdout.contains("baseline changed (baseline), which nobody approved"), "{}", seen.stdout);
    let waiver = |workflow: &str| {
        let finding = format!("sha256:{}", "a".repeat(64));
        format!(
            "{{\"workflow\":\"{workflow}\",\"gate\":\"quality\",\"finding\":\"{finding}\",\"reason\":\"r\",\"author\":\"a\",\"until\":\"2099-01-01\"}}\n"
        )
    };
    let with_waivers = |base: &str, head: &str| {
        let seen = Job::with(
            |workspace| {
                workspace.write("workflows/churn.yml", WORKFLOW);
                workspace.write("runner-waivers.jsonl", base);
            },
            |workspace| workspace.write("runner-waivers.jsonl", head),
        )
        .run(&[]);
        seen.code
    };
    let (one, other) = (waiver("churn"), waiver("other"));
    assert_eq!(with_waivers(&one, &one), 0);
    assert_eq!(with_waivers(&one, &one.replace("2099", "2100")), 4);
    assert_eq!(with_waivers(&one, &format!("{one}{other}")), 4);
    assert_eq!(with_waivers(&format!("{one}{other}"), &one), 0);
}

/// Runs, baselines and approvals are believed because the runner wrote them.
#[test]
fn a_store_that_came_with_the_change_is_refused() {
    let refused = |job: &Job, arguments: &[&str], tracked: &str| {
        let seen = job.run(arguments).expect_code(5);
        assert!(seen.stderr.contains("error[policy::store-tracked]"), "{}", seen.stderr);
        assert!(seen.stderr.contains(&format!("`{tracked}`")), "{}", seen.stderr);
        assert!(seen.stderr.contains("git rm -r --cached"), "{}", seen.stderr);
    };
    let forged = |workspace: &Workspace| {
        workspace.write(".runner/runs/forged/run.json", "{}");
        git(workspace, &["add", "-f", ".runner"]);
    };
    let job = moved(WORKFLOW, forged);
    refused(&job, &[], ".runner");
    assert!(!job.workspace.path().join(".runner/objects").exists(), "nothing is written to it either");
    // Where nothing is under review it is the business of whoever works there.
    let _ = job.workspace.run(&["run", "workflows/churn.yml"]).expect_code(0);
    // By way of a link that the change brings.
    let job = moved(WORKFLOW, |workspace| {
        workspace.write("stash/store/runs/forged/run.json", "{}");
        let _ = fs::remove_dir_all(workspace.path().join(".runner"));
        std::os::unix::fs::symlink("stash/store", workspace.path().join(".runner")).unwrap();
        git(workspace, &["add", "-f", ".runner"]);
    });
    refused(&job, &[], ".runner");
    refused(&job, &["--store", "stash/store"], "stash/store");
    let job = moved(WORKFLOW, |workspace| {
        workspace.write("stash/store/runs/forged/run.json", "{}");
        std::os::unix::fs::symlink("stash", workspace.path().join("way")).unwrap();
    });
    refused(&job, &["--store", "way/store"], "way");
    // A registry in a folder of the checkout is believed as much.
    let job = moved(WORKFLOW, |workspace| workspace.write("shared/registry/x", ""));
    refused(&job, &["--registry", "shared"], "shared");
    // Beside tracked files it may be.
    let _ = job.run(&["--store", "shared/own"]).expect_code(0);
}

/// What ran in a sandbox only is not started on the host by a change that nobody has seen.
#[test]
fn a_confined_workflow_stays_confined_until_somebody_agrees() {
    let confined = "name: churn
data: { rows: { path: rows.csv } }
stages:
  check:
    steps:
      - id: rows
        uses: builtin:table-check
        in: { data: data.rows }
        with: { schema: { columns: { a: { type: integer } } } }
";
    let on_host = format!("{confined}      - id: more\n        run: touch ran\n");
    let job = Job::with(
        |workspace| {
            workspace.write("rows.csv", "a\n1\n");
            workspace.write("workflows/churn.yml", confined);
        },
        |workspace| workspace.write("workflows/churn.yml", on_host),
    );
    let seen = job.run(&[]).expect_code(5);
    assert!(seen.stdout.contains("new capability (more), which nobody approved"), "{}", seen.snapshot());
    assert!(!job.workspace.path().join("ran").exists(), "{}", seen.snapshot());
    assert!(job.output("approve").starts_with("sha256:"), "{}", seen.snapshot());
    // Without a base it is the author's own.
    let _ = job.workspace.run(&["run", "workflows/churn.yml"]).expect_code(0);
}
