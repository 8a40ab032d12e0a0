//! A run read back from its events, for the reports that are made after it.

use std::collections::{HashMap, VecDeque};

use runner_engine::{
    event::{EventKind, RunEvent, StepResult},
    record::{RunRecord, Summary},
};
use runner_store::{RecordedRun, RunError};

/// Lines of output kept for a step.
const TAIL: usize = 50;

/// A run as its events tell it.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// Its record.
    pub(crate) record: RunRecord,
    /// The last lines of output of each step.
    tails: HashMap<String, VecDeque<String>>,
    /// Attempts that were followed by another, in order.
    retried: HashMap<String, Vec<StepResult>>,
}

/// Why a recorded run cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordedError {
    /// The store cannot give it.
    #[error(transparent)]
    Store(#[from] RunError),
    /// There is no first event.
    #[error("run {run} was killed before its first event was recorded")]
    Empty {
        /// Its id.
        run: String,
    },
}

impl Recorded {
    /// Read the events of a run.
    pub(crate) fn read(run: &RecordedRun) -> Result<Self, RecordedError> {
        let empty = || RecordedError::Empty { run: run.id().to_string() };
        Self::from_events(run.events::<RunEvent>()?)?.ok_or_else(empty)
    }

    /// Take in the events of a run; `None` where the first one is missing.
    pub(crate) fn from_events<E>(
        events: impl IntoIterator<Item = Result<RunEvent, E>>,
    ) -> Result<Option<Self>, E> {
        let mut summary = Summary::default();
        let mut tails: HashMap<String, VecDeque<String>> = HashMap::new();
        let mut retried: HashMap<String, Vec<StepResult>> = HashMap::new();
        for event in events {
            let event = event?;
            summary.apply(&event);
            match event.kind {
                EventKind::StepOutput { step, line, .. } => {
                    let tail = tails.entry(step).or_default();
                    if tail.len() == TAIL {
                        tail.pop_front();
                    }
                    tail.push_back(line);
                }
                EventKind::AttemptFailed { step, result, .. } => {
                    retried.entry(step).or_default().push(result);
                }
                _ => {}
            }
        }
        Ok(summary.into_record().map(|record| Self { record, tails, retried }))
    }

    /// The last lines of output of a step.
    pub(crate) fn tail(&self, step: &str) -> impl Iterator<Item = &str> {
        self.tails.get(step).into_iter().flatten().map(String::as_str)
    }

    /// Its attempts that were followed by another.
    pub(crate) fn retried(&self, step: &str) -> &[StepResult] {
        self.retried.get(step).map_or(&[], Vec::as_slice)
    }
}
