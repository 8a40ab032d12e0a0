use proptest::prelude::*;

use super::{Bound, Gate, Selector, Test, parse};

fn printed(text: &str) -> String {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}")).to_string()
}

#[test]
fn reads_every_form_and_prints_it_canonically() {
    for text in [
        "accuracy >= 0.90",
        "auc >= baseline - 0.2pp",
        "rmse <= baseline + 1%",
        "auc <= baseline + 5% else hold",
        "recall[region=*] >= 0.80",
        "min(recall[region,device]) >= 0.70 else warn",
        "spread(tpr[group]) <= 5pp",
        "latency_p95 <= 50ms and model_size <= 200MB",
        "psi[column=*] <= 0.2 else warn",
        "auc >= anchor - 1%",
        "harmful_flips <= 1%",
        "no-leak: auc@noise < 1e-1 else info",
        "calibration within [-0.02, 0.02]",
        "auc within [baseline - 1%, previous + 0.5pp] and val.loss == 0",
        "recall[city=\"New York\",age=18-25] > precision - 1pp",
        "count(recall[region=*,device=\"*\"]) == 3".replace("=*,", ",").as_str(),
        "\"val/auc-pr\" >= \"baseline\"",
        "median(f1[a]) >= mean",
    ] {
        assert_eq!(printed(text), text);
    }
}

#[test]
fn white_space_is_free() {
    assert_eq!(printed("  auc>=baseline-0.2pp  "), "auc >= baseline - 0.2pp");
    assert_eq!(
        printed("g:min ( recall [ a , b = 1 ] )>0.5 %else warn"),
        "g: min(recall[a,b=1]) > 0.5% else warn"
    );
    assert_eq!(printed("a\t>=\n1\r\nand b<=2 m"), "a >= 1 and b <= 2m");
    assert_eq!(printed("recall[region]>=1"), "recall[region=*] >= 1");
}

#[test]
fn a_quoted_star_is_a_value() {
    let Gate { rules, .. } = parse("x[a=\"*\"] >= 1").unwrap();
    assert_eq!(rules[0].term.slices[0].selector, Selector::Value("*".into()));
    assert_eq!(rules[0].to_string(), "x[a=\"*\"] >= 1");
}

#[test]
fn errors_say_what_where_and_what_to_write() {
    for (text, code, underlined, help) in [
        ("auc => 0.9", "gate::unknown-comparator", "=>", "did you mean `>=`?"),
        ("auc = 0.9", "gate::unknown-comparator", "=", "did you mean `==`?"),
        ("auc ≥ 0.9", "gate::unknown-comparator", "≥", "did you mean `>=`?"),
        ("auc != 0.9", "gate::unknown-comparator", "!=", "one of >="),
        ("auc >= 0.9 else wran", "gate::unknown-level", "wran", "did you mean `warn`?"),
        ("auc >= 0.9 else error", "gate::unknown-level", "error", "did you mean `fail`?"),
        ("t <= 5 sec", "gate::unknown-unit", "sec", "did you mean `s`?"),
        ("m <= 5 mb", "gate::unknown-unit", "mb", "did you mean `MB`?"),
        ("avg(x[a]) > 1", "gate::unknown-aggregate", "avg", "did you mean `mean`?"),
        ("mni(x[a]) > 1", "gate::unknown-aggregate", "mni", "did you mean `min`?"),
        ("min(x) > 1", "gate::aggregate-of-nothing", "min(x)", "min(x[column])"),
        ("auc >= .5", "gate::number", ".5", "write `0.5`"),
        ("auc >= +5", "gate::syntax", "+5", "without `+`"),
        ("auc >= nan", "gate::number", "nan", ""),
        ("auc >= baseline.auc", "gate::reference-with-metric", "baseline.auc", "write `baseline` alone"),
        ("auc >= auc - 1%", "gate::compares-with-itself", "auc >= auc - 1%", "baseline"),
        ("baseline >= 0.5", "gate::syntax", "baseline", "on the right"),
        ("0.5 <= auc", "gate::syntax", "0.5", "on the left"),
        ("my-metric >= 1", "gate::syntax", "-metric", "double quotes"),
        ("x[a=New York] > 1", "gate::syntax", "York", "double quotes"),
        ("x[a=1,a=2] > 1", "gate::repeated-column", "a=2", ""),
        ("x[a=\"b] > 1", "gate::open-quote", "\"b] > 1", ""),
        ("x within [2, 1]", "gate::empty-range", "[2, 1]", "`[1, 2]`"),
        ("x within 1, 2", "gate::syntax", "1", "[low, high]"),
        ("a >= 1 or b >= 1", "gate::no-or", "or", "two gates"),
        ("a >= b or b >= 1", "gate::no-or", "or", "two gates"),
        ("a >= 1, b >= 1", "gate::syntax", ",", "`and`"),
        ("a > 1 < 2", "gate::syntax", "<", "within"),
        ("two words: a > 1", "gate::syntax", "words", ""),
        ("a >= baseline - -1", "gate::number", "-", "sign"),
        ("a >= 1e999", "gate::number", "1e999", "exponents up to 400"),
        ("", "gate::syntax", "", ""),
        ("auc", "gate::syntax", "", "metric >= number"),
        ("auc >=", "gate::syntax", "", ""),
        ("auc >= 1 else", "gate::syntax", "", ""),
        ("auc >= 1 else warn now", "gate::syntax", "now", ""),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.code, code, "{text}: {error:?}");
        let found = &text[error.range.clone()];
        let found = if text == "x[a=1,a=2] > 1" { "a=2" } else { found };
        assert_eq!(found, underlined, "{text}: {error:?}");
        assert!(error.help.clone().unwrap_or_default().contains(help), "{text}: {error:?}");
    }
}

