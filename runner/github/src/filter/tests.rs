use runner_workflow::plan::{Patterns, Trigger};

use super::{ChangedFiles, Selection, select};
use crate::event::{
    Event,
    tests::{pull_request, push, repository, workflow_run},
};

fn trigger(event: &str) -> Trigger {
    Trigger { event: event.into(), ..Trigger::default() }
}

fn only(patterns: &[&str]) -> Patterns {
    Patterns::Only(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
}

fn except(patterns: &[&str]) -> Patterns {
    Patterns::Except(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
}

/// Nothing where it runs, otherwise why it does not.
fn why(triggers: &[Trigger], event: &Event, files: &[&str]) -> Option<String> {
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    match select(Some(triggers), event, || ChangedFiles::Known(files)) {
        Selection::Runs { .. } => None,
        Selection::Excluded { why } => Some(why),
    }
}

fn pull(action: &str) -> Event {
    Event::parse("pull_request", &pull_request(action, &repository(10, "acme/churn"))).unwrap()
}

fn pushed(reference: &str) -> Event {
    Event::parse("push", &push(reference, &"b".repeat(40))).unwrap()
}

#[test]
fn events_and_kinds() {
    assert_eq!(select(None, &pull("closed"), || panic!("no filter")), Selection::Runs { notice: None });
    assert_eq!(why(&[trigger("pull_request")], &pull("opened"), &[]), None);
    let closed = why(&[trigger("pull_request")], &pull("closed"), &[]).unwrap();
    assert_eq!(closed, "its kind is `closed`, and `types` has opened, synchronize, reopened");
    let labeled = Trigger { types: vec!["labeled".into()], ..trigger("pull_request") };
    assert!(why(std::slice::from_ref(&labeled), &pull("opened"), &[]).is_some());
    assert_eq!(why(&[labeled], &pull("labeled"), &[]), None);
    let other = why(&[trigger("push"), trigger("schedule")], &pull("opened"), &[]).unwrap();
    assert_eq!(other, "`on:` names push, schedule, and this is `pull_request`");
}

#[test]
fn branches_and_tags() {
    let branches = |patterns| Trigger { branches: patterns, ..trigger("push") };
    assert_eq!(why(&[branches(only(&["main", "release/**"]))], &pushed("refs/heads/release/1/2"), &[]), None);
    assert_eq!(
        why(&[branches(only(&["main"]))], &pushed("refs/heads/dev"), &[]).unwrap(),
        "`dev` does not pass `branches`"
    );
    assert!(
        why(&[branches(except(&["dev"]))], &pushed("refs/heads/dev"), &[])
            .unwrap()
            .ends_with("`branches-ignore`")
    );
    // The last pattern that matches decides.
    let but = branches(only(&["release/**", "!release/**-alpha", "release/keep-alpha"]));
    assert!(why(std::slice::from_ref(&but), &pushed("refs/heads/release/x-alpha"), &[]).is_some());
    assert_eq!(why(&[but], &pushed("refs/heads/release/keep-alpha"), &[]), None);
    // Only branches are named: no tag starts it, and the other way round.
    assert!(why(&[branches(only(&["main"]))], &pushed("refs/tags/v1"), &[]).is_some());
    let tags = Trigger { tags: only(&["v*"]), ..trigger("push") };
    assert!(why(std::slice::from_ref(&tags), &pushed("refs/heads/main"), &[]).is_some());
    assert_eq!(why(&[tags], &pushed("refs/tags/v1"), &[]), None);
    // A pull request counts by the branch it goes into.
    let into = Trigger { branches: only(&["main"]), ..trigger("pull_request") };
    assert_eq!(why(&[into], &pull("opened"), &[]), None);
}

#[test]
fn paths() {
    let paths = |patterns| Trigger { paths: patterns, ..trigger("pull_request") };
    assert_eq!(
        why(&[paths(only(&["src/**", "params.yaml"]))], &pull("opened"), &["docs/a.md", "src/x/y.py"]),
        None
    );
    assert_eq!(
        why(&[paths(only(&["src/**"]))], &pull("opened"), &["docs/a.md"]).unwrap(),
        "none of the changed files (1) is in `paths`"
    );
    assert_eq!(why(&[paths(except(&["docs/**"]))], &pull("opened"), &["docs/a.md", "x"]), None);
    assert!(why(&[paths(except(&["docs/**"]))], &pull("opened"), &["docs/a.md"]).is_some());
    let but = paths(only(&["src/**", "!src/docs/**"]));
    assert!(why(&[but], &pull("opened"), &["src/docs/a.md"]).is_some());
    // Paths say nothing about tags.
    let tagged = Trigger { paths: only(&["src/**"]), ..trigger("push") };
    assert_eq!(why(&[tagged], &pushed("refs/tags/v1"), &["docs/a"]), None);
}

#[test]
fn what_is_not_known_excludes_nothing() {
    let paths = [Trigger { paths: only(&["src/**"]), ..trigger("pull_request") }];
    let selection = select(Some(&paths), &pull("opened"), || ChangedFiles::Unknown("shallow".into()));
    assert!(matches!(selection, Selection::Runs { notice: Some(notice) } if notice.contains("shallow")));
}

#[test]
fn workflow_runs_by_name() {
    let event = Event::parse("workflow_run", &workflow_run(&serde_json::json!([]))).unwrap();
    let named = |name: &str| Trigger { workflows: vec![name.into()], ..trigger("workflow_run") };
    assert_eq!(why(&[named("ML")], &event, &[]), None);
    assert!(why(&[named("CI")], &event, &[]).is_some());
}
