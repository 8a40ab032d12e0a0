//! The first lines: how it stands, what of the policy changed, and why it did not pass.

use std::fmt::Write as _;

use runner_engine::{
    event::RunResult,
    policy::{ChangeKind, PolicyBase, PolicyChange},
    record::StepState,
};
use runner_gate::verdict::{Judgement, Verdict};

use super::short;
use crate::{
    escape::{code, text},
    quantity,
    report::{BaseFigures, Report, Standing, failure, limits::Detail},
};

pub(super) fn mark(standing: Standing) -> &'static str {
    match standing {
        Standing::Passed => "✅",
        Standing::Warned => "⚠️",
        Standing::Held => "⏸️",
        Standing::Failed | Standing::Broken => "❌",
        Standing::Nothing => "⚪",
    }
}

/// `✅ PASS`.
pub(super) fn verdict_mark(verdict: Verdict, passed: bool) -> String {
    let mark = match verdict {
        _ if !passed && !verdict.blocks() => "❌",
        Verdict::None | Verdict::Info => "⚪",
        Verdict::Pass => "✅",
        Verdict::Warn | Verdict::Waived => "⚠️",
        Verdict::Inconclusive | Verdict::Hold => "⏸️",
        Verdict::Fail | Verdict::Error => "❌",
    };
    let word = if passed || verdict.blocks() { verdict.to_string() } else { "NOT PASSED".to_owned() };
    format!("{mark} {word}")
}

/// `1 gate failed, 1 on hold, 9 passed`, or how the run ended where its gates do not say.
pub(super) fn words(report: &Report) -> String {
    let judgements: Vec<&Judgement> = report.run.stages.iter().flat_map(|stage| &stage.gates).collect();
    let count = |wanted: Verdict| judgements.iter().filter(|judgement| judgement.verdict == wanted).count();
    let mut parts = Vec::new();
    let gates = |n: usize| if n == 1 { "gate" } else { "gates" };
    for (verdict, word) in [
        (Verdict::Error, "could not be judged"),
        (Verdict::Fail, "failed"),
        (Verdict::Hold, "on hold"),
        (Verdict::Inconclusive, "inconclusive"),
        (Verdict::Waived, "waived"),
        (Verdict::Warn, "with a warning"),
        (Verdict::Pass, "passed"),
    ] {
        let n = count(verdict);
        if n > 0 && parts.is_empty() {
            parts.push(format!("{n} {} {word}", gates(n)));
        } else if n > 0 {
            parts.push(format!("{n} {word}"));
        }
    }
    let planned: usize = report.run.stages.iter().map(|stage| stage.planned_gates).sum();
    let missed = planned.saturating_sub(judgements.len());
    if missed > 0 {
        parts.push(format!("{missed} not judged"));
    }
    let gates = if parts.is_empty() { "no gates".to_owned() } else { parts.join(", ") };
    match report.run.result {
        Some(RunResult::Passed | RunResult::GateFailed) => gates,
        Some(RunResult::Held) if judgements.iter().any(|judgement| judgement.verdict.blocks()) => gates,
        result => format!("{}; {gates}", ended(result)),
    }
}

fn ended(result: Option<RunResult>) -> &'static str {
    match result {
        None => "not finished",
        Some(RunResult::Passed) => "passed",
        Some(RunResult::StepFailed) => "a step failed",
        Some(RunResult::GateFailed) => "a gate failed",
        Some(RunResult::Held) => "held",
        Some(RunResult::Denied) => "denied",
        Some(RunResult::Invalid) => "the workflow is invalid",
        Some(RunResult::Environment) => "the environment did not allow it",
        Some(RunResult::TimedOut) => "timed out",
        Some(RunResult::Cancelled) => "cancelled",
        Some(RunResult::Internal) => "internal error",
    }
}

pub(super) fn headline(out: &mut String, report: &Report) {
    let run = &report.run;
    let _ = write!(out, "### {} {}: {}", mark(report.standing()), text(&run.workflow), words(report));
    if let Some(sha) = &report.head_sha {
        let _ = write!(out, " · {}", code(short(sha)));
    }
    if let BaseFigures::Found { commit, .. } = &report.base {
        let _ = write!(out, " vs {}", code(short(commit)));
    }
    let steps = run.stages.iter().flat_map(|stage| &stage.steps);
    let ran = steps.clone().filter(|step| step.state == StepState::Finished).count();
    if run.duration_ms > 0.0 {
        let _ = write!(out, " · {}", quantity::duration(run.duration_ms));
    }
    let _ = writeln!(out, " ({ran} of {})\n", quantity::count(steps.count(), "step"));
    let stamped = run.stages.iter().flat_map(|stage| &stage.gates).any(|gate| gate.rubber_stamp);
    if stamped {
        out.push_str(
            "**RUBBER STAMP:** there has never been a baseline; rules against it were not judged.\n\n",
        );
    }
    if let BaseFigures::Missing { commit, why } = &report.base {
        let _ = writeln!(
            out,
            "> [!NOTE]\n> No figures of the base commit {}: {}. Nothing here is compared with it.\n",
            code(short(commit)),
            text(why)
        );
    }
}

