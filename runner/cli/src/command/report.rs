//! `runner report`: a report of a recorded run, made again from its events.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::{
    arguments::StoreArguments,
    command::{report_github, show},
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
    output,
    report::{html, junit, markdown, recorded::Recorded, scored::ScoredRun},
    stored,
};

/// Arguments of `runner report`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    github: Option<Github>,
    /// `latest`, an id, or the start of one.
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the HTML report to a file instead.
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    html: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
}

impl Arguments {
    /// Whether later steps of a job of GitHub Actions are told how it ended.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self.github, Some(Github::Post(_) | Github::Approve(_)))
    }
}

/// What GitHub is told.
#[derive(Debug, clap::Subcommand)]
enum Github {
    /// Show the report as it would be posted to GitHub.
    Preview(report_github::PreviewArguments),
    /// Post a report that a job without rights wrote, from a job on `workflow_run`.
    Post(report_github::PostArguments),
    /// Answer a comment `/runner approve DIGEST`, from a job on `issue_comment`.
    Approve(report_github::ApproveArguments),
}

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people at a terminal.
    Text,
    /// Markdown, for pull requests and pages.
    Markdown,
    /// One HTML file that needs nothing else, with plots.
    Html,
    /// `JUnit` XML, for test viewers.
    Junit,
    /// JSON: the run's record.
    Json,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    match &arguments.github {
        Some(Github::Preview(arguments)) => return report_github::preview(arguments, environment),
        Some(Github::Post(arguments)) => return report_github::post(arguments, environment),
        Some(Github::Approve(arguments)) => return report_github::approve(arguments, environment),
        None => {}
    }
    let store = stored::open(&arguments.store, environment)?;
    let run = store.open_run(&arguments.run).map_err(|error| stored::from_run(&error))?;
    let recorded = stored::read(&run)?;
    let page = || html::render(&recorded, &ScoredRun::read(&recorded.record, &store));
    if let Some(file) = &arguments.html {
        write(&environment.current_dir.join(file), &page())?;
        return Ok(ExitCode::Passed);
    }
    match arguments.format {
        Format::Text => {
            let at = stored::shown(run.path(), environment);
            output::print(&show::render(&recorded.record, run.state(), &at, environment.stdout))?;
        }
        Format::Markdown => output::print(&markdown::render(&recorded))?,
        Format::Html => output::print(&page())?,
        Format::Junit => output::print(&junit_text(&recorded)?)?,
        Format::Json => output::print_json(&recorded.record)?,
    }
    Ok(ExitCode::Passed)
}

/// The XML document.
pub(crate) fn junit_text(recorded: &Recorded) -> Result<String, Failure> {
    junit::render(recorded).map_err(|error| Failure::internal(format!("cannot write JUnit XML: {error}")))
}

/// Write a report to a file, with its folders.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let fail =
        |error| Failure::environment("cli::report", format!("cannot write {}: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    std::fs::write(path, text).map_err(fail)
}
