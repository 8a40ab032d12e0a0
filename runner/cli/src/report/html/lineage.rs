//! From what to what: data, parameters, and every output with its digest.

use maud::{Markup, html};
use runner_engine::record::RunRecord;

use super::{code, mark, more, table, text};
use crate::report::{quantity, reference};

/// Outputs and parameters listed.
const ROWS: usize = 200;

pub(super) fn section(record: &RunRecord) -> Option<Markup> {
    let artifacts: Vec<_> = record
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .flat_map(|step| step.artifacts.iter().map(move |artifact| (step, artifact)))
        .collect();
    let params: Vec<(&String, &serde_json::Value)> =
        record.params.as_object().into_iter().flatten().collect();
    if record.data.is_empty() && artifacts.is_empty() && params.is_empty() {
        return None;
    }
    let data_rows: Vec<Markup> = record
        .data
        .iter()
        .map(|data| {
            html! {
                th scope="row" { (text(&data.name)) }
                td { (text(&data.path)) }
                td.number { (quantity::size(data.size)) }
                td.digest { (code(&data.digest)) }
            }
        })
        .collect();
    let param_rows: Vec<Markup> = params
        .iter()
        .take(ROWS)
        .map(|(name, value)| html! { th scope="row" { (text(name)) } td { (code(&value.to_string())) } })
        .collect();
    let artifact_rows: Vec<Markup> = artifacts
        .iter()
        .take(ROWS)
        .map(|(step, artifact)| {
            html! {
                th scope="row" { (text(&step.id)) " → " (text(&artifact.output)) }
                td { (text(&artifact.path)) }
                td.number { (quantity::size(artifact.size)) }
                td.digest { (code(&artifact.digest)) }
            }
        })
        .collect();
    Some(html! {
        @if !record.references.is_empty() {
            h3 { "Compared with" }
            @for reference in &record.references {
                @let (mood, sentence) = reference::sentence(reference);
                p { (mark(mood, reference.role.word())) " " (text(&sentence)) }
            }
        }
        @if !data_rows.is_empty() {
            h3 { "Data" }
            (table("Data", &html! { th { "Name" } th { "Path" } th.number { "Size" } th { "Digest" } }, &data_rows))
        }
        @if !param_rows.is_empty() {
            h3 { "Parameters" }
            (table("Parameters", &html! { th { "Name" } th { "Value" } }, &param_rows))
            (more(params.len().saturating_sub(ROWS), "parameter"))
        }
        @if !artifact_rows.is_empty() {
            h3 { "Outputs" }
            (table("Outputs", &html! { th { "Step and output" } th { "File" } th.number { "Size" } th { "Digest" } }, &artifact_rows))
            (more(artifacts.len().saturating_sub(ROWS), "output"))
        }
    })
}
