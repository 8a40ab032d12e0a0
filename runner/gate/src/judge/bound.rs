//! From a bound as written to the exact number that a value is compared with.

use super::measure::{Lack, Source};
use crate::{
    evidence::{Defaults, Evidence, Measurements, Reference as Measured},
    exact::Exact,
    grammar::{Better, Bound, Comparator, Gate, Quantity, Reference, Relation, Selector, Sign, Slice, Term},
    metrics,
    unit::{Unit, convert, in_hundredths},
    verdict::ReferenceValue,
};

/// Why there is no bound.
pub(super) enum NoBound {
    /// It cannot be computed.
    Unusable(String),
    /// There has never been a baseline, and that is allowed.
    RubberStamp,
}

impl From<String> for NoBound {
    fn from(reason: String) -> Self {
        Self::Unusable(reason)
    }
}

/// A bound as a number.
pub(super) struct Resolved {
    pub(super) value: Exact,
    pub(super) reference: Option<ReferenceValue>,
}

/// What bounds of one rule are computed from.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) term: &'a Term,
    pub(super) evidence: &'a Evidence,
    pub(super) defaults: &'a Defaults,
}

/// Unit of what a term yields, where it is known.
pub(super) fn unit_of<'e>(term: &Term, evidence: &'e Evidence) -> Option<&'e str> {
    if term.aggregate == Some(crate::grammar::Aggregate::Count) {
        return Some("slices");
    }
    unit_of_metric(&term.metric, evidence)
}

fn unit_of_metric<'e>(metric: &str, evidence: &'e Evidence) -> Option<&'e str> {
    evidence
        .units
        .get(metric)
        .map(String::as_str)
        .or_else(|| metrics::is_fraction(metric).then_some("fraction"))
}

