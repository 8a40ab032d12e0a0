use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{GateChangeKind, PolicyGate, compare_policy};
use crate::{
    evidence::{Defaults, Evidence, Measurements, Reference, ScalarMetric},
    grammar::{Better, Gate, parse},
    judge, mapping,
};

fn gate(text: &str) -> Gate {
    if text.starts_with('{') {
        mapping::from_json(&serde_json::from_str(text).unwrap()).unwrap()
    } else {
        parse(text).unwrap()
    }
}

fn policy(gates: &[&str]) -> Vec<PolicyGate> {
    let at = |text: &&str| PolicyGate {
        stage: "evaluate".into(),
        gate: gate(text),
        defaults: Defaults::default(),
        units: BTreeMap::new(),
        better: BTreeMap::new(),
    };
    gates.iter().map(at).collect()
}

/// `removed`, `loosened`, `tightened`, `added` or nothing, for each change.
fn words(base: &[&str], head: &[&str]) -> Vec<&'static str> {
    compare_policy(&policy(base), &policy(head))
        .iter()
        .map(|change| match change.kind {
            GateChangeKind::Removed { .. } => "removed",
            GateChangeKind::Loosened { .. } => "loosened",
            GateChangeKind::Tightened { .. } => "tightened",
            GateChangeKind::Added { .. } => "added",
        })
        .collect()
}

