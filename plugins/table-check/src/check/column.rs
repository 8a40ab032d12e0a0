//! One column under check.

use runner_plugin_sdk::{Finding, Severity};

use super::{
    Nulls, bounds_text,
    ordered::{OrderedCheck, Scalar, Side},
    plural,
    text::TextCheck,
    unique::Unique,
    violations::Violations,
};
use crate::{
    schema::{Bounds, Column, Monotone, Ordered, Rules},
    value::{self, Value},
};

pub(super) struct ColumnCheck {
    column: Column,
    /// How the column is stored, where the format knows.
    stored: Option<String>,
    common: Common,
    checks: Checks,
}

/// What is counted for every type.
#[derive(Default)]
struct Common {
    present: u64,
    nulls: Violations,
    wrong_type: Violations,
}

enum Checks {
    Integer(OrderedCheck<i64>),
    Number(OrderedCheck<f64>),
    Date(OrderedCheck<i64>),
    Timestamp(OrderedCheck<i64>),
    Boolean(Option<Unique>),
    Text(TextCheck),
}

impl ColumnCheck {
    pub(super) fn new(column: Column, stored: Option<String>) -> Self {
        let unique = column.unique;
        let checks = match column.rules.clone() {
            Rules::Integer(rules) => Checks::Integer(ordered(rules, unique)),
            Rules::Number(rules) => Checks::Number(ordered(rules, unique)),
            Rules::Date(rules) => Checks::Date(ordered(rules, unique)),
            Rules::Timestamp(rules) => Checks::Timestamp(ordered(rules, unique)),
            Rules::Boolean => Checks::Boolean(unique.then(Unique::default)),
            Rules::String(rules) => Checks::Text(TextCheck::new(rules, unique)),
        };
        Self { column, stored, common: Common::default(), checks }
    }

    pub(super) fn name(&self) -> &str {
        &self.column.name
    }

    /// Share of missing values; `None` without rows.
    pub(super) fn null_share(&self) -> Option<f64> {
        let rows = self.common.present + self.common.nulls.count;
        (rows > 0).then(|| self.common.nulls.count as f64 / rows as f64)
    }

    /// Takes in cells of a CSV file. The type is chosen once per batch, so that each loop is a tight one.
    pub(super) fn texts<'a>(
        &mut self,
        cells: impl Iterator<Item = (u64, &'a [u8])>,
        nulls: &Nulls,
        budget: &mut usize,
    ) {
        let common = &mut self.common;
        match &mut self.checks {
            Checks::Integer(check) => scalars(cells, nulls, budget, common, check, value::integer),
            Checks::Number(check) => scalars(cells, nulls, budget, common, check, value::number),
            Checks::Date(check) => scalars(cells, nulls, budget, common, check, value::date),
            Checks::Timestamp(check) => scalars(cells, nulls, budget, common, check, value::timestamp),
            Checks::Boolean(unique) => {
                for (row, text) in present(cells, nulls, &mut common.nulls) {
                    common.present += 1;
                    match (value::boolean(text), unique.as_mut()) {
                        (None, _) => common.wrong_type.add(row, || show(text)),
                        (Some(value), Some(unique)) => {
                            unique.bits(row, u64::from(value), budget, || value.to_string());
                        }
                        (Some(_), None) => {}
                    }
                }
            }
            Checks::Text(check) => {
                for (row, text) in present(cells, nulls, &mut common.nulls) {
                    common.present += 1;
                    check.see(row, text, budget, || show(text));
                }
            }
        }
    }