impl Bounds<'_> {
    /// The bound for the cell with this slice.
    pub(super) fn resolve(self, bound: &Bound, slice: &[(String, String)]) -> Result<Resolved, NoBound> {
        match bound {
            Bound::Constant(quantity) => Ok(Resolved { value: self.in_own_unit(quantity)?, reference: None }),
            Bound::Relative { reference, margin } => {
                let base = self.reference_value(reference, slice)?;
                let value = match margin {
                    None => base.clone(),
                    Some((sign, margin)) => {
                        let distance = self.distance(margin, &base, reference)?;
                        if *sign == Sign::Plus { base.plus(&distance) } else { base.minus(&distance) }
                    }
                };
                let reference =
                    ReferenceValue { name: reference.name().to_owned(), value: Some(base.to_f64()) };
                Ok(Resolved { value, reference: Some(reference) })
            }
        }
    }

    fn in_own_unit(self, quantity: &Quantity) -> Result<Exact, String> {
        convert(&quantity.value, quantity.unit, &self.term.metric, unit_of(self.term, self.evidence))
    }

    /// A margin on `base` in the metric's unit.
    fn distance(self, margin: &Quantity, base: &Exact, reference: &Reference) -> Result<Exact, String> {
        if margin.unit != Some(Unit::Percent) {
            return self.in_own_unit(margin);
        }
        if base.is_zero() {
            let name = reference.name();
            return Err(format!(
                "{margin} of {name} is nothing, because {name} is 0: give an absolute margin"
            ));
        }
        Ok(in_hundredths(&margin.value.times(&base.abs())))
    }

    fn reference_value(self, reference: &Reference, slice: &[(String, String)]) -> Result<Exact, NoBound> {
        let name = reference.name();
        let (measurements, metric) = match reference {
            Reference::Metric(metric) => (&self.evidence.candidate, metric),
            _ => (self.measured(reference)?, &self.term.metric),
        };
        if let Reference::Metric(metric) = reference {
            let (ours, theirs) = (unit_of(self.term, self.evidence), unit_of_metric(metric, self.evidence));
            if let (Some(ours), Some(theirs)) = (ours, theirs)
                && ours != theirs
            {
                let reason = format!("`{}` is in {ours}, but `{metric}` in {theirs}", self.term.metric);
                return Err(reason.into());
            }
        }
        // The same slice; an aggregate goes over the same columns.
        let slices = if self.term.aggregate.is_some() {
            self.term.slices.clone()
        } else {
            let fixed = |(column, value): &(String, String)| Slice {
                column: column.clone(),
                selector: Selector::Value(value.clone()),
            };
            slice.iter().map(fixed).collect()
        };
        let term = Term { aggregate: self.term.aggregate, metric: metric.clone(), slices };
        let source = Source { measurements, baseline: None, except: &[] };
        let unusable = |lack: &Lack| NoBound::Unusable(format!("{name}: {}", with_subject(metric, lack)));
        let cells = source.cells(&term).map_err(|lack| unusable(&lack))?;
        let Some(cell) = cells.first() else {
            return Err(format!("{name}: `{metric}` was not measured").into());
        };
        cell.value.clone().map_err(|lack| unusable(&lack))
    }

    /// Measurements of a reference that the candidate may be compared with.
    pub(super) fn measured(&self, reference: &Reference) -> Result<&Measurements, NoBound> {
        let name = reference.name();
        let measured = match reference {
            Reference::Baseline => &self.evidence.references.baseline,
            Reference::Anchor => &self.evidence.references.anchor,
            Reference::Previous => &self.evidence.references.previous,
            Reference::Metric(_) => return Ok(&self.evidence.candidate),
        };
        let measurements = match measured {
            Measured::Measured(measurements) => measurements,
            Measured::Unreadable(reason) => return Err(format!("the {name} cannot be read: {reason}").into()),
            Measured::Absent if self.defaults.rubber_stamp && *reference != Reference::Anchor => {
                return Err(NoBound::RubberStamp);
            }
            Measured::Absent => return Err(format!("there is no {name} to compare with").into()),
        };
        comparable(name, &self.evidence.candidate, measurements)?;
        Ok(measurements)
    }

    /// The comparator and the bound that a rule of the mapping form stands for.
    pub(super) fn directed(
        self,
        gate: &Gate,
        relation: Relation,
        reference: &Reference,
        margin: &Quantity,
    ) -> Result<(Comparator, Bound), String> {
        let metric = &self.term.metric;
        let better = gate
            .settings
            .better
            .or_else(|| self.evidence.better.get(metric).copied())
            .or_else(|| metrics::better(metric))
            .ok_or_else(|| {
                format!(
                    "it is not known whether a higher `{metric}` is better; declare it: \
                     `metrics: {{ {metric}: {{ better: higher }} }}`"
                )
            })?;
        let gains = relation != Relation::NoWorseThan;
        let strict = relation == Relation::ImproveBy && margin.value.is_zero();
        let bounded_above = (better == Better::Lower) != (relation == Relation::AtMostBetterThan);
        let comparator = match (bounded_above, strict) {
            (false, false) => Comparator::AtLeast,
            (false, true) => Comparator::Above,
            (true, false) => Comparator::AtMost,
            (true, true) => Comparator::Below,
        };
        let sign = if (better == Better::Higher) == gains { Sign::Plus } else { Sign::Minus };
        let margin = (!margin.value.is_zero()).then(|| (sign, margin.clone()));
        Ok((comparator, Bound::Relative { reference: reference.clone(), margin }))
    }
}

/// Numbers of two models can be compared only if both were scored on the same rows.
fn comparable(name: &str, candidate: &Measurements, reference: &Measurements) -> Result<(), String> {
    match (&candidate.test_set_digest, &reference.test_set_digest) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            return Err(format!(
                "not comparable: the candidate was scored on {ours}, the {name} on {theirs}"
            ));
        }
        (Some(ours), None) => {
            return Err(format!(
                "not comparable: the candidate was scored on {ours}, the {name} on unknown data"
            ));
        }
        (None, Some(theirs)) => {
            return Err(format!(
                "not comparable: the candidate was scored on unknown data, the {name} on {theirs}"
            ));
        }
        _ => {}
    }
    if let (Some(ours), Some(theirs)) = (&candidate.predictions, &reference.predictions)
        && !std::sync::Arc::ptr_eq(ours, theirs)
        && let Some(id) = ours.foreign_id(theirs)
    {
        let (n, m) = (ours.rows(), theirs.rows());
        return Err(format!(
            "not comparable: the candidate was scored on {n} ids, the {name} on {m}, and only one of them has id `{id}`"
        ));
    }
    Ok(())
}

/// A reason with the metric's name, unless it has it already.
fn with_subject(metric: &str, lack: &Lack) -> String {
    let reason = lack.reason();
    if reason.contains(&format!("`{metric}`")) { reason.to_owned() } else { format!("{metric}: {reason}") }
}
