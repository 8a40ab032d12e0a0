//! HTML reports, looked at by a real browser.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use runner_tests::Workspace;
use serde_json::Value;

/// Shows the report in a frame and writes down what is there: no script can run in the report itself.
const PROBE: &str = r#"<!doctype html>
<title>probe</title>
<iframe id="report" src="report.html" width="1200" height="900"></iframe>
<pre id="seen"></pre>
<script>
document.getElementById("report").addEventListener("load", event => {
  const page = event.target.contentDocument;
  const plots = [...page.querySelectorAll("svg")].map(svg => {
    const box = svg.getBBox(), shown = svg.getBoundingClientRect();
    return { label: svg.getAttribute("aria-label"), role: svg.getAttribute("role"), width: box.width, height: box.height,
             shown: shown.width * shown.height };
  });
  const lines = [...page.querySelectorAll("path.line")].map(path => path.getTotalLength());
  const cells = [...page.querySelectorAll("table")].map(table => table.querySelectorAll("th").length);
  document.getElementById("seen").textContent = JSON.stringify({
    title: page.title,
    heading: page.querySelector("h1").innerText,
    text: page.body.innerText,
    plots, lines, cells,
    scripts: page.scripts.length,
    styled: getComputedStyle(page.querySelector("table")).borderCollapse,
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    requests: event.target.contentWindow.performance.getEntriesByType("resource").map(entry => entry.name),
  });
});
</script>
"#;

fn chromium() -> PathBuf {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    folders
        .iter()
        .flat_map(|folder| names.iter().map(|name| folder.join(name)))
        .find(|path| path.is_file())
        .expect("this test needs Chromium on the PATH: .ci/install-browser installs it")
}

/// What the browser sees of `report.html` in this folder; fails on any message on its console.
fn look_at(folder: &Path) -> Value {
    std::fs::write(folder.join("probe.html"), PROBE).unwrap();
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage", "--allow-file-access-from-files", "--enable-logging=stderr"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("file://{}", folder.join("probe.html").display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let console: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "the page complains: {console:#?}");
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let seen = dom.split_once("<pre id=\"seen\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (seen, _) = seen.unwrap_or_else(|| panic!("no page: {}\n{dom}\n{said}", output.status));
    let seen =
        seen.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
    serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}\n{said}"))
}

#[test]
#[ignore = "needs Chromium: cargo xtask test --all"]
fn the_report_of_the_quickstart_is_a_page_of_its_own() {
    let workspace = Workspace::with_examples();
    let _ = workspace.run(&["run", "workflows/quickstart.yml"]).expect_code(0);
    let _ = workspace.run(&["report", "latest", "--html", "report.html"]).expect_code(0);
    let seen = look_at(workspace.path());
    assert_eq!(seen["requests"], serde_json::json!([]), "nothing is fetched");
    assert_eq!(seen["scripts"], 0);
    assert_eq!(seen["styled"], "collapse", "the page's own style sheet is allowed");
    assert_eq!(seen["overflow"], 0, "nothing is wider than the window");
    assert_eq!(seen["title"], "quickstart: passed");
    assert!(seen["heading"].as_str().unwrap().contains("passed"), "{}", seen["heading"]);
    let text = seen["text"].as_str().unwrap();
    for words in [
        "roc_auc >= 0.98",
        "recall[texture_group=coarse]",
        "Precision and recall",
        "Calibration",
        "fit",
        "test.csv",
    ] {
        assert!(text.contains(words), "{words} is missing in {text}");
    }
    let plots = seen["plots"].as_array().unwrap();
    assert!(plots.len() >= 8, "{plots:?}");
    for plot in plots {
        assert_eq!(plot["role"], "img");
        assert!(plot["label"].as_str().is_some_and(|label| !label.is_empty()), "{plot}");
        assert!(plot["width"].as_f64().unwrap() > 0.0 && plot["shown"].as_f64().unwrap() > 0.0, "{plot}");
    }
    let lines = seen["lines"].as_array().unwrap();
    assert!(lines.len() >= 3 && lines.iter().all(|length| length.as_f64().unwrap() > 100.0), "{lines:?}");
    assert!(seen["cells"].as_array().unwrap().iter().all(|heads| heads.as_u64().unwrap() > 0));
}

#[test]
#[ignore = "needs Chromium: cargo xtask test --all"]
fn hostile_names_are_text() {
    let workspace = Workspace::with_workflow(
        r#"name: "<script>document.title='owned'</script>\" onload=\"x"
params: { "a</td><img src=x onerror=alert(1)>": "]]>\u202E<svg onload=alert(1)>" }
stages:
  one:
    steps:
      - id: say
        run: exit 3
"#,
    );
    let _ = workspace.run(&["run", "workflow.yml"]).expect_code(1);
    let _ = workspace.run(&["report", "latest", "--html", "report.html"]).expect_code(0);
    let seen = look_at(workspace.path());
    assert_eq!((&seen["scripts"], &seen["requests"]), (&Value::from(0), &serde_json::json!([])));
    assert!(seen["title"].as_str().unwrap().starts_with("<script>document.title"), "{}", seen["title"]);
    let text = seen["text"].as_str().unwrap();
    assert!(text.contains("<img src=x onerror=alert(1)>"), "{text}");
    assert!(text.contains("\\u{202e}") && !text.contains('\u{202e}'), "{text}");
}
