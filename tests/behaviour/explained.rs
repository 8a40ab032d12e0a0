//! Why a gate said what it said, and what differs between two runs.

use runner_tests::Workspace;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_gate_is_explained() {
    let workspace = Workspace::with_examples();
    let _ = workspace.run(&["run", "workflows/gate-fails.yml", "-q"]).expect_code(3);
    let seen = workspace.run(&["gate", "explain", "latest", "recall >= 0.90"]).expect_code(0);
    for words in [
        "✗ FAIL recall >= 0.90 (evaluate)",
        "recall 0.875 is below 0.9 (n = 171)",
        "recall = tp / (tp + fn)",
        "point estimate",
    ] {
        assert!(seen.stdout.contains(words), "{words}: {}", seen.snapshot());
    }
    let seen = workspace.run(&["gate", "explain", "latest", "recall["]).expect_code(0);
    let place = |text: &str| seen.stdout.find(text).unwrap_or_else(|| panic!("{text}: {}", seen.snapshot()));
    assert!(place("✗ FAIL  recall[texture_group=coarse]") < place("✓ PASS  recall[texture_group=fine]"));
    let seen = workspace.run(&["gate", "explain", "latest", "--json"]).expect_code(0);
    let all = json(&seen.stdout);
    let verdicts: Vec<&str> = all["gates"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|gate| gate["judgement"]["verdict"].as_str())
        .collect();
    assert_eq!(verdicts.first(), Some(&"fail"), "the worst comes first: {verdicts:?}");
    assert!(all["gates"][0]["decided_by"].as_str().unwrap().contains("is below"), "{all}");
    let of_latest = workspace.run(&["gate", "explain", "recall["]).expect_code(0);
    assert_eq!(of_latest.stdout, workspace.run(&["gate", "explain", "latest", "recall["]).stdout);
    let seen = workspace.run(&["gate", "explain", "latest", "nothing"]).expect_code(2);
    insta::assert_snapshot!("explain_unknown", seen.snapshot());
}

/// With a confidence, the explanation tells both ends, what the rows are able to see, and how many would be enough.
#[test]
fn a_gate_with_confidence_is_explained() {
    let workspace = Workspace::with_examples();
    let text = workspace.read("workflows/champion-challenger.yml").replace(
        "- recall >= baseline\n",
        "- { id: recall-kept, metric: recall, no-worse-than: { ref: baseline, margin: 1pp }, confidence: 0.95, why: what is missed is not treated }\n",
    );
    workspace.write("workflows/confident.yml", &text);
    for (c, code) in [("c=1.0", 0), ("c=0.01", 3)] {
        let _ = workspace.run(&["run", "workflows/confident.yml", "-q", "-p", c]).expect_code(code);
    }
    let seen = workspace.run(&["gate", "explain", "recall-kept"]).expect_code(0);
    insta::assert_snapshot!("explain_confident", seen.snapshot());
}

#[test]
fn flips_have_ids() {
    let workspace = Workspace::with_examples();
    for (c, code) in [("c=0.01", 0), ("c=0.0001", 3)] {
        let _ = workspace.run(&["run", "workflows/champion-challenger.yml", "-q", "-p", c]).expect_code(code);
    }
    let seen = workspace.run(&["gate", "explain", "latest", "harmful_flips", "--json"]).expect_code(0);
    let explained = json(&seen.stdout);
    let flips = &explained["flips"][0]["flips"];
    let harmful = flips["harmful"].as_u64().unwrap();
    assert!(harmful > 0, "{explained}");
    // Told once, however many gates they say something of.
    let all = workspace.run(&["gate", "explain", "latest"]).expect_code(0);
    assert_eq!(all.stdout.matches("Flips of score").count(), 1, "{}", all.snapshot());
    let ids = flips["harmful_rows"].as_array().unwrap();
    assert!(!ids.is_empty() && ids.iter().all(|row| row["id"].as_str().is_some_and(|id| !id.is_empty())));
    // The same share that the gate judged.
    let observed = explained["gates"][0]["judgement"]["rules"][0]["observed"].as_f64().unwrap();
    let rows = flips["rows"].as_f64().unwrap();
    assert!((observed - flips["harmful"].as_f64().unwrap() / rows).abs() < 1e-12, "{explained}");
    // Both runs scored the same rows: the challenger against the champion, and one run against the other.
    let compared = json(&workspace.run(&["compare", "latest~1", "--json"]).expect_code(0).stdout);
    assert_eq!(compared["flips"][0]["flips"]["harmful"].as_u64(), Some(harmful), "{compared}");
    let _ = workspace.run(&["report", "latest", "--html", "report.html"]).expect_code(0);
    let page = workspace.read("report.html");
    assert!(page.contains("Right before, wrong now"), "flips are in the report");
    let folded = format!("<summary>{} more rows</summary>", harmful - 10);
    assert!(page.contains(&folded), "the largest are in sight, the others unfold: {folded}");
    assert!(page.contains("baseline"), "the baseline's curves are drawn");
}

