//! The server: routes, the record of calls, and the handle that tests hold.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State as AxumState},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use super::{
    checks, comments, deployments,
    identity::Identity,
    people, pulls,
    state::{Call, CheckRun, Comment, CommitStatus, Deployment, PullRequest, State},
};

/// The state, shared by routes and tests.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running double. It ends with this value.
pub struct FakeGitHub {
    address: SocketAddr,
    shared: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeGitHub {
    /// Starts it for one repository, as `owner/name`, on a free port of loopback.
    #[must_use]
    pub fn start(repository: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port of loopback");
        let address = listener.local_addr().expect("its address");
        let shared = Shared(Arc::new(Mutex::new(State {
            repository: repository.into(),
            public_url: format!("http://{address}"),
            ..State::default()
        })));
        let (stop, stopped) = oneshot::channel::<()>();
        let router = router(shared.clone());
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, router) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Base address of the API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Address that links in answers start with, where a proxy stands before the double.
    pub fn set_public_url(&self, url: &str) {
        url.clone_into(&mut self.shared.lock().public_url);
    }

    /// Accepts a token for a caller.
    pub fn add_token(&self, token: &str, identity: Identity) {
        self.shared.lock().tokens.insert(token.into(), identity);
    }

    /// Lets an App's installation tokens be asked for; each acts as `identity`.
    pub fn add_installation(&self, identity: Identity) {
        self.shared.lock().installation = Some(identity);
    }

    /// Gives a person access: `admin`, `maintain`, `write`, `triage` or `read`.
    pub fn add_person(&self, login: &str, access: &str) {
        self.shared.lock().people.insert(login.into(), access.into());
    }

    /// Makes a person an active member of `org/team`.
    pub fn add_team_member(&self, team: &str, login: &str) {
        self.shared.lock().teams.entry(team.into()).or_default().push(login.into());
    }

    /// Makes commits known.
    pub fn add_commits(&self, commits: &[&str]) {
        self.shared.lock().commits.extend(commits.iter().map(|&sha| sha.to_owned()));
    }

    /// Moves a branch.
    pub fn set_branch(&self, name: &str, sha: &str) {
        self.shared.lock().branches.insert(name.into(), sha.into());
    }

    /// Opens a pull request, or replaces it; its commits become known.
    pub fn set_pull_request(&self, pull: PullRequest) {
        let mut state = self.shared.lock();
        state.commits.extend([pull.head_sha.clone(), pull.base_sha.clone()]);
        state.pulls.retain(|known| known.number != pull.number);
        state.pulls.push(pull);
    }

    /// Writes a comment as a person would on the page; returns its number.
    pub fn comment_as(&self, identity: &Identity, issue: u64, body: &str, at: &str) -> u64 {
        let mut state = self.shared.lock();
        let id = state.next_id();
        state.comments.push(Comment {
            id,
            issue,
            body: body.into(),
            author: identity.clone(),
            created_at: at.into(),
            updated_at: at.into(),
        });
        id
    }

    /// Serves a file under `/releases/…`.
    pub fn add_file(&self, path: &str, content: Vec<u8>) {
        self.shared.lock().files.insert(path.into(), content);
    }

    /// Comments of a pull request, oldest first.
    #[must_use]
    pub fn comments(&self, issue: u64) -> Vec<Comment> {
        self.shared.lock().comments.iter().filter(|comment| comment.issue == issue).cloned().collect()
    }

    /// All check runs, oldest first.
    #[must_use]
    pub fn check_runs(&self) -> Vec<CheckRun> {
        self.shared.lock().check_runs.clone()
    }

    /// All commit statuses, oldest first.
    #[must_use]
    pub fn statuses(&self) -> Vec<CommitStatus> {
        self.shared.lock().statuses.clone()
    }

    /// All deployments, oldest first.
    #[must_use]
    pub fn deployments(&self) -> Vec<Deployment> {
        self.shared.lock().deployments.clone()
    }

    /// The calls of the API since the last time this was asked.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.shared.lock().calls)
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: tokio::net::TcpListener, router: Router) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            router.clone().oneshot(request.map(Body::new))
        });
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

fn router(shared: Shared) -> Router {
    let repository = Router::new()
        .route("/issues/{number}/comments", get(comments::list).post(comments::create))
        .route("/issues/comments/{id}", get(comments::read).patch(comments::update))
        .route("/check-runs", post(checks::create))
        .route("/check-runs/{id}", patch(checks::update).get(checks::read))
        .route("/check-runs/{id}/annotations", get(checks::annotations))
        .route("/commits/{sha}/check-runs", get(checks::of_commit))
        .route("/commits/{sha}/statuses", get(checks::statuses))
        .route("/commits/{sha}", get(pulls::commit))
        .route("/statuses/{sha}", post(checks::set_status))
        .route("/deployments", get(deployments::list).post(deployments::create))
        .route("/deployments/{id}/statuses", get(deployments::statuses).post(deployments::set_status))
        .route("/pulls", get(pulls::list))
        .route("/pulls/{number}", get(pulls::read))
        .route("/pulls/{number}/files", get(pulls::files))
        .route("/branches/{branch}", get(pulls::branch))
        .route("/compare/{range}", get(pulls::compare))
        .route("/collaborators/{login}/permission", get(people::permission))
        .route("/installation", get(people::installation))
        .layer(middleware::from_fn_with_state(shared.clone(), only_the_repository));
    let api = Router::new()
        .nest("/repos/{owner}/{name}", repository)
        .route("/orgs/{org}/teams/{team}/memberships/{login}", get(people::membership))
        .route("/user", get(people::user))
        .route("/app/installations/{id}/access_tokens", post(people::access_token))
        .fallback(|| async { super::answer::not_found() })
        .layer(middleware::from_fn_with_state(shared.clone(), record));
    api.route("/zen", get(|| async { "Keep it logically awesome." }))
        .route("/releases/{*path}", get(release))
        .with_state(shared)
}

async fn release(AxumState(shared): AxumState<Shared>, Path(path): Path<String>) -> Response {
    match shared.lock().files.get(&path) {
        Some(content) => content.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// 404 for any other repository, as GitHub answers for what a token cannot see.
async fn only_the_repository(
    AxumState(shared): AxumState<Shared>,
    Path(names): Path<std::collections::BTreeMap<String, String>>,
    request: Request,
    next: Next,
) -> Response {
    let asked = format!(
        "{}/{}",
        names.get("owner").cloned().unwrap_or_default(),
        names.get("name").cloned().unwrap_or_default()
    );
    let known = shared.lock().repository.eq_ignore_ascii_case(&asked);
    if known { next.run(request).await } else { super::answer::not_found().into_response() }
}

async fn record(AxumState(shared): AxumState<Shared>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, 32 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let call = Call {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        status: 0,
    };
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    shared.lock().calls.push(Call { status: response.status().as_u16(), ..call });
    response
}
