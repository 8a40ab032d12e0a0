//! Whether what a workflow declares of metrics, outside of its gates, gives the same gate another meaning.

use std::collections::BTreeSet;

use super::PolicyGate;
use crate::{
    grammar::{Better, Bound, Gate, Quantity, Reference, Test},
    metrics,
    unit::Unit,
};

/// Units and directions that a gate hangs on and that are others now, in words.
pub(super) fn problems(old: &PolicyGate, new: &PolicyGate, problems: &mut Vec<String>) {
    for metric in measured_in_units(&old.gate) {
        let (before, after) = (unit(old, metric), unit(new, metric));
        if before != after {
            let said = |unit: Option<&str>| unit.unwrap_or("none").to_owned();
            problems.push(format!("unit of {metric} {} → {}", said(before), said(after)));
        }
    }
    for metric in directed(&old.gate) {
        let (before, after) = (direction(old, metric), direction(new, metric));
        if before != after {
            let said = |better: Option<Better>| match better {
                Some(Better::Higher) => "higher is better",
                Some(Better::Lower) => "lower is better",
                None => "unknown",
            };
            problems.push(format!("direction of {metric} {} → {}", said(before), said(after)));
        }
    }
}

/// Whether a gate compares with a model.
pub(super) fn compares(gate: &Gate) -> bool {
    gate.rules.iter().any(|rule| {
        references(&rule.test).iter().any(|reference| !matches!(reference, Reference::Metric(_)))
            // Flips are those of the baseline.
            || matches!(rule.term.metric.as_str(), "harmful_flips" | "helpful_flips")
    })
}

fn unit<'a>(gate: &'a PolicyGate, metric: &str) -> Option<&'a str> {
    let declared = gate.units.get(metric).map(String::as_str);
    declared.or_else(|| metrics::is_fraction(metric).then_some("fraction"))
}

fn direction(gate: &PolicyGate, metric: &str) -> Option<Better> {
    let own = gate.gate.settings.better;
    own.or_else(|| gate.better.get(metric).copied()).or_else(|| metrics::better(metric))
}

/// Metrics whose unit decides what a bound of the gate is: a bare number is in whatever unit the metric has.
fn measured_in_units(gate: &Gate) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for rule in &gate.rules {
        let metric = rule.term.metric.as_str();
        if quantities(&rule.test).iter().any(|quantity| quantity.unit.is_some()) {
            found.insert(metric);
        }
        for reference in references(&rule.test) {
            // Both have to be in the same unit.
            if let Reference::Metric(other) = reference {
                found.extend([metric, other.as_str()]);
            }
        }
    }
    found
}

/// Metrics of rules that ask for better and worse.
fn directed(gate: &Gate) -> BTreeSet<&str> {
    let rules = gate.rules.iter().filter(|rule| matches!(rule.test, Test::Relative { .. }));
    rules.map(|rule| rule.term.metric.as_str()).collect()
}

fn bounds(test: &Test) -> Vec<&Bound> {
    match test {
        Test::Compare { bound, .. } => vec![bound],
        Test::Within { lower, upper } => vec![lower, upper],
        Test::Relative { .. } => Vec::new(),
    }
}

fn references(test: &Test) -> Vec<&Reference> {
    let own = match test {
        Test::Relative { reference, .. } => Some(reference),
        _ => None,
    };
    let in_bounds = bounds(test).into_iter().filter_map(|bound| match bound {
        Bound::Relative { reference, .. } => Some(reference),
        Bound::Constant(_) => None,
    });
    own.into_iter().chain(in_bounds).collect()
}

/// Numbers of a test, but for margins that are shares of what they are added to.
fn quantities(test: &Test) -> Vec<&Quantity> {
    let margin = match test {
        Test::Relative { margin, .. } => Some(margin),
        _ => None,
    };
    let mut found: Vec<&Quantity> = Vec::new();
    let in_bounds = bounds(test).into_iter().filter_map(|bound| match bound {
        Bound::Constant(quantity) => {
            found.push(quantity);
            None
        }
        Bound::Relative { margin, .. } => margin.as_ref().map(|(_, margin)| margin),
    });
    let margins: Vec<&Quantity> = margin.into_iter().chain(in_bounds).collect();
    found.extend(margins.into_iter().filter(|margin| margin.unit != Some(Unit::Percent)));
    found
}