/// The worst rule stands first, and says which it is; the others are there too.
#[test]
fn a_gate_of_two_rules_shows_both() {
    let workspace = Workspace::with_workflow(
        r#"
name: w
stages:
  e:
    steps:
      - { id: s, run: "printf '{\"name\":\"latency\",\"value\":40}\n{\"name\":\"size\",\"value\":300}\n' >> $RUNNER_METRICS" }
    gates: ["latency <= 50 and size <= 200"]
"#,
    );
    let _ = workspace.run(&["run", "workflow.yml"]).expect_code(3);
    let _ = workspace.run(&["report", "latest", "--html", "page.html"]).expect_code(0);
    let page = workspace.read("page.html");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
    assert!(place("size 300 is above 200") < place("its rule on latency: "));
}

#[test]
fn two_runs_side_by_side() {
    let workspace = Workspace::with_examples();
    let _ = workspace.run(&["run", "workflows/champion-challenger.yml", "-q", "-p", "c=0.01"]).expect_code(0);
    let _ =
        workspace.run(&["run", "workflows/champion-challenger.yml", "-q", "-p", "c=0.0001"]).expect_code(3);
    let seen = workspace.run(&["compare", "latest~1", "latest"]).expect_code(0);
    for words in [
        "accuracy",
        "↓ worse",
        "PASS   → FAIL    accuracy >= 0.85 (evaluate)",
        "right → wrong",
        "c  0.01 → 0.0001  changed",
    ] {
        assert!(seen.stdout.contains(words), "{words}: {}", seen.snapshot());
    }
    assert!(
        !seen.stdout.contains("score@baseline"),
        "what a run was compared with is no metric of it: {}",
        seen.snapshot()
    );
    assert!(seen.stdout.contains("exact\n  McNemar p < 0.0001"), "{}", seen.snapshot());
    let seen = workspace.run(&["compare", "latest~1", "latest", "--format", "markdown"]).expect_code(0);
    assert!(seen.stdout.contains("| accuracy |"), "{}", seen.stdout);
}

#[test]
fn numbers_of_other_rows_are_not_compared() {
    let workspace = Workspace::with_examples();
    let test = "workflows/data/breast-cancer/test.csv";
    let _ = workspace.run(&["run", "workflows/quickstart.yml", "-q"]).expect_code(0);
    let rows = workspace.read(test);
    let (all_but_one, _) = rows.trim_end().rsplit_once('\n').unwrap();
    workspace.write(test, format!("{all_but_one}\n"));
    let _ = workspace.run(&["run", "workflows/quickstart.yml", "-q"]).expect_code(0);
    let compared = json(&workspace.run(&["compare", "latest~1", "--json"]).expect_code(0).stdout);
    let metrics = compared["metrics"].as_array().unwrap();
    let accuracy = metrics.iter().find(|row| row["metric"] == "accuracy").unwrap();
    assert_eq!(accuracy["meaning"], "not-comparable", "{accuracy}");
    assert!(accuracy.get("change").is_none() && accuracy["a"].is_number() && accuracy["b"].is_number());
    let digests: Vec<&str> = ["a", "b"]
        .iter()
        .filter_map(|side| {
            compared["data"].as_array()?.iter().find(|row| row["name"] == "test")?[side].as_str()
        })
        .collect();
    assert_eq!(digests.len(), 2);
    for digest in digests {
        assert!(accuracy["problem"].as_str().unwrap().contains(digest), "{accuracy}");
    }
    assert!(compared["flips"][0]["problem"].as_str().unwrap().contains("not comparable"), "{compared}");
}

#[test]
fn a_report_of_predicted_numbers_has_plots_of_its_own() {
    let workspace = Workspace::with_examples();
    let _ = workspace.run(&["run", "workflows/linear.yml", "-q"]).expect_code(0);
    let seen = workspace.run(&["report", "--format", "html"]).expect_code(0);
    for name in ["Predicted and actual", "Residuals by prediction", "RMSE"] {
        assert!(seen.stdout.contains(name), "{name}");
    }
    assert!(!seen.stdout.contains("ROC"));
}
