//! When each step ran and for how long.

use maud::{Markup, html};
use runner_engine::record::{RunRecord, StageRecord, StepRecord};

use super::{mark, more, table, text};
use crate::report::{quantity, words};

/// Steps drawn.
const STEPS: usize = 200;
const WIDTH: f64 = 300.0;

pub(super) fn section(record: &RunRecord) -> Option<Markup> {
    let steps: Vec<(&StageRecord, &StepRecord)> =
        record.stages.iter().flat_map(|stage| stage.steps.iter().map(move |step| (stage, step))).collect();
    if steps.is_empty() {
        return None;
    }
    let end = steps
        .iter()
        .filter_map(|(_, step)| Some(step.started_ms? + step.duration_ms))
        .fold(0.0, f64::max)
        .max(1e-3);
    let head = html! {
        th { "Step" } th { "End" }
        th.timeline { span { "0" } span { (quantity::duration(end)) } }
        th.number { "Time" } th { "Notes" }
    };
    let mut last = "";
    let rows: Vec<Markup> = steps
        .iter()
        .take(STEPS)
        .map(|(stage, step)| {
            let first_of_stage = std::mem::replace(&mut last, &stage.name) != stage.name;
            row(stage, step, end, first_of_stage)
        })
        .collect();
    Some(html! {
        (table("When each step ran", &head, &rows))
        (more(steps.len().saturating_sub(STEPS), "step"))
    })
}

fn row(stage: &StageRecord, step: &StepRecord, end: f64, first_of_stage: bool) -> Markup {
    let (word, mood) = words::step(step);
    html! {
        th scope="row" {
            @if first_of_stage { p.stage { (text(&stage.name)) } }
            (text(&step.id))
        }
        td { (mark(mood, word)) }
        td.timeline { @if let Some(start) = step.started_ms { (bar(start, step.duration_ms, end, mood.word())) } }
        td.number { @if step.attempts > 0 { (quantity::duration(step.duration_ms)) } }
        td { (notes(step)) }
    }
}

fn bar(start: f64, duration: f64, end: f64, mood: &str) -> Markup {
    let x = WIDTH * (start / end).clamp(0.0, 1.0);
    // So that a step of no time is seen too, also the last one.
    let width = (WIDTH * duration / end).clamp(2.0, WIDTH);
    let words = format!("from {} for {}", quantity::duration(start), quantity::duration(duration));
    html! {
        svg viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" role="img" aria-label=(words) {
            rect class={ "bar " (mood) } x=(format!("{:.1}", x.min(WIDTH - width))) width=(format!("{width:.1}")) y="1" height="8" {}
        }
    }
}

fn notes(step: &StepRecord) -> Markup {
    let reason = step.result.as_ref().and_then(words::reason);
    html! {
        @if let Some(reason) = &step.skipped { p { (text(reason)) } }
        @if let Some(reason) = &reason { p { (text(reason)) } }
        @if step.attempts > 1 { p { (step.attempts) " attempts" } }
        @if step.sandboxed == Some(false) { p { (mark(words::Mood::Doubtful, "unsandboxed")) } }
    }
}
