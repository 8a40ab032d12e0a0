//! One attempt of one step, from an empty sandbox to its outcome.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_engine::{
    executor::{ExecutorError, Metric, OutputStream, StepRequest, StepSink},
    outcome::StepOutcome,
};
use tokio_util::sync::CancellationToken;

use crate::{
    bindings::{Deployment, types},
    call::Call,
    component::Plugin,
    furnish::{self, Streams},
    limits::{Caps, MESSAGE},
    log::shorten,
    machine::Machine,
    outcome::{Answer, classify},
    outputs::{self, OutputWatch},
    reports::Reports,
    state::CallState,
    stdio::Captured,
};

/// Everything one attempt needs.
pub(crate) struct Attempt {
    pub(crate) machine: Arc<Machine>,
    pub(crate) plugin: Arc<Plugin>,
    /// The plugin's name, for messages.
    pub(crate) name: String,
    pub(crate) caps: Caps,
    pub(crate) request: StepRequest,
    pub(crate) sink: Arc<dyn StepSink>,
    pub(crate) cancel: CancellationToken,
}

impl Attempt {
    /// Runs it. `variables` is what `allow.env` can grant.
    pub(crate) async fn run(
        self,
        variables: &BTreeMap<String, String>,
    ) -> Result<StepOutcome, ExecutorError> {
        let Self { machine, plugin, name, caps, request, sink, cancel } = self;
        let reports = Reports::new(sink.clone(), &caps);
        let streams = Streams {
            stdout: Captured::new(reports.log.clone(), OutputStream::Stdout),
            stderr: Captured::new(reports.log.clone(), OutputStream::Stderr),
        };
        let wasi = furnish::context(&request, variables, &streams)?;
        let task = furnish::task(&request)?;
        let watch = OutputWatch::new(&request.out_dir, caps.output);
        let final_watch = OutputWatch::new(&request.out_dir, caps.output);
        let state = CallState::new(wasi, &caps, Some(reports));
        let mut call = Call::new(&machine, state, &caps, cancel, Some(watch));

        let answer = match plugin.run(&mut call, &task).await {
            Ok(Ok(None)) => Answer::Done,
            Ok(Ok(Some(deployment))) => {
                report_deployment(&deployment, sink.as_ref());
                Answer::Done
            }
            Ok(Err(failure)) => Answer::Refused(words(failure)),
            Err(error) => Answer::Broken(error),
        };
        streams.stdout.finish();
        streams.stderr.finish();
        let state = call.store.data();
        if let Some(reports) = &state.reports {
            reports.finish();
        }
        tracing::debug!(step = request.step, memory = state.meter.memory(), "plugin ended");
        let mut outcome = classify(&name, answer, state, &caps);
        if outcome.is_success()
            && let Err(stop) = final_watch.measure()
        {
            outcome = stop.outcome(caps.time);
        }
        // Even a failed step's outputs may be looked at by somebody.
        match outputs::remove_links(&request.out_dir) {
            Ok(links) => match links.first() {
                Some(link) if outcome.is_success() => Ok(link_refused(&name, link)),
                _ => Ok(outcome),
            },
            Err(error) if outcome.is_success() => {
                let message = format!("its outputs cannot be looked through: {error}");
                Ok(StepOutcome::Failed { code: None, message })
            }
            Err(_) => Ok(outcome),
        }
    }
}

/// The plugin's own words.
fn words(failure: types::Failure) -> String {
    match failure {
        types::Failure::InvalidConfig(message)
        | types::Failure::InvalidInput(message)
        | types::Failure::Failed(message) => message,
    }
}

fn report_deployment(deployment: &Deployment, sink: &dyn StepSink) {
    let health = if deployment.healthy { "healthy" } else { "not healthy" };
    let model =
        if deployment.model_digest.is_empty() { "no model" } else { deployment.model_digest.as_str() };
    let line =
        format!("in service: {model}, revision {}, {health}: {}", deployment.revision, deployment.message);
    for line in shorten(&line, MESSAGE).lines() {
        sink.output(OutputStream::Log, line);
    }
    let value = f64::from(u8::from(deployment.healthy));
    sink.metric(Metric { name: "healthy".into(), value, slice: Vec::new() });
}

fn link_refused(plugin: &str, (link, target): &(PathBuf, PathBuf)) -> StepOutcome {
    StepOutcome::Denied {
        capability: "read".into(),
        message: format!(
            "plugin `{plugin}` left a symbolic link in its outputs, which would be followed outside of the sandbox: {} -> \
             {}; nothing grants that, outputs are files and folders",
            shown(link),
            shown(target)
        ),
    }
}

fn shown(path: &Path) -> String {
    shorten(&path.to_string_lossy(), 200).into_owned()
}
