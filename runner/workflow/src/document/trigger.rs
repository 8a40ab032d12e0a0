//! `on:` — the events that start a workflow. In YAML 1.2, `on` is a plain text key.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    diagnostic::Diagnostic,
    read::{OneOrMany, Read, Reader, Spanned, document},
    suggest,
    yaml::{Content, Node},
};

/// Events that are known, by GitHub's names.
const EVENTS: &[&str] = &[
    "push",
    "pull_request",
    "merge_group",
    "schedule",
    "release",
    "workflow_dispatch",
    "workflow_run",
    "issue_comment",
    "repository_dispatch",
];

/// `on: push`, `on: [push, pull_request]` or `on: { push: { … } }`.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    /// Names of the events with their filters.
    pub(crate) events: Vec<(String, TriggerDocument)>,
}

document! {
    /// Which events of a kind start the workflow.
    TriggerDocument, "an event":
    /// Branches, as globs.
    branches = "branches": OneOrMany<String>;
    /// Branches left out.
    branches_ignore = "branches-ignore": OneOrMany<String>;
    /// Tags, as globs.
    tags = "tags": OneOrMany<String>;
    /// Tags left out.
    tags_ignore = "tags-ignore": OneOrMany<String>;
    /// Changed paths, as globs.
    paths = "paths": OneOrMany<String>;
    /// Changed paths that do not count.
    paths_ignore = "paths-ignore": OneOrMany<String>;
    /// Kinds of activity, such as `opened`.
    types = "types": OneOrMany<String>;
    /// Names of the workflows of GitHub whose runs count, for `workflow_run`.
    workflows = "workflows": OneOrMany<String>;
    /// When a schedule fires: five fields of cron.
    cron = "cron": OneOrMany<String>;
}

impl Read for Triggers {
    fn read(node: &Node<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut events = Vec::new();
        let mut whole = true;
        if let Content::Map(entries) = &node.content {
            for entry in entries {
                whole &= known(&entry.key, &entry.key_span, reader);
                let nothing = matches!(&entry.value.content, Content::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null"));
                let filter = match &entry.value.content {
                    _ if nothing => Some(TriggerDocument::default()),
                    // `schedule: [{ cron: … }, …]`, as GitHub has it.
                    Content::List(items) => {
                        for item in items {
                            if let Some(filter) = TriggerDocument::read(item, reader) {
                                events.push((entry.key.clone().into_owned(), filter));
                            } else {
                                whole = false;
                            }
                        }
                        continue;
                    }
                    _ => TriggerDocument::read(&entry.value, reader),
                };
                match filter {
                    Some(filter) => {
                        check(&filter, reader);
                        events.push((entry.key.clone().into_owned(), filter));
                    }
                    None => whole = false,
                }
            }
        } else {
            for name in OneOrMany::<String>::read(node, reader)?.0 {
                whole &= known(&name, &name.span, reader);
                events.push((name.value, TriggerDocument::default()));
            }
        }
        whole.then_some(Self { events })
    }
}

fn known(name: &str, span: &std::ops::Range<usize>, reader: &mut Reader<'_>) -> bool {
    let known = EVENTS.contains(&name);
    if !known {
        let problem =
            Diagnostic::error("on::unknown-event", span.clone(), format!("there is no event `{name}`"))
                .maybe_help(suggest::help(name, EVENTS.iter().copied()));
        reader.problems.push(problem);
    }
    known
}

/// GitHub refuses a filter together with its negation; so do we, rather than choose one.
fn check(filter: &TriggerDocument, reader: &mut Reader<'_>) {
    type Filter = Option<Spanned<OneOrMany<String>>>;
    let pairs: [(&Filter, &Filter, &str); 3] = [
        (&filter.branches, &filter.branches_ignore, "branches"),
        (&filter.tags, &filter.tags_ignore, "tags"),
        (&filter.paths, &filter.paths_ignore, "paths"),
    ];
    for (only, ignore, name) in pairs {
        if let (Some(_), Some(ignore)) = (only, ignore) {
            let message = format!("`{name}` and `{name}-ignore` cannot stand together");
            let help = format!("keep `{name}` and exclude with a pattern that starts with `!`");
            reader.problems.push(Diagnostic::error("on::exclusive", ignore.key.clone(), message).help(help));
        }
    }
}

impl JsonSchema for Triggers {
    fn schema_name() -> Cow<'static, str> {
        "Triggers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let filter = generator.subschema_for::<TriggerDocument>();
        let filter = serde_json::json!({ "anyOf": [{ "type": "null" }, filter, { "type": "array", "items": filter }] });
        json_schema!({
            "anyOf": [
                { "enum": EVENTS },
                { "type": "array", "items": { "enum": EVENTS } },
                { "type": "object", "propertyNames": { "enum": EVENTS }, "additionalProperties": filter },
            ]
        })
    }
}
