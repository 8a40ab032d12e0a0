//! Runs: ids, records, events that were cut, scratch.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::{fs, os::unix::fs::PermissionsExt};

use miette::Diagnostic;
use runner_store::{RunError, RunId, RunState, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join(".runner")).unwrap();
    (folder, store)
}

#[test]
fn runs_removed_by_hand_do_not_break_the_store() {
    let (_folder, store) = store();
    fs::remove_dir_all(store.root().join("runs")).unwrap();
    let store = Store::open(store.root()).unwrap();
    store.create_run(&RunId::new()).unwrap();
}

#[test]
fn a_run_from_start_to_end() {
    let (_folder, store) = store();
    assert!(matches!(store.open_run("latest"), Err(RunError::NoRuns)));
    let run = store.create_run(&RunId::new()).unwrap();
    assert!(matches!(store.create_run(run.id()), Err(RunError::Exists { .. })));
    run.write_plan(&json!({"name": "churn"})).unwrap();
    run.append_events(b"{\"seq\":0}\n{\"seq\":1}\n").unwrap();
    run.append_events(b"{\"seq\":2}\n").unwrap();
    run.sync_events().unwrap();
    run.write_file("evidence.json", b"{}", true).unwrap();
    assert!(run.write_file("../evil", b"{}", false).is_err());

    let seen = store.open_run("latest").unwrap();
    assert_eq!(seen.state(), RunState::Running);
    assert_eq!(seen.record::<Value>().unwrap_err().code().unwrap().to_string(), "store::run_file_missing");
    run.write_record(&json!({"result": "passed"}), true).unwrap();
    let (id, path) = (run.id().clone(), run.path().to_path_buf());
    run.close().unwrap();

    assert_eq!(seen.state(), RunState::Finished);
    assert_eq!(seen.record::<Value>().unwrap()["result"], "passed");
    assert_eq!(seen.plan::<Value>().unwrap()["name"], "churn");
    let events: Vec<Value> = seen.events().unwrap().map(Result::unwrap).collect();
    assert_eq!(events, [json!({"seq": 0}), json!({"seq": 1}), json!({"seq": 2})]);
    assert!(!path.join("work").exists());
    let runs = store.runs().unwrap();
    assert_eq!((runs.len(), &runs[0].id, runs[0].state), (1, &id, RunState::Finished));
    assert_eq!(runs[0].record, Some(json!({"result": "passed"})));
}

#[test]
fn a_run_whose_process_is_gone_counts_as_killed_and_is_cleaned() {
    let (_folder, store) = store();
    let run = store.create_run(&RunId::new()).unwrap();
    let work = run.scratch_dir("fit", 1).unwrap();
    fs::create_dir(work.join("locked")).unwrap();
    fs::write(work.join("locked/file"), b"x").unwrap();
    fs::set_permissions(work.join("locked"), fs::Permissions::from_mode(0o555)).unwrap();
    let alive = store.create_run(&RunId::new()).unwrap();
    assert!(work.exists(), "the scratch of a live run stays");
    let killed = run.id().clone();
    drop(run);
    assert_eq!(store.open_run(killed.as_str()).unwrap().state(), RunState::Killed);
    assert_eq!(store.remove_dead_scratch(), 1);
    assert!(!work.exists());
    assert!(alive.path().join("work").exists());
    assert_eq!(store.open_run(killed.as_str()).unwrap().state(), RunState::Killed, "its record stays");
}

#[test]
fn runs_are_found_by_what_is_unique() {
    let (_folder, store) = store();
    for id in ["20250101-000000-aaaaaa", "20250101-000001-aaaabb", "20250102-000000-bbbbbb"] {
        drop(store.create_run(&id.parse().unwrap()).unwrap());
    }
    fs::create_dir(store.root().join("runs/junk")).unwrap();
    fs::write(store.root().join("runs/.DS_Store"), b"").unwrap();
    let found = |reference: &str| store.open_run(reference).map(|run| run.id().to_string());
    assert_eq!(found("latest").unwrap(), "20250102-000000-bbbbbb");
    assert_eq!(found("20250102").unwrap(), "20250102-000000-bbbbbb");
    assert_eq!(found("bb").unwrap(), "20250102-000000-bbbbbb");
    assert_eq!(found("aaaab").unwrap(), "20250101-000001-aaaabb");
    match store.open_run("20250101").unwrap_err() {
        RunError::Ambiguous { count: 2, matches, .. } => assert_eq!(matches[0], "20250101-000001-aaaabb"),
        other => panic!("{other}"),
    }
    for nothing in ["", "zz", "../runs", "/", "junk"] {
        assert!(matches!(found(nothing), Err(RunError::NotFound { .. })), "{nothing}");
    }
    assert_eq!(store.newest_runs(2).unwrap().len(), 2);
}

