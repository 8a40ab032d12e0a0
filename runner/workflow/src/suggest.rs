//! "Did you mean": the known word nearest to an unknown one.

use std::cell::Cell;

/// Longer words are not compared: nobody mistypes them, and comparing costs the product of the lengths.
const LONGEST: usize = 64;
/// Words compared in one check. A hostile file could otherwise ask for the square of its size.
const BUDGET: usize = 2_000_000;

thread_local! {
    /// Words that may still be compared by the check that runs on this thread.
    static LEFT: Cell<usize> = const { Cell::new(BUDGET) };
}

/// Start a check: all comparisons are available again.
pub(crate) fn restart() {
    LEFT.set(BUDGET);
}

/// The candidate nearest to `word`, if it is near enough to be a slip of the keyboard.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .take_while(|_| LEFT.replace(LEFT.get().saturating_sub(1)) > 0)
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * allowed && *candidate != word)
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?``, or the list of what there is where it is short.
pub(crate) fn help<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(nearest) = nearest(word, candidates.clone()) {
        return Some(format!("did you mean `{nearest}`?"));
    }
    let mut known: Vec<_> = candidates.into_iter().take(13).map(|name| format!("`{name}`")).collect();
    if known.is_empty() {
        return None;
    }
    let more = known.len() > 12;
    known.truncate(12);
    Some(format!("known: {}{}", known.join(", "), if more { ", …" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        assert_eq!(nearest("stpes", ["steps", "stages"]), Some("steps"));
        assert_eq!(nearest("TIMEOUT", ["timeout"]), Some("timeout"));
        assert_eq!(nearest("banana", ["steps", "stages"]), None);
        assert_eq!(help("x", [] as [&str; 0]), None);
        assert_eq!(help("banana", ["a", "b"]).as_deref(), Some("known: `a`, `b`"));
    }
}