#[test]
fn what_changed_is_told_apart() {
    for (base, head, said) in [
        (vec!["auc >= 0.9"], vec!["auc >= 0.9"], vec![]),
        (vec!["auc >= 0.9"], vec!["auc >= 0.90"], vec!["tightened"]),
        (vec!["auc >= 0.9"], vec!["auc >= 0.95"], vec!["tightened"]),
        (vec!["auc >= 0.9"], vec!["auc > 0.9"], vec!["tightened"]),
        (vec!["auc > 0.9"], vec!["auc >= 0.9"], vec!["loosened"]),
        (vec!["auc >= 0.9"], vec!["auc >= 0.8"], vec!["loosened"]),
        (vec!["auc >= 0.9"], vec![], vec!["removed"]),
        (vec!["auc >= 0.9"], vec!["loss <= 1"], vec!["removed", "added"]),
        (vec!["auc >= 0.9"], vec!["auc >= 0.9 else warn"], vec!["loosened"]),
        (vec!["auc >= 0.9 else hold"], vec!["auc >= 0.9"], vec!["tightened"]),
        (vec!["auc >= 0.9 and loss <= 1"], vec!["auc >= 0.9", "loss <= 1"], vec!["tightened"]),
        (vec!["auc >= 0.9 and loss <= 1"], vec!["auc >= 0.9"], vec!["loosened"]),
        (vec!["x within [1, 3]"], vec!["x >= 1", "x <= 2"], vec!["tightened"]),
        (vec!["x within [1, 3]"], vec!["x within [1, 4]"], vec!["loosened"]),
        (vec!["t <= 1s"], vec!["t <= 900ms"], vec!["tightened"]),
        (vec!["t <= 1s"], vec!["t <= 1"], vec!["loosened"]),
        (vec!["auc >= baseline - 0.2pp"], vec!["auc >= baseline - 1pp"], vec!["loosened"]),
        (vec!["auc >= baseline - 0.2pp"], vec!["auc >= baseline - 0.1pp"], vec!["tightened"]),
        (vec!["auc >= baseline - 0.2pp"], vec!["auc >= baseline"], vec!["tightened"]),
        (vec!["auc >= baseline - 0.2pp"], vec!["auc >= baseline + 0.2pp"], vec!["tightened"]),
        (vec!["auc >= baseline - 1%"], vec!["auc >= baseline"], vec!["loosened"]),
        (vec!["auc >= baseline - 1%"], vec!["auc >= anchor - 1%"], vec!["loosened"]),
        (vec!["auc >= baseline"], vec!["auc >= 0.99"], vec!["loosened"]),
        (vec!["r[region=*] >= 0.8"], vec!["r >= 0.8"], vec!["removed", "added"]),
        (vec!["r[region=*] >= 0.8"], vec!["min(r[region]) >= 0.8"], vec!["removed", "added"]),
        (vec!["min(r[a,b]) >= 0.8"], vec!["min(r[b,a]) >= 0.8"], vec!["tightened"]),
        (vec!["a: auc >= 0.9"], vec!["a: loss <= 1"], vec!["loosened"]),
        (vec!["a: auc >= 0.9"], vec!["b: auc >= 0.9"], vec!["tightened"]),
        (
            vec![r#"{"metric":"auc","min":0.9,"min-samples":500}"#],
            vec![r#"{"metric":"auc","min":0.9,"min-samples":100}"#],
            vec!["loosened"],
        ),
        (
            vec![r#"{"metric":"auc","min":0.9}"#],
            vec![r#"{"metric":"auc","min":0.9,"on-missing":"warn"}"#],
            vec!["loosened"],
        ),
        (
            vec![r#"{"metric":"auc","min":0.9,"slices":{"by":["region"]}}"#],
            vec![r#"{"metric":"auc","min":0.9,"slices":{"by":["region"],"except":{"region":["XX"]}}}"#],
            vec!["loosened"],
        ),
        (
            vec![r#"{"metric":"auc","min":0.9,"slices":{"by":["region"]}}"#],
            vec![r#"{"metric":"auc","min":0.9,"slices":{"by":["region","device"]}}"#],
            vec!["tightened"],
        ),
        (
            vec![r#"{"metric":"auc","no-worse-than":{"ref":"baseline","margin":"1pp"}}"#],
            vec![r#"{"metric":"auc","no-worse-than":{"ref":"baseline","margin":"2pp"}}"#],
            vec!["loosened"],
        ),
        (
            vec![r#"{"metric":"auc","improve-by":{"ref":"baseline","margin":"1pp"}}"#],
            vec![r#"{"metric":"auc","improve-by":{"ref":"baseline","margin":"2pp"}}"#],
            vec!["tightened"],
        ),
    ] {
        assert_eq!(words(&base, &head), said, "{base:?} to {head:?}");
    }
}

#[test]
fn loosening_says_how() {
    let changes = compare_policy(
        &policy(&[r#"{"id":"a","metric":"auc","min":0.9,"min-samples":500}"#]),
        &policy(&[r#"{"id":"a","metric":"auc","min":0.8,"min-samples":100,"else":"warn"}"#]),
    );
    let GateChangeKind::Loosened { how, .. } = &changes[0].kind else { panic!("{changes:?}") };
    assert_eq!(how, &["level fail → warn", "min-samples 500 → 100", "`auc >= 0.9` → `auc >= 0.8`"]);
}

#[test]
fn defaults_are_part_of_the_policy() {
    let mut head = policy(&["auc >= 0.9"]);
    let mut base = head.clone();
    base[0].defaults.min_samples = Some(500);
    assert!(compare_policy(&base, &head)[0].loosens());
    base[0].defaults = Defaults { confidence: Some(0.95), ..Defaults::default() };
    head[0].defaults.confidence = Some(0.9);
    assert!(compare_policy(&base, &head)[0].loosens());
    // What failed may be inconclusive then.
    head[0].defaults.confidence = Some(0.99);
    assert!(compare_policy(&base, &head)[0].loosens());
    head[0].defaults.confidence = Some(0.95);
    assert!(compare_policy(&base, &head).is_empty());
    head[0].defaults.min_samples = Some(500);
    assert!(compare_policy(&base, &head)[0].loosens());
    head[0].stage = "elsewhere".into();
    assert!(compare_policy(&base, &head)[0].loosens());
}

/// What a unit or a direction means to a gate is part of it, and only where it means something.
#[test]
fn what_metrics_mean_is_part_of_the_gates_that_ask() {
    let declared = |gate: &str, unit: Option<&str>, better: Option<Better>| {
        let mut policy = policy(&[gate]);
        policy[0].units.extend(unit.map(|unit| ("m".to_owned(), unit.to_owned())));
        policy[0].better.extend(better.map(|better| ("m".to_owned(), better)));
        policy
    };
    let loosens =
        |gate: &str, before: (Option<&str>, Option<Better>), after: (Option<&str>, Option<Better>)| {
            let (base, head) = (declared(gate, before.0, before.1), declared(gate, after.0, after.1));
            compare_policy(&base, &head).iter().any(super::GateChange::loosens)
        };
    let (ms, s, none) = ((Some("ms"), None), (Some("s"), None), (None, None));
    for gate in ["m <= 50ms", "m <= baseline + 5ms", "x <= m", "m within [1ms, 5ms]"] {
        assert!(loosens(gate, s, ms), "{gate}");
        // What could not be judged can be now.
        assert!(loosens(gate, none, ms), "{gate}");
        assert!(!loosens(gate, ms, ms), "{gate}");
    }
    for gate in ["m <= 50", "m <= baseline + 5%", "x <= 5ms"] {
        assert!(!loosens(gate, s, ms), "{gate}");
    }
    // The standard metrics are fractions, whether that is declared or not.
    let auc = |unit: Option<&str>| {
        let mut policy = policy(&["auc >= baseline - 1pp"]);
        policy[0].units.extend(unit.map(|unit| ("auc".to_owned(), unit.to_owned())));
        policy
    };
    assert_eq!(compare_policy(&auc(None), &auc(Some("fraction"))), []);
    assert!(compare_policy(&auc(Some("fraction")), &auc(Some("%")))[0].loosens());
    let relative = r#"{"metric":"m","no-worse-than":{"ref":"baseline","margin":0}}"#;
    let (higher, lower) = ((None, Some(Better::Higher)), (None, Some(Better::Lower)));
    assert!(loosens(relative, higher, lower) && loosens(relative, none, lower));
    assert!(!loosens("m >= baseline", higher, lower));
    let own = r#"{"metric":"m","better":"higher","no-worse-than":{"ref":"baseline","margin":0}}"#;
    assert!(!loosens(own, higher, lower));
}

/// A first promotion without a baseline concerns the gates that compare with one.
#[test]
fn a_rubber_stamp_loosens_what_compares() {
    for (gate, loosens) in [("m >= baseline", true), ("harmful_flips <= 1%", true), ("m >= 0.9", false)] {
        let base = policy(&[gate]);
        let mut head = base.clone();
        head[0].defaults.rubber_stamp = true;
        let changes = compare_policy(&base, &head);
        assert_eq!(changes.iter().any(super::GateChange::loosens), loosens, "{gate}");
        assert_eq!(compare_policy(&head, &base), [], "{gate}");
    }
}

fn bound() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec!["0", "0.1", "0.5", "0.50", "0.8", "-0.2", "50%", "50pp"]);
    let margin = prop::sample::select(vec!["0", "0.1", "0.2", "10%", "20%", "10pp", "20pp", "0%", "0pp"]);
    let reference = prop::sample::select(vec!["baseline", "anchor", "other"]);
    let sign = prop::sample::select(vec!["+", "-"]);
    prop_oneof![
        number.prop_map(str::to_owned),
        reference.clone().prop_map(str::to_owned),
        (reference, sign, margin)
            .prop_map(|(reference, sign, margin)| format!("{reference} {sign} {margin}")),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let term = prop::sample::select(vec!["m", "m[r=*]", "min(m[r])", "max(m[r])", "m[r=a]"]);
    let comparator = prop::sample::select(vec![">=", ">", "<=", "<", "=="]);
    let ends = prop::sample::select(vec!["[0, 0.5]", "[0.1, 0.5]", "[0.1, 0.8]"]);
    prop_oneof![
        6 => (term.clone(), comparator, bound()).prop_map(|(term, cmp, bound)| format!("{term} {cmp} {bound}")),
        1 => (term, ends).prop_map(|(term, ends)| format!("{term} within {ends}")),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let level = prop::sample::select(vec!["", " else hold", " else warn", " else info"]);
    (prop::collection::vec(rule(), 1..3), level)
        .prop_map(|(rules, level)| format!("{}{level}", rules.join(" and ")))
}

fn map() -> impl Strategy<Value = String> {
    let margin = prop::sample::select(vec!["0", "0.1", "10%", "20%", "10pp", "20pp"]);
    let relation = prop::sample::select(vec!["no-worse-than", "improve-by", "at-most-better-than"]);
    let min = prop::option::of(prop::sample::select(vec!["0.1", "0.5", "0.8"]));
    let missing = prop::sample::select(vec!["fail", "warn"]);
    let better = prop::sample::select(vec!["higher", "lower"]);
    let slices = prop::option::of(prop::sample::select(vec![
        r#"{"by":["r"]}"#,
        r#"{"by":["r"],"except":{"r":["a"]}}"#,
        r#"{"by":["r"],"min-samples":3}"#,
    ]));
    let samples = prop::option::of(prop::sample::select(vec![1, 5]));
    (margin, relation, min, missing, better, slices, samples).prop_map(
        |(margin, relation, min, missing, better, slices, samples)| {
            let mut keys = vec![
                r#""metric":"m""#.to_owned(),
                format!(r#""{relation}":{{"ref":"baseline","margin":"{margin}"}}"#),
                format!(r#""on-missing":"{missing}""#),
                format!(r#""better":"{better}""#),
            ];
            keys.extend(min.map(|min| format!(r#""min":{min}"#)));
            keys.extend(slices.map(|slices| format!(r#""slices":{slices}"#)));
            keys.extend(samples.map(|samples| format!(r#""min-samples":{samples}"#)));
            format!("{{{}}}", keys.join(","))
        },
    )
}

fn gates() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop_oneof![3 => line(), 1 => map()], 0..4)
}

/// The same gates with something written anew, so that most pairs are related and some are equal.
fn pair() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    let edits = [
        ("0.5", "0.8"),
        ("0.8", "0.5"),
        (">= ", "> "),
        (" > ", " >= "),
        ("10pp", "20pp"),
        ("20%", "10%"),
        ("10%", "0%"),
        (" else hold", ""),
        (" else warn", ""),
        ("fail", "warn"),
        ("warn", "fail"),
        ("baseline - 0.1", "baseline"),
        ("baseline - 10%", "baseline"),
        ("- 10pp", "+ 10pp"),
        ("\"min-samples\":5", "\"min-samples\":1"),
        (r#","except":{"r":["a"]}"#, ""),
        ("[0.1, 0.8]", "[0.1, 0.5]"),
    ];
    let edit = prop::collection::vec(prop::sample::select(edits.to_vec()), 0..3);
    prop_oneof![
        1 => (gates(), gates()),
        4 => (gates(), edit, gates()).prop_map(|(base, edits, more)| {
            let mut head: Vec<String> = base.iter().map(|gate| edits.iter().fold(gate.clone(), |gate, (from, to)| gate.replace(from, to))).collect();
            head.extend(more.into_iter().take(1));
            (base, head)
        }),
    ]
}

fn measured() -> impl Strategy<Value = Measurements> {
    let value =
        prop::sample::select(vec![0.0, 0.1, 0.4, 0.5, 0.6, 0.79, 0.8, 1.0, -0.3, f64::NAN, f64::INFINITY]);
    let scalar = |name: &'static str, slice: Vec<(String, String)>| {
        prop::option::weighted(0.8, value.clone()).prop_map(move |value| {
            value.map(|value| ScalarMetric { name: name.to_owned(), slice: slice.clone(), value })
        })
    };
    let at = |value: &str| vec![("r".to_owned(), value.to_owned())];
    (scalar("m", vec![]), scalar("m", at("a")), scalar("m", at("b")), scalar("other", vec![])).prop_map(
        |(whole, a, b, other)| Measurements {
            scalars: [whole, a, b, other].into_iter().flatten().collect(),
            ..Measurements::default()
        },
    )
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let reference = || prop::option::weighted(0.8, measured());
    (measured(), reference(), reference()).prop_map(|(candidate, baseline, anchor)| {
        let mut evidence = Evidence { candidate, ..Evidence::default() };
        evidence.references.baseline = baseline.map_or(Reference::Absent, Reference::Measured);
        evidence.references.anchor = anchor.map_or(Reference::Absent, Reference::Measured);
        evidence.units.insert("m".into(), "fraction".into());
        evidence.units.insert("other".into(), "fraction".into());
        evidence
    })
}

fn blocks(gates: &[PolicyGate], evidence: &Evidence) -> bool {
    gates.iter().any(|gate| judge(&gate.gate, evidence, &gate.defaults).verdict.blocks())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// The law of the module: where nothing counts as loosened, whatever the base stops, the head stops.
    #[test]
    fn loosening_is_never_free((base, head) in pair(), evidence in prop::collection::vec(evidence(), 8)) {
        let read = |texts: &[String]| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            policy(&texts)
        };
        let (base, head) = (read(&base), read(&head));
        let changes = compare_policy(&base, &head);
        if changes.iter().any(super::GateChange::loosens) {
            return Ok(());
        }
        for evidence in &evidence {
            prop_assert!(!blocks(&base, evidence) || blocks(&head, evidence), "{changes:?}\n{evidence:?}");
        }
    }

    /// A policy is no change of itself, in any order of its gates.
    #[test]
    fn the_same_gates_are_no_change(gates in gates()) {
        let texts: Vec<&str> = gates.iter().map(String::as_str).collect();
        let base = policy(&texts);
        let mut head = base.clone();
        head.reverse();
        prop_assert_eq!(compare_policy(&base, &head), []);
    }
}
