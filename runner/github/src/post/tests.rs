use runner_engine::{
    event::{RunResult, StageResult},
    executor::{Finding, Severity},
};
use runner_gate::verdict::Verdict;
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path, path_regex, query_param},
};

use super::{Target, check::conclusion, post};
use crate::{
    client::tests::{InTurn, client},
    event::tests::{pull, repository},
    report::{
        Occasion, Report, render,
        tests::{judgement, passed, rule, sample},
    },
};

const COMMENTS: &str = "/repos/acme/churn/issues/7/comments";

fn target() -> Target {
    Target { pull_request: Some(7), job_conclusion: None }
}

fn written(id: u64, body: &str, login: &str) -> Value {
    json!({
        "id": id, "body": body, "user": { "login": login, "id": 41_898_282, "type": "Bot" },
        "created_at": "2026-11-25T08:00:00Z", "updated_at": "2026-11-25T08:00:00Z",
        "html_url": format!("https://github.com/acme/churn/pull/7#issuecomment-{id}"),
    })
}

fn ours(id: u64, report: &Report) -> Value {
    written(id, &render::comment(report, &[]).text, "github-actions[bot]")
}

/// A server where everything works, with these comments on the pull request.
async fn server(comments: Value) -> MockServer {
    let server = MockServer::start().await;
    let on = |verb: &str, at: &str| Mock::given(method(verb)).and(path(at.to_owned()));
    on("GET", COMMENTS).respond_with(ResponseTemplate::new(200).set_body_json(comments)).mount(&server).await;
    let made = || ResponseTemplate::new(201).set_body_json(written(2, "", "github-actions[bot]"));
    on("POST", COMMENTS).respond_with(made()).mount(&server).await;
    on("PATCH", "/repos/acme/churn/issues/comments/1").respond_with(made()).mount(&server).await;
    let newest = pull(&repository(10, "acme/churn"), &"a".repeat(40), &"b".repeat(40));
    on("GET", "/repos/acme/churn/pulls/7")
        .respond_with(ResponseTemplate::new(200).set_body_json(newest))
        .mount(&server)
        .await;
    let check = ResponseTemplate::new(201)
        .set_body_json(json!({ "id": 5, "html_url": "https://github.com/acme/churn/runs/5" }));
    on("POST", "/repos/acme/churn/check-runs").respond_with(check.clone()).mount(&server).await;
    on("PATCH", "/repos/acme/churn/check-runs/5").respond_with(check).mount(&server).await;
    server
}

/// `POST /repos/acme/churn/check-runs` without the start that is always the same.
async fn calls(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| {
            format!("{} {}", request.method, request.url.path().trim_start_matches("/repos/acme/churn/"))
        })
        .collect()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test]
async fn a_typical_run_takes_few_calls() {
    // Opened: nothing is there.
    let fresh = server(json!([])).await;
    let posted = post(&client(&fresh).await, &sample(), &target()).await;
    assert!(posted.failed.is_empty(), "{:?}", posted.failed);
    assert_eq!(calls(&fresh).await, ["GET issues/7/comments", "POST issues/7/comments", "POST check-runs"]);
    assert_eq!(posted.url.as_deref(), Some("https://github.com/acme/churn/pull/7#issuecomment-2"));
    // Pushed again.
    let mut before = sample();
    before.head_sha = Some("9".repeat(40));
    let again = server(json!([written(9, "hello", "mona"), ours(1, &before)])).await;
    let client = client(&again).await;
    let posted = post(&client, &sample(), &target()).await;
    assert_eq!(
        calls(&again).await,
        ["GET issues/7/comments", "GET pulls/7", "PATCH issues/comments/1", "POST check-runs"]
    );
    assert!(posted.failed.is_empty() && client.calls() <= 6);
    let requests = again.received_requests().await.unwrap();
    let text = body(&requests[2])["body"].as_str().unwrap().to_owned();
    assert!(text.contains("Previous runs") && text.contains("<code>9999999</code>"), "{text}");
}

