//! Runs `run:` on the host, without a sandbox.
//!
//! The shell gets the step's script, starts in the workspace and leads a process group of its own, so that whatever it
//! starts can be stopped with it. A process that leaves the group is found by the mark in its environment (on Linux); one
//! that clears that too is out of reach: a host step can do whatever its user can.
//!
//! What a script sees, beside its declared environment:
//!
//! | variable | meaning |
//! |---|---|
//! | `RUNNER_IN_<NAME>` | path of the input `name`: upper case, `-` and `.` as `_` |
//! | `RUNNER_OUT_<NAME>` | where to write the output `name` |
//! | `RUNNER_METRICS` | file for metrics, one JSON object a line: `{"name": "auc", "value": 0.93, "slice": {"region": "EU"}}` |
//! | `RUNNER_FINDINGS` | file for findings, one JSON object a line: `{"severity": "warning", "rule": "…", "message": "…"}` |
//! | `RUNNER_SEED` | the step's seed |
//! | `RUNNER_CONFIG` | `with:` as JSON |
//! | `RUNNER_STEP`, `RUNNER_STAGE`, `RUNNER_ATTEMPT` | for messages |
//! | `RUNNER_ATTEMPT_ID` | marks everything that the attempt starts |
//! | `RUNNER_EXPR_<N>` | values of the `${{ }}` in the script |
//! | `TMPDIR` | a folder that is removed with the attempt |
//!
//! Of the environment of the runner itself, only [`INHERITED`] are passed on.

mod group;
mod orphans;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use runner_workflow::plan::{Action, PlannedStep, Script};
use tokio::{
    process::{Child, Command},
    time::{Instant, interval, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    executor::{ErrorClass, Executor, ExecutorError, OutputStream, StepRequest, StepSink},
    lines,
    outcome::StepOutcome,
    reports::{self, Reports},
    variables::variable,
};

use group::Group;

/// Variables that a step inherits where they are set: where to find programs and the user's own things, language and
/// time zone, proxies and certificates. Nothing else, so that a step does not depend on the machine it happens to run
/// on, and no secret reaches it by accident.
pub const INHERITED: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TERM",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CUDA_VISIBLE_DEVICES",
];

/// After the group is gone, its pipes close at once; something that left the group may hold them open.
const DRAIN: Duration = Duration::from_secs(1);

/// What the executor is given, since it reads no environment itself.
#[derive(Debug, Clone)]
pub struct ProcessOptions {
    /// The environment of the runner; only [`INHERITED`] are used.
    pub env: BTreeMap<String, String>,
    /// Variables that are never inherited: those that secrets come from.
    pub withheld: BTreeSet<String>,
    /// Time between asking a step to end and killing it.
    pub grace: Duration,
}

impl Default for ProcessOptions {
    fn default() -> Self {
        Self { env: BTreeMap::new(), withheld: BTreeSet::new(), grace: Duration::from_secs(5) }
    }
}

/// The executor of `run:`.
#[derive(Debug)]
pub struct ProcessExecutor {
    env: BTreeMap<String, String>,
    grace: Duration,
    bash: Option<PathBuf>,
    sh: Option<PathBuf>,
}

impl ProcessExecutor {
    /// An executor with this environment.
    #[must_use]
    pub fn new(options: ProcessOptions) -> Self {
        let ProcessOptions { env, withheld, grace } = options;
        let path = env.get("PATH").cloned().unwrap_or_default();
        let inherited = |name: &str| INHERITED.contains(&name) && !withheld.contains(name);
        Self {
            bash: find_program("bash", &path),
            sh: find_program("sh", &path)
                .or_else(|| Some(PathBuf::from("/bin/sh")).filter(|path| path.is_file())),
            env: env.into_iter().filter(|(name, _)| inherited(name)).collect(),
            grace,
        }
    }

