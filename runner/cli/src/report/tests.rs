//! What users see, from synthetic events.

use std::{convert::Infallible, fmt::Write as _};

use runner_engine::event::{EventKind, RunEvent};
use runner_store::RunState;

use super::{
    html, junit, markdown,
    recorded::Recorded,
    samples,
    scored::{Scored, ScoredBaseline, ScoredRun},
    step_lines::StepLines,
    summary::{self, Detail},
    visible,
};
use crate::{command::show, environment::Look};

const PLAIN: Look = Look { color: false, unicode: true, terminal: false, width: 80 };
const ASCII: Look = Look { color: false, unicode: false, terminal: true, width: 80 };
const COLOR: Look = Look { color: true, unicode: true, terminal: true, width: 80 };

fn recorded(events: Vec<RunEvent>) -> Recorded {
    Recorded::from_events(events.into_iter().map(Ok::<_, Infallible>)).unwrap().unwrap()
}

fn terminal(events: Vec<RunEvent>, look: Look) -> String {
    let mut lines = StepLines::new(look, false);
    let mut text: String =
        events.iter().flat_map(|event| lines.lines(event)).map(|line| line + "\n").collect();
    text.push_str(&summary::render(&recorded(events).record, ".runner/runs/1", look, Detail::Short));
    text
}

#[test]
fn a_run_that_passes() {
    insta::assert_snapshot!(terminal(samples::passed(), PLAIN));
}

#[test]
fn a_run_that_fails() {
    insta::assert_snapshot!(terminal(samples::failed(), PLAIN));
}

