//! What checking a workflow asks of the outside world, answered.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fs,
    io::Read as _,
    path::Path,
    rc::Rc,
};

use jsonschema::Validator;
use runner_gate::{grammar, mapping};
use runner_workflow::{
    plan::PlannedGate,
    surroundings::{PluginManifest, Problem, Surroundings},
};

use crate::{builtins, plugins::Plugins};

/// A parameter file larger than this is a mistake.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// The workspace, the plugins and the gate grammar.
pub(crate) struct Outside<'a> {
    workspace: &'a Path,
    plugins: &'a Plugins,
    /// A plugin used by thousands of steps is asked once.
    manifests: RefCell<HashMap<String, Result<Option<PluginManifest>, Problem>>>,
    /// Compiled schemas by their text.
    validators: RefCell<HashMap<String, Rc<Result<Validator, String>>>>,
}

impl<'a> Outside<'a> {
    /// The outside world of a workspace.
    pub(crate) fn new(workspace: &'a Path, plugins: &'a Plugins) -> Self {
        Self { workspace, plugins, manifests: RefCell::default(), validators: RefCell::default() }
    }

    fn validator(&self, schema: &serde_json::Value) -> Rc<Result<Validator, String>> {
        let text = schema.to_string();
        if let Some(known) = self.validators.borrow().get(&text) {
            return Rc::clone(known);
        }
        let validator = Rc::new(jsonschema::validator_for(schema).map_err(|error| error.to_string()));
        self.validators.borrow_mut().insert(text, Rc::clone(&validator));
        validator
    }
}

impl Surroundings for Outside<'_> {
    fn manifest(&self, uses: &str) -> Result<Option<PluginManifest>, Problem> {
        if let Some(known) = self.manifests.borrow().get(uses) {
            return known.clone();
        }
        let answer = self.plugins.manifest_for_check(uses);
        self.manifests.borrow_mut().insert(uses.to_owned(), answer.clone());
        answer
    }

    fn check_config(&self, schema: &serde_json::Value, config: &serde_json::Value) -> Vec<Problem> {
        if schema.is_null() {
            let is_empty = config.as_object().is_none_or(serde_json::Map::is_empty);
            return if is_empty {
                Vec::new()
            } else {
                vec![Problem {
                    code: "plugin::no-config".to_owned(),
                    message: "this plugin takes no configuration".to_owned(),
                    help: Some("remove `with:`".to_owned()),
                    range: None,
                    pointer: None,
                }]
            };
        }
        match &*self.validator(schema) {
            Ok(validator) => validator.iter_errors(config).map(|error| config_problem(&error)).collect(),
            Err(why) => vec![Problem {
                code: "plugin::bad-schema".to_owned(),
                message: format!("the plugin's own schema of `with:` is invalid: {why}"),
                help: Some("tell the plugin's author; its configuration cannot be checked".to_owned()),
                range: None,
                pointer: None,
            }],
        }
    }

    fn check_gate(&self, gate: &PlannedGate, units: &BTreeMap<String, String>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(line) = &gate.line
            && let Err(error) = grammar::parse_within_reach(line, units)
        {
            problems.push(Problem {
                code: error.code.to_string(),
                message: error.message.clone(),
                help: error.help.clone(),
                range: Some(error.range.clone()),
                pointer: None,
            });
        }
        if let Some(value) = &gate.mapping
            && let Err(errors) = mapping::from_json_within_reach(value, units)
        {
            problems.extend(errors.into_iter().map(|error| Problem {
                code: error.code.to_string(),
                message: error.message,
                help: error.help,
                range: None,
                pointer: Some(error.pointer),
            }));
        }
        problems
    }

    fn read(&self, path: &str) -> Result<String, Problem> {
        read_inside(self.workspace, path).map_err(|message| Problem {
            code: "workflow::file".to_owned(),
            message,
            help: Some("paths are relative to the workspace and stay inside it".to_owned()),
            range: None,
            pointer: None,
        })
    }

    fn builtin_names(&self) -> Vec<String> {
        builtins::ALL.iter().map(|plugin| plugin.name.to_owned()).collect()
    }
}

/// `"ten" is not of type "integer"`, placed by its pointer.
fn config_problem(error: &jsonschema::ValidationError<'_>) -> Problem {
    let pointer = error.instance_path().to_string();
    let at =
        if pointer.is_empty() { String::new() } else { format!("`{}`: ", pointer.trim_start_matches('/')) };
    Problem {
        code: "plugin::config".to_owned(),
        message: format!("{at}{error}"),
        help: None,
        range: None,
        pointer: Some(pointer),
    }
}

/// The text of a regular file of the workspace; links may not lead out of it.
fn read_inside(workspace: &Path, path: &str) -> Result<String, String> {
    let root = workspace.canonicalize().map_err(|error| format!("{}: {error}", workspace.display()))?;
    let file = root.join(path).canonicalize().map_err(|error| format!("cannot read `{path}`: {error}"))?;
    if !file.starts_with(&root) {
        return Err(format!("`{path}` lies outside of the workspace {}", root.display()));
    }
    let metadata = fs::metadata(&file).map_err(|error| format!("cannot read `{path}`: {error}"))?;
    if !metadata.is_file() {
        return Err(format!("`{path}` is not a regular file"));
    }
    let mut text = String::new();
    fs::File::open(&file)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot read `{path}`: {error}"))?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(format!("`{path}` is larger than {LARGEST_FILE} bytes"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_outside_of_the_workspace_are_refused() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(outer.path().join("secret.yaml"), "a: 1").unwrap();
        fs::write(inner.join("params.yaml"), "lr: 0.1").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret.yaml"), inner.join("link.yaml")).unwrap();
        assert_eq!(read_inside(&inner, "params.yaml").unwrap(), "lr: 0.1");
        for path in ["../secret.yaml", "link.yaml", ".", "missing.yaml", "/etc/hostname"] {
            assert!(read_inside(&inner, path).is_err(), "{path}");
        }
    }

    #[test]
    fn endless_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("big"), vec![b'a'; usize::try_from(LARGEST_FILE).unwrap() + 1]).unwrap();
        assert!(read_inside(dir.path(), "big").unwrap_err().contains("larger"));
    }
}
