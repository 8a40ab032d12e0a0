//! Moving aliases by hand: `runner model promote` and `runner model rollback`. Both rest on evidence.

use std::path::PathBuf;

use runner_engine::evidence::IntendedPromotion;
use runner_store::{
    AliasRecord, ChangeKind, Digest, Expected, Promoted, Registry, RegistryError, Store, VersionRecord,
};
use tokio::runtime::Runtime;

use crate::{
    arguments::{RegistryArguments, StoreArguments},
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
    keys, output,
    proof::{self, Proof},
    registry,
    report::visible,
    stored,
};

/// Arguments of `runner model promote`.
#[derive(Debug, clap::Args)]
pub(crate) struct PromoteArguments {
    /// Alias that is to point to the model: `MODEL@ALIAS`.
    #[arg(value_name = "MODEL@ALIAS")]
    alias: String,
    /// What to promote: a version such as `v3`, or the model of a run, `run:ID`.
    #[arg(value_name = "WHAT")]
    what: String,
    /// Why, for the history.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// The workflow whose gates the model must have been judged by [default: the one of its run].
    #[arg(long, value_name = "FILE")]
    workflow: Option<PathBuf>,
    /// Public key that is trusted; may be given several times [default: those in the folder of keys].
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Arguments of `runner model rollback`.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArguments {
    /// Alias that is to go back: `MODEL@ALIAS`.
    #[arg(value_name = "MODEL@ALIAS")]
    alias: String,
    /// Version to go back to, such as `v1` [default: the one before the version it points to].
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Why, for the history.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Public key that is trusted; may be given several times [default: those in the folder of keys].
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Where the command works.
struct Place {
    store: Store,
    registry: Registry,
    runtime: Runtime,
}

impl Place {
    fn open(
        store: &StoreArguments,
        registry: &RegistryArguments,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let store = registry::store(store, registry, environment)?;
        let registry = registry::open(registry, environment, &store)?;
        Ok(Self { store, registry, runtime: proof::runtime()? })
    }

    fn ask<T>(&self, work: impl Future<Output = Result<T, RegistryError>>) -> Result<T, Failure> {
        self.runtime.block_on(work).map_err(|error| stored::from_registry(&error))
    }

    fn version(&self, model: &str, version: &str) -> Result<VersionRecord, Failure> {
        self.ask(self.registry.resolve(model, version))?.ok_or_else(|| {
            Failure::usage("registry::no_version", format!("the model `{model}` has no version {version}"))
                .help(format!("`runner model show {model}` lists the versions"))
        })
    }
}

pub(crate) fn promote(arguments: &PromoteArguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let (model, alias) = parse(&arguments.alias)?;
    let place = Place::open(&arguments.store, &arguments.registry, environment)?;
    let trusted = keys::for_checking(&arguments.key, environment)?;
    let (proof, promotion, version) = if let Some(run) = arguments.what.strip_prefix("run:") {
        let run = place.store.open_run(run).map_err(|error| stored::from_run(&error))?;
        let proof = Proof::of_run(&run, &trusted)?;
        let promotion = intended(&proof, model, alias)?;
        (proof, promotion, None)
    } else {
        let version = place.version(model, &arguments.what)?;
        let proof =
            Proof::of_version(&version, None, &place.registry, &place.store, &place.runtime, &trusted)?;
        let promotion = to(&proof, model, alias, version.digest);
        (proof, promotion, Some(version.version))
    };
    proof.is_about(&promotion.digest)?;
    proof.allows(&promotion.digest, &promotion.after)?;
    let workflow = match &arguments.workflow {
        Some(workflow) => workflow.clone(),
        None => PathBuf::from(&proof.predicate().run.file),
    };
    if !environment.current_dir.join(&workflow).is_file() {
        return Err(Failure::usage(
            "evidence::workflow",
            format!("the workflow {} is not here, so its policy is not known", workflow.display()),
        )
        .help("name it with `--workflow FILE`: a model is promoted by the gates of today"));
    }
    proof.is_under_policy_of(&workflow, environment)?;
    let why = arguments.why.clone().unwrap_or_else(|| "promoted by hand".to_owned());
    let change = proof.change(ChangeKind::Promotion, why, &place.store, environment)?;
    let promoted = if let Some(number) = version {
        place.ask(place.registry.set_alias(
            model,
            alias,
            number,
            proof.predicate().expected(&promotion),
            change,
        ))?
    } else {
        let new = proof.predicate().version(&promotion, change);
        place.ask(async {
            for digest in proof.predicate().predictions() {
                place.registry.share(&digest).await?;
            }
            place.registry.promote(model, alias, new, proof.predicate().expected(&promotion)).await
        })?
    };
    tell("promoted", &arguments.alias, &promoted)
}

pub(crate) fn rollback(
    arguments: &RollbackArguments,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let (model, alias) = parse(&arguments.alias)?;
    let place = Place::open(&arguments.store, &arguments.registry, environment)?;
    let trusted = keys::for_checking(&arguments.key, environment)?;
    let history = place.ask(place.registry.history(model, alias))?;
    let Some(head) = history.last() else {
        return Err(Failure::usage("registry::no_alias", format!("`{model}@{alias}` points to nothing"))
            .help(format!("`runner model show {model}` lists the aliases")));
    };
    let version = if let Some(version) = &arguments.to {
        place.version(model, version)?
    } else {
        let before = version_before(&history, head.version).ok_or_else(|| {
            Failure::usage(
                "registry::nothing_before",
                format!("`{model}@{alias}` has pointed to nothing before version {}", head.version),
            )
            .help("name the version with `--to`")
        })?;
        place.version(model, &format!("v{before}"))?
    };
    let proof =
        Proof::of_version(&version, Some(alias), &place.registry, &place.store, &place.runtime, &trusted)?;
    proof.is_about(&version.digest)?;
    let after = proof.predicate().awaited(&version.digest, Some((model, alias)));
    proof.allows(&version.digest, &after)?;
    let change = proof.change(ChangeKind::Rollback, arguments.why.clone(), &place.store, environment)?;
    let expected = Expected::Version(Some(head.version));
    let moved = place.ask(place.registry.set_alias(model, alias, version.version, expected, change))?;
    tell("rolled back", &arguments.alias, &moved)
}

/// The version that an alias pointed to before `current` was promoted; an earlier rollback is not what is meant.
fn version_before(history: &[AliasRecord], current: u64) -> Option<u64> {
    // Evidence that was recorded later for the same version is no step of the way.
    let promoted = history.iter().rev().find(|change| {
        change.version == current
            && change.kind == ChangeKind::Promotion
            && change.previous != Some(change.version)
    });
    promoted?.previous
}

fn parse(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('@').ok_or_else(|| {
        Failure::usage("cli::alias", format!("`{text}` names no alias")).help("write `MODEL@ALIAS`")
    })
}

/// The promotion that the run of this evidence asked for.
fn intended(proof: &Proof, model: &str, alias: &str) -> Result<IntendedPromotion, Failure> {
    let promotions = &proof.predicate().promotions;
    let same = promotions.iter().find(|promotion| promotion.model == model && promotion.alias == alias);
    if let Some(promotion) = same {
        return Ok(promotion.clone());
    }
    match promotions.as_slice() {
        // The same model under another alias, such as `canary`.
        [promotion] => {
            Ok(IntendedPromotion { model: model.to_owned(), alias: alias.to_owned(), ..promotion.clone() })
        }
        _ => Err(Failure::usage(
            "evidence::no_model",
            format!("the run {} promotes no model, or several", proof.predicate().run.id),
        )
        .help("its workflow says with `promote:` which output is the model")),
    }
}

/// The promotion of a version, whether its workflow asked for it or not.
fn to(proof: &Proof, model: &str, alias: &str, digest: Digest) -> IntendedPromotion {
    let of_model = proof.predicate().promotions.iter().find(|promotion| promotion.digest == digest);
    IntendedPromotion {
        stage: of_model.map(|promotion| promotion.stage.clone()).unwrap_or_default(),
        output: of_model.map_or_else(|| "model".to_owned(), |promotion| promotion.output.clone()),
        path: of_model.and_then(|promotion| promotion.path.clone()),
        digest,
        model: model.to_owned(),
        alias: alias.to_owned(),
        keep: None,
        after: proof.predicate().awaited(&digest, Some((model, alias))),
    }
}

fn tell(word: &str, alias: &str, promoted: &Promoted) -> Result<ExitCode, Failure> {
    let before = match promoted.previous {
        _ if !promoted.changed => "it pointed there already".to_owned(),
        Some(version) => format!("was version {version}"),
        None => "first".to_owned(),
    };
    output::print(&format!("{word} {} to version {} ({before})\n", visible::line(alias), promoted.version))?;
    Ok(ExitCode::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(version: u64, previous: Option<u64>, kind: ChangeKind) -> AliasRecord {
        AliasRecord {
            format: 1,
            number: 1,
            version,
            digest: Digest::of_bytes(b""),
            previous,
            at: jiff::Timestamp::UNIX_EPOCH,
            run: None,
            keep: None,
            kind,
            by: None,
            why: None,
            evidence: None,
            approval: None,
        }
    }

    #[test]
    fn going_back_twice_goes_back_twice() {
        use ChangeKind::{Promotion, Rollback};
        let mut history =
            vec![change(1, None, Promotion), change(2, Some(1), Promotion), change(3, Some(2), Promotion)];
        assert_eq!(version_before(&history, 3), Some(2));
        history.push(change(3, Some(3), Promotion));
        assert_eq!(version_before(&history, 3), Some(2), "judged again, it is still where it was");
        history.push(change(2, Some(3), Rollback));
        assert_eq!(version_before(&history, 2), Some(1));
        history.push(change(1, Some(2), Rollback));
        assert_eq!(version_before(&history, 1), None);
    }
}
