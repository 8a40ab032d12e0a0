//! Foreign text made safe to show: steps, plugins and data name things freely, terminals obey what they are sent.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// One line in which every character is harmless: control characters, escape sequences, line breaks and characters that
/// reorder text are written as `\n` or `\u{1b}`. Tabs become spaces.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => out.push_str("    "),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if is_dangerous(character) => {
                let _ = write!(out, "{}", character.escape_unicode());
            }
            _ => out.push(character),
        }
    }
    out
}

/// The lines of a text, each harmless; at most `limit` of them.
pub fn lines(text: &str, limit: usize) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().take(limit + 1).map(line).collect();
    if lines.len() > limit {
        lines.truncate(limit);
        lines.push(format!("({} more lines)", text.lines().count() - limit));
    }
    lines
}

/// Control characters, and those that change direction or hide (Trojan Source, CVE-2021-42574).
pub fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Columns that a text takes on a terminal; the reports' own colour codes take none.
pub fn width(text: &str) -> usize {
    if !text.contains(ESCAPE) {
        return text.width();
    }
    let mut parts = text.split(ESCAPE);
    let first = parts.next().map_or(0, UnicodeWidthStr::width);
    // A colour code ends with the first `m`.
    first + parts.map(|part| part.split_once('m').map_or(0, |(_, rest)| rest.width())).sum::<usize>()
}

/// Begins a colour code. Foreign text has none: see [`line()`].
const ESCAPE: char = '\u{1b}';

/// Characters for each column: those that combine with others take none, and are not endless all the same.
const PER_COLUMN: usize = 4;

/// The text cut to at most `columns`, with an ellipsis where something is missing.
pub fn cut(text: &str, columns: usize, unicode: bool) -> String {
    let most = columns * PER_COLUMN;
    if text.width() <= columns && text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let ellipsis = if unicode { "…" } else { "..." };
    let room = columns.saturating_sub(ellipsis.width());
    let mut used = 0;
    let mut out = String::new();
    for character in text.chars().take(most) {
        let next = character.width().unwrap_or(0);
        if used + next > room {
            break;
        }
        used += next;
        out.push(character);
    }
    out.push_str(ellipsis);
    out
}

/// The text with spaces to at least `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

/// The text broken at words into lines of at most `columns`, each after the first with `indent` spaces; the first is taken to start
/// at column `indent` already. Words that are too long are broken.
pub fn wrap(text: &str, columns: usize, indent: usize) -> String {
    let room = columns.saturating_sub(indent).max(16);
    let mut out = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let needed = width(word);
        if used > 0 && used + 1 + needed > room {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        let mut in_color = false;
        for character in word.chars() {
            in_color |= character == ESCAPE;
            let next = if in_color { 0 } else { character.width().unwrap_or(0) };
            in_color &= character != 'm';
            if used + next > room {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                used = 0;
            }
            out.push(character);
            used += next;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_dangerous_survives() {
        assert_eq!(line("a\x1b[31mred\x07"), "a\\u{1b}[31mred\\u{7}");
        assert_eq!(line("two\r\nlines"), "two\\r\\nlines");
        assert_eq!(line("\u{202e}gnp.exe"), "\\u{202e}gnp.exe");
        assert_eq!(line("żółć 漢字 🎉"), "żółć 漢字 🎉");
        assert_eq!(line("\u{9b}31m"), "\\u{9b}31m");
    }

    #[test]
    fn what_takes_no_column_is_not_endless() {
        let accents = "\u{301}".repeat(100_000);
        assert_eq!(cut(&accents, 10, true).chars().count(), 41);
        assert_eq!(cut("e\u{301}", 1, true), "e\u{301}");
    }

    #[test]
    fn long_texts_say_what_is_missing() {
        assert_eq!(lines("a\nb\nc", 2), ["a", "b", "(1 more lines)"]);
        assert_eq!(lines("a\nb", 2), ["a", "b"]);
    }

    #[test]
    fn widths_count_columns() {
        assert_eq!(cut("漢字漢字", 5, true), "漢字…");
        assert_eq!(cut("abcdef", 5, false), "ab...");
        assert_eq!(pad("漢", 4), "漢  ");
    }

    #[test]
    fn wrapped_lines_fit() {
        let text =
            wrap("the quick brown fox jumps over the lazy dog and a_very_long_word_without_any_break", 24, 4);
        for (number, line) in text.lines().enumerate() {
            let columns = line.width() + if number == 0 { 4 } else { 0 };
            assert!(columns <= 24, "{line:?}");
        }
        assert_eq!(wrap("short", 80, 4), "short");
        assert_eq!(
            wrap("aaaa \u{1b}[31mbbbb bbbb\u{1b}[0m cc", 20, 4),
            "aaaa \u{1b}[31mbbbb bbbb\u{1b}[0m\n    cc"
        );
        assert_eq!(width("\u{1b}[1;31mred\u{1b}[0m!"), 4);
    }
}
