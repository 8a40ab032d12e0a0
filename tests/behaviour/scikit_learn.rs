//! The quickstart's model and metrics agree with scikit-learn's on the same data.

use std::process::Command;

use runner_tests::{Seen, Workspace, project};

#[test]
#[ignore = "needs Python with tests/sklearn/requirements.txt as RUNNER_TEST_PYTHON: cargo xtask test --all"]
fn coefficients_predictions_and_metrics_agree() {
    let python =
        std::env::var_os("RUNNER_TEST_PYTHON").expect("RUNNER_TEST_PYTHON names a Python with scikit-learn");
    let workspace = Workspace::with_examples();
    let _ = workspace.run(&["run", "workflows/quickstart.yml"]).expect_code(0);
    let report = workspace.run(&["report", "latest", "--format", "json"]).expect_code(0);
    workspace.write("report.json", &report.stdout);
    let seen: Seen = Command::new(python)
        .arg(project().join("tests/sklearn/compare.py"))
        .arg(workspace.path())
        .output()
        .unwrap()
        .into();
    let seen = seen.expect_code(0);
    assert!(seen.stdout.contains("roc_auc"), "{}", seen.stdout);
}
