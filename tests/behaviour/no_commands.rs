//! In a job of GitHub Actions the machine reads what is printed for commands: nothing that a step, a file or an argument says is
//! one, whichever command of `runner` shows it.

use runner_tests::{Seen, Workspace};
use serde_json::Value;

const WORKFLOW: &str = r###"name: "churn ##[group]x"
metrics: { auc: { unit: fraction, better: higher } }
params: { note: "##[add-path]/tmp" }
stages:
  evaluate:
    steps:
      - id: score
        run: |
          echo "::error::from a step"
          printf 'held back\r::set-env name=A::b\n'
          echo "  ::add-mask::e"
          echo "hello ##[set-output name=verdict;]pass"
          echo '{"name": "auc", "value": 0.85}' >> "$RUNNER_METRICS"
          echo '{"name": "##[debug]m", "value": 1}' >> "$RUNNER_METRICS"
          echo '{"severity": "error", "rule": "##[r]", "message": "##[error]::error::from a finding\n::error::second line"}' >> "$RUNNER_FINDINGS"
    gates:
      - { id: quality, metric: auc, min: 0.9, why: "##[section]because\n::error::why" }
report: { comment: true, check: true }
"###;

/// What would be read as a command; U+2060 is the joint that breaks one.
fn commands(text: &str) -> Vec<&str> {
    let is_one = |line: &&str| line.trim_start().starts_with("::") || line.contains("##[");
    text.split(['\n', '\r']).filter(is_one).collect()
}

fn in_a_job(workspace: &Workspace, arguments: &[&str]) -> Seen {
    workspace.command(arguments).env("GITHUB_ACTIONS", "true").output().unwrap().into()
}

#[test]
fn no_command_of_ours_prints_one_of_theirs() {
    let workspace = Workspace::with_workflow(WORKFLOW);
    let ran = workspace.run(&["run", "workflow.yml", "--show-output"]);
    assert_eq!(ran.code, 3, "{}", ran.snapshot());
    assert!(!commands(&ran.stdout).is_empty(), "at a terminal nothing reads commands: {}", ran.stdout);
    let _ = in_a_job(&workspace, &["run", "workflow.yml", "--quiet"]).expect_code(3);
    workspace.write("broken.yml", "name: a\n::error::x: 1\nstages: { '##[a]': { step: 1 } }\n");
    workspace.write("model.txt", "m");
    let all: &[(&[&str], i32)] = &[
        (&["logs", "latest"], 0),
        (&["logs", "latest", "score"], 0),
        (&["logs", "latest", "::error::x\n::error::y"], 2),
        (&["show"], 0),
        (&["report"], 0),
        (&["report", "--format", "markdown"], 0),
        (&["report", "--format", "html"], 0),
        (&["report", "--format", "junit"], 0),
        (&["report", "preview"], 0),
        (&["gate", "explain"], 0),
        (&["compare", "latest", "latest"], 0),
        (&["compare", "latest", "latest", "--format", "markdown"], 0),
        (&["plan", "workflow.yml"], 0),
        (&["graph", "workflow.yml"], 0),
        (&["ls"], 0),
        (&["check", "broken.yml"], 2),
        (&["verify", "model.txt", "--evidence", "\n::error::evidence ##[a]"], 2),
        (&["model", "show", "\n::error::x ##[a]"], 2),
        (&["run", "\n::error::file ##[a]"], 2),
        (&["\n::error::no such command ##[a]"], 2),
        (&["run", "workflow.yml", "--json", "--show-output"], 3),
    ];
    for (arguments, code) in all {
        let seen = in_a_job(&workspace, arguments).expect_code(*code);
        for text in [&seen.stdout, &seen.stderr] {
            // The runner's own annotations are commands, and what they quote is inside of them.
            assert_eq!(commands(text), Vec::<&str>::new(), "{arguments:?}");
        }
        assert!(!seen.stdout.is_empty() || !seen.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn json_holds_the_same_values_in_a_job() {
    let workspace = Workspace::with_workflow(WORKFLOW);
    assert_eq!(workspace.run(&["run", "workflow.yml", "--quiet"]).code, 3);
    workspace.write("broken.yml", "name: a\nstages: { '##[a]': { '##[b]': 1 } }\n");
    let all: &[&[&str]] = &[
        &["show", "--json"],
        &["report", "--format", "json"],
        &["report", "preview", "--format", "json"],
        &["gate", "explain", "--json"],
        &["compare", "latest", "latest", "--json"],
        &["ls", "--json"],
        &["plan", "workflow.yml", "--json"],
        &["check", "broken.yml", "--format", "json"],
        &["check", "broken.yml", "--format", "sarif"],
    ];
    let mut with_commands = 0;
    for arguments in all {
        let outside = workspace.run(arguments);
        let inside = in_a_job(&workspace, arguments).expect_code(outside.code);
        assert_eq!(commands(&inside.stdout), Vec::<&str>::new(), "{arguments:?}");
        with_commands += commands(&outside.stdout).len();
        let read = |text: &str| {
            serde_json::from_str::<Value>(text)
                .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
        };
        assert_eq!(read(&inside.stdout), read(&outside.stdout), "{arguments:?}");
    }
    assert!(with_commands > 5, "only {with_commands} lines needed to be written otherwise");
}