    /// Takes in one value of a typed table.
    pub(super) fn value(&mut self, row: u64, value: Option<Value<'_>>, budget: &mut usize) {
        let Some(value) = value else {
            self.common.nulls.add(row, || "missing".to_owned());
            return;
        };
        self.common.present += 1;
        let show = || value.to_string();
        match (&mut self.checks, &value) {
            (Checks::Integer(check), Value::Integer(number)) => check.see(row, *number, budget, show),
            (Checks::Integer(check), Value::Number(number))
                if number.fract() == 0.0 && number.abs() < 9e15 =>
            {
                // Whole numbers with missing values are often stored as floating point.
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "whole and within what f64 holds exactly"
                )]
                check.see(row, *number as i64, budget, show);
            }
            (Checks::Number(check), Value::Integer(number)) => check.see(row, *number as f64, budget, show),
            (Checks::Number(check), Value::Number(number)) if number.is_finite() => {
                check.see(row, *number, budget, show);
            }
            (Checks::Date(check), Value::Date(days)) => check.see(row, *days, budget, show),
            (Checks::Timestamp(check), Value::Timestamp(micros)) => check.see(row, *micros, budget, show),
            (Checks::Boolean(unique), Value::Boolean(value)) => {
                if let Some(unique) = unique {
                    unique.bits(row, u64::from(*value), budget, show);
                }
            }
            (Checks::Text(check), Value::Text(text)) if std::str::from_utf8(text).is_ok() => {
                check.see(row, text, budget, show);
            }
            _ => self.common.wrong_type.add(row, show),
        }
    }

    /// Judges every rule of the column.
    pub(super) fn findings(&mut self) -> Vec<Finding> {
        let column = &self.column;
        let mut verdicts = Verdicts { column, present: self.common.present, findings: Vec::new() };
        let rows = self.common.present + self.common.nulls.count;
        let nulls = std::mem::take(&mut self.common.nulls);
        verdicts.nulls(nulls, rows);
        let stored = self.stored.as_ref().map(|stored| format!(" (stored as {stored})")).unwrap_or_default();
        let wrong_type = std::mem::take(&mut self.common.wrong_type);
        let kind = column.rules.name();
        verdicts.rows("type", wrong_type, &format!("no {kind}{stored}"));
        match &mut self.checks {
            Checks::Integer(check) => verdicts.numeric(check, |value| value.to_string()),
            Checks::Number(check) => verdicts.numeric(check, |value| value.to_string()),
            Checks::Date(check) => verdicts.ordered(check, value::date_text),
            Checks::Timestamp(check) => verdicts.ordered(check, value::timestamp_text),
            Checks::Boolean(unique) => verdicts.unique(unique.take()),
            Checks::Text(check) => verdicts.text(check),
        }
        verdicts.findings
    }
}

/// A strictly monotone column is unique, so nothing needs to be remembered for it.
fn ordered<T: Scalar>(rules: Ordered<T>, unique: bool) -> OrderedCheck<T> {
    let strict = matches!(rules.monotone, Some(Monotone::StrictlyIncreasing | Monotone::StrictlyDecreasing));
    OrderedCheck::new(rules, unique && !strict)
}

fn scalars<'a, T: Scalar>(
    cells: impl Iterator<Item = (u64, &'a [u8])>,
    nulls: &Nulls,
    budget: &mut usize,
    common: &mut Common,
    check: &mut OrderedCheck<T>,
    parse: impl Fn(&[u8]) -> Option<T>,
) {
    for (row, text) in present(cells, nulls, &mut common.nulls) {
        common.present += 1;
        match parse(text) {
            Some(value) => check.see(row, value, budget, || show(text)),
            None => common.wrong_type.add(row, || show(text)),
        }
    }
}

/// The cells that hold a value; the others are counted.
fn present<'a>(
    cells: impl Iterator<Item = (u64, &'a [u8])>,
    nulls: &Nulls,
    missing: &mut Violations,
) -> impl Iterator<Item = (u64, &'a [u8])> {
    cells.filter(move |(row, text)| {
        let null = nulls.contains(text);
        if null {
            missing.add(*row, || show(text));
        }
        !null
    })
}

fn show(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// Findings of one column in the making.
struct Verdicts<'a> {
    column: &'a Column,
    present: u64,
    findings: Vec<Finding>,
}

