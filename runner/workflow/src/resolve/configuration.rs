//! `with:` against the plugin's own JSON Schema, as far as its values are known before the run.

use std::{collections::HashSet, fmt::Write as _};

use super::{
    Context, action,
    matrix::Cell,
    outline::StepOutline,
    scope::{self, StaticScope},
};
use crate::{diagnostic::Diagnostic, expr::Template, plan::ConfigTemplate};

/// Configurations that were checked already: most steps of a large workflow are configured alike.
#[derive(Default)]
pub(crate) struct Configurations {
    fine: HashSet<(String, String)>,
}

impl Configurations {
    /// Check the configuration of one cell.
    pub(crate) fn check(
        &mut self,
        step: &StepOutline<'_>,
        with: &ConfigTemplate,
        cell: &Cell,
        context: &mut Context<'_>,
    ) {
        let (Some(manifest), Some(action::Form::Plugin { uses })) = (&step.manifest, &step.action) else {
            return;
        };
        if step.document.broken && step.document.with.is_none() {
            return;
        }
        let document = step.document.with.as_ref();
        if manifest.config_schema.is_null() {
            if let Some(document) = document {
                let message = format!("the plugin {} takes no configuration", manifest.name);
                context.problems.push(
                    Diagnostic::error("with::none", document.key.clone(), message).help("remove `with`"),
                );
            }
            return;
        }
        let mut unknown = Vec::new();
        let scope = StaticScope { params: &context.params, cell };
        let value = value(with, &scope, &mut String::new(), &mut unknown);
        let key = (uses.value.clone(), value.to_string());
        if self.fine.contains(&key) {
            return;
        }
        let mut fine = true;
        for problem in context.surroundings.check_config(&manifest.config_schema, &value) {
            fine = false;
            let pointer = problem.pointer.as_deref().unwrap_or("");
            if unknown.iter().any(|leaf| about(pointer, leaf)) {
                continue;
            }
            let span = match document {
                Some(document) if pointer.is_empty() => document.key.clone(),
                Some(document) => document.value.shape.locate(pointer),
                None => uses.span.clone(),
            };
            context
                .problems
                .push(Diagnostic::error(&problem.code, span, problem.message).maybe_help(problem.help));
        }
        if fine {
            self.fine.insert(key);
        }
    }
}

/// Whether a problem at `pointer` may be due to the value at `leaf` not being known: it is that value, or holds it. The whole
/// configuration always holds it, and its problems (a missing key, an unknown one) are about keys.
fn about(pointer: &str, leaf: &str) -> bool {
    !pointer.is_empty()
        && leaf.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The configuration as JSON. What is known only in the run is `null`, and its place is added to `unknown`.
fn value(
    config: &ConfigTemplate,
    scope: &StaticScope<'_>,
    pointer: &mut String,
    unknown: &mut Vec<String>,
) -> serde_json::Value {
    let length = pointer.len();
    let value = match config {
        ConfigTemplate::Scalar(value) => value.clone(),
        ConfigTemplate::Text(template) => {
            let known = scope::is_static(template).then(|| template.evaluate(scope).ok()).flatten();
            known.unwrap_or_else(|| {
                unknown.push(pointer.clone());
                serde_json::Value::Null
            })
        }
        ConfigTemplate::List(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let _ = write!(pointer, "/{index}");
                let value = value(item, scope, pointer, unknown);
                pointer.truncate(length);
                value
            })
            .collect(),
        ConfigTemplate::Map(entries) => entries
            .iter()
            .map(|(key, item)| {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                let value = value(item, scope, pointer, unknown);
                pointer.truncate(length);
                (key.clone(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
    };
    pointer.truncate(length);
    value
}

/// Every text of a configuration.
pub(crate) fn visit<'t>(config: &'t ConfigTemplate, visitor: &mut dyn FnMut(&'t Template)) {
    match config {
        ConfigTemplate::Scalar(_) => {}
        ConfigTemplate::Text(template) => visitor(template),
        ConfigTemplate::List(items) => items.iter().for_each(|item| visit(item, visitor)),
        ConfigTemplate::Map(entries) => entries.values().for_each(|value| visit(value, visitor)),
    }
}

/// A configuration with every text changed.
pub(crate) fn map(config: &ConfigTemplate, change: &dyn Fn(&Template) -> Template) -> ConfigTemplate {
    match config {
        ConfigTemplate::Scalar(value) => ConfigTemplate::Scalar(value.clone()),
        ConfigTemplate::Text(template) => ConfigTemplate::Text(change(template)),
        ConfigTemplate::List(items) => {
            ConfigTemplate::List(items.iter().map(|item| map(item, change)).collect())
        }
        ConfigTemplate::Map(entries) => ConfigTemplate::Map(
            entries.iter().map(|(key, value)| (key.clone(), map(value, change))).collect(),
        ),
    }
}
