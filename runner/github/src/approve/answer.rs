//! Answering a comment: the check run that waits is completed, the report shows it, and the comment gets one reply.

use jiff::Timestamp;
use runner_engine::{event::RunResult, policy::Approval};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Command, approval, command, is_start, objection, rights};
use crate::{
    client::{ApiError, Client},
    escape,
    event::{Comment, IssueCommentEvent, PullRequest},
    post::check::{self, CheckRun},
    report::{
        marker::Marker,
        render::{self, Then, approve_digest},
        snapshot::Snapshot,
    },
};

/// What became of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is nothing for us, for this reason.
    NotForUs(String),
    /// Approved.
    Approved {
        /// What and by whom.
        approval: Approval,
        /// Whether the run has to be started again for it to count.
        again: bool,
    },
    /// Refused, for this reason.
    Refused(String),
}

#[derive(Deserialize)]
struct CheckRuns {
    #[serde(default)]
    check_runs: Vec<CheckRun>,
}

/// Answer the comment of an event. `workflow` picks one of several by its name.
pub async fn answer(
    client: &Client,
    event: &IssueCommentEvent,
    workflow: Option<&str>,
    approvers: &[String],
    now: Timestamp,
) -> Result<Answer, ApiError> {
    if event.action != "created" {
        return Ok(Answer::NotForUs(format!("the comment was {}, and only a new one counts", event.action)));
    }
    if event.issue.pull_request.is_none() {
        return Ok(Answer::NotForUs("the comment is not on a pull request".to_owned()));
    }
    if command(event.comment.body.as_deref().unwrap_or_default()).is_none() {
        return Ok(Answer::NotForUs("the comment does not start with `/runner`".to_owned()));
    }
    let number = event.issue.number;
    // As it is now: events may come late and more than once.
    let path = client.repo(&format!("issues/comments/{}", event.comment.id));
    let Some(comment) = client.find::<Comment>(&path).await? else {
        return Ok(Answer::NotForUs("the comment is gone".to_owned()));
    };
    let asked = command(comment.body.as_deref().unwrap_or_default());
    let digits = match asked {
        Some(Command::Approve(digits)) => digits,
        Some(Command::Unknown(why)) => return refuse(client, number, &comment, why).await,
        None => return Ok(Answer::NotForUs("the comment was edited".to_owned())),
    };
    let pull: PullRequest = client.get(&client.repo(&format!("pulls/{number}"))).await?;
    if let Some(why) = objection(&comment, pull.user.as_ref(), now) {
        return refuse(client, number, &comment, why).await;
    }
    let waiting = waiting(client, &pull.head.sha, workflow).await?;
    let fitting = waiting.iter().find_map(|(check, snapshot)| {
        let digests = [&snapshot.policy, &snapshot.evidence];
        let digest = digests.into_iter().flatten().find(|digest| is_start(&digits, digest))?;
        Some((check, snapshot, digest.clone()))
    });
    let Some((check, snapshot, digest)) = fitting else {
        return refuse(client, number, &comment, stale(&digits, &waiting)).await;
    };
    let login = comment.user.as_ref().map(|user| user.login.clone()).unwrap_or_default();
    if let Some(why) = rights::objection(client, &login, approvers).await? {
        return refuse(client, number, &comment, why).await;
    }
    let approval = approval(&comment, &digest);
    let leads_to = complete(client, check, snapshot, &approval).await?;
    let again = leads_to == Then::RunAgain;
    let then = if again { " Run the job again for it to take effect." } else { "" };
    let said = format!(
        "{APPROVED} {}: `{}`, until {}.{then}",
        escape::text(&login),
        approve_digest(&digest),
        approval.until.strftime("%Y-%m-%d %H:%M UTC")
    );
    let comments = comments(client, number).await?;
    show_in_report(client, &comments, &pull.head.sha, &approval, leads_to).await;
    reply(client, number, &comments, &comment, &said).await?;
    Ok(Answer::Approved { approval, again })
}

async fn comments(client: &Client, number: u64) -> Result<Vec<Comment>, ApiError> {
    client.pages(&client.repo(&format!("issues/{number}/comments?per_page=100")), |_: &[Comment]| false).await
}

/// Brings our reports of this commit up to date. The check run is what counts: that a comment could not be edited is told, and
/// no more.
async fn show_in_report(client: &Client, comments: &[Comment], sha: &str, approval: &Approval, then: Then) {
    for comment in comments.iter().filter(|comment| client.identity().wrote(comment)) {
        let body = comment.body.as_deref().unwrap_or_default();
        if Marker::read(body).is_none_or(|marker| marker.sha != sha) {
            continue;
        }
        let Some(body) = render::approved(body, approval, then) else { continue };
        let path = client.repo(&format!("issues/comments/{}", comment.id));
        if let Err(error) = client.patch::<Value>(&path, &json!({ "body": body })).await {
            client.notice(format!("the report on the pull request still shows that it waits: {error}"));
        }
    }
}

