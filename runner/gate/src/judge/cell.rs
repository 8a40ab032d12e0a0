//! Judges one rule on each of its slices, as far as that can be done without the other comparisons of the gate.

use super::{
    bound::{Bounds, NoBound, Resolved, directed, measured, unit_of},
    measure::{Cell, Computable, Lack, Origin, Source},
    population::{Compared, Population, Trouble},
    uncertain::{Against, Answer, Question},
    wording,
};
use crate::{
    evidence::{Defaults, Evidence},
    exact::Exact,
    grammar::{Aggregate, Bound, Comparator, Gate, OnMissing, Reference, Rule, Test},
    metrics::Metric,
    predictions::Predictions,
    unit::Unit,
    verdict::{RuleJudgement, Tests, Verdict},
};

/// A judgement that may wait for the p-values of the gate's other comparisons.
pub(super) struct Draft {
    pub(super) judgement: RuleJudgement,
    pub(super) open: Option<Open>,
}

/// What is still to be decided.
pub(super) struct Open {
    pub(super) answers: Vec<Answer>,
    /// The message if the rule holds, if it does not, and if that is not known.
    pub(super) messages: [String; 3],
}

impl Open {
    /// p-values of both tests: a rule of two bounds holds if both do, and is broken if one is.
    pub(super) fn tests(&self) -> Tests {
        let holds = self.answers.iter().map(|answer| answer.holds).fold(0.0, f64::max);
        let broken = self.answers.iter().map(|answer| answer.broken).fold(1.0, f64::min);
        Tests { holds, broken, holds_adjusted: None, broken_adjusted: None, family: None }
    }
}

impl From<RuleJudgement> for Draft {
    fn from(judgement: RuleJudgement) -> Self {
        Self { judgement, open: None }
    }
}

/// What the judgements of one rule have in common.
struct Context<'a> {
    rule: &'a Rule,
    gate: &'a Gate,
    evidence: &'a Evidence,
    defaults: &'a Defaults,
    bounds: Bounds<'a>,
    /// For flips.
    baseline: Option<&'a Predictions>,
}