#[tokio::test]
async fn the_same_content_is_not_written_again() {
    let server = server(json!([ours(1, &sample())])).await;
    let mut again = sample();
    again.run.run_id = "another".into();
    again.run.duration_ms = 5.0;
    let posted = post(&client(&server).await, &again, &target()).await;
    assert_eq!(calls(&server).await, ["GET issues/7/comments", "POST check-runs"]);
    assert!(posted.done[0].contains("unchanged"), "{:?}", posted.done);
}

/// A run of an older commit that ends later, as with deliveries in another order.
#[tokio::test]
async fn a_newer_commit_keeps_its_report() {
    let server = server(json!([ours(1, &sample())])).await;
    let mut late = sample();
    late.head_sha = Some("9".repeat(40));
    let posted = post(&client(&server).await, &late, &target()).await;
    assert_eq!(calls(&server).await, ["GET issues/7/comments", "GET pulls/7", "POST check-runs"]);
    assert!(posted.done[0].contains("newer commit"), "{:?}", posted.done);
}

/// Two runs of one commit, of which the first ends last.
#[tokio::test]
async fn a_later_run_of_the_commit_keeps_its_report() {
    let at = |id: &str| {
        let mut report = sample();
        report.run.run_id = id.into();
        report.run.warnings.clear();
        report
    };
    let mut early = at("20251125-080000-abcdef");
    early.run.reason = Some("something else".into());
    for (there, expected) in [
        ("20251125-080001-abcdef", "a later run of this commit"),
        ("20251125-075959-abcdef", "comment updated"),
        // A bundle can claim anything.
        ("99991125-080001-abcdef", "comment updated"),
        ("later", "comment updated"),
    ] {
        let server = server(json!([ours(1, &at(there))])).await;
        let posted = post(&client(&server).await, &early, &target()).await;
        assert!(posted.done[0].contains(expected), "{there}: {:?}", posted.done);
    }
}

/// Whoever copies the marker into a comment of their own gets no report written over it.
#[tokio::test]
async fn comments_of_others_are_left_alone() {
    let mut before = sample();
    before.head_sha = Some("9".repeat(40));
    let copied = render::comment(&before, &[]).text;
    let quoted = format!("> {}", copied.lines().next().unwrap());
    let mut other = before.clone();
    other.path = "workflows/other.yml".into();
    let server = server(json!([
        written(1, &copied, "mallory"),
        written(1, &quoted, "github-actions[bot]"),
        ours(1, &other),
    ]))
    .await;
    post(&client(&server).await, &sample(), &target()).await;
    assert_eq!(calls(&server).await[1], "POST issues/7/comments");
}

/// GitHub did it and its answer was lost: it is not done twice.
#[tokio::test]
async fn nothing_is_doubled_by_a_lost_answer() {
    let server = MockServer::start().await;
    let report = sample();
    let list = [json!([]), json!([ours(1, &report)])];
    let lists = list.map(|list| ResponseTemplate::new(200).set_body_json(list));
    Mock::given(method("GET")).and(path(COMMENTS)).respond_with(InTurn::new(lists)).mount(&server).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(502)).mount(&server).await;
    let found = json!({ "total_count": 1, "check_runs": [{ "id": 5, "external_id": report.run.run_id }] });
    Mock::given(method("GET"))
        .and(path(format!("/repos/acme/churn/commits/{}/check-runs", "a".repeat(40))))
        .and(query_param("check_name", "runner: churn"))
        .respond_with(ResponseTemplate::new(200).set_body_json(found))
        .mount(&server)
        .await;
    let posted = post(&client(&server).await, &report, &target()).await;
    assert!(posted.failed.is_empty(), "{:?}", posted.failed);
    let posts = calls(&server).await.into_iter().filter(|call| call.starts_with("POST")).collect::<Vec<_>>();
    assert_eq!(posts, ["POST issues/7/comments", "POST check-runs"]);
}

/// And where it did not, it is done.
#[tokio::test]
async fn what_was_not_done_is_done_once_more() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(COMMENTS))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&server)
        .await;
    let answers = [ResponseTemplate::new(502), ResponseTemplate::new(201).set_body_json(written(2, "", "x"))];
    Mock::given(method("POST")).and(path(COMMENTS)).respond_with(InTurn::new(answers)).mount(&server).await;
    let mut report = sample();
    report.settings.check = false;
    let posted = post(&client(&server).await, &report, &target()).await;
    assert!(posted.failed.is_empty(), "{:?}", posted.failed);
    assert_eq!(calls(&server).await.iter().filter(|call| call.starts_with("POST")).count(), 2);
}