pub(super) fn policy(out: &mut String, report: &Report, detail: Detail) {
    let policy = &report.policy;
    let needed: Vec<&PolicyChange> = policy.needing_approval().collect();
    if let PolicyBase::Moved { commit, path } = &policy.base {
        let _ = writeln!(
            out,
            "> [!NOTE]\n> The base {} has this workflow in {}: it was judged by that.\n",
            code(short(commit)),
            code(path)
        );
    }
    if needed.is_empty() {
        if let PolicyBase::NewWorkflow(commit) = &policy.base {
            let _ = writeln!(
                out,
                "> [!NOTE]\n> The base {} has no such workflow: only its own gates were judged.\n",
                code(short(commit))
            );
        }
        return;
    }
    let state = match &policy.approval {
        Some(approval) => approved_by(&text(&approval.by)),
        None => NOT_APPROVED.to_owned(),
    };
    let _ = writeln!(out, "> [!WARNING]\n{}", policy_state(&state));
    for change in needed.iter().take(detail.changes) {
        let _ = writeln!(out, "> - {}", change_line(change));
    }
    if needed.len() > detail.changes {
        let _ = writeln!(out, "> - and {} more", needed.len() - detail.changes);
    }
    if let (None, Some(digest)) = (&policy.approval, &policy.digest) {
        let _ = writeln!(out, ">\n{}", asks_for_policy(digest));
    }
    out.push('\n');
}

/// Said of changes that wait.
pub(super) const NOT_APPROVED: &str = "which nobody approved yet";
/// Said to who is to approve them.
pub(super) const BASE_JUDGED: &str = "Gates of the base were judged too.";

/// Said of changes that somebody approved.
pub(super) fn approved_by(by: &str) -> String {
    format!("approved by {by}")
}

/// The line that says how it stands with the changes of policy.
pub(super) fn policy_state(state: &str) -> String {
    format!("> **Policy changes in this pull request**, {state}:")
}

/// The line that asks for an approval of changes of policy.
pub(super) fn asks_for_policy(digest: &str) -> String {
    format!(
        "> {BASE_JUDGED} To accept the changes, somebody other than the author comments `/runner approve {}`.",
        approve_digest(digest)
    )
}

/// The line that asks for an approval of what gates hold.
pub(super) fn asks_for_evidence(digest: &str) -> String {
    format!(
        "**To continue:** fix it, or somebody other than the author comments `/runner approve {}`.",
        approve_digest(digest)
    )
}

/// What is typed after `/runner approve`: all of it, as an author could prepare two changes whose digests begin alike.
pub(crate) fn approve_digest(digest: &str) -> &str {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    // Whatever else it is, it stands in Markdown as it is.
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) { digits } else { "DIGEST" }
}

/// Ways in which a change loosens that are shown.
const HOW: usize = 5;

pub(super) fn change_line(change: &PolicyChange) -> String {
    let mut line = format!("**{}** in {}: ", change.kind.words(), code(&change.place));
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            let _ = write!(line, "{} → {}", code(before), code(after));
        }
        (Some(before), None) => line.push_str(&code(before)),
        (None, Some(after)) => line.push_str(&code(after)),
        (None, None) => {}
    }
    if change.kind == ChangeKind::Capability {
        line.push_str(", not granted");
    }
    if !change.how.is_empty() {
        let mut how: Vec<String> = change.how.iter().take(HOW).map(|how| text(how)).collect();
        if change.how.len() > HOW {
            how.push(format!("and {} more", change.how.len() - HOW));
        }
        let _ = write!(line, " ({})", how.join("; "));
    }
    line
}

/// Why it did not pass, and what to do.
pub(super) fn reasons(out: &mut String, report: &Report, detail: Detail) {
    let run = &report.run;
    let failed: Vec<_> = run
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .filter_map(|step| Some((step, failure(step.result.as_ref()?)?)))
        .collect();
    if !failed.is_empty() {
        out.push_str("**Steps that failed**\n\n");
        for (step, why) in failed.iter().take(detail.failing) {
            let _ = writeln!(out, "- {}: {}", code(&step.id), text(why));
        }
        if failed.len() > detail.failing {
            let _ = writeln!(out, "- and {} more", failed.len() - detail.failing);
        }
        out.push('\n');
    }
    if let Some(reason) = run.reason.as_ref().filter(|_| run.result != Some(RunResult::Passed)) {
        let _ = writeln!(out, "**Why it did not pass:** {}\n", text(reason));
    }
    let gates: Vec<&Judgement> = run.stages.iter().flat_map(|stage| &stage.gates).collect();
    let whys = gates.iter().filter(|gate| gate.verdict >= Verdict::Warn);
    for gate in whys.filter(|gate| gate.why.is_some()).take(detail.failing) {
        let why = gate.why.as_deref().unwrap_or_default();
        let _ = writeln!(out, "**Why {} is asked for:** {}\n", code(&gate.id), text(why));
    }
    if let Some(digest) = &report.evidence {
        let _ = writeln!(out, "{}\n", asks_for_evidence(digest));
    }
    for stage in &run.stages {
        for promotion in &stage.promotions {
            let name = code(&format!("{}@{}", promotion.model, promotion.alias));
            let _ = match (promotion.version, &promotion.refused) {
                (Some(version), None) => writeln!(out, "**Promoted** {name} to version {version}\n"),
                (_, refused) => {
                    let why = refused.as_deref().unwrap_or("no reason was recorded");
                    writeln!(out, "**Not promoted** {name}: {}\n", text(why))
                }
            };
        }
    }
    let warnings = run.warnings.iter().filter(|warning| warning.code != "policy::unapproved");
    for warning in warnings.take(detail.changes) {
        let _ = writeln!(out, "⚠️ {} ({})\n", text(&warning.message), code(&warning.code));
    }
}
