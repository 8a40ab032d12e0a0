//! Processes that left the group of their step.
//!
//! `setsid`, or a daemon's double fork, takes a process out of reach of signals to the group. It keeps its environment,
//! though, and with it the mark of its attempt. A process that clears its environment on purpose is not found.

/// Variable that marks everything an attempt starts.
pub(super) const MARK: &str = "RUNNER_ATTEMPT_ID";

/// A mark that no other attempt has.
pub(super) fn new_mark() -> String {
    use std::{
        hash::{BuildHasher, RandomState},
        sync::atomic::{AtomicU64, Ordering},
    };
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}-{:016x}", std::process::id(), RandomState::new().hash_one(count))
}

/// Kills every process with this mark. Returns how many.
///
/// Looks again until there is none: one that is found late may have started another.
#[cfg(target_os = "linux")]
pub(super) fn kill(mark: &str) -> usize {
    use rustix::process::{Pid, Signal, kill_process};
    const ROUNDS: usize = 10;
    let wanted = format!("{MARK}={mark}");
    let mut killed = 0;
    for _ in 0..ROUNDS {
        let found: Vec<Pid> = marked(wanted.as_bytes()).collect();
        for process in &found {
            killed += usize::from(kill_process(*process, Signal::KILL).is_ok());
        }
        if found.is_empty() {
            break;
        }
        std::thread::yield_now();
    }
    killed
}

/// Elsewhere the group alone has to do.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill(_: &str) -> usize {
    0
}

#[cfg(target_os = "linux")]
fn marked(wanted: &[u8]) -> impl Iterator<Item = rustix::process::Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |process| {
        let number = process.file_name().to_str()?.parse::<i32>().ok()?;
        // Of other users, and of those that have ended but were not waited for, it cannot be read or is empty.
        let environment = std::fs::read(process.path().join("environ")).ok()?;
        let is_marked = environment.split(|byte| *byte == 0).any(|variable| variable == wanted);
        if is_marked { rustix::process::Pid::from_raw(number) } else { None }
    })
}
