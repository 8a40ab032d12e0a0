//! Laws that hold for any input.

use crate::world::World;
use proptest::prelude::*;
use runner_workflow::{
    CheckOptions, check,
    expr::{BinaryOp, Expr, ExprKind, Function, Scope, Status, Template, Value},
    schema,
};

fn name() -> impl Strategy<Value = String> {
    "[a-z_][a-z0-9_-]{0,8}"
        .prop_filter("not a literal", |name| !["true", "false", "null"].contains(&name.as_str()))
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![3 => name(), 1 => "[0-9]{1,30}", 1 => "[ -~]{0,8}"]
}

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(number.into())),
        any::<f64>().prop_filter_map("finite", serde_json::Number::from_f64).prop_map(Value::Number),
        "\\PC{0,12}".prop_map(Value::Text),
    ]
}

fn expr() -> impl Strategy<Value = Expr> {
    let make = |kind| Expr { kind, span: 0..0 };
    let leaf = prop_oneof![
        literal().prop_map(ExprKind::Literal),
        (name(), prop::collection::vec(segment(), 0..4))
            .prop_map(|(root, rest)| { ExprKind::Path(std::iter::once(root).chain(rest).collect()) }),
    ]
    .prop_map(make);
    leaf.prop_recursive(6, 60, 3, move |inner| {
        let op = prop::sample::select(vec![
            BinaryOp::Or,
            BinaryOp::And,
            BinaryOp::Equal,
            BinaryOp::NotEqual,
            BinaryOp::Less,
            BinaryOp::LessOrEqual,
            BinaryOp::Greater,
            BinaryOp::GreaterOrEqual,
        ]);
        let call = (prop::sample::select(Function::ALL.to_vec()), prop::collection::vec(inner.clone(), 4));
        prop_oneof![
            inner.clone().prop_map(|operand| ExprKind::Not(Box::new(operand))),
            (op, inner.clone(), inner).prop_map(|(op, left, right)| {
                ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }
            }),
            call.prop_map(|(function, mut arguments)| {
                arguments.truncate(function.arity().0);
                ExprKind::Call { function, arguments }
            }),
        ]
        .prop_map(make)
    })
}

struct Nothing;

impl Scope for Nothing {
    fn lookup(&self, _: &[String]) -> Option<serde_json::Value> {
        None
    }

    fn status(&self) -> Status {
        Status::Success
    }
}

proptest! {
    #[test]
    fn printing_then_parsing_an_expression_is_the_identity(expr in expr()) {
        let printed = expr.to_string();
        let parsed: Expr = printed.parse().unwrap();
        prop_assert_eq!(&parsed, &expr, "{}", printed);
        prop_assert_eq!(parsed.to_string(), printed);
    }

    #[test]
    fn printing_then_parsing_a_template_is_the_identity(parts in prop::collection::vec((expr(), "[a-z $'\"{}]{0,6}"), 0..4)) {
        let parts: Vec<_> = parts.iter().map(|(expr, text)| format!("${{{{ {expr} }}}}{text}")).collect();
        let text = parts.concat();
        if let Ok(template) = text.parse::<Template>() {
            let printed = template.to_string();
            prop_assert_eq!(printed.parse::<Template>().unwrap(), template, "{}", printed);
        }
    }

    #[test]
    fn evaluation_never_panics(expr in expr()) {
        let _ = expr.evaluate(&Nothing);
    }

    #[test]
    fn any_text_is_an_expression_or_an_error_inside_it(text in "\\PC{0,60}") {
        if let Err(error) = text.parse::<Expr>() {
            prop_assert!(text.get(error.range.clone()).is_some(), "{:?} in {:?}", error, text);
        }
    }

    #[test]
    fn any_bytes_are_checked_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let checked = check(&bytes, &CheckOptions::default(), &World);
        prop_assert!(checked.plan.is_some() || checked.has_errors());
    }

    #[test]
    fn a_damaged_workflow_is_checked_without_panic(at in 0_usize..WORKFLOW.len(), length in 0_usize..20, new in "[ -~\n]{0,6}") {
        let mut text = WORKFLOW.to_owned();
        let end = (at + length).min(text.len());
        text.replace_range(at..end, &new);
        let checked = check(text.as_bytes(), &CheckOptions::default(), &World);
        prop_assert!(checked.plan.is_some() || checked.has_errors());
        for problem in &checked.diagnostics {
            prop_assert!(text.get(problem.span.clone()).is_some(), "{:?}", problem);
            prop_assert!(problem.line >= 1 && problem.column >= 1);
        }
    }
}

