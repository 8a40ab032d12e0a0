//! What a step costs. Not a test: `cargo test -p runner-plugin-host --test sandbox -- --ignored --nocapture cost`.

use std::{
    fs,
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
