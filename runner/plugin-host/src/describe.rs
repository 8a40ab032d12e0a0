//! Asks a component for its manifest, with no capability and small limits, once per digest.

use runner_engine::{executor::ExecutorError, outcome::StepOutcome};
use tokio_util::sync::CancellationToken;

use crate::{
    cache::CodeCache,
    call::Call,
    component::Plugin,
    error::{WithHelp as _, environment, usage},
    furnish,
    limits::Caps,
    machine::Machine,
    manifest::Manifest,
    outcome::{Answer, classify},
    state::CallState,
};

/// The manifest of a component that was described before.
pub(crate) fn remembered(cache: &CodeCache, digest: &str) -> Option<Manifest> {
    // What was written by another version may have another form: it is described again.
    Manifest::from_json(&cache.text(&file(digest))?).ok()
}

/// Calls `describe` and remembers the answer.
pub(crate) async fn describe(
    machine: &Machine,
    cache: &CodeCache,
    plugin: &Plugin,
    name: &str,
    digest: &str,
) -> Result<Manifest, ExecutorError> {
    let caps = Caps::describe();
    let state = CallState::new(furnish::bare(), &caps, None);
    let mut call = Call::new(machine, state, &caps, CancellationToken::new(), None);
    let manifest = match plugin.describe(&mut call).await {
        Ok(manifest) => manifest,
        Err(error) => {
            let cause = error.root_cause().to_string();
            let outcome = classify(name, Answer::Broken(error), call.store.data(), &caps);
            return Err(failed(name, &outcome, &cause));
        }
    };
    let manifest = Manifest::from_wit(manifest).map_err(|problem| {
        usage(
            "plugin::invalid-manifest",
            format!("{name} describes itself in a way that cannot be used: {problem}"),
        )
    })?;
    if let Ok(json) = serde_json::to_string(&manifest) {
        cache.store_text(&file(digest), &json);
    }
    Ok(manifest)
}

fn file(digest: &str) -> String {
    format!("{digest}.manifest.json")
}

fn failed(name: &str, outcome: &StepOutcome, cause: &str) -> ExecutorError {
    let reason = match outcome {
        StepOutcome::TimedOut { limit_ms } => format!("it did not end within {limit_ms} ms"),
        StepOutcome::OutOfMemory { limit } => format!("it needs more than {limit} bytes of memory"),
        StepOutcome::LimitExceeded { what, limit } => format!("it used more than {limit} {what}"),
        StepOutcome::Trapped { message } | StepOutcome::Failed { message, .. } => message.clone(),
        _ => cause.to_owned(),
    };
    environment("plugin::describe-failed", format!("{name} cannot say what it is: {reason}"))
        .with_help("`describe` must return a manifest at once, without files, clock or network")
}
