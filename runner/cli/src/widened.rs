//! What a container is given beyond what every container has, in the words of the workflow.

use runner_workflow::plan::{Allow, Container, Limits, Resources};

/// The keys that widen it, as they are written; empty where nothing does.
pub(crate) fn keys(
    container: &Container,
    allow: &Allow,
    limits: &Limits,
    resources: &Resources,
) -> Vec<String> {
    let mut keys = Vec::new();
    if !allow.net.is_empty() {
        keys.push("allow.net: the whole network".to_owned());
    }
    if !allow.capabilities.is_empty() {
        keys.push(format!("allow.capabilities: {}", allow.capabilities.join(", ")));
    }
    if allow.write_root {
        keys.push("allow.write-root".to_owned());
    }
    if let Some(user) = &container.user {
        keys.push(format!("user: {user}"));
    }
    if let Some(pids) = limits.pids {
        keys.push(format!("limits.pids: {pids}"));
    }
    if let Some(gpu) = resources.gpu.filter(|gpu| *gpu > 0) {
        keys.push(format!("resources.gpu: {gpu}"));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_by_default() {
        let (container, limits, resources) = (Container::of("x"), Limits::default(), Resources::default());
        assert!(keys(&container, &Allow::default(), &limits, &resources).is_empty());
        let allow = Allow { net: vec!["*".into()], write_root: true, ..Allow::default() };
        let keys = keys(&Container { user: Some("0".into()), ..container }, &allow, &limits, &resources);
        assert_eq!(keys, ["allow.net: the whole network", "allow.write-root", "user: 0"]);
    }
}
