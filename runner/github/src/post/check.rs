//! The check run on the commit: what branch protection looks at, and what a later run reads the figures of its base from.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Target,
    annotations::{self, Annotation},
};
use crate::{
    client::{ApiError, Client, Identity},
    event::App,
    report::{Report, Standing, limits::CHECK, render, snapshot::Snapshot},
    visible,
};

/// Name of the check run of a report.
pub fn name(report: &Report) -> String {
    name_of(&report.run.workflow)
}

/// The same by the name of the workflow.
pub fn name_of(workflow: &str) -> String {
    visible::cut(&visible::line(&format!("runner: {workflow}")), 100, true)
}

/// The conclusion for where a run stands.
///
/// Branch protection takes `success`, `neutral` and `skipped` for passed. So nothing that does not pass is any of
/// them: what a person must decide is `action_required`, and a run that judged nothing is `neutral`, which says so.
pub fn conclusion(report: &Report, target: &Target) -> &'static str {
    match report.standing() {
        Standing::Passed | Standing::Warned if !is_doubted(target) => "success",
        Standing::Nothing if !is_doubted(target) => "neutral",
        Standing::Held => "action_required",
        Standing::Passed | Standing::Warned | Standing::Nothing | Standing::Failed | Standing::Broken => {
            "failure"
        }
    }
}

/// A report of a job that is not trusted says that it passed, and the job did not.
fn is_doubted(target: &Target) -> bool {
    target.job_conclusion.as_deref().is_some_and(|conclusion| conclusion != "success")
}

/// A check run as GitHub gives it.
#[derive(Debug, Clone, Deserialize)]
pub struct CheckRun {
    /// Its number.
    pub id: u64,
    /// Id of the run.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Its page.
    #[serde(default)]
    pub html_url: Option<String>,
    /// The App that made it.
    #[serde(default)]
    pub app: Option<App>,
    /// What it says.
    #[serde(default)]
    pub output: Option<Output>,
}

/// What a check run says.
#[derive(Debug, Clone, Deserialize)]
pub struct Output {
    /// One line.
    #[serde(default)]
    pub title: Option<String>,
    /// Markdown.
    #[serde(default)]
    pub summary: Option<String>,
    /// Markdown, with the figures.
    #[serde(default)]
    pub text: Option<String>,
}

#[derive(Deserialize)]
struct CheckRuns {
    #[serde(default)]
    check_runs: Vec<CheckRun>,
}

/// Create it, completed, with all its annotations. Gives its page.
pub(super) async fn create(
    client: &Client,
    report: &Report,
    sha: &str,
    target: &Target,
) -> Result<Option<String>, ApiError> {
    let annotations: Vec<Value> = annotations::all(report).iter().map(Annotation::json).collect();
    let mut batches = annotations.chunks(annotations::AT_ONCE);
    let mut body = json!({
        "name": name(report),
        "head_sha": sha,
        "status": "completed",
        "conclusion": conclusion(report, target),
        "completed_at": completed_at(report),
        "external_id": report.run.run_id,
        "output": output(report, target, batches.next().unwrap_or_default()),
    });
    if let Some(url) = &report.run_url {
        body["details_url"] = json!(url);
    }
    let path = client.repo("check-runs");
    let made = match client.post::<CheckRun>(&path, &body).await {
        Err(ApiError::Unclear { .. } | ApiError::Unexpected { .. }) => {
            // It may be there: look before it is made again.
            match find(client, sha, &name(report)).await?.filter(|check| is_of(check, report)) {
                Some(check) => check,
                None => client.post::<CheckRun>(&path, &body).await?,
            }
        }
        made => made?,
    };
    for batch in batches {
        let path = client.repo(&format!("check-runs/{}", made.id));
        client.patch::<CheckRun>(&path, &json!({ "output": output(report, target, batch) })).await?;
    }
    Ok(made.html_url)
}

fn is_of(check: &CheckRun, report: &Report) -> bool {
    check.external_id.as_deref() == Some(&report.run.run_id)
}

/// The latest check run of a name on a commit.
pub async fn find(client: &Client, sha: &str, name: &str) -> Result<Option<CheckRun>, ApiError> {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let path = client.repo(&format!("commits/{sha}/check-runs?check_name={name}&filter=latest&per_page=100"));
    let found: Option<CheckRuns> = client.find(&path).await?;
    // Numbers grow: the greatest is the latest, in whatever order they come.
    Ok(found.and_then(|found| found.check_runs.into_iter().max_by_key(|check| check.id)))
}

/// Whether a check run is one that we made: figures and digests of others are not believed.
pub(crate) fn is_ours(client: &Client, check: &CheckRun) -> bool {
    match (client.identity(), &check.app) {
        (Identity::App(id), Some(app)) => app.id == *id,
        (Identity::Actions | Identity::Person(_), Some(app)) => app.slug.as_deref() == Some("github-actions"),
        (_, None) => false,
    }
}

/// What the run of a commit measured, from its check run.
pub async fn figures(client: &Client, sha: &str, workflow: &str) -> Result<Option<Snapshot>, ApiError> {
    let found = find(client, sha, &name_of(workflow)).await?.filter(|check| is_ours(client, check));
    Ok(found.and_then(|check| Snapshot::find(check.output?.text.as_deref()?)))
}

fn completed_at(report: &Report) -> String {
    let second = report.run.finished_at.unwrap_or(report.run.started_at).as_second();
    jiff::Timestamp::from_second(second).map(|time| time.to_string()).unwrap_or_default()
}

fn output(report: &Report, target: &Target, annotations: &[Value]) -> Value {
    let mut summary = render::headline(report);
    if is_doubted(target) {
        summary.push_str(
            "\n\nThe job that made this report did not succeed, so the report does not count as passed.",
        );
    }
    let hidden = Snapshot::of(report).hidden();
    let mut text = render::text(report, &[], CHECK.saturating_sub(hidden.chars().count() + 2));
    let _ = write!(text, "\n{hidden}\n");
    json!({
        "title": visible::cut(&visible::line(&render::headline(report)), 200, true),
        "summary": summary,
        "text": text,
        "annotations": annotations,
    })
}