impl Verdicts<'_> {
    fn add(&mut self, finding: Finding) {
        self.findings.push(finding.column(&self.column.name));
    }

    fn nulls(&mut self, nulls: Violations, rows: u64) {
        if rows == 0 {
            if !self.column.null_share.is_open() {
                let bounds = bounds_text(self.column.null_share);
                let message = format!(
                    "there is no row to take the share of missing values of, which is to be {bounds}"
                );
                self.add(Finding::new(Severity::Error, "null-share", message));
            }
            return;
        }
        let share = nulls.count as f64 / rows as f64;
        if self.column.required && nulls.count > 0 {
            let message = format!("{} of {rows} values {} missing", nulls.count, is(nulls.count));
            self.add(nulls.finding(Severity::Error, "required", message));
        } else if !self.column.null_share.hold(share) {
            let bounds = bounds_text(self.column.null_share);
            let message = format!("the share of missing values is {share:.4}, not {bounds}");
            self.add(nulls.finding(Severity::Error, "null-share", message));
        }
    }

    /// Judges a rule that each value keeps or breaks. `what` completes "3 of 10 values …".
    fn rows(&mut self, rule: &'static str, violations: Violations, what: &str) {
        if violations.count == 0 {
            return;
        }
        let wanted = self.column.mostly(rule);
        let kept = 1.0 - violations.count as f64 / self.present as f64;
        let verb = is(violations.count);
        let mut message = format!(
            "{} of {} {} {verb} {what}",
            violations.count,
            self.present,
            plural(self.present, "value")
        );
        let severity = if kept >= wanted { Severity::Info } else { Severity::Error };
        if wanted < 1.0 {
            let relation = if kept >= wanted { "within" } else { "against" };
            message = format!("{message}; {kept:.4} keep the rule, {relation} `mostly: {wanted}`");
        }
        self.add(violations.finding(severity, rule, message));
    }

    fn unique(&mut self, unique: Option<Unique>) {
        let Some(unique) = unique else { return };
        let (gave_up, distinct) = (unique.gave_up, unique.distinct());
        self.rows("unique", unique.repeated, "repeated");
        if let Some(row) = gave_up {
            let message = format!(
                "whether values repeat could not be told from row {row} on: {distinct} distinct values fill the \
                 memory set aside; raise `unique-budget` (19 bytes a value) or drop the rule"
            );
            self.add(Finding::new(Severity::Error, "unique", message));
        }
    }

    fn ordered<T: Scalar>(&mut self, check: &mut OrderedCheck<T>, show: impl Fn(T) -> String) {
        let bounds = Bounds { min: check.rules.range.min.map(&show), max: check.rules.range.max.map(&show) };
        let bounds = bounds_text(bounds);
        self.rows("range", std::mem::take(&mut check.range), &format!("outside {bounds}"));
        let members = listed(check.rules.set.iter().map(|member| show(*member)));
        self.rows("set", std::mem::take(&mut check.set), &format!("none of {members}"));
        if let Some(monotone) = check.rules.monotone {
            let name = monotone.name();
            self.rows(
                "monotone",
                std::mem::take(&mut check.monotone),
                &format!("not {name} after the value before"),
            );
        }
        self.unique(check.unique.take());
    }

    fn numeric<T: Scalar>(&mut self, check: &mut OrderedCheck<T>, show: impl Fn(T) -> String) {
        self.ordered(check, show);
        let count = self.present.saturating_sub(self.wrong_type());
        let wanted = check.rules.mean;
        if !wanted.is_open() && count == 0 {
            let message =
                format!("there is no value to take the mean of, which is to be {}", bounds_text(wanted));
            self.add(Finding::new(Severity::Error, "mean", message));
        } else if !wanted.is_open() {
            let mean = check.sum.total() / count as f64;
            if !wanted.hold(mean) {
                let message = format!("the mean is {mean}, not {}", bounds_text(wanted));
                self.add(Finding::new(Severity::Error, "mean", message).count(count));
            }
        }
        for quantile in &check.quantiles {
            let (side, shown, bound) = match quantile.side() {
                Side::Within => continue,
                Side::Unknown => {
                    let message = format!(
                        "there is no value to take the {} quantile of, which is to be {}",
                        quantile.share,
                        bounds_text(quantile.bounds)
                    );
                    self.add(Finding::new(Severity::Error, "quantile", message));
                    continue;
                }
                Side::Below { below_min } => ("below", below_min, quantile.bounds.min),
                Side::Above { above_max } => ("above", above_max, quantile.bounds.max),
            };
            let message = format!(
                "the {} quantile is {side} {}: {shown} of {count} values are",
                quantile.share,
                bound.unwrap_or_default()
            );
            self.add(Finding::new(Severity::Error, "quantile", message).count(shown));
        }
    }

    /// Values that the numeric rules have not seen.
    fn wrong_type(&self) -> u64 {
        self.findings.iter().filter(|finding| finding.rule == "type").map(|finding| finding.count).sum()
    }

    fn text(&mut self, check: &mut TextCheck) {
        let members = listed(check.rules.set.iter().cloned());
        self.rows("set", std::mem::take(&mut check.set), &format!("none of {members}"));
        let pattern = check.rules.regex.as_ref().map(|regex| regex.as_str().to_owned()).unwrap_or_default();
        self.rows("regex", std::mem::take(&mut check.regex), &format!("without a match of `{pattern}`"));
        let bounds = bounds_text(check.rules.length);
        self.rows("length", std::mem::take(&mut check.length), &format!("with a length outside {bounds}"));
        self.unique(check.unique.take());
    }
}

fn is(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// The first few members of a set, in words.
fn listed(members: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 8;
    let mut members: Vec<_> = members.take(SHOWN + 1).collect();
    if members.len() > SHOWN {
        members.truncate(SHOWN);
        members.push("…".to_owned());
    }
    members.join(", ")
}
