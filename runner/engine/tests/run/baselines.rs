//! What candidates are compared with: found before the run, scored again by the step that scores the candidate.

use std::{fmt::Write as _, fs, sync::Arc};

use runner_engine::{
    RunOptions,
    event::{EventKind, RunResult},
    evidence::{IntendedPromotion, Ruling, Statement},
    references::{ReferenceState, Role},
    scripted::{Act, ScriptedExecutor},
};
use runner_gate::verdict::Verdict;
use runner_store::{
    Expected,
    signing::{Bundle, SigningKey},
};
use runner_workflow::plan::{Baseline, DataSet, Kind, OutputRef, Source};

use crate::plans::{Outcome, Place, PlanBuilder, out};

fn baseline(model: &str) -> Baseline {
    Baseline { model: model.into(), evaluate: None, first: None, anchor: None }
}

/// Trains, scores with the model as an input, judges and promotes.
fn plan(gate: &str, written: Baseline) -> PlanBuilder {
    let mut plan = PlanBuilder::new()
        .stage("train")
        .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "model.onnx"))
        .stage("evaluate")
        .step_with("score", &["fit"], |step| {
            step.inputs.insert("model".into(), Source::Output(OutputRef { step: 0, output: "out".into() }));
            step.outputs = out(Kind::Predictions, "predictions.csv");
        })
        .step_with("count", &["score"], |step| {
            step.inputs
                .insert("predictions".into(), Source::Output(OutputRef { step: 1, output: "out".into() }));
        })
        .gate(gate)
        .stage("deploy")
        .promote("fit");
    plan.plan.baseline = Some(written);
    plan
}

fn rows(scores: &[(&str, u8, f64)]) -> String {
    let mut text = "id,label,score\n".to_owned();
    for (id, label, score) in scores {
        let _ = writeln!(text, "{id},{label},{score}");
    }
    text
}

/// Three of four right.
fn good() -> String {
    rows(&[("a", 1, 0.9), ("b", 1, 0.4), ("c", 0, 0.1), ("d", 0, 0.2)])
}

/// Two of four right.
fn bad() -> String {
    rows(&[("a", 1, 0.9), ("b", 1, 0.4), ("c", 0, 0.8), ("d", 0, 0.2)])
}

fn executor(model: &str, candidate: &str, champion: &str) -> Arc<ScriptedExecutor> {
    let script = ScriptedExecutor::new()
        .on("fit", [Act::succeed().output("out", model)])
        .on("score", [Act::succeed().output("out", candidate)])
        .on("score@baseline", [Act::succeed().output("out", champion).metric("latency", 30.0)])
        .on("count", [Act::succeed().metric("size", 1.0)])
        .on("count@baseline", [Act::succeed().metric("size", 2.0)]);
    Arc::new(script)
}

async fn run(place: &Place, plan: PlanBuilder, executor: Arc<ScriptedExecutor>) -> Outcome {
    place.run(plan, executor).await
}

fn first() -> Baseline {
    Baseline { first: Some("rubber-stamp".into()), ..baseline("registry:m@champion") }
}

fn state(run: &Outcome, role: Role) -> ReferenceState {
    let found = run.events.iter().find_map(|event| match &event.kind {
        EventKind::ReferenceResolved { reference } if reference.role == role => Some(reference.state.clone()),
        _ => None,
    });
    found.unwrap()
}

