//! Finds the commands and snippets in Markdown, so that a test can run each.

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The words after the back-ticks, such as `sh` or `yaml`.
    pub info: String,
    /// The text inside.
    pub text: String,
    /// Line of the opening fence, from 1.
    pub line: usize,
}

/// All fenced blocks of a page.
#[must_use]
pub fn fences(markdown: &str) -> Vec<Fence> {
    let mut found = Vec::new();
    let mut open: Option<Fence> = None;
    for (number, line) in markdown.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Fence { info: info.trim().to_owned(), text: String::new(), line: number + 1 });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(fence), None) => {
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// The `runner` commands of an `sh` block with their expected exit codes: `runner run x.yml  # exit 3`.
#[must_use]
pub fn runner_commands(block: &Fence) -> Vec<(Vec<String>, i32)> {
    if block.info != "sh" {
        return Vec::new();
    }
    block
        .text
        .lines()
        .filter_map(|line| {
            let (command, comment) = line.split_once(" #").unwrap_or((line, ""));
            let command =
                command.trim().strip_prefix("cargo run -- ").or(command.trim().strip_prefix("runner "))?;
            let code =
                comment.trim().strip_prefix("exit ").and_then(|rest| rest.split(' ').next()?.parse().ok());
            Some((command.split_whitespace().map(str::to_owned).collect(), code.unwrap_or(0)))
        })
        .collect()
}
