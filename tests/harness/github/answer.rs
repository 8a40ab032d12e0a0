//! Answers as GitHub gives them: JSON bodies, refusals, pages with `Link`.

use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    identity::{Access, Identity},
    server::Shared,
};

const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// A body of JSON, in and out. (The web framework's own would turn on a feature of the JSON crate, by which everything that
/// reads JSON would be compiled again for the tests.)
pub(super) struct Json<T>(pub(super) T);

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self.0).expect("JSON");
        ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
    }
}

impl FromRequest<Shared> for Json<Value> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Refusal> {
        let problem = || plain(StatusCode::BAD_REQUEST, "Problems parsing JSON");
        let bytes = to_bytes(request.into_body(), 32 << 20).await.map_err(|_| problem())?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| problem())
    }
}

/// Anything but success.
pub(super) struct Refusal(StatusCode, Value);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

/// What a route returns.
pub(super) type Answer = Result<Response, Refusal>;

fn plain(status: StatusCode, message: &str) -> Refusal {
    Refusal(
        status,
        json!({ "message": message, "documentation_url": DOCUMENTATION, "status": status.as_u16().to_string() }),
    )
}

pub(super) fn not_found() -> Refusal {
    plain(StatusCode::NOT_FOUND, "Not Found")
}

/// 422: understood, but not valid.
pub(super) fn invalid(resource: &str, field: &str, message: &str) -> Refusal {
    Refusal(
        StatusCode::UNPROCESSABLE_ENTITY,
        json!({
            "message": "Validation Failed",
            "documentation_url": DOCUMENTATION,
            "errors": [{ "resource": resource, "field": field, "code": "custom", "message": message }],
        }),
    )
}

/// A JSON answer.
#[expect(clippy::unnecessary_wraps, reason = "the end of every route, which may refuse before")]
pub(super) fn ok(status: StatusCode, body: Value) -> Answer {
    Ok((status, Json(body)).into_response())
}

/// The caller behind the token: 401 without or with an unknown one.
pub(super) struct Caller(pub(super) Identity);

impl FromRequestParts<Shared> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers)
            .ok_or_else(|| plain(StatusCode::UNAUTHORIZED, "Requires authentication"))?;
        let state = shared.lock();
        let identity = state.tokens.get(token).cloned();
        identity.map(Self).ok_or_else(|| plain(StatusCode::UNAUTHORIZED, "Bad credentials"))
    }
}

impl Caller {
    /// 403 unless the token reaches far enough in one of the permissions.
    pub(super) fn must(&self, names: &[&str], access: Access) -> Result<(), Refusal> {
        if self.0.may(names, access) {
            return Ok(());
        }
        let message = if self.0.app.is_some() {
            "Resource not accessible by integration"
        } else {
            "Resource not accessible by personal access token"
        };
        Err(plain(StatusCode::FORBIDDEN, message))
    }

    /// 403 for a personal token: only Apps write checks.
    pub(super) fn must_be_app(&self) -> Result<(String, u64), Refusal> {
        self.0
            .app
            .clone()
            .ok_or_else(|| plain(StatusCode::FORBIDDEN, "You must authenticate via a GitHub App."))
    }
}

/// The token of `Authorization: Bearer …` or `token …`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("token "))
}

/// Which part of a list is asked for.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Page {
    page: Option<usize>,
    per_page: Option<usize>,
}

impl Page {
    /// The part of `all` that is asked for, with GitHub's `Link` header where there is more. `path` and `filter` (a query without
    /// page and size) make the links.
    pub(super) fn of(
        &self,
        all: Vec<Value>,
        public_url: &str,
        path: &str,
        filter: &str,
    ) -> (HeaderMap, Vec<Value>) {
        let size = self.per_page.unwrap_or(30).clamp(1, 100);
        let page = self.page.unwrap_or(1).max(1);
        let last = all.len().div_ceil(size).max(1);
        let mut links = Vec::new();
        let mut link = |number: usize, relation: &str| {
            let filter = if filter.is_empty() { String::new() } else { format!("{filter}&") };
            links.push(format!(
                "<{public_url}{path}?{filter}per_page={size}&page={number}>; rel=\"{relation}\""
            ));
        };
        if page > 1 {
            link(page - 1, "prev");
            link(1, "first");
        }
        if page < last {
            link(page + 1, "next");
            link(last, "last");
        }
        let mut headers = HeaderMap::new();
        if let Ok(value) = links.join(", ").parse()
            && !links.is_empty()
        {
            headers.insert(header::LINK, value);
        }
        (headers, all.into_iter().skip((page - 1) * size).take(size).collect())
    }
}

/// A field of a request's body as text.
pub(super) fn text(body: &Value, field: &str) -> Option<String> {
    body.get(field)?.as_str().map(str::to_owned)
}
