//! The mapping form of a gate, read from JSON (the workflow's YAML as data). All problems are reported at once.
//!
//! ```yaml
//! id: auc-no-regression
//! metric: auc                                        # as in the one-line form: `auc`, `recall[region=EU]`, `min(f1[a])`
//! min: 0.85                                          # inclusive; a number, or text with a unit such as `50ms`
//! max: 0.999
//! no-worse-than: { ref: baseline, margin: 0.2pp }    # may lose at most the margin
//! improve-by:    { ref: baseline, margin: 0 }        # margin 0: must be strictly better
//! at-most-better-than: { ref: baseline, margin: 5% } # a larger gain is too good to be true
//! better: higher                                     # where neither the metric's name nor `metrics:` says so
//! min-samples: 500                                   # fewer rows: INCONCLUSIVE
//! slices: { by: [region, [region, device]], except: { region: [XX] }, min-samples: 200, worst: 3 }
//! else: fail
//! on-missing: fail
//! why: Legal needs at most 0.2 pp loss on AUC
//! confidence: 0.95                                   # one-sided; without it the point estimate is judged
//! method: auto                                       # auto, bootstrap, paired-bootstrap, wilson, mcnemar, delong, seeds-t
//! resamples: 2000
//! seed: 7                                            # the same seed, the same verdict
//! cluster: user_id                                   # resample users, not rows
//! stratify: label
//! min-power: 0.8                                     # a margin that cannot be seen: INCONCLUSIVE
//! correction: holm                                   # holm, bh or none, over the comparisons of this gate
//! on-inconclusive: { pull_request: warn, promote: hold }
//! ```
//!
//! `slices` are judged besides the whole, and each by every rule.

mod keys;

use std::collections::BTreeMap;

use keys::Reader;
use serde_json::Value;

use crate::{
    grammar::{Bound, Comparator, Gate, Relation, Rule, Settings, SliceFamilies, Term, Test},
    reach,
};

/// Something wrong with a gate in mapping form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MappingProblem {
    /// Where, as a JSON pointer into the mapping, such as `/slices/by/0`; empty for the gate as a whole.
    pub pointer: String,
    /// Stable code, such as `gate::unknown-key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// Every key.
const KEYS: [&str; 22] = [
    "id",
    "metric",
    "min",
    "max",
    "no-worse-than",
    "improve-by",
    "at-most-better-than",
    "better",
    "min-samples",
    "slices",
    "else",
    "on-missing",
    "why",
    "confidence",
    "method",
    "resamples",
    "seed",
    "cluster",
    "stratify",
    "min-power",
    "correction",
    "on-inconclusive",
];

/// Reads a gate in mapping form, or says everything that is wrong with it.
pub fn from_json(value: &Value) -> Result<Gate, Vec<MappingProblem>> {
    read(value, None)
}

/// Reads a gate of a workflow that declares these units of metrics, and refuses bounds beyond what a metric can be: such
/// a rule would always hold, or never.
pub fn from_json_within_reach(
    value: &Value,
    units: &BTreeMap<String, String>,
) -> Result<Gate, Vec<MappingProblem>> {
    read(value, Some(units))
}

