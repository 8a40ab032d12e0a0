//! The first line of a comment, by which it is known again:
//! `<!-- runner:report v1 key=NAME@PATH sha=… body=sha256:… -->`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What may stand in a key as it is: nothing that could end a comment of HTML or a word.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'_').remove(b'@');

const START: &str = "<!-- runner:report v1 ";

/// The line taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Which workflow.
    pub key: String,
    /// Which commit; empty where there is none.
    pub sha: String,
    /// Digest of the content: `sha256:…`.
    pub body: String,
}

impl Marker {
    /// The line.
    pub fn line(&self) -> String {
        let key = utf8_percent_encode(&self.key, KEY);
        format!("{START}key={key} sha={} body={} -->", hex(&self.sha), self.body)
    }

    /// Read it from the first line of a comment; none unless that line is exactly such a line.
    pub fn read(comment: &str) -> Option<Self> {
        let line = comment.lines().next()?.trim_end();
        let mut words = line.strip_prefix(START)?.strip_suffix(" -->")?.split(' ');
        let key = words.next()?.strip_prefix("key=")?;
        let sha = words.next()?.strip_prefix("sha=")?;
        let body = words.next()?.strip_prefix("body=")?;
        if words.next().is_some() {
            return None;
        }
        let marker = Self {
            key: percent_decode_str(key).decode_utf8().ok()?.into_owned(),
            sha: sha.to_owned(),
            body: body.to_owned(),
        };
        // One way to write each marker, so that a comparison of keys is one of bytes.
        (marker.line() == line).then_some(marker)
    }
}

/// A commit holds nothing but hex digits.
fn hex(sha: &str) -> &str {
    if sha.bytes().all(|byte| byte.is_ascii_hexdigit()) { sha } else { "" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_read_back(key in "(?s).{0,40}", sha in "[0-9a-f]{0,40}") {
            let marker = Marker { key, sha, body: "sha256:00".into() };
            let line = marker.line();
            prop_assert_eq!(line.matches("--").count(), 2, "{}", line);
            prop_assert_eq!(Marker::read(&format!("{line}\n### rest\n")), Some(marker.clone()));
            prop_assert_eq!(Marker::read(&format!("\n{line}")), None);
            prop_assert_eq!(Marker::read(&format!("> {line}")), None);
        }
    }

    #[test]
    fn nothing_else_is_a_marker() {
        for text in [
            "",
            "hello",
            "<!-- runner:report v1 key=a sha= body=x y=z -->",
            "<!-- runner:report v1 key=a%2fb sha=1 body=x -->",
        ] {
            assert_eq!(Marker::read(text), None, "{text}");
        }
    }
}
