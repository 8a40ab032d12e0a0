//! Reading examples in a step: the same words and findings in every training plugin.

use std::{fs::File, io::BufReader};

use runner_plugin_sdk::{Failure, Finding, Severity, Task, host};

use crate::{
    columns::{Columns, ColumnsError},
    examples::{self, Examples, ExamplesError},
};

/// Name of the input that holds the examples.
pub const TRAIN: &str = "train";

/// Reads the examples of the task's input `train`. A cell that cannot be used is also reported as a finding.
pub fn read_train(task: &Task, columns: &Columns) -> Result<Examples, Failure> {
    let path = task.input(TRAIN)?;
    let file = File::open(path).map_err(Failure::unreadable(path))?;
    let examples = examples::read(BufReader::new(file), columns).map_err(failure)?;
    host::info(format!(
        "{} examples, {} features: {}",
        examples.labels.len(),
        examples.features.len(),
        examples.features.join(", ")
    ));
    if !examples.left_out.is_empty() {
        host::info(format!("left out, for they hold no numbers: {}", examples.left_out.join(", ")));
    }
    Ok(examples)
}

fn failure(error: ExamplesError) -> Failure {
    let message = format!("input `{TRAIN}`: {error}");
    match error {
        ExamplesError::Columns(ColumnsError::Missing { .. } | ColumnsError::NotAFeature(_)) => {
            Failure::InvalidConfig(message)
        }
        ExamplesError::NotANumber { row, column, value, .. } => {
            report_cell("not-a-number", &message, row, &column, &value);
            Failure::InvalidInput(message)
        }
        ExamplesError::Empty { row, column } => {
            report_cell("empty-cell", &message, row, &column, "");
            Failure::InvalidInput(message)
        }
        _ => Failure::InvalidInput(message),
    }
}

fn report_cell(rule: &str, message: &str, row: u64, column: &str, value: &str) {
    host::finding(
        Finding::new(Severity::Error, rule, message).input(TRAIN).column(column).example(row, value).count(1),
    );
}
