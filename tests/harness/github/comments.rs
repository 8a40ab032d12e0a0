//! `/issues/…/comments`.

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::Value;

use super::{
    answer::{Answer, Caller, Json, Page, Refusal, invalid, not_found, ok, text},
    identity::Access,
    server::Shared,
    shapes,
    state::Comment,
};

const PERMISSIONS: &[&str] = &["issues", "pull_requests"];

fn valid_body(body: &Value) -> Result<String, Refusal> {
    let text = text(body, "body").unwrap_or_default();
    match text.chars().count() {
        0 => Err(invalid("IssueComment", "body", "body can't be blank")),
        1..=65_536 => Ok(text),
        _ => Err(invalid("IssueComment", "body", "body is too long (maximum is 65536 characters)")),
    }
}

pub(super) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, number)): Path<(String, String, u64)>,
    Query(page): Query<Page>,
) -> Answer {
    caller.must(PERMISSIONS, Access::Read)?;
    let state = shared.lock();
    if !state.pulls.iter().any(|pull| pull.number == number) {
        return Err(not_found());
    }
    let all: Vec<Value> = state
        .comments
        .iter()
        .filter(|comment| comment.issue == number)
        .map(|comment| shapes::comment(&state, comment))
        .collect();
    let path = format!("/repos/{}/issues/{number}/comments", state.repository);
    let (headers, part) = page.of(all, &state.public_url, &path, "");
    Ok((headers, Json(part)).into_response())
}

pub(super) async fn create(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, number)): Path<(String, String, u64)>,
    Json(body): Json<Value>,
) -> Answer {
    caller.must(PERMISSIONS, Access::Write)?;
    let text = valid_body(&body)?;
    let mut state = shared.lock();
    if !state.pulls.iter().any(|pull| pull.number == number) {
        return Err(not_found());
    }
    let now = now();
    let comment = Comment {
        id: state.next_id(),
        issue: number,
        body: text,
        author: caller.0,
        created_at: now.clone(),
        updated_at: now,
    };
    let shape = shapes::comment(&state, &comment);
    state.comments.push(comment);
    ok(StatusCode::CREATED, shape)
}

pub(super) async fn read(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, id)): Path<(String, String, u64)>,
) -> Answer {
    caller.must(PERMISSIONS, Access::Read)?;
    let state = shared.lock();
    let comment = state.comments.iter().find(|comment| comment.id == id).ok_or_else(not_found)?;
    ok(StatusCode::OK, shapes::comment(&state, comment))
}

pub(super) async fn update(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, id)): Path<(String, String, u64)>,
    Json(body): Json<Value>,
) -> Answer {
    caller.must(PERMISSIONS, Access::Write)?;
    let text = valid_body(&body)?;
    let mut state = shared.lock();
    let comment = state.comments.iter_mut().find(|comment| comment.id == id).ok_or_else(not_found)?;
    comment.body = text;
    comment.updated_at = now();
    let changed = comment.clone();
    ok(StatusCode::OK, shapes::comment(&state, &changed))
}

/// The present in RFC 3339, to the second, as GitHub says it.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
