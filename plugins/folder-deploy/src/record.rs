//! `deployment.json`: which model is in service, and which ones were before.

use serde::{Deserialize, Serialize};

/// The name of the record in a deployment's folder.
pub const FILE: &str = "deployment.json";

/// What a deployment's folder says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Revision in service: the name of an entry of `revisions`.
    pub in_service: String,
    /// Revision that was in service before, if any.
    pub previous: Option<String>,
    /// Every revision the folder holds, oldest first.
    pub revisions: Vec<Revision>,
}

/// One model, as it was deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// `r1`, `r2`, ...: counted up, never reused.
    pub revision: String,
    /// `sha256:` and the digest of the model's bytes.
    pub model_digest: String,
    /// The model's path in the folder.
    pub path: String,
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not the JSON this plugin writes.
    #[error("`{FILE}` is not a deployment's record: {0}")]
    Unreadable(String),
    /// A revision has another name than this plugin gives.
    #[error("`{FILE}` names a revision `{0}`; revisions are called r1, r2, ...")]
    Name(String),
    /// A model lies where this plugin puts none.
    #[error("`{FILE}` places the model of {revision} at `{path}`, which is not where it belongs")]
    Path {
        /// The revision.
        revision: String,
        /// Its path.
        path: String,
    },
    /// The revision in service is not held.
    #[error("`{FILE}` says {0} is in service, but holds no such revision")]
    NotHeld(String),
}

impl Record {
    /// Reads a record, and refuses one that this plugin would not have written.
    pub fn read(json: &[u8]) -> Result<Self, RecordError> {
        let record: Self =
            serde_json::from_slice(json).map_err(|error| RecordError::Unreadable(error.to_string()))?;
        for revision in &record.revisions {
            if number(&revision.revision).is_none() {
                return Err(RecordError::Name(revision.revision.clone()));
            }
            if revision.path != path(&revision.revision) {
                return Err(RecordError::Path {
                    revision: revision.revision.clone(),
                    path: revision.path.clone(),
                });
            }
        }
        if record.revision(&record.in_service).is_none() {
            return Err(RecordError::NotHeld(record.in_service));
        }
        Ok(record)
    }

    /// The record as indented JSON with a final line break.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }

    /// A revision the folder holds.
    pub fn revision(&self, name: &str) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.revision == name)
    }

    /// The record after `model_digest` came into service: the same if it is in service already. At most `keep`
    /// revisions are held, the one in service and the latest others.
    #[must_use]
    pub fn deployed(current: Option<&Self>, model_digest: &str, keep: usize) -> Self {
        let Some(current) = current else {
            return Self {
                in_service: "r1".to_owned(),
                previous: None,
                revisions: vec![Revision::new(1, model_digest)],
            };
        };
        if current.revision(&current.in_service).is_some_and(|revision| revision.model_digest == model_digest)
        {
            return current.clone();
        }
        let last =
            current.revisions.iter().filter_map(|revision| number(&revision.revision)).max().unwrap_or(0);
        let new = Revision::new(last + 1, model_digest);
        let in_service = new.revision.clone();
        let mut revisions = current.revisions.clone();
        revisions.push(new);
        let excess = revisions.len().saturating_sub(keep.max(1));
        revisions.drain(..excess);
        Self { in_service, previous: Some(current.in_service.clone()), revisions }
    }

    /// The record after `revision` came back into service; `None` if the folder does not hold it.
    #[must_use]
    pub fn rolled_back(&self, revision: &str) -> Option<Self> {
        self.revision(revision)?;
        if revision == self.in_service {
            return Some(self.clone());
        }
        Some(Self {
            in_service: revision.to_owned(),
            previous: Some(self.in_service.clone()),
            revisions: self.revisions.clone(),
        })
    }
}

impl Revision {
    fn new(number: u64, model_digest: &str) -> Self {
        let revision = format!("r{number}");
        let path = path(&revision);
        Self { revision, model_digest: model_digest.to_owned(), path }
    }
}

/// Where the model of a revision lies in the folder.
fn path(revision: &str) -> String {
    format!("revisions/{revision}/model")
}

fn number(revision: &str) -> Option<u64> {
    let digits = revision.strip_prefix('r')?;
    if digits.is_empty() || digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_count_up_and_the_oldest_go() {
        let mut record = Record::deployed(None, "sha256:a", 2);
        for digest in ["sha256:b", "sha256:c", "sha256:d"] {
            record = Record::deployed(Some(&record), digest, 2);
        }
        assert_eq!(record.in_service, "r4");
        assert_eq!(record.previous.as_deref(), Some("r3"));
        let held: Vec<&str> = record.revisions.iter().map(|revision| revision.revision.as_str()).collect();
        assert_eq!(held, ["r3", "r4"]);
    }

    #[test]
    fn the_same_model_again_changes_nothing() {
        let record = Record::deployed(None, "sha256:a", 5);
        assert_eq!(Record::deployed(Some(&record), "sha256:a", 5), record);
    }

    #[test]
    fn a_rollback_goes_to_a_held_revision_only() {
        let first = Record::deployed(None, "sha256:a", 5);
        let second = Record::deployed(Some(&first), "sha256:b", 5);
        let back = second.rolled_back("r1").unwrap();
        assert_eq!((back.in_service.as_str(), back.previous.as_deref()), ("r1", Some("r2")));
        assert_eq!(second.rolled_back("r9"), None);
        // A new model after a rollback gets a new number.
        assert_eq!(Record::deployed(Some(&back), "sha256:c", 5).in_service, "r3");
    }

    #[test]
    fn a_record_with_foreign_paths_is_refused() {
        let record = Record::deployed(None, "sha256:a", 5);
        assert_eq!(Record::read(&record.to_json().unwrap()).unwrap(), record);
        let mut foreign = record.clone();
        foreign.revisions[0].path = "../../etc/passwd".to_owned();
        assert!(matches!(Record::read(&foreign.to_json().unwrap()), Err(RecordError::Path { .. })));
        let mut foreign = record.clone();
        foreign.revisions[0].revision = "r1/..".to_owned();
        assert!(matches!(Record::read(&foreign.to_json().unwrap()), Err(RecordError::Name(_))));
        let foreign = Record { in_service: "r2".to_owned(), ..record };
        assert!(matches!(Record::read(&foreign.to_json().unwrap()), Err(RecordError::NotHeld(_))));
        assert!(matches!(Record::read(b"{}"), Err(RecordError::Unreadable(_))));
    }
}
