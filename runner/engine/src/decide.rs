//! Whether a stage or a step runs, and if not, why, in words.

use runner_workflow::{
    expr::{EvalError, Expr},
    plan::{OutputRef, Plan, Source, StepIndex},
};

use crate::{
    schedule::{Cause, End, Standing},
    scope::{StepFacts, StepScope, Surroundings},
};

/// Why something does not run in a run that was cancelled.
pub(crate) const CANCELLED: &str = "the run was cancelled";

/// What was decided.
#[derive(Debug)]
pub(crate) enum Decision {
    /// It runs.
    Run,
    /// It does not, for this reason.
    Skip(String),
    /// Its condition has no value.
    Invalid(EvalError),
}

/// Decides about a stage or (with `step`) a step.
///
/// Without a condition, something runs if everything it waits for ended well. A condition that does not ask for a status
/// means `success() && …`, as in GitHub Actions; one that does (`always()`, `failure()`) decides alone. The status is
/// `failure` if anything it waits for, directly or not, failed or was held by a gate, even where something in between
/// ran all the same. Where a cancellation reaches it, the status is `cancelled`, and nothing else: only a condition that
/// asks lets it run.
pub(crate) fn decide(
    around: &Surroundings<'_>,
    step: Option<StepIndex>,
    condition: Option<&Expr>,
    standing: Standing,
) -> Decision {
    let Standing { cause, tainted, .. } = standing;
    let asks = condition.is_some_and(Expr::asks_for_status);
    if !asks {
        if standing.is_cancelled {
            return Decision::Skip(CANCELLED.to_owned());
        }
        if let Some(reason) = in_the_way(around, cause, tainted) {
            return Decision::Skip(reason);
        }
    }
    if let Some(condition) = condition {
        let status = standing.status();
        let step = step.map(|step| &around.plan.steps[step]);
        let mut scope = StepScope { around, step, env: indexmap::IndexMap::new(), status };
        let uses_env = condition.paths().iter().any(|path| path.first().is_some_and(|root| root == "env"));
        let value = if uses_env { scope.evaluate_env() } else { Ok(()) };
        match value.and_then(|()| condition.condition(&scope)) {
            Ok(true) => {}
            Ok(false) if standing.is_cancelled => {
                return Decision::Skip(format!("{CANCELLED}, and its condition `{condition}` is false"));
            }
            Ok(false) => {
                // What failed before explains more than the condition that noticed it.
                let failed = if tainted { in_the_way(around, cause, tainted) } else { None };
                return Decision::Skip(match failed {
                    Some(failed) => format!("its condition `{condition}` is false, and it {failed}"),
                    None => format!("its condition `{condition}` is false"),
                });
            }
            Err(error) => return Decision::Invalid(error),
        }
    }
    match step.and_then(|step| missing_input(around.plan, around.facts, step)) {
        Some(reason) => Decision::Skip(reason),
        None => Decision::Run,
    }
}

fn in_the_way(around: &Surroundings<'_>, cause: Option<Cause>, tainted: bool) -> Option<String> {
    let plan = around.plan;
    match cause {
        Some(Cause::Step(step, End::Skipped)) => {
            Some(format!("needs `{}`, which was skipped", plan.steps[step].id))
        }
        Some(Cause::Step(step, _)) => {
            let outcome = around.facts[step].outcome.unwrap_or("failed");
            Some(format!("needs `{}`, which {}", plan.steps[step].id, phrase(outcome)))
        }
        Some(Cause::Stage(stage, End::Held)) => {
            Some(format!("needs stage `{}`, which its gates hold", plan.stages[stage].name))
        }
        Some(Cause::Stage(stage, _)) => {
            Some(format!("needs stage `{}`, which failed", plan.stages[stage].name))
        }
        None if tainted => Some("comes after something that failed".to_owned()),
        None => None,
    }
}

/// An input whose step gave no output. Such a step cannot run, whatever its condition says.
fn missing_input(plan: &Plan, facts: &[StepFacts], step: StepIndex) -> Option<String> {
    for (name, source) in &plan.steps[step].inputs {
        let outputs: &[OutputRef] = match source {
            Source::Output(output) => std::slice::from_ref(output),
            Source::AllCells(outputs) => outputs,
            Source::Data(_) | Source::Baseline(_) | Source::Path(_) => continue,
        };
        let missing = outputs.iter().find(|output| !facts[output.step].outputs.contains_key(&output.output));
        if let Some(missing) = missing {
            let from = &plan.steps[missing.step].id;
            let ended = phrase(facts[missing.step].outcome.unwrap_or("skipped"));
            return Some(format!("its input `{name}` comes from `{from}`, which {ended}"));
        }
    }
    None
}

/// The word of an outcome as the end of a sentence.
fn phrase(outcome: &str) -> &str {
    match outcome {
        "timed-out" => "timed out",
        "out-of-memory" => "ran out of memory",
        "limit-exceeded" => "went over a limit",
        "denied" => "was denied something",
        "cancelled" => "was cancelled",
        "skipped" => "was skipped",
        "error" => "could not be run",
        other => other,
    }
}
