//! What a plugin sees without grants and with them.

use std::fs;

use runner_engine::{
    executor::{ErrorClass, Executor as _},
    outcome::StepOutcome,
};
use runner_workflow::plan::Allow;

use crate::stage::{Stage, step};

async fn look_around(stage: &Stage, attempt: u32, allow: Allow, seed: u64) -> String {
    let mut request = stage.request(&stage.guest("look-around"), attempt);
    request.allow = allow;
    request.seed = seed;
    let (outcome, reported) = stage.execute(request).await;
    assert_eq!(outcome.unwrap(), StepOutcome::Succeeded, "{}", reported.log());
    reported.log()
}

fn line<'a>(log: &'a str, start: &str) -> &'a str {
    log.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {log}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_grants_everything_is_fixed() {
    let stage = Stage::new();
    let log = look_around(&stage, 1, Allow::default(), 7).await;
    assert_eq!(line(&log, "arguments"), "arguments: []");
    assert_eq!(line(&log, "environment"), "environment: []");
    assert_eq!(line(&log, "folder /in"), r#"folder /in/data: ["data.csv"]"#);
    assert_eq!(line(&log, "folder /out"), "folder /out: []");
    assert_eq!(log.matches("folder ").count(), 2, "{log}");
    assert_eq!(line(&log, "clock"), "clock: 1577836800");
    assert_eq!(line(&log, "standard input"), r#"standard input: """#);
    let again = look_around(&stage, 2, Allow::default(), 7).await;
    assert_eq!(line(&log, "random"), line(&again, "random"), "the same seed, the same numbers");
    let other = look_around(&stage, 3, Allow::default(), 8).await;
    assert_ne!(line(&log, "random"), line(&other, "random"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grants_are_given_and_no_more() {
    let stage = Stage::new();
    let workspace = stage.workspace();
    fs::create_dir_all(workspace.join("tables/deep")).unwrap();
    for file in ["tables/a.csv", "tables/deep/b.csv", "other.txt", "beside.txt"] {
        fs::write(workspace.join(file), file).unwrap();
    }
    let allow = Allow {
        read: vec![
            "tables/deep".into(),
            "./other.txt".into(),
            "other.txt".into(),
            "tables/deep/b.csv".into(),
        ],
        env: vec!["GRANTED".into(), "NOT_SET".into()],
        clock: true,
        random: true,
        ..Allow::default()
    };
    let log = look_around(&stage, 1, allow.clone(), 7).await;
    assert_eq!(line(&log, "environment"), r#"environment: [("GRANTED", "yes")]"#);
    assert_eq!(line(&log, "folder /workspace/tables/deep"), r#"folder /workspace/tables/deep: ["b.csv"]"#);
    assert_eq!(line(&log, "folder /workspace:"), r#"folder /workspace: ["other.txt"]"#);
    assert_eq!(log.matches("folder ").count(), 4, "{log}");
    assert!(line(&log, "clock") > "clock: 1577836800");
    let again = look_around(&stage, 2, allow, 7).await;
    assert_ne!(line(&log, "random"), line(&again, "random"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scratch_folder_that_is_used_again_shows_nothing_old_and_harms_nothing() {
    let stage = Stage::new();
    for file in ["one.txt", "two.txt"] {
        fs::write(stage.workspace().join(file), file).unwrap();
    }
    for file in ["one.txt", "one.txt", "two.txt"] {
        // The same attempt: the same scratch folder.
        let log = look_around(&stage, 1, Allow { read: vec![file.into()], ..Allow::default() }, 7).await;
        assert_eq!(line(&log, "folder /workspace"), format!("folder /workspace: [{file:?}]"));
        assert_eq!(fs::read_to_string(stage.workspace().join(file)).unwrap(), file);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_out_of_the_workspace_are_not_granted() {
    let stage = Stage::new();
    std::os::unix::fs::symlink("/etc", stage.workspace().join("etc")).unwrap();
    for (path, class) in [
        ("etc", ErrorClass::Denied),
        ("etc/passwd", ErrorClass::Denied),
        ("missing", ErrorClass::Environment),
        ("..", ErrorClass::Usage),
    ] {
        let mut request = stage.request(&stage.guest("echo"), 1);
        request.allow.read = vec![path.into()];
        let (outcome, _) = stage.execute(request).await;
        assert_eq!(outcome.unwrap_err().class, class, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_cannot_be_granted_yet() {
    let stage = Stage::new();
    let allow = Allow { net: vec!["https://example.com".into()], ..Allow::default() };
    let error = stage.host.prepare(&step(&stage.guest("echo"), allow)).await.unwrap_err();
    assert_eq!((error.class, error.code), (ErrorClass::Environment, "plugin::net-unavailable"));
}
