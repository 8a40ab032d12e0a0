//! Any text is an expression or has an error inside it; what is printed is read as the same; evaluation never panics.
#![no_main]

mod fixed_keys;

use libfuzzer_sys::fuzz_target;
use runner_workflow::expr::{Expr, Scope, Status, Template};

/// Every name is the text of its last segment, or a number for some.
struct Echo;

impl Scope for Echo {
    fn lookup(&self, path: &[String]) -> Option<serde_json::Value> {
        let last = path.last()?;
        Some(last.parse::<f64>().map_or_else(|_| last.as_str().into(), Into::into))
    }

    fn status(&self) -> Status {
        Status::Failure
    }
}

fuzz_target!(|text: &str| {
    match text.parse::<Expr>() {
        Ok(expr) => {
            let printed = expr.to_string();
            assert_eq!(printed.parse::<Expr>().as_ref(), Ok(&expr), "{printed}");
            let _ = expr.evaluate(&Echo);
        }
        Err(error) => assert!(text.get(error.range).is_some()),
    }
    if let Ok(template) = text.parse::<Template>() {
        let printed = template.to_string();
        assert_eq!(printed.parse::<Template>().as_ref(), Ok(&template), "{printed}");
        let _ = template.render(&Echo);
    }
});
