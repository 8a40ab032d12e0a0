//! One attempt: a container from its creation to its end.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use bollard::{
    container::{AttachContainerResults, LogOutput},
    errors::Error,
    models::ContainerState,
    query_parameters::{
        AttachContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
        StartContainerOptions, WaitContainerOptions,
    },
};
use futures::{Stream, StreamExt};
use runner_workflow::plan::{Action, Container};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Inner,
    connect::Connection,
    failure,
    guard::Guard,
    ownership, services,
    spec::{self, Surroundings},
};
use crate::{
    event::ImageRecord,
    executor::{ExecutorError, OutputStream, StepRequest, StepSink},
    lines::Lines,
    outcome::StepOutcome,
    reports::{self, Reports},
};

/// After the container has ended, its output comes to its end; this long a silence means that something is wrong.
const SILENCE: Duration = Duration::from_secs(10);
/// After KILL, the engine reports the end within this time, or is not to be trusted any more.
const KILLED: Duration = Duration::from_secs(20);
/// The engine may learn of a lack of memory a little later than of the end.
const LATE_NEWS: Duration = Duration::from_millis(100);

/// What may end an attempt before its step does.
struct Limits {
    started: Instant,
    timeout: Option<Duration>,
    cancel: CancellationToken,
    grace: Duration,
}

impl Limits {
    /// Ends with the outcome, once the attempt has to stop.
    async fn reached(&self) -> StepOutcome {
        let deadline = async {
            match self.timeout.and_then(|limit| self.started.checked_add(limit)) {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => StepOutcome::Cancelled,
            () = deadline => {
                let limit = self.timeout.unwrap_or_default().as_millis();
                StepOutcome::TimedOut { limit_ms: u64::try_from(limit).unwrap_or(u64::MAX) }
            }
        }
    }
}

/// Runs the attempt to its end.
pub(super) async fn run(
    inner: &Arc<Inner>,
    request: StepRequest,
    sink: Arc<dyn StepSink>,
    cancel: CancellationToken,
) -> Result<StepOutcome, ExecutorError> {
    let limits =
        Limits { started: Instant::now(), timeout: request.timeout, cancel, grace: inner.options.grace };
    if limits.cancel.is_cancelled() {
        return Ok(StepOutcome::Cancelled);
    }
    let Action::Container { container, run } = &request.action else {
        let help = "this is a defect of the runner";
        return Err(failure::usage("container::action", "this is no `container:`", help));
    };
    let getting_ready = async {
        let connection = inner.connection().await?;
        let image = inner.image(&container.image, &connection).await?;
        let network = services::ready(inner, &connection, &request).await?;
        Ok::<_, ExecutorError>((connection, image, network))
    };
    let (connection, image, network) = tokio::select! {
        biased;
        outcome = limits.reached() => return Ok(outcome),
        ready = getting_ready => ready?,
    };
    sink.image(&image);
    let reports = lay_out(&request, container, &connection, inner)?;
    let gpus = inner.gpus.take(request.resources.gpu.unwrap_or(0));
    let around = Surroundings {
        facts: &connection.facts,
        caller: inner.caller,
        image: &image.id,
        store: inner.options.store.as_deref(),
        network: network.as_deref(),
        gpus: gpus.numbers(),
        labels: inner.labels(&request.step),
    };
    let body = spec::body(&request, container, run.as_ref(), &around);
    let guard = Guard::new(inner, &connection);
    let attempt = Attempt { connection: &connection, request: &request, sink: &*sink, limits: &limits };
    let name = guard.name().to_owned();
    let ended = tokio::select! {
        biased;
        outcome = limits.reached() => Ok(outcome),
        created = guard.create(body) => match created {
            Ok(()) => match &network {
                Some(network) if !request.allow.net.is_empty() => {
                    match services::join(&connection, network, &name).await {
                        Ok(()) => attempt.carry_out(&name, reports, &image).await,
                        Err(error) => Err(error),
                    }
                }
                _ => attempt.carry_out(&name, reports, &image).await,
            },
            Err(error) => Err(failure::engine("creating the container", &error)),
        },
    };
    let foreign = spec::is_foreign(container.user.as_deref(), &connection.facts, inner.caller);
    // Nothing of it runs when this returns; that it is removed may come later.
    match &ended {
        Ok(StepOutcome::Succeeded | StepOutcome::Failed { .. } | StepOutcome::OutOfMemory { .. }) => {
            guard.remove_later();
        }
        _ => guard.remove().await,
    }
    if foreign {
        ownership::restore(inner, &connection, &image.id, &request.out_dir).await?;
    }
    ended
}

/// Makes what the container writes to.
fn lay_out(
    request: &StepRequest,
    container: &Container,
    connection: &Connection,
    inner: &Inner,
) -> Result<Reports, ExecutorError> {
    let scratch = &request.scratch_dir;
    let all = || -> std::io::Result<Reports> {
        fs::create_dir_all(scratch)?;
        let reports = Reports::create(scratch)?;
        fs::File::create(spec::starved_path(scratch))?;
        if spec::is_foreign(container.user.as_deref(), &connection.facts, inner.caller) {
            // Another user than the owner writes there. The folders above are the runner's alone.
            let open =
                |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
            open(&reports::metrics_path(scratch), 0o666)?;
            open(&reports::findings_path(scratch), 0o666)?;
            open(&spec::starved_path(scratch), 0o666)?;
            open(&request.out_dir, 0o777)?;
            for binding in request.outputs.values() {
                let folders = binding.path.ancestors().skip(1);
                for folder in folders.take_while(|folder| *folder != request.out_dir) {
                    open(folder, 0o777)?;
                }
            }
        }
        Ok(reports)
    };
    all().map_err(|error| {
        failure::environment("container::scratch", format!("cannot use {}: {error}", scratch.display()), "")
    })
}

/// A container that exists.
struct Attempt<'a> {
    connection: &'a Connection,
    request: &'a StepRequest,
    sink: &'a dyn StepSink,
    limits: &'a Limits,
}

