//! Compiled code on disk: damaged, foreign, and used by many at once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use runner_engine::{executor::Executor as _, outcome::StepOutcome};
use runner_workflow::plan::Allow;

use crate::stage::{Stage, step};

const FOLDER: &str = "RUNNER_TEST_CACHE";

/// Something that happens to a file.
type Damage = Box<dyn Fn(&mut Vec<u8>)>;

fn echo(cache: &Path) -> StepOutcome {
    let stage = Stage::with_cache(cache);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = stage.request(&stage.guest("echo"), 1);
    runtime.block_on(stage.execute(request)).0.unwrap()
}

fn files(cache: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

/// A cache that holds the code of `echo`.
fn filled() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("below/cache");
    assert_eq!(echo(&cache), StepOutcome::Succeeded);
    let (code, record) = (files(&cache, ".cwasm").remove(0), files(&cache, ".entry").remove(0));
    (folder, code, record)
}

#[test]
fn damaged_code_is_compiled_again() {
    let (_folder, code, record) = filled();
    let good = fs::read(&code).unwrap();
    let cache = code.parent().unwrap();
    let middle = good.len() / 2;
    let damages: [(&str, Damage); 5] = [
        ("one bit", Box::new(move |bytes| bytes[middle] ^= 1)),
        ("the first byte", Box::new(|bytes| bytes[0] ^= 0xff)),
        ("cut off", Box::new(move |bytes| bytes.truncate(middle))),
        ("empty", Box::new(Vec::clear)),
        ("longer", Box::new(|bytes| bytes.extend([0; 4096]))),
    ];
    for (name, damage) in damages {
        let mut bytes = good.clone();
        damage(&mut bytes);
        fs::write(&code, &bytes).unwrap();
        assert_eq!(echo(cache), StepOutcome::Succeeded, "{name}");
        assert_ne!(fs::read(&code).unwrap(), bytes, "{name}: it was rebuilt");
    }
    fs::remove_file(&code).unwrap();
    assert_eq!(echo(cache), StepOutcome::Succeeded);
    assert!(record.exists() && code.exists());
}

#[test]
fn damaged_and_foreign_records_are_not_believed() {
    let (_folder, code, record) = filled();
    let cache = code.parent().unwrap();
    let good = fs::read_to_string(&record).unwrap();
    let entry: serde_json::Value = serde_json::from_str(&good).unwrap();
    let change = |key: &str, value: serde_json::Value| {
        let mut entry = entry.clone();
        entry[key] = value;
        entry.to_string()
    };
    let digest = "0".repeat(64);
    let records = [
        String::new(),
        "{".into(),
        good[..good.len() / 2].to_owned(),
        change("format", 999.into()),
        change("key", "another".into()),
        change("digest", digest.into()),
        change("digest", "../../../../etc/passwd".into()),
        change("digest", "é".repeat(32).into()),
        change("surprise", 1.into()),
    ];
    for bad in records {
        fs::write(&record, &bad).unwrap();
        assert_eq!(echo(cache), StepOutcome::Succeeded, "{bad}");
        assert_eq!(fs::read_to_string(&record).unwrap(), good, "rebuilt after {bad}");
    }
}

#[test]
fn code_of_another_plugin_under_this_name_is_not_run() {
    let (_folder, code, record) = filled();
    let cache = code.parent().unwrap();
    let stage = Stage::with_cache(cache);
    let uses = stage.guest("panic");
    assert_eq!(stage.host.manifest_blocking(&uses).unwrap().name, "panic");
    let other = files(cache, ".cwasm").into_iter().find(|path| *path != code).unwrap();
    // Also with the digest of the other record: that covers the key.
    let other_record = files(cache, ".entry").into_iter().find(|path| *path != record).unwrap();
    let mut entry: serde_json::Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    let foreign: serde_json::Value = serde_json::from_slice(&fs::read(other_record).unwrap()).unwrap();
    entry["digest"] = foreign["digest"].clone();
    fs::write(&record, entry.to_string()).unwrap();
    let key = entry["key"].as_str().unwrap();
    let name = format!("{key}-{}.cwasm", &foreign["digest"].as_str().unwrap()[..16]);
    fs::copy(&other, cache.join(name)).unwrap();
    assert_eq!(echo(cache), StepOutcome::Succeeded, "`panic` would have trapped");
}

