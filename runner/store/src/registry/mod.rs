//! The registry of models: numbered immutable versions, and aliases with an append-only history.
//!
//! It is a folder of small JSON records behind the [`object_store`] crate, so that the same layout works in a bucket. The
//! one operation it rests on is "create if absent" ([`PutMode::Create`]): who creates record `n + 1` has won, everybody
//! else looks again. A record is never changed or removed.
//!
//! On a local folder, `LocalFileSystem` with `fsync` writes each record to a temporary file, syncs it, hard-links it to its
//! name (which fails where the name is taken) and syncs the folder. So a record is never seen half-written, and a promotion
//! that was answered survives a power cut.

mod error;
mod name;
mod objects;
mod open;
mod record;

use std::sync::Arc;

use jiff::Timestamp;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, local::LocalFileSystem, path::Path as Location,
};
use serde::{Serialize, de::DeserializeOwned};

pub use error::RegistryError;
pub use name::{check_alias, check_model};
pub use open::{Place, PlaceError};
pub use record::{
    AliasRecord, AliasState, Basis, Change, ChangeKind, ModelSummary, NewVersion, VersionRecord,
};

use crate::{digest::Digest, error::StorageError, layout::Store};

/// The format of records.
const FORMAT: u64 = 1;
/// A record that everybody tries to create, and that is never read.
const PROBE: &str = "conditional-writes";
/// Lost races in a row before giving up. Each loss means that somebody else got through.
const MAX_RACES: u32 = 10_000;

/// What the caller believes about an alias it is about to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// Nothing: the last one wins.
    #[default]
    Anything,
    /// It points to this version; `None`: it does not exist. For decisions made by comparison with a baseline.
    Version(Option<u64>),
}

/// What a promotion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// Version the alias points to.
    pub version: u64,
    /// Version it pointed to before; the same one where nothing changed.
    pub previous: Option<u64>,
    /// Whether the alias was moved. `false` where it pointed to the same model already.
    pub changed: bool,
}

/// The registry of a store.
#[derive(Debug, Clone)]
pub struct Registry {
    records: Arc<dyn ObjectStore>,
    objects: Store,
    /// Where the objects of a shared registry are, beside those of this store.
    shared: Option<Arc<dyn ObjectStore>>,
}

impl Store {
    /// The registry in the folder of this store.
    pub fn registry(&self) -> Result<Registry, RegistryError> {
        let folder = self.registry_dir();
        // Kept also where only its folder was lost; fails on a read-only disk only where it would be needed.
        if !folder.is_dir() {
            std::fs::create_dir_all(folder).map_err(StorageError::at("create the folder", folder))?;
        }
        let records = LocalFileSystem::new_with_prefix(folder)
            .map_err(|source| RegistryError::access("open", folder.display(), source))?
            .with_fsync(true);
        Ok(Registry::new(Arc::new(records), self.clone()))
    }
}

impl Registry {
    /// A registry with its records in `records` and the bytes of its models in `objects`.
    #[must_use]
    pub fn new(records: Arc<dyn ObjectStore>, objects: Store) -> Self {
        Self { records, objects, shared: None }
    }

    /// Makes `alias` point to the version of `model` that holds `new.digest`; makes the version where there is none.
    ///
    /// The object is read again first and refused where it is missing or damaged; it is on the disk before the version,
    /// and the version before the alias. Promoting what the alias points to already is never refused, whatever is
    /// expected; only evidence that is not that of its last change is recorded. Of several promotions at once each gets a
    /// number of its own.
    pub async fn promote(
        &self,
        model: &str,
        alias: &str,
        new: NewVersion,
        expected: Expected,
    ) -> Result<Promoted, RegistryError> {
        check_model(model)?;
        check_alias(alias)?;
        self.has_one_winner().await?;
        let size = self.secure(new.digest).await?;
        self.secure_basis(new.change.basis).await?;
        let (change, keep) = (new.change.clone(), new.keep);
        let digest = new.digest;
        // Before a version is made that nothing points to.
        let head = self.head(model, alias).await?;
        expect(model, alias, head.as_ref(), digest, expected)?;
        let version = self.version_for(model, new, size).await?;
        self.point(model, alias, (version, digest), expected, change, keep).await
    }

    /// Makes `alias` point to a version that exists, for example to go back. Same rules as [`Registry::promote`].
    pub async fn set_alias(
        &self,
        model: &str,
        alias: &str,
        version: u64,
        expected: Expected,
        change: Change,
    ) -> Result<Promoted, RegistryError> {
        check_model(model)?;
        check_alias(alias)?;
        self.has_one_winner().await?;
        let record = self.version(model, version).await?;
        self.fetch(&record.digest).await?;
        self.secure(record.digest).await?;
        self.secure_basis(change.basis).await?;
        self.point(model, alias, (version, record.digest), expected, change, None).await
    }

    /// Names of all models, sorted.
    pub async fn models(&self) -> Result<Vec<String>, RegistryError> {
        self.folders(None).await
    }

