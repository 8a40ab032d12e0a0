//! The contract of executors, against the engines of the tests. `cargo xtask test --all` starts them and names them.

use std::{collections::BTreeMap, process::Command, sync::Arc, time::Duration};

use runner_workflow::plan::{Action, Container, ImageSource, Pull};
use serde_json::Value;

use super::{ContainerExecutor, ContainerOptions};
use crate::{
    contract::{Deed, ExecutorUnderTest, LINE, check, script},
    executor::Executor,
};

struct Subject {
    host: String,
    store: tempfile::TempDir,
}

impl Subject {
    /// Against the engine that a variable names. That it names none is a failure: nothing was tested.
    fn at(variable: &str) -> Self {
        let host = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} names no engine"));
        Self { host, store: tempfile::tempdir().unwrap() }
    }
}

impl ExecutorUnderTest for Subject {
    fn executor(&self) -> Arc<dyn Executor> {
        Arc::new(ContainerExecutor::new(ContainerOptions {
            env: BTreeMap::from([("DOCKER_HOST".to_owned(), self.host.clone())]),
            grace: Duration::from_millis(300),
            store: Some(self.store.path().to_path_buf()),
            ..ContainerOptions::default()
        }))
    }

    fn action(&self, deed: Deed) -> (Action, Value) {
        let log = format!("echo '{LINE}'");
        let mut run = script(match deed {
            Deed::Write => "echo 'written by the step' > \"$RUNNER_OUT_RESULT\"",
            Deed::Copy => "cp \"$RUNNER_IN_DATA\" \"$RUNNER_OUT_RESULT\"",
            Deed::Fail => "exit 3",
            Deed::Linger => "trap '' TERM; sleep 60 & sleep 61; sleep 62",
            Deed::Log => &log,
            Deed::Report => "echo '{\"name\": \"answer\", \"value\": 42}' >> \"$RUNNER_METRICS\"",
            Deed::Impossible => "true",
        });
        let mut container = Container::of("runner-test/base:latest");
        if let ImageSource::Named { pull, .. } = &mut container.image {
            *pull = Pull::Never;
        }
        if deed == Deed::Impossible {
            run.shell = Some(vec!["/no-such-shell".to_owned()]);
        }
        (Action::Container { container: Box::new(container), run: Some(run) }, Value::Null)
    }

    fn left_running(&self) -> usize {
        let label = format!("label={}={}", super::owner::STORE, self.store.path().display());
        let listed = Command::new("docker")
            .args(["--host", &self.host, "ps", "-q", "--filter", &label])
            .output()
            .unwrap();
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        String::from_utf8_lossy(&listed.stdout).lines().count()
    }
}

#[tokio::test]
#[ignore = "needs Docker: `cargo xtask test --all`"]
async fn containers_of_docker_keep_the_contract() {
    check(&Subject::at("RUNNER_TEST_DOCKER_HOST")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Podman: `cargo xtask test --all`"]
async fn containers_of_podman_keep_the_contract() {
    check(&Subject::at("RUNNER_TEST_PODMAN_HOST")).await.unwrap();
}
