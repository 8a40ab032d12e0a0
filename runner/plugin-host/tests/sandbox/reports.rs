//! Floods of reports, and odd ones.

use runner_engine::{executor::Binding, outcome::StepOutcome};
use runner_workflow::plan::{Kind, Limits};

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_cut() {
    let (outcome, reported) = Stage::new().run("flood-log", |_| {}).await;
    assert_eq!(outcome, StepOutcome::Succeeded);
    let log = reported.log();
    assert!(log.len() <= (1 << 20) + 200, "{}", log.len());
    assert_eq!(log.matches("log cut").count(), 1);
    assert!(log.lines().next_back().unwrap().starts_with("log cut: more than 1048576 bytes"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_metrics_end_the_step() {
    let (outcome, reported) = Stage::new().run("flood-metrics", |_| {}).await;
    assert_eq!(outcome, StepOutcome::LimitExceeded { what: "metrics".into(), limit: 10_000 });
    assert_eq!(reported.metrics.lock().unwrap().len(), 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_findings_are_counted() {
    let limits = Limits { findings: Some(10), ..Limits::default() };
    let (outcome, reported) = Stage::new().run("flood-findings", |request| request.limits = limits).await;
    assert_eq!(outcome, StepOutcome::Succeeded);
    let findings = reported.findings.lock().unwrap();
    assert_eq!(findings.len(), 10);
    assert!(
        findings.iter().all(|finding| finding.message.len() < 17_000 && finding.examples[0].len() < 1_100)
    );
    assert!(reported.log().contains("99990 of 100000 findings not kept"), "{}", reported.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_thinned() {
    let (outcome, reported) = Stage::new().run("flood-progress", |_| {}).await;
    assert_eq!(outcome, StepOutcome::Succeeded);
    let progress = reported.progress.lock().unwrap();
    assert!(progress.len() < 1_000, "{}", progress.len());
    assert!(progress.iter().all(|fraction| (0.0..=1.0).contains(fraction)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_that_are_not_numbers_are_kept_as_such() {
    let (outcome, reported) = Stage::new().run("nan-metric", |_| {}).await;
    assert_eq!(outcome, StepOutcome::Succeeded);
    let metrics = reported.metrics.lock().unwrap();
    assert!(metrics[0].value.is_nan());
    assert_eq!(metrics[0].slice, [("step".to_owned(), "hostile".to_owned())]);
    assert_eq!(metrics[1].value.to_bits(), f64::INFINITY.to_bits());
    assert_eq!(metrics[2].value.to_bits(), f64::NEG_INFINITY.to_bits());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_is_reported() {
    let stage = Stage::new();
    let mut request = stage.request(&stage.guest("deploy"), 1);
    let (_, data) = request.inputs.shift_remove_entry("data").unwrap();
    request.inputs.insert("model".into(), Binding { kind: Kind::Model, ..data });
    let (outcome, reported) = stage.execute(request).await;
    assert_eq!(outcome.unwrap(), StepOutcome::Succeeded);
    assert!(reported.log().contains("in service: 9 bytes, revision 1, healthy: as good as served"));
    let metrics = reported.metrics.lock().unwrap();
    assert_eq!((metrics[0].name.as_str(), metrics[0].value.to_bits()), ("healthy", 1.0_f64.to_bits()));
}
