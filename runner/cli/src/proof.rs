//! Evidence that is relied on: signature first, then its content, then whether it speaks of this model and this policy.

use std::{fs, path::Path};

use jiff::Timestamp;
use runner_engine::evidence::{
    self, Doubt, FILE, IntendedPromotion, Predicate, Ruling, Statement, policy_of,
};
use runner_gate::verdict::Verdict;
use runner_store::{
    Change, Digest, Expected, NewVersion, RecordedRun, Registry, Store, VersionRecord,
    signing::{Bundle, PublicKey},
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    environment::Environment,
    exit_code::ExitCode,
    failure::{Failure, from_diagnostic},
    keys, stored, workflow_file,
};

/// Evidence whose signature is that of a trusted key.
#[derive(Debug)]
pub(crate) struct Proof {
    /// What it says.
    pub(crate) statement: Statement,
    /// Digest of the file.
    pub(crate) digest: Digest,
    /// Id of the trusted key that signed it.
    pub(crate) key: String,
}

impl Proof {
    /// Accepts evidence that one of these keys signed.
    pub(crate) fn accept(bytes: &[u8], trusted: &[PublicKey]) -> Result<Self, Failure> {
        let bundle = Bundle::parse(bytes).map_err(|error| keys::from_signing(&error))?;
        let (statement, key) = bundle.verify_signer(trusted).map_err(|error| keys::from_signing(&error))?;
        let statement = Statement::parse(&statement).map_err(|doubt| from_doubt(&doubt))?;
        Ok(Self { statement, digest: Digest::of_bytes(bytes), key: key.id() })
    }

    /// The evidence of a recorded run.
    pub(crate) fn of_run(run: &RecordedRun, trusted: &[PublicKey]) -> Result<Self, Failure> {
        let path = run.path().join(FILE);
        let bytes = fs::read(&path).map_err(|error| {
            Failure::usage("evidence::missing", format!("the run {} left no evidence: {error}", run.id()))
                .help("only a run whose gates were judged does; run the workflow again")
        })?;
        Self::accept(&bytes, trusted)
    }

    /// The evidence under which a version was promoted last, to `alias` if it ever was.
    pub(crate) fn of_version(
        version: &VersionRecord,
        alias: Option<&str>,
        registry: &Registry,
        store: &Store,
        runtime: &Runtime,
        trusted: &[PublicKey],
    ) -> Result<Self, Failure> {
        let digest = runtime.block_on(registry.evidence_of(version, alias));
        let digest = digest.map_err(|error| stored::from_registry(&error))?.ok_or_else(|| {
            Failure::new(
                ExitCode::Denied,
                "evidence::missing",
                format!("version {} of `{}` has no evidence", version.version, version.model),
            )
            .help("it was promoted without; run its workflow again, so that its gates are judged")
        })?;
        runtime.block_on(registry.fetch(&digest)).map_err(|error| stored::from_registry(&error))?;
        let bytes = fs::read(store.path(&digest)).map_err(|error| {
            Failure::environment(
                "evidence::unreadable",
                format!("cannot read the evidence {digest}: {error}"),
            )
        })?;
        Self::accept(&bytes, trusted)
    }

    /// What it says of its models.
    pub(crate) fn predicate(&self) -> &Predicate {
        &self.statement.predicate
    }

    /// Refuses where it is not about this model, or contradicts itself.
    pub(crate) fn is_about(&self, model: &Digest) -> Result<(), Failure> {
        evidence::check(&self.statement, model, Timestamp::now()).map_err(|doubt| from_doubt(&doubt))
    }

    /// Refuses where a run with it would not promote this model after these stages, which
    /// [`awaited`](Predicate::awaited) names.
    pub(crate) fn allows(&self, model: &Digest, after: &[String], ruling: Ruling) -> Result<(), Failure> {
        self.predicate().allows(model, after, ruling).map_err(|doubt| from_doubt(&doubt))
    }

    /// What the alias of a promotion must point to: what the model was compared with.
    pub(crate) fn expected(&self, promotion: &IntendedPromotion) -> Expected {
        let compared = self.predicate().compared_with((&promotion.model, &promotion.alias), &promotion.after);
        compared.map_or(Expected::Anything, Expected::Version)
    }

    /// Refuses where its policy is not that of the workflow today.
    pub(crate) fn is_under_policy_of(&self, file: &Path, environment: &Environment) -> Result<(), Failure> {
        let (loaded, _) = workflow_file::load(file, &[], environment)?;
        let plan = loaded.plan.ok_or_else(|| {
            Failure::usage(
                "evidence::workflow",
                format!("the workflow {} has errors, so its policy is not known", file.display()),
            )
            .help(format!("`runner check {}` lists them", file.display()))
        })?;
        let asked = policy_of(&plan).digest();
        let predicate = self.predicate();
        if asked == predicate.policy_digest {
            return Ok(());
        }
        Err(from_doubt(&Doubt::OtherPolicy {
            made_under: predicate.policy_digest.clone(),
            asked_by: file.display().to_string(),
            asked,
        }))
    }
}

/// A verdict that does not allow it ends as a run with that verdict does; everything else is a refusal.
pub(crate) fn from_doubt(doubt: &Doubt) -> Failure {
    let exit = match doubt {
        Doubt::NotPassing { verdict: Verdict::Hold | Verdict::Inconclusive, .. } => ExitCode::Held,
        Doubt::NotPassing { .. } => ExitCode::GateFailed,
        _ => ExitCode::Denied,
    };
    from_diagnostic(doubt, exit)
}

/// A runtime for commands that ask the registry.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::environment("cli::runtime", format!("cannot start the asynchronous runtime: {error}"))
    })
}

impl Proof {
    /// The version that a promotion on this evidence makes.
    pub(crate) fn version(&self, promotion: &IntendedPromotion, change: Change) -> NewVersion {
        let predicate = self.predicate();
        let run = &predicate.run;
        let judgements: Vec<_> = predicate.stages.iter().flat_map(|stage| &stage.judgements).collect();
        let metrics = predicate.stages.iter().flat_map(|stage| &stage.case.candidate.scalars);
        NewVersion {
            digest: promotion.digest,
            run: Some(run.id.clone()),
            lineage: json!({
                "workflow": run.workflow,
                "file": run.file,
                "workflow_digest": run.workflow_digest,
                "git_commit": run.git_commit,
                "git_branch": run.git_branch,
                "git_dirty": run.git_dirty,
                "run": run.id,
                "output": promotion.output,
                "steps": predicate.steps,
                "params": predicate.params,
                "data": predicate.data,
                "verdict": predicate.verdict,
            }),
            metrics: json!(metrics.collect::<Vec<_>>()),
            evidence: json!({
                "digest": self.digest,
                "policy": predicate.policy_digest,
                "verdict": predicate.verdict,
                "judgements": judgements,
            }),
            keep: promotion.keep,
            change,
        }
    }

    /// Digests of all predictions that it rests on.
    pub(crate) fn predictions(&self) -> Vec<Digest> {
        let outputs = self.predicate().stages.iter().flat_map(|stage| stage.case.predictions());
        outputs.filter_map(|output| output.digest.parse().ok()).collect()
    }
}
