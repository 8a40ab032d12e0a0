use proptest::prelude::*;
use runner_engine::{
    event::{RunResult, StageResult, StepResult},
    executor::{Finding, Metric, Severity},
    outcome::StepOutcome,
    policy::{ChangeKind, PolicyBase, PolicyChange, PolicyReport},
    record::{DataRecord, PromotionRecord, RunRecord, StageRecord, StepRecord, StepState, WarningRecord},
};
use runner_gate::verdict::{Judgement, ReferenceValue, RuleJudgement, Verdict};

use crate::post::annotations;

use super::{
    BaseFigures, FORMAT, GateLine, Report, Settings, StageShape, StepLine,
    history::{self, Past},
    limits::{BYTES, CHARACTERS, CHECK, fits},
    marker::Marker,
    render,
    snapshot::Snapshot,
};

pub(crate) fn judgement(text: &str, verdict: Verdict, rules: Vec<RuleJudgement>) -> Judgement {
    Judgement {
        id: text.into(),
        text: text.into(),
        verdict,
        message: format!("{text} was judged"),
        rules,
        ..Judgement::default()
    }
}

pub(crate) fn rule(term: &str, observed: f64, bound: f64, verdict: Verdict) -> RuleJudgement {
    let slice = term
        .split_once('[')
        .map(|(_, inside)| vec![("region".to_owned(), inside.trim_end_matches(']').to_owned())]);
    RuleJudgement {
        metric: term.split('[').next().unwrap_or_default().into(),
        term: term.into(),
        slice: slice.unwrap_or_default(),
        observed: Some(observed),
        unit: Some("fraction".into()),
        comparator: ">=".into(),
        bound_text: bound.to_string(),
        bound: Some(bound),
        n: Some(412),
        verdict,
        message: format!("{term} {observed} against {bound}"),
        ..RuleJudgement::default()
    }
}

fn step(id: &str, result: StepOutcome) -> StepRecord {
    let json = serde_json::json!({
        "id": id, "state": "finished", "attempts": 1, "executor": "process", "sandboxed": true, "started_ms": 1.0,
        "duration_ms": 41.0, "result": null, "skipped": null, "metrics": [], "findings": [], "artifacts": [],
    });
    let mut step: StepRecord = serde_json::from_value(json).unwrap();
    step.result = Some(StepResult::Ran(result));
    step.state = StepState::Finished;
    step
}

/// A pull request that failed a gate, is held by another, and passed a third.
pub(crate) fn sample() -> Report {
    let mut schema = step("schema", StepOutcome::Succeeded);
    schema.findings.push(Finding {
        severity: Severity::Warning,
        rule: "range".into(),
        message: "12 values above 120".into(),
        input: Some("data".into()),
        column: Some("age".into()),
        rows: vec![3],
        examples: vec!["140".into()],
        count: 12,
    });
    let mut score = step("score", StepOutcome::Succeeded);
    score.metrics.push(Metric { name: "loss".into(), value: 0.3, slice: Vec::new() });
    let mut auc = rule("auc", 0.9671, 0.95, Verdict::Hold);
    auc.reference = Some(ReferenceValue { name: "baseline".into(), value: Some(0.912) });
    let gates = vec![
        judgement(
            "recall[region=*] >= 0.80",
            Verdict::Fail,
            vec![
                rule("recall[region=LATAM]", 0.731, 0.8, Verdict::Fail),
                rule("recall[region=EU]", 0.893, 0.8, Verdict::Pass),
            ],
        ),
        judgement("auc <= baseline + 5% else hold", Verdict::Hold, vec![auc]),
        judgement("accuracy >= 0.9", Verdict::Pass, vec![rule("accuracy", 0.93, 0.9, Verdict::Pass)]),
    ];
    let stage = |name: &str, result, steps, gates: Vec<Judgement>| StageRecord {
        name: name.into(),
        result: Some(result),
        duration_ms: 100.0,
        steps,
        planned_gates: gates.len(),
        gates,
        promotions: Vec::new(),
    };
    let run = RunRecord {
        format: 1,
        run_id: "20261125-080000-abcd".into(),
        workflow: "churn".into(),
        file: "workflows/churn.yml".into(),
        workflow_digest: "41f0".repeat(16),
        runner_version: "0.1.0".into(),
        git_commit: Some("a".repeat(40)),
        git_branch: Some("feature/lr".into()),
        git_dirty: false,
        evidence: None,
        references: Vec::new(),
        params: serde_json::json!({ "lr": 0.2, "deep": { "layers": 3 } }),
        jobs: 2,
        started_at: "2026-11-25T08:00:00Z".parse().unwrap(),
        finished_at: Some("2026-11-25T08:02:41.5Z".parse().unwrap()),
        duration_ms: 161_000.0,
        result: Some(RunResult::GateFailed),
        exit_code: Some(3),
        verdict: Verdict::Fail,
        reason: Some("gate `recall[region=*] >= 0.80` says FAIL".into()),
        data: vec![DataRecord {
            name: "train".into(),
            path: "data/train.csv".into(),
            digest: format!("sha256:{}", "9c02".repeat(16)),
            size: 100,
        }],
        stages: vec![
            stage("validate", StageResult::Passed, vec![schema], Vec::new()),
            stage("evaluate", StageResult::Failed, vec![score], gates),
        ],
        warnings: vec![WarningRecord { code: "engine::x".into(), message: "something".into() }],
    };
    Report {
        format: FORMAT,
        path: "workflows/churn.yml".into(),
        head_sha: Some("a".repeat(40)),
        settings: Settings { comment: true, check: true, ..Settings::default() },
        stages: vec![
            StageShape { name: "validate".into(), ..StageShape::default() },
            StageShape { name: "evaluate".into(), needs: vec![0], environment: None },
        ],
        gate_lines: (0..3)
            .map(|gate| GateLine { stage: "evaluate".into(), gate, line: Some(20 + gate) })
            .collect(),
        step_lines: vec![StepLine { step: "schema".into(), line: 8 }],
        finding_places: Vec::new(),
        policy: PolicyReport::default(),
        base: BaseFigures::None,
        evidence: None,
        run_url: Some("https://github.com/acme/churn/actions/runs/900".into()),
        run,
    }
}

