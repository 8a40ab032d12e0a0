//! `runner report preview`, `post` and `approve`: what GitHub is told of a run.

use std::path::{Component, Path, PathBuf};

use clap::ValueEnum;
use runner_engine::policy::PolicyReport;
use runner_github::{
    approve::{self, Answer},
    bundle::{self, BundleError},
    event::Event,
    post,
    report::{BaseFigures, FORMAT, Report, Settings, StageShape, render},
};

use crate::{
    arguments::StoreArguments,
    command::run::block_on,
    environment::Environment,
    exit_code::ExitCode,
    failure::Failure,
    github::{connect, finish, started::Started},
    output,
    report::visible,
    stored, workflow_file, workspace,
};

/// Arguments of `runner report preview`.
#[derive(Debug, clap::Args)]
pub(crate) struct PreviewArguments {
    /// `latest`, an id, or the start of one.
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = PreviewFormat::Markdown)]
    format: PreviewFormat,
    #[command(flatten)]
    store: StoreArguments,
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PreviewFormat {
    /// The comment as it would be posted.
    Markdown,
    /// The data that it is made of, as in a bundle.
    Json,
}

/// Arguments of `runner report post`.
#[derive(Debug, clap::Args)]
pub(crate) struct PostArguments {
    /// Folder that `runner run --report-out` wrote.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The workflow whose bundles are posted, and which says who may approve [default: the one that the bundle names].
    #[arg(long, value_name = "FILE")]
    workflow: Option<PathBuf>,
    /// JSON file with the payload of the `workflow_run` event [default: that of the job].
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
}

/// Arguments of `runner report approve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArguments {
    /// The workflow that waits; without it any.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// JSON file with the payload of the `issue_comment` event [default: that of the job].
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
}

/// Show what would be posted.
pub(crate) fn preview(arguments: &PreviewArguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let run = stored::open_run(&arguments.store, &arguments.run, environment)?;
    let report = match std::fs::read(run.path().join(bundle::FILE)) {
        Ok(json) => serde_json::from_slice(&json).map_err(|error| {
            Failure::environment("report::kept", format!("the kept report cannot be read: {error}"))
        })?,
        // A run that was killed, or one of an older version, has none: its record says the most of it.
        Err(_) => from_record(stored::read(&run)?.record),
    };
    match arguments.format {
        PreviewFormat::Markdown => output::print(&render::comment(&report, &[]).text)?,
        PreviewFormat::Json => output::print_json(&report)?,
    }
    Ok(ExitCode::Passed)
}

/// The report of a run of which nothing but its record is known.
fn from_record(run: runner_engine::record::RunRecord) -> Report {
    let stages = run
        .stages
        .iter()
        .map(|stage| StageShape { name: stage.name.clone(), ..StageShape::default() })
        .collect();
    Report {
        format: FORMAT,
        path: run.file.clone(),
        head_sha: run.git_commit.clone(),
        settings: Settings::default(),
        stages,
        gate_lines: Vec::new(),
        step_lines: Vec::new(),
        finding_places: Vec::new(),
        policy: PolicyReport::default(),
        base: BaseFigures::None,
        evidence: None,
        run_url: None,
        run,
    }
}

/// Post a bundle that an untrusted job made.
pub(crate) fn post(arguments: &PostArguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let started = Started::read(arguments.event.as_deref(), Some("workflow_run"))?;
    let Some(Event::WorkflowRun(event)) = &started.event else {
        return Err(Failure::usage("report::event", "there is no `workflow_run` event to post a bundle for")
            .help("run it in a workflow with `on: workflow_run`, or name a payload with `--event`"));
    };
    let folder = environment.current_dir.join(&arguments.folder);
    let refused = |error: BundleError| match &error {
        BundleError::Refused { .. } => Failure::new(ExitCode::Denied, "report::refused", error.to_string())
            .help("the bundle comes from a job that is not trusted; nothing was posted"),
        BundleError::Io { .. } => Failure::environment("report::bundle", error.to_string()),
        BundleError::Api(api) => Failure::environment(api.code(), error.to_string()).help(api.help()),
    };
    let report = bundle::read(&folder).map_err(refused)?;
    let approvers = approvers_of(&report, arguments.workflow.as_deref(), environment)
        .and_then(|known| known.map_err(|why| refused(BundleError::Refused { path: folder.clone(), why })))?;
    let posted = block_on(async {
        let client = match connect::connect(&started.variables).await {
            Ok(client) => client,
            Err(error) => return Ok((finish::failed(error), report)),
        };
        let (report, target) = bundle::adopt(&folder, &client, event, report, &approvers).await?;
        Ok((post::post(&client, &report, &target).await, report))
    })?;
    let (posted, report) = posted.map_err(refused)?;
    let outputs = finish::Outputs {
        verdict: finish::verdict(report.run.verdict, report.run.result).to_owned(),
        report_url: posted.url.clone().unwrap_or_default(),
        ..finish::Outputs::default()
    };
    outputs.write(&started.variables);
    Ok(if finish::tell(&posted, false) { ExitCode::Passed } else { ExitCode::Environment })
}

