//! Payloads in the shapes that GitHub documents, cut to what tells them apart.

use serde_json::{Value, json};

use super::Event;

/// A repository with the owner `acme`.
pub(crate) fn repository(id: u64, name: &str) -> Value {
    json!({
        "id": id, "node_id": "R_x", "name": name.split('/').next_back(), "full_name": name, "private": false,
        "owner": { "login": name.split('/').next(), "id": 1, "node_id": "O_x", "type": "Organization", "site_admin": false },
        "default_branch": "main", "html_url": format!("https://github.com/{name}"),
    })
}

pub(crate) fn user(login: &str, id: u64) -> Value {
    json!({ "login": login, "id": id, "node_id": "U_x", "type": "User", "site_admin": false })
}

/// `head` is where the branch lives.
pub(crate) fn pull(head_repository: &Value, head_sha: &str, base_sha: &str) -> Value {
    json!({
        "url": "https://api.github.com/repos/acme/churn/pulls/7", "id": 1_500_000_007_u64, "number": 7, "state": "open",
        "locked": false, "title": "Raise the learning rate", "user": user("mona", 583_231), "body": null, "draft": false,
        "head": { "label": "acme:feature", "ref": "feature/lr", "sha": head_sha, "user": user("mona", 583_231), "repo": head_repository },
        "base": { "label": "acme:main", "ref": "main", "sha": base_sha, "user": user("acme", 1), "repo": repository(10, "acme/churn") },
        "merged": false, "commits": 1, "changed_files": 2,
    })
}

pub(crate) fn pull_request(action: &str, head_repository: &Value) -> Value {
    json!({
        "action": action, "number": 7,
        "pull_request": pull(head_repository, &"a".repeat(40), &"b".repeat(40)),
        "repository": repository(10, "acme/churn"), "sender": user("mona", 583_231),
    })
}

pub(crate) fn push(reference: &str, before: &str) -> Value {
    json!({
        "ref": reference, "before": before, "after": "c".repeat(40), "created": false, "deleted": false, "forced": false,
        "base_ref": null, "compare": "https://github.com/acme/churn/compare/b...c", "commits": [],
        "repository": repository(10, "acme/churn"), "pusher": { "name": "mona", "email": "mona@example.com" }, "sender": user("mona", 583_231),
    })
}

fn parse(name: &str, payload: &Value) -> Event {
    let event = Event::parse(name, payload).unwrap();
    assert_eq!(event.name(), name);
    event
}

#[test]
fn pull_requests() {
    let event = parse("pull_request", &pull_request("synchronize", &repository(10, "acme/churn")));
    assert_eq!(event.action(), Some("synchronize"));
    assert_eq!(event.head_sha(), Some("a".repeat(40).as_str()));
    assert_eq!(event.base_sha(), Some("b".repeat(40).as_str()));
    assert_eq!(event.pull_request(), Some(7));
    assert!(!event.is_from_fork());
    assert!(parse("pull_request", &pull_request("opened", &repository(99, "mona/churn"))).is_from_fork());
    // The fork is gone.
    assert!(parse("pull_request", &pull_request("opened", &Value::Null)).is_from_fork());
}

#[test]
fn pushes_queues_and_schedules() {
    let event = parse("push", &push("refs/heads/main", &"b".repeat(40)));
    assert_eq!(event.head_sha(), Some("c".repeat(40).as_str()));
    assert_eq!(event.base_sha(), None);
    let group = json!({
        "action": "checks_requested",
        "merge_group": {
            "head_sha": "d".repeat(40), "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-bbb",
            "base_sha": "b".repeat(40), "base_ref": "refs/heads/main", "head_commit": { "id": "d".repeat(40) },
        },
        "repository": repository(10, "acme/churn"), "sender": user("github-merge-queue[bot]", 2),
    });
    let event = parse("merge_group", &group);
    assert_eq!(
        (event.head_sha(), event.base_sha()),
        (Some("d".repeat(40).as_str()), Some("b".repeat(40).as_str()))
    );
    parse("schedule", &json!({ "schedule": "0 3 * * *", "repository": repository(10, "acme/churn") }));
    let dispatch = json!({ "ref": "refs/heads/main", "inputs": { "lr": "0.1" }, "workflow": ".github/workflows/ml.yml", "repository": repository(10, "acme/churn") });
    parse("workflow_dispatch", &dispatch);
    assert_eq!(parse("release", &json!({})), Event::Other("release".into()));
}