pub(crate) fn passed() -> Report {
    let mut report = sample();
    let stage = &mut report.run.stages[1];
    stage.gates.drain(..2);
    stage.planned_gates = 1;
    stage.result = Some(StageResult::Passed);
    report.run.verdict = Verdict::Pass;
    report.run.result = Some(RunResult::Passed);
    report.run.exit_code = Some(0);
    report.run.reason = None;
    report
}

fn loosened() -> PolicyChange {
    PolicyChange {
        kind: ChangeKind::GateLoosened,
        place: "evaluate".into(),
        before: Some("auc >= 0.9".into()),
        after: Some("auc >= 0.8".into()),
        how: vec!["`auc >= 0.9` → `auc >= 0.8`".into()],
    }
}

#[test]
fn the_whole_comment() {
    let mut report = sample();
    let grant = PolicyChange {
        kind: ChangeKind::Capability,
        place: "drift".into(),
        before: None,
        after: Some("net: https://metrics.mlguard.io".into()),
        how: Vec::new(),
    };
    report.policy = PolicyReport::new(PolicyBase::Commit("b".repeat(40)), vec![loosened(), grant]);
    let mut before = passed();
    before.run.params = serde_json::json!({ "lr": 0.1, "deep": { "layers": 3 } });
    before.run.data[0].digest = format!("sha256:{}", "41f0".repeat(16));
    before.head_sha = Some("b".repeat(40));
    report.base = BaseFigures::Found {
        source: "the store".into(),
        commit: "b".repeat(40),
        snapshot: Box::new(Snapshot::of(&before)),
    };
    let earlier = [Past::of(&before)];
    let body = render::comment(&report, &earlier);
    let shown = body
        .text
        .lines()
        .filter(|line| !line.starts_with("<!-- runner:history"))
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(shown);
}

#[test]
fn the_marker_knows_the_content_and_not_the_occasion() {
    let report = sample();
    let body = render::comment(&report, &[]);
    assert_eq!(Marker::read(&body.text), Some(body.marker.clone()));
    let mut again = report.clone();
    again.run.run_id = "another".into();
    again.run.duration_ms = 1.0;
    again.run_url = None;
    again.run.stages[0].steps[0].duration_ms = 9.0;
    assert_eq!(render::comment(&again, &[]).marker, body.marker);
    let mut other = report;
    other.run.stages[1].gates[0].rules[0].observed = Some(0.7);
    assert_ne!(render::comment(&other, &[]).marker.body, body.marker.body);
}

/// However much there is to say, a comment fits, and says the verdict.
#[test]
fn any_report_fits() {
    let mut report = sample();
    let long = "🎉|`<b>@all".repeat(200);
    for n in 0..3000 {
        let mut row = rule(&format!("recall[region={n}{long}]"), 0.1, 0.8, Verdict::Fail);
        row.message = long.clone();
        report.run.stages[1].gates[0].rules.push(row);
    }
    for n in 0..500 {
        let mut extra = report.run.stages[0].clone();
        extra.name = format!("{n}{long}");
        report.run.stages.push(extra);
    }
    report.run.workflow = long.clone();
    report.run.reason = Some(long.clone());
    report.run.warnings = vec![WarningRecord { code: long.clone(), message: long.clone() }; 1000];
    report.policy = PolicyReport::new(
        PolicyBase::None,
        (0..1000)
            .map(|n| PolicyChange { place: format!("{n}{long}"), how: vec![long.clone(); 3], ..loosened() })
            .collect(),
    );
    let body = render::comment(&report, &[]);
    assert!(fits(&body.text, CHARACTERS, BYTES), "{} bytes", body.text.len());
    assert!(body.text.contains("FAIL") && body.text.contains("Policy changes"), "{}", &body.text[..2000]);
    let text = render::text(&report, &[], CHECK);
    assert!(text.chars().count() <= CHECK);
    assert!(Snapshot::of(&report).hidden().len() < 50_000);
}

