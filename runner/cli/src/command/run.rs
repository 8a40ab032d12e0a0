//! `runner run`: run a workflow and tell how it went.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use runner_engine::{
    CancelSignal, Engine, EngineError, EventConsumer, GitState, RunOptions, RunSummary,
    container::ContainerExecutor,
    executor::Executor,
    policy::PolicyReport,
    process::{ProcessExecutor, ProcessOptions},
    resources::Machine,
};
use runner_github::{
    actions::command,
    bundle,
    event::Event,
    filter::Selection,
    report::{BaseFigures, Settings},
};
use runner_store::Store;
use runner_workflow::plan::Plan;

use crate::{
    arguments::{RegistryArguments, StoreArguments, WorkflowArguments},
    command::report,
    containers,
    environment::{self, Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    git,
    github::{
        base::{self, Base, tracked},
        compose, connect, figures,
        finish::{self, Outputs, Wanted},
        progress::ActionsProgress,
        started::Started,
        variables,
    },
    keys::{self, Keys},
    output, registry,
    report::{
        live::{LiveProgress, Screen},
        markdown,
        plain::PlainProgress,
        summary::{self, Detail},
        visible, words,
    },
    secrets, signals, stored,
    surroundings::Outside,
    waivers,
    workflow_file::{self, Loaded},
    workspace,
};

/// Arguments of `runner run`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
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
    /// Name of the event, such as `pull_request` [default: that of the job, or what the payload looks like].
    #[arg(long, value_name = "NAME")]
    event_name: Option<String>,
    /// Commit whose workflow file sets the policy [default: the base of a pull request].
    #[arg(long, value_name = "COMMIT")]
    base: Option<String>,
    /// Whether the report is posted to GitHub.
    #[arg(long, value_enum, default_value_t = Wanted::Auto)]
    report: Wanted,
    /// Write the report as data to this folder, for `runner report post`.
    #[arg(long, value_name = "DIR")]
    report_out: Option<PathBuf>,
    /// Exit with 6 where a run passed and its report could not be posted.
    #[arg(long)]
    require_report: bool,
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
    let started = Started::read(arguments.workflow.event.as_deref(), arguments.event_name.as_deref())?;
    let (mut plan, loaded, plugins) =
        match workflow_file::load_plan(&arguments.workflow, environment, environment.stderr)? {
            Ok(loaded) => loaded,
            Err(code) => return Ok(code),
        };
    let outside = Outside::new(&loaded.workspace, &plugins);
    let read = || {
        let params = &arguments.workflow.params;
        base::read(&started, arguments.base.as_deref(), &loaded, &plan, &outside, params)
    };
    let base = match started.select(&plan, &loaded.workspace) {
        Selection::Runs { notice } => {
            if let Some(notice) = notice {
                output::complain(&format!("warning: {}\n", visible::line(&notice)));
            }
            read()?
        }
        Selection::Excluded { why } => {
            // A change under review does not choose whether it is judged.
            let base = read().ok().filter(|base| base.selects(&started, &loaded.workspace));
            let Some(base) = base else { return excluded(&why, &started) };
            base
        }
    };
    let mut secrets = secrets::resolve(&plan, &loaded.workspace)?;
    secrets.extend(variables::rights());
    if started.variables.in_actions {
        let masks: String = secrets.iter().map(|secret| command::add_mask(&secret.value)).collect();
        output::print_commands(&masks)?;
    }
    let folder = stored::folder(&arguments.store, &loaded.workspace, environment);
    if base.is_there() {
        tracked::refuse(&loaded.workspace, "the store", &folder)?;
        if let Some(folder) = registry::folder(&arguments.registry, environment)? {
            tracked::refuse(&loaded.workspace, "the registry", &folder)?;
        }
    }
    let base = agreed(base, arguments, &started)?;
    base.enforce(&mut plan);
    let store = Store::open(folder).map_err(|error| stored::from_storage(&error))?;
    // What secrets come from reaches no step, whatever a workflow grants.
    let mut variables = environment::variables();
    variables.retain(|name, _| !secrets::is_source(&plan, name) && !variables::is_right(name));
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
    let plan = Arc::new(plan);
    let mut options = RunOptions::new(Arc::clone(&plan), loaded.workspace.clone(), store.clone());
    options.file.clone_from(&loaded.checked.shown);
    options.workflow_digest.clone_from(&loaded.digest);
    options.executors = executors;
    options.machine = machine;
    options.jobs = arguments.jobs.map(usize::from);
    options.stages.clone_from(&arguments.stage);
    options.until.clone_from(&arguments.until);
    options.event.clone_from(&started.payload);
    options.git = git.join().unwrap_or_default();
    options.revisions = revisions;
    options.registry = registry;
    options.actor = Some(environment.actor.clone());
    options.signing_key = keys.signing;
    options.trusted_keys = keys.trusted;
    options.waivers = waivers::read(&loaded.workspace)?;
    started.complete(&mut options.git);
    let git = options.git.clone();
    options.withheld = base.report.withheld();
    options.secrets = secrets;
    env!("CARGO_PKG_VERSION").clone_into(&mut options.runner_version);
    options.consumers.extend(progress(arguments, look, &started));
    let summary = carry_out(options)?;
    tell(arguments, &summary, &store, look, environment)?;
    let is_posted = answer(
        arguments,
        &summary,
        &store,
        environment,
        Answered { started: &started, plan: &plan, loaded: &loaded, policy: base.report, git: &git },
    )?;
    let exit = ExitCode::from(summary.result);
    Ok(if exit == ExitCode::Passed && arguments.require_report && !is_posted {
        ExitCode::Environment
    } else {
        exit
    })
}

