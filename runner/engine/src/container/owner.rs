//! Who made a container or a network, and whether it still lives: what a process that was killed left behind may be
//! removed, and nothing else.

use std::{collections::HashMap, fs, path::Path};

/// The run.
pub(super) const RUN: &str = "dev.runner.run";
/// The step, or the service.
pub(super) const STEP: &str = "dev.runner.step";
/// Folder of the store of the run.
pub(super) const STORE: &str = "dev.runner.store";
/// The process: [`Owner`] as text.
pub(super) const OWNER: &str = "dev.runner.owner";

/// A process, told apart from all others that ever ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// The machine, as long as it is up.
    boot: String,
    /// The machine itself.
    machine: String,
    /// Where process ids mean what they mean: containers have their own.
    namespace: String,
    pid: u32,
    /// Ticks after the boot at which it started.
    started: u64,
}

impl Owner {
    /// This process.
    pub(super) fn this() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let pid = std::process::id();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let namespace = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
        Self {
            boot: text("/proc/sys/kernel/random/boot_id"),
            machine: text("/etc/machine-id"),
            namespace,
            pid,
            started: started(pid).unwrap_or(0),
        }
    }

    /// As the value of a label.
    pub(super) fn to_label(&self) -> String {
        let Self { boot, machine, namespace, pid, started } = self;
        format!("{pid}/{started}/{namespace}/{boot}/{machine}")
    }

    fn from_label(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let mut next = || parts.next().map(str::to_owned);
        Some(Self {
            pid: next()?.parse().ok()?,
            started: next()?.parse().ok()?,
            namespace: next()?,
            boot: next()?,
            machine: next()?,
        })
    }

    /// Whether this process can tell that the other is dead. Of another machine, or from within another container, it
    /// cannot.
    fn knows_dead(&self, other: &Self) -> bool {
        if other.boot != self.boot {
            // The machine was started again since. One without a name could be any.
            return !self.machine.is_empty() && other.machine == self.machine;
        }
        !self.boot.is_empty()
            && other.namespace == self.namespace
            && !(started(other.pid) == Some(other.started) && other.started != 0)
    }
}

/// Whether something with these labels was left by a process that is dead. With a store, only what belongs to it.
pub(super) fn is_left_over(labels: &HashMap<String, String>, this: &Owner, store: Option<&Path>) -> bool {
    let ours = store.is_none_or(|store| labels.get(STORE).is_some_and(|label| Path::new(label) == store));
    let owner = labels.get(OWNER).and_then(|label| Owner::from_label(label));
    ours && owner.is_some_and(|owner| this.knows_dead(&owner))
}

/// When a process started, in ticks after the boot; none where there is no such process. A zombie is dead.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dead_leave_something() {
        let this = Owner::this();
        assert_eq!(Owner::from_label(&this.to_label()), Some(this.clone()));
        assert!(this.started > 0);
        assert!(!this.knows_dead(&this));
        let same_number = Owner { started: this.started + 1, ..this.clone() };
        assert!(this.knows_dead(&same_number));
        let unseen = Owner { namespace: "1".into(), ..same_number.clone() };
        assert!(!this.knows_dead(&unseen));
        let elsewhere = Owner { boot: "x".into(), machine: "y".into(), ..this.clone() };
        assert!(!this.knows_dead(&elsewhere));
        let here = Owner { machine: "m".into(), ..this };
        assert!(here.knows_dead(&Owner { boot: "x".into(), ..here.clone() }));
    }

    #[test]
    fn what_has_no_owner_is_left_alone() {
        let this = Owner::this();
        let dead = Owner { started: 1, ..this.clone() };
        let labels = |owner: &str| {
            HashMap::from([(OWNER.to_owned(), owner.to_owned()), (STORE.to_owned(), "/s".to_owned())])
        };
        assert!(is_left_over(&labels(&dead.to_label()), &this, None));
        assert!(is_left_over(&labels(&dead.to_label()), &this, Some(Path::new("/s"))));
        assert!(!is_left_over(&labels(&dead.to_label()), &this, Some(Path::new("/t"))));
        for nonsense in ["", "12", "x/1/2/3/4"] {
            assert!(!is_left_over(&labels(nonsense), &this, None));
        }
        assert!(!is_left_over(&HashMap::new(), &this, None));
    }
}
