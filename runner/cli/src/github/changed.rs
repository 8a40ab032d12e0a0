//! Which files an event changed, as the checkout tells it.

use std::path::Path;

use runner_github::{event::Event, filter::ChangedFiles};

use super::variables::Variables;
use crate::git;

/// GitHub compares a pull request with where it branched off, and a push with what was there before.
pub(super) fn files(workspace: &Path, event: &Event, variables: &Variables) -> ChangedFiles {
    let range = match event {
        Event::PullRequest(event) => {
            let (base, head) = (&event.pull_request.base.sha, &event.pull_request.head.sha);
            // A job has the merge of the two checked out; its head may be there or not.
            let head = if git::has_commit(workspace, head) { head.as_str() } else { "HEAD" };
            format!("{base}...{head}")
        }
        Event::Push(event) => {
            let after = if git::has_commit(workspace, &event.after) { event.after.as_str() } else { "HEAD" };
            if event.before.bytes().all(|byte| byte == b'0') {
                return ChangedFiles::Unknown("a new branch has nothing before it".to_owned());
            }
            format!("{}..{after}", event.before)
        }
        _ => return ChangedFiles::Unknown("this event changes no files".to_owned()),
    };
    // A shallow clone lacks the commit where the two parted. What differs from the base is then all that a pull request
    // changed, and perhaps more where the base moved on: never too little.
    let tips = matches!(event, Event::PullRequest(_)).then(|| range.replacen("...", "..", 1));
    let compared = git::changed_files(workspace, &range)
        .or_else(|| tips.and_then(|tips| git::changed_files(workspace, &tips)));
    match compared {
        Some(files) => ChangedFiles::Known(files),
        None => ChangedFiles::Unknown(format!(
            "git cannot compare {range}{}",
            if variables.in_actions { "; check out with `fetch-depth: 0`" } else { "" }
        )),
    }
}