#[tokio::test]
async fn the_champion_is_scored_again_by_the_very_step() {
    let place = Place::new();
    let run1 = run(&place, plan("accuracy >= baseline", first()), executor("one", &good(), "")).await;
    assert_eq!(run1.summary.result, RunResult::Passed, "{}", run1.reason());
    assert_eq!(state(&run1, Role::Baseline), ReferenceState::Never);
    assert!(run1.summary.record.as_ref().unwrap().stages[1].gates[0].rubber_stamp);

    // The candidate is worse on the same rows; the numbers of both are there, each under its own step.
    let script = executor("two", &bad(), &good());
    let run2 = run(&place, plan("accuracy >= baseline - 1pp", first()), script).await;
    assert_eq!((run2.summary.exit_code, run2.summary.verdict), (3, Verdict::Fail), "{}", run2.reason());
    assert_eq!(state(&run2, Role::Baseline), ReferenceState::SameRun);
    assert!(run2.step("score@baseline").succeeded() && run2.step("count@baseline").succeeded());
    let accuracy = |id: &str| {
        let metrics = &run2.step(id).metrics;
        metrics.iter().find(|metric| metric.name == "accuracy").map(|metric| metric.value)
    };
    assert_eq!((accuracy("score"), accuracy("score@baseline")), (Some(0.5), Some(0.75)));
    let rule = &run2.summary.record.as_ref().unwrap().stages[1].gates[0].rules[0];
    assert_eq!(rule.reference.as_ref().unwrap().value, Some(0.75));

    // What steps report is compared too, and a better one passes and is promoted.
    let run3 = run(
        &place,
        plan("size <= baseline and harmful_flips <= 0", first()),
        executor("three", &good(), &bad()),
    )
    .await;
    assert_eq!(run3.summary.result, RunResult::Passed, "{}", run3.reason());
    let registry = place.store.registry().unwrap();
    let version = registry.resolve("m", "champion").await.unwrap().unwrap();
    assert_eq!(version.version, 2);
    let names: Vec<_> =
        version.metrics.as_array().unwrap().iter().map(|metric| metric["step"].clone()).collect();
    assert!(names.iter().all(|step| !step.as_str().unwrap().contains('@')), "{names:?}");
}

#[tokio::test]
async fn an_alias_that_cannot_be_read_is_an_error_and_never_a_rubber_stamp() {
    let place = Place::new();
    let _ = run(&place, plan("accuracy >= baseline", first()), executor("one", &good(), "")).await;
    let head = place.store.root().join("registry/m/aliases/champion/00000001.json");
    fs::remove_file(&head).unwrap();
    fs::write(&head, "{").unwrap();
    let damaged = run(&place, plan("accuracy >= baseline", first()), executor("two", &good(), "")).await;
    assert_eq!((damaged.summary.exit_code, damaged.summary.verdict), (3, Verdict::Error));
    assert!(matches!(state(&damaged, Role::Baseline), ReferenceState::Unreadable(_)));
    assert!(damaged.reason().contains("damaged"), "{}", damaged.reason());
}

#[tokio::test]
async fn a_champion_without_its_bytes_is_an_error() {
    let place = Place::new();
    let _ = run(&place, plan("accuracy >= baseline", first()), executor("one", &good(), "")).await;
    let digest = runner_store::Digest::of_bytes(b"one");
    fs::remove_file(place.store.path(&digest)).unwrap();
    let gone = run(&place, plan("accuracy >= baseline", first()), executor("two", &good(), "")).await;
    assert_eq!(gone.summary.verdict, Verdict::Error);
    assert!(gone.reason().contains(&digest.to_string()), "{}", gone.reason());
}

#[tokio::test]
async fn without_leave_there_is_no_rubber_stamp() {
    let place = Place::new();
    let written = baseline("registry:m@champion");
    let none = run(&place, plan("accuracy >= baseline", written), executor("one", &good(), "")).await;
    assert_eq!(none.summary.verdict, Verdict::Error);
    assert!(none.reason().contains("there is no baseline"), "{}", none.reason());
}

