use std::{fs, sync::Arc, time::Duration};

use runner_engine::{
    SecretValue,
    executor::{Finding, Metric, Severity},
    outcome::StepOutcome,
    scripted::{Act, ScriptedExecutor},
};

use crate::plans::{Place, PlanBuilder};

const SECRET: &str = "correct-horse-battery";

fn secret() -> Vec<SecretValue> {
    vec![SecretValue { name: "TOKEN".into(), value: SECRET.into() }]
}

#[tokio::test]
async fn no_secret_is_in_the_record() {
    let mut act = Act::ending(StepOutcome::Failed { code: Some(1), message: format!("{SECRET} is wrong") });
    act.lines = vec![format!("token {SECRET}"), "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5".into()];
    act.metrics =
        vec![Metric { name: SECRET.into(), value: 1.0, slice: vec![(SECRET.into(), SECRET.into())] }];
    act.findings = vec![Finding {
        severity: Severity::Error,
        rule: SECRET.into(),
        message: SECRET.into(),
        input: Some(SECRET.into()),
        column: Some(SECRET.into()),
        rows: Vec::new(),
        examples: vec![SECRET.into()],
        count: 1,
    }];
    let mut plan = PlanBuilder::new().stage("one").step("a", &[]);
    plan.plan.params.insert("token".into(), SECRET.into());
    let place = Place::new();
    let mut options = place.options(plan, Arc::new(ScriptedExecutor::new().on("a", [act])));
    options.secrets = secret();
    let run = place.run_with(options).await;
    assert!(!format!("{:?}", run.summary).contains(SECRET));
    let folder = place.store.root().join("runs").join(&run.summary.run_id);
    for file in ["events.jsonl", "run.json", "plan.json"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(!text.contains(SECRET) && !text.contains("Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"), "{file}: {text}");
        assert!(text.contains("***"));
    }
    assert_eq!(run.lines("a"), ["token ***", "***"]);
}

#[tokio::test]
async fn a_secret_across_pieces_of_a_long_line_is_hidden() {
    let place = Place::new();
    // At every position around the place where a long line is cut.
    for before in (65_536 - 24)..(65_536 + 4) {
        let plan = PlanBuilder::new().stage("one").run(
            "a",
            &format!("head -c {before} /dev/zero | tr '\\0' x; printf '{SECRET}'; head -c 70000 /dev/zero | tr '\\0' y; echo; echo next"),
            |_| {},
        );
        let mut options = place.options(plan, Arc::new(crate::processes::executor(Duration::from_secs(1))));
        options.secrets = secret();
        let run = place.run_with(options).await;
        let lines = run.lines("a");
        assert_eq!(lines.last(), Some(&"next"));
        let all = lines[..lines.len() - 1].concat();
        let expected = format!("{}***{}", "x".repeat(before), "y".repeat(70_000));
        assert!(all == expected, "{before}: {}", all.replace("xxxx", "").replace("yyyy", ""));
    }
}
