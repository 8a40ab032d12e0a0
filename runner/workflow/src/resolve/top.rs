//! What stands beside the stages: data, metrics, baseline, secrets, policy, defaults, events and reports.

use indexmap::IndexMap;

use super::{Context, matrix::Cell, path, settings};
use crate::{
    diagnostic::Diagnostic,
    document::{self, CommentSetting, Evaluate, First, TriggerDocument, WorkflowDocument},
    plan::{
        Baseline, Comment, CommentMode, CommentOn, DataSet, GateDefaults, MetricDeclaration, Patterns,
        Policy, Report, Secret, Trigger,
    },
    read::{EnvName, KeyRule, Name, OneOrMany, Spanned},
    suggest,
};

/// `data:`
pub(crate) fn data(document: &WorkflowDocument, context: &mut Context<'_>) -> IndexMap<String, DataSet> {
    let mut data = IndexMap::new();
    for (name, set) in document.data.as_ref().map(|table| table.entries.as_slice()).unwrap_or_default() {
        let path = set.path.as_ref().map(|path| {
            let reason = "the place of a data set is known before the run";
            let text = context.static_text(&path.value.0, &Cell::default(), (&[], &[]), reason);
            if let Some(Err(message)) = text.as_deref().map(path::check) {
                let problem = Diagnostic::error("data::path", path.span.clone(), message);
                context.problems.push(problem.help("paths are relative to the workspace"));
            }
            path::normal(&text.unwrap_or_default())
        });
        let text = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
        data.insert(
            name.clone(),
            DataSet { path: path.unwrap_or_default(), id: text(&set.id), label: text(&set.label) },
        );
    }
    data
}

/// `metrics:`
pub(crate) fn metrics(document: &WorkflowDocument) -> IndexMap<String, MetricDeclaration> {
    let entries = document.metrics.as_ref().map(|table| table.entries.as_slice()).unwrap_or_default();
    entries
        .iter()
        .map(|(name, metric)| {
            let better = metric.better.as_ref().map(|better| better.value);
            let unit = metric.unit.as_ref().map(|unit| unit.value.clone());
            (name.clone(), MetricDeclaration { better, unit })
        })
        .collect()
}

/// `baseline:`
pub(crate) fn baseline(document: &WorkflowDocument, context: &mut Context<'_>) -> Option<Baseline> {
    let baseline = document.baseline.as_ref()?;
    for reference in [&baseline.model, &baseline.anchor].into_iter().flatten() {
        let known = ["registry:NAME@ALIAS", "git:REF", "run:ID", "file:PATH"];
        let (scheme, rest) = reference.split_once(':').unwrap_or((reference.as_str(), ""));
        let fits = match scheme {
            "registry" => registry(reference).is_some(),
            "git" | "run" => !rest.is_empty(),
            "file" => path::check(rest).is_ok(),
            _ => false,
        };
        if !fits {
            let message = format!("`{}` is not a reference to a model", reference.value);
            context.problems.push(
                Diagnostic::error("baseline::reference", reference.span.clone(), message)
                    .maybe_help(suggest::help("", known)),
            );
        }
    }
    if let Some(evaluate) = &baseline.evaluate
        && matches!(evaluate.value, Evaluate::Stored)
        && [&baseline.model, &baseline.anchor].into_iter().flatten().any(|model| model.starts_with("file:"))
    {
        let message = "a model in a file has no stored measurements";
        context.problems.push(
            Diagnostic::error("baseline::evaluate", evaluate.key.clone(), message)
                .help("write `evaluate: same-run`: it is then scored in this run"),
        );
    }
    let evaluate = baseline.evaluate.as_ref().map(|evaluate| match evaluate.value {
        Evaluate::SameRun => "same-run",
        Evaluate::Stored => "stored",
    });
    let first = baseline.first.as_ref().and_then(|first| match first.value {
        First::RubberStamp => Some(Baseline::RUBBER_STAMP),
        First::Fail => None,
    });
    Some(Baseline {
        model: baseline.model.as_ref()?.value.clone(),
        evaluate: evaluate.map(str::to_owned),
        first: first.map(str::to_owned),
        anchor: baseline.anchor.as_ref().map(|anchor| anchor.value.clone()),
    })
}

