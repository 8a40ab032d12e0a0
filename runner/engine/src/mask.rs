//! Hides secrets wherever a string leaves the engine.
//!
//! A secret leaks in more forms than its own. Each value is searched for as it is, line by line, and in Base64 (standard and
//! URL-safe, padded or not, broken into lines, and as it looks inside a longer encoded text at each of the three
//! alignments); and all that both in the text as it stands and in what it says once JSON and URL escapes are undone. All
//! matches are found, overlapping ones too, and their union is replaced by `***`.

mod unescape;

use std::{borrow::Cow, collections::BTreeSet, ops::Range};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use crate::options::SecretValue;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Below this many characters a value is hidden only where it stands alone: hiding every `1` would make a log unreadable
/// and give the value away all the more.
const SHORT: usize = 4;

/// Shortest piece of an encoded form worth searching for.
const MIN_ENCODED: usize = 5;

/// Columns after which encoders of Base64 break the line: `base64`, and PEM as `openssl` writes it.
const WRAPPED: [usize; 2] = [76, 64];

/// Most bytes of text for one byte of a secret: `\\u0041`.
const LONGEST_ESCAPE: usize = 6;

/// Finds secrets in text.
#[derive(Debug, Default)]
pub struct Masker {
    /// Forms hidden wherever they occur.
    anywhere: Option<AhoCorasick>,
    /// Short values, hidden where they stand alone.
    alone: Option<AhoCorasick>,
    longest: usize,
    warnings: Vec<String>,
}

impl Masker {
    /// A masker for these secrets. Cannot fail; what it cannot hide well is told by [`Masker::warnings`].
    #[must_use]
    pub fn new(secrets: &[SecretValue]) -> Self {
        let mut anywhere = BTreeSet::new();
        let mut alone = BTreeSet::new();
        let mut warnings = Vec::new();
        for secret in secrets {
            let lines = secret.value.lines().map(str::trim).filter(|line| !line.is_empty());
            let mut values: BTreeSet<&str> = lines.collect();
            values.extend([secret.value.as_str(), secret.value.trim()]);
            values.remove("");
            if values.is_empty() {
                warnings.push(format!("the secret `{}` is empty: nothing of it can be masked", secret.name));
            } else if secret.value.trim().chars().count() < SHORT {
                warnings.push(format!(
                    "the secret `{}` is shorter than {SHORT} characters: it is masked only where it stands alone",
                    secret.name
                ));
            }
            for value in values {
                if value.trim().chars().count() >= SHORT {
                    encoded_forms(value, &mut anywhere);
                } else if value.trim() == secret.value.trim() {
                    alone.insert(value.trim().to_owned());
                }
                // A short line of a longer value, such as the brackets around a key in JSON, gives nothing away.
            }
        }
        alone.remove("");
        let longest = anywhere.iter().chain(&alone).map(String::len).max().unwrap_or(0);
        Self { anywhere: automaton(&anywhere), alone: automaton(&alone), longest, warnings }
    }

    /// Secrets that cannot be hidden well, in words, by name.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anywhere.is_none() && self.alone.is_none()
    }

    /// Length in bytes of the longest form, however it is escaped. Text that is cut must keep so much context to be masked well.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest * LONGEST_ESCAPE
    }

    /// `text` with every secret hidden; borrowed where there is none.
    #[must_use]
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let ranges = self.find(text);
        if ranges.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut end = 0;
        for range in ranges {
            masked.push_str(&text[end..range.start]);
            masked.push_str(MASK);
            end = range.end;
        }
        masked.push_str(&text[end..]);
        Cow::Owned(masked)
    }

    /// Hides secrets in place.
    pub fn mask_string(&self, text: &mut String) {
        if let Cow::Owned(masked) = self.mask(text) {
            *text = masked;
        }
    }

    /// Hides secrets in every string of a JSON value, keys included.
    pub fn mask_json(&self, value: &mut serde_json::Value) {
        if self.is_empty() {
            return;
        }
        match value {
            serde_json::Value::String(text) => self.mask_string(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.mask_json(item)),
            serde_json::Value::Object(map) => {
                for (mut key, mut item) in std::mem::take(map) {
                    self.mask_string(&mut key);
                    self.mask_json(&mut item);
                    map.insert(key, item);
                }
            }
            _ => {}
        }
    }

    /// Where secrets stand, merged and in order. Matches are whole characters, since forms are valid UTF-8 and escapes are
    /// ASCII.
    pub(crate) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        if let Some(automaton) = &self.anywhere {
            unescape::each_reading(text, &mut |bytes, source| {
                ranges.extend(automaton.find_overlapping_iter(bytes).map(|found| source(found.range())));
            });
        }
        if let Some(automaton) = &self.alone {
            let alone = automaton.find_overlapping_iter(text).map(|found| found.range());
            ranges.extend(alone.filter(|range| stands_alone(text, range)));
        }
        ranges.sort_by_key(|range| range.start);
        ranges.dedup_by(|next, merged| {
            let overlaps = next.start <= merged.end;
            if overlaps {
                merged.end = merged.end.max(next.end);
            }
            overlaps
        });
        ranges
    }
}

