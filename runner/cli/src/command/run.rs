//! `runner run`: run a workflow and tell how it went.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_engine::{
    CancelSignal, Engine, EngineError, EventConsumer, RunOptions, RunSummary,
    container::ContainerExecutor,
    executor::Executor,
    process::{ProcessExecutor, ProcessOptions},
    resources::Machine,
};
use runner_store::Store;

use crate::{
    arguments::{RegistryArguments, StoreArguments, WorkflowArguments},
    command::report,
    containers,
    environment::{self, Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    git,
    keys::{self, Keys},
    output, registry,
    report::{
        live::{LiveProgress, Screen},
        markdown,
        plain::PlainProgress,
        summary::{self, Detail},
        visible, words,
    },
    secrets, signals, stored, waivers, workflow_file, workspace,
};

/// Arguments of `runner run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    workflow: WorkflowArguments,
    /// Run only this stage and what it needs; may be given several times.
    #[arg(long, value_name = "STAGE")]
    stage: Vec<String>,
    /// Run up to and including this stage.
    #[arg(long, value_name = "STAGE", conflicts_with = "stage")]
    until: Option<String>,
    /// Steps at once [default: number of processors].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Print the run's record as JSON when it ends; the report goes to standard error.
    #[arg(long)]
    json: bool,
    /// Write a Markdown summary when it ends.
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Write `JUnit` XML when it ends.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    registry: RegistryArguments,
    /// Show the output of steps as it comes.
    #[arg(long)]
    show_output: bool,
    /// Say nothing but why it did not pass.
    #[arg(short, long, conflicts_with = "show_output")]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let look = if arguments.json { environment.stderr } else { environment.stdout };
    let file = arguments.workflow.file.clone();
    let folder = workspace::find(&environment.current_dir, Some(&file));
    // Git takes a few milliseconds to answer, and nothing waits for it but the start of the run.
    let git = std::thread::spawn(move || git::state(&folder));
    let event = workflow_file::read_event(arguments.workflow.event.as_deref())?;
    let (plan, loaded, plugins) =
        match workflow_file::load_plan(&arguments.workflow, environment, environment.stderr)? {
            Ok(loaded) => loaded,
            Err(code) => return Ok(code),
        };
    let secrets = secrets::resolve(&plan, &loaded.workspace)?;
    let store = Store::open(stored::folder(&arguments.store, &loaded.workspace, environment))
        .map_err(|error| stored::from_storage(&error))?;
    // What secrets come from reaches no step, whatever a workflow grants.
    let mut variables = environment::variables();
    variables.retain(|name, _| !secrets::is_source(&plan, name));
    let registry = registry::shared(&arguments.registry, environment, &store)?;
    let gated = plan.stages.iter().any(|stage| !stage.gates.is_empty());
    let keys = if gated { keys::for_run(environment)? } else { Keys::default() };
    let revisions = git::revisions(&plan, &loaded.workspace);
    let processes = ProcessOptions { env: variables.clone(), ..ProcessOptions::default() };
    let machine = Machine::this(containers::gpus());
    let containers = containers::options_for(&plan, &loaded.workspace, &store);
    let executors: Vec<Arc<dyn Executor>> = vec![
        plugins.executor(variables)?,
        Arc::new(ProcessExecutor::new(processes)),
        Arc::new(ContainerExecutor::new(containers)),
    ];
    let mut options = RunOptions::new(Arc::new(plan), loaded.workspace.clone(), store.clone());
    options.file.clone_from(&loaded.checked.shown);
    options.workflow_digest = loaded.digest;
    options.executors = executors;
    options.machine = machine;
    options.jobs = arguments.jobs.map(usize::from);
    options.stages.clone_from(&arguments.stage);
    options.until.clone_from(&arguments.until);
    options.event = event;
    options.git = git.join().unwrap_or_default();
    options.revisions = revisions;
    options.registry = registry;
    options.actor = Some(environment.actor.clone());
    options.signing_key = keys.signing;
    options.trusted_keys = keys.trusted;
    options.waivers = waivers::read(&loaded.workspace)?;
    options.secrets = secrets;
    env!("CARGO_PKG_VERSION").clone_into(&mut options.runner_version);
    options.consumers.extend(progress(arguments, look));
    let summary = carry_out(options)?;
    tell(arguments, &summary, &store, look, environment)?;
    Ok(ExitCode::from(summary.result))
}

/// Who tells a person how the run goes.
fn progress(arguments: &Arguments, look: Look) -> Option<Box<dyn EventConsumer>> {
    if arguments.quiet {
        return None;
    }
    if look.terminal {
        let screen = if arguments.json { Screen::Stderr } else { Screen::Stdout };
        return Some(Box::new(LiveProgress::new(look, arguments.show_output, screen)));
    }
    let out: Box<dyn std::io::Write + Send> =
        if arguments.json { Box::new(std::io::stderr()) } else { Box::new(std::io::stdout()) };
    Some(Box::new(PlainProgress::new(look, arguments.show_output, out)))
}

/// Run to the end, listening to signals.
pub(crate) fn carry_out(mut options: RunOptions) -> Result<RunSummary, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::environment("cli::runtime", format!("cannot start the asynchronous runtime: {error}"))
    })?;
    let cancel = CancelSignal::new();
    options.cancel = cancel.clone();
    let result = runtime.block_on(async {
        signals::listen(cancel)?;
        Engine::run(options).await.map_err(|error| from_engine(&error))
    });
    // Nothing of the run is left; whatever else still sleeps in the runtime is not waited for.
    runtime.shutdown_background();
    result
}

fn from_engine(error: &EngineError) -> Failure {
    match error {
        EngineError::UnknownStage { .. } => Failure::usage("cli::unknown-stage", error.to_string()),
        _ => Failure::environment("engine::start", crate::failure::chain(error)),
    }
}

/// The end of the report, and the reports in files.
fn tell(
    arguments: &Arguments,
    summary: &RunSummary,
    store: &Store,
    look: Look,
    environment: &Environment,
) -> Result<(), Failure> {
    let folder = store.root().join("runs").join(&summary.run_id);
    let at = stored::shown(&folder, environment);
    for problem in &summary.problems {
        output::complain(&format!("warning: {}\n", visible::line(problem)));
    }
    if arguments.quiet {
        if ExitCode::from(summary.result) != ExitCode::Passed {
            let reason = summary.reason.as_deref().unwrap_or("no reason was recorded");
            output::complain(&format!("{}: {}\n", words::run(Some(summary.result)).0, visible::line(reason)));
        }
    } else {
        let text = match &summary.record {
            Some(record) => summary::render(record, &at, look, Detail::Short),
            None => format!("reason: {}\n", summary.reason.as_deref().unwrap_or("no record was made")),
        };
        if arguments.json {
            output::complain(&text);
        } else {
            output::print(&text)?;
        }
    }
    if arguments.summary.is_some() || arguments.junit.is_some() {
        let run = store.open_run(&summary.run_id).map_err(|error| stored::from_run(&error))?;
        let recorded = stored::read(&run)?;
        let absolute = |path: &Path| environment.current_dir.join(path);
        if let Some(path) = &arguments.summary {
            report::write(&absolute(path), &markdown::render(&recorded))?;
        }
        if let Some(path) = &arguments.junit {
            report::write(&absolute(path), &report::junit_text(&recorded)?)?;
        }
    }
    if arguments.json {
        output::print_json(&summary.record)?;
    }
    Ok(())
}
