//! Deployments: what stages with an `environment:` did, on the page of the repository.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use runner_engine::event::StageResult;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Posted, short};
use crate::{
    client::{ApiError, Client},
    report::Report,
    visible,
};

#[derive(Deserialize)]
struct Deployment {
    id: u64,
    #[serde(default)]
    payload: Value,
}

/// One deployment for each such stage that ran.
pub(super) async fn all(client: &Client, report: &Report, posted: &mut Posted) {
    let Some(sha) = report.head_sha.as_deref() else { return };
    for (stage, shape) in report.run.stages.iter().zip(&report.stages) {
        let Some(environment) = shape.environment.as_deref().filter(|_| stage.name == shape.name) else {
            continue;
        };
        let state = match stage.result {
            Some(StageResult::Passed) => "success",
            Some(StageResult::Failed | StageResult::Held) => "failure",
            Some(StageResult::Cancelled) => "error",
            // Nothing was deployed.
            Some(StageResult::Skipped) | None => continue,
        };
        match one(client, report, sha, &stage.name, environment, state).await {
            Ok(()) => posted.done.push(format!(
                "deployment of {} to `{}`: {state}",
                short(sha),
                visible::line(environment)
            )),
            Err(error) => posted.fail("the deployment", error),
        }
    }
}

async fn one(
    client: &Client,
    report: &Report,
    sha: &str,
    stage: &str,
    environment: &str,
    status: &str,
) -> Result<(), ApiError> {
    let mark = json!({ "runner_run": report.run.run_id, "stage": stage });
    let body = json!({
        "ref": sha,
        "environment": environment,
        "auto_merge": false,
        // Its own checks are not done while it runs.
        "required_contexts": [],
        "payload": mark,
        "description": visible::cut(&visible::line(&format!("stage {stage} of {}", report.run.workflow)), 140, true),
    });
    let path = client.repo("deployments");
    let made = match client.post::<Deployment>(&path, &body).await {
        Err(ApiError::Unclear { .. } | ApiError::Unexpected { .. }) => {
            let name = utf8_percent_encode(environment, NON_ALPHANUMERIC);
            let list = client.repo(&format!("deployments?sha={sha}&environment={name}&per_page=100"));
            let known: Vec<Deployment> = client.get(&list).await?;
            match known.into_iter().find(|deployment| deployment.payload == mark) {
                Some(deployment) => deployment,
                None => client.post::<Deployment>(&path, &body).await?,
            }
        }
        made => made?,
    };
    let mut status =
        json!({ "state": status, "environment": environment, "auto_inactive": status == "success" });
    if let Some(url) = &report.run_url {
        status["log_url"] = json!(url);
    }
    let path = client.repo(&format!("deployments/{}/statuses", made.id));
    match client.post::<Value>(&path, &status).await {
        // The latest status counts, so that the same one twice does no harm.
        Err(ApiError::Unclear { .. }) => client.post::<Value>(&path, &status).await.map(|_| ()),
        made => made.map(|_| ()),
    }
}
