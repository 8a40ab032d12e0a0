use std::{fs, path::Path};

use runner_engine::policy::{Approval, ChangeKind, PolicyBase, PolicyChange, PolicyReport};
use runner_gate::verdict::Verdict;
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{path, query_param},
};

use super::{BundleError, FILE, LARGEST, adopt, read, write};
use crate::{
    client::tests::client,
    event::{
        Event, WorkflowRunEvent,
        tests::{pull, repository, workflow_run},
    },
    report::{
        Report,
        tests::{passed, sample},
    },
};

fn refusal(folder: &Path) -> String {
    match read(folder).unwrap_err() {
        BundleError::Refused { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

fn written(report: &Report) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), report).unwrap();
    dir
}

#[test]
fn what_is_written_is_read() {
    let report = sample();
    let dir = written(&report);
    assert_eq!(read(dir.path()).unwrap(), report);
    // Again over the older one.
    write(dir.path(), &passed()).unwrap();
    assert_eq!(read(dir.path()).unwrap(), passed());
}

#[test]
fn a_huge_report_loses_its_findings_first() {
    let mut report = sample();
    let mut finding = report.run.stages[0].steps[0].findings[0].clone();
    finding.message = "x".repeat(1000);
    report.run.stages[0].steps[0].findings = vec![finding; 20_000];
    let dir = written(&report);
    assert!(fs::metadata(dir.path().join(FILE)).unwrap().len() <= LARGEST);
    let read = read(dir.path()).unwrap();
    assert_eq!(read.run.stages[1].gates, report.run.stages[1].gates);
    assert_eq!(read.run.stages[0].steps[0].findings.len(), 100);
}

#[test]
fn only_one_regular_file_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    assert!(refusal(dir.path()).contains("0 entries"));
    let outside = written(&sample());
    std::os::unix::fs::symlink(outside.path().join(FILE), dir.path().join(FILE)).unwrap();
    assert!(refusal(dir.path()).contains("not a regular file"));
    let more = written(&sample());
    fs::write(more.path().join("extra.md"), "hello").unwrap();
    assert!(refusal(more.path()).contains("2 entries"));
    let big = tempfile::tempdir().unwrap();
    fs::File::create(big.path().join(FILE)).unwrap().set_len(LARGEST + 1).unwrap();
    assert!(refusal(big.path()).contains("more than"));
}