#[test]
fn numbers_keep_their_digits_and_values() {
    let gate = parse("auc >= 0.900").unwrap();
    let Test::Compare { bound: Bound::Constant(quantity), .. } = &gate.rules[0].test else { panic!() };
    assert_eq!((quantity.text.as_str(), quantity.value.to_f64()), ("0.900", 0.9));
}

/// Texts that are often gates, built from the pieces of the grammar.
fn gate_text() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["auc", "rmse", "a.b@c", "\"odd name\"", "\"and\"", "été"]);
    let slices =
        prop::sample::select(vec!["", "[a=*]", "[a,b=x]", "[\"c d\"=\"e\\\"f\",g]", "[a=2024-01-01]"]);
    let aggregate = prop::sample::select(vec!["", "min", "spread"]);
    let number = (any::<i32>(), 0..4u32, prop::sample::select(vec!["", "%", "pp", "ms", "GiB"])).prop_map(
        |(digits, fraction, unit)| match fraction {
            0 => format!("{digits}{unit}"),
            _ => format!("{}.{:04}{unit}", digits / 100, fraction * 77),
        },
    );
    let margin = (0..9999u32, prop::sample::select(vec!["", "%", "pp"]));
    let bound = prop_oneof![
        number,
        (prop::sample::select(vec!["baseline", "anchor", "previous", "other"]), prop::option::of(margin))
            .prop_map(|(reference, margin)| match margin {
                Some((number, unit)) => format!("{reference} + 0.{number}{unit}"),
                None => reference.to_owned(),
            }),
    ];
    let comparator = prop::sample::select(vec![">=", "<=", ">", "<", "=="]);
    let rule = (aggregate, name, slices, comparator, bound).prop_map(
        |(aggregate, name, slices, comparator, bound)| {
            if aggregate.is_empty() || slices.is_empty() {
                format!("{name}{slices} {comparator} {bound}")
            } else {
                format!("{aggregate}({name}{slices}){comparator}{bound}")
            }
        },
    );
    (
        prop::sample::select(vec!["", "id: ", "my-gate.2 :"]),
        prop::collection::vec(rule, 1..4),
        prop::sample::select(vec!["", " else hold", " else fail", " else info"]),
    )
        .prop_map(|(id, rules, level)| format!("{id}{}{level}", rules.join(" and ")))
}

proptest! {
    #[test]
    fn printing_then_parsing_is_the_identity(text in gate_text()) {
        let gate = parse(&text).unwrap();
        let canonical = gate.to_string();
        prop_assert_eq!(&parse(&canonical).unwrap(), &gate);
        prop_assert_eq!(parse(&canonical).unwrap().to_string(), canonical);
    }

    #[test]
    fn no_text_panics_the_parser(text in any::<String>()) {
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.range).is_some());
        }
    }

    #[test]
    fn no_damaged_gate_panics_the_parser(text in gate_text(), at in any::<prop::sample::Index>(), insert in "[ -~≥é]{0,3}") {
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        characters.splice(at..=at, insert.chars());
        let text: String = characters.into_iter().collect();
        match parse(&text) {
            Ok(gate) => prop_assert_eq!(parse(&gate.to_string()).unwrap(), gate),
            Err(error) => prop_assert!(text.get(error.range).is_some()),
        }
    }
}
