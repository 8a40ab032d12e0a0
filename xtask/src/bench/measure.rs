//! Timing whole processes: wall clock from spawn to reaping, CPU and peak memory from the operating system's own account.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use wait4::Wait4;

/// One finished process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// Bytes, of the largest single process.
    pub(crate) peak_memory: u64,
}

/// Median figures of several runs, with the spread of the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) median: Sample,
    pub(crate) fastest: Duration,
    pub(crate) slowest: Duration,
}

/// Runs a command once, its output thrown away, and fails unless it ends with `expected`.
pub(crate) fn once(command: &mut Command, expected: i32) -> Result<Sample> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let used = child.wait4().with_context(|| format!("cannot wait for {name}"))?;
    let wall = start.elapsed();
    if used.status.code() != Some(expected) {
        bail!("{name} ended with {}, expected exit code {expected}; run it by hand to see why", used.status);
    }
    Ok(Sample { wall, cpu: used.rusage.utime + used.rusage.stime, peak_memory: used.rusage.maxrss })
}

/// Runs two commands in turn, A B A B …, so that a drift of the machine's speed hits both alike; the first pair is
/// a warm-up.
pub(crate) fn paired(
    runs: usize,
    ours: &mut dyn FnMut() -> Result<Command>,
    mut peer: Option<&mut dyn FnMut() -> Result<Command>>,
) -> Result<(Figures, Option<Figures>)> {
    let mut our_samples = Vec::new();
    let mut peer_samples = Vec::new();
    for round in 0..=runs {
        let sample = once(&mut ours()?, 0)?;
        if round > 0 {
            our_samples.push(sample);
        }
        if let Some(peer) = peer.as_mut() {
            let sample = once(&mut peer()?, 0)?;
            if round > 0 {
                peer_samples.push(sample);
            }
        }
    }
    Ok((figures(our_samples)?, if peer_samples.is_empty() { None } else { Some(figures(peer_samples)?) }))
}

pub(crate) fn figures(mut samples: Vec<Sample>) -> Result<Figures> {
    samples.sort_by_key(|sample| sample.wall);
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { bail!("no run was measured") };
    let (fastest, slowest) = (first.wall, last.wall);
    let mut median = samples[samples.len() / 2];
    median.peak_memory = samples.iter().map(|sample| sample.peak_memory).max().unwrap_or_default();
    Ok(Figures { median, fastest, slowest })
}
