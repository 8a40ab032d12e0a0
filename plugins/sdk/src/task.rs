//! One piece of work.

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Failure, Kind};

/// Where one named input or output lies for this task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The key of `in:` or `out:`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Absolute path inside the sandbox: a file, or a folder where the workflow named a folder.
    pub path: PathBuf,
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The step's id, with its matrix cell: `fit` or `fit[seed=0]`. For messages only.
    pub step: String,
    /// Inputs the workflow names.
    pub inputs: Vec<Binding>,
    /// Outputs the workflow or the manifest names.
    pub outputs: Vec<Binding>,
    /// The configuration (`with:`) as JSON text, already checked against the manifest's schema.
    pub config: String,
    /// Seed for all randomness of the step.
    pub seed: u64,
}

impl Task {
    /// A task without inputs, outputs or configuration: where a plugin's test starts.
    pub fn new(step: &str) -> Self {
        Self { step: step.into(), inputs: Vec::new(), outputs: Vec::new(), config: "{}".into(), seed: 0 }
    }

    /// Adds an input, for tests.
    #[must_use]
    pub fn with_input(mut self, name: &str, kind: Kind, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Binding { name: name.into(), kind, path: path.into() });
        self
    }

    /// Adds an output, for tests.
    #[must_use]
    pub fn with_output(mut self, name: &str, kind: Kind, path: impl Into<PathBuf>) -> Self {
        self.outputs.push(Binding { name: name.into(), kind, path: path.into() });
        self
    }

    /// Sets the configuration, for tests.
    ///
    /// # Errors
    /// If the value cannot be written as JSON.
    pub fn with_config(mut self, config: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.config = serde_json::to_string(config)?;
        Ok(self)
    }

    /// Sets the seed, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Path of an input.
    ///
    /// # Errors
    /// [`Failure::InvalidInput`] if the workflow names none of that name.
    pub fn input(&self, name: &str) -> Result<&Path, Failure> {
        self.optional_input(name).ok_or_else(|| {
            Failure::InvalidInput(format!("the step has no input `{name}`: add it under `in:`"))
        })
    }

    /// Path of an input that may be absent.
    pub fn optional_input(&self, name: &str) -> Option<&Path> {
        find(&self.inputs, name)
    }

    /// Path of an output, if it is wanted.
    pub fn output(&self, name: &str) -> Option<&Path> {
        find(&self.outputs, name)
    }

    /// Path of an output that the plugin cannot go without.
    ///
    /// # Errors
    /// [`Failure::InvalidConfig`] if the task names none of that name.
    pub fn required_output(&self, name: &str) -> Result<&Path, Failure> {
        self.output(name).ok_or_else(|| {
            Failure::InvalidConfig(format!("the step has no output `{name}`: add it under `out:`"))
        })
    }

    /// The configuration as a type of the plugin's own.
    ///
    /// # Errors
    /// [`Failure::InvalidConfig`] if it does not fit the type, which a precise JSON Schema in the manifest prevents.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.config).map_err(|error| Failure::InvalidConfig(format!("with: {error}")))
    }
}

fn find<'a>(bindings: &'a [Binding], name: &str) -> Option<&'a Path> {
    bindings.iter().find(|binding| binding.name == name).map(|binding| binding.path.as_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_by_name_and_missing_ones_are_named() {
        let task = Task::new("check").with_input("data", Kind::Dataset, "/in/data/x.csv");
        assert_eq!(task.input("data").unwrap(), Path::new("/in/data/x.csv"));
        assert_eq!(task.optional_input("schema"), None);
        let failure = task.input("schema").unwrap_err();
        assert!(failure.to_string().contains("`schema`"), "{failure}");
        assert!(task.required_output("model").is_err());
    }

    #[test]
    fn a_configuration_is_read_as_the_plugins_type() {
        let task = Task::new("check").with_config(&serde_json::json!({ "a": 1 })).unwrap();
        assert_eq!(task.config::<serde_json::Value>().unwrap()["a"], 1);
        assert!(matches!(task.config::<Vec<u8>>(), Err(Failure::InvalidConfig(_))));
    }
}