#[test]
fn only_a_position_stands_without_quotes_in_brackets() {
    for (written, printed) in [
        ("matrix['0']", "matrix[0]"),
        ("matrix['10']", "matrix[10]"),
        ("matrix['18446744073709551615']", "matrix[18446744073709551615]"),
        // Read as a number, each of these would be another text, or none.
        ("matrix['18446744073709551616']", "matrix['18446744073709551616']"),
        ("matrix['01']", "matrix['01']"),
        ("matrix['+1']", "matrix['+1']"),
        ("matrix['-1']", "matrix['-1']"),
        ("matrix['']", "matrix['']"),
    ] {
        let expr: Expr = written.parse().unwrap();
        assert_eq!(expr.to_string(), printed);
        assert_eq!(printed.parse::<Expr>(), Ok(expr));
    }
}

/// Plain ASCII, so that it can be damaged anywhere.
const WORKFLOW: &str = r#"name: w
on: { push: { branches: [main] } }
params: { lr: 0.1, file: params.yaml }
data: { d: { path: d.csv, id: i, label: l } }
env: { A: "${{ params.lr }}" }
defaults: { timeout: 30m, retry: { times: 1, delay: 1s, on: [infra] } }
stages:
  train:
    matrix: { seed: [0, 1], include: [{ seed: 2 }], exclude: [{ seed: 0 }] }
    steps:
      - id: fit
        uses: builtin:logistic-train
        with: { label: l, l2: "${{ params.lr }}" }
        in: { train: data.d }
      - id: look
        run: |
          cat "$RUNNER_IN_MODEL" <<EOF > x
          ${{ params.lr }} 'quoted'
          EOF
        in: { model: fit.model }
        out: { r: { path: r.md, kind: report } }
        if: steps.fit.outcome == 'succeeded' && !cancelled()
  deploy:
    needs: [train]
    gates:
      - accuracy: accuracy >= 0.9
      - { metric: auc, min: 0.8 }
    promote: { model: "fit[seed=1].model", to: registry:w@champion }
"#;

#[test]
fn the_workflow_that_is_damaged_is_fine() {
    let checked = check(WORKFLOW.as_bytes(), &CheckOptions::default(), &World);
    assert_eq!(checked.diagnostics, []);
}

#[test]
fn the_schema_knows_every_key_and_nothing_else() {
    let schema = schema::json_schema();
    // Generated twice, it is the same.
    assert_eq!(schema, schema::json_schema());
    // Every key of every document of the schema is read: giving it a value of a wrong type is not an unknown key.
    for (document, place) in [
        ("Step", "stages: { s: { steps: [{ KEY: [[1]] }] } }"),
        ("Stage", "stages: { s: { KEY: [[1]] } }"),
        ("Retry", "defaults: { retry: { KEY: [[1]] } }"),
        ("Data", "data: { d: { KEY: [[1]] } }"),
    ] {
        let properties = schema["$defs"][document]["properties"].as_object().unwrap();
        assert!(!properties.is_empty());
        for key in properties.keys() {
            let checked = check(place.replace("KEY", key).as_bytes(), &CheckOptions::default(), &World);
            let unknown = checked.diagnostics.iter().any(|problem| problem.code == "workflow::unknown-key");
            assert!(!unknown, "{document} {key}");
        }
        assert_eq!(schema["$defs"][document]["additionalProperties"], false);
    }
    assert_eq!(schema["required"], serde_json::json!(["stages"]));
}

#[test]
fn the_shipped_schema_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows/runner.schema.json");
    let shipped = std::fs::read_to_string(path).expect("workflows/runner.schema.json is shipped");
    let shipped: serde_json::Value = serde_json::from_str(&shipped).unwrap();
    assert!(shipped == schema::json_schema(), "it differs: regenerate it with `cargo xtask schema`");
}