impl Attempt<'_> {
    /// Starts the container and follows it to its end.
    async fn carry_out(
        &self,
        name: &str,
        mut reports: Reports,
        image: &ImageRecord,
    ) -> Result<StepOutcome, ExecutorError> {
        let docker = &self.connection.docker;
        let options = AttachContainerOptionsBuilder::new().stdout(true).stderr(true).stream(true).build();
        // Before the start, so that nothing is missed.
        let attached = self.connection.patient.attach_container(name, Some(options)).await;
        let AttachContainerResults { output, input: _input } =
            attached.map_err(|error| not_started("attaching to the container", &error, image))?;
        let mut output = Output::new(output, self.sink);
        docker
            .start_container(name, None::<StartContainerOptions>)
            .await
            .map_err(|error| not_started("starting the container", &error, image))?;
        let waiting = wait(self.connection, name);
        let reached = self.limits.reached();
        let mut look = interval(reports::LOOK_EVERY);
        tokio::pin!(waiting, reached);
        let stopped = loop {
            tokio::select! {
                biased;
                outcome = &mut reached => break Some(outcome),
                ended = &mut waiting => {
                    ended.map_err(|error| failure::engine("the step was running", &error))?;
                    break None;
                }
                _ = look.tick() => reports.look(self.sink),
                more = output.next(), if !output.ended => more?,
            }
        };
        if let Some(outcome) = stopped {
            self.stop(name, &mut output, &mut waiting).await?;
            let _ = reports.finish(self.sink);
            return Ok(outcome);
        }
        // Asked anew: an engine that goes down ends what runs, and does not answer any more.
        let state = self.state(name).await?;
        output.drain(self.sink).await?;
        let reported = reports.finish(self.sink);
        let outcome = self.judge(name, state).await?;
        Ok(match (outcome, reported) {
            (StepOutcome::Succeeded, Err(message)) => StepOutcome::Failed { code: None, message },
            (outcome, _) => outcome,
        })
    }

    /// TERM, grace, KILL, while what it writes is read.
    async fn stop(
        &self,
        name: &str,
        output: &mut Output<'_>,
        waiting: &mut (impl Future<Output = Result<(), Error>> + Unpin),
    ) -> Result<(), ExecutorError> {
        for (signal, patience) in [("SIGTERM", self.limits.grace), ("SIGKILL", KILLED)] {
            let options = KillContainerOptionsBuilder::new().signal(signal).build();
            if let Err(error) = self.connection.docker.kill_container(name, Some(options)).await
                && failure::is_gone(&error)
            {
                return Err(failure::engine("stopping the step", &error));
            }
            let over = sleep(patience);
            tokio::pin!(over);
            loop {
                tokio::select! {
                    biased;
                    ended = &mut *waiting => {
                        ended.map_err(|error| failure::engine("stopping the step", &error))?;
                        // What was on its way is worth a moment, and not more.
                        let _ = timeout(Duration::from_secs(1), output.drain(self.sink)).await;
                        return Ok(());
                    }
                    () = &mut over => break,
                    more = output.next(), if !output.ended => more?,
                }
            }
        }
        Err(failure::environment(
            "container::unstoppable",
            format!("the engine did not end the container {name} although it was killed"),
            "look at the engine's own log; the machine may be stuck in I/O",
        ))
    }

    async fn state(&self, name: &str) -> Result<ContainerState, ExecutorError> {
        let found = self.connection.docker.inspect_container(name, None::<InspectContainerOptions>).await;
        let found = found.map_err(|error| failure::engine("the step ended", &error))?;
        found.state.ok_or_else(|| {
            failure::environment("container::engine", "the engine does not say how the step ended", "")
        })
    }

    async fn judge(&self, name: &str, state: ContainerState) -> Result<StepOutcome, ExecutorError> {
        let Some(code) = state.exit_code.filter(|_| state.running != Some(true)) else {
            let message = "the engine does not say how the step ended";
            return Err(failure::environment("container::engine", message, ""));
        };
        let noted =
            fs::metadata(spec::starved_path(&self.request.scratch_dir)).is_ok_and(|file| file.len() > 0);
        let mut starved = state.oom_killed == Some(true) || noted;
        if code == 137 && !starved {
            sleep(LATE_NEWS).await;
            starved = self.state(name).await?.oom_killed == Some(true);
        }
        let code = i32::try_from(code).unwrap_or(i32::MAX);
        if code == 0 {
            if starved {
                let line = "[a process of this step was killed because it needed more memory than its limit]";
                self.sink.output(OutputStream::Log, line);
            }
            return Ok(StepOutcome::Succeeded);
        }
        if starved {
            let StepRequest { limits, resources, .. } = self.request;
            let limit = spec::memory_limit(limits, resources, &self.connection.facts).unwrap_or(0);
            return Ok(StepOutcome::OutOfMemory { limit });
        }
        let signal = code.checked_sub(128).filter(|signal| (1..=64).contains(signal));
        let message = signal.map(|signal| format!("killed by signal {signal}")).unwrap_or_default();
        Ok(StepOutcome::Failed { code: Some(code), message })
    }
}

