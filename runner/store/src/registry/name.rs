//! Names of models and aliases: they become names of folders, and parts of `registry:MODEL@ALIAS`.

use super::RegistryError;

const LONGEST: usize = 100;

/// Checks the name of a model: 1 to 100 of `a-z A-Z 0-9 . _ -`, beginning with a letter or digit and not ending with a dot.
pub fn check_model(name: &str) -> Result<(), RegistryError> {
    if is_name(name) { Ok(()) } else { Err(RegistryError::ModelName { name: cut(name) }) }
}

/// Checks the name of an alias: as for a model, and not `v` with digits, which means a version.
pub fn check_alias(name: &str) -> Result<(), RegistryError> {
    let like_version = name
        .strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if is_name(name) && !like_version { Ok(()) } else { Err(RegistryError::AliasName { name: cut(name) }) }
}

/// `v3` is 3.
pub(super) fn version_number(reference: &str) -> Option<u64> {
    let digits = reference.strip_prefix('v')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// For messages.
pub(super) fn version_text(version: Option<u64>) -> String {
    version.map_or_else(|| "nothing".to_owned(), |number| format!("v{number}"))
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() <= LONGEST
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && name.bytes().all(inner)
        && !name.ends_with('.')
}

fn cut(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["churn", "a", "Credit.Risk_2-b", "7b", "v", "v1a"] {
            assert!(check_model(good).is_ok() && check_alias(good).is_ok(), "{good}");
        }
        let long = "x".repeat(101);
        for bad in [
            "", ".", "..", "../x", "a/b", "/etc", "a\\b", ".git", "-x", "a b", "é", "a\0", "a.", "a%2e",
            &long,
        ] {
            assert!(check_model(bad).is_err() && check_alias(bad).is_err(), "{bad}");
        }
        assert!(check_model("v1").is_ok());
        assert!(check_alias("v1").is_err());
    }
}
