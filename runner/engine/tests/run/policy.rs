//! A change under review is judged by what it is going to change.

use std::sync::Arc;

use runner_engine::{
    event::{EventKind, RunResult},
    policy::{
        Approval, ChangeKind, Content, Contents, Named, PolicyBase, PolicyReport, compare, enforce, named,
    },
    scripted::{Act, ScriptedExecutor},
};
use runner_gate::verdict::Verdict;
use runner_workflow::plan::{
    Action, Allow, Baseline, Better, Container, DataSet, ImageSource, Kind, Limits, MetricDeclaration,
    PolicyLevel, Resources, Script, Service,
};

use crate::plans::{Place, PlanBuilder, is, out};

fn plan(gates: &[&str]) -> PlanBuilder {
    let mut plan = PlanBuilder::new()
        .stage("evaluate")
        .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "model.onnx"));
    for gate in gates {
        plan = plan.gate(gate);
    }
    plan.stage("deploy").promote("fit")
}

fn executor(auc: f64) -> Arc<ScriptedExecutor> {
    Arc::new(ScriptedExecutor::new().on("fit", [Act::succeed().output("out", "m").metric("auc", auc)]))
}

fn report(base: &PlanBuilder, head: &PlanBuilder) -> PolicyReport {
    let changes = compare(&base.plan, &head.plan, &Contents::default());
    PolicyReport::new(PolicyBase::Commit("b".repeat(40)), changes)
}

fn kinds(base: &PlanBuilder, head: &PlanBuilder) -> Vec<ChangeKind> {
    report(base, head).changes.iter().map(|change| change.kind).collect()
}

#[tokio::test]
async fn a_lowered_gate_stays_red_and_promotes_nothing() {
    let (base, mut head) = (plan(&["g: auc >= 0.9"]), plan(&["g: auc >= 0.5"]));
    let policy = report(&base, &head);
    assert!(policy.waits());
    enforce(&mut head.plan, &base.plan);
    let place = Place::new();
    let mut options = place.options(head, executor(0.7));
    options.withheld = policy.withheld();
    let run = place.run_with(options).await;
    // The gate of the base was judged too.
    assert_eq!(run.summary.result, RunResult::GateFailed, "{}", run.reason());
    let gates = &run.summary.record.as_ref().unwrap().stages[0].gates;
    let said: Vec<_> = gates.iter().map(|gate| (gate.id.as_str(), gate.verdict)).collect();
    assert_eq!(said, [("g", Verdict::Pass), ("base.g", Verdict::Fail)]);
}

/// A model that meets both is held, until somebody agrees that the next one need not.
#[tokio::test]
async fn a_lowered_gate_holds_until_it_is_approved() {
    let place = Place::new();
    let (base, head) = (plan(&["g: auc >= 0.9"]), plan(&["g: auc >= 0.5"]));
    let mut policy = report(&base, &head);
    let mut judged = plan(&["g: auc >= 0.5"]);
    enforce(&mut judged.plan, &base.plan);
    let mut options = place.options(judged, executor(0.95));
    options.withheld = policy.withheld();
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Held, "{}", run.reason());
    assert!(run.reason().contains(policy.digest.as_deref().unwrap()), "{}", run.reason());
    let refused = run.events.iter().any(|event| matches!(event.kind, EventKind::PromotionRefused { .. }));
    assert!(refused, "nothing is promoted by a run that is held");
    let at = "2026-11-25T08:00:00Z".parse().unwrap();
    policy.approval =
        Some(Approval { digest: String::new(), by: "alice".into(), at, until: at, said_at: None });
    let mut options = place.options(head, executor(0.6));
    options.withheld = policy.withheld();
    let run = place.run_with(options).await;
    assert_eq!(run.summary.result, RunResult::Passed, "{}", run.reason());
}

/// A gate whose stage is gone misses its metric, or is judged on it; it never just goes.
#[tokio::test]
async fn a_removed_stage_takes_no_gate_with_it() {
    let base = plan(&["auc >= 0.9"]);
    let mut head = PlanBuilder::new().stage("other").step("x", &[]);
    assert!(kinds(&base, &head).contains(&ChangeKind::GateRemoved));
    enforce(&mut head.plan, &base.plan);
    let place = Place::new();
    let run = place.run(head, Arc::new(ScriptedExecutor::new().on("x", [Act::succeed()]))).await;
    assert_eq!(run.summary.result, RunResult::GateFailed, "{}", run.reason());
    assert_eq!(run.summary.verdict, Verdict::Error);
}