/// Name and alias of `registry:NAME@ALIAS`.
pub(crate) fn registry(text: &str) -> Option<(&str, &str)> {
    let (name, alias) = text.strip_prefix("registry:")?.split_once('@')?;
    (Name::accepts(name) && Name::accepts(alias)).then_some((name, alias))
}

/// `secrets:`
pub(crate) fn secrets(document: &WorkflowDocument, context: &mut Context<'_>) -> IndexMap<String, Secret> {
    let mut secrets = IndexMap::new();
    for (name, secret) in document.secrets.as_ref().map(|table| table.entries.as_slice()).unwrap_or_default()
    {
        let Some(from) = &secret.from else { continue };
        let fits = match from.split_once(':') {
            Some(("env", name)) => EnvName::accepts(name),
            Some(("file", path)) => path::check(path).is_ok(),
            _ => false,
        };
        if !fits {
            // The text is not repeated: somebody may have written the secret itself here.
            context.problems.push(
                Diagnostic::error(
                    "secrets::from",
                    from.span.clone(),
                    "this does not say where the secret comes from",
                )
                .help("write `env:NAME` or `file:PATH`; a secret itself never stands in a workflow"),
            );
        }
        if let Some(inject) = &secret.inject {
            context.unavailable("secrets.inject", &inject.key, None);
            if inject.matches("{}").count() != 1 || !inject.contains(':') {
                let message = "a header has a name, a colon, and `{}` once where the secret goes";
                context.problems.push(
                    Diagnostic::error("secrets::inject", inject.span.clone(), message)
                        .help("write `Authorization: Bearer {}`"),
                );
            }
            if secret.to.is_none() && !secret.broken {
                let message = "`inject` needs `to`: the one origin the secret may go to";
                let problem = Diagnostic::error("workflow::missing-key", inject.key.clone(), message);
                context.problems.push(problem.help("write `to: https://api.example.com`"));
            }
        }
        if let Some(to) = &secret.to {
            if let Err(message) = settings::check_origin(to) {
                context.problems.push(Diagnostic::error("secrets::to", to.span.clone(), message));
            } else if to.starts_with("http://") {
                let problem =
                    Diagnostic::error("secrets::to", to.span.clone(), "a secret does not travel unencrypted");
                context.problems.push(problem.help("use https"));
            }
            if secret.inject.is_none() && !secret.broken {
                let message = "`to` has no meaning without `inject`";
                context.problems.push(Diagnostic::error("secrets::to", to.key.clone(), message));
            }
        }
        let text = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
        let secret = Secret { from: from.value.clone(), inject: text(&secret.inject), to: text(&secret.to) };
        secrets.insert(name.clone(), secret);
    }
    secrets
}

/// `policy:`
pub(crate) fn policy(document: &WorkflowDocument) -> Policy {
    let Some(policy) = &document.policy else { return Policy::default() };
    let approvers =
        policy.approvers.as_ref().map(|approvers| approvers.value.0.as_slice()).unwrap_or_default();
    Policy {
        approvers: approvers.iter().map(|name| name.trim_start_matches('@').to_owned()).collect(),
        host_steps: policy.host_steps.as_ref().map(|level| level.value).unwrap_or_default(),
        unsigned_plugins: policy.unsigned_plugins.as_ref().map(|level| level.value).unwrap_or_default(),
    }
}

/// `defaults.gates:`
pub(crate) fn gate_defaults(document: &WorkflowDocument, context: &mut Context<'_>) -> GateDefaults {
    let gates = document.defaults.as_ref().and_then(|defaults| defaults.gates.as_ref());
    let Some(gates) = gates else { return GateDefaults::default() };
    if let Some(confidence) = &gates.confidence
        && !(0.5..1.0).contains(&confidence.value)
    {
        settings::out_of_range(confidence.span.clone(), "a confidence of at least 0.5 and below 1", context);
    }
    GateDefaults {
        confidence: gates.confidence.as_ref().map(|confidence| confidence.value),
        min_samples: gates.min_samples.as_ref().map(|samples| samples.value),
    }
}

