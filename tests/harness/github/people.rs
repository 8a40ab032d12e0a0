//! People, teams, and the tokens of an App.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use serde_json::json;

use super::{
    answer::{Answer, Caller, bearer, not_found, ok},
    identity::Access,
    server::Shared,
    shapes,
};

pub(super) async fn permission(
    State(shared): State<Shared>,
    caller: Caller,
    Path((_, _, login)): Path<(String, String, String)>,
) -> Answer {
    caller.must(&["contents", "metadata"], Access::Read)?;
    let state = shared.lock();
    let role = state.people.get(&login).cloned().unwrap_or_else(|| "none".into());
    // GitHub's older word for the two roles in between.
    let permission = match role.as_str() {
        "maintain" => "write",
        "triage" => "read",
        other => other,
    };
    let mut user = shapes::person(&login, &state.public_url);
    user["role_name"] = json!(role);
    ok(StatusCode::OK, json!({ "permission": permission, "role_name": role, "user": user }))
}

pub(super) async fn membership(
    State(shared): State<Shared>,
    caller: Caller,
    Path((org, team, login)): Path<(String, String, String)>,
) -> Answer {
    // What GITHUB_TOKEN can never be given.
    caller.must(&["members"], Access::Read)?;
    let state = shared.lock();
    let team = format!("{org}/{team}");
    if !state.teams.get(&team).is_some_and(|members| members.contains(&login)) {
        return Err(not_found());
    }
    let url = format!("{}/teams/{team}/memberships/{login}", state.public_url);
    ok(StatusCode::OK, json!({ "role": "member", "state": "active", "url": url }))
}

pub(super) async fn user(State(shared): State<Shared>, caller: Caller) -> Answer {
    let state = shared.lock();
    if caller.0.app.is_some() {
        caller.must(&["nothing that an App can have"], Access::Read)?;
    }
    ok(StatusCode::OK, shapes::own_account(&caller.0, &state.public_url))
}

/// An App shows itself by a signed JSON Web Token: three parts; who checks the signature is GitHub.
fn is_app_token(headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|token| token.split('.').count() == 3)
}

pub(super) async fn installation(
    State(shared): State<Shared>,
    Path(_): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let state = shared.lock();
    let Some((slug, id)) = state.installation.as_ref().and_then(|identity| identity.app.clone()) else {
        return Err(not_found());
    };
    if !is_app_token(&headers) {
        return Err(not_found());
    }
    let url = format!("{}/app/installations/77", state.public_url);
    let owner = state.repository.split('/').next().unwrap_or_default();
    ok(
        StatusCode::OK,
        json!({
            "id": 77, "account": shapes::person(owner, &state.public_url), "repository_selection": "selected",
            "access_tokens_url": format!("{url}/access_tokens"), "repositories_url": url, "html_url": url, "app_id": id,
            "target_id": 1, "target_type": "Organization", "permissions": { "checks": "write" }, "events": [],
            "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z", "single_file_name": null,
            "app_slug": slug, "suspended_by": null, "suspended_at": null,
        }),
    )
}

pub(super) async fn access_token(
    State(shared): State<Shared>,
    Path(id): Path<u64>,
    headers: HeaderMap,
) -> Answer {
    let mut state = shared.lock();
    let Some(identity) = state.installation.clone() else { return Err(not_found()) };
    if id != 77 || !is_app_token(&headers) {
        return Err(not_found());
    }
    let token = format!("ghs_{}", state.next_id());
    state.tokens.insert(token.clone(), identity);
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    ok(
        StatusCode::CREATED,
        json!({
            "token": token, "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "permissions": { "checks": "write" }, "repository_selection": "selected",
        }),
    )
}
