//! Faults of the API that the real one cannot be made to show.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path},
};

use super::{ApiError, Auth, Client, Connection, Identity, Patience, Proxies, Secret};

/// Impatient, so that tests take no time.
pub(crate) const IMPATIENT: Patience = Patience {
    answer: Duration::from_millis(400),
    attempts: 3,
    pause: Duration::from_millis(5),
    total: Duration::from_millis(2500),
};

pub(crate) fn connection(server: &MockServer) -> Connection {
    Connection {
        api_url: server.uri(),
        auth: Auth::Token(Secret::new("ghs_0123")),
        proxies: Proxies::default(),
        repository: "acme/churn".into(),
        patience: IMPATIENT,
    }
}

pub(crate) async fn client(server: &MockServer) -> Client {
    Client::connect(connection(server)).await.unwrap()
}

/// Answers in this order; the last one again and again.
pub(crate) struct InTurn(pub(crate) std::sync::Mutex<Vec<ResponseTemplate>>);

impl InTurn {
    pub(crate) fn new(answers: impl IntoIterator<Item = ResponseTemplate>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self(std::sync::Mutex::new(answers))
    }
}

impl Respond for InTurn {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut answers = self.0.lock().unwrap();
        if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() }
    }
}

fn answer(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

async fn served(verb: &str, answers: Vec<ResponseTemplate>) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(method(verb))
        .and(path("/repos/acme/churn/x"))
        .respond_with(InTurn::new(answers))
        .mount(&server)
        .await;
    let client = client(&server).await;
    (server, client)
}

async fn got(answers: Vec<ResponseTemplate>) -> (Result<Value, ApiError>, usize) {
    let (_server, client) = served("GET", answers).await;
    (client.get(&client.repo("x")).await, client.calls())
}

async fn posted(answers: Vec<ResponseTemplate>) -> (Result<Value, ApiError>, usize) {
    let (_server, client) = served("POST", answers).await;
    (client.post(&client.repo("x"), &json!({})).await, client.calls())
}

#[tokio::test]
async fn what_may_be_repeated_is_until_it_works() {
    let fine = || answer(200, &json!({ "ok": true }));
    let broken = || ResponseTemplate::new(502);
    assert_eq!(got(vec![broken(), broken(), fine()]).await, (Ok(json!({ "ok": true })), 3));
    let late = answer(200, &json!({})).set_delay(Duration::from_secs(1));
    assert_eq!(got(vec![late, fine()]).await.1, 2);
    let (error, calls) = got(vec![broken()]).await;
    assert!(matches!(error, Err(ApiError::Unreachable { .. })), "{error:?}");
    assert_eq!(calls, 3);
}

#[tokio::test]
async fn a_post_is_never_sent_twice_where_it_may_have_worked() {
    for broken in [ResponseTemplate::new(502), answer(201, &json!({})).set_delay(Duration::from_secs(1))] {
        let (error, calls) = posted(vec![broken, answer(201, &json!({}))]).await;
        assert!(matches!(error, Err(ApiError::Unclear { .. })), "{error:?}");
        assert_eq!(calls, 1);
    }
}

#[tokio::test]
async fn rate_limits_are_waited_for_and_no_longer_than_there_is_patience() {
    let secondary = answer(403, &json!({ "message": "You have exceeded a secondary rate limit" }))
        .insert_header("retry-after", "1");
    let started = Instant::now();
    let (done, calls) = posted(vec![secondary.clone(), answer(201, &json!(1))]).await;
    assert_eq!((done, calls), (Ok(json!(1)), 2));
    assert!(started.elapsed() >= Duration::from_secs(1));
    // Two seconds and a half of patience are less than a minute.
    let primary = answer(429, &json!({ "message": "API rate limit exceeded" }))
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", "99999999999");
    let (error, calls) = got(vec![primary, answer(200, &json!(1))]).await;
    assert!(matches!(error, Err(ApiError::RateLimited { .. })), "{error:?}");
    assert_eq!(calls, 1);
    let (error, calls) = got(vec![secondary]).await;
    assert!(matches!(error, Err(ApiError::RateLimited { seconds: 1, .. })), "{error:?}");
    assert_eq!(calls, 3);
}

#[tokio::test]
async fn refusals_are_told_apart_and_not_repeated() {
    for (status, code) in [
        (401, "github::unauthorized"),
        (403, "github::forbidden"),
        (404, "github::not-found"),
        (422, "github::invalid"),
        (418, "github::unexpected"),
    ] {
        let (error, calls) = got(vec![answer(
            status,
            &json!({ "message": "no", "errors": [{ "message": "body is too long" }] }),
        )])
        .await;
        let error = error.unwrap_err();
        assert_eq!((error.code(), calls), (code, 1), "{error}");
        assert!(!error.help().is_empty());
        if status == 422 {
            assert!(error.to_string().contains("body is too long"), "{error}");
        }
    }
    let (error, _) = got(vec![ResponseTemplate::new(200).set_body_string("<html>")]).await;
    assert!(matches!(error, Err(ApiError::Unexpected { .. })));
}

