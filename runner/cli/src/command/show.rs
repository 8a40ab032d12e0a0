//! `runner show`: a recorded run with all that is known of it.

use std::fmt::Write as _;

use runner_engine::record::RunRecord;
use runner_store::RunState;

use crate::{
    arguments::StoreArguments,
    environment::{Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    output,
    report::{
        quantity, step_lines,
        summary::{self, Detail},
        visible,
        words::{self, Mood},
    },
    stored,
};

/// Arguments of `runner show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// `latest`, an id, or the start of one.
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,
    #[command(flatten)]
    store: StoreArguments,
    /// Print the record as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let run = stored::open_run(&arguments.store, &arguments.run, environment)?;
    let record = stored::read(&run)?.record;
    if arguments.json {
        output::print_json(&record)?;
    } else {
        let at = stored::shown(run.path(), environment);
        output::print(&render(&record, run.state(), &at, environment.stdout))?;
    }
    Ok(ExitCode::Passed)
}

/// The record as text.
pub(crate) fn render(record: &RunRecord, state: RunState, record_at: &str, look: Look) -> String {
    let mut out = String::new();
    let dot = look.dot();
    let _ = writeln!(
        out,
        "{} {dot} {} {dot} run {}",
        look.bold(&visible::line(&record.workflow)),
        visible::line(&record.file),
        visible::line(&record.run_id)
    );
    let commit = record
        .git_commit
        .as_deref()
        .map(|commit| format!(" {dot} commit {}", quantity::short_digest(commit)));
    let _ = writeln!(
        out,
        "started {} {dot} runner {}{}",
        record.started_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        visible::line(&record.runner_version),
        visible::line(&commit.unwrap_or_default())
    );
    if let Some(params) = record.params.as_object() {
        for (name, value) in params {
            let _ = writeln!(out, "param {} = {}", visible::line(name), visible::line(&value.to_string()));
        }
    }
    for data in &record.data {
        let _ = writeln!(
            out,
            "data {} = {} {dot} {} {dot} {}",
            visible::line(&data.name),
            visible::line(&data.path),
            quantity::size(data.size),
            look.dim(quantity::short_digest(&data.digest))
        );
    }
    let note = match state {
        RunState::Finished => None,
        RunState::Running => Some((Mood::Busy, "running", "what follows is how it stands now")),
        RunState::Killed => Some((
            Mood::Bad,
            "killed",
            "its process ended before the run did; what ran then was not finished",
        )),
    };
    if let Some((mood, word, text)) = note {
        let _ = writeln!(
            out,
            "{}",
            visible::wrap(&format!("{}: {text}", look.mark(mood, word, 0)), look.width, 2)
        );
    }
    out.push('\n');
    steps(&mut out, record, state, look);
    out.push_str(&summary::render(record, record_at, look, Detail::Full));
    out
}

fn steps(out: &mut String, record: &RunRecord, state: RunState, look: Look) {
    let steps = || record.stages.iter().flat_map(|stage| stage.steps.iter().map(move |step| (stage, step)));
    let names = steps().map(|(stage, step)| visible::width(&step_lines::place(&stage.name, &step.id)));
    let width = names.max().unwrap_or(0).min(40);
    for (stage, step) in steps() {
        let (word, mood) = match words::step(step) {
            (_, Mood::Busy) if state == RunState::Killed => ("killed", Mood::Bad),
            said => said,
        };
        let name = visible::pad(&visible::line(&step_lines::place(&stage.name, &step.id)), width);
        let mut text = match (&step.skipped, step.attempts) {
            (Some(reason), _) => visible::line(reason),
            (None, 0) => String::new(),
            (None, 1) => quantity::duration(step.duration_ms),
            (None, attempts) => format!("{}  {attempts} attempts", quantity::duration(step.duration_ms)),
        };
        if step.sandboxed == Some(false) {
            let _ = write!(text, "  {}", look.paint(Mood::Doubtful, "unsandboxed"));
        }
        let _ = writeln!(out, "{}", format!("{}  {name}  {text}", look.mark(mood, word, 9)).trim_end());
        if let Some(reason) = step.result.as_ref().and_then(words::reason) {
            for line in visible::lines(&reason, 12) {
                let _ = writeln!(out, "    {}", visible::wrap(&line, look.width, 4));
            }
        }
        for artifact in &step.artifacts {
            let _ = writeln!(
                out,
                "    {} = {} {} {} {} {}",
                visible::line(&artifact.output),
                visible::line(&artifact.path),
                look.dot(),
                quantity::size(artifact.size),
                look.dot(),
                look.dim(quantity::short_digest(&artifact.digest))
            );
        }
    }
}
