//! Pull requests, commits, branches.

use axum::{
    extract::{Path, Query, RawQuery, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Caller, Json, Page, invalid, not_found, ok},
    checks::without_page,
    identity::Access,
    server::Shared,
    shapes,
};

#[derive(serde::Deserialize)]
pub(super) struct Filter {
    state: Option<String>,
    head: Option<String>,
    base: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Path(_): Path<(String, String)>,
    Query(page): Query<Page>,
    Query(filter): Query<Filter>,
    RawQuery(query): RawQuery,
) -> Answer {
    caller.must(&["pull_requests", "contents"], Access::Read)?;
    let state = shared.lock();
    let wanted = filter.state.as_deref().unwrap_or("open");
    let all = state
        .pulls
        .iter()
        .filter(|pull| {
            let owner = pull.head_repository.split('/').next().unwrap_or_default();
            let head = format!("{owner}:{}", pull.head_ref);
            (wanted == "all" || wanted == pull.state)
                && filter.head.as_ref().is_none_or(|asked| *asked == head)
                && filter.base.as_ref().is_none_or(|asked| *asked == pull.base_ref)
        })
        .map(|pull| shapes::pull_request(&state, pull, false))
        .collect();
    let path = format!("/repos/{}/pulls", state.repository);
    let (headers, part) = page.of(all, &state.public_url, &path, &without_page(&query.unwrap_or_default()));
    Ok((headers, Json(part)).into_response())
}

pub(super) async fn read(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, number)): Path<(String, String, u64)>,
) -> Answer {
    caller.must(&["pull_requests", "contents"], Access::Read)?;
    let state = shared.lock();
    let pull = state.pulls.iter().find(|pull| pull.number == number).ok_or_else(not_found)?;
    ok(StatusCode::OK, shapes::pull_request(&state, pull, true))
}

pub(super) async fn files(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, number)): Path<(String, String, u64)>,
    Query(page): Query<Page>,
) -> Answer {
    caller.must(&["pull_requests", "contents"], Access::Read)?;
    let state = shared.lock();
    let pull = state.pulls.iter().find(|pull| pull.number == number).ok_or_else(not_found)?;
    let all: Vec<Value> = pull.files.iter().map(|name| shapes::changed_file(&state, name)).collect();
    let path = format!("/repos/{}/pulls/{number}/files", state.repository);
    let (headers, part) = page.of(all, &state.public_url, &path, "");
    Ok((headers, Json(part)).into_response())
}

pub(super) async fn commit(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, reference)): Path<(String, String, String)>,
) -> Answer {
    caller.must(&["contents"], Access::Read)?;
    let state = shared.lock();
    let sha = state.branches.get(&reference).cloned().unwrap_or(reference);
    if !state.commits.contains(&sha) {
        return Err(invalid("Commit", "sha", &format!("No commit found for SHA: {sha}")));
    }
    ok(StatusCode::OK, shapes::commit(&state, &sha))
}

pub(super) async fn branch(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, name)): Path<(String, String, String)>,
) -> Answer {
    caller.must(&["contents"], Access::Read)?;
    let state = shared.lock();
    let sha = state.branches.get(&name).ok_or_else(not_found)?;
    let url = format!("{}/repos/{}/branches/{name}", state.public_url, state.repository);
    ok(
        StatusCode::OK,
        json!({
            "name": name, "commit": shapes::commit(&state, sha), "_links": { "html": url, "self": url },
            "protected": false, "protection": {}, "protection_url": url,
        }),
    )
}

pub(super) async fn compare(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, range)): Path<(String, String, String)>,
) -> Answer {
    caller.must(&["contents"], Access::Read)?;
    let state = shared.lock();
    let (base, head) = range.split_once("...").ok_or_else(not_found)?;
    if [base, head].iter().any(|sha| !state.commits.iter().any(|known| known == sha)) {
        return Err(not_found());
    }
    let files: Vec<Value> = state
        .pulls
        .iter()
        .filter(|pull| pull.head_sha == head)
        .flat_map(|pull| pull.files.iter().map(|name| shapes::changed_file(&state, name)))
        .collect();
    let url = format!("{}/repos/{}/compare/{range}", state.public_url, state.repository);
    ok(
        StatusCode::OK,
        json!({
            "url": url, "html_url": url, "permalink_url": url, "diff_url": url, "patch_url": url,
            "base_commit": shapes::commit(&state, base), "merge_base_commit": shapes::commit(&state, base),
            "status": "ahead", "ahead_by": 1, "behind_by": 0, "total_commits": 1,
            "commits": [shapes::commit(&state, head)], "files": files,
        }),
    )
}
