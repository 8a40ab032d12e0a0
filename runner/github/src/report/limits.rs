//! How much a comment may hold, and how detail is dropped until it fits.

/// Characters of a comment. GitHub's own message speaks of 65,536.
pub const CHARACTERS: usize = 60_000;
/// Bytes of a comment.
pub const BYTES: usize = 240_000;
/// Characters of the summary and of the text of a check run; GitHub refuses 65,536.
pub const CHECK: usize = 65_535;

/// How much a report shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Rows of gates that are not met.
    pub failing: usize,
    /// Rows of gates that are met, and of slices.
    pub passing: usize,
    /// Steps of the picture of the pipeline; more are drawn as stages, 0 as nothing.
    pub picture: usize,
    /// Findings.
    pub findings: usize,
    /// Changes of data, parameters and policy.
    pub changes: usize,
    /// Earlier runs.
    pub history: usize,
}

/// From everything to next to nothing.
pub const LADDER: [Detail; 6] = [
    Detail { failing: 100, passing: 200, picture: 60, findings: 20, changes: 100, history: 5 },
    Detail { failing: 100, passing: 50, picture: 30, findings: 10, changes: 50, history: 5 },
    Detail { failing: 50, passing: 10, picture: 0, findings: 5, changes: 30, history: 5 },
    Detail { failing: 20, passing: 0, picture: 0, findings: 0, changes: 10, history: 3 },
    Detail { failing: 5, passing: 0, picture: 0, findings: 0, changes: 5, history: 0 },
    Detail { failing: 1, passing: 0, picture: 0, findings: 0, changes: 1, history: 0 },
];

/// Whether a text fits into a comment.
pub fn fits(text: &str, characters: usize, bytes: usize) -> bool {
    text.len() <= bytes && text.chars().count() <= characters
}

/// Characters kept for what closes folds that were cut open.
const CLOSING: usize = 256;

/// The text where it fits, else as many of its lines as do, what closes the folds that are open then, and a notice; none
/// where there is no room for even that. A line of Markdown is cut as a whole: half a row or tag would take the rest with it.
pub fn clip(text: &str, characters: usize, bytes: usize, notice: &str) -> Option<String> {
    if fits(text, characters, bytes) {
        return Some(text.to_owned());
    }
    let mut room = characters.checked_sub(notice.chars().count() + CLOSING)?;
    let bytes = bytes.checked_sub(notice.len() + CLOSING)?;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let long = line.chars().count();
        if long > room || end + line.len() > bytes {
            break;
        }
        room -= long;
        end += line.len();
    }
    let kept = text[..end].trim_end_matches('\n');
    Some(format!("{kept}{}{notice}", open_tags(kept)))
}

/// What closes the folds and code blocks that are open at the end of a text.
fn open_tags(text: &str) -> String {
    let fences = text.lines().filter(|line| line.starts_with("```")).count();
    let fence = if fences % 2 == 1 { "\n```" } else { "" };
    let open = |tag: &str| {
        text.matches(&format!("<{tag}>")).count().saturating_sub(text.matches(&format!("</{tag}>")).count())
    };
    format!("{fence}{}{}", "\n</pre>".repeat(open("pre")), "\n</details>".repeat(open("details")))
}
