//! Evidence that is relied on: signature first, then its content, then whether it speaks of this model and this policy.

use std::{fs, path::Path};

use jiff::Timestamp;
use runner_engine::evidence::{
    self, APPROVAL_FILE, Approval, Doubt, FILE, Predicate, Ruling, Statement, policy_of,
};
use runner_gate::verdict::Verdict;
use runner_store::{
    Basis, Change, ChangeKind, Digest, RecordedRun, Registry, Store, VersionRecord,
    signing::{Bundle, PublicKey},
};
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
    /// Who let it through, where somebody did.
    pub(crate) approval: Option<Approved>,
}

/// An approval of evidence, whose signature is that of a trusted key.
#[derive(Debug)]
pub(crate) struct Approved {
    /// What it says.
    pub(crate) approval: Approval,
    /// The file.
    pub(crate) bytes: Vec<u8>,
    /// Id of the trusted key that signed it.
    pub(crate) key: String,
}

impl Proof {
    /// Accepts evidence that one of these keys signed.
    pub(crate) fn accept(bytes: &[u8], trusted: &[PublicKey]) -> Result<Self, Failure> {
        let bundle = Bundle::parse(bytes).map_err(|error| keys::from_signing(&error))?;
        let (statement, key) = bundle.verify_signer(trusted).map_err(|error| keys::from_signing(&error))?;
        let statement = Statement::parse(&statement).map_err(|doubt| from_doubt(&doubt))?;
        Ok(Self { statement, digest: Digest::of_bytes(bytes), key: key.id(), approval: None })
    }

    /// Accepts the approval of this evidence that one of these keys signed.
    pub(crate) fn approved(self, bytes: Vec<u8>, trusted: &[PublicKey]) -> Result<Self, Failure> {
        let bundle = Bundle::parse(&bytes).map_err(|error| keys::from_signing(&error))?;
        let (statement, key) = bundle.verify_signer(trusted).map_err(|error| keys::from_signing(&error))?;
        let approval = Approval::parse(&statement, &self.digest).map_err(|doubt| from_doubt(&doubt))?;
        let key = key.id();
        Ok(Self { approval: Some(Approved { approval, bytes, key }), ..self })
    }

    /// The evidence of a recorded run, with the approval of it.
    pub(crate) fn of_run(run: &RecordedRun, trusted: &[PublicKey]) -> Result<Self, Failure> {
        let path = run.path().join(FILE);
        let bytes = fs::read(&path).map_err(|error| {
            Failure::usage("evidence::missing", format!("the run {} left no evidence: {error}", run.id()))
                .help("only a run whose gates were judged does; run the workflow again")
        })?;
        let proof = Self::accept(&bytes, trusted)?;
        let path = run.path().join(APPROVAL_FILE);
        match fs::read(&path) {
            Ok(bytes) => proof.approved(bytes, trusted),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(proof),
            Err(error) => Err(Failure::environment(
                "evidence::unreadable",
                format!("cannot read the approval {}: {error}", path.display()),
            )),
        }
    }

    /// The evidence under which a version was promoted last, to `alias` if it ever was, with the approval of it.
    pub(crate) fn of_version(
        version: &VersionRecord,
        alias: Option<&str>,
        registry: &Registry,
        store: &Store,
        runtime: &Runtime,
        trusted: &[PublicKey],
    ) -> Result<Self, Failure> {
        let basis = runtime.block_on(registry.basis_of(version, alias));
        let basis = basis.map_err(|error| stored::from_registry(&error))?.ok_or_else(|| {
            Failure::new(
                ExitCode::Denied,
                "evidence::missing",
                format!("version {} of `{}` has no evidence", version.version, version.model),
            )
            .help("it was promoted without; run its workflow again, so that its gates are judged")
        })?;
        let read = |what: &str, digest: Digest| {
            runtime.block_on(registry.fetch(&digest)).map_err(|error| stored::from_registry(&error))?;
            fs::read(store.path(&digest)).map_err(|error| {
                Failure::environment(
                    "evidence::unreadable",
                    format!("cannot read the {what} {digest}: {error}"),
                )
            })
        };
        let proof = Self::accept(&read("evidence", basis.evidence)?, trusted)?;
        match basis.approval {
            Some(approval) => proof.approved(read("approval", approval)?, trusted),
            None => Ok(proof),
        }
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
    /// [`awaited`](Predicate::awaited) names. What gates hold is let through by an approval.
    pub(crate) fn allows(&self, model: &Digest, after: &[String]) -> Result<(), Failure> {
        let ruling = if self.approval.is_some() { Ruling::OfPerson } else { Ruling::OfGates };
        self.predicate().allows(model, after, ruling).map_err(|doubt| from_doubt(&doubt))
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
        Doubt::NotPassing { .. } | Doubt::Unjudged => ExitCode::GateFailed,
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
    /// A change of an alias that rests on this, by the person at the keyboard. The approval becomes an object of the store,
    /// so that it goes where the evidence goes.
    pub(crate) fn change(
        &self,
        kind: ChangeKind,
        why: String,
        store: &Store,
        environment: &Environment,
    ) -> Result<Change, Failure> {
        let approval = self.approval.as_ref().map(|approved| store.put_bytes(&approved.bytes)).transpose();
        let approval = approval.map_err(|error| stored::from_object(&error))?.map(|object| object.digest);
        Ok(Change {
            run: Some(self.predicate().run.id.clone()),
            by: Some(environment.actor.clone()),
            why: Some(why),
            basis: Some(Basis { evidence: self.digest, approval }),
            kind,
        })
    }
}
