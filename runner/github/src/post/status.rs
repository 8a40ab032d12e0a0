//! A commit status, where a check run is not allowed: it says less, and needs less.

use serde_json::{Value, json};

use super::{Target, check};
use crate::{
    client::{ApiError, Client},
    report::{Report, render},
    visible,
};

/// Characters of a description that GitHub takes.
const DESCRIPTION: usize = 140;

/// What tells statuses of a commit apart.
pub(super) fn context(report: &Report) -> String {
    visible::cut(&visible::line(&format!("runner/{}", report.run.workflow)), 100, true)
}

pub(super) async fn create(
    client: &Client,
    report: &Report,
    sha: &str,
    target: &Target,
) -> Result<(), ApiError> {
    let state = match check::conclusion(report, target) {
        "success" | "neutral" => "success",
        // What a person must decide keeps a merge waiting.
        "action_required" => "pending",
        _ => "failure",
    };
    let mut body = json!({
        "state": state,
        "context": context(report),
        "description": visible::cut(&visible::line(&render::headline(report)), DESCRIPTION, true),
    });
    if let Some(url) = &report.run_url {
        body["target_url"] = json!(url);
    }
    let path = client.repo(&format!("statuses/{sha}"));
    match client.post::<Value>(&path, &body).await {
        // The latest status of a context counts, so that the same one twice does no harm.
        Err(ApiError::Unclear { .. }) => client.post::<Value>(&path, &body).await.map(|_| ()),
        made => made.map(|_| ()),
    }
}
