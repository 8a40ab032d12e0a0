//! Check runs and commit statuses.

use axum::{
    extract::{Path, Query, RawQuery, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Caller, Json, Page, Refusal, invalid, not_found, ok, text},
    identity::Access,
    server::Shared,
    shapes,
    state::{Annotation, CheckRun, CommitStatus},
};

/// Takes over what the body says, and refuses what GitHub refuses.
fn apply(run: &mut CheckRun, body: &Value) -> Result<(), Refusal> {
    let wrong = |field: &str, message: &str| Err(invalid("CheckRun", field, message));
    for (field, place) in [("external_id", &mut run.external_id), ("details_url", &mut run.details_url)] {
        if let Some(value) = text(body, field) {
            *place = Some(value);
        }
    }
    if let Some(name) = text(body, "name") {
        run.name = name;
    }
    if let Some(status) = text(body, "status") {
        run.status = status;
    }
    if let Some(conclusion) = text(body, "conclusion") {
        run.conclusion = Some(conclusion);
        run.status = "completed".into();
    }
    if run.status == "completed" && run.conclusion.is_none() {
        return wrong("conclusion", "a completed check run needs a conclusion");
    }
    let Some(output) = body.get("output") else { return Ok(()) };
    for (field, place) in [("title", &mut run.title), ("summary", &mut run.summary), ("text", &mut run.text)]
    {
        let Some(value) = text(output, field) else { continue };
        if value.chars().count() > 65_535 {
            return wrong(field, "exceeds the maximum of 65535 characters");
        }
        *place = Some(value);
    }
    if run.title.is_none() || run.summary.is_none() {
        return wrong("output", "an output needs a title and a summary");
    }
    let annotations = output.get("annotations").and_then(Value::as_array).cloned().unwrap_or_default();
    if annotations.len() > 50 {
        return wrong("annotations", "at most 50 annotations in one request");
    }
    for annotation in annotations {
        let field = |name: &str| text(&annotation, name).unwrap_or_default();
        let line = |name: &str| annotation.get(name).and_then(Value::as_u64).unwrap_or_default();
        let taken = Annotation {
            path: field("path"),
            start_line: line("start_line"),
            end_line: line("end_line"),
            level: field("annotation_level"),
            title: field("title"),
            message: field("message"),
        };
        if taken.path.is_empty() || taken.message.is_empty() || taken.start_line == 0 {
            return wrong("annotations", "an annotation needs a path, a line and a message");
        }
        if taken.end_line < taken.start_line {
            return wrong("annotations", "an annotation cannot end before it starts");
        }
        if !matches!(taken.level.as_str(), "notice" | "warning" | "failure") {
            return wrong("annotations", "annotation_level is not included in the list");
        }
        if taken.message.len() > 64 << 10 || taken.title.chars().count() > 255 {
            return wrong("annotations", "an annotation is too long");
        }
        run.annotations.push(taken);
    }
    Ok(())
}

pub(super) async fn create(
    State(shared): State<Shared>,
    caller: Caller,
    Path(_): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Answer {
    let app = caller.must_be_app()?;
    caller.must(&["checks"], Access::Write)?;
    let mut state = shared.lock();
    let head_sha = text(&body, "head_sha").unwrap_or_default();
    if !state.commits.contains(&head_sha) {
        return Err(invalid("CheckRun", "head_sha", &format!("No commit found for SHA: {head_sha}")));
    }
    let mut run = CheckRun {
        id: state.next_id(),
        head_sha,
        name: String::new(),
        status: "queued".into(),
        conclusion: None,
        external_id: None,
        details_url: None,
        title: None,
        summary: None,
        text: None,
        annotations: Vec::new(),
        app,
    };
    apply(&mut run, &body)?;
    let shape = shapes::check_run(&state, &run);
    state.check_runs.push(run);
    ok(StatusCode::CREATED, shape)
}

pub(super) async fn update(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, id)): Path<(String, String, u64)>,
    Json(body): Json<Value>,
) -> Answer {
    let app = caller.must_be_app()?;
    caller.must(&["checks"], Access::Write)?;
    let mut state = shared.lock();
    let mut changed = state.check_runs.iter().find(|run| run.id == id).ok_or_else(not_found)?.clone();
    if changed.app != app {
        return Err(invalid(
            "CheckRun",
            "app",
            "Invalid app_id: a check run is changed by the App that made it",
        ));
    }
    apply(&mut changed, &body)?;
    let shape = shapes::check_run(&state, &changed);
    state.check_runs.retain(|run| run.id != id);
    state.check_runs.push(changed);
    ok(StatusCode::OK, shape)
}

