//! What users see of two runs.

use std::convert::Infallible;

use super::{Comparison, Side, markdown, text};
use crate::{
    environment::Look,
    report::{plan_outline::PlanOutline, recorded::Recorded, samples, scored::ScoredRun, visible},
};

const PLAIN: Look = Look { color: false, unicode: true, terminal: false, width: 80 };

fn recorded(events: Vec<runner_engine::event::RunEvent>) -> Recorded {
    Recorded::from_events(events.into_iter().map(Ok::<_, Infallible>)).unwrap().unwrap()
}

/// Two runs whose step `score` worked on the data set `test`.
fn compared(a: &Recorded, b: &Recorded) -> Comparison {
    let plan: PlanOutline = serde_json::from_value(serde_json::json!({
        "metrics": { "latency": { "better": "lower", "unit": "ms" } },
        "steps": [
            { "id": { "name": "score", "cell": [] }, "inputs": { "data": { "Data": "test" }, "extra": { "Path": "x" } } }
        ]
    }))
    .unwrap();
    let scored = ScoredRun::default();
    let side = |recorded| -> Side<'_> { side(recorded, &plan, &scored) };
    Comparison::of(&side(a), &side(b))
}

fn side<'a>(recorded: &'a Recorded, plan: &'a PlanOutline, scored: &'a ScoredRun) -> Side<'a> {
    Side { record: &recorded.record, plan, scored }
}

fn changed() -> Recorded {
    let mut other = recorded(samples::passed());
    let score = &mut other.record.stages[1].steps[1];
    score.metrics[0].value = 0.95;
    score.metrics[1].value = 0.997;
    score.metrics.pop();
    other.record.stages[1].gates[0].verdict = runner_gate::verdict::Verdict::Fail;
    other.record.params = serde_json::json!({ "lr": 0.2, "depth": 3 });
    other
}

#[test]
fn what_changed_and_which_way() {
    let comparison = compared(&recorded(samples::passed()), &changed());
    insta::assert_snapshot!(text(&comparison, PLAIN));
    insta::assert_snapshot!(markdown(&comparison));
}

#[test]
fn other_rows_are_no_change() {
    let mut other = changed();
    other.record.data[0].digest = "sha256:99999999999999999999".into();
    let comparison = compared(&recorded(samples::passed()), &other);
    let seen = text(&comparison, PLAIN);
    insta::assert_snapshot!(seen);
    let json = serde_json::to_value(&comparison).unwrap();
    let accuracy = &json["metrics"][0];
    assert_eq!(accuracy["meaning"], "not-comparable");
    assert_eq!(accuracy.get("change"), None, "{accuracy}");
    let problem = accuracy["problem"].as_str().unwrap();
    assert!(problem.contains("sha256:00112233445566778899"), "{problem}");
    assert!(problem.contains("sha256:99999999999999999999"), "{problem}");
}

#[test]
fn hostile_names_stay_names() {
    let hostile = recorded(samples::hostile());
    let comparison = compared(&hostile, &recorded(samples::passed()));
    let seen = text(&comparison, PLAIN);
    assert!(!seen.chars().any(|character| visible::is_dangerous(character) && character != '\n'), "{seen:?}");
    let page = markdown(&comparison);
    assert!(!page.contains("<script") && !page.contains("@team"), "{page}");
    assert!(serde_json::to_string(&comparison).is_ok());
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    let comparison = compared(&recorded(samples::passed()), &changed());
    for width in [60, 80, 120] {
        for line in text(&comparison, Look { width, ..PLAIN }).lines() {
            assert!(visible::width(line) <= width, "{width}: {line}");
        }
    }
}