#[test]
fn a_run_that_fails_in_ascii() {
    let text = terminal(samples::failed(), ASCII);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_run_that_was_killed() {
    insta::assert_snapshot!(terminal(samples::killed(), PLAIN));
}

#[test]
fn everything_that_is_known() {
    insta::assert_snapshot!(show::render(
        &recorded(samples::passed()).record,
        RunState::Finished,
        ".runner/runs/1",
        PLAIN
    ));
}

#[test]
fn colour_changes_nothing_but_colour() {
    for events in [samples::passed(), samples::failed(), samples::hostile()] {
        let colored = terminal(events.clone(), COLOR);
        let plain = terminal(events, Look { color: false, ..COLOR });
        let mut stripped = String::new();
        let mut parts = colored.split('\x1b');
        stripped.push_str(parts.next().unwrap());
        for part in parts {
            stripped.push_str(part.split_once('m').expect("a colour code").1);
        }
        assert_eq!(stripped, plain);
    }
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    for width in [60, 80, 120] {
        for events in [samples::passed(), samples::failed()] {
            let text = terminal(events, Look { width, ..ASCII });
            for line in text.lines() {
                assert!(visible::width(line) <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn hostile_names_command_no_terminal() {
    let text = terminal(samples::hostile(), PLAIN);
    assert!(!text.chars().any(|character| visible::is_dangerous(character) && character != '\n'), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("::")), "{text}");
    let json = serde_json::to_string(&recorded(samples::hostile()).record).unwrap();
    assert!(!json.contains('\x1b'));
}

#[test]
fn markdown_of_a_run_that_passes() {
    insta::assert_snapshot!(markdown::render(&recorded(samples::passed())));
}

#[test]
fn markdown_of_a_run_that_fails() {
    insta::assert_snapshot!(markdown::render(&recorded(samples::failed())));
}

#[test]
fn markdown_of_hostile_names() {
    let text = markdown::render(&recorded(samples::hostile()));
    assert!(!text.contains("<script"), "{text}");
    assert!(!text.contains("@team"), "{text}");
    assert!(!text.contains("http:"), "{text}");
    assert!(!text.contains(" #1"), "{text}");
    // Every row of a table has as many cells as its head, whatever stands in them.
    let mut columns = None;
    for line in text.lines() {
        if line.starts_with('|') {
            let cells = line.replace("\\|", "").matches('|').count();
            assert_eq!(*columns.get_or_insert(cells), cells, "{line}");
        } else {
            columns = None;
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn junit_of_a_run_that_passes() {
    insta::assert_snapshot!(junit::render(&recorded(samples::passed())).unwrap());
}

#[test]
fn junit_of_a_run_that_fails() {
    insta::assert_snapshot!(junit::render(&recorded(samples::failed())).unwrap());
}

#[test]
fn junit_of_hostile_names_is_well_formed() {
    let xml = junit::render(&recorded(samples::hostile())).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&xml).expect("well-formed");
    assert_eq!((report.tests, report.failures + report.errors), (2, 2));
    assert!(!xml.contains('\x1b') && !xml.contains('\0'));
}

fn page(events: Vec<RunEvent>) -> String {
    html::render(&recorded(events), &ScoredRun::default())
}

/// Tags and attributes in the order of the page; fails where a tag is not closed by the one that opened it.
fn parsed(page: &str) -> Vec<(String, String)> {
    const VOID: [&str; 3] = ["meta", "!DOCTYPE", "link"];
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').expect("a tag ends") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{tag}");
        } else {
            if !VOID.contains(&name) {
                open.push(name.to_owned());
            }
            found.push((name.to_owned(), attributes.to_owned()));
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

#[test]
fn html_needs_nothing_from_outside() {
    for events in [samples::passed(), samples::failed(), samples::hostile(), samples::killed()] {
        let page = page(events);
        for (name, attributes) in parsed(&page) {
            assert!(
                !["script", "img", "link", "iframe", "object", "base", "form"].contains(&name.as_str()),
                "{name}"
            );
            for forbidden in ["src=", "style=", " on", "javascript:", "url(", "srcset="] {
                assert!(!format!(" {attributes}").contains(forbidden), "{name} {attributes}");
            }
            if let Some((_, target)) = attributes.split_once("href=\"") {
                assert!(target.starts_with('#'), "{attributes}");
            }
        }
        assert!(page.contains("default-src 'none'"), "{page}");
        assert!(!page.contains("@import") && !page.contains("url("));
    }
}

#[test]
fn html_of_hostile_names_is_text() {
    let page = page(samples::hostile());
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.chars().any(|character| visible::is_dangerous(character) && character != '\n'), "{page:?}");
    // Quotes end no attribute.
    let mut events = samples::passed();
    if let EventKind::RunStarted { workflow, .. } = &mut events[0].kind {
        *workflow = "\" onload=\"alert(1)".to_owned();
    }
    let page = html::render(&recorded(events), &ScoredRun::default());
    assert!(!page.contains("\" onload"), "{page}");
}

#[test]
fn html_says_verdict_and_reason_first() {
    let page = page(samples::failed());
    let body = page.split_once("<body>").unwrap().1;
    let place = |text: &str| body.find(text).unwrap_or_else(|| panic!("{text} is missing in {body}"));
    assert!(place("a step failed") < place("step `fit[seed=0]` failed: exit code 1"));
    assert!(place("step `fit[seed=0]` failed: exit code 1") < place("<table"));
    // Worst first: the gate that could not be judged stands before the one that failed.
    assert!(place("loss &gt;= 0.1") < place("accuracy &gt;= 0.9</code>"));
    // Whoever does not see colours reads words, and whoever does not see plots reads what they show.
    for (name, attributes) in parsed(&page).into_iter().filter(|(name, _)| name == "svg") {
        assert!(
            attributes.contains("role=\"img\"") && attributes.contains("aria-label=\""),
            "{name} {attributes}"
        );
    }
}

/// Rows with scores of many digits, drawn by a generator of fixed state.
fn scores(rows: u32, shift: f64) -> runner_gate::predictions::Predictions {
    let mut text = String::from("id,label,score\n");
    let mut state = 7_u64;
    for row in 0..rows {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (uniform, label) = ((state >> 40) as f64 / f64::from(1 << 24), state >> 20 & 1);
        let _ = writeln!(text, "{row},{label},{}", 0.6 * uniform + shift * label as f64);
    }
    runner_gate::predictions::read(text.as_bytes(), runner_gate::predictions::Format::Csv).unwrap()
}

#[test]
fn html_does_not_grow_with_rows() {
    let scored = |rows| ScoredRun {
        each: vec![Scored {
            step: "score".into(),
            test_set: None,
            predictions: scores(rows, 0.3),
            baseline: Some(ScoredBaseline { name: "baseline".into(), predictions: scores(rows, 0.25) }),
        }],
        problems: Vec::new(),
    };
    let recorded = recorded(samples::passed());
    let [few, many] = [2_000, 200_000].map(|rows| html::render(&recorded, &scored(rows)).len());
    assert!(many < 200_000, "{many} bytes");
    assert!(many < 2 * few, "{few} bytes, then {many}");
    let page = html::render(&recorded, &scored(2_000));
    let _ = parsed(&page);
    for words in ["ROC", "Calibration", "baseline · area", "Wrong before, right now"] {
        assert!(page.contains(words), "{words} is missing");
    }
}
