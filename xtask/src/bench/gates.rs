//! What gates compute: all metrics of a million predictions beside scikit-learn, and the paired bootstrap of an area under
//! the ROC curve beside a vectorised `NumPy` loop.

use std::{
    fs::File,
    io::{BufWriter, Read, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use wait4::Wait4;

use super::{
    Bench,
    measure::{Sample, figures},
    report::Row,
};
use crate::command::{cargo, root, run_in};

pub(super) fn run(bench: &Bench) -> Result<Vec<Row>> {
    run_in(
        &root(),
        cargo().args(["build", "--locked", "--release", "--package", "runner-gate", "--example", "gates"]),
    )?;
    let folder = bench.workspace("gates")?;
    let (million, ours, theirs) =
        (folder.join("million.csv"), folder.join("candidate.csv"), folder.join("baseline.csv"));
    write(&million, 1_000_000, 0.30, 1)?;
    write(&ours, 100_000, 0.30, 1)?;
    write(&theirs, 100_000, 0.29, 2)?;
    Ok(vec![
        compare(bench, &["metrics"], &[&million], "gates, all binary metrics of 1M rows", "0.5 s; 1 GB")?,
        compare(
            bench,
            &["auc"],
            &[&ours, &theirs],
            "gates, 2000 paired resamples of AUC, 100k rows",
            "20x; 1 GB",
        )?,
    ])
}

/// Labels and scores of a model; rows and labels are the same for every `noise`.
fn write(path: &Path, rows: u32, strength: f64, noise: u64) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "id,label,score")?;
    let (mut truth, mut other) = (1_u64, noise.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let next = |state: &mut u64| {
        // Knuth's MMIX generator; its high bits are random enough for a table.
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    };
    for row in 0..rows {
        let label = u8::from(next(&mut truth) < 0.4);
        let score = (1.0 - strength) * next(&mut other) + strength * f64::from(label);
        writeln!(file, "{row},{label},{score}")?;
    }
    file.flush().context("cannot write the predictions")
}

fn compare(bench: &Bench, words: &[&str], files: &[&Path], name: &str, aim: &'static str) -> Result<Row> {
    let ours = || {
        let mut command = Command::new(root().join("target/release/examples/gates"));
        command.args(words).args(files);
        command
    };
    let theirs = bench.python.as_deref().filter(|python| {
        let import = Command::new(python).args(["-c", "import numpy, sklearn"]).output();
        import.is_ok_and(|output| output.status.success())
    });
    let (mut our_samples, mut their_samples) = (Vec::new(), Vec::new());
    for round in 0..=bench.runs {
        let sample = timed(&mut ours())?;
        if round > 0 {
            our_samples.push(sample);
        }
        // The peer's warm-up would take as long as the rest of the benchmark.
        if let Some(python) = theirs.filter(|_| round > 0) {
            let mut command = Command::new(python);
            command.arg(root().join("xtask/peers/gates_numpy.py")).args(words).args(files);
            their_samples.push(timed(&mut command)?);
        }
    }
    if theirs.is_none() {
        eprintln!("no peer for `gates`: give --python with numpy and scikit-learn installed");
    }
    let peer = if their_samples.is_empty() {
        None
    } else {
        Some(("numpy, scikit-learn".to_owned(), figures(their_samples)?))
    };
    Ok(Row { name: name.to_owned(), ours: figures(our_samples)?, peer, per: 1, aim })
}

/// Runs a command that prints the seconds of its work in its first line.
fn timed(command: &mut Command) -> Result<Sample> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let mut text = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut text).with_context(|| format!("cannot read from {name}"))?;
    }
    let used = child.wait4().with_context(|| format!("cannot wait for {name}"))?;
    if !used.status.success() {
        bail!("{name} ended with {}", used.status);
    }
    let seconds: f64 =
        text.lines().next().unwrap_or_default().trim().parse().context("no seconds in the first line")?;
    Ok(Sample {
        wall: Duration::from_secs_f64(seconds),
        cpu: used.rusage.utime + used.rusage.stime,
        peak_memory: used.rusage.maxrss,
    })
}
