//! `runner verify`: whether evidence is genuine, about this model, consistent, and passing.

use std::{fmt::Write as _, fs, path::PathBuf};

use runner_engine::evidence;
use runner_store::{Digest, Store, digest_of};
use serde_json::json;

use crate::{
    arguments::{RegistryArguments, StoreArguments},
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
    keys, output,
    proof::{self, Approved, Proof, from_doubt},
    registry,
    report::{quantity, visible, words::Mood},
    stored,
};

/// Arguments of `runner verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The model: a file, a folder, or `registry:NAME@ALIAS`.
    model: String,
    /// Its evidence, the file `evidence.json` of a run; may be left out for a model of the registry.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// The approval of that evidence, the file `approval.json` of a run that was held.
    #[arg(long, value_name = "FILE", requires = "evidence")]
    approval: Option<PathBuf>,
    /// Public key that is trusted; may be given several times [default: those in the folder of keys].
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// The workflow whose gates the model must have been judged by.
    #[arg(long, value_name = "FILE")]
    workflow: Option<PathBuf>,
    /// Compute metrics and verdicts again from the stored predictions.
    #[arg(long)]
    replay: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let trusted = keys::for_checking(&arguments.key, environment)?;
    let reference = arguments.model.strip_prefix("registry:");
    let (model, proof) = if let Some(reference) = reference {
        in_registry(reference, arguments, environment, &trusted)?
    } else {
        let path = environment.current_dir.join(&arguments.model);
        let object = digest_of(&path).map_err(|error| {
            Failure::usage("cli::model-file", format!("cannot read the model {}: {error}", path.display()))
        })?;
        let file = arguments.evidence.as_ref().ok_or_else(|| {
            Failure::usage("cli::no-evidence", "a model in a file needs `--evidence FILE`")
                .help("the evidence of a run is .runner/runs/ID/evidence.json")
        })?;
        (object.digest, read(file, arguments, environment, &trusted)?)
    };
    proof.is_about(&model)?;
    if let Some(workflow) = &arguments.workflow {
        proof.is_under_policy_of(workflow, environment)?;
    }
    let replayed = if arguments.replay {
        let store = stored::open(&arguments.store, environment)?;
        Some(evidence::replay(proof.predicate(), &store).map_err(|doubt| from_doubt(&doubt))?)
    } else {
        None
    };
    let target = reference.and_then(|reference| reference.split_once('@'));
    proof.allows(&model, &proof.predicate().awaited(&model, target))?;
    tell(&model, &proof, replayed, arguments.json, environment)?;
    Ok(ExitCode::Passed)
}

fn read(
    file: &PathBuf,
    arguments: &Arguments,
    environment: &Environment,
    trusted: &[runner_store::signing::PublicKey],
) -> Result<Proof, Failure> {
    let read = |what: &str, file: &PathBuf| {
        fs::read(environment.current_dir.join(file)).map_err(|error| {
            let message = format!("cannot read the {what} {}: {error}", file.display());
            Failure::usage("cli::evidence-file", message)
        })
    };
    let proof = Proof::accept(&read("evidence", file)?, trusted)?;
    match &arguments.approval {
        Some(file) => proof.approved(read("approval", file)?, trusted),
        None => Ok(proof),
    }
}

fn in_registry(
    reference: &str,
    arguments: &Arguments,
    environment: &Environment,
    trusted: &[runner_store::signing::PublicKey],
) -> Result<(Digest, Proof), Failure> {
    let (name, alias) = reference.split_once('@').ok_or_else(|| {
        Failure::usage("cli::registry-reference", format!("`registry:{reference}` names no alias"))
            .help("write `registry:NAME@ALIAS`, or `registry:NAME@v3` for a version")
    })?;
    let store: Store = registry::store(&arguments.store, &arguments.registry, environment)?;
    let registry = registry::open(&arguments.registry, environment, &store)?;
    let runtime = proof::runtime()?;
    let failed = |error: runner_store::RegistryError| stored::from_registry(&error);
    let version = runtime.block_on(registry.resolve(name, alias)).map_err(failed)?;
    let version = version.ok_or_else(|| {
        Failure::usage("registry::no_alias", format!("`{name}@{alias}` points to nothing"))
            .help(format!("`runner model show {name}` lists versions and aliases"))
    })?;
    // The bytes are read again, wherever they come from.
    runtime.block_on(registry.fetch(&version.digest)).map_err(failed)?;
    let proof = match &arguments.evidence {
        Some(file) => read(file, arguments, environment, trusted)?,
        None => Proof::of_version(&version, Some(alias), &registry, &store, &runtime, trusted)?,
    };
    if arguments.replay {
        for stage in &proof.predicate().stages {
            for output in stage.case.predictions() {
                // What is missing is told by the replay, with the name of the step.
                if let Ok(digest) = output.digest.parse() {
                    let _ = runtime.block_on(registry.fetch(&digest));
                }
            }
        }
    }
    Ok((version.digest, proof))
}

fn tell(
    model: &Digest,
    proof: &Proof,
    replayed: Option<usize>,
    json: bool,
    environment: &Environment,
) -> Result<(), Failure> {
    let predicate = proof.predicate();
    let gates: usize = predicate.stages.iter().map(|stage| stage.judgements.len()).sum();
    if json {
        return output::print_json(&json!({
            "model": model,
            "evidence": proof.digest,
            "key": proof.key,
            "policy": predicate.policy_digest,
            "run": predicate.run.id,
            "verdict": predicate.verdict,
            "approval": proof.approval.as_ref().map(|approved| &approved.approval),
            "gates": gates,
            "replayed": replayed,
        }));
    }
    let look = environment.stdout;
    let approved = proof.approval.as_ref().map(|Approved { approval, key, .. }| {
        let (by, why) = (visible::line(&approval.by), visible::line(&approval.why));
        let day = approval.at.strftime("%Y-%m-%d");
        ("approved", format!("by {by} on {day} (key {}): {why}", visible::line(key)))
    });
    let rows = [
        ("model", model.to_string()),
        ("signed by", format!("key {}", visible::line(&proof.key))),
        (
            "run",
            format!("{} of {}", visible::line(&predicate.run.id), visible::line(&predicate.run.workflow)),
        ),
        ("policy", visible::line(&predicate.policy_digest)),
        ("verdict", format!("{} by {}", predicate.verdict, quantity::count(gates, "gate"))),
    ];
    let replayed = [(
        "replayed",
        match replayed {
            Some(gates) => format!("{}, the same bit for bit", quantity::count(gates, "gate")),
            None => "no; `--replay` computes the verdicts again".to_owned(),
        },
    )];
    let mut text = String::new();
    for (name, value) in rows.into_iter().chain(approved).chain(replayed) {
        let _ = writeln!(text, "{:<10} {value}", look.dim(name));
    }
    let _ = writeln!(text, "{}", look.mark(Mood::Good, "verified", 8).trim_end());
    output::print(&text)
}
