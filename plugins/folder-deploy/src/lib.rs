//! `folder-deploy`: puts a model into service as a folder that keeps its earlier revisions.
//!
//! The folder is the output `deployment`: `model` is the model in service, `deployment.json` says what it is, and
//! `revisions/` holds the models a rollback can bring back. The input `current` is the folder as it was before.

pub mod record;

use std::{fs, path::Path};

use runner_plugin_sdk::{Deployer, Deployment, Failure, Kind, Manifest, Port, Task, host};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use record::{Record, Revision};

/// Name of the input with the folder as it was.
const CURRENT: &str = "current";
/// Name of the input with the model to deploy.
const MODEL: &str = "model";
/// Name of the output with the folder as it will be.
const DEPLOYMENT: &str = "deployment";
/// Name of the file of the model in service.
const SERVED: &str = "model";

/// The configuration.
#[derive(Debug, Clone, Deserialize)]
struct Config {
    #[serde(default = "keep")]
    keep: usize,
}

const fn keep() -> usize {
    5
}

/// The plugin: see the crate.
pub struct FolderDeploy;

impl Deployer for FolderDeploy {
    fn describe() -> Manifest {
        Manifest::new(
            "folder-deploy",
            env!("CARGO_PKG_VERSION"),
            "Puts a model into service as a folder that keeps its earlier revisions.",
        )
        .stage("deploy")
        .input(Port::optional(MODEL, Kind::Model, "The model to deploy; needed to apply, not to ask or roll back."))
        .input(Port::optional(CURRENT, Kind::Any, "The deployment's folder as it is now; none for the first time."))
        .output(Port::output(DEPLOYMENT, Kind::Any, "deployment", "The deployment's folder as it will be."))
        .config_schema(serde_json::json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "keep": { "description": "How many revisions the folder holds, with the one in service.", "type": "integer", "minimum": 1, "maximum": 1000, "default": 5 }
            }
        }))
    }

    fn apply(task: Task) -> Result<Deployment, Failure> {
        let config: Config = task.config()?;
        let path = task.input(MODEL)?;
        let model = fs::read(path).map_err(Failure::unreadable(path))?;
        let model_digest = digest(&model);
        let current = current(&task)?;
        let record = Record::deployed(current.as_ref(), &model_digest, config.keep);
        write(&task, &record, Some(&model))?;
        let message = if current.as_ref() == Some(&record) {
            format!("{} was in service already", record.in_service)
        } else {
            format!("{} is in service", record.in_service)
        };
        host::info(&message);
        Ok(Deployment { model_digest, revision: record.in_service, healthy: true, message })
    }

    fn status(task: Task) -> Result<Deployment, Failure> {
        let Some(folder) = task.optional_input(CURRENT) else {
            return Ok(Deployment {
                model_digest: String::new(),
                revision: String::new(),
                healthy: false,
                message: "nothing is deployed".to_owned(),
            });
        };
        let record = read(folder)?;
        let revision = in_service(&record)?;
        let served = folder.join(SERVED);
        let found = fs::read(&served).map(|model| digest(&model));
        let (healthy, message) = match found {
            Ok(found) if found == revision.model_digest => {
                (true, format!("{} is in service", record.in_service))
            }
            Ok(found) => (
                false,
                format!(
                    "`{SERVED}` has the digest {found}, but {} has {}: it was changed after it was deployed",
                    record.in_service, revision.model_digest
                ),
            ),
            Err(error) => (false, format!("`{SERVED}` cannot be read: {error}")),
        };
        Ok(Deployment {
            model_digest: revision.model_digest.clone(),
            revision: record.in_service.clone(),
            healthy,
            message,
        })
    }

    fn rollback(task: Task, revision: &str) -> Result<Deployment, Failure> {
        let current = read(task.input(CURRENT)?)?;
        let Some(record) = current.rolled_back(revision) else {
            let held: Vec<&str> = current.revisions.iter().map(|held| held.revision.as_str()).collect();
            return Err(Failure::failed(format!(
                "the deployment holds no revision `{revision}`; it holds {}",
                held.join(", ")
            )));
        };
        write(&task, &record, None)?;
        let message = format!("{} is back in service", record.in_service);
        host::info(&message);
        let model_digest = in_service(&record)?.model_digest.clone();
        Ok(Deployment { model_digest, revision: record.in_service, healthy: true, message })
    }
}

fn current(task: &Task) -> Result<Option<Record>, Failure> {
    task.optional_input(CURRENT).map(read).transpose()
}

fn read(folder: &Path) -> Result<Record, Failure> {
    let path = folder.join(record::FILE);
    let json = fs::read(&path).map_err(Failure::unreadable(&path))?;
    Record::read(&json).map_err(|error| Failure::input(format!("input `{CURRENT}`: {error}")))
}

fn in_service(record: &Record) -> Result<&Revision, Failure> {
    record.revision(&record.in_service).ok_or_else(|| Failure::failed("the revision in service is not held"))
}