#[test]
fn what_is_no_report_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut unknown: Value = serde_json::to_value(sample()).unwrap();
    unknown["markdown"] = json!("# hello");
    for text in ["", "{}", "null", &nested, &unknown.to_string()] {
        fs::write(dir.path().join(FILE), text).unwrap();
        assert!(refusal(dir.path()).contains("is not a report"), "{}", &text[..text.len().min(40)]);
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    type Change = (&'static str, fn(&mut Report));
    let changes: [Change; 11] = [
        ("verdict", |report| report.run.verdict = Verdict::Pass),
        ("one of its rules", |report| {
            report.run.stages[1].gates[0].verdict = Verdict::Pass;
            report.run.verdict = Verdict::Hold;
        }),
        ("exit code", |report| report.run.exit_code = Some(0)),
        ("says that it passed", |report| {
            report.run.result = Some(runner_engine::event::RunResult::Passed);
            report.run.exit_code = Some(0);
        }),
        ("which commit", |report| report.head_sha = None),
        ("which commit", |report| report.head_sha = Some("main".into())),
        ("format", |report| report.format = 2),
        ("no id", |report| report.run.run_id = "a\nb".into()),
        ("no id", |report| report.run.run_id = "a".repeat(101)),
        ("digest of its evidence", |report| report.evidence = Some("sha256:` **bold**".into())),
        ("digest of its policy", |report| report.policy.digest = Some("sha256:00".into())),
    ];
    for (why, change) in changes {
        let mut report = sample();
        change(&mut report);
        let dir = written(&report);
        let reason = refusal(dir.path());
        assert!(reason.contains(why), "{reason}");
    }
}

fn event(pull_requests: &Value, change: impl FnOnce(&mut Value)) -> WorkflowRunEvent {
    let mut payload = workflow_run(pull_requests);
    change(&mut payload["workflow_run"]);
    let Event::WorkflowRun(event) = Event::parse("workflow_run", &payload).unwrap() else { panic!() };
    *event
}

/// GitHub with these pull requests of `mona:feature/lr`.
async fn github(pulls: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/repos/acme/churn/pulls"))
        .and(query_param("head", "mona:feature/lr"))
        .and(query_param("state", "open"))
        .respond_with(ResponseTemplate::new(200).set_body_json(pulls))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn the_pull_request_is_the_one_that_github_names() {
    let fork = repository(99, "mona/churn");
    let right = pull(&fork, &"a".repeat(40), &"b".repeat(40));
    let moved = pull(&fork, &"9".repeat(40), &"b".repeat(40));
    let other = pull(&repository(98, "mona/other"), &"a".repeat(40), &"b".repeat(40));
    for (pulls, number) in
        [(json!([right]), Some(7)), (json!([moved]), None), (json!([other]), None), (json!([]), None)]
    {
        let server = github(pulls).await;
        let (report, target) =
            adopt(Path::new("."), &client(&server).await, &event(&json!([]), |_| {}), of_pull(), &[])
                .await
                .unwrap();
        assert_eq!(target.pull_request, number);
        assert_eq!(target.job_conclusion.as_deref(), Some("success"));
        assert_eq!(report.run_url.as_deref(), Some("https://github.com/acme/churn/actions/runs/900"));
    }
    // A push has none.
    let server = github(json!([])).await;
    let pushed = event(&json!([]), |run| run["event"] = json!("push"));
    let (_, target) = adopt(Path::new("."), &client(&server).await, &pushed, sample(), &[]).await.unwrap();
    assert_eq!(target.pull_request, None);
}

/// The sample, judged by the base of the pull request.
fn of_pull() -> Report {
    let policy = PolicyReport::new(PolicyBase::Commit("b".repeat(40)), Vec::new());
    Report { policy, ..sample() }
}

#[tokio::test]
async fn only_the_policy_of_the_base_counts() {
    let right = pull(&repository(99, "mona/churn"), &"a".repeat(40), &"b".repeat(40));
    let server = github(json!([right])).await;
    let client = client(&server).await;
    for (base, why) in [
        (PolicyBase::None, "not judged by the policy"),
        (PolicyBase::NewWorkflow("b".repeat(40)), "the default branch has it"),
        (PolicyBase::Commit("c".repeat(40)), "the base of pull request 7 is bbb"),
        (PolicyBase::Unreadable { commit: "c".repeat(40), why: "x".into() }, "the base of pull request 7"),
    ] {
        let report = Report { policy: PolicyReport::new(base, Vec::new()), ..sample() };
        let adopted = adopt(Path::new("."), &client, &event(&json!([]), |_| {}), report, &[]).await;
        let error = adopted.unwrap_err().to_string();
        assert!(error.contains("is refused") && error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_believed_that_github_can_tell() {
    let server = MockServer::start().await;
    let client = client(&server).await;
    let other = event(&json!([]), |run| run["head_sha"] = json!("9".repeat(40)));
    let error = adopt(Path::new("."), &client, &other, sample(), &[]).await.unwrap_err().to_string();
    assert!(error.contains("the workflow ran on 999"), "{error}");
    // It approves itself.
    let mut report = sample();
    let change = PolicyChange {
        kind: ChangeKind::Plugin,
        place: "x".into(),
        before: None,
        after: None,
        how: Vec::new(),
    };
    report.policy = PolicyReport::new(PolicyBase::Commit("b".repeat(40)), vec![change]);
    let at = "2026-11-25T08:00:00Z".parse().unwrap();
    report.policy.approval =
        Some(Approval { digest: String::new(), by: "alice".into(), at, until: at, said_at: None });
    let silent = github(json!([])).await;
    let asked = crate::client::tests::client(&silent).await;
    let error =
        adopt(Path::new("."), &asked, &event(&json!([]), |_| {}), report, &[]).await.unwrap_err().to_string();
    assert!(error.contains("approved"), "{error}");
    // It deploys.
    let server = github(json!([])).await;
    let mut report = of_pull();
    report.stages[1].environment = Some("production".into());
    let client = crate::client::tests::client(&server).await;
    let (report, _) = adopt(Path::new("."), &client, &event(&json!([]), |_| {}), report, &[]).await.unwrap();
    assert!(report.stages.iter().all(|stage| stage.environment.is_none()));
}