    /// Versions (oldest first) and aliases of a model.
    pub async fn show(&self, model: &str) -> Result<ModelSummary, RegistryError> {
        check_model(model)?;
        let mut versions = Vec::new();
        for number in self.numbers(&versions_of(model)).await? {
            versions.push(self.version(model, number).await?);
        }
        let mut aliases = Vec::new();
        for alias in self.folders(Some(&aliases_of(model))).await? {
            if let Some(head) = self.head(model, &alias).await? {
                aliases.push(AliasState {
                    alias,
                    version: head.version,
                    changes: head.number,
                    since: head.at,
                });
            }
        }
        if versions.is_empty() {
            return Err(RegistryError::NoModel { model: model.to_owned() });
        }
        Ok(ModelSummary { model: model.to_owned(), versions, aliases })
    }

    /// All changes of an alias, oldest first; empty where it never existed.
    pub async fn history(&self, model: &str, alias: &str) -> Result<Vec<AliasRecord>, RegistryError> {
        check_model(model)?;
        check_alias(alias)?;
        let folder = alias_of(model, alias);
        let mut history = Vec::new();
        for number in self.numbers(&folder).await? {
            history.push(self.read(&numbered(&folder, number)).await?);
        }
        Ok(history)
    }

    /// The version that `champion` (an alias) or `v3` (a version) stands for; `None` where there is none.
    pub async fn resolve(
        &self,
        model: &str,
        reference: &str,
    ) -> Result<Option<VersionRecord>, RegistryError> {
        check_model(model)?;
        if let Some(number) = name::version_number(reference) {
            return match self.version(model, number).await {
                Err(RegistryError::NoVersion { .. }) => Ok(None),
                found => found.map(Some),
            };
        }
        check_alias(reference)?;
        match self.head(model, reference).await? {
            Some(head) => self.version(model, head.version).await.map(Some),
            None => Ok(None),
        }
    }

    /// One version.
    pub async fn version(&self, model: &str, number: u64) -> Result<VersionRecord, RegistryError> {
        check_model(model)?;
        match self.read(&numbered(&versions_of(model), number)).await {
            Err(RegistryError::Access { source: object_store::Error::NotFound { .. }, .. }) => {
                Err(RegistryError::NoVersion { model: model.to_owned(), number })
            }
            read => read,
        }
    }

    /// What a version rests on since it was promoted last: to `alias` where it was, otherwise to any alias; otherwise the one
    /// that it was made with. A version may be judged again later, by other gates.
    pub async fn basis_of(
        &self,
        version: &VersionRecord,
        alias: Option<&str>,
    ) -> Result<Option<Basis>, RegistryError> {
        let model = version.model.as_str();
        let mut newest: Option<AliasRecord> = None;
        for name in self.folders(Some(&aliases_of(model))).await? {
            let Some(change) = self.last_judged(model, &name, version.version).await? else { continue };
            if alias == Some(name.as_str()) {
                return Ok(change.basis());
            }
            if newest.as_ref().is_none_or(|newest| newest.at < change.at) {
                newest = Some(change);
            }
        }
        let first = || {
            let evidence = version.evidence.get("digest")?.as_str()?.parse().ok()?;
            Some(Basis { evidence, approval: None })
        };
        Ok(newest.and_then(|change| change.basis()).or_else(first))
    }

    /// The last change of an alias that points to this version and names evidence.
    async fn last_judged(
        &self,
        model: &str,
        alias: &str,
        version: u64,
    ) -> Result<Option<AliasRecord>, RegistryError> {
        let folder = alias_of(model, alias);
        for number in self.numbers(&folder).await?.into_iter().rev() {
            let change: AliasRecord = self.read(&numbered(&folder, number)).await?;
            if change.version == version && change.evidence.is_some() {
                return Ok(Some(change));
            }
        }
        Ok(None)
    }

    /// The number of the version with this digest; made where there is none.
    async fn version_for(&self, model: &str, new: NewVersion, size: u64) -> Result<u64, RegistryError> {
        let folder = versions_of(model);
        let mut record = VersionRecord {
            format: FORMAT,
            model: model.to_owned(),
            version: 0,
            digest: new.digest,
            size,
            created: Timestamp::now(),
            run: new.run,
            lineage: new.lineage,
            metrics: new.metrics,
            evidence: new.evidence,
        };
        let mut seen = 0;
        for _ in 0..MAX_RACES {
            let numbers = self.numbers(&folder).await?;
            // What was looked at in the round before need not be read again.
            for number in numbers.iter().rev().take_while(|number| **number > seen) {
                if self.version(model, *number).await?.digest == record.digest {
                    return Ok(*number);
                }
            }
            seen = numbers.last().copied().unwrap_or(0);
            record.version = seen + 1;
            if self.create(&numbered(&folder, record.version), &record).await? {
                return Ok(record.version);
            }
        }
        Err(RegistryError::Busy { model: model.to_owned() })
    }