#[tokio::test]
async fn files_runs_and_the_run_before_are_references_too() {
    let place = Place::new();
    fs::write(place.path().join("champion.onnx"), "zero").unwrap();
    let file = baseline("file:champion.onnx");
    let from_file = run(&place, plan("accuracy >= baseline", file), executor("one", &good(), &bad())).await;
    assert_eq!(from_file.summary.result, RunResult::Passed, "{}", from_file.reason());

    let of_run = baseline(&format!("run:{}", from_file.summary.run_id));
    let compared =
        run(&place, plan("accuracy >= baseline + 1pp", of_run), executor("two", &good(), &bad())).await;
    assert_eq!(compared.summary.result, RunResult::Passed, "{}", compared.reason());

    let anchored = Baseline { anchor: Some("registry:m@v1".into()), ..first() };
    let script = Arc::new(
        ScriptedExecutor::new()
            .on("fit", [Act::succeed().output("out", "three")])
            .on("score", [Act::succeed().output("out", good())])
            .on("score@anchor", [Act::succeed().output("out", bad())])
            .on("score@previous", [Act::succeed().output("out", good())]),
    );
    let slower = run(
        &place,
        plan("accuracy >= anchor + 20pp and accuracy >= previous and accuracy <= previous", anchored),
        script,
    )
    .await;
    assert_eq!(slower.summary.result, RunResult::Passed, "{}", slower.reason());
    assert!(slower.step("score@anchor").succeeded() && slower.step("score@previous").succeeded());
}

#[tokio::test]
async fn a_commit_stands_for_its_clean_run() {
    let place = Place::new();
    let with_commit = |options: RunOptions, commit: &str, dirty: bool| {
        let mut options = options;
        options.git.commit = Some(commit.into());
        options.git.dirty = dirty;
        options
    };
    for (commit, dirty) in [("c1", false), ("c2", true)] {
        let options = place.options(plan("accuracy >= 0", first()), executor(commit, &good(), &good()));
        let _ = place.run_with(with_commit(options, commit, dirty)).await;
    }
    for (revision, resolved, exit) in [
        ("main", Ok("c1".to_owned()), 0),
        ("topic", Ok("c2".to_owned()), 3),
        ("gone", Err("git knows no commit `gone` here".to_owned()), 3),
    ] {
        let mut options = place.options(
            plan("accuracy >= baseline", baseline(&format!("git:{revision}"))),
            executor("new", &good(), &good()),
        );
        options.revisions.insert(revision.into(), resolved);
        let run = place.run_with(options).await;
        assert_eq!(run.summary.exit_code, exit, "{revision}: {}", run.reason());
    }
}

#[tokio::test]
async fn stored_numbers_come_from_accepted_evidence_of_the_same_rows() {
    let place = Place::new();
    let key = Arc::new(SigningKey::generate().unwrap());
    let stored = || Baseline { evaluate: Some("stored".into()), ..first() };
    let options = |model: &str, rows: &str, trusted: bool| {
        let mut options = place.options(plan("accuracy >= baseline", stored()), executor(model, rows, ""));
        options.signing_key = Some(Arc::clone(&key));
        options.trusted_keys.extend(trusted.then(|| key.public().clone()));
        options
    };
    let run1 = place.run_with(options("one", &good(), true)).await;
    assert_eq!(run1.summary.result, RunResult::Passed, "{}", run1.reason());
    let worse = place.run_with(options("two", &bad(), true)).await;
    assert_eq!(worse.summary.verdict, Verdict::Fail, "{}", worse.reason());
    assert_eq!(state(&worse, Role::Baseline), ReferenceState::Stored);
    let untrusted = place.run_with(options("three", &good(), false)).await;
    assert_eq!(untrusted.summary.verdict, Verdict::Error);
    assert!(untrusted.reason().contains("no trusted key"), "{}", untrusted.reason());
    let other = rows(&[("x", 1, 0.9), ("y", 0, 0.1)]);
    let other = place.run_with(options("four", &other, true)).await;
    assert!(other.reason().contains("not comparable"), "{}", other.reason());
}