#[test]
fn runs_before_the_latest() {
    let (_folder, store) = store();
    let ids: Vec<RunId> = (0..3).map(|_| store.create_run(&RunId::new()).unwrap().id().clone()).collect();
    let newest_first = store.run_ids().unwrap();
    assert_eq!(newest_first.len(), ids.len());
    for (back, id) in newest_first.iter().enumerate() {
        assert_eq!(store.open_run(&format!("latest~{back}")).unwrap().id(), id);
    }
    for reference in ["latest~3", "latest~", "latest~x", "latest~-1"] {
        assert!(matches!(store.open_run(reference), Err(RunError::NotFound { .. })), "{reference}");
    }
}

#[test]
fn events_that_were_cut() {
    let (_folder, store) = store();
    let run = store.create_run(&RunId::new()).unwrap();
    let path = run.path().join("events.jsonl");
    let recorded = store.open_run("latest").unwrap();
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let mut events = recorded.events::<Value>().unwrap();
        let values: Result<Vec<_>, _> = events.by_ref().collect();
        values.map(|values| (values.len(), events.cut()))
    };
    assert_eq!(read(b"").unwrap(), (0, false));
    assert_eq!(read(b"{}\n{}\n").unwrap(), (2, false));
    assert_eq!(read(b"{}\n{\"a\":").unwrap(), (1, true));
    assert_eq!(read(b"{}\n{}").unwrap(), (1, true), "without its line end a line may not be whole");
    assert_eq!(read(b"{}\n\xff\xfe").unwrap(), (1, true));
    assert_eq!(read(b"{}\n\0\0\0\0\n").unwrap(), (1, true), "as after a power cut");
    match read(b"{}\n{\"a\n{}\n").unwrap_err() {
        RunError::Event { line: 2, .. } => {}
        other => panic!("{other}"),
    }
}

#[test]
fn every_prefix_of_the_events_can_be_read() {
    let (_folder, store) = store();
    let run = store.create_run(&RunId::new()).unwrap();
    let path = run.path().join("events.jsonl");
    let whole = "{\"text\":\"é\\n\"}\n".repeat(5);
    for length in 0..=whole.len() {
        fs::write(&path, &whole.as_bytes()[..length]).unwrap();
        let events: Result<Vec<Value>, _> = store.open_run("latest").unwrap().events().unwrap().collect();
        let lines = whole.as_bytes()[..length].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(events.unwrap().len(), lines);
    }
}

#[test]
fn scratch_is_empty_private_and_below_the_run() {
    let (_folder, store) = store();
    let run = store.create_run(&RunId::new()).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for step in ["fit", "fit[seed=0]", "fit[seed=1]", "a[x=../../..]", "a[x=/etc]", &"long".repeat(1000)] {
        for attempt in 1..3 {
            let folder = run.scratch_dir(step, attempt).unwrap();
            assert_eq!(folder.parent().unwrap(), run.path().join("work"));
            assert!(seen.insert(folder));
        }
    }
    let folder = run.scratch_dir("again", 1).unwrap();
    fs::write(folder.join("left"), b"x").unwrap();
    assert_eq!(run.scratch_dir("again", 1).unwrap(), folder);
    assert!(!folder.join("left").exists());
    run.remove_scratch("again", 1).unwrap();
    assert!(!folder.exists());
    run.remove_scratch("again", 1).unwrap();
}

#[test]
fn removing_scratch_never_follows_a_link() {
    let (folder, store) = store();
    let precious = folder.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), b"x").unwrap();
    let run = store.create_run(&RunId::new()).unwrap();
    let work = run.scratch_dir("evil", 1).unwrap();
    std::os::unix::fs::symlink(&precious, work.join("link")).unwrap();
    run.close().unwrap();
    assert!(precious.join("file").exists());
}
