//! When a rule holds, in words.

use runner_gate::verdict::RuleJudgement;

use crate::report::quantity;

/// When the rule is met, is not, and cannot be told. With `confidence` by the interval, otherwise by the value alone.
pub(super) fn words(rule: &RuleJudgement, confidence: Option<f64>) -> String {
    let what = if rule.slice.is_empty() { rule.term.clone() } else { rule.metric.clone() };
    let bound = &rule.bound_text;
    // Whether the difference from a reference was judged, or the value itself.
    let of = match (&rule.difference, &rule.reference) {
        (Some(difference), Some(reference)) if difference.interval.is_some() => {
            format!("{what} − {}", reference.name)
        }
        _ => what.clone(),
    };
    let Some(confidence) = confidence.filter(|_| judged_by_interval(rule)) else {
        return match rule.comparator.as_str() {
            "within" => format!("PASS if {what} lies within {bound}, both ends included; by the value alone"),
            comparator => format!("PASS if {what} {comparator} {bound}; by the value alone"),
        };
    };
    let sure = format!("at {} % one-sided confidence", quantity::number((confidence * 1e6).round() / 1e4));
    match rule.comparator.as_str() {
        ">=" | ">" => format!(
            "PASS if the lower end of {of} meets {bound}, FAIL if the upper end does not, INCONCLUSIVE in between; {sure}"
        ),
        "<=" | "<" => format!(
            "PASS if the upper end of {of} meets {bound}, FAIL if the lower end does not, INCONCLUSIVE in between; {sure}"
        ),
        "within" => format!(
            "PASS if both ends of {of} lie within {bound}, FAIL if the whole interval lies outside, INCONCLUSIVE in between; {sure}"
        ),
        comparator => format!("{what} {comparator} {bound}; {sure}"),
    }
}

fn judged_by_interval(rule: &RuleJudgement) -> bool {
    rule.interval.is_some()
        || rule.difference.as_ref().is_some_and(|difference| difference.interval.is_some())
}
