//! Plugins for commands: the sandbox, started only where something needs it. All use of the plugin host is in this file.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use runner_engine::executor::{ErrorClass, Executor, ExecutorError};
use runner_plugin_host::{Builtin, HostOptions, Manifest, PluginHost};
use runner_workflow::surroundings::{PluginManifest, Problem};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    builtins,
    environment::Environment,
    exit_code::ExitCode,
    failure::{Failure, REPORT_IT},
    workflow_file::hex,
    workspace,
};

/// The plugins that a workspace can use.
pub(crate) struct Plugins {
    workspace: PathBuf,
    cache_dir: PathBuf,
    describer: OnceCell<PluginHost>,
    /// Codes of problems that lie in the environment and not in the workflow.
    environmental: RefCell<HashSet<String>>,
}

/// What is known of a plugin.
#[derive(Debug, Serialize)]
pub(crate) struct Inspected {
    /// As `uses:` names it.
    pub(crate) uses: String,
    /// SHA-256 of the component, hex.
    pub(crate) sha256: String,
    /// What it says about itself.
    pub(crate) manifest: Manifest,
}

impl Plugins {
    /// The plugins of a workspace. Cheap: nothing is read or started.
    pub(crate) fn new(workspace: &Path, environment: &Environment) -> Self {
        let cache = environment.cache_dir.clone();
        // Without a home folder the cache is as private as the workspace.
        let cache = cache.unwrap_or_else(|| workspace.join(workspace::STORE_DIR).join("cache"));
        Self {
            workspace: workspace.to_path_buf(),
            cache_dir: environment.current_dir.join(cache).join("plugins"),
            describer: OnceCell::new(),
            environmental: RefCell::default(),
        }
    }

    /// A host whose plugins can be granted these variables.
    fn start(&self, environment: BTreeMap<String, String>) -> Result<PluginHost, ExecutorError> {
        PluginHost::new(HostOptions {
            cache_dir: self.cache_dir.clone(),
            workspace: self.workspace.clone(),
            builtins: builtins(),
            environment,
        })
    }

    /// What asks plugins to describe themselves, which they do without any variable.
    fn describer(&self) -> Result<&PluginHost, ExecutorError> {
        if let Some(host) = self.describer.get() {
            return Ok(host);
        }
        let host = self.start(BTreeMap::new())?;
        Ok(self.describer.get_or_init(|| host))
    }

    /// What runs steps that use a plugin. `environment` is what `allow: { env: … }` can grant.
    pub(crate) fn executor(
        &self,
        environment: BTreeMap<String, String>,
    ) -> Result<Arc<dyn Executor>, Failure> {
        Ok(Arc::new(self.start(environment).map_err(from_executor)?))
    }

    /// What a plugin says about itself. Built-in ones need no sandbox for that.
    pub(crate) fn manifest(&self, uses: &str) -> Result<Manifest, ExecutorError> {
        let embedded = uses
            .strip_prefix("builtin:")
            .and_then(|name| builtins::ALL.iter().find(|plugin| plugin.name == name));
        match embedded {
            Some(plugin) => Manifest::from_json(plugin.manifest_json).map_err(|error| ExecutorError {
                class: ErrorClass::Internal,
                code: "plugin::embedded-manifest",
                message: format!("the manifest of {uses} is damaged: {error}"),
                help: Some(REPORT_IT.to_owned()),
            }),
            None => self.describer()?.manifest_blocking(uses),
        }
    }

    /// The same for checking a workflow; `None` where it cannot be known before a run.
    pub(crate) fn manifest_for_check(&self, uses: &str) -> Result<Option<PluginManifest>, Problem> {
        match self.manifest(uses) {
            Ok(manifest) => Ok(Some(PluginManifest::from(&manifest))),
            // Running it says that this is not available; checking it has nothing to say.
            Err(error) if error.code == "plugin::remote-unavailable" => Ok(None),
            Err(error) => {
                let unknown_builtin = uses.starts_with("builtin:") && error.class == ErrorClass::Usage;
                let code = if unknown_builtin { "plugin::unknown-builtin" } else { error.code };
                if error.class == ErrorClass::Environment {
                    self.environmental.borrow_mut().insert(code.to_owned());
                }
                Err(Problem {
                    code: code.to_owned(),
                    message: error.message,
                    help: error.help,
                    range: None,
                    pointer: None,
                })
            }
        }
    }

    /// Whether a problem with this code lies in the environment: a plugin that is not there, not a wrong workflow.
    pub(crate) fn is_environmental(&self, code: &str) -> bool {
        self.environmental.borrow().contains(code)
    }

    /// All that can be told of a plugin.
    pub(crate) fn inspect(&self, uses: &str) -> Result<Inspected, Failure> {
        let manifest = self.manifest(uses).map_err(from_executor)?;
        let embedded = builtins().iter().find(|plugin| uses.strip_prefix("builtin:") == Some(plugin.name));
        let sha256 = if let Some(plugin) = embedded {
            plugin.sha256.to_owned()
        } else {
            let path = self.workspace.join(uses);
            let bytes = fs::read(&path).map_err(|error| {
                Failure::environment("plugin::not-found", format!("cannot read {}: {error}", path.display()))
            })?;
            hex(&Sha256::digest(&bytes))
        };
        Ok(Inspected { uses: uses.to_owned(), sha256, manifest })
    }
}

/// The embedded plugins as the host takes them.
fn builtins() -> &'static [Builtin] {
    static BUILTINS: OnceLock<Vec<Builtin>> = OnceLock::new();
    BUILTINS.get_or_init(|| {
        let known = builtins::ALL.iter().filter_map(|plugin| {
            let sha256 = plugin.sha256()?;
            Some(Builtin {
                name: plugin.name,
                bytes: plugin.bytes,
                sha256,
                manifest_json: plugin.manifest_json,
            })
        });
        known.collect()
    })
}

/// An inability of an executor as that of a command.
pub(crate) fn from_executor(error: ExecutorError) -> Failure {
    let exit = match error.class {
        ErrorClass::Usage => ExitCode::Usage,
        ErrorClass::Denied => ExitCode::Denied,
        ErrorClass::Environment => ExitCode::Environment,
        ErrorClass::Internal => ExitCode::Internal,
    };
    Failure::new(exit, error.code, error.message).maybe_help(error.help)
}