#[tokio::test]
async fn a_status_stands_in_where_checks_are_not_allowed() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(403)
        .set_body_json(json!({ "message": "Resource not accessible by personal access token" }));
    Mock::given(method("POST"))
        .and(path("/repos/acme/churn/check-runs"))
        .respond_with(refused.clone())
        .mount(&server)
        .await;
    let at = format!("/repos/acme/churn/statuses/{}", "a".repeat(40));
    Mock::given(method("POST"))
        .and(path(at))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({})))
        .mount(&server)
        .await;
    let mut report = sample();
    report.settings.comment = false;
    let posted = post(&client(&server).await, &report, &target()).await;
    assert!(posted.failed.is_empty() && posted.notices[0].contains("stands in"), "{posted:?}");
    let requests = server.received_requests().await.unwrap();
    let status = body(&requests[1]);
    assert_eq!(
        (status["state"].as_str(), status["context"].as_str()),
        (Some("failure"), Some("runner/churn"))
    );
    assert!(status["description"].as_str().unwrap().chars().count() <= 140);
    // Neither is allowed: both are told.
    let none = MockServer::start().await;
    Mock::given(method("POST")).respond_with(refused).mount(&none).await;
    let posted = post(&client(&none).await, &report, &target()).await;
    assert_eq!(
        posted.failed.iter().map(|failed| failed.what).collect::<Vec<_>>(),
        ["the check run", "the commit status"]
    );
}

