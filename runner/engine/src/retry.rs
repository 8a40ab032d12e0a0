//! Whether a failed attempt is tried again, and when.

use std::time::Duration;

use runner_workflow::plan::{Retry, RetryOn};

use crate::{event::StepResult, executor::ErrorClass, outcome::StepOutcome};

/// Longest wait between two attempts.
const LONGEST: Duration = Duration::from_hours(24);

/// The wait before the next attempt after attempt number `attempt` ended so; `None` where there is none.
///
/// Wait before attempt n + 1: `delay × backoff^(n − 1)`, a day at most.
pub(crate) fn next_delay(
    retry: &Retry,
    attempt: u32,
    result: &StepResult,
    class: Option<ErrorClass>,
) -> Option<Duration> {
    if attempt > retry.times || !is_worth_it(retry, result, class) {
        return None;
    }
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let seconds = retry.delay.as_secs_f64() * retry.backoff.powi(exponent);
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST))
}

/// A cancellation, a denial, a mistake in the workflow and a defect stay what they are however often they are tried.
fn is_worth_it(retry: &Retry, result: &StepResult, class: Option<ErrorClass>) -> bool {
    let any = retry.on.is_empty();
    let on = |wanted: RetryOn| retry.on.contains(&wanted);
    match result {
        StepResult::Error { .. } => class == Some(ErrorClass::Environment) && (any || on(RetryOn::Infra)),
        StepResult::Ran(outcome) => match outcome {
            StepOutcome::Succeeded | StepOutcome::Cancelled | StepOutcome::Denied { .. } => false,
            StepOutcome::Failed { code, .. } => {
                any || on(RetryOn::Failed) || code.is_some_and(|code| on(RetryOn::Exit(code)))
            }
            StepOutcome::Trapped { .. } | StepOutcome::LimitExceeded { .. } => any || on(RetryOn::Failed),
            StepOutcome::TimedOut { .. } => any || on(RetryOn::Timeout),
            StepOutcome::OutOfMemory { .. } => any || on(RetryOn::OutOfMemory),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: i32) -> StepResult {
        StepResult::Ran(StepOutcome::Failed { code: Some(code), message: String::new() })
    }

    #[test]
    fn waits_grow_by_the_factor() {
        let retry = Retry { times: 3, delay: Duration::from_secs(10), backoff: 2.0, on: Vec::new() };
        let waits: Vec<_> = (1..=4).map(|attempt| next_delay(&retry, attempt, &failed(1), None)).collect();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(waits, [seconds(10), seconds(20), seconds(40), None]);
        let endless = Retry { times: u32::MAX, backoff: 1e300, ..retry };
        assert_eq!(next_delay(&endless, 1_000, &failed(1), None), Some(LONGEST));
    }

    #[test]
    fn only_what_was_asked_for() {
        let retry = |on| Retry { times: 1, on, ..Retry::default() };
        let tried =
            |on: Vec<RetryOn>, result: &StepResult, class| next_delay(&retry(on), 1, result, class).is_some();
        let error = StepResult::Error { code: "x".into(), message: String::new(), help: None };
        let denied =
            StepResult::Ran(StepOutcome::Denied { capability: "net".into(), message: String::new() });
        let timeout = StepResult::Ran(StepOutcome::TimedOut { limit_ms: 1 });
        assert!(tried(vec![], &failed(1), None));
        assert!(tried(vec![RetryOn::Exit(137)], &failed(137), None));
        assert!(!tried(vec![RetryOn::Exit(137)], &failed(1), None));
        assert!(tried(vec![RetryOn::Infra], &error, Some(ErrorClass::Environment)));
        assert!(!tried(vec![RetryOn::Failed], &error, Some(ErrorClass::Environment)));
        assert!(!tried(vec![], &error, Some(ErrorClass::Usage)));
        assert!(tried(vec![RetryOn::Timeout], &timeout, None));
        assert!(!tried(vec![RetryOn::Failed], &timeout, None));
        for result in
            [denied, StepResult::Ran(StepOutcome::Cancelled), StepResult::Ran(StepOutcome::Succeeded)]
        {
            assert!(!tried(vec![], &result, None), "{result:?}");
        }
    }
}