pub(super) async fn read(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, id)): Path<(String, String, u64)>,
) -> Answer {
    caller.must(&["checks"], Access::Read)?;
    let state = shared.lock();
    let run = state.check_runs.iter().find(|run| run.id == id).ok_or_else(not_found)?;
    ok(StatusCode::OK, shapes::check_run(&state, run))
}

pub(super) async fn annotations(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, id)): Path<(String, String, u64)>,
    Query(page): Query<Page>,
) -> Answer {
    caller.must(&["checks"], Access::Read)?;
    let state = shared.lock();
    let run = state.check_runs.iter().find(|run| run.id == id).ok_or_else(not_found)?;
    let all = run
        .annotations
        .iter()
        .map(|annotation| {
            json!({
                "path": annotation.path, "blob_href": state.public_url, "start_line": annotation.start_line,
                "end_line": annotation.end_line, "start_column": null, "end_column": null,
                "annotation_level": annotation.level, "title": annotation.title, "message": annotation.message,
                "raw_details": null,
            })
        })
        .collect();
    let path = format!("/repos/{}/check-runs/{id}/annotations", state.repository);
    let (headers, part) = page.of(all, &state.public_url, &path, "");
    Ok((headers, Json(part)).into_response())
}

#[derive(serde::Deserialize)]
pub(super) struct Named {
    check_name: Option<String>,
}

pub(super) async fn of_commit(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, sha)): Path<(String, String, String)>,
    Query(page): Query<Page>,
    Query(named): Query<Named>,
    RawQuery(query): RawQuery,
) -> Answer {
    caller.must(&["checks"], Access::Read)?;
    let state = shared.lock();
    let all: Vec<Value> = state
        .check_runs
        .iter()
        .rev()
        .filter(|run| run.head_sha == sha && named.check_name.as_ref().is_none_or(|name| *name == run.name))
        .map(|run| shapes::check_run(&state, run))
        .collect();
    let total = all.len();
    let filter = without_page(&query.unwrap_or_default());
    let path = format!("/repos/{}/commits/{sha}/check-runs", state.repository);
    let (headers, part) = page.of(all, &state.public_url, &path, &filter);
    Ok((headers, Json(json!({ "total_count": total, "check_runs": part }))).into_response())
}

/// A query without `page` and `per_page`.
pub(super) fn without_page(query: &str) -> String {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|part| !part.starts_with("page=") && !part.starts_with("per_page=") && !part.is_empty())
        .collect();
    kept.join("&")
}

pub(super) async fn set_status(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, sha)): Path<(String, String, String)>,
    Json(body): Json<Value>,
) -> Answer {
    caller.must(&["statuses"], Access::Write)?;
    let mut state = shared.lock();
    if !state.commits.contains(&sha) {
        return Err(invalid("Status", "sha", &format!("No commit found for SHA: {sha}")));
    }
    let description = text(&body, "description");
    if description.as_ref().is_some_and(|text| text.chars().count() > 140) {
        return Err(invalid("Status", "description", "description is too long (maximum is 140 characters)"));
    }
    let status = CommitStatus {
        id: state.next_id(),
        sha,
        state: text(&body, "state").unwrap_or_default(),
        context: text(&body, "context").unwrap_or_else(|| "default".into()),
        description,
        target_url: text(&body, "target_url"),
        creator: caller.0,
    };
    let shape = shapes::status(&state, &status);
    state.statuses.push(status);
    ok(StatusCode::CREATED, shape)
}

pub(super) async fn statuses(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, sha)): Path<(String, String, String)>,
    Query(page): Query<Page>,
) -> Answer {
    caller.must(&["statuses"], Access::Read)?;
    let state = shared.lock();
    let all = state
        .statuses
        .iter()
        .rev()
        .filter(|status| status.sha == sha)
        .map(|status| shapes::status(&state, status))
        .collect();
    let path = format!("/repos/{}/commits/{sha}/statuses", state.repository);
    let (headers, part) = page.of(all, &state.public_url, &path, "");
    Ok((headers, Json(part)).into_response())
}
