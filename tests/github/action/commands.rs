//! What a step tells GitHub: entries of `GITHUB_OUTPUT` and the like.

use std::collections::BTreeMap;

/// The entries of a file such as `GITHUB_OUTPUT`: `name=value`, or `name<<DELIMITER`, lines, `DELIMITER`. The last of a name counts.
pub(crate) fn entries(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let equals = line.find('=').unwrap_or(usize::MAX);
        let heredoc = line.find("<<").unwrap_or(usize::MAX);
        if heredoc < equals {
            let delimiter = &line[heredoc + 2..];
            let mut value = Vec::new();
            loop {
                let next = lines.next().unwrap_or_else(|| panic!("`{delimiter}` does not end:\n{text}"));
                if next == delimiter {
                    break;
                }
                value.push(next);
            }
            found.insert(line[..heredoc].to_owned(), value.join("\n"));
        } else if equals < usize::MAX {
            found.insert(line[..equals].to_owned(), line[equals + 1..].to_owned());
        } else {
            assert!(line.is_empty(), "not an entry: {line:?}");
        }
    }
    found
}
