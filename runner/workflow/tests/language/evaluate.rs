//! What expressions evaluate to.

use runner_workflow::expr::{EvalError, Expr, Scope, Status, Template, Value};
use serde_json::json;

struct Run {
    values: serde_json::Value,
    status: Status,
}

impl Scope for Run {
    fn lookup(&self, path: &[String]) -> Option<serde_json::Value> {
        path.iter().try_fold(&self.values, |value, segment| value.get(segment)).cloned()
    }

    fn status(&self) -> Status {
        self.status
    }
}

fn run(status: Status) -> Run {
    let values = json!({
        "params": { "lr": 0.1, "n": 3, "big": 9_007_199_254_740_993_i64, "name": "churn", "tags": ["a", 1, 2.0], "on": true, "none": null },
        "steps": { "fit[seed=0]": { "metrics": { "auc": 0.93 }, "outcome": "succeeded" } },
        "git": { "branch": "main" },
    });
    Run { values, status }
}

fn value(text: &str) -> Result<serde_json::Value, String> {
    let expr: Expr = text.parse().map_err(|error| format!("{error}"))?;
    expr.evaluate(&run(Status::Success)).map(Into::into).map_err(|error| error.to_string())
}

#[test]
fn comparisons() {
    for (text, expected) in [
        ("params.lr == 0.1", true),
        ("params.lr != 0.1", false),
        ("params.n == 3.0", true),
        ("params.n >= 3 && params.n < 3.5", true),
        // Integers are compared exactly, not as floats.
        ("params.big == 9007199254740992", false),
        ("params.big > 9007199254740992", true),
        ("params.name == 'churn'", true),
        ("params.name == \"Churn\"", false),
        ("'a' < 'b' && 'Z' < 'a'", true),
        ("null == null", true),
        ("params.none == null && params.name != null", true),
        ("event.pull_request.number == null", true),
        ("git.tag == 'v1'", false),
        ("params.tags == params.tags", true),
        ("steps['fit[seed=0]'].metrics.auc > 0.9", true),
        ("steps['fit[seed=0]'].outcome == 'succeeded'", true),
        ("!(true && false) || false", true),
        // The right side is not looked at where the left decides.
        ("true || params.missing", true),
        ("false && params.missing", false),
    ] {
        assert_eq!(value(text), Ok(json!(expected)), "{text}");
    }
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    for text in [
        "params.lr == '0.1'",
        "params.on == 'true'",
        "params.on == 1",
        "params.name > 3",
        "params.on < true",
        "null < 1",
        "params.tags == 'a'",
        "event.number >= 3",
        "params.lr && true",
        "!params.name",
        "true && null",
        "params.missing == 1",
        "steps.other.outcome == 'failed'",
        "contains(params.n, 1)",
        "contains('a', 1)",
        "startsWith(params.n, 'a')",
        "format(1)",
        "format('{0} {1}', 1)",
        "format('{x}', 1)",
        "format('{', 1)",
    ] {
        assert!(value(text).is_err(), "{text}");
    }
    let error = "params.lr == 'x'".parse::<Expr>().unwrap().evaluate(&run(Status::Success)).unwrap_err();
    assert_eq!(error.code(), "expr::operands");
    assert_eq!(error.span(), 0..16);
    assert!(matches!(error, EvalError::Operands { operator: "==", .. }));
}

#[test]
fn functions() {
    for (text, expected) in [
        ("contains('hello', 'ell')", json!(true)),
        ("contains(params.tags, 1.0)", json!(true)),
        ("contains(params.tags, '1')", json!(false)),
        ("startsWith(git.branch, 'ma') && endsWith(git.branch, 'in')", json!(true)),
        ("format('{0}/{1} {{{0}}}', params.name, params.lr)", json!("churn/0.1 {churn}")),
        ("format('it''s {0}', params.tags)", json!("it's [\"a\",1,2.0]")),
        ("format('<{0}>', params.none)", json!("<>")),
    ] {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn how_things_went() {
    for (status, expected) in [
        (Status::Success, [true, false, false, true]),
        (Status::Failure, [false, true, false, true]),
        (Status::Cancelled, [false, false, true, true]),
    ] {
        for (text, expected) in
            ["success()", "failure()", "cancelled()", "always()"].into_iter().zip(expected)
        {
            let expr: Expr = text.parse().unwrap();
            assert!(expr.asks_for_status());
            assert_eq!(expr.condition(&run(status)), Ok(expected), "{text} {status:?}");
        }
    }
    assert!(!"params.on".parse::<Expr>().unwrap().asks_for_status());
    assert!("params.lr".parse::<Expr>().unwrap().condition(&run(Status::Success)).is_err());
}

#[test]
fn templates_keep_the_type_of_a_single_expression() {
    let evaluate = |text: &str| text.parse::<Template>().unwrap().evaluate(&run(Status::Success)).unwrap();
    assert_eq!(evaluate("${{ params.n }}"), json!(3));
    assert_eq!(evaluate("${{ params.tags }}"), json!(["a", 1, 2.0]));
    assert_eq!(evaluate("n=${{ params.n }}"), json!("n=3"));
    assert_eq!(evaluate("${{ params.none }}${{ params.on }}"), json!("true"));
    assert_eq!(evaluate("${{ '${{' }} and '}}' stay"), json!("${{ and '}}' stay"));
    assert_eq!(evaluate("plain"), json!("plain"));
    assert_eq!(Value::Null.to_text(), "");
}
