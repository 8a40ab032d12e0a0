use std::{fs, sync::Arc};

use runner_engine::{
    event::{EventKind, RunResult},
    scripted::ScriptedExecutor,
};
use runner_workflow::plan::{DataSet, Source};

use crate::plans::{Place, PlanBuilder};

fn with_data(plan: PlanBuilder, path: &str) -> PlanBuilder {
    let mut plan = plan;
    plan.plan.data.insert("train".into(), DataSet { path: path.into(), id: None, label: None });
    plan
}

#[tokio::test]
async fn data_is_identified_and_stands_alone() {
    let place = Place::new();
    fs::create_dir(place.path().join("data")).unwrap();
    fs::write(place.path().join("data/train.csv"), "a,b\n1,2\n").unwrap();
    fs::write(place.path().join("data/other.csv"), "x").unwrap();
    let plan = PlanBuilder::new().stage("one").step_with("fit", &[], |step| {
        step.inputs.insert("data".into(), Source::Data("train".into()));
        step.inputs.insert("all".into(), Source::Path("data".into()));
    });
    let executor = Arc::new(ScriptedExecutor::new());
    let run = place.run(with_data(plan, "data/train.csv"), executor.clone()).await;
    assert_eq!(run.summary.result, RunResult::Passed, "{}", run.reason());
    let request = executor.request("fit").unwrap();
    let data = &request.inputs["data"];
    assert_eq!(data.path.file_name().unwrap(), "train.csv");
    assert_ne!(data.path.parent().unwrap(), place.path().join("data"));
    assert!(request.inputs["all"].is_dir);
    assert_eq!(request.inputs["all"].path, place.path().canonicalize().unwrap().join("data"));
    let identified = run.events.iter().find_map(|event| match &event.kind {
        EventKind::DataIdentified { name, digest, size, .. } => Some((name.clone(), digest.clone(), *size)),
        _ => None,
    });
    let (name, digest, size) = identified.unwrap();
    assert_eq!((name.as_str(), size), ("train", 8));
    assert_eq!(digest, runner_store::Digest::of_bytes(b"a,b\n1,2\n").to_string());
}

#[tokio::test]
async fn data_that_changes_under_a_step_is_an_error() {
    let place = Place::new();
    let file = place.path().join("train.csv");
    fs::write(&file, "1").unwrap();
    let plan = PlanBuilder::new().stage("one").run("fit", "echo more >> train.csv", |step| {
        step.inputs.insert("data".into(), Source::Data("train".into()));
    });
    let executor = crate::processes::executor(std::time::Duration::from_secs(1));
    let run = place.run(with_data(plan, "train.csv"), Arc::new(executor)).await;
    assert_eq!(run.summary.exit_code, 6);
    assert!(run.reason().contains("changed during the run"), "{}", run.reason());
}
