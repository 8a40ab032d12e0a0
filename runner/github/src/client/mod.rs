//! Calls of GitHub's API, with bounded patience.
//!
//! A call that may be repeated is, a few times: on 5xx, on a connection or an answer that breaks off, and after the
//! pause that a rate limit asks for. A POST is repeated only where GitHub says that it did nothing (a rate limit);
//! otherwise its outcome is [`ApiError::Unclear`], and whoever made it looks whether it took effect.

pub mod auth;
mod error;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode, header};
use octocrab::Octocrab;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::{
    auth::{Auth, Identity, Secret},
    error::ApiError,
};

/// Pages of a list that are read.
const PAGES: usize = 20;

/// Whom to talk to, and as whom.
#[derive(Debug, Clone)]
pub struct Connection {
    /// `https://api.github.com`, or `https://HOST/api/v3`.
    pub api_url: String,
    /// As whom.
    pub auth: Auth,
    /// Proxies, as the environment names them.
    pub proxies: Proxies,
    /// `OWNER/NAME`.
    pub repository: String,
    /// How long to wait for what.
    pub patience: Patience,
}

/// What `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For https.
    pub https: Option<String>,
    /// For http.
    pub http: Option<String>,
    /// Hosts without one.
    pub none: Option<String>,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For one answer.
    pub answer: Duration,
    /// Attempts of a call that may be repeated.
    pub attempts: u32,
    /// Before the second attempt; twice as long before each further one.
    pub pause: Duration,
    /// For all pauses of a client together.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            attempts: 4,
            pause: Duration::from_secs(1),
            total: Duration::from_mins(2),
        }
    }
}

/// A client for one repository.
#[derive(Debug)]
pub struct Client {
    crab: Octocrab,
    connection: Connection,
    identity: Identity,
    calls: AtomicUsize,
    waited: Mutex<Duration>,
    notices: Mutex<Vec<String>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    body: String,
    next: Option<String>,
}

impl Answer {
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_str(&self.body)
            .map_err(|error| ApiError::Unexpected { what: self.what.clone(), why: error.to_string() })
    }
}

impl Client {
    /// Connect. Makes calls only where an App needs its token.
    pub async fn connect(connection: Connection) -> Result<Self, ApiError> {
        auth::connect(connection).await
    }

    pub(crate) fn with(connection: Connection, crab: Octocrab, identity: Identity) -> Self {
        Self {
            crab,
            connection,
            identity,
            calls: AtomicUsize::new(0),
            waited: Mutex::new(Duration::ZERO),
            notices: Mutex::new(Vec::new()),
        }
    }

    /// Calls made so far, repeated ones included.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// As whom comments are written.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What a person should know about the token.
    pub fn notices(&self) -> Vec<String> {
        self.notices.lock().map(|notices| notices.clone()).unwrap_or_default()
    }

    pub(crate) fn notice(&self, text: impl Into<String>) {
        let text = text.into();
        if let Ok(mut notices) = self.notices.lock()
            && !notices.contains(&text)
        {
            notices.push(text);
        }
    }

    /// `/repos/OWNER/NAME/REST`.
    pub(crate) fn repo(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", self.connection.repository)
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.send(&Method::GET, path, None).await?.read()
    }

    /// The same where nothing may be there.
    pub(crate) async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ApiError> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(ApiError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, ApiError> {
        self.send(&Method::POST, path, Some(body)).await?.read()
    }

    pub(crate) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, ApiError> {
        self.send(&Method::PATCH, path, Some(body)).await?.read()
    }

    /// The entries of a list over its pages, until one is wanted; then that one. `path` has `per_page` already.
    pub(crate) async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        mut enough: impl FnMut(&[T]) -> bool,
    ) -> Result<Vec<T>, ApiError> {
        let mut found = Vec::new();
        let mut page = Some(path.to_owned());
        for _ in 0..PAGES {
            let Some(path) = page.take() else { break };
            let answer = self.send(&Method::GET, &path, None).await?;
            found.extend(answer.read::<Vec<T>>()?);
            if enough(&found) {
                break;
            }
            page = answer.next;
        }
        Ok(found)
    }

