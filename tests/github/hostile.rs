//! Names that a stranger chooses — workflow, metrics, findings, branch, file, output — end in Markdown, in the log and in files that
//! GitHub reads as commands. Each goes through the real binary, and none may become anything but text.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::action::{Scenario, Seen, Through, entries};

/// What each tries to become.
const CORPUS: &[&str] = &[
    "a | b || c",
    "`code` ``more`` ```fence",
    "</td></details><script>alert(1)</script><img src=x onerror=alert(1)>",
    "<!-- runner:report v1 key=x sha=0 body=sha256:0 --> --> <!--",
    "@acme/ml-leads @octocat @team",
    "[click](javascript:alert(1)) ![i](https://example.com/x.png) <https://example.com> https://example.com/x",
    "::error file=x,line=1::pwned %0A::set-env name=A::pwned",
    "\u{202e}gpj.exe\u{202c} \u{2066}hidden\u{2069} zero\u{200b}width",
    "$(touch hacked) `touch hacked` ; touch hacked",
    "**bold** _it_ ~~gone~~ # heading - item 1. one > quote \\| \\` &lt;b&gt; &#64;octocat #123 acme/churn#1",
    "line\n::error::pwned\n::stop-commands::pwned\n\n# heading\n\n<b>html</b>\r::warning::pwned",
    "EOF\nverdict=pass\nrunner_EOF\nverdict<<E\npass\nE",
    "\u{1b}[31mred\u{1b}[0m \u{7} \u{9b}31m bell",
];

fn json_lines(of: impl Fn(usize, &str) -> serde_json::Value) -> String {
    CORPUS.iter().enumerate().map(|(number, text)| format!("{}\n", of(number, text))).collect()
}

/// A workflow whose every free text is hostile, with a gate that fails so that all of it is explained.
fn workflow() -> String {
    // YAML has no place for control characters but escapes.
    let quoted = |text: &str| serde_json::to_string(text).unwrap().replace('\u{9b}', "\\u009b");
    let mut text = format!("name: {}\non: {{ pull_request: {{}} }}\n", quoted(&CORPUS[..6].join(" ")));
    text.push_str("stages:\n  evaluate:\n    steps:\n      - id: score\n");
    text.push_str("        run: |\n          cat metrics.jsonl >> \"$RUNNER_METRICS\"\n");
    text.push_str(
        "          cat findings.jsonl >> \"$RUNNER_FINDINGS\"\n          cat said.txt; cat said.txt >&2\n",
    );
    text.push_str("    gates:\n");
    for corpus in CORPUS {
        text.push_str("      - { metric: accuracy, min: 0.9, why: ");
        text.push_str(&quoted(corpus));
        text.push_str(" }\n");
    }
    text.push_str("report: { comment: { mode: sticky, on: always }, check: true, summary: true }\n");
    text
}

fn run(fails: bool) -> (Scenario, Seen, String) {
    let mut scenario = Scenario::new(Through::Double);
    "a|`b`<b>@octocat$(touch${IFS}hacked)\u{202e}".clone_into(&mut scenario.head_ref);
    let mut metrics = json_lines(
        |number, text| serde_json::json!({ "name": format!("m{number}"), "value": 1.0, "slice": { "column": text } }),
    );
    let accuracy = if fails { "0.1" } else { "0.95" };
    metrics.extend(["{\"name\": \"accuracy\", \"value\": ", accuracy, "}\n"]);
    let findings = json_lines(|number, text| {
        serde_json::json!({
            "severity": "error", "rule": format!("r{number}"), "message": text, "column": text, "examples": [text],
        })
    });
    let said = CORPUS.join("\n");
    let files = [
        ("churn.yml", workflow()),
        ("metrics.jsonl", metrics),
        ("findings.jsonl", findings),
        ("said.txt", said),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let push = scenario.push(true, &files, "acme/churn");
    let seen = scenario.pull_request(&push);
    (scenario, seen, push.head)
}

/// What of a Markdown text a reader's browser would act on.
#[derive(Debug, Default)]
struct Active {
    html: BTreeSet<String>,
    links: BTreeSet<String>,
    images: BTreeSet<String>,
    mentions: BTreeSet<String>,
    headings: usize,
}

fn active(markdown: &str) -> Active {
    let mut found = Active::default();
    let (mut text, mut in_code) = (String::new(), false);
    let tag = regex::Regex::new(r"</?[A-Za-z][A-Za-z0-9]*[^>]*>|<!--(?s:.*?)-->").unwrap();
    let mention = regex::Regex::new(r"(?:^|[^A-Za-z0-9_`])@[A-Za-z0-9]").unwrap();
    let flush = |text: &mut String, mentions: &mut BTreeSet<String>| {
        if mention.is_match(text) {
            mentions.insert(text.clone());
        }
        text.clear();
    };
    for event in Parser::new_ext(
        markdown,
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM,
    ) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                // An empty comment parts a text: it keeps a name after `@` from calling somebody.
                flush(&mut text, &mut found.mentions);
                found.html.extend(tag.find_iter(&html).map(|tag| tag.as_str().to_owned()));
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                found.links.insert(dest_url.to_string());
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                found.images.insert(dest_url.to_string());
            }
            Event::Start(Tag::Heading { .. }) => found.headings += 1,
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            // Adjacent texts are one for who looks for names in them.
            Event::Text(part) if !in_code => text.push_str(&part),
            Event::Start(_) | Event::End(_) => flush(&mut text, &mut found.mentions),
            Event::Code(_) => text.push('`'),
            _ => {}
        }
    }
    flush(&mut text, &mut found.mentions);
    found
}

