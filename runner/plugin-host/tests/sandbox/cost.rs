//! What a step costs. Not a test: `cargo test -p runner-plugin-host --test sandbox -- --ignored --nocapture cost`.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use runner_engine::{executor::Executor as _, outcome::StepOutcome};
use runner_workflow::plan::Allow;

use crate::stage::{Stage, step};

fn shown(name: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{name}: median {:?}, 95 % {:?}, most {:?}", at(50), at(95), at(100));
}

fn resident() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn cost_of_a_small_step() {
    let start = Instant::now();
    let stage = Stage::new();
    println!("host: {:?}", start.elapsed());
    let uses = stage.guest("echo");
    let start = Instant::now();
    stage.host.prepare(&step(&uses, Allow::default())).await.unwrap();
    println!("prepare: {:?}", start.elapsed());
    let start = Instant::now();
    let (outcome, _) = stage.execute(stage.request(&uses, 0)).await;
    println!("first attempt, code loaded or compiled in it: {:?}", start.elapsed());
    assert_eq!(outcome.unwrap(), StepOutcome::Succeeded);

    let mut times = Vec::new();
    for attempt in 1..=2000 {
        let request = stage.request(&uses, attempt);
        let start = Instant::now();
        let (outcome, _) = stage.execute(request).await;
        times.push(start.elapsed());
        assert_eq!(outcome.unwrap(), StepOutcome::Succeeded);
    }
    shown("attempt, one after the other", &mut times);
    println!("{}", resident());

    let requests: Vec<_> = (3000..5000).map(|attempt| stage.request(&uses, attempt)).collect();
    let start = Instant::now();
    let all = requests.len();
    for (outcome, _) in
        futures::future::join_all(requests.into_iter().map(|request| stage.execute(request))).await
    {
        assert_eq!(outcome.unwrap(), StepOutcome::Succeeded);
    }
    println!("{all} attempts at once: {:?} each", start.elapsed() / u32::try_from(all).unwrap());
    println!("{}", resident());
}

/// The standard plugins: from nothing, and from compiled code. Each is asked to work without a configuration, which it
/// refuses at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn cost_of_loading() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist");
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path().join("cache");
    for entry in fs::read_dir(dist).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        let mut times = Vec::new();
        for _ in 0..3 {
            let stage = Stage::with_cache(&cache);
            let uses = stage.file(&name, &bytes);
            let request = stage.request(&uses, 0);
            let start = Instant::now();
            stage.execute(request).await.0.unwrap();
            times.push(start.elapsed());
        }
        println!("{name}, {} kB: {times:?}", bytes.len() / 1024);
    }
    let sizes = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    println!("compiled: {} kB", sizes.sum::<u64>() / 1024);
}