/// A bundle may hold what no run writes, and a report that GitHub refuses for its length would be one that nobody sees.
#[test]
fn what_no_rung_bounds_is_cut() {
    let accents = format!("a{}", "\u{301}".repeat(20_000));
    let unseen = "\u{202e}".repeat(300);
    let promotion = |n: usize| PromotionRecord {
        model: format!("m{n}{unseen}"),
        alias: "champion".into(),
        version: None,
        digest: None,
        previous: None,
        refused: Some(unseen.clone()),
    };
    let mut many = sample();
    many.run.stages[0].promotions = (0..3000).map(promotion).collect();
    let mut how = sample();
    let change = PolicyChange { how: vec![unseen.clone(); 3000], ..loosened() };
    how.policy = PolicyReport::new(PolicyBase::None, vec![change; 5]);
    let mut dense = sample();
    for step in &mut dense.run.stages[0].steps {
        step.id.clone_from(&accents);
    }
    for gate in &mut dense.run.stages[1].gates {
        (gate.text, gate.message) = (accents.clone(), accents.clone());
        gate.rules.iter_mut().for_each(|rule| rule.term.clone_from(&accents));
    }
    dense.run.workflow.clone_from(&accents);
    dense.run.reason = Some(accents.clone());
    dense.path.clone_from(&accents);
    for report in [many, how, dense] {
        let body = render::comment(&report, &[Past::of(&report)]);
        assert!(fits(&body.text, CHARACTERS, BYTES), "{} bytes", body.text.len());
        assert_eq!(Marker::read(&body.text), Some(body.marker.clone()));
        assert!(body.text.contains("FAIL"), "{}", &body.text.chars().take(3000).collect::<String>());
        assert_eq!(history::find(&body.text).len(), 1, "what a later run reads is whole");
        let count = |tag: &str| body.text.matches(tag).count();
        assert_eq!(count("<details>"), count("</details>"));
        assert!(render::text(&report, &[], CHECK - 40_000).chars().count() <= CHECK - 40_000);
        for annotation in annotations::all(&report) {
            assert!(annotation.message.len() < 64 * 1024 && annotation.title.chars().count() <= 1000);
        }
    }
}

/// It stands in Markdown as it is, so that it has to be what it is called.
#[test]
fn a_digest_is_a_digest() {
    let mut report = sample();
    report.evidence = Some("sha256:` ![x](https://example.com) @all".into());
    let text = render::comment(&report, &[]).text;
    assert!(text.contains("`/runner approve DIGEST`") && !text.contains("![x]"), "{text}");
}

#[test]
fn snapshots_travel() {
    let report = sample();
    let snapshot = Snapshot::of(&report);
    assert!((snapshot.figures["recall[region=LATAM]"] - 0.731).abs() < 1e-12);
    assert!((snapshot.metrics["score.loss"] - 0.3).abs() < 1e-12);
    assert_eq!(snapshot.params["deep.layers"], "3");
    assert_eq!(Snapshot::find(&format!("text\n{}\n", snapshot.hidden())), Some(snapshot));
    assert_eq!(Snapshot::find("<!-- runner:data v1 %%% -->"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Names are written by whoever opened the pull request. Whatever they are, the document keeps its shape.
    #[test]
    fn hostile_names_change_no_structure(name in "(?s).{0,40}|[-|`<>@#:\\[\\]()!*_~\n\r]{0,20}") {
        let shape = |report: &Report| {
            let text = render::comment(report, &[]).text;
            let count = |needle: &str| text.matches(needle).count();
            // Tags, folds, fences and rows of tables are ours alone.
            let rows: Vec<usize> = text.lines().filter(|line| line.starts_with('|')).map(|line| {
                line.replace("\\|", "").matches('|').count()
            }).collect();
            (count("<details>"), count("</details>"), count("<code>"), count("</code>"), count("```"), rows, text.lines().count())
        };
        let report = sample();
        let mut hostile = report.clone();
        hostile.run.workflow = name.clone();
        hostile.run.reason = Some(name.clone());
        hostile.run.stages[1].name = name.clone();
        hostile.run.stages[1].gates[0].text = name.clone();
        hostile.run.stages[1].gates[0].id = name.clone();
        hostile.run.stages[1].gates[0].rules[0].term = name.clone();
        hostile.run.stages[1].gates[0].rules[0].message = name.clone();
        hostile.run.stages[1].steps[0].id = name.clone();
        hostile.run.stages[0].steps[0].findings[0].rule = name.clone();
        hostile.run.stages[0].steps[0].findings[0].message = name.clone();
        hostile.run.stages[0].steps[0].findings[0].column = Some(name.clone());
        hostile.run.data[0].name = name.clone();
        hostile.run.warnings[0].message = name.clone();
        hostile.path = name.clone();
        hostile.run_url = Some(name.clone());
        let mut plain = report;
        plain.run_url = None;
        prop_assert_eq!(shape(&hostile), shape(&plain));
    }
}
