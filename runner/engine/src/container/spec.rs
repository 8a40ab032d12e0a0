//! From a request to what the engine is asked for. Everything that is not said here is denied.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use bollard::models::{
    ContainerCreateBody, DeviceRequest, HostConfig, HostConfigLogConfig, Mount, MountBindOptions,
    MountBindOptionsPropagationEnum, MountType,
};
use runner_workflow::plan::{Allow, Container, Limits, Resources, Script};

use super::connect::Facts;
use crate::{
    executor::{Binding, StepRequest},
    reports,
    variables::variable,
};

/// The workspace, read-only.
pub(super) const WORKSPACE: &str = "/workspace";
const INPUTS: &str = "/in";
const OUTPUTS: &str = "/out";
const METRICS: &str = "/run/runner/metrics.jsonl";
const FINDINGS: &str = "/run/runner/findings.jsonl";
/// Where the first process notes that the kernel killed another one for want of memory.
const STARVED: &str = "/run/runner/out-of-memory";
/// Processes and threads of a container that sets no `limits.pids`.
const PIDS: u32 = 1024;
/// Share of the engine's memory that a container gets that sets no limit: the machine itself goes on.
const MEMORY_SHARE: (u64, u64) = (7, 8);

/// What runs a script that names no shell, as the first process of the container: `bash` where there is one. It passes TERM
/// on to everything in the container, as a first process alone would never get it; with it, everything else ends.
/// Some engines learn of a lack of memory only where it ended this process: it looks for itself.
const FIRST_PROCESS: &str = r#"trap 'kill -TERM -1 2>/dev/null' TERM
if [ "$#" -eq 1 ]; then
  if command -v bash >/dev/null 2>&1; then set -- bash -euo pipefail -c "$1"; else set -- sh -eu -c "$1"; fi
fi
"$@" &
child=$!
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
if [ "$code" -ne 0 ]; then
  for file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r "$file" ] || continue
    while read -r key count; do
      if [ "$key" = oom_kill ] && [ "$count" -gt 0 ]; then echo "$count" > /run/runner/out-of-memory; fi
    done < "$file"
  done 2>/dev/null
fi
exit "$code""#;

/// Who a container runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What a container is made from, beside its request.
pub(super) struct Surroundings<'a> {
    pub(super) facts: &'a Facts,
    pub(super) caller: Caller,
    /// Digest of the image.
    pub(super) image: &'a str,
    /// Folder of the store: not shown, although it usually lies in the workspace.
    pub(super) store: Option<&'a Path>,
    /// Network of its services.
    pub(super) network: Option<&'a str>,
    /// Numbers of the GPUs that it gets.
    pub(super) gpus: &'a [u32],
    pub(super) labels: HashMap<String, String>,
}

