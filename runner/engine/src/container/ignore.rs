//! `.dockerignore`: which files of a folder a build does not see.

use globset::{GlobBuilder, GlobMatcher};

/// The rules of one file, in its order. The last one that fits a path, or a folder above it, decides.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    rules: Vec<(GlobMatcher, bool)>,
}

impl Ignore {
    /// Reads the rules. The error names the line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (keep, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            let pattern = clean(pattern);
            if pattern.is_empty() {
                continue;
            }
            let glob = GlobBuilder::new(&pattern).literal_separator(true).backslash_escape(true).build();
            let glob = glob.map_err(|error| format!("line {} of .dockerignore: {error}", number + 1))?;
            rules.push((glob.compile_matcher(), keep));
        }
        Ok(Self { rules })
    }

    /// Whether the build does not see this path, relative to the folder and with `/`.
    #[must_use]
    pub fn hides(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let prefixes: Vec<&str> = ends.map(|end| &path[..end]).collect();
        let fits = |glob: &GlobMatcher| prefixes.iter().any(|prefix| glob.is_match(prefix));
        self.rules.iter().rev().find(|(glob, _)| fits(glob)).is_some_and(|(_, keep)| !keep)
    }

    /// Whether something below a hidden folder could be seen again.
    pub(super) fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|(_, keep)| *keep)
    }
}

/// Patterns are relative to the folder, however they start.
fn clean(pattern: &str) -> String {
    let parts = pattern.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_decides() {
        let ignore = Ignore::parse("# data\n\n/data/\n*.log\n**/*.pyc\n!data/keep\ntmp?\n").unwrap();
        let hidden = ["data", "data/a", "data/a/b", "x.log", "a.pyc", "a/b/c.pyc", "tmp1/x"];
        let seen = ["data/keep", "data/keep/x", "a/x.log", "src/data", "tmp", "README.md"];
        for path in hidden {
            assert!(ignore.hides(path), "{path}");
        }
        for path in seen {
            assert!(!ignore.hides(path), "{path}");
        }
        assert!(ignore.has_exceptions());
    }

    #[test]
    fn all_but_some() {
        let ignore = Ignore::parse("*\n!src\n!Dockerfile\nsrc/secret").unwrap();
        assert!(!ignore.hides("src/main.py") && !ignore.hides("Dockerfile"));
        assert!(ignore.hides("src/secret") && ignore.hides("other"));
        assert!(Ignore::parse("a\n[").unwrap_err().contains("line 2"));
    }
}
