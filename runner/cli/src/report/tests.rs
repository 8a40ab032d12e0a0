//! What users see, from synthetic events.

use std::convert::Infallible;

use runner_engine::event::RunEvent;
use runner_store::RunState;

use super::{
    junit, markdown,
    recorded::Recorded,
    samples,
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
