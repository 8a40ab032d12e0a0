//! What a step tells GitHub: entries of `GITHUB_OUTPUT` and the like, and `::commands::` in its log.

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

/// A command in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogCommand {
    pub(crate) name: String,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) message: String,
}

fn unescape(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
}

/// The commands of a log, as the machine that runs the step reads them: a line that starts, after white space, with `::name`.
pub(crate) fn log_commands(log: &str) -> Vec<LogCommand> {
    log.split(['\n', '\r'])
        .filter_map(|line| {
            let (head, message) = line.trim_start().strip_prefix("::")?.split_once("::")?;
            let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
            let properties = properties
                .split(',')
                .filter_map(|property| property.split_once('='))
                .map(|(name, value)| (name.trim().to_owned(), unescape(value)))
                .collect();
            Some(LogCommand { name: name.to_owned(), properties, message: unescape(message) })
        })
        .collect()
}
