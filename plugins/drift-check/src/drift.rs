//! How far a column has drifted from the reference, and whether that is too far.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{
    bins::Bins,
    column::{Column, Values},
    statistics::{self, Test},
};

/// Categories beyond these, by frequency in the reference, are counted together.
const CATEGORIES: usize = 50;

/// A measure of how far two distributions are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Population stability index.
    Psi,
    /// Jensen-Shannon distance.
    Js,
    /// Kolmogorov-Smirnov statistic D, numeric columns only.
    Ks,
    /// Cramér's V, categorical columns only.
    CramersV,
}

impl Method {
    /// The name of its metric.
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Psi => "psi",
            Self::Js => "js",
            Self::Ks => "ks",
            Self::CramersV => "cramers_v",
        }
    }
}

/// From where on a measure counts as drift.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Thresholds {
    /// For [`Method::Psi`].
    pub psi: f64,
    /// For [`Method::Js`].
    pub js: f64,
    /// For [`Method::Ks`].
    pub ks: f64,
    /// For [`Method::CramersV`].
    pub cramers_v: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { psi: 0.2, js: 0.2, ks: 0.2, cramers_v: 0.2 }
    }
}

impl Thresholds {
    /// The threshold of one measure.
    pub const fn of(&self, method: Method) -> f64 {
        match method {
            Method::Psi => self.psi,
            Method::Js => self.js,
            Method::Ks => self.ks,
            Method::CramersV => self.cramers_v,
        }
    }
}

/// One column's comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// The column's name.
    pub column: String,
    /// Whether its values are numbers.
    pub numeric: bool,
    /// Each measure and its value.
    pub measures: Vec<(Method, f64)>,
    /// The test that belongs to the column's sort: Kolmogorov-Smirnov or chi-square. For information.
    pub test: Option<(&'static str, f64, f64)>,
    /// Share of rows without a value, in the reference and in the data.
    pub missing: (f64, f64),
    /// Rows in the reference and in the data.
    pub rows: (u64, u64),
    /// What the stability index would be on average from chance alone with this many rows and bins.
    pub expected_psi: f64,
    /// Whether any of the deciding methods measures the column; where none does, nothing is known of its drift.
    pub measured: bool,
    /// The measures that reach their threshold.
    pub over: Vec<Method>,
}

impl Drift {
    /// Whether the column has drifted; `None` where that was not measured.
    pub fn drifted(&self) -> Option<bool> {
        self.measured.then_some(!self.over.is_empty())
    }
}

/// Compares a column of the data with the same column of the reference. `bins` is for numeric columns; `methods`
/// decide whether the column has drifted.
pub fn compare(
    reference: &Column,
    data: &Column,
    bins: usize,
    methods: &[Method],
    thresholds: &Thresholds,
) -> Drift {
    let (mut left, mut right, measure, test) = match (&reference.values, &data.values) {
        (Values::Numbers(left), Values::Numbers(right)) => {
            let bins = Bins::cut(left, bins);
            let test = statistics::kolmogorov_smirnov(left, right);
            (
                bins.histogram(left),
                bins.histogram(right),
                test.map(|test| (Method::Ks, test.statistic)),
                named("ks", test),
            )
        }
        (left, right) => {
            let (left, right) = counts(&categories(left), &categories(right));
            let association = statistics::chi_square(&left, &right);
            (
                left,
                right,
                association.map(|association| (Method::CramersV, association.cramers_v)),
                named("chi_square", association.map(|association| association.chi_square)),
            )
        }
    };
    // A change in how often there is no value at all is drift too: rows without one are a bin of their own.
    left.push(reference.missing);
    right.push(data.missing);
    let mut measures = vec![
        (Method::Psi, statistics::stability_index(&left, &right)),
        (Method::Js, statistics::jensen_shannon(&left, &right)),
    ];
    measures.extend(measure);
    let decided = measures.iter().any(|(method, _)| methods.contains(method));
    let over = measures
        .iter()
        .filter(|(method, value)| methods.contains(method) && *value >= thresholds.of(*method))
        .map(|(method, _)| *method)
        .collect();
    let rows = (reference.rows(), data.rows());
    let filled = left.iter().zip(&right).filter(|(left, right)| **left + **right > 0).count();
    let share = |column: &Column, rows: u64| column.missing as f64 / rows.max(1) as f64;
    Drift {
        column: reference.name.clone(),
        numeric: matches!(reference.values, Values::Numbers(_)),
        measures,
        test,
        missing: (share(reference, rows.0), share(data, rows.1)),
        rows,
        // E[PSI] ≈ (bins − 1)(1/n + 1/m) without drift (Yurdakul, Statistical Properties of the PSI, 2018).
        expected_psi: filled.saturating_sub(1) as f64
            * (1.0 / rows.0.max(1) as f64 + 1.0 / rows.1.max(1) as f64),
        measured: decided,
        over,
    }
}

