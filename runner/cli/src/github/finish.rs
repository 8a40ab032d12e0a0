//! What is told when a run has ended: files for later steps of the job, the summary on its page, annotations, the
//! bundle, and what is posted.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use runner_engine::event::RunResult;
use runner_gate::verdict::Verdict;
use runner_github::{
    actions::{command, output as assignments, summary},
    bundle,
    client::ApiError,
    event::Event,
    post::{self, Posted, Target, annotations},
    report::{Report, render},
};

use super::{connect, started::Started, variables::Variables};
use crate::{exit_code::ExitCode, failure::Failure, output, report::visible};

/// How a report is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wanted {
    /// Posted in a job of GitHub Actions where the workflow has `report:` and there is a token.
    Auto,
    /// Posted.
    Github,
    /// Not posted.
    Off,
}

/// Outputs of a job's step.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    pub(crate) verdict: String,
    pub(crate) result: String,
    pub(crate) run_id: String,
    pub(crate) exit_code: String,
    pub(crate) report: String,
    pub(crate) report_url: String,
    pub(crate) evidence: String,
    pub(crate) approve: String,
}

impl Outputs {
    /// Append them to the file of the job, if there is one.
    pub(crate) fn write(&self, variables: &Variables) {
        let Some(path) = &variables.output else { return };
        let pairs = [
            ("verdict", &self.verdict),
            ("result", &self.result),
            ("run-id", &self.run_id),
            ("exit-code", &self.exit_code),
            ("report", &self.report),
            ("report-url", &self.report_url),
            ("evidence", &self.evidence),
            ("approve", &self.approve),
        ];
        let text: String = pairs.iter().map(|(name, value)| assignments::assignment(name, value)).collect();
        append(path, &text, "GITHUB_OUTPUT");
    }
}

/// How the command ended, whatever was said before: the last entry of a name counts.
pub(crate) fn ended(exit: ExitCode) {
    if let Some(path) = &Variables::read().output {
        append(path, &assignments::assignment("exit-code", &exit.number().to_string()), "GITHUB_OUTPUT");
    }
}

/// Nothing was judged, and that is no pass.
pub(crate) fn not_run(exit: ExitCode) {
    let outputs = Outputs {
        verdict: Verdict::Error.word().to_owned(),
        result: "not-run".to_owned(),
        exit_code: exit.number().to_string(),
        ..Outputs::default()
    };
    outputs.write(&Variables::read());
}

/// The verdict that later steps of a job read. A run that did not pass never reads as one that did, also where its gates
/// alone would: what waits for a person holds, anything else is an error.
pub(crate) fn verdict(gates: Verdict, result: Option<RunResult>) -> &'static str {
    match result {
        Some(RunResult::Passed) => gates.word(),
        _ if gates.blocks() => gates.word(),
        Some(RunResult::Held) => Verdict::Hold.word(),
        _ => Verdict::Error.word(),
    }
}

/// Append to a file of the job. A job without its files still has its verdict.
fn append(path: &Path, text: &str, name: &str) {
    let written = fs::OpenOptions::new().create(true).append(true).open(path);
    if let Err(error) = written.and_then(|mut file| file.write_all(text.as_bytes())) {
        complain(&format!("cannot write {name}: {error}"));
    }
}

fn complain(text: &str) {
    output::complain(&format!("warning: {}\n", visible::line(text)));
}

/// Put the report on the page of the job.
pub(crate) fn summarise(report: &Report, variables: &Variables) {
    let Some(path) = &variables.step_summary else { return };
    let already =
        fs::metadata(path).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    let text = render::text(report, &[], summary::LIMIT);
    match summary::fitting(&text, already) {
        Some(text) => append(path, &text, "GITHUB_STEP_SUMMARY"),
        None => complain("the summary of this step is full"),
    }
}

/// Annotations on standard output, for a job without a check run of ours.
pub(crate) fn annotate(report: &Report) -> Result<(), Failure> {
    let text: String = annotations::all(report)
        .iter()
        .map(|annotation| {
            let level = match annotation.level {
                annotations::Level::Failure => command::Level::Error,
                annotations::Level::Warning => command::Level::Warning,
                annotations::Level::Notice => command::Level::Notice,
            };
            let place = command::Place {
                file: Some(annotation.path.clone()),
                line: Some(annotation.line),
                ..command::Place::default()
            };
            command::annotation(level, &place, &annotation.title, &annotation.message)
        })
        .collect();
    output::print_commands(&text)
}

/// Write the report as data and as Markdown beside the record of the run. Gives the path of the Markdown.
pub(crate) fn keep(report: &Report, folder: &Path) -> Option<PathBuf> {
    let markdown = folder.join("report.md");
    let text = render::comment(report, &[]).text;
    let json = serde_json::to_vec(report).unwrap_or_default();
    let written = fs::write(folder.join(bundle::FILE), json).and_then(|()| fs::write(&markdown, text));
    match written {
        Ok(()) => Some(markdown),
        Err(error) => {
            complain(&format!("the report cannot be kept in {}: {error}", folder.display()));
            None
        }
    }
}

/// Whether a report is posted after this run.
pub(crate) fn is_posted(wanted: Wanted, report_out: bool, settings: bool, started: &Started) -> bool {
    match wanted {
        Wanted::Off => false,
        Wanted::Github => true,
        Wanted::Auto => {
            started.variables.in_actions
                && !report_out
                && settings
                && started.event.is_some()
                && started.variables.has_credentials()
        }
    }
}

/// Post it. Whatever happens is in the answer.
pub(crate) async fn post(report: &Report, started: &Started) -> Posted {
    match connect::connect(&started.variables).await {
        Ok(client) => {
            let pull_request = started.event.as_ref().and_then(Event::pull_request);
            post::post(&client, report, &Target { pull_request, job_conclusion: None }).await
        }
        Err(error) => failed(error),
    }
}

/// Nothing could be posted.
pub(crate) fn failed(error: ApiError) -> Posted {
    Posted { failed: vec![post::Failed { what: "the report", error }], ..Posted::default() }
}

/// Tell what was posted and what was not. Gives whether all of it was.
pub(crate) fn tell(posted: &Posted, from_fork: bool) -> bool {
    for line in &posted.done {
        output::complain(&format!("report: {}\n", visible::line(line)));
    }
    for notice in &posted.notices {
        complain(notice);
    }
    for failed in &posted.failed {
        let mut text =
            format!("{} could not be posted: {} [{}]", failed.what, failed.error, failed.error.code());
        if from_fork && matches!(failed.error, ApiError::Forbidden { .. }) {
            text.push_str("; this pull request comes from a fork, whose runs may only read");
        }
        complain(&text);
        output::complain(&format!("  help: {}\n", failed.error.help()));
    }
    posted.failed.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_did_not_pass_never_reads_as_passed() {
        let cases = [
            (Verdict::Pass, Some(RunResult::Passed), "pass"),
            (Verdict::None, Some(RunResult::Passed), "none"),
            (Verdict::Pass, Some(RunResult::Held), "hold"),
            (Verdict::Inconclusive, Some(RunResult::Held), "inconclusive"),
            (Verdict::Fail, Some(RunResult::GateFailed), "fail"),
            (Verdict::Pass, Some(RunResult::Denied), "error"),
            (Verdict::Pass, Some(RunResult::StepFailed), "error"),
            (Verdict::Pass, None, "error"),
        ];
        for (gates, result, expected) in cases {
            assert_eq!(verdict(gates, result), expected, "{gates:?} {result:?}");
        }
    }
}
