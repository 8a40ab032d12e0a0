//! Where images come from: a registry with a password, a recipe of the workspace, or nowhere.

use std::{fs, os::unix::fs::PermissionsExt};

use runner_tests::{
    Seen, Workspace,
    engine::{Engine, PrivateDocker},
    registry::{PASSWORD, Registry, USER},
};

/// A step in that image, which tells who it is.
fn workspace(container: &str) -> Workspace {
    Workspace::with_workflow(&format!(
        "name: t\nstages:\n  one:\n    steps:\n      - id: s\n        container: {container}\n        run: echo \"I am $(cat /who 2>/dev/null || echo base)\"\n"
    ))
}

/// An image like `runner-test/base` with a file `/who`.
fn image_with(engine: &Engine, who: &str, name: &str) {
    let container = format!("make-{}-{who}", std::process::id());
    let script = format!("echo {who} > /who");
    let _ = engine.cli(&["rm", "--force", &container]);
    let _ = engine
        .cli(&["run", "--network", "none", "--name", &container, "runner-test/base", "sh", "-c", &script])
        .expect_code(0);
    let _ = engine.cli(&["commit", &container, name]).expect_code(0);
    let _ = engine.cli(&["rm", "--force", &container]).expect_code(0);
}

fn with_settings(workspace: &Workspace, settings: &str) {
    workspace.write(".docker/config.json", settings);
}

#[test]
#[ignore = "needs a real engine as RUNNER_TEST_DOCKER_HOST: cargo xtask test --all"]
fn a_private_image_needs_the_password() {
    let engine = Engine::docker();
    let registry = Registry::start();
    registry.push(&engine, "runner-test/base:latest", "private/base:1");
    let name = format!("{}/private/base:1", registry.address);
    let workspace = workspace(&format!("\"{name}\""));

    let seen = super::ran(&engine, &workspace, 6);
    assert!(seen.stderr.contains(&name) || seen.stdout.contains(&name), "{}", seen.snapshot());

    with_settings(&workspace, &registry.client_settings());
    let seen = super::ran(&engine, &workspace, 0);
    assert!(seen.stdout.contains("I am base"), "{}", seen.snapshot());
    assert!(!seen.stdout.contains(PASSWORD) && !seen.stderr.contains(PASSWORD));
    // It is there now, and asked for no more: without the password too.
    with_settings(&workspace, "{}");
    let _ = super::ran(&engine, &workspace, 0);
    let _ = engine.cli(&["rmi", "--force", &name]);
}

