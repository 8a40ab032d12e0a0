//! The component's side of the contract: generated bindings, and the way between them and the SDK's own types.

use std::{marker::PhantomData, path::PathBuf};

use crate::{
    Capability, Deployer, Deployment, Failure, Finding, Kind, LogLevel, Manifest, Metric, Severity, Step,
    Task,
};

#[expect(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub mod step {
    wit_bindgen::generate!({
        path: "../../wit/runner-plugin",
        world: "step",
        pub_export_macro: true,
    });
}

#[expect(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub mod deployer {
    wit_bindgen::generate!({
        path: "../../wit/runner-plugin",
        world: "deployer",
        pub_export_macro: true,
        with: {
            "runner:plugin/types@0.1.0": super::step::runner::plugin::types,
            "runner:plugin/host@0.1.0": super::step::runner::plugin::host,
        },
    });
}

use step::runner::plugin::{host, types};

/// Exports a [`Step`].
pub struct StepComponent<S>(PhantomData<S>);

impl<S: Step> step::Guest for StepComponent<S> {
    fn describe() -> types::Manifest {
        manifest(S::describe())
    }

    fn run(wire: types::Task) -> Result<(), types::Failure> {
        tell_panics();
        S::run(task(wire)).map_err(failure)
    }
}

/// Exports a [`Deployer`].
pub struct DeployerComponent<D>(PhantomData<D>);

impl<D: Deployer> deployer::Guest for DeployerComponent<D> {
    fn describe() -> types::Manifest {
        manifest(D::describe())
    }

    fn apply(wire: types::Task) -> Result<deployer::Deployment, types::Failure> {
        tell_panics();
        D::apply(task(wire)).map(deployment).map_err(failure)
    }

    fn status(wire: types::Task) -> Result<deployer::Deployment, types::Failure> {
        tell_panics();
        D::status(task(wire)).map(deployment).map_err(failure)
    }

    fn rollback(wire: types::Task, revision: String) -> Result<deployer::Deployment, types::Failure> {
        tell_panics();
        D::rollback(task(wire), &revision).map(deployment).map_err(failure)
    }
}

/// A sandbox has no standard error: without this, a panic would end the step without its message.
fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| host::log(host::LogLevel::Error, &panic.to_string())));
}

pub(crate) fn log(level: LogLevel, message: &str) {
    let level = match level {
        LogLevel::Debug => host::LogLevel::Debug,
        LogLevel::Info => host::LogLevel::Info,
        LogLevel::Warn => host::LogLevel::Warn,
        LogLevel::Error => host::LogLevel::Error,
    };
    host::log(level, message);
}

pub(crate) fn progress(fraction: f64, message: &str) {
    host::progress(fraction, message);
}

pub(crate) fn metric(metric: Metric) {
    host::report_metric(&host::Metric { name: metric.name, value: metric.value, slice: metric.slice });
}

pub(crate) fn finding(finding: Finding) {
    host::report_finding(&host::Finding {
        severity: match finding.severity {
            Severity::Info => host::Severity::Info,
            Severity::Warning => host::Severity::Warning,
            Severity::Error => host::Severity::Error,
        },
        rule: finding.rule,
        message: finding.message,
        input: finding.input,
        column: finding.column,
        rows: finding.rows,
        examples: finding.examples,
        count: finding.count,
    });
}

fn manifest(manifest: Manifest) -> types::Manifest {
    types::Manifest {
        name: manifest.name,
        version: manifest.version,
        summary: manifest.summary,
        stages: manifest.stages,
        inputs: manifest.inputs.into_iter().map(port).collect(),
        outputs: manifest.outputs.into_iter().map(port).collect(),
        config_schema: manifest.config_schema.to_string(),
        capabilities: manifest
            .capabilities
            .into_iter()
            .map(|request| types::CapabilityRequest {
                capability: match request.capability {
                    Capability::Net => types::Capability::Net,
                    Capability::Read => types::Capability::Read,
                    Capability::Env => types::Capability::Env,
                    Capability::Clock => types::Capability::Clock,
                    Capability::Random => types::Capability::Random,
                },
                scope: request.scope,
                why: request.why,
                required: request.required,
            })
            .collect(),
    }
}

fn port(port: crate::Port) -> types::Port {
    types::Port {
        name: port.name,
        kind: match port.kind {
            Kind::Dataset => types::Kind::Dataset,
            Kind::Model => types::Kind::Model,
            Kind::Predictions => types::Kind::Predictions,
            Kind::Metrics => types::Kind::Metrics,
            Kind::Tests => types::Kind::Tests,
            Kind::Report => types::Kind::Report,
            Kind::Any => types::Kind::Any,
        },
        required: port.required,
        default_path: port.default_path,
        summary: port.summary,
    }
}

fn task(task: types::Task) -> Task {
    Task {
        step: task.step,
        inputs: task.inputs.into_iter().map(binding).collect(),
        outputs: task.outputs.into_iter().map(binding).collect(),
        config: task.config,
        seed: task.seed,
    }
}

fn binding(binding: types::Binding) -> crate::Binding {
    crate::Binding {
        name: binding.name,
        kind: match binding.kind {
            types::Kind::Dataset => Kind::Dataset,
            types::Kind::Model => Kind::Model,
            types::Kind::Predictions => Kind::Predictions,
            types::Kind::Metrics => Kind::Metrics,
            types::Kind::Tests => Kind::Tests,
            types::Kind::Report => Kind::Report,
            types::Kind::Any => Kind::Any,
        },
        path: PathBuf::from(binding.path),
    }
}

fn failure(failure: Failure) -> types::Failure {
    match failure {
        Failure::InvalidConfig(message) => types::Failure::InvalidConfig(message),
        Failure::InvalidInput(message) => types::Failure::InvalidInput(message),
        Failure::Failed(message) => types::Failure::Failed(message),
    }
}

fn deployment(deployment: Deployment) -> deployer::Deployment {
    deployer::Deployment {
        model_digest: deployment.model_digest,
        revision: deployment.revision,
        healthy: deployment.healthy,
        message: deployment.message,
    }
}
