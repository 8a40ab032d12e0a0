//! What a reader sees first: the verdict and its reason; then what must not be overlooked.

use maud::{Markup, html};
use runner_engine::{event::RunResult, record::RunRecord};
use runner_gate::verdict::Verdict;

use super::{code, mark, text};
use crate::report::{quantity, step_lines, words};

pub(super) fn header(record: &RunRecord) -> Markup {
    let (word, mood) = words::run(record.result);
    let verdict = words::gates(record);
    html! {
        header class=(mood.word()) {
            p.workflow { (text(&record.workflow)) }
            h1 { (mark(mood, word)) }
            @if record.result != Some(RunResult::Passed) {
                p.reason { (text(reason(record))) }
            }
            dl.facts {
                div { dt { "Verdict" } dd { (verdict) } }
                div { dt { "Run" } dd { (code(&record.run_id)) } }
                div { dt { "Started" } dd { (record.started_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()) } }
                div { dt { "Took" } dd { (quantity::duration(record.duration_ms)) } }
                @if let Some(evidence) = &record.evidence {
                    div {
                        dt { "Evidence" }
                        dd {
                            (code(quantity::short_digest(&evidence.digest)))
                            (if evidence.key.is_some() { " signed" } else { " not signed" })
                        }
                    }
                }
                @if let Some(commit) = &record.git_commit {
                    div {
                        dt { "Commit" }
                        dd {
                            (code(quantity::short_digest(commit)))
                            @if let Some(branch) = &record.git_branch { " on " (text(branch)) }
                            @if record.git_dirty { " with changes" }
                        }
                    }
                }
            }
            (promotions(record))
            (attention(record))
        }
    }
}

fn reason(record: &RunRecord) -> &str {
    record.reason.as_deref().unwrap_or(match record.result {
        None => "It still runs, or was killed before it could say why.",
        Some(_) => "No reason was recorded.",
    })
}

fn promotions(record: &RunRecord) -> Markup {
    html! {
        @for promotion in record.stages.iter().flat_map(|stage| &stage.promotions) {
            p.note {
                @match (promotion.version, &promotion.refused) {
                    (Some(version), None) => {
                        (mark(words::Mood::Good, "promoted")) " "
                        (text(&step_lines::promotion(&promotion.model, &promotion.alias, version, promotion.previous, LOOK)))
                        @if let Some(digest) = &promotion.digest { " " (code(quantity::short_digest(digest))) }
                    }
                    (_, refused) => {
                        (mark(words::Mood::Bad, "not promoted")) " "
                        (code(&format!("{}@{}", promotion.model, promotion.alias))) ": "
                        (text(refused.as_deref().unwrap_or("no reason was recorded")))
                    }
                }
            }
        }
    }
}

/// Reports in files are UTF-8, without colours.
const LOOK: crate::environment::Look =
    crate::environment::Look { color: false, unicode: true, terminal: false, width: usize::MAX };

/// Waivers, rubber stamps, warnings, and what ran without a sandbox.
fn attention(record: &RunRecord) -> Markup {
    let gates = || record.stages.iter().flat_map(|stage| &stage.gates);
    let waived = gates().filter(|gate| gate.verdict == Verdict::Waived);
    let stamped = gates().filter(|gate| gate.rubber_stamp);
    let unsandboxed: Vec<String> = record
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .filter(|step| step.sandboxed == Some(false))
        .map(|step| text(&step.id))
        .collect();
    html! {
        @for gate in waived {
            p.note { (mark(words::Mood::Doubtful, "waived")) " " (code(&gate.text)) ": " (text(&gate.message)) }
        }
        @for gate in stamped {
            p.note {
                (mark(words::Mood::Doubtful, "rubber stamp")) " " (code(&gate.text))
                ": there has never been a baseline, so nothing was compared with it"
            }
        }
        // A waiver stands above already.
        @for warning in record.warnings.iter().filter(|warning| !warning.message.contains(" says WAIVED: ")) {
            p.note { (mark(words::Mood::Doubtful, "warning")) " " (text(&warning.message)) " " (code(&warning.code)) }
        }
        @if !unsandboxed.is_empty() {
            p.note {
                (mark(words::Mood::Doubtful, "unsandboxed")) " "
                (quantity::count(unsandboxed.len(), "step")) " ran on the machine without a sandbox: "
                (text(&unsandboxed.join(", ")))
            }
        }
    }
}

pub(super) fn footer(record: &RunRecord) -> Markup {
    html! {
        footer {
            (text(&record.file)) " · workflow " (code(quantity::short_digest(&record.workflow_digest)))
            " · runner " (text(&record.runner_version)) " · made again at any time with "
            (code(&format!("runner report {} --html FILE", record.run_id)))
        }
    }
}
