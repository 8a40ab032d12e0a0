//! Foreign text inside Markdown, HTML and Mermaid: names of metrics, slices, branches and files belong to whoever wrote
//! the pull request, and stay text wherever they are shown.

use std::fmt::Write as _;

use crate::visible;

/// Columns of a foreign text in a report.
const LONGEST: usize = 500;

/// One harmless line of bounded length. What is written out as an escape counts as what it becomes.
fn shown(text: &str) -> String {
    // Of a huge text no more than can be shown is looked at.
    let start: String = text.chars().take(LONGEST * 4 + 1).collect();
    visible::cut(&visible::line(&start), LONGEST, true)
}

/// As plain text of Markdown: nothing in it can start markup, a link, a mention, a reference or a table cell.
pub fn text(text: &str) -> String {
    let text = shown(text);
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // With an invisible joint, because GitHub links mentions and issues after it has read entities.
            '@' => out.push_str("@<!-- -->"),
            '#' => out.push_str("#<!-- -->"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '^' | '$' => {
                out.push('\\');
                out.push(character);
            }
            // Bare addresses become links; without the colon they do not.
            ':' => out.push_str("&#58;"),
            _ => out.push(character),
        }
    }
    joined(&out)
}

/// As code. In a table a pipe splits cells even inside backticks, so it is HTML.
pub fn code(text: &str) -> String {
    format!("<code>{}</code>", html(&shown(text)))
}

/// As one line of HTML text, for code blocks and summaries of folds.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in visible::line(text).chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | '-' | '/' | '+' | '=' | ',' => {
                out.push(character);
            }
            '@' => out.push_str("&#64;<!-- -->"),
            _ if !character.is_ascii() => out.push(character),
            _ => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
        }
    }
    joined(&out)
}

/// As a label of Mermaid, to stand in double quotes.
pub fn mermaid(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in shown(text).chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | '-' | '/' | '+' | '=' | ',' | '_' => {
                out.push(character);
            }
            _ if !character.is_ascii() => out.push(character),
            // Mermaid has entities of its own, by the number of the character.
            _ => {
                let _ = write!(out, "#{};", u32::from(character));
            }
        }
    }
    out
}

/// An address for the target of a link; none unless it is a plain address of the web.
pub fn link(address: &str) -> Option<String> {
    let plain = |character: char| {
        character.is_ascii_alphanumeric()
            || matches!(character, '/' | '.' | '-' | '_' | '~' | ':' | '?' | '=' | '&' | '%' | '+' | '#')
    };
    let safe =
        (address.starts_with("https://") || address.starts_with("http://")) && address.chars().all(plain);
    safe.then(|| address.to_owned())
}

/// What becomes a link without a colon or an at: `www.` and references such as `GH-12`.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) =
        rest.char_indices().find_map(|(at, _)| trigger(&rest[at..]).map(|length| at + length))
    {
        out.push_str(&rest[..at]);
        out.push_str("<!-- -->");
        rest = &rest[at..];
    }
    out.push_str(rest);
    out
}

fn trigger(text: &str) -> Option<usize> {
    let starts = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    ["www", "GH"].into_iter().zip(["www.", "GH-"]).find(|(_, word)| starts(word)).map(|(kept, _)| kept.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_text_is_only_text() {
        assert_eq!(
            text("a|b `c` <img src=x> @team #12"),
            "a\\|b \\`c\\` &lt;img src=x&gt; @<!-- -->team #<!-- -->12"
        );
        assert_eq!(text("[x](https://e.org)"), "\\[x\\]\\(https&#58;//e.org\\)");
        assert_eq!(text("two\nlines\x1b[0m"), "two\\\\nlines\\\\u\\{1b\\}\\[0m");
        assert_eq!(text("WWW.x.org GH-12"), "WWW<!-- -->.x.org GH<!-- -->-12");
        assert_eq!(code("auc >= 0.9 | `x`"), "<code>auc &#62;= 0.9 &#124; &#96;x&#96;</code>");
        assert_eq!(mermaid("a\"]; click x"), "a#34;#93;#59; click x");
        assert_eq!(text("\u{202e}evil"), "\\\\u\\{202e\\}evil");
    }

    #[test]
    fn only_addresses_are_linked() {
        assert!(link("https://github.com/o/r/actions/runs/1").is_some());
        for address in ["javascript:alert(1)", "https://x/)](y", "https://x/ y", "https://x/<b>", "//x"] {
            assert_eq!(link(address), None, "{address}");
        }
    }

    proptest! {
        #[test]
        fn nothing_special_is_left(foreign in "(?s).{0,60}") {
            let shown = text(&foreign).replace("<!-- -->", "");
            let forbidden = ['<', '>', '\n', '\r', '\u{202e}'];
            prop_assert!(!shown.contains(forbidden));
            // Every mark of Markdown stands behind a backslash, and every `&` starts an entity of ours.
            let mut escaped = false;
            for character in shown.chars() {
                let mark = "`*_{}[]()!|~^$".contains(character);
                prop_assert!(!mark || escaped, "{shown}");
                escaped = character == '\\' && !escaped;
            }
            let html = html(&foreign).replace("<!-- -->", "");
            let forbidden = ['<', '>', '"', '`', '|', '\n', '@'];
            prop_assert!(!html.contains(forbidden));
            let label = mermaid(&foreign);
            let forbidden = ['"', '\n', '<', ']', '`'];
            prop_assert!(!label.contains(forbidden));
        }
    }
}
