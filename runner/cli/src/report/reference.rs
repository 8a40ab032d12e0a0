//! What a run compared with, in words.

use std::fmt::Write as _;

use runner_engine::references::{ReferenceRecord, ReferenceState};

use crate::report::{quantity, visible, words::Mood};

/// `registry:churn@champion is version 2 (sha256:1a2b…), scored in this run`.
pub(crate) fn sentence(reference: &ReferenceRecord) -> (Mood, String) {
    let mut text = visible::line(&reference.reference);
    if let Some(version) = reference.version {
        let _ = write!(text, " is version {version}");
    } else if let Some(run) = &reference.run {
        let _ = write!(text, " is run {}", visible::line(run));
    }
    if let Some(digest) = &reference.digest {
        let _ = write!(text, " ({})", quantity::short_digest(digest));
    }
    let (mood, rest) = match &reference.state {
        ReferenceState::SameRun => (Mood::Good, ", scored in this run".to_owned()),
        ReferenceState::Stored => (Mood::Good, ", with the numbers of its own run".to_owned()),
        ReferenceState::Found => (Mood::Good, String::new()),
        ReferenceState::Never => (Mood::Doubtful, " has never been".to_owned()),
        // The reason begins with the reference.
        ReferenceState::Unreadable(reason) => return (Mood::Bad, visible::line(reason)),
    };
    (mood, text + &rest)
}
