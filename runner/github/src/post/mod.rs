//! Posting a report: a comment on the pull request, a check run or a status on the commit, deployments.
//!
//! Each part is tried whatever became of the others, and none changes a verdict. What could not be posted is told.

pub mod annotations;
pub mod check;
mod comment;
mod deployment;
mod status;
#[cfg(test)]
mod tests;

pub use self::comment::{Commented, own_comment};
use crate::{
    client::{ApiError, Client},
    report::Report,
};

/// Where a report goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Number of the pull request.
    pub pull_request: Option<u64>,
    /// The conclusion of the job that made the report, where that job is not trusted: a report that passed counts only
    /// where the job did.
    pub job_conclusion: Option<String>,
}

/// What became of a report.
#[derive(Debug, Default)]
pub struct Posted {
    /// What was done, a line each.
    pub done: Vec<String>,
    /// Page of the comment, or else of the check run.
    pub url: Option<String>,
    /// What could not be done.
    pub failed: Vec<Failed>,
    /// What a person should know.
    pub notices: Vec<String>,
}

/// A part that could not be posted.
#[derive(Debug)]
pub struct Failed {
    /// `the comment`, `the check run` …
    pub what: &'static str,
    /// Why.
    pub error: ApiError,
}

impl Posted {
    fn fail(&mut self, what: &'static str, error: ApiError) {
        self.failed.push(Failed { what, error });
    }
}

/// Post everything that the report asks for.
pub async fn post(client: &Client, report: &Report, target: &Target) -> Posted {
    let mut posted = Posted::default();
    if let (true, Some(number)) = (report.settings.comment, target.pull_request) {
        match comment::comment(client, report, number).await {
            Ok(commented) => {
                posted.done.push(commented.words(number));
                posted.url = commented.url;
            }
            Err(error) => posted.fail("the comment", error),
        }
    }
    if let (true, Some(sha)) = (report.settings.check, report.head_sha.as_deref()) {
        match check::create(client, report, sha, target).await {
            Ok(url) => {
                posted.done.push(format!("check run `{}` on {}", check::name(report), short(sha)));
                posted.url = posted.url.or(url);
            }
            // Tokens of persons, and hosts without checks.
            Err(error) if error.is_refusal() => match status::create(client, report, sha, target).await {
                Ok(()) => {
                    posted.done.push(format!("status `{}` on {}", status::context(report), short(sha)));
                    posted.notices.push(format!("a commit status stands in for the check run: {error}"));
                }
                Err(status) => {
                    posted.fail("the check run", error);
                    posted.fail("the commit status", status);
                }
            },
            Err(error) => posted.fail("the check run", error),
        }
    }
    deployment::all(client, report, &mut posted).await;
    posted.notices.extend(client.notices());
    posted
}

fn short(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}
