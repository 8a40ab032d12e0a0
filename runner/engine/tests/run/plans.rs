//! Plans made by hand, and runs of them.

use std::{path::Path, sync::Arc, time::Duration};

use indexmap::IndexMap;
use runner_engine::{
    Engine, EventConsumer, RunOptions, RunSummary,
    event::{EventKind, RunEvent},
    executor::Executor,
    record::StepRecord,
};
use runner_store::Store;
use runner_workflow::{
    expr::{BinaryOp, Expr, ExprKind, Function, Value},
    plan::*,
};

/// A plan under construction.
pub(crate) struct PlanBuilder {
    pub(crate) plan: Plan,
}

impl PlanBuilder {
    pub(crate) fn new() -> Self {
        Self {
            plan: Plan {
                name: "test".into(),
                params: IndexMap::new(),
                data: IndexMap::new(),
                metrics: IndexMap::new(),
                baseline: None,
                secrets: IndexMap::new(),
                policy: Policy { host_steps: PolicyLevel::Allow, ..Policy::default() },
                triggers: None,
                report: Report::default(),
                gate_defaults: GateDefaults::default(),
                stages: Vec::new(),
                steps: Vec::new(),
                unavailable: Vec::new(),
            },
        }
    }

    /// Adds a stage that needs the one before.
    pub(crate) fn stage(mut self, name: &str) -> Self {
        let index = self.plan.stages.len();
        self.plan.stages.push(PlannedStage {
            name: name.into(),
            needs: index.checked_sub(1).into_iter().collect(),
            condition: None,
            environment: None,
            services: Vec::new(),
            max_parallel: None,
            steps: Vec::new(),
            gates: Vec::new(),
            promote: None,
            span: 0..0,
        });
        self
    }

    /// Adds a step with the output `out` to the last stage, after these.
    pub(crate) fn step(self, id: &str, after: &[&str]) -> Self {
        self.step_with(id, after, |_| {})
    }

    pub(crate) fn step_with(
        mut self,
        id: &str,
        after: &[&str],
        change: impl FnOnce(&mut PlannedStep),
    ) -> Self {
        let stage = self.plan.stages.len() - 1;
        let index = self.plan.steps.len();
        let after = after.iter().map(|id| self.index(id)).collect();
        let (name, cell) = match id.split_once('[') {
            None => (id.to_owned(), Vec::new()),
            Some((name, cell)) => (
                name.to_owned(),
                cell.trim_end_matches(']')
                    .split(',')
                    .map(|pair| pair.split_once('=').unwrap())
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect(),
            ),
        };
        let mut step = PlannedStep {
            id: StepId { name, cell },
            stage,
            action: Action::Plugin { uses: "builtin:test".into() },
            with: ConfigTemplate::Map(IndexMap::new()),
            inputs: IndexMap::new(),
            outputs: IndexMap::new(),
            env: IndexMap::new(),
            after,
            condition: None,
            retry: Retry::default(),
            timeout: None,
            limits: Limits::default(),
            allow: Allow::default(),
            resources: Resources::default(),
            seed: 7,
            matrix: IndexMap::new(),
            params_used: Vec::new(),
            span: 0..0,
            line_number: 1,
        };
        for (key, value) in &step.id.cell {
            step.matrix.insert(key.clone(), value.clone().into());
        }
        change(&mut step);
        self.plan.steps.push(step);
        self.plan.stages[stage].steps.push(index);
        self
    }

    /// A step on the host.
    pub(crate) fn run(self, id: &str, text: &str, change: impl FnOnce(&mut PlannedStep)) -> Self {
        let script = Script { text: text.into(), variables: Vec::new(), shell: None };
        self.step_with(id, &[], |step| {
            step.action = Action::Process { run: script };
            change(step);
        })
    }

    pub(crate) fn index(&self, id: &str) -> StepIndex {
        self.plan.steps.iter().position(|step| step.id.to_string() == id).unwrap()
    }

    /// Gives the last stage a gate.
    pub(crate) fn gate(mut self, line: &str) -> Self {
        self.last().gates.push(PlannedGate {
            line: Some(line.into()),
            mapping: None,
            span: 0..0,
            line_number: 1,
            frame: None,
        });
        self
    }