/// An answer that breaks off in the middle is no answer.
#[tokio::test]
async fn cut_bodies() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut requests = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            requests += 1;
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let whole = if requests == 3 { "{}" } else { "" };
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{whole}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let server = MockServer::start().await;
    let connection = Connection { api_url: format!("http://{address}"), ..connection(&server) };
    let client = Client::connect(connection).await.unwrap();
    assert_eq!(client.get::<Value>("/repos/acme/churn/x").await, Ok(json!({})));
    assert_eq!(client.calls(), 3);
    let error = client.post::<Value>("/repos/acme/churn/x", &json!({})).await;
    assert!(matches!(error, Err(ApiError::Unclear { .. })), "{error:?}");
    task.abort();
}

#[tokio::test]
async fn pages_follow_links_on_the_same_host_only() {
    let server = MockServer::start().await;
    let next = |to: &str| format!("<{to}?page=2&per_page=100>; rel=\"next\", <{to}?page=2>; rel=\"last\"");
    Mock::given(method("GET"))
        .and(path("/api/v3/repos/acme/churn/list"))
        .respond_with(InTurn::new([
            answer(200, &json!([1]))
                .insert_header("link", next("https://evil.example/api/v3/repos/acme/churn/list").as_str()),
            answer(200, &json!([2])),
        ]))
        .mount(&server)
        .await;
    // As GitHub Enterprise has it.
    let connection = Connection { api_url: format!("{}/api/v3/", server.uri()), ..connection(&server) };
    let client = Client::connect(connection).await.unwrap();
    let all: Vec<u64> = client.pages(&client.repo("list?per_page=100"), |_: &[u64]| false).await.unwrap();
    assert_eq!(all, [1, 2]);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[1].url.query(), Some("page=2&per_page=100"));
    assert_eq!(requests[1].headers["authorization"], "Bearer ghs_0123");
}

#[tokio::test]
async fn a_person_is_asked_for_and_extra_scopes_are_told() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/user"))
        .respond_with(
            answer(200, &json!({ "login": "mona", "id": 5 }))
                .insert_header("x-oauth-scopes", "repo, admin:org"),
        )
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/repos/acme/churn/x"))
        .respond_with(answer(200, &json!({})).insert_header("x-oauth-scopes", "repo, admin:org"))
        .mount(&server)
        .await;
    let auth = Auth::Token(Secret::new("ghp_0123\n"));
    let client = Client::connect(Connection { auth, ..connection(&server) }).await.unwrap();
    assert_eq!(client.identity(), &Identity::Person(5));
    client.get::<Value>(&client.repo("x")).await.unwrap();
    assert_eq!(client.notices().len(), 1);
    assert!(client.notices()[0].contains("admin:org"), "{:?}", client.notices());
}

#[tokio::test]
async fn what_is_no_token_or_address_is_said_before_any_call() {
    let server = MockServer::start().await;
    for bad in [
        Connection { auth: Auth::Token(Secret::new("")), ..connection(&server) },
        Connection { auth: Auth::Token(Secret::new("a\nb")), ..connection(&server) },
        Connection { api_url: "api.github.com".into(), ..connection(&server) },
        Connection { auth: Auth::App { id: 1, key: Secret::new("no key") }, ..connection(&server) },
    ] {
        let error = Client::connect(bad).await.unwrap_err();
        assert!(matches!(error, ApiError::Setup(_)), "{error:?}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
    assert_eq!(format!("{:?}", Secret::new("ghs_secret")), "***");
}

/// The request goes to the proxy, with the address of GitHub in its first line.
#[tokio::test]
async fn through_a_proxy() {
    let proxy = MockServer::start().await;
    Mock::given(method("GET")).respond_with(answer(200, &json!({ "via": "proxy" }))).mount(&proxy).await;
    let through = Proxies { http: Some(proxy.uri()), ..Proxies::default() };
    let away = "http://github.internal.example".to_owned();
    let reach = Connection { api_url: away.clone(), proxies: through.clone(), ..connection(&proxy) };
    let client = Client::connect(reach).await.unwrap();
    assert_eq!(client.get::<Value>("/x").await, Ok(json!({ "via": "proxy" })));
    let none = Proxies { none: Some("github.internal.example".into()), ..through };
    let client =
        Client::connect(Connection { api_url: away, proxies: none, ..connection(&proxy) }).await.unwrap();
    assert!(client.get::<Value>("/x").await.is_err());
}
