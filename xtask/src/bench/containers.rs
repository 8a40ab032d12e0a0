//! Steps in containers beside the engine's own command line: what a step costs, and how fast its output comes through.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    process::Command,
};

use anyhow::Result;

use super::{Bench, measure::paired, report::Row};

/// Steps of a chain, so that what starting the runner costs is spread.
const STEPS: u32 = 10;
/// Lines of the long output, of a hundred bytes each.
const LINES: u32 = 2_000_000;
/// The same confinement for the peer: what the runner gives every step.
const CONFINED: [&str; 12] = [
    "run",
    "--rm",
    "--network",
    "none",
    "--read-only",
    "--tmpfs",
    "/tmp",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--init=false",
];

pub(super) fn run(bench: &Bench) -> Result<Vec<Row>> {
    let Some(host) = &bench.engine else {
        eprintln!(
            "no engine for `containers`: give --engine, or run `eval \"$(.ci/start-engines)\"` for one with the image"
        );
        return Ok(Vec::new());
    };
    let workspace = bench.workspace("containers")?;
    fs::write(workspace.join("one.yml"), chain(1)?)?;
    fs::write(workspace.join("chain.yml"), chain(STEPS)?)?;
    fs::write(workspace.join("output.yml"), output())?;
    write_lines(&workspace.join("lines.txt"))?;

    let ours = |file: &'static str| {
        let workspace = &workspace;
        move || {
            let mut command = bench.runner(workspace);
            command.args(["run", file]).env("DOCKER_HOST", host);
            Ok(command)
        }
    };
    let docker = |script: &str| {
        let mut command = Command::new("docker");
        command.args(["--host", host]).args(CONFINED).arg("--volume");
        command.arg(format!("{}:/workspace:ro", workspace.display()));
        command.args(["runner-test/base", "sh", "-eu", "-c", script]);
        command
    };
    let mut rows = Vec::new();
    let (one, peer) = paired(bench.runs, &mut ours("one.yml"), Some(&mut || Ok(docker("true"))))?;
    rows.push(Row {
        name: "container step, one run".to_owned(),
        ours: one,
        peer: peer.map(|figures| ("docker run --rm".to_owned(), figures)),
        per: 1,
        aim: "docker run + 30 ms",
    });
    let mut in_turn = || {
        let mut command = Command::new("sh");
        let one = docker("true");
        let words: Vec<String> = one.get_args().map(|word| format!("'{}'", word.to_string_lossy())).collect();
        let script = format!("set -e; for i in $(seq {STEPS}); do docker {}; done", words.join(" "));
        command.args(["-c", &script]);
        Ok(command)
    };
    let (chain, peer) = paired(bench.runs, &mut ours("chain.yml"), Some(&mut in_turn))?;
    rows.push(Row {
        name: format!("chain of {STEPS} container steps, per step"),
        ours: chain,
        peer: peer.map(|figures| ("docker run --rm, in turn".to_owned(), figures)),
        per: STEPS,
        aim: "docker run + 30 ms",
    });
    for (how, quiet) in [("recorded", true), ("recorded and shown", false)] {
        let mut ours = || {
            let mut command = bench.runner(&workspace);
            command.args(["run", "output.yml"]).args(quiet.then_some("--quiet")).env("DOCKER_HOST", host);
            Ok(command)
        };
        let mut peer = || Ok(docker("cat /workspace/lines.txt"));
        let (output, peer) = paired(bench.runs.min(5), &mut ours, Some(&mut peer))?;
        rows.push(Row {
            name: format!("output of a container, {} MB, {how}", u64::from(LINES) / 10_000),
            ours: output,
            peer: peer.map(|figures| ("docker run --rm".to_owned(), figures)),
            per: 1,
            aim: "docker run, or 100 MB/s; 100 MB of memory",
        });
    }
    Ok(rows)
}

/// Steps one after the other, with nothing to do.
fn chain(steps: u32) -> Result<String> {
    let mut text = String::from("name: chain\nstages:\n  chain:\n    steps:\n");
    for step in 0..steps {
        let needs = if step == 0 { String::new() } else { format!(", needs: [s{}]", step - 1) };
        writeln!(text, "      - {{ id: s{step}, container: runner-test/base, run: \"true\"{needs} }}")?;
    }
    Ok(text)
}

fn output() -> &'static str {
    "name: output\nstages:\n  output:\n    steps:\n      - { id: s, container: runner-test/base, \
     run: cat lines.txt, limits: { log: 1GiB } }\n"
}

fn write_lines(path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for line in 0..LINES {
        writeln!(file, "{line:>9} {}", "x".repeat(89))?;
    }
    file.flush()?;
    Ok(())
}
