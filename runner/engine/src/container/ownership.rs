//! Files that a container wrote as another user go back to the caller.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use bollard::{
    models::{ContainerCreateBody, Mount, MountType},
    query_parameters::StartContainerOptions,
};
use futures::StreamExt;
use runner_workflow::plan::{Allow, Limits, Resources};

use super::{Inner, connect::Connection, failure, guard::Guard, spec};
use crate::executor::ExecutorError;

/// Gives everything below `folder` to the caller. The caller itself may do so as root; otherwise a container does, that has
/// the one capability for it and sees nothing but this folder.
pub(super) async fn restore(
    inner: &Arc<Inner>,
    connection: &Arc<Connection>,
    image: &str,
    folder: &Path,
) -> Result<(), ExecutorError> {
    let failed = |why: String| {
        failure::environment(
            "container::ownership",
            format!("what the step wrote cannot be given back to you: {why}"),
            "leave `user` out, or use an image with `chown`",
        )
    };
    let caller = inner.caller;
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
    if all_owned(folder, caller.uid).map_err(|error| failed(error.to_string()))? {
        return Ok(());
    }
    if caller.uid == 0 {
        return give(folder, caller).map_err(|error| failed(error.to_string()));
    }
    let mut host =
        spec::confined(&Allow::default(), &Limits::default(), &Resources::default(), &connection.facts, &[]);
    host.cap_add = Some(["CHOWN", "DAC_READ_SEARCH", "DAC_OVERRIDE"].map(str::to_owned).to_vec());
    host.network_mode = Some("none".to_owned());
    host.userns_mode = (connection.facts.remapped && !connection.facts.rootless).then(|| "host".to_owned());
    host.mounts = Some(vec![Mount {
        typ: Some(MountType::BIND),
        source: Some(folder.to_string_lossy().into_owned()),
        target: Some("/out".to_owned()),
        ..Mount::default()
    }]);
    // The root of a rootless engine is the caller.
    let (uid, gid) = if connection.facts.rootless { (0, 0) } else { (caller.uid, caller.gid) };
    let words = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: words(&["chown"]),
        cmd: words(&["-R", "-h", &format!("{uid}:{gid}"), "/out"]),
        user: Some("0:0".to_owned()),
        labels: Some(inner.labels("ownership")),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    };
    let guard = Guard::new(inner, connection);
    let text = |error: bollard::errors::Error| failed(failure::chain(&error));
    guard.create(body).await.map_err(text)?;
    connection.docker.start_container(guard.name(), None::<StartContainerOptions>).await.map_err(text)?;
    let options = bollard::query_parameters::WaitContainerOptions { condition: "not-running".to_owned() };
    let ended = connection.patient.wait_container(guard.name(), Some(options)).boxed().next().await;
    guard.remove_later();
    match ended {
        Some(Ok(_)) => Ok(()),
        Some(Err(error)) => Err(text(error)),
        None => Err(failed("the engine does not say how `chown` ended".to_owned())),
    }
}

/// Whether everything below belongs to this user. Folders that cannot be read do not.
fn all_owned(folder: &Path, uid: u32) -> io::Result<bool> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(false) };
        for entry in entries {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.uid() != uid {
                return Ok(false);
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(true)
}

/// As root. Links are given back themselves, and never followed.
fn give(folder: &Path, caller: spec::Caller) -> io::Result<()> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            std::os::unix::fs::lchown(entry.path(), Some(caller.uid), Some(caller.gid))?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}