    async fn point(
        &self,
        model: &str,
        alias: &str,
        (version, digest): (u64, Digest),
        expected: Expected,
        change: Change,
        keep: Option<u32>,
    ) -> Result<Promoted, RegistryError> {
        let folder = alias_of(model, alias);
        for _ in 0..MAX_RACES {
            let head = self.head(model, alias).await?;
            let previous = head.as_ref().map(|head| head.version);
            let is_new =
                change.basis.is_some() && head.as_ref().is_none_or(|head| head.basis() != change.basis);
            if previous == Some(version) && !is_new {
                return Ok(Promoted { version, previous, changed: false });
            }
            expect(model, alias, head.as_ref(), digest, expected)?;
            let record = AliasRecord {
                format: FORMAT,
                number: head.map_or(0, |head| head.number) + 1,
                version,
                digest,
                previous,
                at: Timestamp::now(),
                run: change.run.clone(),
                keep,
                kind: change.kind,
                by: change.by.clone(),
                why: change.why.clone(),
                evidence: change.basis.map(|basis| basis.evidence),
                approval: change.basis.and_then(|basis| basis.approval),
            };
            if self.create(&numbered(&folder, record.number), &record).await? {
                return Ok(Promoted { version, previous, changed: previous != Some(version) });
            }
        }
        Err(RegistryError::Busy { model: model.to_owned() })
    }

    /// The last change of an alias.
    async fn head(&self, model: &str, alias: &str) -> Result<Option<AliasRecord>, RegistryError> {
        let folder = alias_of(model, alias);
        match self.numbers(&folder).await?.last() {
            Some(number) => self.read(&numbered(&folder, *number)).await.map(Some),
            None => Ok(None),
        }
    }

    /// Numbers of the records in a folder, ascending.
    async fn numbers(&self, folder: &str) -> Result<Vec<u64>, RegistryError> {
        let listed = match self.records.list_with_delimiter(Some(&Location::from(folder))).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            listed => listed.map_err(|source| RegistryError::access("list", folder, source))?,
        };
        let names = listed.objects.iter().filter_map(|object| object.location.filename());
        let mut numbers: Vec<u64> = names
            .filter_map(|name| name.strip_suffix(".json").filter(|number| number.len() == 8)?.parse().ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Names of the folders in a folder, sorted; those that could not be made by this registry are left out.
    async fn folders(&self, folder: Option<&str>) -> Result<Vec<String>, RegistryError> {
        let location = folder.map(Location::from);
        let listed = match self.records.list_with_delimiter(location.as_ref()).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            listed => listed
                .map_err(|source| RegistryError::access("list", folder.unwrap_or("registry"), source))?,
        };
        let names = listed.common_prefixes.iter().filter_map(Location::filename);
        let mut names: Vec<String> =
            names.filter(|name| check_model(name).is_ok()).map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Refuses a place that lets two create the same record: everything rests on that exactly one can. A folder of this
    /// machine is known to; of any other place it is tried on a record that is there for nothing else.
    async fn has_one_winner(&self) -> Result<(), RegistryError> {
        if self.shared.is_none() {
            return Ok(());
        }
        let probe = serde_json::json!({ "format": FORMAT, "for": "trying conditional writes" });
        if !self.create(PROBE, &probe).await? || !self.create(PROBE, &probe).await? {
            return Ok(());
        }
        Err(RegistryError::Unconditional)
    }

    /// Whether this call created the record; `false` where somebody else was first.
    async fn create(&self, location: &str, record: &impl Serialize) -> Result<bool, RegistryError> {
        let mut bytes = serde_json::to_vec_pretty(record)
            .map_err(|source| RegistryError::Record { location: location.to_owned(), source })?;
        bytes.push(b'\n');
        let options = PutOptions::from(PutMode::Create);
        match self.records.put_opts(&Location::from(location), bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(false)
            }
            Err(source) => Err(RegistryError::access("write", location, source)),
        }
    }

    async fn read<T: DeserializeOwned>(&self, location: &str) -> Result<T, RegistryError> {
        let access = |source| RegistryError::access("read", location, source);
        let got = self.records.get(&Location::from(location)).await;
        let bytes = got.map_err(access)?.bytes().await.map_err(access)?;
        record::decode(&bytes, location)
    }
}

/// Refuses where the alias is not what the caller believes. Promoting what it points to already is never refused.
fn expect(
    model: &str,
    alias: &str,
    head: Option<&AliasRecord>,
    digest: Digest,
    expected: Expected,
) -> Result<(), RegistryError> {
    let previous = head.map(|head| head.version);
    match expected {
        Expected::Version(wanted) if wanted != previous && head.is_none_or(|head| head.digest != digest) => {
            Err(RegistryError::Moved {
                model: model.to_owned(),
                alias: alias.to_owned(),
                expected: name::version_text(wanted),
                found: name::version_text(previous),
            })
        }
        _ => Ok(()),
    }
}

fn versions_of(model: &str) -> String {
    format!("{model}/versions")
}

fn aliases_of(model: &str) -> String {
    format!("{model}/aliases")
}

fn alias_of(model: &str, alias: &str) -> String {
    format!("{model}/aliases/{alias}")
}

fn numbered(folder: &str, number: u64) -> String {
    format!("{folder}/{number:08}.json")
}
