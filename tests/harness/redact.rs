//! Replaces what differs from run to run: times, run ids, temporary paths.

use std::sync::LazyLock;

use regex::Regex;

static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // Run ids start with the time they were made.
        (r"\b20\d{6}-?T?\d{6}Z?-[0-9a-z]+\b", "[run]"),
        (r"\b0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[run]"),
        (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?Z?", "[time]"),
        (r"\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC", "[time]"),
        (r"\bpolicy +sha256:[0-9a-f]{64}", "policy [digest]"),
        // Evidence names its run and its key.
        (r"evidence:? +sha256:[0-9a-f]+", "evidence [digest]"),
        (r"--evidence sha256:[0-9a-f]+", "--evidence [digest]"),
        (r"\bkey [0-9a-f]{64}\b", "key [key]"),
        (r"\bby (\S+@\S+|user \d+(@\S+)?)(,| until)", "by [actor]$3"),
        // Minutes first: their seconds are a duration too.
        (r"\b\d+ m \d+ s\b", "[duration]"),
        (r"\b\d+(\.\d+)? ?(ns|µs|ms|s)\b", "[duration]"),
        (r"/(private/)?(var/folders|tmp)/[^\s:]*/", "[folder]/"),
        (r"\b\d+ at once\b", "[jobs] at once"),
        // Only where the plugin's compiled code was not in the cache yet.
        (r"(?m)^.*waiting for plugin .* to be compiled\n", ""),
        (r"(?m)[ \t]+$", ""),
    ]
    .into_iter()
    .map(|(pattern, replacement)| (Regex::new(pattern).expect("a valid pattern"), replacement))
    .collect()
});

/// `text` without what differs from run to run.
#[must_use]
pub fn redact(text: &str) -> String {
    RULES.iter().fold(text.to_owned(), |text, (pattern, replacement)| {
        pattern.replace_all(&text, *replacement).into_owned()
    })
}