#[tokio::test]
async fn what_no_step_can_score_is_an_error_that_says_so() {
    let place = Place::new();
    let _ = run(&place, plan("accuracy >= baseline", first()), executor("one", &good(), "")).await;
    let mut unconnected = plan("accuracy >= baseline", first());
    unconnected.plan.steps[1].inputs.clear();
    let run = run(&place, unconnected, executor("two", &good(), "")).await;
    assert_eq!(run.summary.verdict, Verdict::Error);
    assert!(run.reason().contains("takes a model as an input"), "{}", run.reason());
}

#[tokio::test]
async fn the_model_of_the_baseline_is_an_input() {
    let place = Place::new();
    let with_input = || {
        let mut plan = plan("accuracy >= 0", first());
        plan.plan.steps[1].inputs.insert("champion".into(), Source::Baseline("model".into()));
        plan
    };
    let script = executor("one", &good(), "");
    let started = run(&place, with_input(), script).await;
    assert_eq!(started.summary.result, RunResult::Passed, "{}", started.reason());
    let again = run(&place, with_input(), executor("two", &good(), "")).await;
    assert_eq!(again.summary.result, RunResult::Passed, "{}", again.reason());
    assert_eq!(state(&again, Role::Baseline), ReferenceState::Found);
    let mut strict = with_input();
    strict.plan.baseline = Some(baseline("registry:m@never"));
    let refused = run(&place, strict, executor("three", &good(), "")).await;
    assert_eq!(refused.summary.exit_code, 6);
    assert!(refused.reason().contains("there has never been one"), "{}", refused.reason());
}

#[tokio::test]
async fn a_promotion_is_refused_where_the_champion_was_replaced_meanwhile() {
    let place = Place::new();
    let _ = run(&place, plan("accuracy >= baseline", first()), executor("one", &good(), "")).await;
    // Somebody else promotes while this run scores.
    let store = place.store.clone();
    let mut options = place.options(plan("accuracy >= baseline", first()), executor("two", &good(), &good()));
    let object = store.put_bytes(b"rival").unwrap();
    options.consumers.push(Box::new(crate::plans::Told(move |event| {
        if let EventKind::GateEvaluated { .. } = event.kind {
            let new = runner_store::NewVersion {
                digest: object.digest,
                run: None,
                lineage: serde_json::Value::Null,
                metrics: serde_json::Value::Null,
                evidence: serde_json::Value::Null,
                keep: None,
                change: runner_store::Change::default(),
            };
            let registry = store.registry().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime
                .block_on(registry.promote("m", "champion", new, runner_store::Expected::Anything))
                .unwrap();
        }
        Ok(())
    })));
    let run = place.run_with(options).await;
    // The consumer has a thread of its own: it may also have been too late, and then it is the one that follows.
    let history = place.store.registry().unwrap().history("m", "champion").await.unwrap();
    let versions: Vec<u64> = history.iter().map(|change| change.version).collect();
    match run.summary.exit_code {
        5 => {
            assert!(run.reason().contains("somebody else moved it"), "{}", run.reason());
            assert_eq!(versions, [1, 2]);
        }
        0 => assert_eq!(versions.len(), 3),
        code => panic!("exit code {code}: {}", run.reason()),
    }
}