fn read(value: &Value, units: Option<&BTreeMap<String, String>>) -> Result<Gate, Vec<MappingProblem>> {
    let mut reader = Reader::default();
    let Some(map) = value.as_object() else {
        reader.report("", "gate::type", "a gate is one line of text or a mapping", None);
        return Err(reader.problems);
    };
    reader.unknown_keys("", map, KEYS);
    let key = |name: &str| map.get(name);

    let term = if let Some(metric) = key("metric") {
        reader.term("/metric", metric)
    } else {
        let help = "name the metric: `metric: auc`".to_owned();
        reader.report("", "gate::no-metric", "the gate has no `metric`", Some(help));
        None
    };
    let mut tests = Vec::new();
    let min = key("min").and_then(|value| reader.quantity("/min", value, true));
    let max = key("max").and_then(|value| reader.quantity("/max", value, true));
    if let (Some(min), Some(max)) = (&min, &max)
        && min.unit == max.unit
        && min.value > max.value
    {
        reader.report("/max", "gate::empty-range", format!("`max` {max} is below `min` {min}"), None);
    }
    for (comparator, quantity) in [(Comparator::AtLeast, min), (Comparator::AtMost, max)] {
        tests.extend(quantity.map(|quantity| Test::Compare { comparator, bound: Bound::Constant(quantity) }));
    }
    for relation in [Relation::NoWorseThan, Relation::ImproveBy, Relation::AtMostBetterThan] {
        let name = relation.key();
        if let Some((reference, margin)) =
            key(name).and_then(|value| reader.relative(&format!("/{name}"), value))
        {
            tests.push(Test::Relative { relation, reference, margin });
        }
    }
    if let (Some(term), Some(units)) = (&term, units) {
        for test in &tests {
            beyond_reach(&mut reader, term, test, units);
        }
    }
    let rule_keys = ["min", "max", "no-worse-than", "improve-by", "at-most-better-than"];
    if !rule_keys.iter().any(|name| map.contains_key(*name)) {
        let help = format!("add one of {}", rule_keys.join(", "));
        reader.report("", "gate::no-rule", "the gate has no rule, so it would judge nothing", Some(help));
    }
    let slices = key("slices").and_then(|value| slice_families(&mut reader, value));
    if slices.is_some() && term.as_ref().is_some_and(|term| !term.slices.is_empty()) {
        let message = "slices are named both in `metric` and in `slices`";
        reader.report("/slices", "gate::slices-twice", message, Some("name them in one place".to_owned()));
    }
    let settings = Settings {
        min_samples: key("min-samples").and_then(|value| reader.count("/min-samples", value)),
        slices,
        on_missing: key("on-missing")
            .map_or_else(Default::default, |value| reader.on_missing("/on-missing", value)),
        better: key("better").and_then(|value| reader.better("/better", value)),
        why: key("why").and_then(|value| reader.text("/why", value)),
        confidence: key("confidence").and_then(|value| reader.share("/confidence", value)),
        method: key("method").and_then(|value| reader.method("/method", value)).unwrap_or_default(),
        resamples: key("resamples").and_then(|value| reader.resamples("/resamples", value)),
        seed: key("seed").and_then(|value| reader.count("/seed", value)),
        cluster: key("cluster").and_then(|value| reader.text("/cluster", value)),
        stratify: key("stratify").and_then(|value| reader.text("/stratify", value)),
        min_power: key("min-power").and_then(|value| reader.share("/min-power", value)),
        correction: key("correction")
            .and_then(|value| reader.correction("/correction", value))
            .unwrap_or_default(),
        on_inconclusive: key("on-inconclusive")
            .map(|value| reader.on_inconclusive("/on-inconclusive", value))
            .unwrap_or_default(),
    };
    let id = key("id").and_then(|value| reader.id("/id", value));
    let level = key("else").map_or_else(Default::default, |value| reader.level("/else", value));
    match term {
        Some(term) if reader.problems.is_empty() => {
            let rules = tests.into_iter().map(|test| Rule { term: term.clone(), test }).collect();
            Ok(Gate { id, rules, level, settings })
        }
        _ => Err(reader.problems),
    }
}

fn beyond_reach(reader: &mut Reader, term: &Term, test: &Test, units: &BTreeMap<String, String>) {
    let (pointer, beyond) = match test {
        Test::Compare { comparator, bound } => {
            let key = if *comparator == Comparator::AtLeast { "/min" } else { "/max" };
            (key.to_owned(), reach::of_bound(term, bound, units))
        }
        Test::Relative { relation, reference, margin } => {
            (format!("/{}/margin", relation.key()), reach::of_margin(term, reference, margin, units))
        }
        Test::Within { .. } => return,
    };
    if let Some(beyond) = beyond {
        reader.report(&pointer, reach::CODE, beyond.message, Some(beyond.help));
    }
}

fn slice_families(reader: &mut Reader, value: &Value) -> Option<SliceFamilies> {
    let Some(map) = value.as_object() else {
        let help = "write `slices: { by: [region] }`".to_owned();
        reader.report("/slices", "gate::type", "`slices` is a mapping", Some(help));
        return None;
    };
    reader.unknown_keys("/slices", map, ["by", "except", "min-samples", "worst"]);
    let by = map.get("by").map(|by| reader.families("/slices/by", by)).unwrap_or_default();
    if by.is_empty() {
        let help = "name the columns: `by: [region, [region, device]]`".to_owned();
        reader.report("/slices/by", "gate::no-slices", "`slices` names no columns", Some(help));
    }
    let except =
        map.get("except").map(|except| reader.exceptions("/slices/except", except)).unwrap_or_default();
    for (column, _) in &except {
        if !by.iter().flatten().any(|known| known == column) {
            let message = format!("`except` names `{column}`, which is not a column of `by`");
            reader.report(
                &format!("/slices/except/{}", keys::escaped(column)),
                "gate::slices",
                message,
                None,
            );
        }
    }
    Some(SliceFamilies {
        by,
        except,
        min_samples: map.get("min-samples").and_then(|value| reader.count("/slices/min-samples", value)),
        worst: map.get("worst").and_then(|value| reader.count("/slices/worst", value)),
    })
}

#[cfg(test)]
mod tests;