#[test]
fn what_needs_an_approval() {
    let base = || plan(&["auc >= 0.9"]);
    let changed = |change: &dyn Fn(&mut PlanBuilder)| {
        let mut head = base();
        change(&mut head);
        kinds(&base(), &head)
    };
    assert_eq!(changed(&|_| {}), []);
    let grant = |allow: Allow| changed(&|head| head.plan.steps[0].allow = allow.clone());
    assert_eq!(
        grant(Allow { net: vec!["https://x.example".into()], ..Allow::default() }),
        [ChangeKind::Capability]
    );
    assert_eq!(grant(Allow { clock: true, random: true, ..Allow::default() }), [ChangeKind::Capability; 2]);
    let uses = |uses: &str| {
        let uses = uses.to_owned();
        changed(&|head| head.plan.steps[0].action = Action::Plugin { uses: uses.clone() })
    };
    assert_eq!(uses("./x.wasm"), [ChangeKind::Plugin]);
    assert_eq!(uses("builtin:onnx-score"), []);
    let image = Action::Container { container: Box::new(Container::of("python:3.13")), run: None };
    assert_eq!(changed(&|head| head.plan.steps[0].action = image.clone()), [ChangeKind::Image]);
    assert_eq!(
        changed(&|head| head.plan.stages[0].condition = Some(is("event.name", "push"))),
        [ChangeKind::Order]
    );
    assert_eq!(changed(&|head| head.plan.stages[1].needs.clear()), [ChangeKind::Order]);
    assert_eq!(
        changed(&|head| head.plan.stages[1].promote.as_mut().unwrap().alias = "other".into()),
        [ChangeKind::Promotion]
    );
    assert_eq!(changed(&|head| head.plan.policy.approvers.push("mallory".into())), [ChangeKind::Tolerance]);
    let mut strict = base();
    strict.plan.policy.host_steps = PolicyLevel::Deny;
    strict
        .plan
        .metrics
        .insert("auc".into(), MetricDeclaration { better: None, unit: Some("fraction".into()) });
    assert_eq!(kinds(&strict, &base()), [ChangeKind::Metric, ChangeKind::Tolerance]);
    // The other way round nothing is weakened.
    assert_eq!(kinds(&base(), &strict), []);
    assert_eq!(
        kinds(&base(), &plan(&["auc >= 0.95", "loss <= 1"])),
        [ChangeKind::GateTightened, ChangeKind::GateAdded]
    );
    assert!(!report(&base(), &plan(&["auc >= 0.95"])).waits());
}

#[test]
fn other_bytes_of_a_plugin_are_another_plugin() {
    let with = || {
        let mut plan = plan(&[]);
        plan.plan.steps[0].action = Action::Plugin { uses: "./x.wasm".into() };
        plan
    };
    let digest =
        |digest: &str| [("./x.wasm".to_owned(), Content::file(digest.to_owned()))].into_iter().collect();
    let (base, head) = (with(), with());
    let changes = |a: &str, b: &str| {
        compare(&base.plan, &head.plan, &Contents { base: digest(a), head: digest(b) }).len()
    };
    assert_eq!((changes("sha256:1", "sha256:1"), changes("sha256:1", "sha256:2")), (0, 1));
}

