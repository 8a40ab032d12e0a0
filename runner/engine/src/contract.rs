//! The contract of [`Executor`] as tests that every implementation passes.
//!
//! A crate with an executor implements [`ExecutorUnderTest`] and calls [`check`] from a test:
//!
//! ```ignore
//! runner_engine::contract::check(&MyExecutorUnderTest::new()).await.unwrap();
//! ```

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use indexmap::IndexMap;
use runner_workflow::plan::{Action, Kind, PlannedStep, Script, StepId};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    executor::{Binding, Executor, Finding, Metric, OutputStream, StepRequest, StepSink},
    outcome::StepOutcome,
};

/// Soon, for an executor: its grace period and some more.
const SOON: Duration = Duration::from_secs(15);
/// Content that [`Deed::Write`] writes.
pub const CONTENT: &[u8] = b"written by the step\n";
/// Line that [`Deed::Log`] writes.
pub const LINE: &str = "a line of the step";

/// What a step is to do. Every deed has one output, `result`, with the path `result.txt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Write [`CONTENT`] to the output and succeed.
    Write,
    /// Copy the input `data` to the output and succeed.
    Copy,
    /// Fail in the executor's own way.
    Fail,
    /// Run for a minute at least, doing something that [`ExecutorUnderTest::left_running`] can count.
    Linger,
    /// Write [`LINE`] to the log and succeed.
    Log,
    /// Report the metric `answer` with the value 42, and succeed.
    Report,
    /// Something that cannot be: its preparation or its execution is refused with an error.
    Impossible,
}

/// An executor, and how to make it do something.
pub trait ExecutorUnderTest: Send + Sync {
    /// The executor. Called once for each clause.
    fn executor(&self) -> Arc<dyn Executor>;

    /// An action and a configuration that do this.
    fn action(&self, deed: Deed) -> (Action, serde_json::Value);

    /// How much of a [`Deed::Linger`] still runs: processes, threads, instances.
    fn left_running(&self) -> usize;
}

/// A clause that an executor does not keep, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Number of the clause in the contract.
    pub clause: u8,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clause {} of the executor contract: {}", self.clause, self.seen)
    }
}

impl std::error::Error for Breach {}

fn breach<T>(clause: u8, seen: impl Into<String>) -> Result<T, Breach> {
    Err(Breach { clause, seen: seen.into() })
}

fn io(error: impl fmt::Display) -> Breach {
    Breach { clause: 0, seen: format!("the test itself failed: {error}") }
}

/// Checks every clause, one after the other.
pub async fn check(subject: &dyn ExecutorUnderTest) -> Result<(), Breach> {
    clause_1_prepare(subject).await?;
    clause_2_concurrent_and_gone(subject).await?;
    clause_3_failure_is_data(subject).await?;
    clause_4_cancellation_and_timeout(subject).await?;
    clause_5_writes_where_told(subject).await?;
    clause_6_teardown(subject).await
}

/// `prepare`, of several steps at once, accepts what can be run.
pub async fn clause_1_prepare(subject: &dyn ExecutorUnderTest) -> Result<(), Breach> {
    let executor = subject.executor();
    let steps: Vec<_> =
        [Deed::Write, Deed::Fail, Deed::Log].into_iter().map(|deed| planned(subject, deed)).collect();
    for step in &steps {
        if !executor.accepts(&step.action) {
            return breach(1, "it does not accept its own action");
        }
    }
    for prepared in join_all(steps.iter().map(|step| executor.prepare(step))).await {
        if let Err(error) = prepared {
            return breach(1, format!("it refuses to prepare: {error}"));
        }
    }
    Ok(())
}

/// Attempts run at the same time, and nothing of one is left when it ends or is dropped.
pub async fn clause_2_concurrent_and_gone(subject: &dyn ExecutorUnderTest) -> Result<(), Breach> {
    let executor = subject.executor();
    let benches: Vec<_> = (0..4).map(|_| Bench::new(subject, Deed::Write)).collect::<Result<_, _>>()?;
    let all =
        join_all(benches.iter().map(|bench| bench.run(&executor, None, CancellationToken::new()))).await;
    for (ended, bench) in all.into_iter().zip(&benches) {
        if ended != Ok(StepOutcome::Succeeded) {
            return breach(2, format!("one of several attempts ended with {ended:?}"));
        }
        if fs::read(bench.result()).map_err(io)? != CONTENT {
            return breach(2, "attempts at the same time mix their outputs");
        }
    }
    let bench = Bench::new(subject, Deed::Linger)?;
    {
        let lingering = bench.run(&executor, None, CancellationToken::new());
        tokio::pin!(lingering);
        if timeout(Duration::from_secs(2), &mut lingering).await.is_ok() {
            return breach(2, "a step that lingers ended by itself");
        }
        if subject.left_running() == 0 {
            return breach(2, "nothing runs while a step lingers: the test counts wrongly");
        }
    }
    gone(subject, 2, "after its future was dropped").await
}

