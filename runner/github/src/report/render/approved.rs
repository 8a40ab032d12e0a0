//! A comment that was posted, once somebody has approved what it waits for. The report that it was made of is gone by then, so
//! the lines that ask for the approval, and they alone, are written anew.

use std::fmt::Write as _;

use runner_engine::policy::Approval;
use runner_store::Digest;

use super::head;
use crate::{
    escape::text,
    report::{Standing, marker::Marker},
};

/// What an approval leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing waits any more.
    Passes,
    /// Something else still waits.
    Waits,
    /// Another run has to say how it goes.
    RunAgain,
}

/// The comment with the approval in it; none where it does not wait for just that. Its marker tells the next run that it is
/// not what that run would write.
pub fn approved(comment: &str, approval: &Approval, then: Then) -> Option<String> {
    let mut marker = Marker::read(comment)?;
    let by = text(&approval.by);
    let mut said = format!("Approved by {by} until {}.", approval.until.strftime("%Y-%m-%d %H:%M UTC"));
    if then == Then::RunAgain {
        said.push_str(" Run the job again for it to take effect.");
    }
    let asks_for_policy = head::asks_for_policy(&approval.digest);
    let asks_for_evidence = head::asks_for_evidence(&approval.digest);
    let is_policy = comment.lines().any(|line| line == asks_for_policy);
    let headline = format!("### {} ", head::mark(Standing::Held));
    let mut is_there = false;
    let mut content = String::with_capacity(comment.len() + 200);
    for line in comment.lines().skip(1) {
        if line == asks_for_policy {
            is_there = true;
            let _ = writeln!(content, "> {} {said}", head::BASE_JUDGED);
        } else if line == asks_for_evidence {
            is_there = true;
            let _ = writeln!(content, "**{said}**");
        } else if is_policy && line == head::policy_state(head::NOT_APPROVED) {
            let _ = writeln!(content, "{}", head::policy_state(&head::approved_by(&by)));
        } else if let Some(rest) = line.strip_prefix(&headline).filter(|_| then == Then::Passes) {
            let _ = writeln!(content, "### {} {rest} · approved by {by}", head::mark(Standing::Passed));
        } else {
            let _ = writeln!(content, "{line}");
        }
    }
    marker.body = Digest::of_bytes(content.as_bytes()).to_string();
    is_there.then(|| format!("{}\n{content}", marker.line()))
}
