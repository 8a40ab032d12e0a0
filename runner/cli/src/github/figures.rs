//! What was measured on the base commit: in the store, or else in its check run.

use runner_engine::record::RunRecord;
use runner_github::{
    client::Client,
    post::check,
    report::{BaseFigures, snapshot::Snapshot},
};
use runner_store::Store;

/// Recorded runs that are looked through, newest first.
const RUNS: usize = 200;

/// A run of this workflow on exactly this commit, from the store. One of changed files was no run of the commit.
pub(crate) fn in_store(store: &Store, commit: &str, workflow: &str) -> Option<BaseFigures> {
    let runs = store.newest_runs(RUNS).ok()?;
    runs.into_iter().find_map(|summary| {
        let record: RunRecord = serde_json::from_value(summary.record?).ok()?;
        let fits = record.git_commit.as_deref() == Some(commit) && record.workflow == workflow;
        (fits && !record.git_dirty && record.result.is_some()).then(|| BaseFigures::Found {
            source: "the store".to_owned(),
            commit: commit.to_owned(),
            snapshot: Box::new(Snapshot::of_record(&record, Some(commit.to_owned()))),
        })
    })
}

/// The same from the check run of the commit; otherwise why there is nothing.
pub(crate) async fn in_check(client: Option<&Client>, commit: &str, workflow: &str) -> BaseFigures {
    let missing = |why: String| BaseFigures::Missing { commit: commit.to_owned(), why };
    let Some(client) = client else {
        return missing(
            "no run of it is in the store, and without a token its check run cannot be read".to_owned(),
        );
    };
    match check::figures(client, commit, workflow).await {
        Ok(Some(snapshot)) => BaseFigures::Found {
            source: "its check run".to_owned(),
            commit: commit.to_owned(),
            snapshot: Box::new(snapshot),
        },
        Ok(None) => missing(
            "no run of it is in the store, and it has no check run of this workflow; run the workflow on pushes to the base branch".to_owned(),
        ),
        Err(error) => missing(format!("no run of it is in the store, and its check run cannot be read: {error}")),
    }
}