#[test]
fn comments_and_workflow_runs() {
    let comment = comment(1, "/runner approve 0123abc", &user("alice", 5));
    let Event::IssueComment(event) = parse("issue_comment", &comment) else { panic!() };
    assert!(event.issue.pull_request.is_some());
    assert_eq!(event.comment.user.unwrap().login, "alice");
    let Event::WorkflowRun(event) = parse("workflow_run", &workflow_run(&json!([]))) else { panic!() };
    assert_eq!(event.workflow_run.conclusion.as_deref(), Some("success"));
    // What is checked out is judged, and that is the default branch.
    assert_eq!(parse("workflow_run", &workflow_run(&json!([]))).head_sha(), None);
    assert_eq!(event.workflow_run.head_repository.unwrap().owner.unwrap().login, "mona");
    let same = workflow_run(&json!([{
        "url": "https://api.github.com/repos/acme/churn/pulls/7", "id": 1, "number": 7,
        "head": { "ref": "feature/lr", "sha": "a".repeat(40), "repo": { "id": 10, "url": "https://api.github.com/repos/acme/churn", "name": "churn" } },
        "base": { "ref": "main", "sha": "b".repeat(40), "repo": { "id": 10, "url": "https://api.github.com/repos/acme/churn", "name": "churn" } },
    }]));
    let Event::WorkflowRun(event) = parse("workflow_run", &same) else { panic!() };
    assert_eq!(event.workflow_run.pull_requests[0].number, 7);
}

/// A comment on pull request 7.
pub(crate) fn comment(id: u64, body: &str, by: &Value) -> Value {
    json!({
        "action": "created",
        "issue": {
            "id": 1, "number": 7, "title": "Raise the learning rate", "state": "open", "user": user("mona", 583_231),
            "pull_request": { "url": "https://api.github.com/repos/acme/churn/pulls/7", "html_url": "https://github.com/acme/churn/pull/7" },
        },
        "comment": {
            "id": id, "body": body, "user": by, "author_association": "MEMBER", "performed_via_github_app": null,
            "created_at": "2026-11-25T08:00:00Z", "updated_at": "2026-11-25T08:00:00Z",
            "html_url": format!("https://github.com/acme/churn/pull/7#issuecomment-{id}"),
        },
        "repository": repository(10, "acme/churn"), "sender": by,
    })
}

pub(crate) fn workflow_run(pull_requests: &Value) -> Value {
    json!({
        "action": "completed",
        "workflow_run": {
            "id": 900, "name": "ML", "event": "pull_request", "status": "completed", "conclusion": "success",
            "head_sha": "a".repeat(40), "head_branch": "feature/lr", "head_repository": repository(99, "mona/churn"),
            "pull_requests": pull_requests, "run_number": 3, "run_attempt": 1, "workflow_id": 4,
            "html_url": "https://github.com/acme/churn/actions/runs/900",
        },
        "workflow": { "id": 4, "name": "ML", "path": ".github/workflows/ml.yml" },
        "repository": repository(10, "acme/churn"), "sender": user("mona", 583_231),
    })
}

#[test]
fn shapes_point_to_their_names() {
    let repo = repository(10, "acme/churn");
    for (name, payload) in [
        ("pull_request", pull_request("opened", &repo)),
        ("push", push("refs/heads/main", &"b".repeat(40))),
        ("issue_comment", comment(1, "x", &user("a", 1))),
        ("workflow_run", workflow_run(&json!([]))),
        ("schedule", json!({ "schedule": "0 3 * * *" })),
    ] {
        assert_eq!(Event::guess(&payload), Some(name));
    }
    assert_eq!(Event::guess(&json!({ "zen": "x" })), None);
}

#[test]
fn what_is_missing_is_named() {
    let mut payload = pull_request("opened", &repository(10, "acme/churn"));
    payload["pull_request"]["head"].as_object_mut().unwrap().remove("sha");
    let error = Event::parse("pull_request", &payload).unwrap_err().to_string();
    assert_eq!(error, "the payload is not one of `pull_request`: missing field `sha`");
}
