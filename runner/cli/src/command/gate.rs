//! `runner gate`: why a gate said what it said.

use runner_store::RunError;

use crate::{
    arguments::StoreArguments,
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
    output,
    report::{explanation, scored::ScoredRun, visible},
    stored,
};

/// Arguments of `runner gate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the formula of a gate, its numbers, and the one line that decided.
    Explain(Explain),
}

/// Arguments of `runner gate explain`.
#[derive(Debug, clap::Args)]
struct Explain {
    /// `latest`, an id, or the start of one. What names no run is taken for a gate of the latest.
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,
    /// The gate's id, its text, or the start of either [default: every gate, the worst first].
    #[arg(value_name = "GATE")]
    gate: Option<String>,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArguments,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let Command::Explain(explain) = &arguments.command;
    let store = stored::open(&explain.store, environment)?;
    let (run, gate) = match (store.open_run(&explain.run), explain.gate.as_deref()) {
        (Err(RunError::NotFound { .. }), None) => (store.open_run("latest"), Some(explain.run.as_str())),
        named => named,
    };
    let run = run.map_err(|error| stored::from_run(&error))?;
    let record = stored::read(&run)?.record;
    let scored = ScoredRun::read(&record, &store);
    let explanation = explanation::explain(&record, &scored, gate);
    if explanation.gates.is_empty() {
        return Err(no_such_gate(&record, gate));
    }
    if explain.json {
        output::print_json(&explanation)?;
    } else {
        output::print(&explanation::text(&explanation, environment.stdout))?;
    }
    Ok(ExitCode::Passed)
}

fn no_such_gate(record: &runner_engine::record::RunRecord, wanted: Option<&str>) -> Failure {
    let names: Vec<String> = record
        .stages
        .iter()
        .flat_map(|stage| &stage.gates)
        .map(|gate| format!("`{}`", visible::line(&gate.id)))
        .collect();
    let run = visible::line(&record.run_id);
    match wanted {
        Some(wanted) if !names.is_empty() => {
            Failure::usage("cli::no-such-gate", format!("run {run} has no gate `{}`", visible::line(wanted)))
                .help(format!("its gates are {}", names.join(", ")))
        }
        _ => Failure::usage("cli::no-gates", format!("run {run} judged no gate"))
            .help("gates stand under `gates:` of a stage; a stage that did not come to its end judges none"),
    }
}
