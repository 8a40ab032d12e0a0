//! Which words stand without quotes.
//!
//! Metric names: letters, digits, `_`, `.` and `@`, not starting with a digit, and not one of the words of the grammar.
//! There is no `-` in them, so that `auc>=baseline-0.2pp` needs no spaces; `"val/auc-pr"` in double quotes can be
//! any text. Columns and values of slices may hold `-`, `+`, `/`, `:` and `.` too. In quotes, `\"` and `\\` stand for
//! themselves.

/// Words with a meaning, which a metric can only be called in quotes.
pub(super) const RESERVED: [&str; 6] = ["and", "else", "within", "baseline", "anchor", "previous"];

pub(super) fn starts_metric(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

pub(super) fn continues_metric(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '@')
}

pub(super) fn in_value(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '@' | '-' | '+' | '/' | ':')
}

pub(super) fn in_id(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '-')
}

/// Whether the text is an `id` that the one-line form can hold.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(in_id)
}

/// A name that would be read as something that is not a number.
pub(super) fn is_not_finite(word: &str) -> bool {
    ["nan", "inf", "infinity"].contains(&word.to_lowercase().as_str())
}

/// The model's name before a dot, as in `baseline.auc`.
pub(super) fn reference_prefix(word: &str) -> Option<&str> {
    word.split_once('.').map(|(prefix, _)| prefix).filter(|prefix| RESERVED[3..].contains(prefix))
}

pub(super) fn is_bare_metric(name: &str) -> bool {
    name.starts_with(starts_metric)
        && name.chars().all(continues_metric)
        && !RESERVED.contains(&name)
        && !is_not_finite(name)
        && reference_prefix(name).is_none()
}

pub(super) fn is_bare_value(value: &str) -> bool {
    !value.is_empty() && value.chars().all(in_value)
}

/// The candidate most like `word`, if one is alike enough to be meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