/// A schedule says when.
pub(crate) fn event(document: &WorkflowDocument, context: &mut Context<'_>) {
    if let Some(on) = &document.on
        && let Some((name, _)) =
            on.events.iter().find(|(name, filter)| name == "schedule" && filter.cron.is_none())
    {
        let message = format!("`{name}` needs `cron`");
        context.problems.push(
            Diagnostic::error("workflow::missing-key", on.key.clone(), message)
                .help("write `schedule: { cron: \"0 3 * * *\" }`"),
        );
    }
}

/// `on:`
pub(crate) fn triggers(document: &WorkflowDocument) -> Option<Vec<Trigger>> {
    type Filter = Option<Spanned<OneOrMany<String>>>;
    let texts = |filter: &Filter| -> Vec<String> {
        let texts = filter.as_ref().map(|filter| filter.value.0.as_slice()).unwrap_or_default();
        texts.iter().map(|text| text.value.clone()).collect()
    };
    let patterns = |only: &Filter, except: &Filter| match (only, except) {
        (Some(_), _) => Patterns::Only(texts(only)),
        (None, Some(_)) => Patterns::Except(texts(except)),
        (None, None) => Patterns::Any,
    };
    let trigger = |(event, filter): &(String, TriggerDocument)| Trigger {
        event: event.clone(),
        branches: patterns(&filter.branches, &filter.branches_ignore),
        tags: patterns(&filter.tags, &filter.tags_ignore),
        paths: patterns(&filter.paths, &filter.paths_ignore),
        types: texts(&filter.types),
        workflows: texts(&filter.workflows),
    };
    Some(document.on.as_ref()?.events.iter().map(trigger).collect())
}

/// `report:`
pub(crate) fn report(document: &WorkflowDocument) -> Report {
    let Some(report) = &document.report else { return Report::default() };
    let comment = report.comment.as_ref().and_then(|comment| match &comment.value {
        CommentSetting::Enabled(enabled) => enabled.then(Comment::default),
        CommentSetting::Document(comment) => Some(Comment {
            mode: match comment.mode.as_ref().map(|mode| mode.value) {
                Some(document::CommentMode::New) => CommentMode::New,
                Some(document::CommentMode::Sticky) | None => CommentMode::Sticky,
            },
            on: match comment.on.as_ref().map(|on| on.value) {
                Some(document::CommentOn::Change) => CommentOn::Change,
                Some(document::CommentOn::Failure) => CommentOn::Failure,
                Some(document::CommentOn::Always) | None => CommentOn::Always,
            },
        }),
    });
    Report {
        comment,
        check: report.check.as_ref().is_some_and(|check| check.value),
        summary: report.summary.as_ref().map(|summary| summary.value),
    }
}

/// Warn of data sets and parameters that nothing uses.
pub(crate) fn unused(document: &WorkflowDocument, context: &mut Context<'_>) {
    for (name, set) in document.data.as_ref().map(|table| table.entries.as_slice()).unwrap_or_default() {
        if !context.used_data.contains(name) {
            let message = format!("nothing uses the data set `{name}`");
            let help = format!("refer to it as `data.{name}`, or remove it");
            context.problems.push(Diagnostic::warning("data::unused", set.key.clone(), message).help(help));
        }
    }
    for (name, param) in document.params.as_ref().map(|table| table.entries.as_slice()).unwrap_or_default() {
        if name != "file" && !context.used_params.contains(name) {
            let message = format!("nothing uses the parameter `{name}`");
            let help = format!("refer to it as `${{{{ params.{name} }}}}`, or remove it");
            context
                .problems
                .push(Diagnostic::warning("params::unused", param.key.clone(), message).help(help));
        }
    }
}