/// `on:` excludes the event: nothing runs, and nothing was judged.
fn excluded(why: &str, started: &Started) -> Result<ExitCode, Failure> {
    output::print(&format!("not run: {}\n", visible::line(why)))?;
    let outputs = Outputs {
        verdict: "none".to_owned(),
        result: "not-selected".to_owned(),
        exit_code: "0".to_owned(),
        ..Outputs::default()
    };
    outputs.write(&started.variables);
    Ok(ExitCode::Passed)
}

/// The base with the approval of its differences, where somebody gave one.
fn agreed(mut base: Base, arguments: &Arguments, started: &Started) -> Result<Base, Failure> {
    if base.report.waits() && arguments.report != Wanted::Off && started.variables.has_credentials() {
        let refused = block_on(async {
            match connect::connect(&started.variables).await {
                Ok(client) => base::approval(&mut base, started, &client).await,
                Err(error) => vec![format!("approvals cannot be read: {error}")],
            }
        })?;
        for line in refused {
            output::complain(&format!("warning: {}\n", visible::line(&line)));
        }
    }
    Ok(base)
}

/// What the report of a run is made of.
struct Answered<'a> {
    started: &'a Started,
    plan: &'a Plan,
    loaded: &'a Loaded,
    policy: PolicyReport,
    git: &'a GitState,
}

/// Everything that is told to GitHub. Gives whether what should have been posted was.
fn answer(
    arguments: &Arguments,
    summary: &RunSummary,
    store: &Store,
    environment: &Environment,
    about: Answered<'_>,
) -> Result<bool, Failure> {
    let Answered { started, plan, loaded, policy, git } = about;
    let variables = &started.variables;
    let mut outputs = Outputs {
        verdict: finish::verdict(summary.verdict, Some(summary.result)).to_owned(),
        result: words::result_word(summary.result).to_owned(),
        run_id: summary.run_id.clone(),
        exit_code: summary.exit_code.to_string(),
        ..Outputs::default()
    };
    let Some(record) = summary.record.clone() else {
        outputs.write(variables);
        return Ok(false);
    };
    let folder = store.root().join("runs").join(&summary.run_id);
    let mut settings = Settings::from(&plan.report);
    if arguments.report == Wanted::Github && !settings.comment && !settings.check {
        settings = Settings { comment: true, check: true, ..settings };
    }
    let report_out = arguments.report_out.as_deref();
    let is_posted = finish::is_posted(
        arguments.report,
        report_out.is_some(),
        settings.comment || settings.check,
        started,
    );
    let report = block_on(async {
        let base = if let Some(commit) = started.compared_with() {
            if let Some(found) = figures::in_store(store, &commit, &plan.name) {
                found
            } else {
                let may =
                    arguments.report != Wanted::Off && variables.in_actions && variables.has_credentials();
                let client = if may { connect::connect(variables).await.ok() } else { None };
                figures::in_check(client.as_ref(), &commit, &plan.name).await
            }
        } else {
            BaseFigures::None
        };
        compose::compose(
            record,
            compose::Parts {
                plan,
                workspace: &loaded.workspace,
                path: &loaded.checked.in_workspace,
                head_sha: started.head_sha(git),
                settings,
                policy,
                base,
                run_url: variables.run_url(),
            },
        )
    })?;
    let kept = finish::keep(&report, &folder);
    outputs.report = kept.map(|path| stored::shown(&path, environment)).unwrap_or_default();
    let evidence = folder.join("evidence.json");
    if evidence.is_file() {
        outputs.evidence = stored::shown(&evidence, environment);
    }
    let waiting = if report.policy.waits() { report.policy.digest.clone() } else { report.evidence.clone() };
    outputs.approve = waiting.unwrap_or_default();
    if let Some(folder) = report_out {
        let folder = environment.current_dir.join(folder);
        bundle::write(&folder, &report)
            .map_err(|error| Failure::environment("report::bundle", error.to_string()))?;
    }
    let mut complete = true;
    let mut has_check = false;
    if is_posted {
        let posted = block_on(finish::post(&report, started))?;
        has_check =
            report.settings.check && !posted.failed.iter().any(|failed| failed.what == "the check run");
        complete = finish::tell(&posted, started.event.as_ref().is_some_and(Event::is_from_fork));
        outputs.report_url = posted.url.unwrap_or_default();
    } else if arguments.require_report && report_out.is_none() {
        output::complain("warning: no report was posted: nothing asks for one, or there is no token\n");
        complete = false;
    }
    if variables.in_actions {
        if plan.report.summary != Some(false) {
            finish::summarise(&report, variables);
        }
        if !has_check && !arguments.json {
            finish::annotate(&report)?;
        }
    }
    outputs.write(variables);
    Ok(complete)
}

/// Wait for something that talks to GitHub.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::environment("cli::runtime", format!("cannot start the asynchronous runtime: {error}"))
    })?;
    Ok(runtime.block_on(future))
}

/// Who tells a person how the run goes.
fn progress(arguments: &Arguments, look: Look, started: &Started) -> Option<Box<dyn EventConsumer>> {
    if arguments.quiet {
        return None;
    }
    if started.variables.in_actions && !arguments.json {
        return Some(Box::new(ActionsProgress::new(look, output::commands())));
    }
    if look.terminal && !started.variables.in_actions {
        let screen = if arguments.json { Screen::Stderr } else { Screen::Stdout };
        return Some(Box::new(LiveProgress::new(look, arguments.show_output, screen)));
    }
    Some(Box::new(PlainProgress::new(look, arguments.show_output, output::lines(arguments.json))))
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
