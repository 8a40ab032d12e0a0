use serde_json::json;

use super::from_json;
use crate::{grammar::Method, stats::correction::Correction, verdict::Level};

#[test]
fn reads_the_whole_form() {
    let gate = from_json(&json!({
        "id": "auc-no-regression", "metric": "auc", "min": 0.85, "max": "99.9%",
        "no-worse-than": { "ref": "baseline", "margin": "0.2pp" },
        "improve-by": { "ref": "previous" },
        "at-most-better-than": { "ref": "baseline", "margin": "5%" },
        "min-samples": 500, "on-missing": "warn", "else": "hold", "why": "Legal",
        "slices": { "by": ["region", ["region", "device"]], "except": { "region": ["XX", 7] }, "min-samples": 200, "worst": 3 },
    }))
    .unwrap();
    assert_eq!(
        gate.to_string(),
        "auc-no-regression: auc >= 0.85 and auc <= 99.9% and auc no-worse-than baseline margin 0.2pp \
         and auc improve-by previous margin 0 and auc at-most-better-than baseline margin 5% else hold"
    );
    let slices = gate.settings.slices.clone().unwrap();
    assert_eq!(slices.by, [vec!["region".to_owned()], vec!["region".to_owned(), "device".to_owned()]]);
    assert_eq!(slices.except, [("region".to_owned(), vec!["XX".to_owned(), "7".to_owned()])]);
}

#[test]
fn reads_the_keys_of_uncertainty() {
    let gate = from_json(&json!({
        "metric": "auc", "min": 0.5, "confidence": 0.95, "method": "auto", "resamples": 2000, "seed": 7,
        "cluster": "user", "stratify": "label", "min-power": 0.8, "correction": "holm",
        "on-inconclusive": { "pull_request": "warn", "promote": "hold" },
    }))
    .unwrap();
    let settings = &gate.settings;
    assert_eq!((settings.confidence, settings.min_power), (Some(0.95), Some(0.8)));
    assert_eq!((settings.resamples, settings.seed), (Some(2000), Some(7)));
    assert_eq!((settings.cluster.as_deref(), settings.stratify.as_deref()), (Some("user"), Some("label")));
    assert_eq!((settings.method, settings.correction), (Method::Auto, Correction::Holm));
    assert_eq!(settings.on_inconclusive.at(Some("pull_request")), Some(Level::Warn));
    assert_eq!(settings.on_inconclusive.at(Some("push")), None);
    assert_eq!(settings.on_inconclusive.at(None), None);
    for (key, value) in
        [("resamples", json!(10)), ("method", json!("magic")), ("correction", json!("bonferroni"))]
    {
        let problems = from_json(&json!({ "metric": "auc", "min": 0.5, key: value })).unwrap_err();
        assert_eq!(problems[0].pointer, format!("/{key}"));
    }
}

#[test]
fn reports_all_problems_with_their_places() {
    let problems = from_json(&json!({
        "metirc": "auc", "min": "fast", "max": true, "no-worse-than": { "margin": "-1%", "rfe": "baseline" },
        "else": "wran", "confidence": 95, "min-samples": -1, "id": "two words", "on-missing": 3,
        "slices": { "by": [], "except": { "a/b": ["x"] }, "wrost": 2 },
    }))
    .unwrap_err();
    let found: Vec<(&str, &str)> = problems.iter().map(|p| (p.pointer.as_str(), p.code)).collect();
    for expected in [
        ("/metirc", "gate::unknown-key"),
        ("", "gate::no-metric"),
        ("/min", "gate::syntax"),
        ("/max", "gate::type"),
        ("/no-worse-than/rfe", "gate::unknown-key"),
        ("/no-worse-than/margin", "gate::number"),
        ("/no-worse-than", "gate::no-reference"),
        ("/else", "gate::unknown-word"),
        ("/confidence", "gate::number"),
        ("/min-samples", "gate::type"),
        ("/id", "gate::id"),
        ("/on-missing", "gate::type"),
        ("/slices/by", "gate::no-slices"),
        ("/slices/except/a~1b", "gate::slices"),
        ("/slices/wrost", "gate::unknown-key"),
    ] {
        assert!(found.contains(&expected), "{expected:?} not in {found:#?}");
    }
    let help = |pointer: &str| problems.iter().find(|p| p.pointer == pointer).unwrap().help.clone().unwrap();
    assert_eq!(help("/metirc"), "did you mean `metric`?");
    assert_eq!(help("/else"), "did you mean `warn`?");
    assert_eq!(help("/confidence"), "write `0.95`");
}

#[test]
fn a_gate_without_a_rule_would_judge_nothing() {
    assert_eq!(from_json(&json!({ "metric": "auc" })).unwrap_err()[0].code, "gate::no-rule");
    assert_eq!(from_json(&json!(["auc >= 1"])).unwrap_err()[0].code, "gate::type");
    assert_eq!(
        from_json(&json!({ "metric": "auc", "min": 2, "max": 1 })).unwrap_err()[0].code,
        "gate::empty-range"
    );
}