#[tokio::test]
async fn annotations_come_in_batches_on_their_lines() {
    let server = server(json!([])).await;
    let mut report = sample();
    let finding = |n: usize| Finding {
        severity: Severity::Error,
        rule: format!("rule{n}"),
        message: "bad\nvalue".into(),
        input: None,
        column: None,
        rows: Vec::new(),
        examples: Vec::new(),
        count: 1,
    };
    report.run.stages[0].steps[0].findings = (0..120).map(finding).collect();
    post(&client(&server).await, &report, &target()).await;
    let requests = server.received_requests().await.unwrap();
    let batches: Vec<Value> =
        requests.iter().filter(|request| request.url.path().contains("check-runs")).map(body).collect();
    let sizes: Vec<usize> =
        batches.iter().map(|batch| batch["output"]["annotations"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [50, 50, 22]);
    let first = &batches[0]["output"]["annotations"];
    assert_eq!(
        (first[0]["start_line"].as_u64(), first[0]["path"].as_str()),
        (Some(8), Some("workflows/churn.yml"))
    );
    assert_eq!(first[0]["message"], "bad\\nvalue");
    let gates: Vec<&Value> =
        batches[2]["output"]["annotations"].as_array().unwrap().iter().rev().take(2).collect();
    assert_eq!(
        (gates[1]["start_line"].as_u64(), gates[1]["annotation_level"].as_str()),
        (Some(20), Some("failure"))
    );
    for batch in &batches {
        for part in ["summary", "text"] {
            assert!(batch["output"][part].as_str().unwrap().chars().count() <= 65_535);
        }
        assert!(batch["output"]["text"].as_str().unwrap().contains("<!-- runner:data v1 "));
    }
}

#[test]
fn nothing_but_a_pass_reads_as_one() {
    let with = |result: Option<RunResult>, verdict: Verdict| {
        let mut report = passed();
        report.run.result = result;
        report.run.verdict = verdict;
        report
    };
    let every = [
        None,
        Some(RunResult::Passed),
        Some(RunResult::StepFailed),
        Some(RunResult::GateFailed),
        Some(RunResult::Held),
        Some(RunResult::Denied),
        Some(RunResult::Invalid),
        Some(RunResult::Environment),
        Some(RunResult::TimedOut),
        Some(RunResult::Cancelled),
        Some(RunResult::Internal),
    ];
    let verdicts = [
        Verdict::None,
        Verdict::Info,
        Verdict::Pass,
        Verdict::Warn,
        Verdict::Waived,
        Verdict::Inconclusive,
        Verdict::Hold,
        Verdict::Fail,
        Verdict::Error,
    ];
    for result in every {
        for verdict in verdicts {
            let trusted = conclusion(&with(result, verdict), &Target::default());
            let expected = match (result, verdict) {
                (Some(RunResult::Passed), Verdict::Pass | Verdict::Warn | Verdict::Waived) => "success",
                (Some(RunResult::Passed), Verdict::None | Verdict::Info) => "neutral",
                (Some(RunResult::Held), _) => "action_required",
                _ => "failure",
            };
            assert_eq!(trusted, expected, "{result:?} {verdict:?}");
            // The job that told it failed: whatever it says, it did not pass.
            let doubted = Target { job_conclusion: Some("failure".into()), ..Target::default() };
            let doubted = conclusion(&with(result, verdict), &doubted);
            assert!(matches!(doubted, "failure" | "action_required"), "{result:?} {verdict:?}");
        }
    }
}

#[tokio::test]
async fn comments_on_occasion() {
    for (occasion, before, now, writes) in [
        (Occasion::Failure, None, passed(), false),
        (Occasion::Failure, None, sample(), true),
        (Occasion::Failure, Some(sample()), passed(), true),
        (Occasion::Failure, Some(passed()), passed(), false),
        (Occasion::Change, None, passed(), false),
        (Occasion::Change, Some(passed()), passed(), false),
        (Occasion::Change, Some(passed()), sample(), true),
        (Occasion::Always, Some(passed()), passed(), true),
    ] {
        let before = before.map(|mut report| {
            report.head_sha = Some("9".repeat(40));
            ours(1, &report)
        });
        let server = server(Value::Array(before.into_iter().collect())).await;
        let mut report = now;
        report.settings.comment_on = occasion;
        report.settings.check = false;
        post(&client(&server).await, &report, &target()).await;
        let calls = calls(&server).await;
        let wrote = calls.iter().any(|call| call.starts_with("POST") || call.starts_with("PATCH"));
        assert_eq!(wrote, writes, "{occasion:?} {calls:?}");
    }
}

#[tokio::test]
async fn a_comment_of_each_run() {
    let server = server(json!([ours(1, &sample())])).await;
    let mut report = sample();
    report.settings.comment_per_run = true;
    post(&client(&server).await, &report, &target()).await;
    assert_eq!(calls(&server).await[1], "POST issues/7/comments");
}

#[tokio::test]
async fn stages_with_an_environment_are_deployments() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/repos/acme/churn/deployments"))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "id": 3, "payload": {} })))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path_regex("/deployments/3/statuses$"))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({})))
        .mount(&server)
        .await;
    let mut report = passed();
    report.settings.comment = false;
    report.settings.check = false;
    report.stages[1].environment = Some("production".into());
    let posted = post(&client(&server).await, &report, &Target::default()).await;
    assert!(posted.failed.is_empty(), "{:?}", posted.failed);
    let requests = server.received_requests().await.unwrap();
    let (made, status) = (body(&requests[0]), body(&requests[1]));
    assert_eq!(
        (made["environment"].as_str(), made["ref"].as_str()),
        (Some("production"), report.head_sha.as_deref())
    );
    assert_eq!(made["required_contexts"], json!([]));
    assert_eq!((status["state"].as_str(), status["auto_inactive"].as_bool()), (Some("success"), Some(true)));
    // A stage that did not run deployed nothing.
    report.run.stages[1].result = Some(StageResult::Skipped);
    let posted = post(&client(&server).await, &report, &Target::default()).await;
    assert!(posted.done.is_empty(), "{:?}", posted.done);
}

#[test]
fn an_untrusted_word_in_every_text() {
    let mut report = sample();
    report.run.stages[1].gates.push(judgement(
        "x | `y` @all",
        Verdict::Fail,
        vec![rule("x[region=`|@all]", 0.1, 0.2, Verdict::Fail)],
    ));
    let text = render::comment(&report, &[]).text;
    assert!(!text.contains("@all"), "{text}");
}
