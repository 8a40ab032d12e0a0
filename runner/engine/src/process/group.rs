//! The process group of a step.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

use super::orphans;

/// A process group that is killed when this goes out of scope.
#[derive(Debug)]
pub(super) struct Group {
    id: Option<Pid>,
    mark: String,
    killed: AtomicBool,
}

impl Group {
    /// The group that a child started with `process_group(0)` leads.
    pub(super) fn of(child: &Child, mark: String) -> Self {
        Self {
            mark,
            killed: AtomicBool::new(false),
            id: child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw),
        }
    }

    /// Asks everything in the group to end.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
        // A stopped process would not notice.
        self.signal(Signal::CONT);
    }

    /// Ends everything in the group, and what left it.
    ///
    /// The number of a group is not given to another one while a process is in it. Once it is empty, the number could
    /// come up again only after the system has gone through all the others.
    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
        self.signal(Signal::KILL);
        orphans::kill(&self.mark);
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            // That the group is gone already is what is wanted.
            let _ = kill_process_group(id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.killed.load(Ordering::Relaxed) {
            self.kill();
        }
    }
}
