//! `GITHUB_STEP_SUMMARY`: Markdown on the page of a job. Over its limit GitHub refuses the whole file, so it is cut here.

/// Bytes that GitHub takes for one step.
pub const LIMIT: usize = 1024 * 1024;

/// Bytes kept for what closes folds that were cut open.
const CLOSING: usize = 256;

const NOTICE: &str =
    "\n\n> The summary was cut here: GitHub takes 1 MiB for a step. `runner report` shows all of it.\n";

/// As much of a text as there is room for beside what is there already; with a notice where something is missing. None
/// where there is no room for even that.
pub fn fitting(text: &str, already: usize) -> Option<String> {
    let room = LIMIT.saturating_sub(already);
    if text.len() <= room {
        return Some(text.to_owned());
    }
    let mut end = room.checked_sub(NOTICE.len() + CLOSING)?;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // A line of Markdown is cut as a whole: half a table row or tag would take the rest with it.
    let kept = text[..end].rfind('\n').map_or("", |line| &text[..line]);
    Some(format!("{kept}{}{NOTICE}", open_tags(kept)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_with_a_notice() {
        assert_eq!(fitting("short\n", 0).unwrap(), "short\n");
        let long = format!("<details>\n{}", "ż row\n".repeat(LIMIT / 4));
        let cut = fitting(&long, 1000).unwrap();
        assert!(cut.len() + 1000 <= LIMIT, "{}", cut.len());
        assert!(cut.contains("</details>") && cut.ends_with(NOTICE));
        assert_eq!(fitting("x", LIMIT), None);
        assert_eq!(fitting(&long, LIMIT - 10), None);
    }
}
