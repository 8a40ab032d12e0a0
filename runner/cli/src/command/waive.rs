//! `runner waive`: a person takes responsibility for one gate that failed.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use runner_engine::waiver::{Waiver, finding};
use runner_gate::verdict::Verdict;

use crate::{
    arguments::StoreArguments, environment::Environment, exit_code::ExitCode, failure::Failure, keys, output,
    proof::Proof, report::visible, stored, waivers, workspace,
};

/// Arguments of `runner waive`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run whose gate failed: `latest`, its id, or the start of it.
    run: String,
    /// The gate: its id, or its text where it has none.
    gate: String,
    /// Why it may pass.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who takes responsibility [default: you].
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Last day on which the waiver counts (UTC), such as 2026-12-31.
    #[arg(long, value_name = "DATE")]
    until: Date,
    #[command(flatten)]
    store: StoreArguments,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let blank = |text: &str| text.trim().is_empty();
    if blank(&arguments.reason) || arguments.author.as_deref().is_some_and(blank) {
        return Err(Failure::usage("waiver::empty", "a waiver needs a reason and an author"));
    }
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    if arguments.until < today {
        return Err(Failure::usage("waiver::past", format!("{} is in the past", arguments.until))
            .help("give the last day on which the waiver counts"));
    }
    let store = stored::open(&arguments.store, environment)?;
    let run = store.open_run(&arguments.run).map_err(|error| stored::from_run(&error))?;
    let proof = Proof::of_run(&run, &keys::for_signing(environment)?.trusted)?;
    let predicate = proof.predicate();
    let judged = predicate
        .stages
        .iter()
        .flat_map(|stage| stage.judgements.iter().map(move |judgement| (&stage.case, judgement)));
    // Several stages may ask the same; what is to be waived is the one that failed.
    let asked = || judged.clone().filter(|(_, judgement)| judgement.id == arguments.gate);
    let found = asked().find(|(_, judgement)| judgement.verdict == Verdict::Fail).or_else(|| asked().next());
    let (case, judgement) = found.ok_or_else(|| {
        let gates: Vec<String> = judged.map(|(_, judgement)| format!("`{}`", judgement.id)).collect();
        Failure::usage(
            "waiver::no-gate",
            format!("the run {} judged no gate `{}`", run.id(), visible::line(&arguments.gate)),
        )
        .help(format!("it judged {}", visible::line(&gates.join(", "))))
    })?;
    if judgement.verdict != Verdict::Fail {
        let help = match judgement.verdict {
            Verdict::Error => {
                "what could not be judged cannot be waived: nobody knows what would be let through"
            }
            Verdict::Hold | Verdict::Inconclusive => "`runner approve` lets through what is held",
            _ => "it blocks nothing",
        };
        return Err(Failure::usage(
            "waiver::not-a-fail",
            format!("the gate `{}` says {}, and only FAIL can be waived", judgement.id, judgement.verdict),
        )
        .help(help));
    }
    let waiver = Waiver {
        workflow: predicate.run.workflow.clone(),
        gate: judgement.id.clone(),
        finding: finding(case, judgement),
        reason: arguments.reason.clone(),
        author: arguments.author.clone().unwrap_or_else(|| environment.actor.clone()),
        until: arguments.until,
    };
    let folder = workspace::find(&environment.current_dir, None);
    waivers::append(&folder, &waiver)?;
    output::print(&format!(
        "{} in {}\nrun the workflow again: the gate `{}` says WAIVED where it finds the same\n",
        visible::line(&waiver.to_string()),
        stored::shown(&folder.join(waivers::FILE), environment),
        visible::line(&waiver.gate)
    ))?;
    Ok(ExitCode::Passed)
}