/// What the engine is asked for.
pub(super) fn body(
    request: &StepRequest,
    container: &Container,
    run: Option<&Script>,
    around: &Surroundings<'_>,
) -> ContainerCreateBody {
    let (entrypoint, cmd) = command(container, run);
    let (user, userns) = user(container.user.as_deref(), around);
    let network = match (around.network, request.allow.net.is_empty()) {
        (Some(network), true) => network,
        (None, true) => "none",
        (_, false) => "default",
    };
    let mut host = confined(&request.allow, &request.limits, &request.resources, around.facts, around.gpus);
    host.network_mode = Some(network.to_owned());
    host.mounts = Some(mounts(request));
    host.userns_mode = userns;
    if let Some(hidden) = around.store.and_then(|store| store.strip_prefix(&request.workspace).ok())
        && hidden.components().next().is_some()
    {
        let path = Path::new(WORKSPACE).join(hidden).to_string_lossy().into_owned();
        host.tmpfs
            .get_or_insert_default()
            .insert(path, format!("ro,size=4k,mode=555{}", nothing_copied(around.facts)));
    }
    ContainerCreateBody {
        image: Some(around.image.to_owned()),
        entrypoint,
        cmd,
        env: Some(environment(request)),
        working_dir: Some(container.workdir.clone().unwrap_or_else(|| WORKSPACE.to_owned())),
        user: Some(user),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        labels: Some(around.labels.clone()),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// Podman would fill a folder in memory with what lies below it.
fn nothing_copied(facts: &Facts) -> &'static str {
    if facts.podman { ",notmpcopyup" } else { "" }
}

/// Everything about the host that a container is denied, and the caps.
pub(super) fn confined(
    allow: &Allow,
    limits: &Limits,
    resources: &Resources,
    facts: &Facts,
    gpus: &[u32],
) -> HostConfig {
    let memory = memory_limit(limits, resources, facts).map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let cpu = resources.cpu.or_else(|| (facts.processors > 0).then_some(facts.processors as f64));
    #[expect(clippy::cast_possible_truncation, reason = "a hundred thousand processors at most")]
    let nano = |cpu: f64| (cpu * 1e9) as i64;
    HostConfig {
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: (!allow.capabilities.is_empty()).then(|| allow.capabilities.clone()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        privileged: Some(false),
        readonly_rootfs: Some(!allow.write_root),
        tmpfs: Some(HashMap::from([(
            "/tmp".to_owned(),
            format!("rw,exec,nosuid,nodev,mode=1777{}", nothing_copied(facts)),
        )])),
        ipc_mode: Some("private".to_owned()),
        shm_size: resources.shm_size.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        memory: memory.filter(|_| facts.limits),
        // No more with swap than without: a step that swaps is one that does not end.
        memory_swap: memory.filter(|_| facts.limits),
        pids_limit: facts.limits.then(|| i64::from(limits.pids.unwrap_or(PIDS))),
        nano_cpus: cpu.filter(|_| facts.limits).map(nano),
        device_requests: (!gpus.is_empty()).then(|| {
            vec![DeviceRequest {
                device_ids: Some(gpus.iter().map(u32::to_string).collect()),
                capabilities: Some(vec![vec!["gpu".to_owned()]]),
                ..DeviceRequest::default()
            }]
        }),
        // What it writes is read while it runs, and kept by the run.
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        ..HostConfig::default()
    }
}

/// The cap on memory in bytes: `limits.memory`, what the step says it needs, or most of what there is.
pub(super) fn memory_limit(limits: &Limits, resources: &Resources, facts: &Facts) -> Option<u64> {
    let most = (facts.memory > 0).then(|| facts.memory / MEMORY_SHARE.1 * MEMORY_SHARE.0);
    limits.memory.or(resources.memory).or(most)
}

/// Entrypoint and arguments.
fn command(container: &Container, run: Option<&Script>) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let Some(run) = run else { return (container.entrypoint.clone(), None) };
    let mut line = match &run.shell {
        None => owned(&["/bin/sh", "-c", FIRST_PROCESS, "sh"]),
        Some(shell) if shell.first().is_some_and(|program| matches!(program.as_str(), "sh" | "bash")) => {
            let mut line = owned(&["/bin/sh", "-c", FIRST_PROCESS, "sh"]);
            line.extend(shell.iter().cloned());
            line
        }
        Some(shell) => shell.clone(),
    };
    line.push(run.text.clone());
    if let Some(entrypoint) = &container.entrypoint {
        return (Some(entrypoint.clone()), Some(line));
    }
    let arguments = line.split_off(1);
    (Some(line), Some(arguments))
}

/// The user, and the namespace of users. Files come out owned by the caller: a rootless engine's root is the caller.
fn user(named: Option<&str>, around: &Surroundings<'_>) -> (String, Option<String>) {
    let facts = around.facts;
    let userns = (facts.remapped && !facts.rootless).then(|| "host".to_owned());
    match named {
        Some(user) if facts.rootless && facts.podman => (user.to_owned(), keep_id(user)),
        Some(user) => (user.to_owned(), userns),
        None if facts.rootless => ("0:0".to_owned(), None),
        None => (format!("{}:{}", around.caller.uid, around.caller.gid), userns),
    }
}

/// Lets the caller be this user inside, where its number is known.
fn keep_id(user: &str) -> Option<String> {
    let (uid, gid) = user.split_once(':').unwrap_or((user, user));
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
    Some(format!("keep-id:uid={},gid={}", number(uid)?, number(gid)?))
}

/// Whether files may come out owned by someone else than the caller.
pub(super) fn is_foreign(user: Option<&str>, facts: &Facts, caller: Caller) -> bool {
    let Some(user) = user else { return false };
    if facts.rootless {
        return !(matches!(user, "0" | "0:0") || (facts.podman && keep_id(user).is_some()));
    }
    user != format!("{}:{}", caller.uid, caller.gid)
}

fn mounts(request: &StepRequest) -> Vec<Mount> {
    let mut mounts = vec![bind(&request.workspace, WORKSPACE.to_owned(), true)];
    for (name, binding) in &request.inputs {
        mounts.push(bind(&input_folder(binding), format!("{INPUTS}/{name}"), true));
    }
    mounts.push(bind(&request.out_dir, OUTPUTS.to_owned(), false));
    let scratch = &request.scratch_dir;
    // Each alone, so that nothing can be put in their place.
    mounts.push(bind(&reports::metrics_path(scratch), METRICS.to_owned(), false));
    mounts.push(bind(&reports::findings_path(scratch), FINDINGS.to_owned(), false));
    mounts.push(bind(&starved_path(scratch), STARVED.to_owned(), false));
    mounts
}

/// The file of [`STARVED`] on the host.
pub(super) fn starved_path(scratch: &Path) -> PathBuf {
    scratch.join("out-of-memory")
}

/// A file is shown in the folder that holds nothing else.
fn input_folder(binding: &Binding) -> PathBuf {
    match binding.path.parent() {
        Some(folder) if !binding.is_dir => folder.to_path_buf(),
        _ => binding.path.clone(),
    }
}

fn bind(source: &Path, target: String, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.to_string_lossy().into_owned()),
        target: Some(target),
        read_only: Some(read_only),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::PRIVATE),
            // What is mounted below would stay writable.
            non_recursive: Some(true),
            ..MountBindOptions::default()
        }),
        ..Mount::default()
    }
}

