//! How sure a judgement is, in few words: the same in every report.

use runner_gate::verdict::{Interval, RuleJudgement};

use crate::report::quantity;

/// `0.91 to 0.97 (95 %)`, of the difference from the reference where the rule compares with one and it is known.
pub(crate) fn interval(rule: &RuleJudgement) -> Option<String> {
    if let Some(difference) = &rule.difference {
        let value = quantity::signed(difference.value);
        return Some(match &difference.interval {
            Some(interval) => format!(
                "difference {value}, {} to {} ({})",
                quantity::signed(interval.lower),
                quantity::signed(interval.upper),
                confidence(interval)
            ),
            None => format!("difference {value}"),
        });
    }
    let interval = rule.interval.as_ref()?;
    Some(format!(
        "{} to {} ({})",
        quantity::number(interval.lower),
        quantity::number(interval.upper),
        confidence(interval)
    ))
}

/// `95 %`: of each end by itself.
pub(crate) fn confidence(interval: &Interval) -> String {
    format!("{} %", quantity::number((interval.confidence * 1e6).round() / 1e4))
}

/// `p holds 0.004, broken 0.99 (holm over 12)`.
pub(crate) fn p_values(rule: &RuleJudgement) -> Option<String> {
    let tests = rule.tests?;
    let (holds, broken) =
        (tests.holds_adjusted.unwrap_or(tests.holds), tests.broken_adjusted.unwrap_or(tests.broken));
    let family = match (tests.holds_adjusted.or(tests.broken_adjusted), tests.family) {
        (Some(_), Some(family)) => format!(
            ", adjusted for {}",
            quantity::count(usize::try_from(family).unwrap_or(usize::MAX), "comparison")
        ),
        _ => String::new(),
    };
    Some(format!("p holds {}, broken {}{family}", quantity::p_value(holds), quantity::p_value(broken)))
}

/// `sees 0.018`: the smallest distance from the bound that this many rows show.
pub(crate) fn detectable(rule: &RuleJudgement) -> Option<String> {
    let power = rule.power?;
    let mut text = format!("sees {}", quantity::rounded(power.minimum_detectable, 3));
    if let Some(n) = power.sufficient_n {
        text = format!("{text}, n {n} would do");
    }
    Some(text)
}
