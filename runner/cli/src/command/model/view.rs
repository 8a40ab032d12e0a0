//! Looking into the registry: `runner model ls`, `show` and `history`.

use std::fmt::Write as _;

use runner_gate::verdict::Judgement;
use runner_store::{AliasRecord, ChangeKind, ModelSummary, Registry, RegistryError};
use serde::Serialize;
use serde_json::{Value, json};

use super::lineage;
use crate::{
    arguments::{RegistryArguments, StoreArguments},
    environment::{Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    output, proof, registry,
    report::{quantity, visible, words},
    stored,
};

/// Points in time to the minute.
const MINUTE: &str = "%Y-%m-%d %H:%M UTC";

/// Where to look, and how to show it.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    registry: RegistryArguments,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `runner model show`.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// Name of the model; `MODEL@ALIAS` or `MODEL@v3` for one version, with what it was made from.
    model: String,
    #[command(flatten)]
    list: ListArguments,
}

/// Arguments of `runner model history`.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArguments {
    /// Name of the model, or `MODEL@ALIAS` for one alias.
    model: String,
    #[command(flatten)]
    list: ListArguments,
}

pub(crate) fn ls(arguments: &ListArguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let models = ask(arguments, environment, async |registry| all(&registry).await)?;
    tell(arguments, &models, || list(&models, environment.stdout))
}

pub(crate) fn show(arguments: &ShowArguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let model =
        ask(&arguments.list, environment, async |registry| wanted(&registry, &arguments.model).await)?;
    let is_one = arguments.model.contains('@');
    tell(&arguments.list, &model, || one(&model, is_one, environment.stdout))
}

pub(crate) fn history(arguments: &HistoryArguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let history =
        ask(&arguments.list, environment, async |registry| histories(&registry, &arguments.model).await)?;
    let entries: Vec<_> =
        history.iter().map(|(alias, changes)| json!({ "alias": alias, "changes": changes })).collect();
    tell(&arguments.list, &entries, || changes(&history, environment.stdout))
}

/// Asks the registry, which may be far away.
fn ask<T>(
    arguments: &ListArguments,
    environment: &Environment,
    question: impl AsyncFnOnce(Registry) -> Result<T, RegistryError>,
) -> Result<T, Failure> {
    let store = registry::store(&arguments.store, &arguments.registry, environment)?;
    let registry = registry::open(&arguments.registry, environment, &store)?;
    proof::runtime()?.block_on(question(registry)).map_err(|error| stored::from_registry(&error))
}

