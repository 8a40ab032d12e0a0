//! `runner logs`: what the steps of a run wrote, as it was recorded.

use runner_engine::event::{EventKind, RunEvent};

use crate::{
    arguments::StoreArguments, environment::Environment, exit_code::ExitCode, failure::Failure, output,
    report::visible, stored,
};

/// Text that is written at once.
const CHUNK: usize = 64 * 1024;

/// Arguments of `runner logs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// `latest`, an id, or the start of one.
    #[arg(value_name = "RUN")]
    run: String,
    /// Only this step, such as `fit`, or `fit[seed=0]` for one cell [default: all, each line with its step].
    #[arg(value_name = "STEP")]
    step: Option<String>,
    #[command(flatten)]
    store: StoreArguments,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let run = stored::open_run(&arguments.store, &arguments.run, environment)?;
    let mut text = String::new();
    let mut known: Vec<String> = Vec::new();
    for event in run.events::<RunEvent>().map_err(|error| stored::from_run(&error))? {
        match event.map_err(|error| stored::from_run(&error))?.kind {
            EventKind::RunStarted { stages, .. } => {
                known = stages.into_iter().flat_map(|stage| stage.steps).collect();
            }
            EventKind::StepOutput { step, line, .. } => match &arguments.step {
                // What a step wrote may steer a terminal; a file gets it as it was.
                Some(wanted) if is_wanted(wanted, &step) => push(&mut text, "", &line, environment),
                Some(_) => {}
                None => push(&mut text, &step, &line, environment),
            },
            _ => {}
        }
        if text.len() > CHUNK {
            output::print(&text)?;
            text.clear();
        }
    }
    output::print(&text)?;
    if let Some(wanted) = &arguments.step
        && !known.iter().any(|step| is_wanted(wanted, step))
    {
        return Err(Failure::usage(
            "cli::no-such-step",
            format!("the run {} has no step `{wanted}`", run.id()),
        )
        .help(format!("its steps are {}", known.join(", "))));
    }
    Ok(ExitCode::Passed)
}

/// `fit` means all cells of `fit`.
fn is_wanted(wanted: &str, step: &str) -> bool {
    step == wanted || step.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('['))
}

fn push(text: &mut String, step: &str, line: &str, environment: &Environment) {
    if !step.is_empty() {
        text.push_str(&visible::line(step));
        text.push_str(" | ");
    }
    if environment.stdout.terminal {
        text.push_str(&visible::line(line));
    } else {
        text.push_str(line);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::is_wanted;

    #[test]
    fn a_name_means_all_its_cells() {
        assert!(is_wanted("fit", "fit"));
        assert!(is_wanted("fit", "fit[seed=0]"));
        assert!(is_wanted("fit[seed=0]", "fit[seed=0]"));
        assert!(!is_wanted("fit", "fitter"));
        assert!(!is_wanted("fit[seed=1]", "fit[seed=0]"));
    }
}