/// A step that failed is an outcome; one that cannot be run is an error.
pub async fn clause_3_failure_is_data(subject: &dyn ExecutorUnderTest) -> Result<(), Breach> {
    let executor = subject.executor();
    let bench = Bench::new(subject, Deed::Fail)?;
    let ended = bench.run(&executor, None, CancellationToken::new()).await;
    if !matches!(ended, Ok(StepOutcome::Failed { .. })) {
        return breach(3, format!("a step that fails ended with {ended:?}"));
    }
    let step = planned(subject, Deed::Impossible);
    if executor.prepare(&step).await.is_ok() {
        let bench = Bench::new(subject, Deed::Impossible)?;
        let ended = bench.execute(&executor, None, CancellationToken::new()).await;
        if ended.is_ok() {
            return breach(3, format!("what cannot be run ended with {ended:?}"));
        }
    }
    let bench = Bench::new(subject, Deed::Log)?;
    bench.run(&executor, None, CancellationToken::new()).await.map_err(io)?;
    if !bench.sink.seen().lines.iter().any(|line| line.contains(LINE)) {
        return breach(3, "a line of output is lost");
    }
    let bench = Bench::new(subject, Deed::Report)?;
    bench.run(&executor, None, CancellationToken::new()).await.map_err(io)?;
    let seen = bench.sink.seen();
    let answers = seen.metrics.iter().filter(|metric| metric.name == "answer");
    if answers.map(|metric| metric.value).collect::<Vec<_>>() != [42.0] {
        return breach(3, format!("the metrics are {:?}", seen.metrics));
    }
    Ok(())
}

