//! Deployments and their statuses.

use axum::{
    extract::{Path, Query, RawQuery, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Caller, Json, Page, invalid, not_found, ok, text},
    checks::without_page,
    identity::Access,
    server::Shared,
    shapes,
    state::{Deployment, DeploymentStatus},
};

#[derive(serde::Deserialize)]
pub(super) struct Filter {
    sha: Option<String>,
    environment: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Path(_): Path<(String, String)>,
    Query(page): Query<Page>,
    Query(filter): Query<Filter>,
    RawQuery(query): RawQuery,
) -> Answer {
    caller.must(&["deployments"], Access::Read)?;
    let state = shared.lock();
    let all = state
        .deployments
        .iter()
        .rev()
        .filter(|one| {
            filter.sha.as_ref().is_none_or(|sha| *sha == one.sha)
                && filter.environment.as_ref().is_none_or(|environment| *environment == one.environment)
        })
        .map(|one| shapes::deployment(&state, one))
        .collect();
    let path = format!("/repos/{}/deployments", state.repository);
    let (headers, part) = page.of(all, &state.public_url, &path, &without_page(&query.unwrap_or_default()));
    Ok((headers, Json(part)).into_response())
}

pub(super) async fn create(
    State(shared): State<Shared>,
    caller: Caller,
    Path(_): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Answer {
    caller.must(&["deployments"], Access::Write)?;
    let mut state = shared.lock();
    let reference = text(&body, "ref").unwrap_or_default();
    let sha = if state.commits.contains(&reference) {
        reference.clone()
    } else {
        state
            .branches
            .get(&reference)
            .cloned()
            .ok_or_else(|| invalid("Deployment", "ref", &format!("No ref found for: {reference}")))?
    };
    let deployment = Deployment {
        id: state.next_id(),
        reference,
        sha,
        environment: text(&body, "environment").unwrap_or_else(|| "production".into()),
        description: text(&body, "description"),
        payload: body.get("payload").cloned().unwrap_or_else(|| json!({})),
        creator: caller.0,
        statuses: Vec::new(),
    };
    let shape = shapes::deployment(&state, &deployment);
    state.deployments.push(deployment);
    ok(StatusCode::CREATED, shape)
}

pub(super) async fn statuses(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, id)): Path<(String, String, u64)>,
    Query(page): Query<Page>,
) -> Answer {
    caller.must(&["deployments"], Access::Read)?;
    let state = shared.lock();
    let deployment = state.deployments.iter().find(|one| one.id == id).ok_or_else(not_found)?;
    let all = deployment
        .statuses
        .iter()
        .rev()
        .map(|status| shapes::deployment_status(&state, deployment, status))
        .collect();
    let path = format!("/repos/{}/deployments/{id}/statuses", state.repository);
    let (headers, part) = page.of(all, &state.public_url, &path, "");
    Ok((headers, Json(part)).into_response())
}

pub(super) async fn set_status(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, id)): Path<(String, String, u64)>,
    Json(body): Json<Value>,
) -> Answer {
    caller.must(&["deployments"], Access::Write)?;
    let description = text(&body, "description").unwrap_or_default();
    if description.chars().count() > 140 {
        return Err(invalid("DeploymentStatus", "description", "description is too long"));
    }
    let mut state = shared.lock();
    let status = DeploymentStatus {
        id: state.next_id(),
        state: text(&body, "state").unwrap_or_default(),
        description,
    };
    let deployment = state.deployments.iter_mut().find(|one| one.id == id).ok_or_else(not_found)?;
    deployment.statuses.push(status.clone());
    let deployment = deployment.clone();
    ok(StatusCode::CREATED, shapes::deployment_status(&state, &deployment, &status))
}
