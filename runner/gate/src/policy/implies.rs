//! When one rule is at least as strict as another, for every evidence.

use std::cmp::Ordering;

use super::canonical;
use crate::{
    exact::Exact,
    grammar::{Bound, Comparator, Gate, Quantity, Reference, Relation, Rule, Sign, Term, Test},
    unit::Unit,
};

/// A rule with one bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constraint {
    term: Term,
    test: Single,
}

#[derive(Debug, Clone, PartialEq)]
enum Single {
    Compare(Comparator, Bound),
    Relative(Relation, Reference, Quantity),
}

/// The rules of a gate, with `within` as its two ends.
pub(super) fn constraints(gate: &Gate) -> Vec<Constraint> {
    gate.rules.iter().flat_map(constraints_of).collect()
}

/// The same of one rule.
pub(super) fn constraints_of(rule: &Rule) -> Vec<Constraint> {
    let term = canonical(&rule.term);
    let one = |test| Constraint { term: term.clone(), test };
    match &rule.test {
        Test::Compare { comparator, bound } => vec![one(Single::Compare(*comparator, bound.clone()))],
        Test::Within { lower, upper } => vec![
            one(Single::Compare(Comparator::AtLeast, lower.clone())),
            one(Single::Compare(Comparator::AtMost, upper.clone())),
        ],
        Test::Relative { relation, reference, margin } => {
            vec![one(Single::Relative(*relation, reference.clone(), margin.clone()))]
        }
    }
}

impl Constraint {
    /// Whether whatever meets this meets `other`, and whatever cannot be judged by `other` cannot by this.
    pub(super) fn implies(&self, other: &Self) -> bool {
        if self.term != other.term {
            return false;
        }
        match (&self.test, &other.test) {
            (Single::Compare(comparator, bound), Single::Compare(wanted, other)) => {
                let Some(order) = compare_bounds(bound, other) else { return false };
                compares(*comparator, *wanted, order)
            }
            (Single::Relative(relation, reference, margin), Single::Relative(wanted, other, old)) => {
                if relation != wanted || reference != other {
                    return false;
                }
                let Some(order) = compare_margins(margin, old) else { return false };
                match relation {
                    Relation::NoWorseThan | Relation::AtMostBetterThan => order.is_le(),
                    Relation::ImproveBy => order.is_ge(),
                }
            }
            _ => false,
        }
    }
}

/// Whether `x cmp a` gives `x wanted b`, with `order` that of `a` and `b`.
fn compares(comparator: Comparator, wanted: Comparator, order: Ordering) -> bool {
    use Comparator::{Above, AtLeast, AtMost, Below, Equal};
    match (comparator, wanted) {
        (AtLeast | Above | Equal, AtLeast) | (Above, Above) => order.is_ge(),
        (AtLeast | Equal, Above) => order.is_gt(),
        (AtMost | Below | Equal, AtMost) | (Below, Below) => order.is_le(),
        (AtMost | Equal, Below) => order.is_lt(),
        (Equal, Equal) => order.is_eq(),
        _ => false,
    }
}

/// The order of two bounds that holds whatever the references are; none where there is none.
fn compare_bounds(a: &Bound, b: &Bound) -> Option<Ordering> {
    match (a, b) {
        (Bound::Constant(a), Bound::Constant(b)) => compare_quantities(a, b),
        (
            Bound::Relative { reference, margin },
            Bound::Relative { reference: other_reference, margin: other },
        ) => {
            if reference != other_reference {
                return None;
            }
            match (margin, other) {
                (None, None) => Some(Ordering::Equal),
                (None, Some((sign, other))) => {
                    compare_margins(&zero(), other)?;
                    Some(Exact::integer(0).cmp(&signed(*sign, other)))
                }
                (Some((sign, quantity)), None) => Some(signed(*sign, quantity).cmp(&Exact::integer(0))),
                (Some((sign, quantity)), Some((other_sign, other))) => {
                    compare_margins(quantity, other)?;
                    Some(signed(*sign, quantity).cmp(&signed(*other_sign, other)))
                }
            }
        }
        _ => None,
    }
}

/// The size of a margin with its sign, in the smallest unit of its kind.
fn signed(sign: Sign, quantity: &Quantity) -> Exact {
    let size = quantity.unit.map_or(1, Unit::size);
    let value = quantity.value.times(&Exact::integer(size));
    if sign == Sign::Minus { Exact::integer(0).minus(&value) } else { value }
}

fn zero() -> Quantity {
    Quantity { text: "0".to_owned(), value: Exact::integer(0), unit: None }
}

/// The order of a margin and an older one. A margin of nothing is less than any other, but for a share of a reference,
/// which cannot be judged where the reference is 0.
fn compare_margins(new: &Quantity, old: &Quantity) -> Option<Ordering> {
    if (new.value.is_zero() && old.unit != Some(Unit::Percent)) || old.value.is_zero() && old.unit.is_none() {
        return Some(new.value.cmp(&old.value));
    }
    compare_quantities(new, old)
}

/// The order of two quantities in the same unit or in units of the same thing. A number without a unit is in the
/// metric's own, which is not known here. `%` and `pp` differ: as a margin the one is a share of the reference.
fn compare_quantities(a: &Quantity, b: &Quantity) -> Option<Ordering> {
    match (a.unit, b.unit) {
        (None, None) => Some(a.value.cmp(&b.value)),
        (Some(unit), Some(other)) if unit == other => Some(a.value.cmp(&b.value)),
        (Some(unit), Some(other)) if unit.is_absolute_like(other) => {
            let sized = |quantity: &Quantity, unit: Unit| quantity.value.times(&Exact::integer(unit.size()));
            Some(sized(a, unit).cmp(&sized(b, other)))
        }
        _ => None,
    }
}
