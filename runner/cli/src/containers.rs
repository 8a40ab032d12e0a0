//! What the container executor is told about this machine and earlier runs.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use runner_engine::container::ContainerOptions;
use runner_store::Store;
use runner_workflow::plan::{Action, Plan};

use crate::environment;

/// Time between asking a step to end and killing it.
const GRACE: Duration = Duration::from_secs(5);
/// Earlier runs that are looked through for what an image was.
const EARLIER: usize = 20;

/// Where to look for an engine.
pub(crate) fn options() -> ContainerOptions {
    let env = environment::variables();
    let home = env.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    ContainerOptions { env, home, grace: GRACE, gpus: gpus(), ..ContainerOptions::default() }
}

/// The same for a run of this plan.
pub(crate) fn options_for(plan: &Plan, workspace: &Path, store: &Store) -> ContainerOptions {
    let images = if plan.steps.iter().any(|step| matches!(step.action, Action::Container { .. })) {
        known_images(store)
    } else {
        HashMap::new()
    };
    let workspace = workspace.to_path_buf();
    ContainerOptions { workspace, store: Some(store.root().to_path_buf()), known_images: images, ..options() }
}

/// What images were in earlier runs: the newest one that used each decides. A record that cannot be read says nothing.
pub(crate) fn known_images(store: &Store) -> HashMap<String, String> {
    let mut images = HashMap::new();
    for run in store.newest_runs(EARLIER).unwrap_or_default() {
        let record: Option<runner_engine::record::RunRecord> =
            run.record.and_then(|record| serde_json::from_value(record).ok());
        let steps = record.into_iter().flat_map(|record| record.stages).flat_map(|stage| stage.steps);
        for image in steps.filter_map(|step| step.image) {
            images.entry(image.image).or_insert(image.id);
        }
    }
    images
}

/// NVIDIA's devices of this machine.
pub(crate) fn gpus() -> u32 {
    let devices = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let count = devices.filter(|device| {
        let name = device.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("nvidia"));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    });
    u32::try_from(count.count()).unwrap_or(u32::MAX)
}
