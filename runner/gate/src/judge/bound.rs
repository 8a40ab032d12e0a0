//! From a bound as written to the exact number that a value is compared with.

use super::{
    measure::{Cell, Lack, SliceValues, Source},
    references,
};
use crate::{
    evidence::{Defaults, Evidence, Measurements, Reference as Measured},
    exact::Exact,
    grammar::{Better, Bound, Comparator, Gate, Quantity, Reference, Relation, Sign, Term, Test},
    metrics,
    unit::{Unit, convert, in_hundredths},
    verdict::ReferenceValue,
};

/// Why there is no bound.
#[derive(Debug, Clone)]
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

/// What the bounds of one rule are computed from. References are measured once for all slices.
pub(super) struct Bounds<'a> {
    term: &'a Term,
    evidence: &'a Evidence,
    /// What each reference of the rule measured on the slices of the term.
    references: Vec<(&'a Reference, Result<Vec<Cell>, NoBound>)>,
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

impl<'a> Bounds<'a> {
    pub(super) fn new(
        term: &'a Term,
        test: &'a Test,
        evidence: &'a Evidence,
        defaults: &Defaults,
        except: &[(String, Vec<String>)],
    ) -> Self {
        let mut bounds = Self { term, evidence, references: Vec::new() };
        for reference in references(test) {
            if !bounds.references.iter().any(|(known, _)| *known == reference) {
                let cells = bounds.reference_cells(reference, defaults, except);
                bounds.references.push((reference, cells));
            }
        }
        bounds
    }

    fn reference_cells(
        &self,
        reference: &Reference,
        defaults: &Defaults,
        except: &[(String, Vec<String>)],
    ) -> Result<Vec<Cell>, NoBound> {
        let measurements = measured(reference, self.evidence, defaults)?;
        let mut term = self.term.clone();
        if let Reference::Metric(metric) = reference {
            let (ours, theirs) = (unit_of(self.term, self.evidence), unit_of_metric(metric, self.evidence));
            if let (Some(ours), Some(theirs)) = (ours, theirs)
                && ours != theirs
            {
                return Err(format!("`{}` is in {ours}, but `{metric}` in {theirs}", self.term.metric).into());
            }
            term.metric.clone_from(metric);
        }
        let source = Source { measurements, baseline: None, except };
        source.cells(&term).map_err(|lack| unusable(reference, &term.metric, &lack))
    }

    /// Slices of the references that cells of the candidate do not have, with the name of the reference; under an
    /// aggregate those that it was made of. A metric of the candidate itself cannot lose slices.
    pub(super) fn vanished(&self, cells: &[Cell]) -> Vec<(SliceValues, &str)> {
        let mut lost: Vec<(SliceValues, &str)> = Vec::new();
        for (reference, found) in &self.references {
            let (false, Ok(found)) = (matches!(reference, Reference::Metric(_)), found) else { continue };
            if found.iter().zip(cells).all(|(theirs, ours)| theirs.is_mean_of_others(ours)) {
                continue;
            }
            let known: Vec<&SliceValues> = cells.iter().flat_map(Cell::slices).collect();
            for slice in found.iter().flat_map(Cell::slices) {
                if !known.contains(&slice) && !lost.iter().any(|(lost, _)| lost == slice) {
                    lost.push((slice.clone(), reference.name()));
                }
            }
        }
        lost
    }

    /// The bound for the cell with this slice.
    pub(super) fn resolve(&self, bound: &Bound, slice: &[(String, String)]) -> Result<Resolved, NoBound> {
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

    fn in_own_unit(&self, quantity: &Quantity) -> Result<Exact, String> {
        convert(&quantity.value, quantity.unit, &self.term.metric, unit_of(self.term, self.evidence))
    }

    /// A margin on `base` in the metric's unit.
    fn distance(&self, margin: &Quantity, base: &Exact, reference: &Reference) -> Result<Exact, String> {
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

    /// What a reference measured on a slice.
    pub(super) fn reference_cell(&self, reference: &Reference, slice: &[(String, String)]) -> Option<&Cell> {
        let (_, cells) = self.references.iter().find(|(known, _)| *known == reference)?;
        cells.as_ref().ok()?.iter().find(|cell| self.term.aggregate.is_some() || cell.slice == slice)
    }

    fn reference_value(&self, reference: &Reference, slice: &[(String, String)]) -> Result<Exact, NoBound> {
        let metric = if let Reference::Metric(metric) = reference { metric } else { &self.term.metric };
        let missing = || Lack::Missing(format!("`{metric}` was not measured on this slice"));
        let found = self.references.iter().find(|(known, _)| *known == reference).map(|(_, cells)| cells);
        let cells = match found {
            Some(Ok(cells)) => cells,
            Some(Err(no_bound)) => return Err(no_bound.clone()),
            None => return Err(unusable(reference, metric, &missing())),
        };
        // An aggregate is one number; which slice decided it differs from model to model.
        let cell = cells.iter().find(|cell| self.term.aggregate.is_some() || cell.slice == slice);
        let value = cell.ok_or_else(missing).and_then(|cell| cell.value.clone());
        value.map_err(|lack| unusable(reference, metric, &lack))
    }
}

/// Measurements of a reference that the candidate may be compared with.
pub(super) fn measured<'e>(
    reference: &Reference,
    evidence: &'e Evidence,
    defaults: &Defaults,
) -> Result<&'e Measurements, NoBound> {
    let name = reference.name();
    let measured = match reference {
        Reference::Baseline => &evidence.references.baseline,
        Reference::Anchor => &evidence.references.anchor,
        Reference::Previous => &evidence.references.previous,
        Reference::Metric(_) => return Ok(&evidence.candidate),
    };
    let measurements = match measured {
        Measured::Measured(measurements) => measurements,
        Measured::Unreadable(reason) => return Err(format!("the {name} cannot be read: {reason}").into()),
        Measured::Absent if defaults.rubber_stamp && *reference != Reference::Anchor => {
            return Err(NoBound::RubberStamp);
        }
        Measured::Absent => return Err(format!("there is no {name} to compare with").into()),
    };
    comparable(name, &evidence.candidate, measurements)?;
    Ok(measurements)
}

/// The comparator and the bound that a rule of the mapping form stands for.
pub(super) fn directed(
    (gate, metric, evidence): (&Gate, &str, &Evidence),
    relation: Relation,
    reference: &Reference,
    margin: &Quantity,
) -> Result<(Comparator, Bound), String> {
    let better = gate
        .settings
        .better
        .or_else(|| evidence.better.get(metric).copied())
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

fn unusable(reference: &Reference, metric: &str, lack: &Lack) -> NoBound {
    NoBound::Unusable(format!("{}: {}", reference.name(), with_subject(metric, lack)))
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
    if let (Some(ours), Some(theirs)) = (&candidate.definitions, &reference.definitions)
        && ours != theirs
    {
        return Err(format!(
            "not comparable: the candidate was measured by version {ours} of the metrics' definitions, the {name} by version {theirs}"
        ));
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
    // Where nothing says that the rows are the same, equal ids are not enough: other labels make them other rows.
    if candidate.test_set_digest.is_none()
        && let (Some(ours), Some(theirs)) = (&candidate.predictions, &reference.predictions)
        && !std::sync::Arc::ptr_eq(ours, theirs)
        && let Some(id) = metrics::other_label(ours, theirs)
    {
        return Err(format!("not comparable: the label of id `{id}` differs in the {name}"));
    }
    Ok(())
}

/// A reason with the metric's name, unless it has it already.
fn with_subject(metric: &str, lack: &Lack) -> String {
    let reason = lack.reason();
    if reason.contains(&format!("`{metric}`")) { reason.to_owned() } else { format!("{metric}: {reason}") }
}