    /// The program and arguments that run a script.
    fn command_line(&self, script: &Script) -> Result<Vec<std::ffi::OsString>, ExecutorError> {
        if let Some(shell) = &script.shell {
            let mut line: Vec<std::ffi::OsString> = shell.iter().map(Into::into).collect();
            let [program, ..] = shell.as_slice() else {
                return Err(usage(
                    "process::shell",
                    "`shell:` is empty".to_owned(),
                    "name a shell, such as `bash -c`",
                ));
            };
            let path = self.env.get("PATH").map_or("", String::as_str);
            let Some(found) = find_program(program, path) else {
                return Err(no_shell(program));
            };
            line[0] = found.into();
            line.push((&script.text).into());
            return Ok(line);
        }
        let (shell, flags): (&Path, &[&str]) = match (&self.bash, &self.sh) {
            (Some(bash), _) => (bash, &["-euo", "pipefail", "-c"]),
            (None, Some(sh)) => (sh, &["-eu", "-c"]),
            (None, None) => return Err(no_shell("bash")),
        };
        let mut line = vec![shell.as_os_str().to_owned()];
        line.extend(flags.iter().map(Into::into));
        line.push((&script.text).into());
        Ok(line)
    }

    fn command(&self, request: &StepRequest, script: &Script) -> Result<Command, ExecutorError> {
        let line = self.command_line(script)?;
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).current_dir(&request.workspace).env_clear().envs(&self.env);
        for (name, binding) in &request.inputs {
            command.env(variable("RUNNER_IN_", name), &binding.path);
        }
        for (name, binding) in &request.outputs {
            command.env(variable("RUNNER_OUT_", name), &binding.path);
        }
        let scratch = &request.scratch_dir;
        command
            .env("RUNNER_METRICS", reports::metrics_path(scratch))
            .env("RUNNER_FINDINGS", reports::findings_path(scratch))
            .env("RUNNER_SEED", request.seed.to_string())
            .env("RUNNER_CONFIG", request.config.to_string())
            .env("RUNNER_STEP", &request.step)
            .env("RUNNER_STAGE", &request.stage)
            .env("RUNNER_ATTEMPT", request.attempt.to_string())
            .env("TMPDIR", scratch.join("tmp"))
            .envs(request.script_variables.iter().map(|(name, value)| (name, value)))
            .envs(&request.env);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }
}

#[async_trait]
impl Executor for ProcessExecutor {
    fn name(&self) -> &'static str {
        "process"
    }

    fn accepts(&self, action: &Action) -> bool {
        matches!(action, Action::Process { .. })
    }

    async fn prepare(&self, step: &PlannedStep) -> Result<(), ExecutorError> {
        let Action::Process { run } = &step.action else { return Ok(()) };
        self.command_line(run)?;
        crate::variables::check_names(step)
    }

    async fn execute(
        &self,
        request: StepRequest,
        sink: Arc<dyn StepSink>,
        cancel: CancellationToken,
    ) -> Result<StepOutcome, ExecutorError> {
        let Action::Process { run } = &request.action else {
            return Err(usage(
                "process::action",
                "this is no `run:`".to_owned(),
                "this is a defect of the runner",
            ));
        };
        if cancel.is_cancelled() {
            return Ok(StepOutcome::Cancelled);
        }
        let temporary = request.scratch_dir.join("tmp");
        let created = fs::create_dir_all(&temporary).and_then(|()| Reports::create(&request.scratch_dir));
        let mut reports = created.map_err(|error| {
            environment("process::scratch", format!("cannot use {}: {error}", temporary.display()))
        })?;
        let started = Instant::now();
        let mark = orphans::new_mark();
        let mut child = self.command(&request, run)?.env(orphans::MARK, &mark).spawn().map_err(|error| {
            let message = format!("cannot start the shell in {}: {error}", request.workspace.display());
            environment("process::spawn", message)
        })?;
        let group = Group::of(&child, mark);
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let reading = futures::future::join(
            lines::forward(stdout, OutputStream::Stdout, Arc::clone(&sink)),
            lines::forward(stderr, OutputStream::Stderr, Arc::clone(&sink)),
        );
        tokio::pin!(reading);
        let mut read_all = false;
        let mut look = interval(reports::LOOK_EVERY);
        let ended = {
            let waiting = wait(&mut child, &group, started, request.timeout, self.grace, &cancel);
            tokio::pin!(waiting);
            loop {
                tokio::select! {
                    _ = &mut reading, if !read_all => read_all = true,
                    ended = &mut waiting => break ended,
                    _ = look.tick() => reports.look(&*sink),
                }
            }
        };
        // Whatever the leader left behind.
        group.kill();
        if !read_all && timeout(DRAIN, &mut reading).await.is_err() {
            sink.output(
                OutputStream::Log,
                "[something that left the process group still holds the output open; what it writes is not kept]",
            );
        }
        let ended = ended
            .map_err(|error| environment("process::wait", format!("cannot wait for the step: {error}")))?;
        let reported = reports.finish(&*sink);
        Ok(match (ended, reported) {
            (Ended::Stopped(outcome), _) => outcome,
            (Ended::ByItself(status), Ok(())) if status.success() => StepOutcome::Succeeded,
            (Ended::ByItself(status), Err(problem)) if status.success() => {
                StepOutcome::Failed { code: None, message: problem }
            }
            (Ended::ByItself(status), _) => failed(status),
        })
    }

    async fn teardown(&self) -> Result<(), ExecutorError> {
        Ok(())
    }
}

