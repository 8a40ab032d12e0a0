//! The executors of this crate keep the contract.

use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runner_workflow::plan::{Action, PlannedStep};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    contract::{CONTENT, Deed, ExecutorUnderTest, LINE, check, clause_2_concurrent_and_gone, script},
    executor::{ErrorClass, Executor, ExecutorError, StepRequest, StepSink},
    outcome::StepOutcome,
    process::{ProcessExecutor, ProcessOptions},
    scripted::{Act, ScriptedExecutor},
};

struct Process {
    mark: String,
}

impl ExecutorUnderTest for Process {
    fn executor(&self) -> Arc<dyn Executor> {
        Arc::new(ProcessExecutor::new(ProcessOptions {
            env: std::env::vars().collect(),
            withheld: BTreeSet::new(),
            grace: Duration::from_millis(300),
        }))
    }

    fn action(&self, deed: Deed) -> (Action, Value) {
        let mut run = script(&match deed {
            Deed::Write => "echo 'written by the step' > \"$RUNNER_OUT_RESULT\"".to_owned(),
            Deed::Copy => "cp \"$RUNNER_IN_DATA\" \"$RUNNER_OUT_RESULT\"".to_owned(),
            Deed::Fail => "exit 3".to_owned(),
            Deed::Linger => format!("trap '' TERM; sleep 60{0} & sleep 61{0}; sleep 62{0}", self.mark),
            Deed::Log => format!("echo '{LINE}'"),
            Deed::Report => "echo '{\"name\": \"answer\", \"value\": 42}' > \"$RUNNER_METRICS\"".to_owned(),
            Deed::Impossible => "true".to_owned(),
        });
        if deed == Deed::Impossible {
            run.shell = Some(vec!["no-such-shell".to_owned()]);
        }
        (Action::Process { run }, Value::Null)
    }

    fn left_running(&self) -> usize {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let marked = processes.filter(|process| {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&self.mark)
        });
        marked.count()
    }
}

/// Hands the deed, which stands in the action, to a scripted executor.
struct Scripted {
    running: Arc<AtomicUsize>,
}

struct ByDeed {
    running: Arc<AtomicUsize>,
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Executor for ByDeed {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn accepts(&self, _: &Action) -> bool {
        true
    }

    async fn prepare(&self, step: &PlannedStep) -> Result<(), ExecutorError> {
        ScriptedExecutor::new().prepare(step).await
    }

    async fn execute(
        &self,
        request: StepRequest,
        sink: Arc<dyn StepSink>,
        cancel: CancellationToken,
    ) -> Result<StepOutcome, ExecutorError> {
        self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(Arc::clone(&self.running));
        let Action::Plugin { uses } = &request.action else { unreachable!() };
        let error =
            ExecutorError { class: ErrorClass::Environment, code: "x", message: "x".into(), help: None };
        let act = match uses.as_str() {
            "Write" => Act::succeed().output("result", CONTENT),
            "Copy" => Act::succeed().output("result", fs::read(&request.inputs["data"].path).unwrap()),
            "Fail" => Act::fail(1),
            "Linger" => Act::succeed().after(Duration::from_mins(1)),
            "Log" => Act::succeed().line(LINE),
            "Report" => Act::succeed().metric("answer", 42.0),
            _ => Act::error(error),
        };
        ScriptedExecutor::new().on(&request.step.clone(), [act]).execute(request, sink, cancel).await
    }

    async fn teardown(&self) -> Result<(), ExecutorError> {
        Ok(())
    }
}

impl ExecutorUnderTest for Scripted {
    fn executor(&self) -> Arc<dyn Executor> {
        Arc::new(ByDeed { running: Arc::clone(&self.running) })
    }

    fn action(&self, deed: Deed) -> (Action, Value) {
        (Action::Plugin { uses: format!("{deed:?}") }, json!({}))
    }

    fn left_running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn the_process_executor_keeps_the_contract() {
    // A number that no other process has in its command line.
    let mark = format!(".0{}1", std::process::id());
    check(&Process { mark }).await.unwrap();
}

#[tokio::test]
async fn the_scripted_executor_keeps_the_contract() {
    check(&Scripted { running: Arc::default() }).await.unwrap();
}

#[tokio::test]
async fn a_breach_is_noticed() {
    /// Goes on in the background when its future is dropped.
    struct Leaks(Arc<Mutex<usize>>);
    struct Leaking(Arc<Mutex<usize>>);
    #[async_trait]
    impl Executor for Leaking {
        fn name(&self) -> &'static str {
            "leaking"
        }
        fn accepts(&self, _: &Action) -> bool {
            true
        }
        async fn prepare(&self, _: &PlannedStep) -> Result<(), ExecutorError> {
            Ok(())
        }
        async fn execute(
            &self,
            request: StepRequest,
            _: Arc<dyn StepSink>,
            _: CancellationToken,
        ) -> Result<StepOutcome, ExecutorError> {
            if matches!(&request.action, Action::Plugin { uses } if uses == "Linger") {
                *self.0.lock().unwrap() += 1;
                std::future::pending::<()>().await;
            }
            fs::write(&request.outputs["result"].path, CONTENT).unwrap();
            Ok(StepOutcome::Succeeded)
        }
        async fn teardown(&self) -> Result<(), ExecutorError> {
            Ok(())
        }
    }
    impl ExecutorUnderTest for Leaks {
        fn executor(&self) -> Arc<dyn Executor> {
            Arc::new(Leaking(Arc::clone(&self.0)))
        }
        fn action(&self, deed: Deed) -> (Action, Value) {
            (Action::Plugin { uses: format!("{deed:?}") }, Value::Null)
        }
        fn left_running(&self) -> usize {
            *self.0.lock().unwrap()
        }
    }
    let breach = clause_2_concurrent_and_gone(&Leaks(Arc::default())).await.unwrap_err();
    assert_eq!(breach.clause, 2);
    assert!(breach.to_string().contains("after its future was dropped"), "{breach}");
}
