//! `runner check`: all problems of workflow files, for people and tools.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::{
    diagnostics::{github, json, sarif, text},
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
    output, workflow_file,
};

/// Arguments of `runner check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The workflow files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How to write the problems.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: the source with the problem underlined.
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let mut files = Vec::new();
    let mut code = ExitCode::Passed;
    let mut unreadable = Vec::new();
    for file in &arguments.files {
        let (loaded, plugins) = match workflow_file::load(file, &[], environment) {
            Ok(loaded) => loaded,
            Err(failure) => {
                unreadable.push(failure);
                continue;
            }
        };
        code = match (code, workflow_file::exit_code(&loaded.checked, &plugins)) {
            (ExitCode::Usage, _) | (_, ExitCode::Usage) => ExitCode::Usage,
            (ExitCode::Passed, other) | (other, _) => other,
        };
        files.push(loaded.checked);
    }
    let unwritable = |error: serde_json::Error| Failure::internal(format!("cannot write JSON: {error}"));
    let mut report = match arguments.format {
        Format::Text => text::render(&files, environment.stdout),
        Format::Json => json::render(&files).map_err(unwritable)?,
        Format::Sarif => sarif::render(&files, env!("CARGO_PKG_VERSION")).map_err(unwritable)?,
        Format::Github => github::render(&files),
    };
    if !report.is_empty() && !report.ends_with('\n') {
        report.push('\n');
    }
    if !files.is_empty() {
        match arguments.format {
            Format::Text => output::print(&report)?,
            Format::Json | Format::Sarif => output::print_json_text(&report)?,
            Format::Github => output::print_commands(&report)?,
        }
    }
    // The others are checked all the same; the last one is told by its exit code.
    let Some(last) = unreadable.pop() else { return Ok(code) };
    for failure in unreadable {
        output::complain(&failure.render());
    }
    Err(last)
}