    /// Has the last stage promote `step.out` to `m@champion`.
    pub(crate) fn promote(mut self, step: &str) -> Self {
        let model = OutputRef { step: self.index(step), output: "out".into() };
        let promotion = Promotion { model, registry: "m".into(), alias: "champion".into(), keep: None };
        self.last().promote = Some(promotion);
        self
    }

    pub(crate) fn stage_if(mut self, condition: Expr) -> Self {
        self.last().condition = Some(condition);
        self
    }

    pub(crate) fn last(&mut self) -> &mut PlannedStage {
        self.plan.stages.last_mut().unwrap()
    }
}

/// An output `out` of this kind and path.
pub(crate) fn out(kind: Kind, path: &str) -> IndexMap<String, Output> {
    [("out".to_owned(), Output { path: path.into(), kind })].into_iter().collect()
}

/// `always()` and the like.
pub(crate) fn status(function: Function) -> Expr {
    Expr { kind: ExprKind::Call { function, arguments: Vec::new() }, span: 0..0 }
}

/// A name such as `event.name`.
pub(crate) fn name(path: &str) -> Expr {
    Expr { kind: ExprKind::Path(path.split('.').map(str::to_owned).collect()), span: 0..0 }
}

/// `path == 'text'`.
pub(crate) fn is(path: &str, text: &str) -> Expr {
    let right = Expr { kind: ExprKind::Literal(Value::Text(text.into())), span: 0..0 };
    let kind = ExprKind::Binary { op: BinaryOp::Equal, left: Box::new(name(path)), right: Box::new(right) };
    Expr { kind, span: 0..0 }
}

/// A store and a workspace.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join(".runner")).unwrap();
        Self { folder, store }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn options(&self, plan: PlanBuilder, executor: Arc<dyn Executor>) -> RunOptions {
        RunOptions {
            executors: vec![executor],
            jobs: Some(4),
            grace: Duration::from_millis(500),
            ..RunOptions::new(Arc::new(plan.plan), self.path().to_path_buf(), self.store.clone())
        }
    }

    pub(crate) async fn run(&self, plan: PlanBuilder, executor: Arc<dyn Executor>) -> Outcome {
        self.run_with(self.options(plan, executor)).await
    }

    pub(crate) async fn run_with(&self, options: RunOptions) -> Outcome {
        let summary = Engine::run(options).await.unwrap();
        let run = self.store.open_run(&summary.run_id).unwrap();
        let events = run.events().unwrap().map(Result::unwrap).collect();
        Outcome { summary, events }
    }
}

/// A run and its recorded events.
pub(crate) struct Outcome {
    pub(crate) summary: RunSummary,
    pub(crate) events: Vec<RunEvent>,
}

impl Outcome {
    pub(crate) fn step(&self, id: &str) -> &StepRecord {
        let record = self.summary.record.as_ref().unwrap();
        record.stages.iter().flat_map(|stage| &stage.steps).find(|step| step.id == id).unwrap()
    }

    pub(crate) fn skipped(&self, id: &str) -> &str {
        self.step(id).skipped.as_deref().unwrap_or_else(|| panic!("{id} was not skipped"))
    }

    pub(crate) fn reason(&self) -> &str {
        self.summary.reason.as_deref().unwrap_or_default()
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        let warnings = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Warning { message, .. } => Some(message.as_str()),
            _ => None,
        });
        warnings.collect()
    }

    pub(crate) fn lines(&self, id: &str) -> Vec<&str> {
        let lines = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::StepOutput { step, line, .. } if step == id => Some(line.as_str()),
            _ => None,
        });
        lines.collect()
    }
}

/// A consumer that does what it is told.
pub(crate) struct Told<F: FnMut(&RunEvent) -> std::io::Result<()> + Send>(pub(crate) F);

impl<F: FnMut(&RunEvent) -> std::io::Result<()> + Send> EventConsumer for Told<F> {
    fn name(&self) -> &'static str {
        "told"
    }

    fn consume(&mut self, event: &RunEvent) -> std::io::Result<()> {
        (self.0)(event)
    }
}
