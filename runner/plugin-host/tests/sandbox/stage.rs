//! A workspace with guests, a host, and a sink that keeps what is reported.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use indexmap::IndexMap;
use runner_engine::{
    executor::{Binding, Executor, ExecutorError, Finding, Metric, OutputStream, StepRequest, StepSink},
    outcome::StepOutcome,
};
use runner_plugin_host::{HostOptions, PluginHost};
use runner_workflow::plan::{
    Action, Allow, ConfigTemplate, Kind, Limits, PlannedStep, Resources, Retry, StepId,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) fn guest_bytes(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/guests/dist/{name}.wasm"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compiled code is shared by all tests, also of other processes: that is a test in itself.
fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-guests")
}

pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) host: Arc<PluginHost>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_cache(&shared_cache())
    }

    pub(crate) fn with_cache(cache: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("workspace")).unwrap();
        let environment = BTreeMap::from([
            ("GRANTED".to_owned(), "yes".to_owned()),
            ("SECRET".to_owned(), "hunter2".to_owned()),
        ]);
        let host = PluginHost::new(HostOptions {
            cache_dir: cache.to_owned(),
            workspace: folder.path().join("workspace"),
            builtins: &[],
            environment,
        });
        Self { folder, host: Arc::new(host.unwrap()) }
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// Puts a guest into the workspace and returns its `uses:`.
    pub(crate) fn guest(&self, name: &str) -> String {
        self.file(&format!("{name}.wasm"), &guest_bytes(name))
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        // The same plugin may be used by several attempts.
        let path = self.workspace().join(name);
        if !path.exists() {
            fs::write(path, bytes).unwrap();
        }
        format!("./{name}")
    }

    /// An attempt with an input `data` and an output `data`, in folders of its own.
    pub(crate) fn request(&self, uses: &str, attempt: u32) -> StepRequest {
        let folder = self.folder.path().join(format!("{}-{attempt}", uses.trim_matches(['.', '/'])));
        let (private, out_dir) = (folder.join("in"), folder.join("out"));
        fs::create_dir_all(&private).unwrap();
        fs::create_dir_all(&out_dir).unwrap();
        let file = private.join("data.csv");
        fs::write(&file, "id,x\n1,2\n").unwrap();
        let binding = |path| Binding { kind: Kind::Any, path, is_dir: false };
        StepRequest {
            step: "hostile".into(),
            stage: "test".into(),
            attempt,
            action: Action::Plugin { uses: uses.into() },
            script_variables: Vec::new(),
            config: serde_json::json!({}),
            inputs: IndexMap::from([("data".to_owned(), binding(file))]),
            outputs: IndexMap::from([("data".to_owned(), binding(out_dir.join("data.csv")))]),
            out_dir,
            scratch_dir: folder.join("scratch"),
            workspace: self.workspace(),
            env: IndexMap::new(),
            timeout: None,
            limits: Limits::default(),
            allow: Allow::default(),
            resources: Resources::default(),
            services: Vec::new(),
            seed: 7,
        }
    }

    pub(crate) async fn execute(
        &self,
        request: StepRequest,
    ) -> (Result<StepOutcome, ExecutorError>, Arc<Reported>) {
        let sink = Arc::new(Reported::default());
        let outcome = self.host.execute(request, sink.clone(), CancellationToken::new()).await;
        (outcome, sink)
    }

    /// Compiles a guest, so that it starts at once. How its first attempt ends does not matter.
    pub(crate) async fn compile(&self, guest: &str) {
        let mut request = self.request(&self.guest(guest), 0);
        request.limits.time = Some(Duration::from_millis(1));
        let (outcome, _) = self.execute(request).await;
        outcome.unwrap();
    }

    /// Runs a guest while `echo` runs again and again, and checks that `echo` is unaffected.
    pub(crate) async fn run(
        &self,
        guest: &str,
        change: impl FnOnce(&mut StepRequest),
    ) -> (StepOutcome, Arc<Reported>) {
        let mut request = self.request(&self.guest(guest), 1);
        change(&mut request);
        // Not part of anybody's time: compiling.
        self.compile(guest).await;
        self.host.prepare(&step(&self.guest("echo"), Allow::default())).await.unwrap();
        let (neighbour, _) = self.execute(self.request(&self.guest("echo"), 1)).await;
        assert_eq!(neighbour.unwrap(), StepOutcome::Succeeded);

        let beside = async {
            for attempt in 2..12 {
                let request = self.request(&self.guest("echo"), attempt);
                let (input, output) =
                    (request.inputs["data"].path.clone(), request.outputs["data"].path.clone());
                let (outcome, _) =
                    tokio::time::timeout(Duration::from_secs(5), self.execute(request)).await.unwrap();
                assert_eq!(outcome.unwrap(), StepOutcome::Succeeded);
                assert_eq!(fs::read(input).unwrap(), fs::read(output).unwrap());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let ((outcome, reported), ()) = tokio::join!(self.execute(request), beside);
        let outcome = outcome.unwrap_or_else(|error| panic!("{guest}: {error:?}"));
        (outcome, reported)
    }
}

/// A step as the engine would hand it to `prepare`.
pub(crate) fn step(uses: &str, allow: Allow) -> PlannedStep {
    PlannedStep {
        id: StepId { name: "hostile".into(), cell: Vec::new() },
        stage: 0,
        action: Action::Plugin { uses: uses.into() },
        with: ConfigTemplate::Map(IndexMap::new()),
        inputs: IndexMap::new(),
        outputs: IndexMap::new(),
        env: IndexMap::new(),
        after: Vec::new(),
        condition: None,
        retry: Retry::default(),
        timeout: None,
        limits: Limits::default(),
        allow,
        resources: Resources::default(),
        seed: 7,
        matrix: IndexMap::new(),
        params_used: Vec::new(),
        span: 0..0,
        line_number: 1,
    }
}

/// What an attempt reported.
#[derive(Default)]
pub(crate) struct Reported {
    pub(crate) lines: Mutex<Vec<String>>,
    pub(crate) progress: Mutex<Vec<f64>>,
    pub(crate) metrics: Mutex<Vec<Metric>>,
    pub(crate) findings: Mutex<Vec<Finding>>,
}

impl Reported {
    pub(crate) fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

impl StepSink for Reported {
    fn output(&self, _: OutputStream, line: &str) {
        assert!(!line.contains('\n'), "one line at a time: {line:?}");
        self.lines.lock().unwrap().push(line.to_owned());
    }

    fn progress(&self, fraction: f64, _: &str) {
        self.progress.lock().unwrap().push(fraction);
    }

    fn metric(&self, metric: Metric) {
        self.metrics.lock().unwrap().push(metric);
    }

    fn finding(&self, finding: Finding) {
        self.findings.lock().unwrap().push(finding);
    }
}
