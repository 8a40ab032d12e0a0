//! `runner ls`: recorded runs, newest first.

use std::{fmt::Write as _, num::NonZeroUsize};

use runner_engine::{
    event::{EventKind, RunEvent, RunResult},
    record::RunRecord,
};
use runner_store::{RunState, RunSummary, Store};
use serde::Serialize;

use crate::{
    arguments::StoreArguments,
    environment::{Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    output,
    report::{
        quantity, visible,
        words::{self, Mood},
    },
    stored,
};

/// Arguments of `runner ls`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// How many runs.
    #[arg(short = 'n', long, default_value = "20", value_name = "N")]
    limit: NonZeroUsize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A run in the JSON list.
#[derive(Debug, Serialize)]
struct Entry {
    run_id: String,
    created: jiff::Timestamp,
    /// `running`, `finished` or `killed`.
    state: &'static str,
    workflow: Option<String>,
    file: Option<String>,
    result: Option<RunResult>,
    exit_code: Option<u8>,
    verdict: Option<runner_gate::verdict::Verdict>,
    duration_ms: Option<f64>,
    reason: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let store = stored::open(&arguments.store, environment)?;
    let runs = store.newest_runs(arguments.limit.get()).map_err(|error| stored::from_run(&error))?;
    let mut entries: Vec<Entry> = runs.into_iter().map(Entry::from).collect();
    for entry in entries.iter_mut().filter(|entry| entry.workflow.is_none()) {
        entry.name_from_events(&store);
    }
    if arguments.json {
        output::print_json(&entries)?;
    } else {
        output::print(&render(&entries, environment.stdout))?;
    }
    Ok(ExitCode::Passed)
}

impl Entry {
    /// A run without a final record has said in its first event what it is.
    fn name_from_events(&mut self, store: &Store) {
        let events = store.open_run(&self.run_id).and_then(|run| run.events::<RunEvent>());
        let first = events.ok().and_then(|mut events| events.next()?.ok());
        if let Some(EventKind::RunStarted { workflow, file, .. }) = first.map(|event| event.kind) {
            self.workflow = Some(workflow);
            self.file = Some(file);
        }
    }
}

impl From<RunSummary> for Entry {
    fn from(run: RunSummary) -> Self {
        // A record of a later version may not read; the run is listed all the same.
        let record: Option<RunRecord> = run.record.and_then(|record| serde_json::from_value(record).ok());
        Self {
            run_id: run.id.to_string(),
            created: run.created,
            state: match run.state {
                RunState::Running => "running",
                RunState::Finished => "finished",
                RunState::Killed => "killed",
            },
            workflow: record.as_ref().map(|record| record.workflow.clone()),
            file: record.as_ref().map(|record| record.file.clone()),
            result: record.as_ref().and_then(|record| record.result),
            exit_code: record.as_ref().and_then(|record| record.exit_code),
            verdict: record.as_ref().map(|record| record.verdict),
            duration_ms: record.as_ref().map(|record| record.duration_ms),
            reason: record.and_then(|record| record.reason),
        }
    }
}

/// An id begins with the time (UTC) at which its run was made, so that needs no column of its own.
fn render(entries: &[Entry], look: Look) -> String {
    let mut out = String::new();
    if entries.is_empty() {
        out.push_str("no runs yet: `runner run FILE` makes one\n");
    }
    for entry in entries {
        let (word, mood) = match (entry.state, entry.result) {
            ("finished", result) => words::run(result),
            ("running", _) => ("running", Mood::Busy),
            _ => ("killed", Mood::Bad),
        };
        let duration = entry.duration_ms.map(quantity::duration).unwrap_or_default();
        let workflow = visible::line(entry.workflow.as_deref().unwrap_or_default());
        let _ = writeln!(
            out,
            "{}  {}  {duration:>8}  {}",
            look.mark(mood, word, 13),
            entry.run_id,
            visible::cut(&workflow, look.width.saturating_sub(54).max(16), look.unicode)
        );
    }
    out
}
