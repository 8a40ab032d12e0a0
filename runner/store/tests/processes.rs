//! Several processes on one store, processes that are killed, and a disk that refuses.
//!
//! A child is this test binary again, told by an environment variable to run one function.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use runner_store::{
    Change, Digest, Expected, NewVersion, ObjectError, ObjectKind, OutputLimits, RunId, RunState,
    StorageError, Store,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::Value;

const ROLE: &str = "RUNNER_STORE_TEST_CHILD";
const ROOT: &str = "RUNNER_STORE_TEST_ROOT";

fn start(role: &str, root: &Path) -> Child {
    start_under(&["env"], role, root)
}

/// The same, by way of a command that runs another.
fn start_under(command: &[&str], role: &str, root: &Path) -> Child {
    Command::new(command[0])
        .args(&command[1..])
        .arg(env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(ROLE, role)
        .env(ROOT, root)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Where a child begins. Without the variable it has nothing to do.
#[test]
fn child() -> Result<(), Box<dyn std::error::Error>> {
    let Ok(role) = env::var(ROLE) else { return Ok(()) };
    let root = PathBuf::from(env::var(ROOT)?);
    match role.as_str() {
        "put" => put_for_ever(&root),
        "promote" => promote_some(&root),
        "disk" => fill_a_disk(&root),
        "small-files" => refuse_large_files(&root),
        other => panic!("{other}"),
    }
}

fn version(digest: Digest) -> NewVersion {
    NewVersion {
        digest,
        run: None,
        lineage: Value::Null,
        metrics: Value::Null,
        evidence: Value::Null,
        keep: None,
        change: Change::default(),
    }
}

/// Everything a run does, again and again, until it is killed.
fn put_for_ever(root: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::open(root)?;
    let registry = store.registry()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    loop {
        let run = store.create_run(&RunId::new())?;
        for number in 0_u64..20 {
            let out = run.scratch_dir("step", 1)?;
            let bytes = format!("{} {number} ", run.id()).repeat(1 + usize::try_from(number)? * 400);
            fs::write(out.join("out"), &bytes)?;
            fs::create_dir(out.join("dir"))?;
            fs::write(out.join("dir/a"), &bytes[1..])?;
            fs::write(out.join("dir/same"), b"same in all")?;
            let file = store.put_file(&out.join("out"))?;
            let tree = store.put_output(&out, "dir", OutputLimits::default())?;
            store.put_bytes(&bytes.as_bytes()[2..])?;
            store.materialise(&tree.digest, &out.join("in"))?;
            run.append_events(
                format!("{{\"file\":\"{}\",\"tree\":\"{}\"}}\n", file.digest, tree.digest).as_bytes(),
            )?;
            run.remove_scratch("step", 1)?;
            if number % 7 == 0 {
                runtime.block_on(registry.promote("m", "a", version(file.digest), Expected::Anything))?;
            }
        }
        run.write_record(&"done", false)?;
        run.close()?;
    }
}

fn promote_some(root: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::open(root)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for number in 0..8 {
        let digest = store.put_bytes(format!("{} {number}", std::process::id()).as_bytes())?.digest;
        let promoted =
            runtime.block_on(store.registry()?.promote("m", "a", version(digest), Expected::Anything))?;
        assert!(promoted.changed);
    }
    Ok(())
}

/// All of a store holds together: every object matches its name, every event's objects are there, every record reads,
/// the history has no gaps.
fn check(root: &Path) -> usize {
    let store = Store::open(root).unwrap();
    let mut objects = 0;
    for shard in fs::read_dir(root.join("objects/sha256")).unwrap() {
        for object in fs::read_dir(shard.unwrap().path()).unwrap() {
            let name = object.unwrap().file_name().into_string().unwrap();
            store.verify(&format!("sha256:{name}").parse().unwrap()).unwrap();
            objects += 1;
        }
    }
    for run in store.runs().unwrap() {
        assert_ne!(run.state, RunState::Running);
        for event in store.open_run(run.id.as_str()).unwrap().events::<Value>().unwrap() {
            let event = event.unwrap();
            for key in ["file", "tree"] {
                let digest: Digest = event[key].as_str().unwrap().parse().unwrap();
                assert_eq!(digest.kind() == ObjectKind::Tree, key == "tree");
                store.verify(&digest).unwrap();
            }
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let history = runtime.block_on(store.registry().unwrap().history("m", "a")).unwrap();
    for (record, number) in history.iter().zip(1..) {
        assert_eq!(record.number, number);
        store.verify(&record.digest).unwrap();
    }
    objects
}

#[test]
fn killed_at_any_instant_nothing_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".runner");
    let rounds = env::var("RUNNER_STORE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let mut objects = 0;
    for round in 0..rounds {
        // Two at once: also the one that lives must not suffer from the death of the other.
        let mut pair = [start("put", &root), start("put", &root)];
        thread::sleep(Duration::from_micros(3_000 + 7_919 * (round * 37 % 23)));
        for child in &mut pair {
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert_eq!(
                std::os::unix::process::ExitStatusExt::signal(&status),
                Some(9),
                "it did not fail by itself"
            );
        }
        objects = check(&root);
    }
    assert!(objects > 50, "the children did something: {objects}");
    // The next run removes what the dead ones left.
    let store = Store::open(&root).unwrap();
    let run = store.create_run(&RunId::new()).unwrap();
    let with_work = store
        .run_ids()
        .unwrap()
        .iter()
        .filter(|id| root.join("runs").join(id.as_str()).join("work").exists())
        .count();
    assert_eq!(with_work, 1);
    drop(run);
}

#[test]
fn several_processes_promote_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".runner");
    // They also make the store at once.
    let children: Vec<_> = (0..5).map(|_| start("promote", &root)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = Store::open(&root).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let registry = store.registry().unwrap();
    let history = runtime.block_on(registry.history("m", "a")).unwrap();
    let numbers: Vec<_> = history.iter().map(|record| record.number).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert!(history.windows(2).all(|pair| pair[1].previous == Some(pair[0].version)));
    assert_eq!(runtime.block_on(registry.show("m")).unwrap().versions.len(), 40);
}

#[test]
fn a_live_run_of_another_process_is_seen_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(".runner");
    let mut other = start("put", &root);
    let deadline = Instant::now() + Duration::from_secs(20);
    let id = loop {
        assert!(Instant::now() < deadline, "it never started a run");
        let Some(store) = Store::open_existing(&root).unwrap() else { continue };
        let Some(run) = store.runs().unwrap().into_iter().find(|run| run.state == RunState::Running) else {
            continue;
        };
        break run.id;
    };
    let store = Store::open(&root).unwrap();
    for _ in 0..50 {
        store.remove_dead_scratch();
    }
    assert!(other.try_wait().unwrap().is_none(), "it does not suffer from being looked at");
    other.kill().unwrap();
    other.wait().unwrap();
    assert_ne!(store.open_run(id.as_str()).unwrap().state(), RunState::Running);
}

/// A file system that takes no more: writes beyond 64 KiB fail with EFBIG, as they would with ENOSPC on a full disk.
fn refuse_large_files(root: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::open(root)?;
    let run = store.create_run(&RunId::new())?;
    let source = root.with_file_name("large");
    fs::write(&source, vec![b'x'; 200_000])?;
    setrlimit(Resource::Fsize, Rlimit { current: Some(65_536), maximum: Some(65_536) })?;
    let refused = store.put_copy(&source).unwrap_err();
    let ObjectError::Storage(StorageError::FileTooLarge { .. }) = refused else { panic!("{refused}") };
    assert!(store.put_bytes(&vec![b'x'; 200_000]).is_err());
    assert!(!store.contains(&Digest::of_bytes(&vec![b'x'; 200_000])));
    assert_eq!(fs::read_dir(root.join("tmp"))?.count(), 0, "half a file is removed");

    // The events end with a whole line, and go on where there is room again.
    let line = [b"{\"text\":\"".as_slice(), &vec![b'x'; 30_000], b"\"}\n"].concat();
    run.append_events(&line)?;
    run.append_events(&line)?;
    assert!(run.append_events(&line).is_err());
    run.append_events(b"{}\n")?;
    let events: Result<Vec<Value>, _> = store.open_run("latest")?.events()?.collect();
    assert_eq!(events?.len(), 3);

    // Moving needs no room: an output that was written can be stored.
    let moved = store.put_file(&source)?;
    store.verify(&moved.digest)?;
    let copied = store.materialise_copy(&moved.digest, &root.with_file_name("copy"));
    assert!(copied.is_err() && !root.with_file_name("copy").exists());
    Ok(())
}

#[test]
fn a_disk_that_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    // The signal that comes with the limit is ignored, so that the write fails instead of the process.
    let ignoring = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
    let mut child = start_under(&ignoring, "small-files", &folder.path().join(".runner"));
    assert!(child.wait().unwrap().success());
}