#[test]
#[ignore = "needs a real engine as RUNNER_TEST_DOCKER_HOST: cargo xtask test --all"]
fn a_helper_may_know_the_password() {
    let engine = Engine::docker();
    let registry = Registry::start();
    registry.push(&engine, "runner-test/base:latest", "helped/base:1");
    let name = format!("{}/helped/base:1", registry.address);
    let workspace = workspace(&format!("\"{name}\""));
    with_settings(&workspace, &format!("{{\"credHelpers\": {{\"{}\": \"runner-test\"}}}}", registry.address));
    let helper = workspace.path().join("bin/docker-credential-runner-test");
    workspace.write(
        "bin/docker-credential-runner-test",
        format!("#!/bin/sh\nread server\n[ \"$1\" = get ] && [ \"$server\" = {} ] || exit 1\necho '{{\"ServerURL\": \"'$server'\", \"Username\": \"{USER}\", \"Secret\": \"{PASSWORD}\"}}'\n", registry.address),
    );
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = engine.command(&workspace, &["run", "workflow.yml"]);
    let path = format!("{}:{}", helper.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let seen: Seen = command.env("PATH", path).output().unwrap().into();
    let _ = seen.expect_code(0);
    let _ = engine.cli(&["rmi", "--force", &name]);
}

#[test]
#[ignore = "needs a real engine as RUNNER_TEST_DOCKER_HOST: cargo xtask test --all"]
fn a_tag_that_moved_is_noticed() {
    let engine = Engine::docker();
    let registry = Registry::start();
    image_with(&engine, "old", "runner-test/old");
    image_with(&engine, "new", "runner-test/new");
    registry.push(&engine, "runner-test/old", "moving:latest");
    let name = format!("{}/moving:latest", registry.address);
    let workspace = workspace(&format!("{{ image: \"{name}\", pull: always }}"));
    with_settings(&workspace, &registry.client_settings());
    let seen = super::ran(&engine, &workspace, 0);
    assert!(seen.stdout.contains("I am old"), "{}", seen.snapshot());
    registry.push(&engine, "runner-test/new", "moving:latest");
    let seen = super::ran(&engine, &workspace, 0);
    assert!(seen.stdout.contains("I am new"), "{}", seen.snapshot());
    let said = format!("{}{}", seen.stdout, seen.stderr);
    assert!(said.contains("moved"), "{}", seen.snapshot());
    for image in [name.as_str(), "runner-test/old", "runner-test/new"] {
        let _ = engine.cli(&["rmi", "--force", image]);
    }
}

on_docker_and_podman! {
    /// Nothing runs where an image is missing and may not be fetched.
    fn an_image_that_may_not_be_pulled(engine) {
        let workspace = Workspace::with_workflow(
            "name: t\nstages:\n  one:\n    steps:\n      - { id: first, run: \"echo ran > ran.txt\" }\n  two:\n    steps:\n      - { id: s, container: { image: \"runner-test/missing:1\", pull: never }, run: \"true\" }\n",
        );
        let seen = super::ran(engine, &workspace, 6);
        assert!(!workspace.path().join("ran.txt").exists(), "a step ran");
        let said = format!("{}{}", seen.stdout, seen.stderr);
        assert!(said.contains("runner-test/missing:1") && said.contains("pull"), "{}", seen.snapshot());
    }

    /// A registry that is not there: the name and the reason are told, and nothing runs.
    fn an_image_that_cannot_be_pulled(engine) {
        let workspace = workspace("\"127.0.0.1:9/nobody/nothing:1\"");
        let seen = super::ran(engine, &workspace, 6);
        let said = format!("{}{}", seen.stdout, seen.stderr);
        assert!(said.contains("127.0.0.1:9/nobody/nothing:1"), "{}", seen.snapshot());
    }

    /// `build:` makes the image from the workspace, anew only where what it is made from has changed.
    fn an_image_is_built_from_a_recipe(engine) {
        let workspace = workspace("{ build: { context: image, file: Recipe, args: { WHO: the-build } } }");
        workspace.write("image/Recipe", "FROM runner-test/base:latest\nARG WHO\nCOPY extra.txt /extra.txt\nRUN echo \"$WHO with $(cat /extra.txt)\" > /who\n");
        workspace.write("image/extra.txt", "extra one");
        let seen = super::ran(engine, &workspace, 0);
        assert!(seen.stdout.contains("I am the-build with extra one"), "{}", seen.snapshot());
        let seen = super::ran(engine, &workspace, 0);
        assert!(seen.stdout.contains("I am the-build with extra one"), "{}", seen.snapshot());
        workspace.write("image/extra.txt", "extra two");
        let seen = super::ran(engine, &workspace, 0);
        assert!(seen.stdout.contains("I am the-build with extra two"), "{}", seen.snapshot());
    }

    fn a_recipe_that_fails_says_why(engine) {
        let workspace = workspace("{ build: image }");
        workspace.write("image/Dockerfile", "FROM runner-test/base:latest\nRUN echo this will not do; exit 5\n");
        let seen = engine.run(&workspace, &["run", "workflow.yml"]);
        assert!([2, 6].contains(&seen.code), "{}", seen.snapshot());
        let said = format!("{}{}", seen.stdout, seen.stderr);
        assert!(said.contains("exit 5") || said.contains("this will not do"), "{}", seen.snapshot());
    }
}

/// One pull serves all steps that need the image.
#[test]
#[ignore = "starts a Docker of its own, as root, with the image of .ci/make-images: cargo xtask test --all"]
fn an_image_is_pulled_once() {
    let docker = PrivateDocker::start();
    let engine = docker.engine();
    let registry = Registry::start();
    registry.push(&engine, "runner-test/base:latest", "shared:1");
    let name = format!("{}/shared:1", registry.address);
    let workspace = Workspace::with_workflow(&format!(
        "name: t\nstages:\n  one:\n    matrix: {{ cell: [1, 2, 3, 4] }}\n    steps:\n      - {{ id: a, container: \"{name}\", run: \"true\" }}\n      - {{ id: b, container: \"{name}\", run: \"true\" }}\n"
    ));
    with_settings(&workspace, &registry.client_settings());
    let _ = super::ran(&engine, &workspace, 0);
    let since =
        ["events", "--since", "10m", "--until", "0s", "--filter", "type=image", "--filter", "event=pull"];
    let pulls = engine.cli(&since).expect_code(0).stdout;
    assert_eq!(pulls.lines().count(), 1, "{pulls}");
}
