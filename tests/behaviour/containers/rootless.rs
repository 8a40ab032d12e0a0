//! An ordinary user's engine, run by that user: nothing here has root's rights.

use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

use runner_tests::{Seen, Workspace, engine::Engine, runner_binary};

/// `runner` as the user, in the workspace, which is the user's.
fn run_as(user: &str, engine: &Engine, workspace: &Workspace, arguments: &[&str]) -> Seen {
    let owned = Command::new("chown").args(["-R", user]).arg(workspace.path()).status().unwrap();
    assert!(owned.success());
    // Where this was built may be closed to the user.
    let binary = workspace.path().join("runner");
    if !binary.exists() {
        std::fs::copy(runner_binary(), &binary).unwrap();
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--init-groups"]).arg(&binary).args(arguments);
    command
        .current_dir(workspace.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", workspace.path());
    command.env("DOCKER_HOST", &engine.host).env("LANG", "C.UTF-8").stdin(Stdio::null());
    command.output().unwrap().into()
}

fn owner(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().uid()
}

#[test]
#[ignore = "needs a real engine as RUNNER_TEST_ROOTLESS_HOST: cargo xtask test --all"]
fn a_step_runs_and_its_outputs_are_the_users() {
    let (engine, user) = Engine::rootless();
    let workspace = super::one_step(
        "echo \"{\\\"name\\\": \\\"ok\\\", \\\"value\\\": 1}\" >> \"$RUNNER_METRICS\"\ncat \"$RUNNER_IN_DATA\" > \"$RUNNER_OUT_COPY\"\nif echo x > /workspace/stolen; then exit 9; fi",
        "in: { data: ./workflow.yml }\nout: { copy: { path: copy.txt, kind: any } }",
    );
    let _ = run_as(&user, &engine, &workspace, &["run", "workflow.yml"]).expect_code(0);
    let uid = owner(&workspace.path().join("workflow.yml"));
    assert_ne!(uid, 0);
    let mut folders = vec![workspace.path().join(".runner")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(owner(&path), uid, "{}", path.display());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
}

#[test]
#[ignore = "needs a real engine as RUNNER_TEST_ROOTLESS_HOST: cargo xtask test --all"]
fn a_step_of_the_images_root_still_gives_the_user_its_outputs() {
    let (engine, user) = Engine::rootless();
    let workspace = Workspace::with_workflow(
        "name: t\nstages:\n  one:\n    steps:\n      - id: s\n        container: { image: runner-test/base, user: \"0\" }\n        run: echo x > \"$RUNNER_OUT_X\"\n        out: { x: { path: x.txt, kind: any } }\n",
    );
    let _ = run_as(&user, &engine, &workspace, &["run", "workflow.yml"]).expect_code(0);
}