/// An image that is built is its recipe and all that the recipe can copy; a baseline that is a file is its bytes.
#[test]
fn other_bytes_behind_a_name_are_another_thing() {
    let built = |args: &[(&str, &str)]| {
        let args = args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let image =
            ImageSource::Built { context: "app".into(), file: "Dockerfile".into(), args: args.collect() };
        Container { image, ..Container::of("") }
    };
    let with = |args: &[(&str, &str)]| {
        let mut plan = plan(&[]);
        let container = Box::new(built(args));
        plan.plan.steps[0].action = Action::Container { container, run: None };
        let model = "file:old.onnx".to_owned();
        plan.plan.baseline = Some(Baseline { model, evaluate: None, first: None, anchor: None });
        plan
    };
    let keys: Vec<String> = named(&with(&[]).plan).iter().map(Named::key).collect();
    assert_eq!(keys, ["file:old.onnx", "build:app"]);
    let contents = |recipe: &str, model: &str| {
        let files = [("Dockerfile".to_owned(), recipe.to_owned())].into_iter().collect();
        [("build:app".to_owned(), Content::folder(files)), (keys[0].clone(), Content::file(model.to_owned()))]
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let changes = |args: &[(&str, &str)], head| {
        let contents = Contents { base: contents("1", "sha256:1"), head };
        compare(&with(&[]).plan, &with(args).plan, &contents)
    };
    assert_eq!(changes(&[], contents("1", "sha256:1")), []);
    let found = changes(&[], contents("2", "sha256:1"));
    assert_eq!((found[0].kind, found.len()), (ChangeKind::Image, 1));
    assert_eq!(found[0].how, ["Dockerfile changed"]);
    assert_eq!(changes(&[("V", "2")], contents("1", "sha256:1"))[0].kind, ChangeKind::Image);
    let found = changes(&[], contents("1", "sha256:2"));
    assert_eq!((found[0].kind, found.len()), (ChangeKind::Baseline, 1));
    assert_eq!(found[0].after.as_deref(), Some("file:old.onnx (sha256:2)"));
    // What cannot be read any more is no proof that it stayed.
    assert_eq!(changes(&[], std::collections::BTreeMap::new()).len(), 2);
}

#[test]
fn what_the_base_did_not_grant_is_taken_away() {
    let allow = |net: &[&str], env: &[&str]| Allow {
        net: net.iter().map(|origin| (*origin).to_owned()).collect(),
        env: env.iter().map(|name| (*name).to_owned()).collect(),
        ..Allow::default()
    };
    let (mut base, mut head) = (plan(&[]), plan(&[]));
    base.plan.steps[0].allow = allow(&["https://a.example"], &["TZ"]);
    head.plan.steps[0].allow = allow(&["https://a.example", "https://b.example"], &[]);
    base.plan.policy.host_steps = PolicyLevel::Deny;
    let service = |net: &[&str]| Service {
        name: "db".into(),
        container: Container::of("postgres:18"),
        command: None,
        env: Vec::new(),
        ready: None,
        ready_within: None,
        allow: allow(net, &[]),
        limits: Limits::default(),
        resources: Resources::default(),
    };
    base.plan.stages[0].services = vec![service(&[])];
    head.plan.stages[0].services = vec![service(&["*"])];
    assert!(kinds(&base, &head).contains(&ChangeKind::Capability));
    enforce(&mut head.plan, &base.plan);
    assert_eq!(
        head.plan.stages[0].services,
        [service(&[])],
        "a service has no more than it was granted either"
    );
    assert_eq!(head.plan.steps[0].allow, allow(&["https://a.example"], &[]));
    assert_eq!(head.plan.policy.host_steps, PolicyLevel::Deny, "it tolerates no more than its base");
    // A workflow whose steps are all confined stays so; what may be done on the host anyway may be done there.
    for (on_host, level) in [(false, PolicyLevel::Deny), (true, PolicyLevel::Warn)] {
        let (mut base, mut head) = (plan(&[]), plan(&[]));
        for step in &mut base.plan.steps {
            step.action = Action::Plugin { uses: "builtin:score".into() };
        }
        if on_host {
            base.plan.steps[0].action = on_the_host();
        }
        head.plan.steps[0].action = on_the_host();
        (base.plan.policy.host_steps, head.plan.policy.host_steps) = (PolicyLevel::Warn, PolicyLevel::Warn);
        enforce(&mut head.plan, &base.plan);
        assert_eq!(head.plan.policy.host_steps, level);
    }
}

fn on_the_host() -> Action {
    Action::Process { run: Script { text: "true".into(), variables: Vec::new(), shell: None } }
}

/// A gate of the base is judged as the base judges it: more samples or confidence would make a failure inconclusive, and
/// another unit would make it a pass.
#[tokio::test]
async fn gates_of_the_base_are_judged_by_its_own_defaults_and_units() {
    let predicted = || {
        PlanBuilder::new()
            .stage("evaluate")
            .step_with("score", &[], |step| step.outputs = out(Kind::Predictions, "predictions.csv"))
            .gate("accuracy >= 0.9")
    };
    let half = "id,label,score\na,1,0.9\nb,1,0.2\nc,0,0.8\nd,0,0.1\n";
    let measured = |plan: PlanBuilder| async move {
        let script = ScriptedExecutor::new()
            .on("score", [Act::succeed().output("out", half)])
            .on("time", [Act::succeed().metric("latency", 0.06)]);
        Place::new().run(plan, Arc::new(script)).await
    };
    let timed = |unit: &str| {
        let mut plan = PlanBuilder::new().stage("evaluate").step("time", &[]).gate("latency <= 50ms");
        let unit = MetricDeclaration { better: Some(Better::Lower), unit: Some(unit.into()) };
        plan.plan.metrics.insert("latency".into(), unit);
        plan
    };
    let lowered = |change: &dyn Fn(&mut PlanBuilder)| {
        let mut head = predicted();
        change(&mut head);
        (predicted(), head)
    };
    for (what, (base, mut head), alone) in [
        ("samples", lowered(&|head| head.plan.gate_defaults.min_samples = Some(500)), RunResult::Held),
        ("confidence", lowered(&|head| head.plan.gate_defaults.confidence = Some(0.999)), RunResult::Held),
        ("unit", (timed("s"), timed("ms")), RunResult::Passed),
    ] {
        let mut unjudged = head.plan.clone();
        std::mem::swap(&mut unjudged, &mut head.plan);
        let run = measured(PlanBuilder { plan: unjudged }).await;
        assert_eq!(run.summary.result, alone, "{what}, by itself: {}", run.reason());
        assert!(kinds(&base, &head).contains(&ChangeKind::GateLoosened), "{what}");
        enforce(&mut head.plan, &base.plan);
        let run = measured(head).await;
        assert_eq!(run.summary.result, RunResult::GateFailed, "{what}: {}", run.reason());
    }
}

/// The digest is that of the changes: it stays while they do, and dies with the first other one.
#[test]
fn approvals_are_of_exactly_these_changes() {
    let base = plan(&["g: auc >= 0.9"]);
    let digest = |gates: &[&str]| report(&base, &plan(gates)).digest;
    assert_eq!(digest(&["g: auc >= 0.5"]), digest(&["g: auc >= 0.5"]));
    assert_ne!(digest(&["g: auc >= 0.5"]), digest(&["g: auc >= 0.4"]));
    assert_eq!(digest(&["g: auc >= 0.95"]), None);
}

/// What a gate is judged on is policy as much as its bound.
#[test]
fn what_is_measured_and_where_is_policy() {
    let confined = || {
        let mut plan = plan(&["auc >= 0.9"]);
        let container = Action::Container { container: Box::new(Container::of("python:3.13")), run: None };
        plan.plan.steps[0].action = container;
        plan.plan.data.insert("test".into(), DataSet { path: "a.csv".into(), id: None, label: None });
        plan.plan.params.insert("full".into(), true.into());
        plan.plan.stages[0].condition = Some(is("params.full", "true"));
        plan
    };
    let changed = |change: &dyn Fn(&mut PlanBuilder)| {
        let mut head = confined();
        change(&mut head);
        kinds(&confined(), &head)
    };
    assert_eq!(changed(&|_| {}), []);
    assert_eq!(
        changed(&|head| head.plan.data.get_mut("test").unwrap().path = "easy.csv".into()),
        [ChangeKind::Measured]
    );
    assert_eq!(changed(&|head| head.plan.params["full"] = false.into()), [ChangeKind::Order]);
    let better = MetricDeclaration { better: Some(Better::Lower), unit: None };
    assert_eq!(
        changed(&|head| drop(head.plan.metrics.insert("auc".into(), better.clone()))),
        [ChangeKind::Metric]
    );
    let root = Allow { capabilities: vec!["SYS_PTRACE".into()], write_root: true, ..Allow::default() };
    assert_eq!(changed(&|head| head.plan.steps[0].allow = root.clone()), [ChangeKind::Capability; 2]);
    assert_eq!(changed(&|head| head.plan.steps[0].action = on_the_host()), [ChangeKind::Capability]);
    let user = Container { user: Some("0".into()), ..Container::of("python:3.13") };
    let user = Action::Container { container: Box::new(user), run: None };
    assert_eq!(changed(&|head| head.plan.steps[0].action = user.clone()), [ChangeKind::Capability]);
    // One cell of a matrix in place of another.
    let cells = |seeds: [&str; 2]| {
        let mut plan = confined();
        let mut second = plan.plan.steps[0].clone();
        plan.plan.steps[0].id.cell = vec![("seed".into(), seeds[0].into())];
        second.id.cell = vec![("seed".into(), seeds[1].into())];
        plan.plan.steps.push(second);
        plan
    };
    assert!(kinds(&cells(["1", "5"]), &cells(["5", "6"])).contains(&ChangeKind::Measured));
    assert!(!kinds(&cells(["1", "5"]), &cells(["5", "1"])).contains(&ChangeKind::Measured));
}

/// A promotion waits for the gates of all stages before it, also through stages that have none.
#[test]
fn a_promotion_waits_for_gates_at_any_distance() {
    let chain = || {
        let mut plan = PlanBuilder::new()
            .stage("evaluate")
            .step_with("fit", &[], |step| step.outputs = out(Kind::Model, "model.onnx"))
            .gate("auc >= 0.9")
            .stage("canary")
            .step("ping", &[])
            .stage("deploy")
            .promote("fit");
        plan.plan.stages[2].needs = vec![1];
        plan
    };
    let mut head = chain();
    head.plan.stages[1].needs.clear();
    assert_eq!(kinds(&chain(), &head), [ChangeKind::Order]);
}
