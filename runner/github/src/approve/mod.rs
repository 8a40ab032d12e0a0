//! `/runner approve DIGEST` in a comment: who may say it, to what, and for how long.
//!
//! Nothing is remembered between runs but what GitHub shows to everybody: the comments themselves. A run that finds one
//! for the digest of its own policy changes verifies it anew.

mod answer;
mod rights;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use runner_engine::policy::Approval;

pub use self::answer::{Answer, answer};
use crate::{
    client::{ApiError, Client},
    event::{Comment, User},
};

/// How long an approval counts.
pub const VALID_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Digits of a digest that are needed: with fewer, an author could prepare two changes that begin alike.
const DIGITS: usize = 32;
/// People whose rights are looked up for one digest.
const CANDIDATES: usize = 5;

/// What a comment asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Approve what has a digest that starts like this.
    Approve(String),
    /// Something that is not understood.
    Unknown(String),
}

/// The command of a comment: its first line, if that is for us.
pub fn command(body: &str) -> Option<Command> {
    let line = body.lines().next()?.trim();
    let mut words = line.split_whitespace();
    if words.next() != Some("/runner") {
        return None;
    }
    let rest: Vec<&str> = words.collect();
    Some(match rest.as_slice() {
        ["approve", digest] => {
            let digest = digest.strip_prefix("sha256:").unwrap_or(digest).to_ascii_lowercase();
            let hex = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            if hex && (DIGITS..=64).contains(&digest.len()) {
                Command::Approve(digest)
            } else {
                Command::Unknown(format!(
                    "`{digest}` is not a digest: copy all of the one that the report shows ({DIGITS} hex digits at least)"
                ))
            }
        }
        ["approve"] => Command::Unknown("it does not say what: `/runner approve DIGEST`".to_owned()),
        _ => Command::Unknown("the only command is `/runner approve DIGEST`".to_owned()),
    })
}

/// Whether a digest starts with these digits.
fn is_start(digits: &str, digest: &str) -> bool {
    digest.strip_prefix("sha256:").unwrap_or(digest).starts_with(digits)
}

/// Why a comment approves nothing, whatever it says; none where it may.
fn objection(comment: &Comment, author: Option<&User>, now: Timestamp) -> Option<String> {
    let Some(by) = &comment.user else { return Some("its account is gone".to_owned()) };
    if by.kind.as_deref() == Some("Bot") {
        return Some("a bot cannot approve".to_owned());
    }
    match author {
        Some(author) if author.id != by.id && !author.login.eq_ignore_ascii_case(&by.login) => {}
        Some(_) => return Some("nobody approves a pull request of their own".to_owned()),
        // Then nobody is known to be somebody else.
        None => return Some("the author of the pull request is not known".to_owned()),
    }
    if comment.updated_at != comment.created_at {
        return Some("the comment was edited: write a new one".to_owned());
    }
    if now.duration_since(comment.created_at) > VALID_FOR {
        return Some("the approval has expired: it counts for 7 days".to_owned());
    }
    None
}

fn approval(comment: &Comment, digest: &str) -> Approval {
    Approval {
        digest: digest.to_owned(),
        by: comment.user.as_ref().map(|user| user.login.clone()).unwrap_or_default(),
        at: comment.created_at,
        until: comment.created_at.checked_add(VALID_FOR).unwrap_or(comment.created_at),
        said_at: comment.html_url.clone(),
    }
}

/// What was found among the comments of a pull request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The latest approval that counts.
    pub approval: Option<Approval>,
    /// Comments that meant this digest and do not count, with the reason.
    pub refused: Vec<String>,
}

/// Looks for an approval of a digest among the comments of a pull request.
pub async fn find(
    client: &Client,
    number: u64,
    author: Option<&User>,
    digest: &str,
    approvers: &[String],
    now: Timestamp,
) -> Result<Found, ApiError> {
    let path = client.repo(&format!("issues/{number}/comments?per_page=100"));
    let comments: Vec<Comment> = client.pages(&path, |_: &[Comment]| false).await?;
    let mut found = Found::default();
    let mut asked = 0;
    for comment in comments.iter().rev() {
        let means = match command(comment.body.as_deref().unwrap_or_default()) {
            Some(Command::Approve(digits)) => is_start(&digits, digest),
            _ => false,
        };
        if !means || asked == CANDIDATES {
            continue;
        }
        let by = comment.user.as_ref().map(|user| user.login.clone()).unwrap_or_default();
        let mut objection = objection(comment, author, now);
        if objection.is_none() {
            asked += 1;
            objection = rights::objection(client, &by, approvers).await?;
        }
        let Some(objection) = objection else {
            found.approval = Some(approval(comment, digest));
            break;
        };
        found.refused.push(format!("the approval of {by} does not count: {objection}"));
    }
    Ok(found)
}