/// How the leader came to its end.
enum Ended {
    ByItself(ExitStatus),
    Stopped(StepOutcome),
}

/// Waits for the leader; stops the group at the deadline or when cancelled.
async fn wait(
    child: &mut Child,
    group: &Group,
    started: Instant,
    limit: Option<Duration>,
    grace: Duration,
    cancel: &CancellationToken,
) -> std::io::Result<Ended> {
    let deadline = async {
        match limit.and_then(|limit| started.checked_add(limit)) {
            Some(deadline) => sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        biased;
        status = child.wait() => return Ok(Ended::ByItself(status?)),
        () = cancel.cancelled() => StepOutcome::Cancelled,
        () = deadline => {
            let limit = limit.unwrap_or_default().as_millis();
            StepOutcome::TimedOut { limit_ms: u64::try_from(limit).unwrap_or(u64::MAX) }
        }
    };
    group.terminate();
    tokio::select! {
        biased;
        status = child.wait() => { status?; }
        () = sleep(grace) => {
            group.kill();
            child.wait().await?;
        }
    }
    Ok(Ended::Stopped(outcome))
}

/// A leader that ended badly by itself. Shells report a signal of a child as 128 + its number; so does this.
fn failed(status: ExitStatus) -> StepOutcome {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => StepOutcome::Failed { code: Some(code), message: String::new() },
        (None, Some(signal)) => {
            StepOutcome::Failed { code: Some(128 + signal), message: format!("killed by signal {signal}") }
        }
        (None, None) => StepOutcome::Failed { code: None, message: status.to_string() },
    }
}

/// The program in the first folder of `path` that has it. A name with `/` is a path.
fn find_program(name: &str, path: &str) -> Option<PathBuf> {
    let is_program = |file: &Path| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(file)
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|file| is_program(file));
    }
    std::env::split_paths(OsStr::new(path)).map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn no_shell(name: &str) -> ExecutorError {
    ExecutorError {
        class: ErrorClass::Environment,
        code: "process::no-shell",
        message: format!("there is no `{name}` to run the step with"),
        help: Some("install it, or put its folder into PATH".to_owned()),
    }
}

fn environment(code: &'static str, message: String) -> ExecutorError {
    ExecutorError { class: ErrorClass::Environment, code, message, help: None }
}

fn usage(code: &'static str, message: String, help: &str) -> ExecutorError {
    ExecutorError { class: ErrorClass::Usage, code, message, help: Some(help.to_owned()) }
}