/// Who may approve changes of the workflow that a bundle is about, or why the bundle is refused.
///
/// A job on `workflow_run` has the default branch checked out, and names the workflow that it posts. Where it names none, the
/// bundle chooses a file of the checkout by its path. Either way the bundle has to be of the workflow in that file.
fn approvers_of(
    report: &Report,
    workflow: Option<&Path>,
    environment: &Environment,
) -> Result<Result<Vec<String>, String>, Failure> {
    let path = Path::new(&report.path);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if report.path.is_empty() || !plain {
        return Ok(Err(format!("`{}` is no path of a workflow inside the checkout", report.path)));
    }
    let file = match workflow {
        Some(file) => environment.current_dir.join(file),
        None => workspace::find(&environment.current_dir, None).join(path),
    };
    if !file.is_file() {
        let missing = workflow.unwrap_or(path).display();
        return Ok(Err(format!(
            "the default branch has no workflow `{missing}`; one that is new is posted once it is merged"
        )));
    }
    let Named { name, path, approvers } = named(&file, environment)?;
    if path != report.path {
        return Ok(Err(format!("it is of the workflow `{}`, and this job posts `{path}`", report.path)));
    }
    if name == report.run.workflow {
        return Ok(Ok(approvers));
    }
    Ok(Err(format!("it is of a workflow `{}`, and `{path}` is `{name}`", report.run.workflow)))
}

/// Answer a comment that approves something.
pub(crate) fn approve(arguments: &ApproveArguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let started = Started::read(arguments.event.as_deref(), Some("issue_comment"))?;
    let Some(Event::IssueComment(event)) = &started.event else {
        return Err(Failure::usage("approve::event", "there is no `issue_comment` event to answer")
            .help("run it in a workflow with `on: issue_comment`, or name a payload with `--event`"));
    };
    let (workflow, approvers) = match &arguments.file {
        Some(file) => {
            let named = named(file, environment)?;
            (Some(named.name), named.approvers)
        }
        None => (None, Vec::new()),
    };
    let now = jiff::Timestamp::now();
    let answer = block_on(async {
        let client = connect::connect(&started.variables).await?;
        let answer = approve::answer(&client, event, workflow.as_deref(), &approvers, now).await;
        for notice in client.notices() {
            output::complain(&format!("warning: {}\n", visible::line(&notice)));
        }
        answer
    })?
    .map_err(|error| Failure::environment(error.code(), error.to_string()).help(error.help()))?;
    match answer {
        Answer::NotForUs(why) => {
            output::print(&format!("nothing to do: {}\n", visible::line(&why)))?;
            Ok(ExitCode::Passed)
        }
        Answer::Approved { approval, again } => {
            let then = if again { "; run the job again for it to take effect" } else { "" };
            output::print(&format!(
                "approved by {}: {}{then}\n",
                visible::line(&approval.by),
                approval.digest
            ))?;
            Ok(ExitCode::Passed)
        }
        Answer::Refused(why) => {
            output::complain(&format!("not approved: {}\n", visible::line(&why)));
            Ok(ExitCode::Denied)
        }
    }
}

/// A workflow of the checkout. In jobs on `issue_comment` and `workflow_run` that is the default branch, so that no pull
/// request names its own approvers.
struct Named {
    name: String,
    /// From the root of the workspace.
    path: String,
    approvers: Vec<String>,
}

fn named(file: &Path, environment: &Environment) -> Result<Named, Failure> {
    let (loaded, _) = workflow_file::load(file, &[], environment)?;
    let plan = loaded.plan.ok_or_else(|| {
        Failure::usage("approve::workflow", format!("{} has errors: see `runner check`", file.display()))
    })?;
    Ok(Named { name: plan.name, path: loaded.checked.in_workspace, approvers: plan.policy.approvers })
}