#[test]
fn damaged_manifests_are_described_again() {
    let (_folder, code, _) = filled();
    let cache = code.parent().unwrap();
    let manifest = files(cache, ".manifest.json").remove(0);
    let good = fs::read(&manifest).unwrap();
    for bad in ["", "{}", "not json"] {
        fs::write(&manifest, bad).unwrap();
        assert_eq!(echo(cache), StepOutcome::Succeeded);
        assert_eq!(fs::read(&manifest).unwrap(), good);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    use runner_plugin_host::{HostOptions, PluginHost};

    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let open = || {
        PluginHost::new(HostOptions {
            cache_dir: cache.clone(),
            workspace: folder.path().to_owned(),
            builtins: &[],
            environment: std::collections::BTreeMap::new(),
        })
    };
    open().unwrap();
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o770)).unwrap();
    assert_eq!(open().err().unwrap().code, "plugin::cache-not-private");
    fs::remove_dir(&cache).unwrap();
    std::os::unix::fs::symlink(folder.path(), &cache).unwrap();
    assert_eq!(open().err().unwrap().code, "plugin::cache-not-private");
}

#[test]
fn a_cache_that_cannot_be_made_costs_time_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(echo(&file.join("cache")), StepOutcome::Succeeded);
}

#[test]
fn threads_may_fill_a_cache_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(echo(&cache), StepOutcome::Succeeded));
        }
    });
    assert_eq!(files(&cache, ".entry").len(), 1);
    assert!(files(&cache, ".tmp").is_empty());
}

/// Another process of these tests.
fn process(test: &str, cache: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(FOLDER, cache).stdout(Stdio::null());
    command
}

#[test]
fn processes_may_fill_a_cache_at_once_and_be_killed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    for delay in [5, 60, 120] {
        let mut killed = process("cache::echo_in_a_process", &cache).spawn().unwrap();
        thread::sleep(Duration::from_millis(delay));
        killed.kill().unwrap();
        killed.wait().unwrap();
    }
    let children: Vec<_> =
        (0..3).map(|_| process("cache::echo_in_a_process", &cache).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(files(&cache, ".entry").len(), 1);
}

#[test]
#[ignore = "started by another test"]
fn echo_in_a_process() {
    assert_eq!(echo(Path::new(&std::env::var_os(FOLDER).unwrap())), StepOutcome::Succeeded);
}

/// Guests that try to use up the memory of the host, in a process of their own, so that its peak can be read.
#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_the_host_stays_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let greedy = || process("cache::greedy_guests_in_a_process", &cache);
    // Once to compile, which takes more memory than anything a guest can do.
    assert!(greedy().env("RUNNER_TEST_FILL", "1").status().unwrap().success());
    let child = greedy().stdout(Stdio::piped()).stderr(Stdio::inherit()).output().unwrap();
    assert!(child.status.success());
    let text = String::from_utf8(child.stdout).unwrap();
    let peak: u64 =
        text.lines().find_map(|line| line.strip_prefix("peak kB: ")).unwrap().trim().parse().unwrap();
    println!("peak of the host with greedy guests: {peak} kB");
    // The largest guest may have 64 MiB; the rest is the host with its tests.
    assert!(peak < 160 * 1024, "{peak} kB");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by another test"]
fn greedy_guests_in_a_process() {
    let stage = Stage::with_cache(Path::new(&std::env::var_os(FOLDER).unwrap()));
    let fill = std::env::var_os("RUNNER_TEST_FILL").is_some();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for guest in ["grow-memory", "flood-log", "flood-findings", "flood-metrics", "huge-call", "open-handles"]
    {
        let uses = stage.guest(guest);
        runtime.block_on(stage.host.prepare(&step(&uses, Allow::default()))).unwrap();
        for attempt in 0..if fill { 0 } else { 3 } {
            let mut request = stage.request(&uses, attempt);
            // `huge-call` needs twice its text.
            request.limits.memory = Some(if guest == "huge-call" { 80 << 20 } else { 64 << 20 });
            runtime.block_on(stage.execute(request)).0.unwrap();
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak kB: {}", peak.trim_end_matches("kB").trim());
}
