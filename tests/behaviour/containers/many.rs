//! Many containers at once.

use runner_tests::{Workspace, engine::Engine};

#[test]
#[ignore = "needs a real engine as RUNNER_TEST_DOCKER_HOST: cargo xtask test --all"]
fn fifty_at_once() {
    let engine = Engine::docker();
    let mark = format!("fifty-{}", std::process::id());
    let cells: Vec<String> = (0..50).map(|i| i.to_string()).collect();
    let text = format!(
        "name: t\nstages:\n  one:\n    matrix: {{ cell: [{}] }}\n    steps:\n      - id: s\n        container: runner-test/base\n        \
         env: {{ CELL: \"${{{{ matrix.cell }}}}\", MARK: {mark} }}\n        run: |\n          \
         echo \"cell $CELL\"; echo \"$CELL\" > \"$RUNNER_OUT_CELL\"; sleep 1\n          \
         echo \"{{\\\"name\\\": \\\"cell\\\", \\\"value\\\": $CELL}}\" >> \"$RUNNER_METRICS\"\n        \
         out: {{ cell: {{ path: cell.txt, kind: any }} }}\n    gates: [ \"count(cell[cell]) == 50\", \"max(cell[cell]) == 49\" ]\n  \
         two:\n    steps:\n      - id: all\n        container: runner-test/base\n        in: {{ cells: \"s[*].cell\" }}\n        \
         run: test \"$(cat \"$RUNNER_IN_CELLS\"/*/* | sort -n | uniq | wc -l)\" = 50\n",
        cells.join(", ")
    );
    let workspace = Workspace::with_workflow(&text);
    let seen = engine.run(&workspace, &["run", "workflow.yml", "--jobs", "50"]).expect_code(0);
    let logs = engine.run(&workspace, &["logs", "latest", "s"]).expect_code(0).stdout;
    for cell in 0..50 {
        assert!(logs.contains(&format!("cell {cell}\n")), "cell {cell}: {}", seen.snapshot());
    }
    assert!(engine.containers_with(&mark).is_empty());
}
