//! Intervals and tests against SciPy and statsmodels: see `golden/statistics_of.py`.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{fs, path::PathBuf};

use runner_gate::stats::{
    correction::Correction, delong::Components, mcnemar::Discordant, seeds::MeanOfSeeds, wilson::Proportion,
};
use serde_json::Value;

fn cases(name: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/statistics.json");
    let all: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let cases = all[name].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn number(case: &Value, key: &str) -> f64 {
    case[key].as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn near(found: f64, expected: f64, what: &Value) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{found}, not {expected}: {what}");
}

#[test]
fn wilson() {
    for case in cases("shares") {
        let share = Proportion { successes: number(&case, "successes"), trials: number(&case, "trials") };
        let (lower, upper) = share.bounds(number(&case, "confidence"));
        near(lower, number(&case, "lower"), &case);
        near(upper, number(&case, "upper"), &case);
        near(share.p_at_most(number(&case, "bound")), number(&case, "p_at_most"), &case);
        near(share.p_at_least(number(&case, "bound")), number(&case, "p_at_least"), &case);
        near(share.exact_p_at_most(number(&case, "bound")), number(&case, "exact_at_most"), &case);
        near(share.exact_p_at_least(number(&case, "bound")), number(&case, "exact_at_least"), &case);
    }
}

#[test]
fn mcnemar() {
    for case in cases("flips") {
        let count = |key: &str| case[key].as_u64().unwrap();
        let table = Discordant { helpful: count("helpful"), harmful: count("harmful"), rows: count("rows") };
        near(table.p_two_sided(), number(&case, "two_sided"), &case);
        near(table.p_not_better(), number(&case, "not_better"), &case);
        near(table.p_not_worse(), number(&case, "not_worse"), &case);
        let (lower, upper) = table.bounds(number(&case, "confidence"));
        near(lower, number(&case, "lower"), &case);
        near(upper, number(&case, "upper"), &case);
    }
}

#[test]
fn seeds() {
    for case in cases("seeds") {
        let values = numbers(&case["values"]);
        let seeds = match &case["others"] {
            Value::Null => MeanOfSeeds::of(&values).unwrap(),
            others => MeanOfSeeds::welch(&values, &numbers(others)).unwrap(),
        };
        near(seeds.p_at_most(number(&case, "value")), number(&case, "p_at_most"), &case);
        near(seeds.p_at_least(number(&case, "value")), number(&case, "p_at_least"), &case);
        let (lower, upper) = seeds.bounds(number(&case, "confidence"));
        near(lower, number(&case, "lower"), &case);
        near(upper, number(&case, "upper"), &case);
    }
}

#[test]
fn corrections() {
    for case in cases("corrections") {
        for (key, correction) in [("holm", Correction::Holm), ("bh", Correction::BenjaminiHochberg)] {
            let adjusted = correction.adjusted(&numbers(&case["raw"]));
            for (found, expected) in adjusted.into_iter().zip(numbers(&case[key])) {
                near(found, expected, &case);
            }
        }
    }
}

#[test]
fn delong() {
    for case in cases("areas") {
        let positive: Vec<bool> = numbers(&case["label"]).into_iter().map(|label| label > 0.5).collect();
        let of = |key: &str| Components::of(&positive, &numbers(&case[key])).unwrap();
        let (first, second) = (of("first"), of("second"));
        let (aucs, variances) = (numbers(&case["aucs"]), numbers(&case["variances"]));
        let what = &case["aucs"];
        near(first.auc, aucs[0], what);
        near(second.auc, aucs[1], what);
        near(first.variance().unwrap() * 1e3, variances[0] * 1e3, what);
        near(second.variance().unwrap() * 1e3, variances[1] * 1e3, what);
        near(first.covariance(&second).unwrap() * 1e3, number(&case, "covariance") * 1e3, what);
        let difference = first.variance_of_difference(&second).unwrap();
        near(difference * 1e3, number(&case, "variance_of_difference") * 1e3, what);
    }
}
