//! Both sides of the API are held to GitHub's own `OpenAPI` description: every answer of the double passes, and requests that GitHub
//! refuses are refused.

use serde_json::{Value, json};

use crate::{double::seeded, prism::Prism};

const HEAD: &str = "1111111111111111111111111111111111111111";
const BASE: &str = "2222222222222222222222222222222222222222";

#[test]
#[ignore = "needs .ci/install-github: cargo xtask test --all"]
fn every_answer_of_the_double_is_one_that_github_could_give() {
    let github = seeded();
    let prism = Prism::before(&github);
    let expect = |status: u16, method: &str, path: &str, token: &str, body: Value| {
        let reply = prism.call(method, path, Some(token), &body);
        assert_eq!(reply.status, status, "{method} {path}\n{}\n{}", reply.body, prism.log());
        reply.body
    };
    let repository = |path: &str| format!("/repos/acme/churn{path}");
    let none = Value::Null;

    let comment = expect(201, "POST", &repository("/issues/7/comments"), "job", json!({ "body": "one" }));
    let by_person =
        expect(201, "POST", &repository("/issues/7/comments"), "person", json!({ "body": "two" }));
    assert!(by_person["performed_via_github_app"].is_null());
    let id = &comment["id"];
    expect(200, "PATCH", &repository(&format!("/issues/comments/{id}")), "job", json!({ "body": "three" }));
    expect(200, "GET", &repository(&format!("/issues/comments/{id}")), "job", none.clone());
    let list = expect(200, "GET", &repository("/issues/7/comments?per_page=100&page=1"), "job", none.clone());
    assert_eq!(list.as_array().unwrap().len(), 2);

    let annotation = json!({ "path": "w.yml", "start_line": 3, "end_line": 3, "annotation_level": "failure", "message": "m", "title": "t" });
    let run = expect(
        201,
        "POST",
        &repository("/check-runs"),
        "job",
        json!({
            "name": "runner: churn", "head_sha": HEAD, "status": "completed", "conclusion": "failure", "external_id": "r1",
            "output": { "title": "t", "summary": "s", "annotations": [annotation] },
        }),
    );
    let id = &run["id"];
    let more = json!({ "output": { "title": "t", "summary": "s", "annotations": [annotation] } });
    expect(200, "PATCH", &repository(&format!("/check-runs/{id}")), "job", more);
    expect(200, "GET", &repository(&format!("/check-runs/{id}")), "job", none.clone());
    expect(200, "GET", &repository(&format!("/check-runs/{id}/annotations")), "job", none.clone());
    let named = format!("/commits/{HEAD}/check-runs?check_name=runner%3A%20churn");
    assert_eq!(expect(200, "GET", &repository(&named), "job", none.clone())["total_count"], 1);

    let status = json!({ "state": "failure", "context": "runner/churn", "description": "1 gate failed" });
    expect(201, "POST", &repository(&format!("/statuses/{HEAD}")), "job", status);
    expect(200, "GET", &repository(&format!("/commits/{HEAD}/statuses")), "job", none.clone());

    let deployment =
        json!({ "ref": HEAD, "environment": "production", "auto_merge": false, "required_contexts": [] });
    let deployment = expect(201, "POST", &repository("/deployments"), "job", deployment);
    let id = &deployment["id"];
    let state = json!({ "state": "success", "description": "promoted" });
    expect(201, "POST", &repository(&format!("/deployments/{id}/statuses")), "job", state);
    expect(200, "GET", &repository("/deployments?environment=production"), "job", none.clone());
    expect(200, "GET", &repository(&format!("/deployments/{id}/statuses")), "job", none.clone());

    expect(200, "GET", &repository("/pulls/7"), "job", none.clone());
    expect(200, "GET", &repository("/pulls/7/files?per_page=100"), "job", none.clone());
    let found = expect(200, "GET", &repository("/pulls?state=open&head=mallory:topic"), "job", none.clone());
    assert_eq!(found[0]["number"], 7);
    expect(200, "GET", &repository("/branches/main"), "job", none.clone());
    expect(200, "GET", &repository(&format!("/commits/{HEAD}")), "job", none.clone());
    expect(200, "GET", &repository(&format!("/compare/{BASE}...{HEAD}")), "job", none.clone());
    let access = expect(200, "GET", &repository("/collaborators/maria/permission"), "job", none.clone());
    assert_eq!((&access["permission"], &access["role_name"]), (&json!("write"), &json!("maintain")));
    expect(200, "GET", "/orgs/acme/teams/ml-leads/memberships/maria", "app", none.clone());
    expect(404, "GET", "/orgs/acme/teams/ml-leads/memberships/alice", "app", none.clone());
    expect(403, "GET", "/orgs/acme/teams/ml-leads/memberships/maria", "job", none.clone());
    expect(200, "GET", "/user", "person", none.clone());
    expect(200, "GET", &repository("/installation"), "a.signed.token", none.clone());
    let token = expect(201, "POST", "/app/installations/77/access_tokens", "a.signed.token", json!({}));
    expect(200, "GET", &repository("/pulls/7"), token["token"].as_str().unwrap(), none.clone());

    // Refusals have GitHub's shapes too.
    expect(401, "GET", &repository("/pulls/7"), "unknown", none.clone());
    expect(403, "POST", &repository("/check-runs"), "reader", json!({ "name": "n", "head_sha": HEAD }));
    expect(404, "GET", &repository("/pulls/8"), "job", none.clone());
    let unfinished = json!({ "name": "n", "head_sha": HEAD, "status": "completed" });
    expect(422, "POST", &repository("/check-runs"), "job", unfinished);
}

#[test]
#[ignore = "needs .ci/install-github: cargo xtask test --all"]
fn requests_that_github_refuses_do_not_reach_the_double() {
    let github = seeded();
    let prism = Prism::before(&github);
    let output = |annotation: Value| json!({ "title": "t", "summary": "s", "annotations": [annotation] });
    let check = |output: Value| json!({ "name": "n", "head_sha": HEAD, "output": output });
    let many = vec![
        json!({ "path": "w", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m" });
        51
    ];
    let cases = [
        ("POST", "/issues/7/comments", json!({})),
        ("POST", "/issues/7/comments", json!({ "body": 7 })),
        ("GET", "/issues/seven/comments", Value::Null),
        ("GET", "/issues/7/comments?per_page=many", Value::Null),
        ("POST", "/check-runs", json!({ "head_sha": HEAD })),
        ("POST", "/check-runs", json!({ "name": "n", "head_sha": HEAD, "conclusion": "passed" })),
        (
            "POST",
            "/check-runs",
            check(output(
                json!({ "path": "w", "start_line": 1, "end_line": 1, "annotation_level": "error", "message": "m" }),
            )),
        ),
        ("POST", "/check-runs", check(json!({ "title": "t", "summary": "s", "annotations": many }))),
        ("POST", "/check-runs", check(json!({ "title": "t", "summary": "s".repeat(65_536) }))),
        ("POST", "/statuses/1111111111111111111111111111111111111111", json!({ "state": "running" })),
        ("POST", "/deployments", json!({ "environment": "production" })),
    ];
    for (method, path, body) in cases {
        let reply = prism.call(method, &format!("/repos/acme/churn{path}"), Some("job"), &body);
        assert_eq!(reply.status, 422, "{method} {path}: {}", reply.body);
    }
    assert!(github.take_calls().is_empty());
}
