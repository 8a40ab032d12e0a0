//! Workflow commands: `::error file=a.yml,line=3::what is wrong`.
//!
//! The runner of GitHub Actions reads a command where a line starts with one, and one of the older form `##[…]` anywhere in
//! a line. So foreign text is printed only inside
//! the place it has in a command, with everything escaped that would end it, or through [`plain`].

use std::fmt::Write as _;

/// How grave an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Shown red.
    Error,
    /// Shown yellow.
    Warning,
    /// Shown grey.
    Notice,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// Where in the repository, by a path from its root and a line from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Option<String>,
    /// The line.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
    /// The last column that is marked. Columns mean something within one line only: GitHub drops annotations that say
    /// otherwise.
    pub end_column: Option<usize>,
    /// The last line, where it is another one.
    pub end_line: Option<usize>,
}

/// An annotation.
pub fn annotation(level: Level, place: &Place, title: &str, message: &str) -> String {
    let mut out = format!("::{} ", level.word());
    let mut first = true;
    let mut property = |name: &str, value: String| {
        let _ = write!(out, "{}{name}={value}", if first { "" } else { "," });
        first = false;
    };
    if let Some(file) = &place.file {
        property("file", escape_property(file));
    }
    let numbers = [
        ("line", place.line),
        ("endLine", place.end_line),
        ("col", place.column),
        ("endColumn", place.end_column),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            property(name, value.to_string());
        }
    }
    if !title.is_empty() {
        property("title", escape_property(title));
    }
    let _ = writeln!(out, "::{}", escape(message));
    out
}

/// Starts a group of lines that is folded.
pub fn group(title: &str) -> String {
    format!("::group::{}\n", escape(title))
}

/// Ends it.
pub const END_GROUP: &str = "::endgroup::\n";

/// Has a value masked in all that follows. One for each line of it, as each line of output is masked by itself.
pub fn add_mask(secret: &str) -> String {
    let lines = secret.lines().filter(|line| !line.trim().is_empty());
    let mut out = String::new();
    for line in lines {
        let _ = writeln!(out, "::add-mask::{}", escape(line));
    }
    out
}

/// A foreign line that must not be read as a command: what would be gets a joint that cannot be seen.
pub fn plain(line: &str) -> String {
    // The older form is still read, and wherever it stands.
    let line = line.replace("##[", "#\u{2060}#[");
    let start = line.trim_start();
    if start.starts_with("::") {
        let at = line.len() - start.len() + 1;
        format!("{}\u{2060}{}", &line[..at], &line[at..])
    } else {
        line
    }
}

/// A foreign text, each line of which is [`plain`].
pub fn plain_text(text: &str) -> String {
    // A carriage return ends a line there too.
    text.split_inclusive(['\n', '\r']).map(plain).collect()
}

/// The text of a command.
pub fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a command.
pub fn escape_property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Properties = Vec<(String, String)>;

    /// As the runner reads a line (`ActionCommand.cs`): command, properties, text.
    fn read(line: &str) -> Option<(String, Properties, String)> {
        let rest = line.trim_start().strip_prefix("::")?;
        let (head, text) = rest.split_once("::")?;
        let (command, properties) = head.split_once(' ').unwrap_or((head, ""));
        let unescape = |text: &str| {
            text.replace("%0D", "\r")
                .replace("%0A", "\n")
                .replace("%3A", ":")
                .replace("%2C", ",")
                .replace("%25", "%")
        };
        let properties = properties.split(',').filter_map(|pair| pair.split_once('='));
        let properties = properties.map(|(key, value)| (key.to_owned(), unescape(value))).collect();
        Some((command.to_owned(), properties, unescape(text)))
    }

    proptest! {
        #[test]
        fn whatever_it_says_is_one_command(file in ".{0,20}", title in ".{1,20}", message in "(?s).{0,40}") {
            let place = Place { file: Some(file.clone()), line: Some(3), ..Place::default() };
            let text = annotation(Level::Error, &place, &title, &message);
            prop_assert_eq!(text.matches('\n').count(), 1);
            prop_assert!(!text.contains('\r'));
            let (command, properties, read_message) = read(text.trim_end_matches('\n')).unwrap();
            prop_assert_eq!(command, "error");
            prop_assert_eq!(read_message, message);
            let expected = [("file".to_owned(), file), ("line".to_owned(), "3".to_owned()), ("title".to_owned(), title)];
            prop_assert_eq!(properties, expected);
        }

        #[test]
        fn a_plain_line_is_no_command(line in "[ \t]{0,3}(::)?[a-z :#\\[\\]]{0,4}(##\\[)?[a-z :#\\[\\]]{0,20}") {
            let shown = plain(&line);
            prop_assert!(!shown.trim_start().starts_with("::") && !shown.contains("##["), "{shown}");
            prop_assert_eq!(shown.replace('\u{2060}', ""), line);
        }
    }

    #[test]
    fn the_older_form_is_broken_wherever_it_stands() {
        assert_eq!(
            plain("hello ##[set-output name=verdict;]pass ###[add-mask]e"),
            "hello #\u{2060}#[set-output name=verdict;]pass ##\u{2060}#[add-mask]e"
        );
        assert_eq!(plain_text("a\r::error::b\n ::c"), "a\r:\u{2060}:error::b\n :\u{2060}:c");
    }

    #[test]
    fn each_line_of_a_secret_is_masked() {
        assert_eq!(add_mask("ab%\n\ncd"), "::add-mask::ab%25\n::add-mask::cd\n");
    }
}
