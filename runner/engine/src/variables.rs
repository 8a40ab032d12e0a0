//! Names of the variables that scripts read.

use std::collections::BTreeMap;

use runner_workflow::plan::PlannedStep;

use crate::executor::{ErrorClass, ExecutorError};

/// `RUNNER_IN_` and `train-set` make `RUNNER_IN_TRAIN_SET`.
pub(crate) fn variable(prefix: &str, name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    prefix.chars().chain(letters).collect()
}

/// Refuses names of inputs or of outputs that would be the same variable.
pub(crate) fn check_names(step: &PlannedStep) -> Result<(), ExecutorError> {
    for names in [step.inputs.keys().collect::<Vec<_>>(), step.outputs.keys().collect()] {
        let mut seen = BTreeMap::new();
        for name in names {
            if let Some(other) = seen.insert(variable("", name), name) {
                return Err(ExecutorError {
                    class: ErrorClass::Usage,
                    code: "step::names",
                    message: format!(
                        "`{other}` and `{name}` of step `{}` would be the same variable",
                        step.id
                    ),
                    help: Some(
                        "give one of them a name that differs in more than case, `-` and `.`".to_owned(),
                    ),
                });
            }
        }
    }
    Ok(())
}