    /// One call, repeated where that is safe and may help.
    pub(crate) async fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ApiError> {
        let repeatable = *method != Method::POST;
        let patience = self.connection.patience;
        let mut attempt = 1;
        loop {
            let what = format!("{method} {}", path.split('?').next().unwrap_or(path));
            let (problem, pause) = match self.once(method, path, body).await {
                Ok((status, headers, text)) if status.is_success() => {
                    self.look_at_scopes(&headers);
                    return Ok(Answer { what, body: text, next: next_page(&headers) });
                }
                Ok((status, headers, text)) => {
                    let message = message(&text);
                    if let Some(seconds) = rate_limit(status, &headers, &message) {
                        let problem = ApiError::RateLimited { what, seconds, message };
                        // Nothing was done, so that even a POST may be sent again.
                        (problem, Duration::from_secs(seconds))
                    } else if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
                        let why = format!("{status} {message}");
                        if !repeatable {
                            return Err(ApiError::Unclear { what, why });
                        }
                        (ApiError::Unreachable { what, why }, patience.pause * 2u32.pow(attempt - 1))
                    } else {
                        return Err(refusal(status, what, message));
                    }
                }
                Err(why) if repeatable => {
                    (ApiError::Unreachable { what, why }, patience.pause * 2u32.pow(attempt - 1))
                }
                Err(why) => return Err(ApiError::Unclear { what, why }),
            };
            if attempt >= patience.attempts || !self.may_wait(pause) {
                return Err(problem);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, HeaderMap, String), String> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let call = async {
            let builder = http::request::Builder::new()
                .method(method.clone())
                .uri(path)
                .header(header::ACCEPT, "application/vnd.github+json");
            let request = self.crab.build_request(builder, body).map_err(|error| chain(&error))?;
            let response = self.crab.execute(request).await.map_err(|error| chain(&error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let text = self.crab.body_to_string(response).await.map_err(|error| chain(&error))?;
            Ok((status, headers, text))
        };
        let answer = self.connection.patience.answer;
        tokio::time::timeout(answer, call)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", answer.as_secs_f64())))
    }

    /// Takes a pause from what patience is left.
    fn may_wait(&self, pause: Duration) -> bool {
        let Ok(mut waited) = self.waited.lock() else { return false };
        if *waited + pause > self.connection.patience.total {
            return false;
        }
        *waited += pause;
        true
    }

    /// Classic personal tokens say what they may do.
    fn look_at_scopes(&self, headers: &HeaderMap) {
        let Some(scopes) = headers.get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok()) else {
            return;
        };
        let extra: Vec<&str> = scopes
            .split(',')
            .map(str::trim)
            .filter(|scope| {
                !scope.is_empty()
                    && !["repo", "public_repo", "repo:status", "repo_deployment", "read:org"].contains(scope)
            })
            .collect();
        if !extra.is_empty() {
            self.notice(format!(
                "the token may do more than a report needs: {}; use the job's own token, or one with `repo` alone",
                extra.join(", ")
            ));
        }
    }
}

/// What GitHub says about an error.
fn message(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let mut text = json
        .as_ref()
        .and_then(|json| json.get("message")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| body.trim().to_owned());
    let errors = json.as_ref().and_then(|json| json.get("errors")).and_then(Value::as_array);
    for error in errors.into_iter().flatten() {
        let detail =
            error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned);
        text.push_str("; ");
        text.push_str(&detail);
    }
    crate::visible::cut(&crate::visible::line(&text), 400, true)
}

/// Seconds to wait where this is a rate limit.
///
/// GitHub answers 403 or 429: a secondary limit says `Retry-After` or names itself, the primary one has no calls left
/// and says when it starts anew ("Rate limits for the REST API").
fn rate_limit(status: StatusCode, headers: &HeaderMap, message: &str) -> Option<u64> {
    if status != StatusCode::FORBIDDEN && status != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(seconds);
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0);
        return Some(number("x-ratelimit-reset").map_or(60, |reset| reset.saturating_sub(now).max(1)));
    }
    // "If neither is there, wait for at least one minute."
    (status == StatusCode::TOO_MANY_REQUESTS || message.to_ascii_lowercase().contains("rate limit"))
        .then_some(60)
}

fn refusal(status: StatusCode, what: String, message: String) -> ApiError {
    match status.as_u16() {
        401 => ApiError::Unauthorized { what, message },
        403 => ApiError::Forbidden { what, message },
        404 | 410 => ApiError::NotFound { what },
        400 | 409 | 413 | 422 => ApiError::Invalid { what, message },
        code => ApiError::Unexpected { what, why: format!("status {code}: {message}") },
    }
}

/// The path of the next page, from `Link: <https://…?page=2>; rel="next"`.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(header::LINK)?.to_str().ok()?;
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let address = next.split('<').nth(1)?.split('>').next()?;
    // Only the query is taken over: which host and path to ask is known, and the token goes nowhere else.
    let query = address.split_once('?')?.1;
    let uri: http::Uri = address.parse().ok()?;
    let path = uri.path();
    let path = path.find("/repos/").or_else(|| path.find("/orgs/")).map(|at| &path[at..])?;
    Some(format!("{path}?{query}"))
}

/// An error with what caused it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string().lines().next().unwrap_or_default().to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    crate::visible::cut(&crate::visible::line(&text), 400, true)
}
