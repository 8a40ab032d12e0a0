//! `GITHUB_STEP_SUMMARY`: Markdown on the page of a job. Over its limit GitHub refuses the whole file, so it is cut here.

use crate::report::limits::clip;

/// Bytes that GitHub takes for one step.
pub const LIMIT: usize = 1024 * 1024;

const NOTICE: &str =
    "\n\n> The summary was cut here: GitHub takes 1 MiB for a step. `runner report` shows all of it.\n";

/// As much of a text as there is room for beside what is there already; with a notice where something is missing. None
/// where there is no room for even that.
pub fn fitting(text: &str, already: usize) -> Option<String> {
    clip(text, usize::MAX, LIMIT.saturating_sub(already), NOTICE)
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
