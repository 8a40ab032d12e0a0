//! What steps found worth telling, errors first.

use maud::{Markup, html};
use runner_engine::record::RunRecord;

use super::{code, mark, more, table, text};
use crate::report::{summary, words};

/// Findings listed.
const FINDINGS: usize = 200;

pub(super) fn section(record: &RunRecord) -> Option<Markup> {
    let findings = summary::findings_by_severity(record);
    if findings.is_empty() {
        return None;
    }
    let head = html! { th { "Severity" } th { "Step" } th { "Rule" } th { "Finding" } th { "Examples" } };
    let rows: Vec<Markup> = findings
        .iter()
        .take(FINDINGS)
        .map(|(step, finding)| {
            let (word, mood) = words::severity(finding.severity);
            html! {
                th scope="row" { (mark(mood, word)) }
                td { (text(&step.id)) }
                td { (code(&finding.rule)) }
                td { @if let Some(column) = &finding.column { (code(column)) ": " } (text(&finding.message)) }
                td { (text(&summary::finding_examples(finding))) }
            }
        })
        .collect();
    Some(html! {
        p { (summary::finding_counts(&findings)) }
        (table("Findings, errors first", &head, &rows))
        (more(findings.len().saturating_sub(FINDINGS), "finding"))
    })
}
