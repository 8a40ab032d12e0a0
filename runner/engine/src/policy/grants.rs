//! What a step or a service may be granted: the one list that comparing and taking away go by.

use std::fmt;

use runner_workflow::plan::Allow;

/// One thing that is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grant {
    /// An origin for outgoing HTTP; of a container the network.
    Net(String),
    /// A file or folder of the workspace.
    Read(String),
    /// An environment variable.
    Env(String),
    /// The real wall clock.
    Clock,
    /// Real randomness.
    Random,
    /// A Linux capability of a container.
    Capability(String),
    /// A container may write to its own file system.
    WriteRoot,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(origin) => write!(f, "net: {origin}"),
            Self::Read(path) => write!(f, "read: {path}"),
            Self::Env(name) => write!(f, "env: {name}"),
            Self::Clock => f.write_str("clock"),
            Self::Random => f.write_str("random"),
            Self::Capability(name) => write!(f, "capabilities: {name}"),
            Self::WriteRoot => f.write_str("write-root"),
        }
    }
}

/// Everything that is granted, in the order of the file.
fn listed(allow: &Allow) -> Vec<Grant> {
    // Without `..`: what is added to the language does not go past this list.
    let Allow { net, read, env, clock, random, capabilities, write_root } = allow;
    let mut grants: Vec<Grant> = Vec::new();
    grants.extend(net.iter().cloned().map(Grant::Net));
    grants.extend(read.iter().cloned().map(Grant::Read));
    grants.extend(env.iter().cloned().map(Grant::Env));
    grants.extend(clock.then_some(Grant::Clock));
    grants.extend(random.then_some(Grant::Random));
    grants.extend(capabilities.iter().cloned().map(Grant::Capability));
    grants.extend(write_root.then_some(Grant::WriteRoot));
    grants
}

/// The reverse of [`listed`].
fn allowing(grants: Vec<Grant>) -> Allow {
    let mut allow = Allow::default();
    for grant in grants {
        match grant {
            Grant::Net(origin) => allow.net.push(origin),
            Grant::Read(path) => allow.read.push(path),
            Grant::Env(name) => allow.env.push(name),
            Grant::Clock => allow.clock = true,
            Grant::Random => allow.random = true,
            Grant::Capability(name) => allow.capabilities.push(name),
            Grant::WriteRoot => allow.write_root = true,
        }
    }
    allow
}

/// What is granted now and was not before, each thing once.
pub(super) fn new_grants(before: Option<&Allow>, now: &Allow) -> Vec<Grant> {
    let known = before.map(listed).unwrap_or_default();
    let mut new: Vec<Grant> = Vec::new();
    for grant in listed(now) {
        if !known.contains(&grant) && !new.contains(&grant) {
            new.push(grant);
        }
    }
    new
}

/// Leaves what was granted before.
pub(super) fn take_away(allow: &mut Allow, before: Option<&Allow>) {
    let known = before.map(listed).unwrap_or_default();
    let kept = listed(allow).into_iter().filter(|grant| known.contains(grant));
    *allow = allowing(kept.collect());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allow() -> impl Strategy<Value = Allow> {
        let names = || prop::collection::vec("[a-c]", 0..3);
        (names(), names(), names(), any::<[bool; 3]>(), names()).prop_map(
            |(net, read, env, [clock, random, write_root], capabilities)| Allow {
                net,
                read,
                env,
                clock,
                random,
                capabilities,
                write_root,
            },
        )
    }

    proptest! {
        #[test]
        fn a_list_is_what_it_lists(allow in allow()) {
            prop_assert_eq!(allowing(listed(&allow)), allow);
        }

        /// What is told and what is taken away are the same things: nothing new is left, and nothing old is gone.
        #[test]
        fn what_is_new_is_what_goes(before in prop::option::of(allow()), now in allow()) {
            let mut left = now.clone();
            take_away(&mut left, before.as_ref());
            prop_assert_eq!(new_grants(before.as_ref(), &left), vec![]);
            let new = new_grants(before.as_ref(), &now);
            let gone: Vec<Grant> = listed(&now).into_iter().filter(|grant| !listed(&left).contains(grant)).collect();
            prop_assert!(gone.iter().all(|grant| new.contains(grant)) && new.iter().all(|grant| gone.contains(grant)));
        }
    }
}