/// Ends with the container.
async fn wait(connection: &Connection, name: &str) -> Result<(), Error> {
    let options = WaitContainerOptions { condition: "not-running".to_owned() };
    let mut waiting = Box::pin(connection.patient.wait_container(name, Some(options)));
    match waiting.next().await {
        Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => Ok(()),
        Some(Err(error)) => Err(error),
        None => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
    }
}

fn not_started(doing: &str, error: &Error, image: &ImageRecord) -> ExecutorError {
    let text = failure::chain(error);
    if text.contains("executable file not found") || text.contains("no such file or directory") {
        return failure::environment(
            "container::command",
            format!("the image `{}` cannot start the step: {text}", image.image),
            "name a program that the image has, in `entrypoint` or `shell`",
        );
    }
    failure::engine(doing, error)
}

/// What the container writes.
struct Output<'a> {
    stream: std::pin::Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    sink: &'a dyn StepSink,
    stdout: Lines,
    stderr: Lines,
    ended: bool,
}

impl<'a> Output<'a> {
    fn new(
        stream: std::pin::Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
        sink: &'a dyn StepSink,
    ) -> Self {
        Self { stream, sink, stdout: Lines::default(), stderr: Lines::default(), ended: false }
    }

    /// Passes on the next piece. While the sink is busy nothing is read, so that the step waits.
    async fn next(&mut self) -> Result<(), ExecutorError> {
        let (lines, stream, message) = match self.stream.next().await {
            Some(Ok(LogOutput::StdErr { message })) => (&mut self.stderr, OutputStream::Stderr, message),
            Some(Ok(piece)) => (&mut self.stdout, OutputStream::Stdout, piece.into_bytes()),
            Some(Err(error)) => return Err(failure::engine("reading what the step writes", &error)),
            None => {
                self.finish();
                return Ok(());
            }
        };
        let sink = self.sink;
        lines.push(&message, &mut |line| sink.output(stream, line));
        Ok(())
    }

    fn finish(&mut self) {
        self.ended = true;
        let sink = self.sink;
        std::mem::take(&mut self.stdout).finish(&mut |line| sink.output(OutputStream::Stdout, line));
        std::mem::take(&mut self.stderr).finish(&mut |line| sink.output(OutputStream::Stderr, line));
    }

    /// Passes on everything that is left.
    async fn drain(&mut self, sink: &dyn StepSink) -> Result<(), ExecutorError> {
        while !self.ended {
            if let Ok(more) = timeout(SILENCE, self.next()).await {
                more?;
            } else {
                self.finish();
                sink.output(
                    OutputStream::Log,
                    "[the engine does not end the output of the container; what is missing is not kept]",
                );
            }
        }
        Ok(())
    }
}
