//! A secret appears in no output and no record, in none of its forms.

use std::fs;

use runner_tests::Workspace;

const SECRET: &str = "s3cr3t/Pa+ss \"word\"&x=1";

#[test]
fn a_secret_is_masked_everywhere() {
    let workspace = Workspace::with_workflow(
        r#"name: t
secrets: { TOKEN: { from: env:THE_TOKEN } }
stages:
  one:
    steps:
      - id: leak
        run: |
          t=$(cat token.txt)
          echo "raw $t"
          printf '%s' "$t" | base64 -w0; echo
          echo "joined: $(printf 'x%s' "$t" | base64 -w0)"
          python3 -c 'import json,sys,urllib.parse; t=open("token.txt").read(); print(json.dumps(t)); print(urllib.parse.quote(t, safe="")); print(urllib.parse.quote_plus(t)); print(urllib.parse.quote(t))'
          echo "{\"name\": \"m\", \"value\": 1}" >> "$RUNNER_METRICS"
          python3 -c 'import json,os; t=open("token.txt").read(); open(os.environ["RUNNER_FINDINGS"],"a").write(json.dumps({"severity":"warning","rule":"leak","message":"got "+t,"examples":[t]})+"\n")'
          echo "stderr $t" >&2
          false
"#,
    );
    workspace.write("token.txt", SECRET);
    let seen: runner_tests::Seen = workspace
        .command(&["run", "workflow.yml", "--junit", "junit.xml", "--summary", "summary.md"])
        .env("THE_TOKEN", SECRET)
        .output()
        .unwrap()
        .into();
    let seen = seen.expect_code(1);
    fs::remove_file(workspace.path().join("token.txt")).unwrap();
    let mut places =
        vec![("stdout".to_owned(), seen.stdout.clone()), ("stderr".to_owned(), seen.stderr.clone())];
    collect(workspace.path(), &mut places);
    let json = serde_json::to_string(SECRET).unwrap();
    let forms = [
        SECRET.to_owned(),
        json.trim_matches('"').to_owned(),
        // base64 of the secret, and of the secret after one other byte (without the bytes that mix).
        "czNjcjN0L1BhK3NzICJ3b3JkIiZ4PT".to_owned(),
        "MzY3IzdC9QYStzcyAid29yZCImeD0".to_owned(),
        "s3cr3t%2FPa%2Bss%20%22word%22%26x%3D1".to_owned(),
        "s3cr3t%2FPa%2Bss+%22word%22%26x%3D1".to_owned(),
        "s3cr3t/Pa%2Bss%20%22word%22%26x%3D1".to_owned(),
    ];
    for (place, text) in &places {
        for form in &forms {
            assert!(!text.contains(form.as_str()), "{form} is in {place}:\n{text}");
        }
    }
    assert!(seen.stdout.contains("***") || seen.stderr.contains("***"), "{}", seen.snapshot());
}

/// Every text file below a folder, with its path.
fn collect(folder: &std::path::Path, places: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, places);
        } else if path.file_name().is_some_and(|name| name != "workflow.yml") {
            let bytes = fs::read(&path).unwrap();
            places.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

/// Colours part a secret on the screen; what takes them away must not put it together.
#[test]
fn colours_do_not_hide_a_secret_from_the_mask() {
    let workspace = Workspace::with_workflow(
        "name: t\nsecrets: { TOKEN: { from: env:THE_TOKEN } }\nstages:\n  one:\n    steps:\n      - id: s\n        run: printf 'github_\\033[01;31m\\033[Kpat_\\033[m\\033[K11ABCDEFG end\\n'\n",
    );
    let output = workspace
        .command(&["run", "workflow.yml", "--junit", "report.xml"])
        .env("THE_TOKEN", "github_pat_11ABCDEFG")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = workspace.read("report.xml");
    assert!(report.contains("*** end") && !report.contains("11ABCDEFG"), "{report}");
}

#[test]
fn a_plan_shows_no_secret() {
    let workspace = Workspace::with_workflow(
        "name: t\nparams: { token: none }\nsecrets: { TOKEN: { from: env:THE_TOKEN } }\nstages:\n  one:\n    steps:\n      - { id: s, run: \"true\", env: { T: \"${{ params.token }}\" } }\n",
    );
    for arguments in [&["plan", "workflow.yml"][..], &["plan", "workflow.yml", "--json"]] {
        let mut command = workspace.command(arguments);
        let output =
            command.args(["-p", "token=a-long-secret"]).env("THE_TOKEN", "a-long-secret").output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && shown.contains("***") && !shown.contains("a-long"), "{shown}");
    }
}
