//! The double itself refuses what GitHub refuses, and pages as GitHub pages. What it answers is held to GitHub's own
//! description in `contract.rs`.

use runner_tests::github::{Access, FakeGitHub, Identity, PullRequest};
use serde_json::{Value, json};

use crate::http::{Reply, request};

const HEAD: &str = "1111111111111111111111111111111111111111";
const BASE: &str = "2222222222222222222222222222222222222222";

pub(crate) fn seeded() -> FakeGitHub {
    let github = FakeGitHub::start("acme/churn");
    let writing = [
        ("checks", Access::Write),
        ("pull_requests", Access::Write),
        ("statuses", Access::Write),
        ("deployments", Access::Write),
        ("contents", Access::Read),
    ];
    github.add_token("job", Identity::github_token(&writing));
    github.add_token("reader", Identity::github_token(&[("contents", Access::Read)]));
    github.add_token("person", Identity::person("alice", 11, &writing));
    let mut with_members = writing.to_vec();
    with_members.push(("members", Access::Read));
    github.add_token("app", Identity::app("churn-reports", 5, &with_members));
    github.add_installation(Identity::app("churn-reports", 5, &with_members));
    github.add_person("alice", "write");
    github.add_person("maria", "maintain");
    github.add_team_member("acme/ml-leads", "maria");
    github.set_branch("main", BASE);
    github.set_pull_request(PullRequest {
        number: 7,
        author: "mallory".into(),
        state: "open".into(),
        head_ref: "topic".into(),
        head_sha: HEAD.into(),
        head_repository: "mallory/churn".into(),
        base_ref: "main".into(),
        base_sha: BASE.into(),
        files: (0..130).map(|number| format!("src/file{number}.py")).collect(),
    });
    github
}

/// Calls with the token `job`.
fn call(github: &FakeGitHub, method: &str, path: &str, body: &Value) -> Reply {
    request(&github.url(), method, &format!("/repos/acme/churn{path}"), Some("job"), body)
}

#[test]
fn tokens_decide() {
    let github = seeded();
    let comments = "/repos/acme/churn/issues/7/comments";
    let body = json!({ "body": "hello" });
    let status = |token: Option<&str>| request(&github.url(), "POST", comments, token, &body).status;
    assert_eq!(status(None), 401);
    assert_eq!(status(Some("unknown")), 401);
    assert_eq!(status(Some("reader")), 403);
    assert_eq!(status(Some("job")), 201);
    let check = json!({ "name": "runner", "head_sha": HEAD });
    let by_person = request(&github.url(), "POST", "/repos/acme/churn/check-runs", Some("person"), &check);
    assert_eq!(by_person.status, 403, "only Apps write checks");
    let elsewhere = request(&github.url(), "GET", "/repos/acme/other/pulls/7", Some("job"), &Value::Null);
    assert_eq!(elsewhere.status, 404);
}

#[test]
fn checks_are_refused_as_github_refuses_them() {
    let github = seeded();
    let output = |annotations: usize, summary: usize| {
        let annotation = json!({ "path": "w.yml", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m" });
        json!({ "title": "t", "summary": "s".repeat(summary), "annotations": vec![annotation; annotations] })
    };
    let cases = [
        (json!({ "name": "n", "head_sha": HEAD, "status": "completed" }), 422),
        (json!({ "name": "n", "head_sha": "3".repeat(40), "status": "queued" }), 422),
        (json!({ "name": "n", "head_sha": HEAD, "output": output(51, 1) }), 422),
        (json!({ "name": "n", "head_sha": HEAD, "output": output(1, 65_536) }), 422),
        (
            json!({ "name": "n", "head_sha": HEAD, "conclusion": "failure", "output": output(50, 65_535) }),
            201,
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(call(&github, "POST", "/check-runs", &body).status, expected, "{body}");
    }
    let run = &github.check_runs()[0];
    assert_eq!(run.status, "completed", "a conclusion completes");
    let more = call(&github, "PATCH", &format!("/check-runs/{}", run.id), &json!({ "output": output(3, 1) }));
    assert_eq!(more.status, 200);
    assert_eq!(github.check_runs()[0].annotations.len(), 53, "annotations add up over requests");
}

#[test]
fn lists_come_in_pages_with_links() {
    let github = seeded();
    let first = call(&github, "GET", "/pulls/7/files?per_page=100", &Value::Null);
    assert_eq!(first.body.as_array().unwrap().len(), 100);
    let link = first.link.expect("there is more");
    assert!(link.contains(&format!(
        "<{}/repos/acme/churn/pulls/7/files?per_page=100&page=2>; rel=\"next\"",
        github.url()
    )));
    let second = call(&github, "GET", "/pulls/7/files?per_page=100&page=2", &Value::Null);
    assert_eq!(second.body.as_array().unwrap().len(), 30);
    assert!(!second.link.unwrap().contains("rel=\"next\""));
}

#[test]
fn every_call_is_remembered() {
    let github = seeded();
    let _ = call(&github, "POST", "/issues/7/comments", &json!({ "body": "hello" }));
    let _ = call(&github, "GET", "/no/such/thing", &Value::Null);
    let calls = github.take_calls();
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[0].method.as_str(), calls[0].status), ("POST", 201));
    assert_eq!(calls[0].body["body"], "hello");
    assert_eq!(calls[1].status, 404);
    assert!(github.take_calls().is_empty());
}
