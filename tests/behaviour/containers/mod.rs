//! Steps in containers, on real engines.

use runner_tests::{Seen, Workspace, engine::Engine};

/// Each function is two tests, `NAME::docker` and `NAME::podman`, which do not run by themselves.
macro_rules! on_docker_and_podman {
    ($($(#[$comment:meta])* fn $name:ident($engine:ident) $body:block)*) => {$(
        $(#[$comment])*
        fn $name($engine: &runner_tests::engine::Engine) $body

        mod $name {
            #[test]
            #[ignore = "needs a real engine as RUNNER_TEST_DOCKER_HOST: cargo xtask test --all"]
            fn docker() {
                super::$name(&runner_tests::engine::Engine::docker());
            }

            #[test]
            #[ignore = "needs a real engine as RUNNER_TEST_PODMAN_HOST: cargo xtask test --all"]
            fn podman() {
                super::$name(&runner_tests::engine::Engine::podman());
            }
        }
    )*};
}

mod contract;
mod ends;
mod escapes;
mod images;
mod logs;
mod many;
mod memory;
mod no_engine;
mod remote;
mod restart;
mod rootless;
mod services;
mod sklearn;
mod storage;

/// Runs `workflow.yml` and gives what was seen, with all that the step `s` wrote after the standard output: the report of a
/// step that succeeds does not repeat it.
fn ran(engine: &Engine, workspace: &Workspace, code: i32) -> Seen {
    let mut seen = engine.run(workspace, &["run", "workflow.yml"]).expect_code(code);
    seen.stdout += &engine.run(workspace, &["logs", "latest", "s"]).stdout;
    seen
}

/// A workspace whose workflow has one step, `s`, in the smallest image. `script` is its `run:`, `keys` are more keys of the
/// step, one a line.
fn one_step(script: &str, keys: &str) -> Workspace {
    Workspace::with_workflow(&workflow("", script, keys))
}

/// The text of that workflow; `top` are keys of the file.
fn workflow(top: &str, script: &str, keys: &str) -> String {
    let indented = |text: &str, depth: usize| {
        let lines = text.trim_matches('\n').lines().map(|line| format!("{:depth$}{line}\n", ""));
        lines.collect::<String>()
    };
    format!(
        "name: t\n{}stages:\n  one:\n    steps:\n      - id: s\n        container: runner-test/base\n        run: |\n{}{}",
        indented(top, 0),
        indented(script, 10),
        indented(keys, 8),
    )
}
