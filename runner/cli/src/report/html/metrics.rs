//! Every number that was measured.

use maud::{Markup, html};
use runner_engine::{
    executor::Metric,
    record::{RunRecord, StepRecord},
};

use super::{more, table, text};
use crate::report::{quantity, summary};

/// Metrics listed of the whole, and of slices.
const METRICS: usize = 300;

pub(super) fn section(record: &RunRecord) -> Option<Markup> {
    let (whole, sliced): (Vec<Row<'_>>, Vec<Row<'_>>) = record
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .flat_map(|step| step.metrics.iter().map(move |metric| (step, metric)))
        .partition(|(_, metric)| metric.slice.is_empty());
    if whole.is_empty() && sliced.is_empty() {
        return None;
    }
    Some(html! {
        @if !whole.is_empty() { (listed("Metrics", &whole)) }
        @if !sliced.is_empty() {
            details {
                summary { (quantity::count(sliced.len(), "metric")) " of slices" }
                (listed("Metrics of slices", &sliced))
            }
        }
    })
}

type Row<'a> = (&'a StepRecord, &'a Metric);

fn listed(label: &str, metrics: &[Row<'_>]) -> Markup {
    let head = html! { th { "Metric" } th.number { "Value" } th { "Step" } };
    let rows: Vec<Markup> = metrics
        .iter()
        .take(METRICS)
        .map(|(step, metric)| {
            html! {
                th scope="row" { (text(&summary::metric_name(&metric.name, &metric.slice))) }
                td.number { (quantity::number(metric.value)) }
                td { (text(&step.id)) }
            }
        })
        .collect();
    html! {
        div.narrow { (table(label, &head, &rows)) }
        (more(metrics.len().saturating_sub(METRICS), "metric"))
    }
}