#[tokio::test]
async fn evidence_names_everything_that_decided() {
    let place = Place::new();
    let key = Arc::new(SigningKey::generate().unwrap());
    let _ = run(&place, plan("accuracy >= baseline", first()), executor("one", &good(), "")).await;
    let mut options =
        place.options(plan("accuracy >= baseline - 30pp", first()), executor("two", &bad(), &good()));
    options.signing_key = Some(Arc::clone(&key));
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Passed, "{}", run.reason());
    let folder = place.store.root().join("runs").join(&run.summary.run_id);
    let bytes = fs::read(folder.join("evidence.json")).unwrap();
    let record = run.summary.record.as_ref().unwrap().evidence.as_ref().unwrap();
    assert_eq!(record.digest, runner_store::Digest::of_bytes(&bytes).to_string());
    let statement = Bundle::parse(&bytes).unwrap().verify(&[key.public().clone()]).unwrap();
    let statement = Statement::parse(&statement).unwrap();
    let model = runner_store::Digest::of_bytes(b"two");
    runner_engine::evidence::check(&statement, &model, jiff::Timestamp::now()).unwrap();
    assert!(
        runner_engine::evidence::check(
            &statement,
            &runner_store::Digest::of_bytes(b"one"),
            jiff::Timestamp::now(),
        )
        .is_err()
    );
    let predicate = &statement.predicate;
    let after = predicate.awaited(&model, Some(("m", "champion")));
    predicate.allows(&model, &after, Ruling::OfGates).unwrap();
    let intended = &predicate.promotions[0];
    assert_eq!(predicate.expected(intended), Expected::Version(Some(1)));
    let elsewhere = IntendedPromotion { alias: "other".to_owned(), ..intended.clone() };
    assert_eq!(predicate.expected(&elsewhere), Expected::Anything);
    let earlier = IntendedPromotion { after: after[..1].to_vec(), ..intended.clone() };
    assert_eq!(predicate.expected(&earlier), Expected::Anything, "nothing was compared by then");
    assert_eq!(predicate.references[0].version, Some(1));
    assert_eq!(predicate.promotions[0].after, after);
    assert_eq!(after, ["train", "evaluate", "deploy"]);
    assert_eq!(predicate.stages[0].judgements[0].rules[0].observed, Some(0.5));
    assert_eq!(runner_engine::evidence::replay(predicate, &place.store).unwrap(), 1);
    // The evidence is an object, and the registry knows it.
    let version = place.store.registry().unwrap().resolve("m", "champion").await.unwrap().unwrap();
    assert_eq!(version.evidence["digest"], record.digest);
}

/// A run whose evidence the next one accepts.
async fn signed(
    place: &Place,
    key: &Arc<SigningKey>,
    plan: PlanBuilder,
    executor: Arc<ScriptedExecutor>,
) -> Outcome {
    let mut options = place.options(plan, executor);
    options.signing_key = Some(Arc::clone(key));
    options.trusted_keys.push(key.public().clone());
    place.run_with(options).await
}

/// Judges numbers that a step reports of declared data, compared with the run before.
fn reporting(gate: &str) -> PlanBuilder {
    let mut plan = PlanBuilder::new()
        .stage("evaluate")
        .step_with("score", &[], |step| {
            step.inputs.insert("data".into(), Source::Data("test".into()));
        })
        .gate(gate);
    plan.plan.data.insert("test".into(), DataSet { path: "test.csv".into(), id: None, label: None });
    plan
}

fn reports(value: f64) -> Arc<ScriptedExecutor> {
    Arc::new(ScriptedExecutor::new().on("score", [Act::succeed().metric("accuracy", value)]))
}

#[tokio::test]
async fn reported_numbers_are_compared_on_the_same_data_only() {
    let (place, key) = (Place::new(), Arc::new(SigningKey::generate().unwrap()));
    let test_data = |text: &str| fs::write(place.path().join("test.csv"), text).unwrap();
    test_data("1\n");
    let _ = signed(&place, &key, reporting("accuracy >= 0"), reports(0.9)).await;
    let better = signed(&place, &key, reporting("accuracy >= previous"), reports(0.95)).await;
    assert_eq!(better.summary.verdict, Verdict::Pass, "{}", better.reason());
    test_data("2\n");
    let other = signed(&place, &key, reporting("accuracy >= previous"), reports(0.99)).await;
    assert_eq!(other.summary.verdict, Verdict::Error);
    let digest = |text: &str| runner_store::Digest::of_bytes(text.as_bytes()).to_string();
    for named in ["not comparable", &digest("1\n"), &digest("2\n")] {
        assert!(other.reason().contains(named), "{named}: {}", other.reason());
    }
    // Numbers of nobody knows what.
    let mut bare = reporting("accuracy >= previous");
    bare.plan.steps[0].inputs.clear();
    let unknown = signed(&place, &key, bare, reports(0.99)).await;
    assert_eq!(unknown.summary.verdict, Verdict::Error);
    assert!(unknown.reason().contains("unknown data"), "{}", unknown.reason());
}

