//! Measurements of an earlier run, as its evidence has them.

use crate::judging::case::{Case, CaseReference};

/// What an earlier run measured of its candidate, stage by stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredMeasurements {
    cases: Vec<Case>,
}

impl StoredMeasurements {
    /// Measurements of these judged stages.
    #[must_use]
    pub fn new(cases: Vec<Case>) -> Self {
        Self { cases }
    }

    /// The judged stages.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// What the stage of this name measured.
    pub(crate) fn of_stage(&self, name: &str) -> CaseReference {
        match self.cases.iter().find(|case| case.stage == name) {
            Some(case) => CaseReference::Measured(case.candidate.clone()),
            None => CaseReference::Unreadable(format!("its run judged no stage `{name}`")),
        }
    }
}