fn tell(
    arguments: &ListArguments,
    value: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<ExitCode, Failure> {
    if arguments.json {
        output::print_json(value)?;
    } else {
        output::print(&text())?;
    }
    Ok(ExitCode::Passed)
}

async fn all(registry: &Registry) -> Result<Vec<ModelSummary>, RegistryError> {
    let mut models = Vec::new();
    for name in registry.models().await? {
        models.push(registry.show(&name).await?);
    }
    Ok(models)
}

/// A model with all its versions, or with the one after `@`.
async fn wanted(registry: &Registry, name: &str) -> Result<ModelSummary, RegistryError> {
    let Some((model, reference)) = name.split_once('@') else { return registry.show(name).await };
    let mut summary = registry.show(model).await?;
    let version = registry.resolve(model, reference).await?.ok_or_else(|| no_reference(model, reference))?;
    summary.aliases.retain(|state| state.version == version.version);
    summary.versions = vec![version];
    Ok(summary)
}

fn no_reference(model: &str, reference: &str) -> RegistryError {
    RegistryError::NoReference { model: model.to_owned(), reference: reference.to_owned() }
}

/// The histories of all aliases, or of the one after `@`.
async fn histories(
    registry: &Registry,
    model: &str,
) -> Result<Vec<(String, Vec<AliasRecord>)>, RegistryError> {
    let (model, wanted) = match model.split_once('@') {
        Some((model, alias)) => (model, Some(alias)),
        None => (model, None),
    };
    let summary = registry.show(model).await?;
    let aliases: Vec<String> = match wanted {
        Some(alias) => vec![alias.to_owned()],
        None => summary.aliases.into_iter().map(|state| state.alias).collect(),
    };
    let mut histories = Vec::new();
    for alias in aliases {
        let changes = registry.history(model, &alias).await?;
        if changes.is_empty() {
            return Err(no_reference(model, &alias));
        }
        histories.push((alias, changes));
    }
    Ok(histories)
}

fn list(models: &[ModelSummary], look: Look) -> String {
    let mut out = String::new();
    if models.is_empty() {
        out.push_str("no models yet: a stage with `promote:` makes one\n");
    }
    for model in models {
        let aliases: Vec<String> = model
            .aliases
            .iter()
            .map(|state| format!("{} = version {}", visible::line(&state.alias), state.version))
            .collect();
        let _ = writeln!(
            out,
            "{}  {}  {}",
            look.bold(&visible::line(&model.model)),
            quantity::count(model.versions.len(), "version"),
            aliases.join(", ")
        );
    }
    out
}

fn one(model: &ModelSummary, with_lineage: bool, look: Look) -> String {
    let mut out = format!("{}\n", look.bold(&visible::line(&model.model)));
    for version in model.versions.iter().rev() {
        let aliases: Vec<&str> = model
            .aliases
            .iter()
            .filter(|state| state.version == version.version)
            .map(|state| state.alias.as_str())
            .collect();
        let marks = if aliases.is_empty() {
            String::new()
        } else {
            format!("  <- {}", visible::line(&aliases.join(", ")))
        };
        let _ = writeln!(
            out,
            "  version {}  {}  {}  {}{marks}",
            version.version,
            version.created.strftime(MINUTE),
            quantity::size(version.size),
            look.dim(quantity::short_digest(&version.digest.to_string())),
        );
        let _ = writeln!(out, "    from run {}", visible::line(version.run.as_deref().unwrap_or("unknown")));
        if with_lineage {
            for (name, text) in lineage::lines(&version.lineage) {
                let text = visible::wrap(&text, look.width, 14);
                let _ = writeln!(out, "    {} {text}", look.dim(&format!("{name:<9}")));
            }
        }
        if let Some(digest) = version.evidence.get("digest").and_then(Value::as_str) {
            let _ = writeln!(out, "    evidence {}", look.dim(quantity::short_digest(digest)));
        }
        // What the decision rested on, where this version can read it.
        let judgements = version.evidence.get("judgements").unwrap_or(&version.evidence);
        let evidence: Vec<Judgement> = serde_json::from_value(judgements.clone()).unwrap_or_default();
        for judgement in evidence {
            let head = look.mark(words::verdict(judgement.verdict), &judgement.verdict.to_string(), 5);
            let text = format!("{}: {}", judgement.text, judgement.message);
            let _ = writeln!(out, "    {head} {}", visible::wrap(&visible::line(&text), look.width, 12));
        }
    }
    out
}

fn changes(history: &[(String, Vec<AliasRecord>)], look: Look) -> String {
    let mut out = String::new();
    for (alias, changes) in history {
        let _ = writeln!(out, "{}", look.bold(&visible::line(alias)));
        for change in changes {
            let before = match change.previous {
                None => "first".to_owned(),
                Some(version) if version == change.version => "judged again".to_owned(),
                Some(version) => format!("was version {version}"),
            };
            let _ = writeln!(
                out,
                "  {:>3}  {}  {} {} ({before})  {}",
                change.number,
                change.at.strftime(MINUTE),
                match change.kind {
                    ChangeKind::Promotion => "version",
                    ChangeKind::Rollback => "back to version",
                },
                change.version,
                look.dim(quantity::short_digest(&change.digest.to_string())),
            );
            let by = change.by.as_deref().unwrap_or("unknown");
            let run = change.run.as_deref().unwrap_or("unknown");
            let _ = writeln!(out, "       by {}, with run {}", visible::line(by), visible::line(run));
            if let Some(why) = &change.why {
                let text = visible::wrap(&visible::line(why), look.width, 12);
                let _ = writeln!(out, "       why: {text}");
            }
        }
    }
    out
}