/// Equal ids with other labels are other rows.
#[tokio::test]
async fn stored_predictions_with_other_labels_are_of_other_rows() {
    let (place, key) = (Place::new(), Arc::new(SigningKey::generate().unwrap()));
    let judged = |gate: &str| {
        PlanBuilder::new()
            .stage("evaluate")
            .step_with("score", &[], |step| step.outputs = out(Kind::Predictions, "predictions.csv"))
            .gate(gate)
    };
    let publishes =
        |rows: &str| Arc::new(ScriptedExecutor::new().on("score", [Act::succeed().output("out", rows)]));
    let _ = signed(&place, &key, judged("accuracy >= 0"), publishes(&good())).await;
    let same = signed(&place, &key, judged("accuracy >= previous"), publishes(&good())).await;
    assert_eq!(same.summary.verdict, Verdict::Pass, "{}", same.reason());
    let turned = rows(&[("a", 0, 0.1), ("b", 0, 0.1), ("c", 1, 0.9), ("d", 1, 0.9)]);
    let other = signed(&place, &key, judged("accuracy >= previous"), publishes(&turned)).await;
    assert_eq!(other.summary.verdict, Verdict::Error);
    assert!(other.reason().contains("the label of id `a` differs"), "{}", other.reason());
}

/// The run that made the numbers has the same steps; the record of this one tells of this one.
#[tokio::test]
async fn the_record_has_the_candidates_numbers() {
    let (place, key) = (Place::new(), Arc::new(SigningKey::generate().unwrap()));
    let stored = || Baseline { evaluate: Some("stored".into()), ..first() };
    let judged = || plan("accuracy >= baseline - 50pp", stored());
    let _ = signed(&place, &key, judged(), executor("one", &good(), "")).await;
    let second = signed(&place, &key, judged(), executor("two", &bad(), "")).await;
    assert_eq!(second.summary.result, RunResult::Passed, "{}", second.reason());
    let version = place.store.registry().unwrap().resolve("m", "champion").await.unwrap().unwrap();
    let recorded = version.metrics.as_array().unwrap().iter();
    let accuracy: Vec<_> = recorded
        .filter(|metric| metric["name"] == "accuracy")
        .map(|metric| metric["value"].as_f64())
        .collect();
    assert_eq!(accuracy, [Some(0.5)]);
}

/// An older run does not take the place of one that cannot be read.
#[tokio::test]
async fn a_damaged_record_is_an_error() {
    let place = Place::new();
    fs::write(place.path().join("test.csv"), "1\n").unwrap();
    let _ = run(&place, reporting("accuracy >= 0"), reports(0.5)).await;
    let newest = run(&place, reporting("accuracy >= 0"), reports(0.9)).await;
    let record = place.store.root().join("runs").join(&newest.summary.run_id).join("run.json");
    fs::write(record, "{").unwrap();
    let judged = run(&place, reporting("accuracy >= previous"), reports(0.6)).await;
    assert_eq!(judged.summary.verdict, Verdict::Error);
    assert!(judged.reason().contains("is damaged"), "{}", judged.reason());
}

/// Only an alias may be waiting for its first model.
#[tokio::test]
async fn a_version_that_is_not_there_is_no_first_time() {
    let place = Place::new();
    let mistyped = Baseline { model: "registry:m@v33".into(), ..first() };
    let judged = run(&place, plan("accuracy >= baseline", mistyped), executor("one", &good(), "")).await;
    assert_eq!(judged.summary.verdict, Verdict::Error);
    assert!(judged.reason().contains("no version `v33`"), "{}", judged.reason());
}
