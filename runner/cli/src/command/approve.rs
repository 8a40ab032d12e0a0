//! `runner approve`: a person lets through what a gate holds.

use jiff::Timestamp;
use runner_engine::evidence::{APPROVAL_FILE, Approval};
use runner_gate::verdict::Verdict;
use runner_store::{ChangeKind, Digest, RunState, signing::Bundle};
use serde_json::json;

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

/// Arguments of `runner approve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run that is held: `latest`, its id, or the start of it.
    run: String,
    /// Digest of the evidence that you looked at, as the held run printed it. An approval is of this and nothing else.
    #[arg(long, value_name = "DIGEST")]
    evidence: Digest,
    /// Why you let it through.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let store = stored::open(&arguments.store, environment)?;
    let run = store.open_run(&arguments.run).map_err(|error| stored::from_run(&error))?;
    if run.state() == RunState::Running {
        return Err(Failure::usage("approve::running", format!("the run {} is still going", run.id()))
            .help("wait for its end"));
    }
    let keys = keys::for_signing(environment)?;
    let proof = Proof::of_run(&run, &keys.trusted)?;
    if proof.digest != arguments.evidence {
        return Err(Failure::new(
            ExitCode::Denied,
            "approve::evidence-changed",
            format!(
                "the run {} has the evidence {}; the approval is for {}",
                run.id(),
                proof.digest,
                arguments.evidence
            ),
        )
        .help(format!("look at the run again (`runner show {}`) and approve what it says now", run.id())));
    }
    let verdict = proof.predicate().overall();
    if !matches!(verdict, Verdict::Hold | Verdict::Inconclusive) {
        return Err(Failure::new(
            ExitCode::Denied,
            "approve::not-held",
            format!("the run {} is not held: its gates say {verdict}", run.id()),
        )
        .help("an approval lets through what a gate holds; what failed needs a waiver or a better model"));
    }
    let proof = if proof.approval.is_some() {
        // The first one stays.
        proof
    } else {
        let approval = Approval {
            run: run.id().to_string(),
            by: environment.actor.clone(),
            at: Timestamp::now(),
            why: arguments.why.clone(),
            verdict,
        };
        let statement = json!(approval.statement(&proof.digest)).to_string();
        let bytes = Bundle::sign(statement.as_bytes(), keys.signing.as_deref()).to_bytes();
        proof.approved(bytes, &keys.trusted)?
    };
    let promotions = &proof.predicate().promotions;
    for promotion in promotions {
        proof.is_about(&promotion.digest)?;
        proof.allows(&promotion.digest, &promotion.after)?;
    }
    let registry = registry::open(&arguments.registry, environment, &store)?;
    let runtime = proof::runtime()?;
    let recorded = match &proof.approval {
        Some(approved) => run.write_new_file(APPROVAL_FILE, &approved.bytes),
        None => Ok(false),
    };
    let is_first = recorded.map_err(|error| stored::from_run(&error))?;
    let word = if is_first { "approved" } else { "was approved before:" };
    output::print(&format!("{word} run {} with the evidence {}\n", run.id(), proof.digest))?;
    if promotions.is_empty() {
        output::print("the workflow promotes nothing\n")?;
    }
    for promotion in promotions {
        let name = format!("{}@{}", visible::line(&promotion.model), visible::line(&promotion.alias));
        let history = runtime.block_on(registry.history(&promotion.model, &promotion.alias));
        let history = history.map_err(|error| stored::from_registry(&error))?;
        // Doing it again would take the alias back from whatever was promoted since.
        let done = history
            .iter()
            .find(|change| change.evidence == Some(proof.digest) && change.kind == ChangeKind::Promotion);
        if let Some(done) = done {
            output::print(&format!(
                "nothing to do: with it {name} was promoted to version {} already\n",
                done.version
            ))?;
            continue;
        }
        let why = format!("approved although {verdict}: {}", arguments.why);
        let change = proof.change(ChangeKind::Promotion, why, &store, environment)?;
        let new = proof.predicate().version(promotion, change);
        let promoted = runtime.block_on(async {
            for digest in proof.predicate().predictions() {
                registry.share(&digest).await?;
            }
            registry
                .promote(&promotion.model, &promotion.alias, new, proof.predicate().expected(promotion))
                .await
        });
        let promoted = promoted.map_err(|error| stored::from_registry(&error))?;
        output::print(&format!("promoted {name} to version {}\n", promoted.version))?;
    }
    Ok(ExitCode::Passed)
}
