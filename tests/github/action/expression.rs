//! `${{ }}` as far as `action.yml` uses it: paths into contexts, literals, `==`, `!=`, `!`, `&&`, `||`, parentheses and the status
//! functions, with GitHub's values (`&&` and `||` give one of their operands; texts compare without case).

use serde_json::Value;

/// Replaces every `${{ }}` of a text.
pub(crate) fn fill(text: &str, contexts: &Value) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after.split_once("}}").expect("a closed expression");
        filled.push_str(before);
        filled.push_str(&as_text(&evaluate(expression, contexts)));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Whether an `if:` holds. Without a status function it needs the success of everything before.
pub(crate) fn holds(condition: Option<&str>, contexts: &Value) -> bool {
    let Some(condition) = condition else { return truth(&contexts["success"]) };
    let condition = condition.trim().trim_start_matches("${{").trim_end_matches("}}");
    let asks_status =
        ["always()", "success()", "failure()", "cancelled()"].iter().any(|f| condition.contains(f));
    truth(&evaluate(condition, contexts)) && (asks_status || truth(&contexts["success"]))
}

fn evaluate(expression: &str, contexts: &Value) -> Value {
    let mut parser = Parser { tokens: tokens(expression), at: 0, contexts };
    let value = parser.either();
    assert_eq!(parser.at, parser.tokens.len(), "the whole of `{expression}` is understood");
    value
}

fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => 2 + rest[1..].find('\'').expect("a closed text"),
            '(' | ')' => 1,
            '=' | '&' | '|' => 2,
            '!' => 1 + usize::from(rest[1..].starts_with('=')),
            _ => rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
                .unwrap_or(rest.len()),
        };
        assert!(length > 0, "`{rest}` is not understood");
        found.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    found
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// GitHub compares what is not both text as numbers; nothing and the empty text are 0.
fn equal(left: &Value, right: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Null => Some(0.0),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => Some(0.0),
        Value::String(text) => text.trim().parse().ok(),
        Value::Array(_) | Value::Object(_) => None,
    };
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.eq_ignore_ascii_case(right),
        _ => number(left).is_some_and(|left| Some(left) == number(right)),
    }
}

struct Parser<'a> {
    tokens: Vec<String>,
    at: usize,
    contexts: &'a Value,
}

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|next| next == token);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Value {
        let mut left = self.both();
        while self.take("||") {
            let right = self.both();
            left = if truth(&left) { left } else { right };
        }
        left
    }

    fn both(&mut self) -> Value {
        let mut left = self.comparison();
        while self.take("&&") {
            let right = self.comparison();
            left = if truth(&left) { right } else { left };
        }
        left
    }

    fn comparison(&mut self) -> Value {
        let left = self.operand();
        if self.take("==") {
            Value::Bool(equal(&left, &self.operand()))
        } else if self.take("!=") {
            Value::Bool(!equal(&left, &self.operand()))
        } else {
            left
        }
    }

    fn operand(&mut self) -> Value {
        if self.take("!") {
            return Value::Bool(!truth(&self.operand()));
        }
        if self.take("(") {
            let inner = self.either();
            assert!(self.take(")"), "a closed parenthesis");
            return inner;
        }
        let token = self.tokens[self.at].clone();
        self.at += 1;
        if let Some(text) = token.strip_prefix('\'') {
            return Value::String(text.trim_end_matches('\'').to_owned());
        }
        if self.take("(") {
            assert!(self.take(")"), "a status function takes nothing");
            let success = truth(&self.contexts["success"]);
            return Value::Bool(match token.as_str() {
                "always" => true,
                "success" => success,
                "failure" => !success,
                "cancelled" => false,
                other => panic!("the function {other} is not understood"),
            });
        }
        match token.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            path => path
                .split('.')
                .fold(self.contexts.clone(), |value, name| value.get(name).cloned().unwrap_or(Value::Null)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_github_evaluates() {
        let contexts = json!({ "inputs": { "a-b": "x", "empty": "" }, "steps": { "s": { "outputs": {} } }, "success": true });
        let cases = [
            ("inputs.a-b == 'X'", json!(true)),
            ("inputs.empty && 'yes' || 'no'", json!("no")),
            ("steps.s.outputs.none != ''", json!(false)),
            ("inputs.none || inputs.a-b", json!("x")),
            ("!(inputs.a-b != 'x') && always()", json!(true)),
            ("failure()", json!(false)),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate(expression, &contexts), expected, "{expression}");
        }
        assert_eq!(fill("v${{ inputs.a-b }}-${{ inputs.none }}", &contexts), "vx-");
        assert!(!holds(Some("inputs.a-b == 'x'"), &json!({ "inputs": { "a-b": "x" }, "success": false })));
    }
}