/// The judgements of a rule, and whether any of them is a rubber stamp.
pub(super) fn judge_rule(
    rule: &Rule,
    gate: &Gate,
    evidence: &Evidence,
    defaults: &Defaults,
) -> (Vec<Draft>, bool) {
    let term = &rule.term;
    let except = gate.settings.slices.as_ref().map_or(&[][..], |slices| &slices.except);
    let test = match &rule.test {
        Test::Relative { relation, reference, margin } => {
            match directed((gate, &term.metric, evidence), *relation, reference, margin) {
                Ok((comparator, bound)) => Test::Compare { comparator, bound },
                Err(reason) => {
                    let bounds = Bounds::new(term, &rule.test, evidence, defaults, except);
                    let context = Context { rule, gate, evidence, defaults, bounds, baseline: None };
                    let mut judgement = context.of_test(&rule.test, None);
                    judgement.message = format!("{term}: {reason}");
                    return (vec![judgement.into()], false);
                }
            }
        }
        test => test.clone(),
    };
    let bounds = Bounds::new(term, &test, evidence, defaults, except);
    let mut context = Context { rule, gate, evidence, defaults, bounds, baseline: None };
    let flips = matches!(Metric::from_name(&term.metric), Some(Metric::HarmfulFlips | Metric::HelpfulFlips));
    let mut baseline = None;
    if flips && evidence.candidate.predictions.is_some() {
        match measured(&Reference::Baseline, evidence, defaults) {
            Ok(measurements) => baseline = measurements.predictions.as_deref(),
            Err(no_bound) => return context.without_bound(&test, None, no_bound),
        }
    }
    context.baseline = baseline;
    let source = Source { measurements: &evidence.candidate, baseline, except };
    let cells = match source.cells(term) {
        Ok(cells) => cells,
        Err(lack) => return (vec![context.lacking(&test, None, &lack).into()], false),
    };
    let mut judgements = Vec::with_capacity(cells.len());
    let mut rubber_stamp = false;
    for cell in &cells {
        let (judged, stamped) = context.judge(&test, cell);
        judgements.extend(judged);
        rubber_stamp |= stamped;
    }
    judgements.extend(context.vanished(&test, &cells).into_iter().map(Draft::from));
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

    fn without_bound(&self, test: &Test, cell: Option<&Cell>, no_bound: NoBound) -> (Vec<Draft>, bool) {
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
        (vec![judgement.into()], stamped)
    }

    fn judge(&self, test: &Test, cell: &Cell) -> (Vec<Draft>, bool) {
        let value = match &cell.value {
            Ok(value) => value,
            Err(lack) => return (vec![self.lacking(test, Some(cell), lack).into()], false),
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
            Test::Relative { .. } => return (vec![self.of_test(test, Some(cell)).into()], false),
        };
        let mut judgement = self.of_test(test, Some(cell));
        judgement.bound = Some(resolved.value.to_f64());
        judgement.bound_upper = upper.as_ref().map(|upper| upper.value.to_f64());
        judgement.reference =
            resolved.reference.clone().or_else(|| upper.as_ref().and_then(|upper| upper.reference.clone()));
        if let Some(reason) = self.too_few(cell) {
            judgement.verdict = Verdict::Inconclusive;
            judgement.message = format!("{}: {reason}", judgement.term);
            return (vec![judgement.into()], false);
        }
        let sides: Vec<(Comparator, &Bound, &Resolved)> = match (test, &upper) {
            (Test::Within { lower: low, upper: high }, Some(upper)) => {
                vec![(Comparator::AtLeast, low, &resolved), (Comparator::AtMost, high, upper)]
            }
            (Test::Compare { comparator, bound }, _) => vec![(*comparator, bound, &resolved)],
            _ => Vec::new(),
        };
        let met = !sides.is_empty()
            && sides.iter().all(|(comparator, _, bound)| comparator.holds(value, &bound.value));
        let message = |judgement: &RuleJudgement, met: bool| match (test, &upper) {
            (Test::Within { .. }, Some(upper)) => {
                wording::within(judgement, met, value, (&resolved.value, &upper.value))
            }
            (Test::Compare { comparator, bound }, _) => {
                wording::compared(judgement, *comparator, met, (value, &resolved.value), bound)
            }
            _ => String::new(),
        };
        match self.answers(cell, value, &sides) {
            Ok(Some(Ok(answers))) => {
                for answer in &answers {
                    answer.show(&mut judgement);
                }
                let sure = wording::sure(&answers);
                let messages = [
                    message(&judgement, true) + &sure,
                    message(&judgement, false) + &sure,
                    wording::open(&judgement, value, &answers),
                ];
                return (vec![Draft { judgement, open: Some(Open { answers, messages }) }], false);
            }
            Ok(Some(Err(reason))) => judgement.method_text = Some(reason),
            Ok(None) => {}
            Err(Trouble::Impossible(reason)) => {
                judgement.message = format!("{}: {reason}", judgement.term);
                return (vec![judgement.into()], false);
            }
            Err(Trouble::TooLittle(reason)) => {
                judgement.verdict = Verdict::Inconclusive;
                judgement.message = format!("{}: how sure it is cannot be said: {reason}", judgement.term);
                return (vec![judgement.into()], false);
            }
        }
        judgement.verdict = if met { Verdict::Pass } else { self.gate.level.verdict() };
        judgement.message = message(&judgement, met);
        (vec![judgement.into()], false)
    }

    /// The answer for each bound; none without a confidence, and a reason where only the value itself can be judged.
    fn answers(
        &self,
        cell: &Cell,
        value: &Exact,
        sides: &[(Comparator, &Bound, &Resolved)],
    ) -> Result<Option<Result<Vec<Answer>, String>>, Trouble> {
        let settings = &self.gate.settings;
        let Some(confidence) = settings.confidence.or(self.defaults.confidence) else { return Ok(None) };
        let name = self.rule.term.metric.as_str();
        let metric = Computable::of(name, &self.evidence.candidate);
        let mut answers = Vec::new();
        for (comparator, bound, resolved) in sides {
            let base = resolved.reference.as_ref().and_then(|reference| reference.value);
            let margin = base.map(|base| (resolved.value.to_f64() - base).abs());
            let question = Question {
                settings,
                confidence,
                candidate: &self.evidence.candidate,
                baseline: self.baseline,
                metric,
                name,
                cell,
                value,
                comparator: *comparator,
                bound: &resolved.value,
                margin,
                against: self.against(cell, bound, resolved, metric),
            };
            match question.answer()? {
                Ok(answer) => answers.push(answer),
                Err(reason) => return Ok(Some(Err(reason))),
            }
        }
        Ok(Some(Ok(answers)))
    }

    /// Where the bound comes from, as far as its own uncertainty can be told.
    fn against<'a>(
        &'a self,
        cell: &Cell,
        bound: &'a Bound,
        resolved: &Resolved,
        metric: Option<Computable<'a>>,
    ) -> Against<'a> {
        let (Bound::Relative { reference, margin }, Some(base)) =
            (bound, resolved.reference.as_ref().and_then(|reference| reference.value))
        else {
            return Against::Number;
        };
        let share = matches!(margin, Some((_, margin)) if margin.unit == Some(Unit::Percent));
        let (factor, offset) = if share && base != 0.0 {
            (resolved.value.to_f64() / base, 0.0)
        } else {
            let exact = Exact::from_f64(base).map(|base| resolved.value.minus(&base).to_f64());
            (1.0, exact.unwrap_or(f64::NAN))
        };
        let theirs = self.bounds.reference_cell(reference, &cell.slice);
        let seeds = theirs.filter(|theirs| theirs.is_mean_of_reported() && cell.is_mean_of_reported());
        if let Some(theirs) = seeds {
            return Against::Seeds { with: theirs, factor, offset, value: base };
        }
        let measured = theirs.filter(|theirs| !matches!(theirs.origin, Origin::Reported));
        let (Some(_), Ok(measurements)) = (measured, measured_of(reference, self)) else {
            return Against::Number;
        };
        let metric = match reference {
            Reference::Metric(name) => Computable::of(name, measurements),
            _ => metric,
        };
        match metric {
            Some(metric) if measurements.predictions.is_some() => {
                Against::Paired { with: Compared { measurements, metric }, factor, offset, value: base }
            }
            _ => Against::Number,
        }
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
        let least_n = match &settings.cluster {
            Some(column) => self.clusters(cell, column).or(cell.least_n),
            None => cell.least_n,
        };
        match (own.or(self.defaults.min_samples), least_n) {
            (Some(wanted), Some(n)) if n < wanted && settings.cluster.is_some() => {
                Some(format!("{n} clusters are below min-samples {wanted}"))
            }
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

    /// Rows of a cluster are no samples of their own: how many clusters there are.
    fn clusters(&self, cell: &Cell, column: &str) -> Option<u64> {
        let all = self.evidence.candidate.predictions.as_deref()?;
        let mut codes = Population::of(cell, all)?.codes(column).ok()?;
        codes.sort_unstable();
        codes.dedup();
        u64::try_from(codes.len()).ok()
    }

    /// Slices that a reference has and the candidate lost. Each is an error: a slice that vanished cannot be judged, and
    /// what was the worst one may be what is missing. Only a count of slices says for itself how many may be lost.
    fn vanished(&self, test: &Test, cells: &[Cell]) -> Vec<RuleJudgement> {
        let term = &self.rule.term;
        if term.aggregate == Some(Aggregate::Count) {
            return Vec::new();
        }
        let lost = self.bounds.vanished(cells).into_iter();
        lost.map(|(slice, name)| {
            let mut judgement = self.of_test(test, None);
            judgement.term = wording::term(term, Some(&slice));
            let what = match term.aggregate {
                None => "this slice".to_owned(),
                Some(_) => format!("the slice {}", wording::slice(&slice)),
            };
            judgement.message = format!("{}: {what} vanished, the {name} has it", judgement.term);
            judgement.slice = slice;
            judgement
        })
        .collect()
    }
}

fn measured_of<'a>(
    reference: &Reference,
    context: &'a Context<'_>,
) -> Result<&'a crate::evidence::Measurements, NoBound> {
    measured(reference, context.evidence, context.defaults)
}