/// Variables, the later of two of the same name counts.
fn environment(request: &StepRequest) -> Vec<String> {
    let mut env: Vec<(String, String)> = vec![
        // The folder of the user, who may have none here.
        ("HOME".to_owned(), "/tmp".to_owned()),
        ("TMPDIR".to_owned(), "/tmp".to_owned()),
    ];
    for (name, binding) in &request.inputs {
        let folder = format!("{INPUTS}/{name}");
        let path = match binding.path.file_name() {
            Some(file) if !binding.is_dir => format!("{folder}/{}", file.to_string_lossy()),
            _ => folder,
        };
        env.push((variable("RUNNER_IN_", name), path));
    }
    for (name, binding) in &request.outputs {
        let relative = binding.path.strip_prefix(&request.out_dir).unwrap_or(&binding.path);
        env.push((variable("RUNNER_OUT_", name), format!("{OUTPUTS}/{}", relative.to_string_lossy())));
    }
    let own = [
        ("RUNNER_METRICS", METRICS.to_owned()),
        ("RUNNER_FINDINGS", FINDINGS.to_owned()),
        ("RUNNER_SEED", request.seed.to_string()),
        ("RUNNER_STEP", request.step.clone()),
        ("RUNNER_STAGE", request.stage.clone()),
        ("RUNNER_ATTEMPT", request.attempt.to_string()),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    env.extend(request.script_variables.iter().cloned());
    env.extend(request.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut unique: indexmap::IndexMap<String, String> = indexmap::IndexMap::with_capacity(env.len());
    unique.extend(env);
    unique.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[cfg(test)]
mod tests;