/// Writes the folder that `record` describes. The model of a revision that is not in `current` is `new`.
fn write(task: &Task, record: &Record, new: Option<&[u8]>) -> Result<(), Failure> {
    let folder = task.required_output(DEPLOYMENT)?;
    let current = task.optional_input(CURRENT);
    for revision in &record.revisions {
        let held = current.map(|current| current.join(&revision.path)).filter(|path| path.exists());
        let model = match (held, new) {
            (Some(path), _) => fs::read(&path).map_err(Failure::unreadable(&path))?,
            (None, Some(new)) => new.to_vec(),
            (None, None) => {
                return Err(Failure::input(format!(
                    "input `{CURRENT}`: the model of {} is missing at `{}`",
                    revision.revision, revision.path
                )));
            }
        };
        let found = digest(&model);
        if found != revision.model_digest {
            return Err(Failure::input(format!(
                "input `{CURRENT}`: the model of {} has the digest {found}, but was deployed with {}",
                revision.revision, revision.model_digest
            )));
        }
        put(&folder.join(&revision.path), &model)?;
        if revision.revision == record.in_service {
            put(&folder.join(SERVED), &model)?;
        }
    }
    put(&folder.join(record::FILE), &record.to_json().map_err(Failure::failed)?)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Failure::unwritable(folder))?;
    }
    fs::write(path, bytes).map_err(Failure::unwritable(path))
}

fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        for nibble in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text
}

runner_plugin_sdk::export_deployer!(FolderDeploy);

#[cfg(test)]
mod tests {
    use super::*;

    struct Target {
        folder: tempfile::TempDir,
        count: u32,
    }

    impl Target {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), count: 0 }
        }

        fn current(&self) -> std::path::PathBuf {
            self.folder.path().join(format!("deployment-{}", self.count))
        }

        /// A task whose `current` is the folder that the task before wrote.
        fn task(&mut self, model: Option<&str>) -> Task {
            let mut task = Task::new("deploy");
            if self.count > 0 {
                task = task.with_input(CURRENT, Kind::Any, self.current());
            }
            if let Some(model) = model {
                let path = self.folder.path().join("model.onnx");
                fs::write(&path, model).unwrap();
                task = task.with_input(MODEL, Kind::Model, path);
            }
            self.count += 1;
            task.with_output(DEPLOYMENT, Kind::Any, self.current())
        }

        fn status(&self) -> Deployment {
            FolderDeploy::status(Task::new("status").with_input(CURRENT, Kind::Any, self.current())).unwrap()
        }
    }

    #[test]
    fn deploys_asks_and_rolls_back() {
        let mut target = Target::new();
        let nothing = FolderDeploy::status(Task::new("status")).unwrap();
        assert!(!nothing.healthy);
        let first = FolderDeploy::apply(target.task(Some("one"))).unwrap();
        assert_eq!(first.revision, "r1");
        assert_eq!(
            first.model_digest,
            "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
        );
        let second = FolderDeploy::apply(target.task(Some("two"))).unwrap();
        assert_eq!(second.revision, "r2");
        assert_eq!(fs::read_to_string(target.current().join("model")).unwrap(), "two");
        assert_eq!(target.status().revision, "r2");
        let back = FolderDeploy::rollback(target.task(None), "r1").unwrap();
        assert_eq!(back.model_digest, first.model_digest);
        assert_eq!(fs::read_to_string(target.current().join("model")).unwrap(), "one");
        assert_eq!(target.status(), Deployment { message: "r1 is in service".into(), ..back });
    }

    #[test]
    fn the_same_model_again_changes_nothing() {
        let mut target = Target::new();
        FolderDeploy::apply(target.task(Some("one"))).unwrap();
        let before = fs::read(target.current().join(record::FILE)).unwrap();
        let again = FolderDeploy::apply(target.task(Some("one"))).unwrap();
        assert_eq!(again.revision, "r1");
        assert_eq!(fs::read(target.current().join(record::FILE)).unwrap(), before);
    }

    #[test]
    fn a_changed_model_is_unhealthy_and_cannot_come_back() {
        let mut target = Target::new();
        FolderDeploy::apply(target.task(Some("one"))).unwrap();
        fs::write(target.current().join("model"), "other").unwrap();
        assert!(!target.status().healthy);
        fs::write(target.current().join("revisions/r1/model"), "other").unwrap();
        let failure = FolderDeploy::rollback(target.task(None), "r1").unwrap_err();
        assert!(failure.to_string().contains("was deployed with sha256:7692"), "{failure}");
    }

    #[test]
    fn an_unknown_revision_is_named() {
        let mut target = Target::new();
        FolderDeploy::apply(target.task(Some("one"))).unwrap();
        let failure = FolderDeploy::rollback(target.task(None), "r7").unwrap_err();
        assert_eq!(failure.to_string(), "the deployment holds no revision `r7`; it holds r1");
    }
}