/// A disk of one megabyte, full; then the same disk read-only. In a mount namespace of its own, which vanishes with it.
fn fill_a_disk(disk: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        assert!(command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(disk).status().unwrap().success());
    };
    mount("size=1m");
    let store = Store::open(disk.join(".runner"))?;
    let run = store.create_run(&RunId::new())?;
    let small = store.put_bytes(b"small")?;
    let refused = store.put_bytes(&vec![1; 4 << 20]).unwrap_err();
    let ObjectError::Storage(StorageError::DiskFull { .. }) = refused else { panic!("{refused}") };
    assert_eq!(fs::read_dir(disk.join(".runner/tmp"))?.count(), 0, "half a file is removed");
    let line = [b"{\"text\":\"".as_slice(), &vec![b'x'; 30_000], b"\"}\n"].concat();
    let refused = (0..100).find_map(|_| run.append_events(&line).err());
    assert!(refused.unwrap().to_string().contains("no space is left"));
    let mut events = store.open_run("latest")?.events::<Value>()?;
    assert!(events.by_ref().map(Result::unwrap).count() > 10);
    assert!(!events.cut(), "half a line is taken back");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let registry = store.registry()?;
    fs::write(disk.join("rest"), vec![b'x'; 1 << 20]).unwrap_err();
    let refused = runtime.block_on(registry.promote("m", "a", version(small.digest), Expected::Anything));
    assert!(refused.unwrap_err().to_string().contains("No space left"));
    store.verify(&small.digest)?;
    drop(run);
    fs::remove_file(disk.join("rest"))?;
    runtime.block_on(registry.promote("m", "a", version(small.digest), Expected::Anything))?;

    mount("remount,ro");
    let store = Store::open(disk.join(".runner"))?;
    assert_eq!(store.runs()?[0].state, RunState::Killed);
    store.verify(&small.digest)?;
    assert_eq!(runtime.block_on(store.registry()?.history("m", "a"))?.len(), 1);
    let refused = store.put_bytes(b"new").unwrap_err();
    let ObjectError::Storage(StorageError::ReadOnly { .. }) = refused else { panic!("{refused}") };
    assert!(store.create_run(&RunId::new()).unwrap_err().to_string().contains("read-only"));
    assert!(Store::open(disk.join("other")).is_err());
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_a_read_only_one() {
    let disk = tempfile::tempdir().unwrap();
    // As root, or as root of a user namespace.
    let ways: [&[&str]; 2] = [&["unshare", "--mount"], &["unshare", "--map-root-user", "--mount"]];
    let may_mount = |way: &&&[&str]| {
        let mut command = Command::new(way[0]);
        command
            .args(&way[1..])
            .args(["mount", "-t", "tmpfs", "tmpfs"])
            .arg(disk.path())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let Some(way) = ways.iter().find(may_mount) else {
        #[expect(clippy::disallowed_methods, reason = "text of our own, seen also where the test passes")]
        let mut stderr = std::io::stderr();
        let _ = writeln!(stderr, "skipped: no right to mount a file system");
        return;
    };
    assert!(start_under(way, "disk", disk.path()).wait().unwrap().success());
}
