//! Judges one rule on each of its slices.

use super::{
    bound::{Bounds, NoBound, Resolved, directed, measured, unit_of},
    measure::{Cell, Lack, Source},
    wording,
};
use crate::{
    evidence::{Defaults, Evidence},
    grammar::{Bound, Comparator, Gate, OnMissing, Reference, Rule, Test},
    metrics::Metric,
    verdict::{RuleJudgement, Verdict},
};

/// What the judgements of one rule have in common.
struct Context<'a> {
    rule: &'a Rule,
    gate: &'a Gate,
    evidence: &'a Evidence,
    defaults: &'a Defaults,
    bounds: Bounds<'a>,
}

/// The judgements of a rule, and whether any of them is a rubber stamp.
pub(super) fn judge_rule(
    rule: &Rule,
    gate: &Gate,
    evidence: &Evidence,
    defaults: &Defaults,
) -> (Vec<RuleJudgement>, bool) {
    let term = &rule.term;
    let except = gate.settings.slices.as_ref().map_or(&[][..], |slices| &slices.except);
    let test = match &rule.test {
        Test::Relative { relation, reference, margin } => {
            match directed((gate, &term.metric, evidence), *relation, reference, margin) {
                Ok((comparator, bound)) => Test::Compare { comparator, bound },
                Err(reason) => {
                    let bounds = Bounds::new(term, &rule.test, evidence, defaults, except);
                    let context = Context { rule, gate, evidence, defaults, bounds };
                    let mut judgement = context.of_test(&rule.test, None);
                    judgement.message = format!("{term}: {reason}");
                    return (vec![judgement], false);
                }
            }
        }
        test => test.clone(),
    };
    let bounds = Bounds::new(term, &test, evidence, defaults, except);
    let context = Context { rule, gate, evidence, defaults, bounds };
    let flips = matches!(Metric::from_name(&term.metric), Some(Metric::HarmfulFlips | Metric::HelpfulFlips));
    let mut baseline = None;
    if flips && evidence.candidate.predictions.is_some() {
        match measured(&Reference::Baseline, evidence, defaults) {
            Ok(measurements) => baseline = measurements.predictions.as_deref(),
            Err(no_bound) => return context.without_bound(&test, None, no_bound),
        }
    }
    let source = Source { measurements: &evidence.candidate, baseline, except };
    let cells = match source.cells(term) {
        Ok(cells) => cells,
        Err(lack) => return (vec![context.lacking(&test, None, &lack)], false),
    };
    let mut judgements = Vec::with_capacity(cells.len());
    let mut rubber_stamp = false;
    for cell in &cells {
        let (judged, stamped) = context.judge(&test, cell);
        judgements.extend(judged);
        rubber_stamp |= stamped;
    }
    judgements.extend(context.vanished(&test, &cells));
    (judgements, rubber_stamp)
}

