use jiff::Timestamp;
use runner_engine::{
    event::RunResult,
    policy::{ChangeKind, PolicyBase, PolicyChange, PolicyReport},
};
use runner_gate::verdict::Verdict;
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path, path_regex},
};

use super::{Answer, Command, VALID_FOR, answer, command, find};
use crate::{
    client::tests::client,
    event::{
        Event, IssueCommentEvent, User,
        tests::{comment, pull, repository, user},
    },
    report::{
        Report,
        marker::Marker,
        render,
        snapshot::Snapshot,
        tests::{passed, sample},
    },
};

fn now() -> Timestamp {
    "2026-11-25T09:00:00Z".parse().unwrap()
}

#[test]
fn commands() {
    let digest = "0123456789abcdef".repeat(2);
    let approve = |digits: &str| Some(Command::Approve(digits.to_owned()));
    assert_eq!(command(&format!("/runner approve {}\n\nthanks", digest.to_uppercase())), approve(&digest));
    assert_eq!(command(&format!("  /runner   approve sha256:{digest}\r\n")), approve(&digest));
    assert_eq!(command(&format!("/runner approve {}", "ab".repeat(32))), approve(&"ab".repeat(32)));
    let short = format!("/runner approve {}", &digest[1..]);
    assert!(matches!(command(&short), Some(Command::Unknown(_))), "31 digits are too few");
    for nothing in [
        "",
        "please /runner approve 0123456",
        "> /runner approve 0123456",
        "\n/runner approve 0123456",
        "/runners approve 0123456",
    ] {
        assert_eq!(command(nothing), None, "{nothing}");
    }
    for unknown in [
        "/runner approve",
        "/runner approve 01234",
        "/runner approve xyzxyzx",
        "/runner merge",
        "/runner approve 0123456 now",
        "/runner",
    ] {
        assert!(matches!(command(unknown), Some(Command::Unknown(_))), "{unknown}");
    }
}

/// A run held only by changes of policy.
fn held() -> Report {
    let mut report = passed();
    let change = PolicyChange {
        kind: ChangeKind::GateLoosened,
        place: "evaluate".into(),
        before: Some("auc >= 0.9".into()),
        after: Some("auc >= 0.8".into()),
        how: Vec::new(),
    };
    report.policy = PolicyReport::new(PolicyBase::Commit("b".repeat(40)), vec![change]);
    report.run.result = Some(RunResult::Held);
    report.run.exit_code = Some(4);
    report
}

fn digest(report: &Report) -> String {
    report.policy.digest.clone().or_else(|| report.evidence.clone()).unwrap().replace("sha256:", "")
}

fn check(report: &Report, app: &str) -> Value {
    json!({
        "id": 5, "external_id": report.run.run_id, "app": { "id": 15_368, "slug": app },
        "output": { "title": "held", "summary": "s", "text": format!("text\n{}\n", Snapshot::of(report).hidden()) },
    })
}

/// The API with this comment, this check run and these rights of `alice`.
async fn server(comment: &Value, checks: Value, permission: &str) -> MockServer {
    let server = MockServer::start().await;
    let on = |verb: &str, at: &str| Mock::given(method(verb)).and(path(format!("/repos/acme/churn/{at}")));
    let fine = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    on("GET", "issues/comments/1").respond_with(fine(comment["comment"].clone())).mount(&server).await;
    let newest = pull(&repository(10, "acme/churn"), &"a".repeat(40), &"b".repeat(40));
    on("GET", "pulls/7").respond_with(fine(newest)).mount(&server).await;
    let checks = fine(json!({ "total_count": 1, "check_runs": checks }));
    on("GET", &format!("commits/{}/check-runs", "a".repeat(40))).respond_with(checks).mount(&server).await;
    on("GET", "collaborators/alice/permission")
        .respond_with(fine(json!({ "permission": permission, "role_name": permission })))
        .mount(&server)
        .await;
    on("GET", "issues/7/comments").respond_with(fine(json!([comment["comment"]]))).mount(&server).await;
    on("PATCH", "check-runs/5").respond_with(fine(json!({}))).mount(&server).await;
    on("POST", "issues/7/comments")
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({})))
        .mount(&server)
        .await;
    server
}

