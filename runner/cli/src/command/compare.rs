//! `runner compare`: two runs side by side.

use clap::ValueEnum;

use crate::{
    arguments::StoreArguments,
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
    output,
    report::{
        comparison::{self, Comparison, Side},
        plan_outline::PlanOutline,
        recorded::Recorded,
        scored::ScoredRun,
    },
    stored,
};

/// Arguments of `runner compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run to compare with: `latest`, an id, or the start of one.
    #[arg(value_name = "A")]
    a: String,
    /// The run that is compared. Changes are read from A to B.
    #[arg(value_name = "B", default_value = "latest")]
    b: String,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print the comparison as JSON.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    store: StoreArguments,
}

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people at a terminal.
    Text,
    /// Markdown, for pull requests and pages.
    Markdown,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let store = stored::open(&arguments.store, environment)?;
    let read = |reference: &str| -> Result<(Recorded, PlanOutline, ScoredRun), Failure> {
        let run = store.open_run(reference).map_err(|error| stored::from_run(&error))?;
        let recorded = stored::read(&run)?;
        let scored = ScoredRun::read(&recorded.record, &store);
        Ok((recorded, PlanOutline::read(&run), scored))
    };
    let (a, b) = (read(&arguments.a)?, read(&arguments.b)?);
    let comparison = Comparison::of(&side(&a), &side(&b));
    if arguments.json {
        output::print_json(&comparison)?;
    } else {
        match arguments.format {
            Format::Text => output::print(&comparison::text(&comparison, environment.stdout))?,
            Format::Markdown => output::print(&comparison::markdown(&comparison))?,
        }
    }
    Ok(ExitCode::Passed)
}

fn side((recorded, plan, scored): &(Recorded, PlanOutline, ScoredRun)) -> Side<'_> {
    Side { record: &recorded.record, plan, scored }
}