impl Context<'_> {
    /// A judgement with nothing decided yet.
    fn blank(&self, comparator: &str, bound_text: String, cell: Option<&Cell>) -> RuleJudgement {
        RuleJudgement {
            metric: self.rule.term.metric.clone(),
            term: wording::term(&self.rule.term, cell.map(|cell| cell.slice.as_slice())),
            slice: cell.map(|cell| cell.slice.clone()).unwrap_or_default(),
            observed: cell.and_then(|cell| cell.observed),
            unit: unit_of(&self.rule.term, self.evidence).map(str::to_owned),
            comparator: comparator.to_owned(),
            bound_text,
            n: cell.and_then(|cell| cell.n),
            ..RuleJudgement::default()
        }
    }

    fn of_test(&self, test: &Test, cell: Option<&Cell>) -> RuleJudgement {
        match test {
            Test::Compare { comparator, bound } => self.blank(comparator.sign(), bound.to_string(), cell),
            Test::Within { lower, upper } => self.blank("within", format!("[{lower}, {upper}]"), cell),
            Test::Relative { relation, reference, margin } => {
                self.blank(relation.key(), format!("{reference} margin {margin}"), cell)
            }
        }
    }

    fn lacking(&self, test: &Test, cell: Option<&Cell>, lack: &Lack) -> RuleJudgement {
        let mut judgement = self.of_test(test, cell);
        judgement.message = wording::lacking(&judgement.term, lack.reason());
        if matches!(lack, Lack::Missing(_)) && self.gate.settings.on_missing == OnMissing::Warn {
            judgement.verdict = Verdict::Warn;
        }
        judgement
    }

    fn without_bound(
        &self,
        test: &Test,
        cell: Option<&Cell>,
        no_bound: NoBound,
    ) -> (Vec<RuleJudgement>, bool) {
        let mut judgement = self.of_test(test, cell);
        let stamped = match no_bound {
            NoBound::Unusable(reason) => {
                judgement.message = format!("{}: {reason}", judgement.term);
                false
            }
            NoBound::RubberStamp => {
                judgement.verdict = Verdict::Warn;
                judgement.message = format!(
                    "RUBBER STAMP: {} was not compared, because there has never been a baseline",
                    judgement.term
                );
                true
            }
        };
        (vec![judgement], stamped)
    }

    fn judge(&self, test: &Test, cell: &Cell) -> (Vec<RuleJudgement>, bool) {
        let value = match &cell.value {
            Ok(value) => value,
            Err(lack) => return (vec![self.lacking(test, Some(cell), lack)], false),
        };
        let resolve = |bound: &Bound| self.bounds.resolve(bound, &cell.slice);
        let (resolved, upper): (Resolved, Option<Resolved>) = match test {
            Test::Compare { bound, .. } => match resolve(bound) {
                Ok(bound) => (bound, None),
                Err(no_bound) => return self.without_bound(test, Some(cell), no_bound),
            },
            Test::Within { lower, upper } => match (resolve(lower), resolve(upper)) {
                (Ok(lower), Ok(upper)) => (lower, Some(upper)),
                (Err(no_bound), _) | (_, Err(no_bound)) => {
                    return self.without_bound(test, Some(cell), no_bound);
                }
            },
            // Was made into a comparison before.
            Test::Relative { .. } => return (vec![self.of_test(test, Some(cell))], false),
        };
        let mut judgement = self.of_test(test, Some(cell));
        judgement.bound = Some(resolved.value.to_f64());
        judgement.bound_upper = upper.as_ref().map(|upper| upper.value.to_f64());
        judgement.reference =
            resolved.reference.clone().or_else(|| upper.as_ref().and_then(|upper| upper.reference.clone()));
        if let Some(reason) = self.too_few(cell) {
            judgement.verdict = Verdict::Inconclusive;
            judgement.message = format!("{}: {reason}", judgement.term);
            return (vec![judgement], false);
        }
        let (met, message) = match (test, &upper) {
            (Test::Within { .. }, Some(upper)) => {
                let met = Comparator::AtLeast.holds(value, &resolved.value)
                    && Comparator::AtMost.holds(value, &upper.value);
                (met, wording::within(&judgement, met, value, (&resolved.value, &upper.value)))
            }
            (Test::Compare { comparator, bound }, _) => {
                let met = comparator.holds(value, &resolved.value);
                (met, wording::compared(&judgement, *comparator, met, (value, &resolved.value), bound))
            }
            _ => (false, String::new()),
        };
        judgement.verdict = if met { Verdict::Pass } else { self.gate.level.verdict() };
        judgement.message = message;
        (vec![judgement], false)
    }

    /// Why there are too few rows, if so.
    fn too_few(&self, cell: &Cell) -> Option<String> {
        let settings = &self.gate.settings;
        let of_slices = settings.slices.as_ref().and_then(|slices| slices.min_samples);
        let own = if self.rule.term.slices.is_empty() {
            settings.min_samples
        } else {
            of_slices.or(settings.min_samples)
        };
        match (own.or(self.defaults.min_samples), cell.least_n) {
            (Some(wanted), Some(n)) if n < wanted && self.rule.term.aggregate.is_some() => {
                Some(format!("a slice has n = {n}, below min-samples {wanted}"))
            }
            (Some(wanted), Some(n)) if n < wanted => Some(format!("n = {n} is below min-samples {wanted}")),
            (Some(_), None) if own.is_some() => Some(
                "min-samples is set, but how many rows are behind a reported number is not known".to_owned(),
            ),
            _ => None,
        }
    }

    /// Slices that a reference has and the candidate lost. Each is an error: a slice that vanished cannot be judged.
    fn vanished(&self, test: &Test, cells: &[Cell]) -> Vec<RuleJudgement> {
        let term = &self.rule.term;
        if term.aggregate.is_some() {
            return Vec::new();
        }
        let lost = self.bounds.vanished(cells).into_iter();
        lost.map(|(slice, name)| {
            let mut judgement = self.of_test(test, None);
            judgement.term = wording::term(term, Some(&slice));
            judgement.message = format!("{}: this slice vanished, the {name} has it", judgement.term);
            judgement.slice = slice;
            judgement
        })
        .collect()
    }
}