fn event(payload: &Value) -> IssueCommentEvent {
    let Event::IssueComment(event) = Event::parse("issue_comment", payload).unwrap() else { panic!() };
    *event
}

/// The answer, the conclusion of the check run if it was changed, and the reply.
async fn answered(
    payload: &Value,
    checks: Value,
    permission: &str,
    at: Timestamp,
) -> (Answer, Option<String>, Option<String>) {
    let server = server(payload, checks, permission).await;
    let answer = answer(&client(&server).await, &event(payload), None, &[], at).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let sent = |verb: &str| {
        let request = requests.iter().find(|request| request.method.as_str() == verb)?;
        serde_json::from_slice::<Value>(&request.body).ok()
    };
    let conclusion = sent("PATCH").map(|body| body["conclusion"].as_str().unwrap().to_owned());
    let reply = sent("POST").map(|body| body["body"].as_str().unwrap().to_owned());
    (answer, conclusion, reply)
}

#[tokio::test]
async fn an_approval_completes_the_check() {
    let report = held();
    let payload = comment(1, &format!("/runner approve {}", &digest(&report)[..32]), &user("alice", 5));
    let (answer, conclusion, reply) =
        answered(&payload, json!([check(&report, "github-actions")]), "write", now()).await;
    let Answer::Approved { approval, again } = answer else { panic!("{answer:?}") };
    assert_eq!((approval.by.as_str(), again), ("alice", false));
    assert_eq!(approval.until, approval.at.checked_add(VALID_FOR).unwrap());
    assert_eq!(conclusion.as_deref(), Some("success"));
    assert!(reply.unwrap().starts_with("<!-- runner:reply comment=1 -->\nApproved by alice"));
}