/// Our check runs on a commit that wait for somebody, with what they wait for.
async fn waiting(
    client: &Client,
    sha: &str,
    workflow: Option<&str>,
) -> Result<Vec<(CheckRun, Snapshot)>, ApiError> {
    if let Some(workflow) = workflow {
        let found = check::find(client, sha, &check::name_of(workflow)).await?;
        return Ok(found.into_iter().filter_map(|check| with_snapshot(client, check)).collect());
    }
    let path = client.repo(&format!("commits/{sha}/check-runs?filter=latest&per_page=100"));
    let found: Option<CheckRuns> = client.find(&path).await?;
    let checks = found.map(|found| found.check_runs).unwrap_or_default();
    Ok(checks.into_iter().filter_map(|check| with_snapshot(client, check)).collect())
}

fn with_snapshot(client: &Client, check: CheckRun) -> Option<(CheckRun, Snapshot)> {
    let snapshot = Snapshot::find(check.output.as_ref()?.text.as_deref()?)?;
    check::is_ours(client, &check).then_some((check, snapshot))
}

fn stale(digits: &str, waiting: &[(CheckRun, Snapshot)]) -> String {
    let digests = waiting.iter().flat_map(|(_, snapshot)| [&snapshot.policy, &snapshot.evidence]);
    let open: Vec<&str> = digests.flatten().map(|digest| approve_digest(digest)).collect();
    if open.is_empty() {
        format!("nothing on the latest commit waits for an approval, so `{digits}` is stale")
    } else {
        format!("`{digits}` is stale: on the latest commit {} waits for an approval", open.join(" or "))
    }
}

/// Notes the approval in the check run.
async fn complete(
    client: &Client,
    check: &CheckRun,
    snapshot: &Snapshot,
    approval: &Approval,
) -> Result<Then, ApiError> {
    let mut rest = snapshot.clone();
    for open in [&mut rest.policy, &mut rest.evidence] {
        if open.as_deref() == Some(&approval.digest) {
            *open = None;
        }
    }
    let by = crate::visible::line(&approval.by);
    let held_by_gates = snapshot.verdict.blocks();
    let gates_approved = snapshot.evidence.as_deref() == Some(&approval.digest);
    // What was not granted was not tried: only another run can say how it goes.
    let again = snapshot.result != Some(RunResult::Held);
    let passes =
        !again && rest.policy.is_none() && rest.evidence.is_none() && (!held_by_gates || gates_approved);
    let output = check.output.as_ref();
    let text = output.and_then(|output| output.text.clone()).unwrap_or_default();
    let text = text.replacen(&snapshot.hidden(), &rest.hidden(), 1);
    let summary = output.and_then(|output| output.summary.clone()).unwrap_or_default();
    let body = json!({
        "status": "completed",
        "conclusion": if passes { "success" } else { "action_required" },
        "output": {
            "title": format!("approved by {by}: {}", approve_digest(&approval.digest)),
            "summary": format!("Approved by {}: `{}`.\n\n{summary}", escape::text(&approval.by), approve_digest(&approval.digest)),
            "text": text,
        },
    });
    client.patch::<Value>(&client.repo(&format!("check-runs/{}", check.id)), &body).await?;
    Ok(match (again, passes) {
        (true, _) => Then::RunAgain,
        (false, true) => Then::Passes,
        (false, false) => Then::Waits,
    })
}

async fn refuse(client: &Client, number: u64, comment: &Comment, why: String) -> Result<Answer, ApiError> {
    let comments = comments(client, number).await?;
    // What it approved waits no longer when its event comes again.
    if reply_to(client, &comments, comment).is_some_and(|said| said.starts_with(APPROVED)) {
        return Ok(Answer::NotForUs("the comment was answered already, by an approval".to_owned()));
    }
    reply(client, number, &comments, comment, &format!("Not approved: {}", escape::text(&why))).await?;
    Ok(Answer::Refused(why))
}

/// One reply for a comment, however often its event comes.
async fn reply(
    client: &Client,
    number: u64,
    comments: &[Comment],
    to: &Comment,
    text: &str,
) -> Result<(), ApiError> {
    let is_there = |comments: &[Comment]| reply_to(client, comments, to).is_some();
    if is_there(comments) {
        return Ok(());
    }
    let path = client.repo(&format!("issues/{number}/comments"));
    let body = json!({ "body": format!("{}\n{text}\n", reply_marker(to)) });
    match client.post::<Value>(&path, &body).await {
        // It may be there: look before it is written again.
        Err(ApiError::Unclear { .. }) if is_there(&self::comments(client, number).await?) => Ok(()),
        Err(ApiError::Unclear { .. }) => client.post::<Value>(&path, &body).await.map(|_| ()),
        made => made.map(|_| ()),
    }
}

/// How the reply to an approval starts.
const APPROVED: &str = "Approved by";

fn reply_marker(to: &Comment) -> String {
    format!("<!-- runner:reply comment={} -->", to.id)
}

/// What we replied to a comment.
fn reply_to<'a>(client: &Client, comments: &'a [Comment], to: &Comment) -> Option<&'a str> {
    let marker = reply_marker(to);
    comments.iter().filter(|comment| client.identity().wrote(comment)).find_map(|comment| {
        let (first, said) = comment.body.as_deref()?.split_once('\n')?;
        (first.trim_end() == marker).then_some(said)
    })
}
