//! The comment on a pull request: found by its exact marker and its author, edited only when its content changed.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::{
    client::{ApiError, Client},
    event::{Comment, PullRequest},
    report::{
        Occasion, Report,
        history::{self, Past},
        marker::Marker,
        render::{self, Body},
    },
};

/// What became of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commented {
    /// What was done.
    pub what: What,
    /// Its page.
    pub url: Option<String>,
}

/// What was done with a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A new one.
    Created,
    /// Edited.
    Updated,
    /// It says the same already.
    Unchanged,
    /// `comment.on` wants none.
    NotWanted,
    /// The pull request has a newer commit, whose report is left alone.
    Superseded,
    /// A later run of the same commit has told how it ended.
    Overtaken,
}

impl Commented {
    pub(super) fn words(&self, number: u64) -> String {
        let what = match self.what {
            What::Created => "comment written",
            What::Updated => "comment updated",
            What::Unchanged => "comment unchanged",
            What::NotWanted => "no comment wanted this time",
            What::Overtaken => "comment left alone: a later run of this commit has written it",
            What::Superseded => "comment left alone: the pull request has a newer commit",
        };
        format!("{what} on pull request {number}")
    }
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    html_url: Option<String>,
}

pub(super) async fn comment(client: &Client, report: &Report, number: u64) -> Result<Commented, ApiError> {
    let key = key(report);
    let existing = own_comment(client, number, &key).await?;
    let earlier = existing.as_ref().map(|(comment, _)| history::find(body_of(comment))).unwrap_or_default();
    let body = body(report, &earlier, &key);
    let url = existing.as_ref().and_then(|(comment, _)| comment.html_url.clone());
    let said = |what| Ok(Commented { what, url: url.clone() });
    if existing
        .as_ref()
        .is_some_and(|(_, marker)| marker.body == body.marker.body && marker.sha == body.marker.sha)
    {
        return said(What::Unchanged);
    }
    if let Some((_, marker)) = &existing
        && marker.sha != body.marker.sha
        && is_superseded(client, report, number).await?
    {
        return said(What::Superseded);
    }
    if earlier.first().is_some_and(|past| past.is_later_than(report, Timestamp::now())) {
        return said(What::Overtaken);
    }
    if !wanted(report, &earlier) {
        return said(What::NotWanted);
    }
    if let Some((comment, _)) = &existing {
        let path = client.repo(&format!("issues/comments/{}", comment.id));
        match client.patch::<Written>(&path, &json!({ "body": body.text })).await {
            Ok(written) => return Ok(Commented { what: What::Updated, url: written.html_url.or(url) }),
            // Somebody removed it in the meantime.
            Err(ApiError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    create(client, number, &key, &body).await
}

/// A comment of each run has a key of its own, and is never edited by another run.
fn key(report: &Report) -> String {
    if report.settings.comment_per_run {
        format!("{} of {}", report.key(), report.run.run_id)
    } else {
        report.key()
    }
}

fn body(report: &Report, earlier: &[Past], key: &str) -> Body {
    let mut body = render::comment(report, earlier);
    if body.marker.key != key {
        let before = body.marker.line();
        key.clone_into(&mut body.marker.key);
        body.text = body.text.replacen(&before, &body.marker.line(), 1);
    }
    body
}

/// Our comment of this key, if there is one: the first line is the marker, and we wrote it.
pub async fn own_comment(
    client: &Client,
    number: u64,
    key: &str,
) -> Result<Option<(Comment, Marker)>, ApiError> {
    let ours = |comment: &Comment| {
        let marker = Marker::read(body_of(comment)).filter(|marker| marker.key == key)?;
        client.identity().wrote(comment).then_some(marker)
    };
    let path = client.repo(&format!("issues/{number}/comments?per_page=100"));
    let comments: Vec<Comment> =
        client.pages(&path, |found: &[Comment]| found.iter().any(|comment| ours(comment).is_some())).await?;
    Ok(comments.into_iter().find_map(|comment| ours(&comment).map(|marker| (comment, marker))))
}

fn body_of(comment: &Comment) -> &str {
    comment.body.as_deref().unwrap_or_default()
}

/// Whether the pull request has moved on from the commit of this report.
async fn is_superseded(client: &Client, report: &Report, number: u64) -> Result<bool, ApiError> {
    let pull: PullRequest = client.get(&client.repo(&format!("pulls/{number}"))).await?;
    Ok(report.head_sha.as_deref().is_some_and(|sha| sha != pull.head.sha))
}

fn wanted(report: &Report, earlier: &[Past]) -> bool {
    let now = Past::of(report);
    let before = earlier.first();
    match report.settings.comment_on {
        Occasion::Always => true,
        Occasion::Failure => !now.passed || before.is_some_and(|before| !before.passed),
        Occasion::Change => match before {
            Some(before) => {
                (before.verdict, before.passed, &before.figures) != (now.verdict, now.passed, &now.figures)
                    || report.policy.waits()
            }
            None => !now.passed || report.policy.waits(),
        },
    }
}

async fn create(client: &Client, number: u64, key: &str, body: &Body) -> Result<Commented, ApiError> {
    let path = client.repo(&format!("issues/{number}/comments"));
    let mut written = client.post::<Written>(&path, &json!({ "body": body.text })).await;
    if let Err(ApiError::Unclear { .. } | ApiError::Unexpected { .. }) = &written {
        // It may be there: look before it is written again.
        if let Some((comment, _)) = own_comment(client, number, key).await? {
            return Ok(Commented { what: What::Created, url: comment.html_url });
        }
        written = client.post::<Written>(&path, &json!({ "body": body.text })).await;
    }
    Ok(Commented { what: What::Created, url: written?.html_url })
}