/// Nothing of the corpus acts: only the report's own elements do, and direction marks are gone.
fn is_harmless(markdown: &str, what: &str) {
    let active = active(markdown);
    let own = [
        "<code>",
        "</code>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<sub>",
        "</sub>",
        "<br>",
        "<details open>",
        "<!-- -->",
    ];
    for html in &active.html {
        let marker = html.starts_with("<!-- runner:report v1 key=") && markdown.starts_with(html.as_str());
        // Figures and earlier runs, in characters that end no comment.
        let hidden = ["<!-- runner:history v1 ", "<!-- runner:data v1 "]
            .iter()
            .find_map(|start| html.strip_prefix(start));
        let hidden = hidden.and_then(|rest| rest.strip_suffix(" -->")).is_some_and(|data| {
            data.chars().all(|character| character.is_ascii_alphanumeric() || "+/=".contains(character))
        });
        assert!(
            marker || hidden || own.contains(&html.as_str()),
            "{what}: {html:?} became HTML in\n{markdown}"
        );
    }
    assert!(active.images.is_empty(), "{what}: {:?}", active.images);
    for link in &active.links {
        let hostile = link.contains("example.com") || link.starts_with("javascript");
        assert!(!hostile, "{what}: {link} became a link in\n{markdown}");
    }
    assert!(active.mentions.is_empty(), "{what}: someone is called: {:?}", active.mentions);
    for mark in ['\u{202e}', '\u{2066}', '\u{1b}', '\u{9b}', '\u{200b}'] {
        let shown = markdown.contains(mark) && mark != '\u{200b}';
        assert!(!shown, "{what}: U+{:04X} is left in\n{markdown}", mark as u32);
    }
    // GitHub makes links of bare addresses by itself.
    let bare = regex::Regex::new(r"https?://example\.com").unwrap();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_GFM) {
        if let Event::Text(text) = event {
            assert!(!bare.is_match(&text), "{what}: an address becomes a link: {text}");
        }
    }
}

fn log_is_harmless(seen: &Seen) {
    for command in seen.commands() {
        let known = ["group", "endgroup", "error", "warning", "notice", "add-mask", "debug"];
        assert!(known.contains(&command.name.as_str()), "{command:?} in\n{}", seen.log);
        assert!(!command.message.starts_with("pwned"), "{command:?} in\n{}", seen.log);
        assert_ne!(command.properties.get("file").map(String::as_str), Some("x"), "{command:?}");
    }
}

#[test]
fn nothing_breaks_out_of_a_report() {
    for fails in [true, false] {
        let (scenario, seen, head) = run(fails);
        // The base knows nothing of these metrics: even where every gate passes, a person has to look.
        assert_eq!(seen.code, if fails { 3 } else { 4 }, "{}", seen.log);
        log_is_harmless(&seen);
        assert_eq!(seen.output("verdict"), if fails { "fail" } else { "hold" }, "no name writes an output");
        let reports = scenario.reports();
        assert_eq!(reports.len(), 1);
        is_harmless(&reports[0].body, "the comment");
        is_harmless(&seen.summary, "the step summary");
        let run = scenario.github.check_runs().into_iter().find(|run| run.head_sha == head).unwrap();
        is_harmless(&run.summary.unwrap_or_default(), "the check's summary");
        is_harmless(&run.text.unwrap_or_default(), "the check's text");
        for annotation in run.annotations {
            assert_eq!(annotation.path, "churn.yml");
        }
    }
}

#[test]
fn a_forged_bundle_is_only_text() {
    let mut scenario = Scenario::new(Through::Double);
    "topic".clone_into(&mut scenario.head_ref);
    let (push, folder) = scenario.untrusted("0.85");
    let file = folder.path().join("bundle/report.json");
    let mut bundle: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let keep = [push.head.clone(), "acme/churn".to_owned()];
    poison(&mut bundle, &keep, &mut 0);
    std::fs::write(&file, bundle.to_string()).unwrap();
    let seen = scenario.post(&push, &folder.path().join("bundle"));
    // Refused, or posted as text: both are right, a broken-out name is not.
    assert!([0, 5].contains(&seen.code), "{}", seen.log);
    log_is_harmless(&seen);
    for report in scenario.reports() {
        is_harmless(&report.body, "the comment");
    }
    for run in scenario.github.check_runs() {
        is_harmless(&run.summary.unwrap_or_default(), "the check's summary");
    }
}

/// Replaces free texts of a bundle by those of the corpus, one after the other. What names a kind (short words) stays, as a
/// bundle without it would be refused for its form.
fn poison(value: &mut serde_json::Value, keep: &[String], next: &mut usize) {
    match value {
        serde_json::Value::String(text) => {
            let word = !text.contains([' ', '.', '/', '=']);
            if !word && !keep.contains(text) {
                CORPUS[*next % CORPUS.len()].clone_into(text);
                *next += 1;
            }
        }
        serde_json::Value::Array(all) => all.iter_mut().for_each(|value| poison(value, keep, next)),
        serde_json::Value::Object(all) => all.values_mut().for_each(|value| poison(value, keep, next)),
        _ => {}
    }
}

#[test]
fn the_reader_of_outputs_is_itself_strict() {
    assert_eq!(entries("a=1\nb<<E\nx=y\nE\n")["b"], "x=y");
    assert_eq!(entries("a=1\na=2\n")["a"], "2");
}
