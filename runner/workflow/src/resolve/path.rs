//! Paths that a workflow names: relative to the workspace (or to a step's outputs) and never out of it.

/// The rule a path breaks, in words.
pub(crate) fn check(path: &str) -> Result<(), String> {
    let problem = if path.is_empty() {
        "a path cannot be empty"
    } else if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        "an absolute path means something else on every machine"
    } else if path.starts_with('~') {
        "`~` is not expanded"
    } else if path.contains('\\') {
        "folders are separated by `/`"
    } else if path.split('/').any(|part| part == "..") {
        "a path cannot leave its folder with `..`"
    } else if path.chars().any(char::is_control) {
        "a path cannot hold control characters"
    } else {
        return Ok(());
    };
    Err(problem.to_owned())
}

/// A path in its shortest form: without `.` and doubled separators. A separator at the end stays: it says "folder".
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<_> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() {
        return ".".to_owned();
    }
    if path.ends_with('/') {
        parts.push("");
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for path in ["data/train.csv", "./x", "a..b/c", "conf/"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        for path in ["", "/etc/passwd", "../x", "a/../../x", "C:/x", "~/x", "a\\b", "a\nb"] {
            assert!(check(path).is_err(), "{path}");
        }
        assert_eq!(normal("./a//b/./c/"), "a/b/c/");
        assert_eq!(normal("./"), ".");
    }
}
