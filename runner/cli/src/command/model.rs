//! `runner model`: what the registry holds, and how it came there.

use std::fmt::Write as _;

use clap::Subcommand;
use runner_gate::verdict::Judgement;
use runner_store::{AliasRecord, ModelSummary, Registry, RegistryError};
use serde_json::json;

use crate::{
    arguments::StoreArguments,
    environment::{Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    output,
    report::{quantity, visible, words},
    stored,
};

/// Points in time to the minute.
const MINUTE: &str = "%Y-%m-%d %H:%M UTC";

/// Arguments of `runner model`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    view: View,
}

#[derive(Debug, Subcommand)]
enum View {
    /// List models with their aliases.
    Ls {
        #[command(flatten)]
        store: StoreArguments,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a model: its versions and aliases.
    Show {
        /// Name of the model.
        model: String,
        #[command(flatten)]
        store: StoreArguments,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show all changes of a model's aliases, oldest first.
    History {
        /// Name of the model, or `MODEL@ALIAS` for one alias.
        model: String,
        #[command(flatten)]
        store: StoreArguments,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    // The registry may be far away some day, so it is asked asynchronously; here one thread is enough.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::environment("cli::runtime", format!("cannot start the asynchronous runtime: {error}"))
    })?;
    let look = environment.stdout;
    let failed = |error: RegistryError| stored::from_registry(&error);
    match &arguments.view {
        View::Ls { store, json } => {
            let registry = registry(store, environment)?;
            let models = runtime.block_on(all(&registry)).map_err(failed)?;
            if *json {
                output::print_json(&models)?;
            } else {
                output::print(&list(&models, look))?;
            }
        }
        View::Show { model, store, json } => {
            let registry = registry(store, environment)?;
            let summary = runtime.block_on(registry.show(model)).map_err(failed)?;
            if *json {
                output::print_json(&summary)?;
            } else {
                output::print(&show(&summary, look))?;
            }
        }
        View::History { model, store, json } => {
            let registry = registry(store, environment)?;
            let history = runtime.block_on(history(&registry, model)).map_err(failed)?;
            if *json {
                let entries: Vec<_> = history
                    .iter()
                    .map(|(alias, changes)| json!({ "alias": alias, "changes": changes }))
                    .collect();
                output::print_json(&entries)?;
            } else {
                output::print(&changes(&history, look))?;
            }
        }
    }
    Ok(ExitCode::Passed)
}

fn registry(store: &StoreArguments, environment: &Environment) -> Result<Registry, Failure> {
    stored::open(store, environment)?.registry().map_err(|error| stored::from_registry(&error))
}

async fn all(registry: &Registry) -> Result<Vec<ModelSummary>, RegistryError> {
    let mut models = Vec::new();
    for name in registry.models().await? {
        models.push(registry.show(&name).await?);
    }
    Ok(models)
}

/// The histories of all aliases, or of the one after `@`.
async fn history(registry: &Registry, model: &str) -> Result<Vec<(String, Vec<AliasRecord>)>, RegistryError> {
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

fn show(model: &ModelSummary, look: Look) -> String {
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
        // What the decision rested on, where this version can read it.
        let evidence: Vec<Judgement> = serde_json::from_value(version.evidence.clone()).unwrap_or_default();
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
        if changes.is_empty() {
            out.push_str("  it never pointed anywhere\n");
        }
        for change in changes {
            let before = change
                .previous
                .map_or_else(|| "first".to_owned(), |version| format!("was version {version}"));
            let _ = writeln!(
                out,
                "  {:>3}  {}  version {} ({before})  {}",
                change.number,
                change.at.strftime(MINUTE),
                change.version,
                look.dim(quantity::short_digest(&change.digest.to_string())),
            );
            let _ =
                writeln!(out, "       by run {}", visible::line(change.run.as_deref().unwrap_or("unknown")));
        }
    }
    out
}