/// The report on the pull request shows it too: ours, of this commit, and nobody else's.
#[tokio::test]
async fn an_approval_is_shown_in_the_report() {
    let report = held();
    let payload = comment(1, &format!("/runner approve {}", digest(&report)), &user("alice", 5));
    let server = server(&payload, json!([check(&report, "github-actions")]), "write").await;
    let body = render::comment(&report, &[]).text;
    let older = body.replacen(&"a".repeat(40), &"c".repeat(40), 1);
    let ours = json!({ "login": "github-actions[bot]", "id": 41_898_282, "type": "Bot" });
    let mut comments = Vec::new();
    for (id, body, user) in
        [(2, &body, user("mallory", 6)), (3, &older, ours.clone()), (4, &body, ours.clone())]
    {
        let mut there = payload["comment"].clone();
        (there["id"], there["body"], there["user"]) = (json!(id), json!(body), user);
        comments.push(there);
    }
    let list = |comments: &[Value]| {
        Mock::given(method("GET"))
            .and(path("/repos/acme/churn/issues/7/comments"))
            .respond_with(ResponseTemplate::new(200).set_body_json(comments))
    };
    list(&comments).with_priority(2).mount(&server).await;
    let edited = Mock::given(method("PATCH")).and(path_regex("/issues/comments/"));
    edited.respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let mut impatient = client(&server).await;
    let said = answer(&impatient, &event(&payload), None, &[], now()).await.unwrap();
    // A report that cannot be edited changes nothing: the check run is what counts.
    assert!(matches!(said, Answer::Approved { again: false, .. }), "{said:?}");
    assert!(impatient.notices()[0].contains("still shows that it waits"), "{:?}", impatient.notices());
    let requests = server.received_requests().await.unwrap();
    let edits: Vec<_> =
        requests.iter().filter(|request| request.url.path().contains("issues/comments/")).collect();
    let edits: Vec<_> = edits.into_iter().filter(|request| request.method.as_str() == "PATCH").collect();
    assert!(
        !edits.is_empty() && edits.iter().all(|edit| edit.url.path().ends_with("/comments/4")),
        "{edits:?}"
    );
    let written: Value = serde_json::from_slice(&edits[0].body).unwrap();
    let written = written["body"].as_str().unwrap();
    assert!(written.contains("### ✅ ") && written.contains(", approved by alice:"), "{written}");
    assert!(!written.contains("/runner approve") && !written.contains("nobody approved yet"), "{written}");
    let (before, after) = (Marker::read(&body).unwrap(), Marker::read(written).unwrap());
    assert_eq!((&before.key, &before.sha), (&after.key, &after.sha));
    assert_ne!(before.body, after.body, "the next run writes it anew");
    assert_eq!(render::approved(written, &approval_of(&said), render::Then::Passes), None, "once");
    // Delivered again, when nothing waits any more.
    let mut reply = comments[2].clone();
    (reply["id"], reply["body"]) =
        (json!(5), json!("<!-- runner:reply comment=1 -->\nApproved by alice: …\n"));
    comments.push(reply);
    list(&comments).with_priority(1).mount(&server).await;
    Mock::given(path_regex("/check-runs$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "total_count": 0, "check_runs": [] })))
        .with_priority(1)
        .mount(&server)
        .await;
    impatient = client(&server).await;
    let said = answer(&impatient, &event(&payload), None, &[], now()).await.unwrap();
    assert!(matches!(said, Answer::NotForUs(_)), "{said:?}");
}

fn approval_of(answer: &Answer) -> runner_engine::policy::Approval {
    let Answer::Approved { approval, .. } = answer else { panic!("{answer:?}") };
    approval.clone()
}

/// Gates that hold are approved by the digest of the evidence.
#[tokio::test]
async fn a_hold_is_approved_by_its_evidence() {
    let mut report = sample();
    report.run.stages[1].gates.remove(0);
    report.run.verdict = Verdict::Hold;
    report.run.result = Some(RunResult::Held);
    report.evidence = Some(format!("sha256:{}", "ab".repeat(32)));
    let payload = comment(1, &format!("/runner approve {}", "ab".repeat(32)), &user("alice", 5));
    let (answer, conclusion, _) =
        answered(&payload, json!([check(&report, "github-actions")]), "maintain", now()).await;
    assert!(matches!(answer, Answer::Approved { .. }), "{answer:?}");
    assert_eq!(conclusion.as_deref(), Some("success"));
    // Approving the policy alone does not let a gate pass that holds.
    let mut both = report.clone();
    both.policy = held().policy;
    let payload = comment(
        1,
        &format!("/runner approve {}", &both.policy.digest.clone().unwrap()[7..40]),
        &user("alice", 5),
    );
    let (_, conclusion, _) =
        answered(&payload, json!([check(&both, "github-actions")]), "write", now()).await;
    assert_eq!(conclusion.as_deref(), Some("action_required"));
}

/// What was not granted was not tried, so an approval alone turns nothing green.
#[tokio::test]
async fn a_denied_run_has_to_run_again() {
    let mut report = held();
    report.run.result = Some(RunResult::Denied);
    report.run.exit_code = Some(5);
    let payload = comment(1, &format!("/runner approve {}", digest(&report)), &user("alice", 5));
    let (answer, conclusion, reply) =
        answered(&payload, json!([check(&report, "github-actions")]), "admin", now()).await;
    assert!(matches!(answer, Answer::Approved { again: true, .. }));
    assert_eq!(conclusion.as_deref(), Some("action_required"));
    assert!(reply.unwrap().contains("Run the job again"));
}

#[tokio::test]
async fn what_does_not_count_is_refused_with_the_reason() {
    let report = held();
    let right = format!("/runner approve {}", digest(&report));
    let mut edited = comment(1, &right, &user("alice", 5));
    edited["comment"]["updated_at"] = json!("2026-11-25T08:30:00Z");
    let mut bot = comment(1, &right, &user("alice", 5));
    bot["comment"]["user"]["type"] = json!("Bot");
    let late: Timestamp = "2026-12-03T09:00:00Z".parse().unwrap();
    let ours = || json!([check(&report, "github-actions")]);
    for (payload, checks, permission, at, why) in [
        (comment(1, &right, &user("alice", 5)), ours(), "read", now(), "may not push"),
        (comment(1, &right, &user("mona", 583_231)), ours(), "admin", now(), "of their own"),
        (comment(1, &right, &user("MONA", 583_231)), ours(), "admin", now(), "of their own"),
        (comment(1, &right, &user("alice", 5)), ours(), "write", late, "expired"),
        (edited, ours(), "write", now(), "edited"),
        (bot, ours(), "write", now(), "bot"),
        (
            comment(1, &format!("/runner approve {}", "0".repeat(64)), &user("alice", 5)),
            ours(),
            "write",
            now(),
            "stale",
        ),
        (
            comment(1, &right, &user("alice", 5)),
            json!([]),
            "write",
            now(),
            "nothing on the latest commit waits",
        ),
        (
            comment(1, &right, &user("alice", 5)),
            json!([check(&report, "evil-app")]),
            "write",
            now(),
            "nothing on the latest commit waits",
        ),
        (comment(1, "/runner approve", &user("alice", 5)), ours(), "write", now(), "does not say what"),
    ] {
        let (answer, conclusion, reply) = answered(&payload, checks, permission, at).await;
        let Answer::Refused(reason) = &answer else { panic!("{answer:?}, expected: {why}") };
        assert!(reason.contains(why), "{reason}, expected: {why}");
        assert_eq!(conclusion, None);
        assert!(reply.unwrap().contains("Not approved"));
    }
}

#[tokio::test]
async fn other_comments_cost_no_call() {
    let none = MockServer::start().await;
    let client = client(&none).await;
    let mut issue = comment(1, "/runner approve 0123456", &user("alice", 5));
    issue["issue"].as_object_mut().unwrap().remove("pull_request");
    let mut changed = comment(1, "/runner approve 0123456", &user("alice", 5));
    changed["action"] = json!("edited");
    for payload in [comment(1, "looks good", &user("alice", 5)), issue, changed] {
        let answer = answer(&client, &event(&payload), None, &[], now()).await.unwrap();
        assert!(matches!(answer, Answer::NotForUs(_)), "{answer:?}");
    }
    assert_eq!(client.calls(), 0);
}

/// An event that is delivered twice gets one reply.
#[tokio::test]
async fn one_reply_for_one_comment() {
    let payload = comment(1, "/runner approve", &user("alice", 5));
    let server = MockServer::start().await;
    Mock::given(path_regex("/issues/comments/1$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(payload["comment"].clone()))
        .mount(&server)
        .await;
    let mut reply = payload["comment"].clone();
    reply["user"] = json!({ "login": "github-actions[bot]", "id": 41_898_282, "type": "Bot" });
    reply["body"] = json!("<!-- runner:reply comment=1 -->\nNot approved: …");
    Mock::given(path_regex("/issues/7/comments$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([reply])))
        .mount(&server)
        .await;
    let client = client(&server).await;
    answer(&client, &event(&payload), None, &[], now()).await.unwrap();
    assert!(server.received_requests().await.unwrap().iter().all(|request| request.method.as_str() == "GET"));
}

#[tokio::test]
async fn a_run_finds_approvals_of_its_own_digest() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let right = format!("/runner approve {digest}");
    let said = |id: u64, text: &str, by: &Value| comment(id, text, by)["comment"].clone();
    let (alice, bob) = (user("alice", 5), user("bob", 6));
    let server = MockServer::start().await;
    let comments = json!([
        said(1, &right, &alice),
        said(2, &format!("/runner approve {}", "1".repeat(64)), &alice),
        said(3, &right, &user("mona", 583_231)),
        said(4, &right, &bob),
    ]);
    Mock::given(path_regex("/issues/7/comments$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(comments))
        .mount(&server)
        .await;
    let member =
        |state: &str| ResponseTemplate::new(200).set_body_json(json!({ "state": state, "role": "member" }));
    let team = |login: &str| Mock::given(path(format!("/orgs/acme/teams/ml%2Dleads/memberships/{login}")));
    team("alice").respond_with(member("active")).mount(&server).await;
    team("bob").respond_with(member("pending")).mount(&server).await;
    let author: User = serde_json::from_value(user("mona", 583_231)).unwrap();
    let approvers = ["acme/ml-leads".to_owned()];
    let client = client(&server).await;
    let found = find(&client, 7, Some(&author), &digest, &approvers, now()).await.unwrap();
    assert_eq!(found.approval.unwrap().by, "alice");
    assert_eq!(found.refused.len(), 2, "{:?}", found.refused);
    assert!(found.refused[0].contains("bob is not among the approvers"));
    let none = find(&client, 7, None, &digest, &approvers, now()).await.unwrap();
    assert_eq!(none.approval, None);
    let named = find(&client, 7, Some(&author), &digest, &["Bob".to_owned()], now()).await.unwrap();
    assert_eq!(named.approval.unwrap().by, "bob");
}
