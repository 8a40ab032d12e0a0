//! `GITHUB_OUTPUT`: values that later steps of a job read.

use std::{
    fmt::Write as _,
    hash::{BuildHasher as _, Hasher as _, RandomState},
};

/// Lines that set a value, whatever it holds.
///
/// The value stands between two lines with a delimiter that nobody can guess, and that it does not contain.
pub fn assignment(name: &str, value: &str) -> String {
    let delimiter = delimiter(value);
    let mut out = String::new();
    let _ = write!(out, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
    out
}

fn delimiter(value: &str) -> String {
    loop {
        // Each state has keys from the operating system's randomness.
        let word = || RandomState::new().build_hasher().finish();
        let delimiter = format!("runner_{:016x}{:016x}", word(), word());
        if !value.contains(&delimiter) {
            return delimiter;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_set_another() {
        let hostile = "a\nEOF\nverdict=pass\nrunner_0\nverdict<<x";
        let (first, second) = (assignment("report", hostile), assignment("report", hostile));
        assert_ne!(first, second, "the delimiter is another each time");
        let mut lines = first.lines();
        let delimiter = lines.next().unwrap().strip_prefix("report<<").unwrap();
        let rest: Vec<&str> = lines.collect();
        assert_eq!(rest.iter().position(|line| *line == delimiter), Some(rest.len() - 1));
        assert_eq!(rest[..rest.len() - 1].join("\n"), hostile);
    }
}
