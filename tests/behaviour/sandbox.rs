//! Hostile plugins, through the whole tool: each ends as the right outcome, and other steps are unaffected.

use runner_tests::Workspace;

/// Runs a guest beside a harmless one; returns what was seen after checking that the harmless one succeeded.
fn beside_a_harmless_step(guest: &str, limits: &str) -> runner_tests::Seen {
    let workspace = Workspace::with_workflow(&format!(
        "name: t\nstages:\n  one:\n    steps:\n      - {{ id: hostile, uses: ./{guest}.wasm, in: {{ data: ./start.txt }}{limits} }}\n      - {{ id: harmless, uses: ./echo.wasm, in: {{ data: ./start.txt }}, out: {{ data: {{ path: data.txt, kind: any }} }} }}\n",
    ));
    workspace.add_guest(guest);
    workspace.add_guest("echo");
    workspace.write("start.txt", "hello\n");
    let seen = workspace.run(&["run", "workflow.yml"]);
    let shown = workspace.run(&["report", "latest", "--format", "json"]);
    assert!(shown.stdout.contains("succeeded"), "the harmless step is unaffected: {}", shown.snapshot());
    seen
}

#[test]
fn an_endless_loop_times_out() {
    let seen = beside_a_harmless_step("loop-forever", ", limits: { time: 300ms }").expect_code(124);
    assert!(seen.stdout.contains("hostile"), "{}", seen.snapshot());
}

#[test]
fn memory_is_capped() {
    let seen = beside_a_harmless_step("grow-memory", ", limits: { memory: 64MiB }").expect_code(1);
    assert!(seen.stdout.contains("memory"), "{}", seen.snapshot());
}

#[test]
fn output_is_capped() {
    let seen = beside_a_harmless_step("huge-output", ", limits: { output: 4MiB }").expect_code(1);
    assert!(seen.stdout.contains("output"), "{}", seen.snapshot());
}

#[test]
fn a_network_address_cannot_be_dialled() {
    let seen = beside_a_harmless_step("dial-network", "");
    assert!([1, 5].contains(&seen.code), "{}", seen.snapshot());
}

#[test]
fn garbage_is_refused_before_anything_runs() {
    let workspace = Workspace::with_workflow(
        "name: t\nstages:\n  one:\n    steps:\n      - { id: s, uses: ./garbage.wasm }\n      - { id: first, run: touch ran }\n",
    );
    workspace.write("garbage.wasm", b"this is not a component");
    let seen = workspace.run(&["run", "workflow.yml"]);
    assert!([2, 6].contains(&seen.code), "{}", seen.snapshot());
    assert!(!workspace.path().join("ran").exists(), "nothing ran");
}