fn automaton(forms: &BTreeSet<String>) -> Option<AhoCorasick> {
    if forms.is_empty() {
        return None;
    }
    // Building fails only beyond 2^31 bytes of patterns; then there is no text short enough to leak them in.
    AhoCorasick::builder().match_kind(MatchKind::Standard).build(forms).ok()
}

fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let word = |character: char| character.is_alphanumeric() || character == '_';
    !text[..range.start].chars().next_back().is_some_and(word)
        && !text[range.end..].chars().next().is_some_and(word)
}

/// All forms of one value that are searched for anywhere.
fn encoded_forms(value: &str, forms: &mut BTreeSet<String>) {
    forms.insert(value.to_owned());
    base64_forms(value.as_bytes(), forms);
    // `echo "$SECRET" | base64` encodes the line end too.
    base64_forms(format!("{value}\n").as_bytes(), forms);
}

/// Base64 of the value alone, and the part of it that is the same wherever it stands inside a longer encoded text.
///
/// Three bytes make four characters of six bits. With `shift` bytes before the value, the first `shift` of its
/// characters share bits with what came before, and the last one may share bits with what follows: those are left out.
fn base64_forms(value: &[u8], forms: &mut BTreeSet<String>) {
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        let alone = engine.encode(value);
        // A long one is broken into lines, each of which is seen by itself. Base64 is ASCII.
        for columns in WRAPPED {
            let lines = alone.as_bytes().chunks(columns).filter(|line| line.len() >= MIN_ENCODED);
            forms.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
        }
        for shift in 0..3_usize {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(value);
            let encoded = engine.encode(&padded);
            let start = if shift == 0 { 0 } else { shift + 1 };
            let end = padded.len() * 8 / 6;
            if end > start && end - start >= MIN_ENCODED {
                forms.insert(encoded[start..end].to_owned());
            }
        }
        forms.insert(format!("{alone}{}", &"=="[..(3 - value.len() % 3) % 3]));
        forms.insert(alone);
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::*;

    fn masker(values: &[&str]) -> Masker {
        let secrets: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(index, value)| SecretValue { name: format!("S{index}"), value: (*value).to_owned() })
            .collect();
        Masker::new(&secrets)
    }

    #[test]
    fn raw_values_are_hidden() {
        let masker = masker(&["hunter2hunter2"]);
        assert_eq!(masker.mask("token=hunter2hunter2!"), "token=***!");
        assert_eq!(masker.mask("nothing here"), "nothing here");
    }

    #[test]
    fn overlapping_secrets_leave_nothing() {
        let masker = masker(&["abcdef", "defghi"]);
        assert_eq!(masker.mask("<abcdefghi>"), "<***>");
        let nested = self::masker(&["secret", "secret-with-suffix"]);
        assert_eq!(nested.mask("secret-with-suffix secret"), "*** ***");
    }

    #[test]
    fn every_line_of_a_key_is_hidden() {
        let masker = masker(&["-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n"]);
        assert_eq!(masker.mask("line: MIIEvQIBADAN"), "line: ***");
        assert_eq!(masker.mask("-----BEGIN KEY-----\\nMIIEvQIBADAN\\nBgkq"), "***\\n***\\nBgkq");
    }

    #[test]
    fn short_values_are_hidden_where_they_stand_alone() {
        let masker = masker(&["x7", "1"]);
        assert_eq!(masker.warnings().len(), 2);
        assert_eq!(masker.mask("pin x7, x77, 1 of 10"), "pin ***, x77, *** of 10");
    }

    #[test]
    fn an_empty_value_hides_nothing_and_says_so() {
        let masker = masker(&[""]);
        assert!(masker.is_empty());
        assert!(masker.warnings()[0].contains("S0"));
        assert_eq!(masker.mask("abc"), "abc");
    }

    #[test]
    fn encoded_forms_are_hidden() {
        let secret = "pa/ss w\"örd+<&>";
        let masker = masker(&[secret]);
        for form in [
            "pa%2Fss%20w%22%C3%B6rd%2B%3C%26%3E",
            "pa%2fss%20w%22%c3%b6rd%2b%3c%26%3e",
            "pa%2Fss+w%22%C3%B6rd%2B%3C%26%3E",
            "pa/ss w\\\"örd+<&>",
            "pa\\/ss w\\\"\\u00f6rd+<&>",
            "pa/ss w\\\"\\u00f6rd+\\u003c\\u0026\\u003e",
            // As Python's `quote` does by default, and others that leave more or less alone.
            "pa/ss%20w%22%C3%B6rd%2B%3C%26%3E",
            "%70%61%2F%73s%20w%22%C3%B6rd+%3C&%3E",
            "pa/ss w\\\"\\u00F6rd\\u002B\\u003C\\u0026\\u003E",
            // JSON inside JSON, and JSON inside a URL.
            "pa/ss w\\\\\\\"örd+<&>",
            "pa%2Fss%20w%5C%22%C3%B6rd%2B%3C%26%3E",
            &STANDARD.encode(secret),
            &URL_SAFE.encode(secret),
            &STANDARD.encode(secret).replace('+', "%2B").replace('=', "%3D").replace('/', "%2F"),
        ] {
            assert_eq!(masker.mask(form), "***", "{form}");
        }
    }

    #[test]
    fn base64_in_lines_is_hidden() {
        let secret = "0123456789abcdef".repeat(8);
        let masker = masker(&[&secret]);
        for columns in WRAPPED {
            for value in [secret.clone(), format!("{secret}\n")] {
                for line in STANDARD.encode(value).as_bytes().chunks(columns) {
                    let line = str::from_utf8(line).unwrap();
                    let hidden = masker.mask(line);
                    assert!(
                        hidden.trim_end_matches('=') == "***" || hidden.len() < MIN_ENCODED,
                        "{line}: {hidden}"
                    );
                }
            }
        }
    }

    #[test]
    fn brackets_around_a_key_hide_nothing() {
        let masker = masker(&["{\n  \"private_key\": \"abcdefgh\"\n}\n"]);
        assert_eq!(masker.warnings(), [""; 0]);
        assert_eq!(masker.mask("{ \"loss\": 0.1 }"), "{ \"loss\": 0.1 }");
        assert_eq!(masker.mask("  \"private_key\": \"abcdefgh\""), "  ***");
    }

    #[test]
    fn basic_authentication_is_hidden() {
        let masker = masker(&["correct-horse-battery"]);
        for user in ["a", "ab", "abc", "user"] {
            let header = STANDARD.encode(format!("{user}:correct-horse-battery"));
            let hidden = masker.mask(&header).into_owned();
            assert!(hidden.contains("***"), "{hidden}");
            // What is left of the secret is less than one group at each end.
            assert!(hidden.len() <= user.len() * 2 + 3 + 3 + 5, "{hidden}");
        }
    }

    proptest! {
        #[test]
        fn no_secret_survives_in_any_text(secret in "[!-~]{4,20}", before in ".{0,20}", after in ".{0,20}") {
            let masker = masker(&[&secret]);
            let masked = masker.mask(&format!("{before}{secret}{after}")).into_owned();
            // The mask itself and its surroundings may form the secret again only if it is made of asterisks.
            prop_assume!(!secret.contains('*'));
            prop_assert!(!masked.contains(&secret));
        }

        #[test]
        fn no_secret_survives_in_base64(secret in "[a-z]{6,24}", before in "[A-Z]{0,7}", after in "[A-Z]{0,7}") {
            let masker = masker(&[&secret]);
            let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
            let masked = masker.mask(&encoded);
            prop_assert!(masked.contains(MASK), "{encoded} {masked}");
        }

        #[test]
        fn masking_never_panics(secrets in proptest::collection::vec(".{0,12}", 0..5), text in ".{0,200}") {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let _ = masker(&secrets).mask(&text);
        }
    }
}
