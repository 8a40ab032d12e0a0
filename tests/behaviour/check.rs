//! `runner check`: every problem at once, in four formats; hostile files.

use runner_tests::Workspace;

const WRONG: &str = "name: wrong
data:
  train: { path: train.csv }
stages:
  train:
    steps:
      - id: fit
        uses: builtin:logistic-trian
        in: { train: data.tran }
        timeout: 30
      - id: fit
        run: echo hello
        contaner: python:3.12
    gates:
      - accuracy => 0.9
";

#[test]
fn all_problems_are_told_at_once() {
    let workspace = Workspace::with_workflow(WRONG);
    let seen = workspace.run(&["check", "workflow.yml"]).expect_code(2);
    insta::assert_snapshot!("check_text", seen.snapshot());
}

#[test]
fn machines_read_the_same_problems() {
    let workspace = Workspace::with_workflow(WRONG);
    let json = workspace.run(&["check", "workflow.yml", "--format", "json"]).expect_code(2);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let sarif = workspace.run(&["check", "workflow.yml", "--format", "sarif"]).expect_code(2);
    let sarif: serde_json::Value = serde_json::from_str(&sarif.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap().len();
    assert!(results >= 5, "{sarif}");
    assert!(json.to_string().contains("logistic-train"), "did you mean: {json}");
    let github = workspace.run(&["check", "workflow.yml", "--format", "github"]).expect_code(2);
    assert_eq!(github.stdout.lines().filter(|line| line.starts_with("::error ")).count(), results);
}

#[test]
fn a_file_that_cannot_be_read_hides_no_problem_of_another() {
    let workspace = Workspace::with_workflow(WRONG);
    let seen = workspace.run(&["check", "gone.yml", "workflow.yml", "lost.yml"]).expect_code(2);
    assert!(seen.stdout.contains("builtin:logistic-trian"), "{}", seen.snapshot());
    assert!(seen.stderr.contains("gone.yml") && seen.stderr.contains("lost.yml"), "{}", seen.snapshot());
}

#[test]
fn circles_that_share_nothing_are_told_at_once() {
    let workflow = "name: circles
stages:
  a: { needs: [b], steps: [{ id: one, run: 'true' }] }
  b: { needs: [a], steps: [{ id: two, run: 'true' }] }
  c: { needs: [d], steps: [{ id: three, run: 'true' }] }
  d: { needs: [c, a], steps: [{ id: four, run: 'true' }] }
  e: { needs: [b, d], steps: [{ id: five, run: 'true' }] }
";
    let workspace = Workspace::with_workflow(workflow);
    let seen = workspace.run(&["check", "workflow.yml", "--format", "github"]).expect_code(2);
    let errors: Vec<&str> = seen.stdout.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(errors[0].contains("stage `a` → stage `b` → stage `a`"), "{errors:#?}");
    assert!(errors[1].contains("stage `c` → stage `d` → stage `c`"), "{errors:#?}");
}

#[test]
fn gates_that_no_model_could_fail_are_problems() {
    let workflow = "name: reach
metrics:
  coverage: { unit: fraction }
stages:
  train:
    steps:
      - id: fit
        run: echo hello
    gates:
      - fpr <= 5
      - stable: spread(recall[region]) <= 5
      - mcc >= -0.5
      - { metric: coverage, min: 80, max: 100% }
";
    let workspace = Workspace::with_workflow(workflow);
    let seen = workspace.run(&["check", "workflow.yml", "--format", "github"]).expect_code(2);
    let errors: Vec<&str> = seen.stdout.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 3, "{errors:#?}");
    for (error, place, help) in [
        (errors[0], "line=10,", "did you mean `5%25`?"),
        (errors[1], "line=11,", "did you mean `5%25`?"),
        (errors[2], "line=13,", "did you mean `80%25`?"),
    ] {
        assert!(error.contains(place) && error.contains(help), "{error}");
    }
    let text = workspace.run(&["check", "workflow.yml"]).expect_code(2);
    for place in ["workflow.yml:10:16", "workflow.yml:11:43", "workflow.yml:13:34"] {
        assert!(text.stdout.contains(place) || text.stderr.contains(place), "{place}: {text:?}");
    }
}

#[test]
fn hostile_files_get_a_diagnostic_each() {
    let deep = format!("name: {}{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut aliases = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        aliases += &format!("a{level}: &a{level} [{}]\n", [previous.as_str(); 9].join(", "));
    }
    let huge = vec![b'#'; 100 << 20];
    let files: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("not-yaml", b"stages: [unclosed".to_vec()),
        ("not-a-mapping", b"- 1\n- 2\n".to_vec()),
        ("invalid-utf-8", b"name: \xff\xfe\n".to_vec()),
        ("tabs", b"stages:\n\ttrain:\n\t\tsteps: []\n".to_vec()),
        ("duplicate-key", b"name: a\nname: b\nstages: {}\n".to_vec()),
        ("deep", deep.into_bytes()),
        ("alias-bomb", aliases.into_bytes()),
        ("huge", huge),
    ];
    let workspace = Workspace::empty();
    for (name, content) in files {
        let path = format!("{name}.yml");
        workspace.write(&path, content);
        let seen = workspace.run(&["check", &path]).expect_code(2);
        assert!(seen.stderr.len() + seen.stdout.len() < 20_000, "{name}: a diagnostic, not a flood");
        assert!(!seen.stderr.contains("panicked"), "{name}: {}", seen.stderr);
        assert!(format!("{}{}", seen.stdout, seen.stderr).contains(&path), "{name}: says which file");
    }
}

#[test]
fn windows_line_ends_are_as_good_as_any() {
    let text =
        "name: crlf\r\nstages:\r\n  one:\r\n    steps:\r\n      - id: hello\r\n        run: echo hello\r\n";
    let workspace = Workspace::with_workflow(text);
    let _ = workspace.run(&["check", "workflow.yml"]).expect_code(0);
}