/// Cancellation and timeout end an attempt soon, as what they are, and stop everything it started.
pub async fn clause_4_cancellation_and_timeout(subject: &dyn ExecutorUnderTest) -> Result<(), Breach> {
    let executor = subject.executor();
    let bench = Bench::new(subject, Deed::Linger)?;
    let cancel = CancellationToken::new();
    let stop = async {
        sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(timeout(SOON, bench.run(&executor, None, cancel.clone())), stop);
    if ended != Ok(Ok(StepOutcome::Cancelled)) {
        return breach(4, format!("a cancelled step ended with {ended:?}"));
    }
    gone(subject, 4, "after a cancellation").await?;

    let bench = Bench::new(subject, Deed::Write)?;
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let ended = timeout(SOON, bench.run(&executor, None, cancelled)).await;
    if ended != Ok(Ok(StepOutcome::Cancelled)) {
        return breach(4, format!("a step that was cancelled before it started ended with {ended:?}"));
    }

    let bench = Bench::new(subject, Deed::Linger)?;
    let limit = Duration::from_millis(300);
    let ended = timeout(SOON, bench.run(&executor, Some(limit), CancellationToken::new())).await;
    if !matches!(ended, Ok(Ok(StepOutcome::TimedOut { limit_ms: 300 }))) {
        return breach(4, format!("a step over its time ended with {ended:?}"));
    }
    gone(subject, 4, "after a timeout").await
}

/// Inputs are read, outputs are written where told, and nothing else is touched.
pub async fn clause_5_writes_where_told(subject: &dyn ExecutorUnderTest) -> Result<(), Breach> {
    let executor = subject.executor();
    let bench = Bench::new(subject, Deed::Copy)?;
    let before = bench.outside()?;
    let ended = bench.run(&executor, None, CancellationToken::new()).await;
    if ended != Ok(StepOutcome::Succeeded) {
        return breach(5, format!("a step that copies its input ended with {ended:?}"));
    }
    let result = fs::read(bench.result());
    if result.as_deref().ok() != Some(b"content of the input\n") {
        return breach(5, format!("the copy holds {result:?}"));
    }
    if bench.outside()? != before {
        return breach(5, "something outside of the output and scratch folders changed");
    }
    Ok(())
}

/// Teardown may come twice, and after failures.
pub async fn clause_6_teardown(subject: &dyn ExecutorUnderTest) -> Result<(), Breach> {
    let executor = subject.executor();
    let bench = Bench::new(subject, Deed::Fail)?;
    let _ = bench.run(&executor, None, CancellationToken::new()).await;
    for time in ["the first", "the second"] {
        if let Err(error) = executor.teardown().await {
            return breach(6, format!("{time} teardown failed: {error}"));
        }
    }
    Ok(())
}

async fn gone(subject: &dyn ExecutorUnderTest, clause: u8, when: &str) -> Result<(), Breach> {
    let deadline = Instant::now() + Duration::from_secs(5);
    while subject.left_running() > 0 {
        if Instant::now() > deadline {
            return breach(clause, format!("{} left running {when}", subject.left_running()));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn planned(subject: &dyn ExecutorUnderTest, deed: Deed) -> PlannedStep {
    let (action, _) = subject.action(deed);
    PlannedStep {
        id: StepId { name: "deed".to_owned(), cell: Vec::new() },
        stage: 0,
        action,
        with: runner_workflow::plan::ConfigTemplate::Map(IndexMap::new()),
        inputs: IndexMap::new(),
        outputs: IndexMap::new(),
        env: IndexMap::new(),
        after: Vec::new(),
        condition: None,
        retry: runner_workflow::plan::Retry::default(),
        timeout: None,
        limits: runner_workflow::plan::Limits::default(),
        allow: runner_workflow::plan::Allow::default(),
        resources: runner_workflow::plan::Resources::default(),
        seed: 0,
        matrix: IndexMap::new(),
        params_used: Vec::new(),
        span: 0..0,
        line_number: 1,
    }
}

/// A script for executors that run one.
#[must_use]
pub fn script(text: &str) -> Script {
    Script { text: text.to_owned(), variables: Vec::new(), shell: None }
}

/// Folders for one attempt, and what it reported.
struct Bench {
    folder: tempfile::TempDir,
    request: StepRequest,
    step: PlannedStep,
    sink: Arc<Collected>,
}

impl Bench {
    fn new(subject: &dyn ExecutorUnderTest, deed: Deed) -> Result<Self, Breach> {
        let folder = tempfile::tempdir().map_err(io)?;
        let at = |name: &str| folder.path().join(name);
        for name in ["workspace", "in", "attempt", "attempt/out"] {
            fs::create_dir(at(name)).map_err(io)?;
        }
        fs::write(at("in/data.txt"), "content of the input\n").map_err(io)?;
        let (action, config) = subject.action(deed);
        let binding = |path: PathBuf| Binding { kind: Kind::Any, path, is_dir: false };
        let request = StepRequest {
            step: "deed".to_owned(),
            stage: "contract".to_owned(),
            attempt: 1,
            action,
            script_variables: Vec::new(),
            config,
            inputs: [("data".to_owned(), binding(at("in/data.txt")))].into_iter().collect(),
            outputs: [("result".to_owned(), binding(at("attempt/out/result.txt")))].into_iter().collect(),
            out_dir: at("attempt/out"),
            scratch_dir: at("attempt/tmp"),
            workspace: at("workspace"),
            env: IndexMap::new(),
            timeout: None,
            limits: runner_workflow::plan::Limits::default(),
            allow: runner_workflow::plan::Allow::default(),
            resources: runner_workflow::plan::Resources::default(),
            services: Vec::new(),
            seed: 7,
        };
        Ok(Self { folder, request, step: planned(subject, deed), sink: Arc::default() })
    }

    fn result(&self) -> PathBuf {
        self.request.out_dir.join("result.txt")
    }

    /// Prepares and executes.
    async fn run(
        &self,
        executor: &Arc<dyn Executor>,
        limit: Option<Duration>,
        cancel: CancellationToken,
    ) -> Result<StepOutcome, String> {
        executor.prepare(&self.step).await.map_err(|error| error.to_string())?;
        self.execute(executor, limit, cancel).await
    }

    async fn execute(
        &self,
        executor: &Arc<dyn Executor>,
        limit: Option<Duration>,
        cancel: CancellationToken,
    ) -> Result<StepOutcome, String> {
        let request = StepRequest { timeout: limit, ..self.request.clone() };
        let sink: Arc<dyn StepSink> = Arc::<Collected>::clone(&self.sink);
        executor.execute(request, sink, cancel).await.map_err(|error| error.to_string())
    }

    /// Everything outside of the attempt's own folder, with its content.
    fn outside(&self) -> Result<BTreeSet<(PathBuf, Vec<u8>)>, Breach> {
        let mut found = BTreeSet::new();
        for name in ["workspace", "in"] {
            collect(&self.folder.path().join(name), &mut found).map_err(io)?;
        }
        Ok(found)
    }
}

fn collect(folder: &Path, found: &mut BTreeSet<(PathBuf, Vec<u8>)>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else {
            let content = fs::read(&path)?;
            found.insert((path, content));
        }
    }
    Ok(())
}

/// What an attempt reported.
#[derive(Debug, Clone, Default)]
struct Seen {
    lines: Vec<String>,
    metrics: Vec<Metric>,
}

/// A sink that keeps everything.
#[derive(Debug, Default)]
struct Collected(Mutex<Seen>);

impl Collected {
    fn seen(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl StepSink for Collected {
    fn output(&self, _: OutputStream, line: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.push(line.to_owned());
    }

    fn progress(&self, _: f64, _: &str) {}

    fn metric(&self, metric: Metric) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).metrics.push(metric);
    }

    fn finding(&self, _: Finding) {}
}