fn named(name: &'static str, test: Option<Test>) -> Option<(&'static str, f64, f64)> {
    test.map(|test| (name, test.statistic, test.p_value))
}

fn categories(values: &Values) -> HashMap<String, u64> {
    match values {
        Values::Categories(counts) => counts.clone(),
        // Not reached by tables that were read alike; numbers are categories as well as any text.
        Values::Numbers(numbers) => {
            let mut counts = HashMap::new();
            for number in numbers {
                *counts.entry(number.to_string()).or_insert(0) += 1;
            }
            counts
        }
    }
}

/// Counts per category, in a fixed order: the reference's most frequent ones, the data's new ones, then the others
/// together.
fn counts(left: &HashMap<String, u64>, right: &HashMap<String, u64>) -> (Vec<u64>, Vec<u64>) {
    let mut names: Vec<&String> =
        left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))).collect();
    let count = |counts: &HashMap<String, u64>, name: &String| counts.get(name).copied().unwrap_or(0);
    names.sort_by(|first, second| {
        let key = |name: &String| (count(left, name), count(right, name));
        key(second).cmp(&key(first)).then_with(|| first.cmp(second))
    });
    let (kept, others) = names.split_at(names.len().min(CATEGORIES));
    let collect = |counts: &HashMap<String, u64>| {
        let mut numbers: Vec<u64> = kept.iter().map(|name| count(counts, name)).collect();
        numbers.push(others.iter().map(|name| count(counts, name)).sum());
        numbers
    };
    (collect(left), collect(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: impl IntoIterator<Item = f64>, missing: u64) -> Column {
        Column { name: "x".into(), values: Values::Numbers(values.into_iter().collect()), missing }
    }

    fn measure(drift: &Drift, method: Method) -> f64 {
        drift.measures.iter().find(|(known, _)| *known == method).unwrap().1
    }

    #[test]
    fn a_shift_is_over_the_threshold() {
        let reference = numbers((0..1000).map(f64::from), 0);
        let same = compare(&reference, &reference, 10, &[Method::Psi], &Thresholds::default());
        assert!(same.over.is_empty());
        assert!(measure(&same, Method::Psi).abs() < 1e-12);
        let shifted = numbers((300..1300).map(f64::from), 0);
        let drift = compare(&reference, &shifted, 10, &[Method::Psi, Method::Ks], &Thresholds::default());
        assert_eq!(drift.over, [Method::Psi, Method::Ks]);
        assert!((measure(&drift, Method::Ks) - 0.3).abs() < 1e-12);
    }

    #[test]
    fn values_that_go_missing_are_drift() {
        let reference = numbers((0..1000).map(f64::from), 0);
        let half = numbers((0..500).map(|value| f64::from(value * 2)), 500);
        let drift = compare(&reference, &half, 10, &[Method::Psi], &Thresholds::default());
        assert_eq!(drift.over, [Method::Psi]);
        assert!((drift.missing.1 - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_tiny_shift_of_a_million_rows_is_significant_and_no_drift() {
        let reference = numbers((0..1_000_000).map(f64::from), 0);
        let shifted = numbers((5_000..1_005_000).map(f64::from), 0);
        let drift =
            compare(&reference, &shifted, 10, &[Method::Psi, Method::Js, Method::Ks], &Thresholds::default());
        assert!(drift.test.unwrap().2 < 1e-9, "{drift:?}");
        assert!(drift.over.is_empty(), "{drift:?}");
    }

    #[test]
    fn a_new_category_is_seen() {
        let column = |counts: &[(&str, u64)]| Column {
            name: "c".into(),
            values: Values::Categories(
                counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
            ),
            missing: 0,
        };
        let drift = compare(
            &column(&[("a", 50), ("b", 50)]),
            &column(&[("a", 30), ("b", 30), ("c", 40)]),
            10,
            &[Method::CramersV],
            &Thresholds::default(),
        );
        assert_eq!(drift.over, [Method::CramersV]);
        assert!(!drift.numeric);
    }
}
