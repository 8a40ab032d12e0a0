//! Files made to hurt: a diagnostic each, never a panic. Without the bounds they test, these would not end at all.

use std::fmt::Write as _;

use crate::world::World;
use runner_workflow::{CheckOptions, check};

/// Codes of the problems of some bytes.
fn codes(bytes: &[u8]) -> Vec<String> {
    let checked = check(bytes, &CheckOptions::default(), &World);
    assert!(checked.plan.is_none());
    for problem in &checked.diagnostics {
        assert!(problem.span.start <= problem.span.end && problem.span.end <= bytes.len(), "{problem:?}");
    }
    let mut codes: Vec<_> = checked.diagnostics.into_iter().map(|problem| problem.code).collect();
    codes.dedup();
    codes
}

#[test]
fn a_file_of_100_megabytes() {
    assert_eq!(codes(&vec![b'a'; 100 * 1024 * 1024]), ["yaml::too-large"]);
}

#[test]
fn nesting_of_10_000() {
    assert_eq!(codes("[".repeat(10_000).as_bytes()), ["yaml::too-deep"]);
    assert_eq!(codes("{a: ".repeat(10_000).as_bytes()), ["yaml::too-deep"]);
    assert_eq!(codes("- ".repeat(10_000).as_bytes()), ["yaml::too-deep"]);
    let mut block = String::new();
    for depth in 0..1000 {
        let _ = writeln!(block, "{}a:", " ".repeat(depth));
    }
    assert_eq!(codes(block.as_bytes()), ["yaml::too-deep"]);
}

#[test]
fn nesting_inside_free_form_values() {
    let deep = format!("{}1{}", "[".repeat(90), "]".repeat(90));
    let text = format!("params: {{ a: {deep} }}\nstages: {{ s: {{ gates: [a > 0], x: 1 }} }}\n");
    assert_eq!(codes(text.as_bytes()), ["workflow::unknown-key"]);
}

#[test]
fn a_tower_of_aliases() {
    let mut text = "params:\n  a0: &a0 x\n".to_owned();
    for level in 1..20_000 {
        let _ = writeln!(text, "  a{level}: &a{level} [*a{}]", level - 1);
    }
    assert_eq!(codes(text.as_bytes()), ["yaml::too-deep"]);
}

#[test]
fn an_alias_bomb() {
    let mut text = "params:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(text, "  a{level}: &a{level} [{aliases}]");
    }
    assert_eq!(codes(text.as_bytes()), ["yaml::too-heavy"]);
}

#[test]
fn bytes_that_are_not_text() {
    assert_eq!(codes(b"name: \xFF\xFE\nstages: {}\n"), ["yaml::encoding"]);
    assert_eq!(codes(b"\xFF\xFEn\0a\0"), ["yaml::encoding"]);
    assert_eq!(codes(b"name: \xE2\x82"), ["yaml::encoding"]);
    assert!(!codes(b"name: a\0b\n").is_empty());
    assert_eq!(codes(b"\xEF\xBB\xBF"), ["yaml::empty"]);
}

#[test]
fn line_ends_tabs_and_marks_do_no_harm() {
    let text = "name: x\r\nparams: { p: 1 }\r\nstages:\r\n  s:\r\n    steps:\r\n      - run: |\r\n          echo\ta\r\n          echo ${{ params.p }}\r\n    gates: [a > 0]\t# a comment\r\n";
    for prefix in ["", "\u{FEFF}"] {
        let checked = check(format!("{prefix}{text}").as_bytes(), &CheckOptions::default(), &World);
        assert_eq!(checked.diagnostics, []);
        let plan = checked.plan.unwrap();
        let runner_workflow::plan::Action::Process { run } = &plan.steps[0].action else { panic!() };
        assert_eq!(run.text, "echo\ta\necho \"${RUNNER_EXPR_1}\"\n");
    }
    // Lines and columns count characters, and the mark is none.
    let checked = check("\u{FEFF}name: ü\r\nstäges: {}\r\n".as_bytes(), &CheckOptions::default(), &World);
    let places: Vec<_> = checked.diagnostics.iter().map(|problem| (problem.line, problem.column)).collect();
    assert_eq!(places, [(1, 1), (2, 1)]);
}

#[test]
fn matrices_that_explode() {
    let values: Vec<_> = (0..100).map(|value| value.to_string()).collect();
    let values = values.join(", ");
    let text = format!(
        "stages: {{ s: {{ matrix: {{ a: [{values}], b: [{values}], c: [{values}] }}, steps: [{{ run: x }}] }} }}\n"
    );
    assert_eq!(codes(text.as_bytes()), ["matrix::too-large"]);
    // 10,000 cells of a step are fine; six such steps are too many for one plan.
    let steps = "{ run: x }, ".repeat(6);
    let text =
        format!("stages: {{ s: {{ matrix: {{ a: [{values}], b: [{values}] }}, steps: [{steps}] }} }}\n");
    assert_eq!(codes(text.as_bytes()), ["plan::too-large"]);
    // So is one with a long text in each cell.
    let long = "y".repeat(100_000);
    let text = format!(
        "stages: {{ s: {{ matrix: {{ a: [{values}], b: [{values}] }}, steps: [{{ run: {long} }}] }} }}\n"
    );
    assert_eq!(codes(text.as_bytes()), ["plan::too-large"]);
}

#[test]
fn connections_that_explode() {
    let values: Vec<_> = (0..5000).map(|value| value.to_string()).collect();
    let mut text = format!(
        "stages:\n  a:\n    matrix: {{ v: [{}] }}\n    steps: [{{ id: f, run: x, out: {{ m: m }} }}]\n  b:\n    steps:\n",
        values.join(", ")
    );
    for step in 0..1000 {
        let _ = writeln!(text, "      - {{ id: g{step}, run: x, in: {{ m: \"f[*].m\" }} }}");
    }
    assert_eq!(codes(text.as_bytes()), ["plan::too-large"]);
}

#[test]
fn expressions_without_end() {
    let step = |expr: &str| format!("stages: {{ s: {{ steps: [{{ if: \"{expr}\", run: x }}] }} }}\n");
    assert_eq!(codes(step(&"(".repeat(100_000)).as_bytes()), ["expr::too-deep"]);
    assert_eq!(codes(step(&"!".repeat(100_000)).as_bytes()), ["expr::too-deep"]);
    assert_eq!(codes(step(&format!("true{}", " && true".repeat(100_000))).as_bytes()), ["expr::too-long"]);
    let many = format!("stages: {{ s: {{ steps: [{{ run: \"{}\" }}] }} }}\n", "${{ 1 }}".repeat(200_000));
    assert_eq!(codes(many.as_bytes()), ["expr::too-many"]);
}

#[test]
fn many_unknown_words() {
    let mut text = "stages:\n  s:\n    steps:\n".to_owned();
    for step in 0..5000 {
        let _ = writeln!(text, "      - {{ id: step{step}, run: x, in: {{ m: stap{step}x.m }} }}");
    }
    assert_eq!(codes(text.as_bytes()), ["reference::unknown-step", "workflow::more-problems"]);
}
