use std::{sync::Arc, time::Duration};

use runner_engine::{
    event::{EventKind, RunResult, StageResult},
    scripted::{Act, ScriptedExecutor},
};
use runner_workflow::plan::{Kind, OutputRef, Source};

use crate::plans::{Place, PlanBuilder, out};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn order_comes_from_references_and_stages() {
    let plan = PlanBuilder::new()
        .stage("one")
        .step("c", &[])
        .step("b", &["c"])
        .step("a", &["b"])
        .stage("two")
        .step("d", &[]);
    let executor = Arc::new(ScriptedExecutor::new().on("c", [Act::succeed().after(SECOND)]));
    let place = Place::new();
    let run = place.run(plan, executor.clone()).await;
    assert_eq!(executor.order(), ["c", "b", "a", "d"]);
    assert_eq!((run.summary.result, run.summary.exit_code), (RunResult::Passed, 0));
    assert_eq!(executor.teardowns(), 1);
    assert_eq!(executor.prepared().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn independent_steps_run_at_once_within_jobs() {
    let plan = || {
        let plan = PlanBuilder::new().stage("one");
        (0..8).fold(plan, |plan, number| plan.step(&format!("s{number}"), &[]))
    };
    for (jobs, at_once) in [(1, 1), (3, 3), (20, 8)] {
        let script = (0..8).fold(ScriptedExecutor::new(), |script, number| {
            script.on(&format!("s{number}"), [Act::succeed().after(SECOND)])
        });
        let executor = Arc::new(script);
        let place = Place::new();
        let mut options = place.options(plan(), executor.clone());
        options.jobs = Some(jobs);
        place.run_with(options).await;
        assert_eq!(executor.most_at_once(), at_once, "{jobs} jobs");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_may_limit_itself() {
    let mut plan = PlanBuilder::new().stage("one");
    for seed in 0..6 {
        plan = plan.step(&format!("fit[seed={seed}]"), &[]);
    }
    plan.last().max_parallel = Some(2);
    // Beside it, a stage that waits for nothing.
    plan = plan.stage("two").step("other", &[]);
    plan.last().needs.clear();
    let mut script = ScriptedExecutor::new().on("other", [Act::succeed().after(SECOND)]);
    for seed in 0..6 {
        script = script.on(&format!("fit[seed={seed}]"), [Act::succeed().after(SECOND)]);
    }
    let executor = Arc::new(script);
    let place = Place::new();
    let run = place.run(plan, executor.clone()).await;
    assert_eq!(run.summary.result, RunResult::Passed);
    assert_eq!(executor.most_at_once(), 3);
    let order = executor.order();
    assert_eq!(order[..3], ["fit[seed=0]", "fit[seed=1]", "other"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_lets_others_finish_and_skips_what_needs_it() {
    let plan = PlanBuilder::new()
        .stage("one")
        .step("bad", &[])
        .step("good", &[])
        .step("after-bad", &["bad"])
        .step("after-that", &["after-bad"])
        .step("after-good", &["good"])
        .stage("two")
        .step("later", &[]);
    let executor = Arc::new(
        ScriptedExecutor::new().on("bad", [Act::fail(3)]).on("good", [Act::succeed().after(SECOND)]),
    );
    let place = Place::new();
    let run = place.run(plan, executor.clone()).await;
    assert_eq!(executor.order(), ["bad", "good", "after-good"]);
    assert_eq!(run.skipped("after-bad"), "needs `bad`, which failed");
    assert_eq!(run.skipped("after-that"), "needs `after-bad`, which was skipped");
    assert_eq!(run.skipped("later"), "stage `two`: needs stage `one`, which failed");
    assert_eq!((run.summary.result, run.summary.exit_code), (RunResult::StepFailed, 1));
    assert_eq!(run.reason(), "step `bad` failed with exit code 3: as scripted");
    let stages: Vec<_> =
        run.summary.record.as_ref().unwrap().stages.iter().map(|stage| stage.result.unwrap()).collect();
    assert_eq!(stages, [StageResult::Failed, StageResult::Skipped]);
}

/// Looks at its inputs while it runs.
#[derive(Debug)]
struct Looks(ScriptedExecutor);
#[async_trait::async_trait]
impl runner_engine::executor::Executor for Looks {
    fn name(&self) -> &'static str {
        "looks"
    }
    fn accepts(&self, _: &runner_workflow::plan::Action) -> bool {
        true
    }
    async fn prepare(
        &self,
        step: &runner_workflow::plan::PlannedStep,
    ) -> Result<(), runner_engine::executor::ExecutorError> {
        self.0.prepare(step).await
    }
    async fn execute(
        &self,
        request: runner_engine::executor::StepRequest,
        sink: Arc<dyn runner_engine::executor::StepSink>,
        cancel: tokio_util::sync::CancellationToken,
    ) -> Result<runner_engine::outcome::StepOutcome, runner_engine::executor::ExecutorError> {
        if request.step == "score" {
            let model = &request.inputs["model"];
            assert!(!model.is_dir);
            assert_eq!(model.path.file_name().unwrap(), "model.onnx");
            assert_eq!(std::fs::read(&model.path).unwrap(), b"fit[seed=1]");
            assert_eq!(std::fs::read_dir(model.path.parent().unwrap()).unwrap().count(), 1);
            let all = &request.inputs["all"];
            assert!(all.is_dir);
            for seed in 0..2 {
                let file = all.path.join(format!("seed={seed}/model.onnx"));
                assert_eq!(std::fs::read_to_string(file).unwrap(), format!("fit[seed={seed}]"));
            }
        }
        self.0.execute(request, sink, cancel).await
    }
    async fn teardown(&self) -> Result<(), runner_engine::executor::ExecutorError> {
        Ok(())
    }
}

#[tokio::test]
async fn outputs_become_inputs() {
    let plan = PlanBuilder::new()
        .stage("train")
        .step_with("fit[seed=0]", &[], |step| step.outputs = out(Kind::Model, "deep/model.onnx"))
        .step_with("fit[seed=1]", &[], |step| step.outputs = out(Kind::Model, "deep/model.onnx"))
        .stage("use");
    let of = |step| OutputRef { step, output: "out".into() };
    let plan = plan.step_with("score", &["fit[seed=0]", "fit[seed=1]"], |step| {
        step.inputs.insert("model".into(), Source::Output(of(1)));
        step.inputs.insert("all".into(), Source::AllCells(vec![of(0), of(1)]));
    });
    let place = Place::new();
    let run = place.run(plan, Arc::new(Looks(ScriptedExecutor::new()))).await;
    assert_eq!(run.summary.result, RunResult::Passed, "{}", run.reason());
    let published = run
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::ArtifactPublished { kind: Kind::Model, .. }));
    assert_eq!(published.count(), 2);
}

#[tokio::test]
async fn a_missing_output_is_a_failure_that_names_it() {
    let plan = PlanBuilder::new()
        .stage("one")
        .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "model.onnx"));
    let act = Act { skip_outputs: true, ..Act::succeed() };
    let place = Place::new();
    let run = place.run(plan, Arc::new(ScriptedExecutor::new().on("fit", [act]))).await;
    assert_eq!(run.summary.result, RunResult::StepFailed);
    assert!(run.reason().contains("`out`") && run.reason().contains("`model.onnx`"), "{}", run.reason());
}

#[tokio::test]
async fn filters_bring_in_what_they_need() {
    let plan = || {
        let plan = PlanBuilder::new()
            .stage("check")
            .step("schema", &[])
            .stage("train")
            .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "m"))
            .stage("look")
            .step("plot", &[])
            .stage("evaluate");
        let fit = plan.index("fit");
        plan.step_with("score", &["fit"], |step| {
            step.inputs.insert("m".into(), Source::Output(OutputRef { step: fit, output: "out".into() }));
        })
    };
    let place = Place::new();
    for (stages, until, expected) in [
        (vec!["evaluate"], None, vec!["fit", "score"]),
        (vec!["look"], None, vec!["plot"]),
        (vec![], Some("train"), vec!["schema", "fit"]),
        (vec![], None, vec!["schema", "fit", "plot", "score"]),
    ] {
        let executor = Arc::new(ScriptedExecutor::new());
        let mut options = place.options(plan(), executor.clone());
        options.stages = stages.iter().map(|name| (*name).to_owned()).collect();
        options.until = until.map(str::to_owned);
        let run = place.run_with(options).await;
        assert_eq!(run.summary.result, RunResult::Passed);
        assert_eq!(executor.order(), expected);
    }
    let mut options = place.options(plan(), Arc::new(ScriptedExecutor::new()));
    options.until = Some("evalute".into());
    let error = runner_engine::Engine::run(options).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("evaluate"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_step_is_told_once() {
    let plan = PlanBuilder::new().stage("one").step("slow", &[]);
    let executor = ScriptedExecutor::new().on("slow", [Act::succeed().after(SECOND * 300)]);
    let place = Place::new();
    let run = place.run(plan, Arc::new(executor)).await;
    let slow = run.events.iter().filter(|event| matches!(event.kind, EventKind::StepSlow { .. }));
    assert_eq!(slow.count(), 1);
}

/// Not a test of behaviour: prints what the engine itself costs. `cargo test -p runner-engine -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn cost_per_step() {
    for (shape, count) in [("chain", 1000_u16), ("fan", 1000)] {
        let mut best = f64::MAX;
        for _ in 0..7 {
            let mut plan = PlanBuilder::new().stage("one");
            for number in 0..count {
                let before = (number > 0 && shape == "chain").then(|| usize::from(number) - 1);
                plan = plan.step_with(&format!("s{number}"), &[], |step| {
                    step.outputs = out(Kind::Any, "out.txt");
                    step.after = before.into_iter().collect();
                    if let Some(before) = before {
                        let source = OutputRef { step: before, output: "out".into() };
                        step.inputs.insert("in".into(), Source::Output(source));
                    }
                });
            }
            let place = Place::new();
            let options = place.options(plan, Arc::new(ScriptedExecutor::new().quiet()));
            let started = std::time::Instant::now();
            let summary = runner_engine::Engine::run(options).await.unwrap();
            let micros = started.elapsed().as_secs_f64() * 1e6 / f64::from(count);
            assert_eq!(summary.result, RunResult::Passed);
            best = best.min(micros);
        }
        println!("{shape} of {count}: {best:.1} µs a step");
    }
}
