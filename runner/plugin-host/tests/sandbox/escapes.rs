//! Every way out of the sandbox that a guest tries.

use std::{fs, time::SystemTime};

use runner_engine::outcome::StepOutcome;

use crate::stage::Stage;

/// The guest must fail, and by being refused: it reports an escape with that very word.
fn refused(outcome: &StepOutcome) -> &str {
    let StepOutcome::Failed { message, .. } = outcome else { panic!("{outcome:?}") };
    assert!(!message.contains("ESCAPED"), "{message}");
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_were_not_shown_cannot_be_read() {
    let stage = Stage::new();
    fs::write(stage.workspace().join("secret.txt"), "secret").unwrap();
    let (outcome, _) = stage.run("read-outside-preopen", |_| {}).await;
    assert!(refused(&outcome).contains("/etc/passwd: "), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_cannot_be_left_upwards() {
    let (outcome, _) = Stage::new().run("dotdot-escape", |_| {}).await;
    refused(&outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn symbolic_links_cannot_be_followed_outside() {
    let stage = Stage::new();
    let (outcome, _) = stage.run("symlink-escape", |_| {}).await;
    assert!(refused(&outcome).contains("could follow none"), "{outcome:?}");
    let out_dir = stage.request(&stage.guest("symlink-escape"), 1).out_dir;
    assert_eq!(fs::read_dir(out_dir).unwrap().count(), 0, "links are gone, also after a failure");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn symbolic_links_cannot_be_left_as_outputs() {
    let stage = Stage::new();
    let (outcome, _) =
        stage.run("symlink-escape", |request| request.config = serde_json::json!({ "leave": true })).await;
    let StepOutcome::Denied { message, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(message.contains("symbolic link") && message.contains("`symlink-escape`"), "{message}");
    let out_dir = stage.request(&stage.guest("symlink-escape"), 1).out_dir;
    assert_eq!(fs::read_dir(out_dir).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_cannot_be_changed() {
    let stage = Stage::new();
    let request = stage.request(&stage.guest("write-input"), 1);
    let input = request.inputs["data"].path.clone();
    let before = (fs::read(&input).unwrap(), modified(&input));
    let (outcome, _) = stage.execute(request).await;
    refused(&outcome.unwrap());
    assert_eq!((fs::read(&input).unwrap(), modified(&input)), before);
    assert_eq!(fs::read_dir(input.parent().unwrap()).unwrap().count(), 1);
}

fn modified(path: &std::path::Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_is_denied_by_name() {
    let (outcome, _) = Stage::new().run("dial-network", |_| {}).await;
    let StepOutcome::Denied { capability, message } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(capability, "net");
    assert!(message.contains("`dial-network`") && message.contains("TCP socket"), "{message}");
    assert!(message.contains("allow: { net: "), "{message}");

    let (outcome, _) = Stage::new()
        .run("dial-network", |request| request.config = serde_json::json!({ "name": "example.com" }))
        .await;
    let StepOutcome::Denied { message, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(message.contains("example.com"), "{message}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_with_a_pipe_in_it_is_not_shown() {
    let stage = Stage::new();
    let mut request = stage.request(&stage.guest("echo"), 1);
    let folder = stage.workspace().join("folder");
    fs::create_dir_all(folder.join("sub")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("sub/socket")).unwrap();
    let input = request.inputs.get_mut("data").unwrap();
    (input.path, input.is_dir) = (folder, true);
    let (outcome, _) = stage.execute(request).await;
    let error = outcome.unwrap_err();
    assert!(error.message.contains("sub/socket is a pipe, socket or device"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_among_others_is_shown_alone() {
    let stage = Stage::new();
    let mut request = stage.request(&stage.guest("look-around"), 1);
    fs::write(stage.workspace().join("beside.csv"), "").unwrap();
    let file = stage.workspace().join("data.csv");
    fs::write(&file, "x").unwrap();
    request.inputs.get_mut("data").unwrap().path = file;
    let (outcome, reported) = stage.execute(request).await;
    assert_eq!(outcome.unwrap(), StepOutcome::Succeeded);
    assert!(reported.log().contains(r#"folder /in/data: ["data.csv"]"#), "{}", reported.log());
}
