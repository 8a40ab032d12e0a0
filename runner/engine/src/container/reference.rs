//! What the reference of an image says: `[registry/]name[:tag][@digest]`.

/// The registry of names that name none.
const HUB: &str = "docker.io";

/// The registry's host, with its port.
pub(super) fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => HUB,
    }
}

/// The reference with a tag: `latest` where it has neither tag nor digest, since an engine would take all tags.
pub(super) fn with_tag(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

/// Registry and name, written out in full: `python:3` and `docker.io/library/python` are the same.
pub(super) fn repository(reference: &str) -> String {
    let name = reference.split('@').next().unwrap_or(reference);
    let name = match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    };
    let host = registry(name);
    let rest = name.strip_prefix(host).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    if host == HUB && !rest.contains('/') {
        format!("{host}/library/{rest}")
    } else {
        format!("{host}/{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries() {
        assert_eq!(registry("python:3.12"), "docker.io");
        assert_eq!(registry("acme/churn"), "docker.io");
        assert_eq!(registry("ghcr.io/acme/churn:1"), "ghcr.io");
        assert_eq!(registry("localhost/x"), "localhost");
        assert_eq!(registry("127.0.0.1:5000/x"), "127.0.0.1:5000");
    }

    #[test]
    fn tags() {
        assert_eq!(with_tag("python"), "python:latest");
        assert_eq!(with_tag("localhost:5000/python"), "localhost:5000/python:latest");
        assert_eq!(with_tag("python:3"), "python:3");
        assert_eq!(with_tag("python@sha256:00"), "python@sha256:00");
    }

    #[test]
    fn repositories() {
        for same in
            ["python", "python:3", "docker.io/library/python", "docker.io/python@sha256:00", "library/python"]
        {
            assert_eq!(repository(same), "docker.io/library/python", "{same}");
        }
        assert_eq!(repository("localhost:5000/a/b:1"), "localhost:5000/a/b");
    }
}
