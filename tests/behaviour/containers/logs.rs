//! What a container writes arrives whole, in order, masked, and in bounded memory.

use std::{fs, process::Stdio};

use runner_tests::{Seen, Workspace};
use wait4::Wait4;

use super::{one_step, workflow};

const LINES: usize = 1_000_000;

on_docker_and_podman! {
    /// A million lines: none is lost, none is out of order, and the runner does not hold them all.
    fn a_million_lines(engine) {
        let workspace = one_step(&format!("seq 1 {LINES}; echo 'the end' >&2"), "");
        let mut command = engine.command(&workspace, &["run", "workflow.yml"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let used = child.wait4().unwrap();
        assert!(used.status.success(), "{}", used.status);
        let logs = engine.run(&workspace, &["logs", "latest", "s"]).expect_code(0).stdout;
        let mut next = 1;
        for line in logs.lines().filter(|line| *line != "the end") {
            assert_eq!(line, next.to_string());
            next += 1;
        }
        assert_eq!(next, LINES + 1);
        assert!(logs.contains("the end"));
        let mebibytes = used.rusage.maxrss >> 20;
        assert!(mebibytes <= 100, "the runner held {mebibytes} MiB");
    }

    /// Each stream in its own order, each line with its stream.
    fn both_streams(engine) {
        let workspace = one_step("for i in $(seq 200); do echo out $i; echo err $i >&2; done", "");
        let _ = super::ran(engine, &workspace, 0);
        let logs = engine.run(&workspace, &["logs", "latest", "s"]).expect_code(0).stdout;
        for stream in ["out", "err"] {
            let lines: Vec<&str> = logs.lines().filter(|line| line.starts_with(stream)).collect();
            let expected: Vec<String> = (1..=200).map(|i| format!("{stream} {i}")).collect();
            assert_eq!(lines, expected);
        }
    }

    /// Bytes that are no text, a line without an end, and a line of three million bytes.
    fn hostile_lines(engine) {
        let workspace = one_step(
            "printf 'bad \\377\\376 bytes\\n'; head -c 3000000 /dev/zero | tr '\\0' x; echo; printf 'no end of line'",
            "",
        );
        let _ = super::ran(engine, &workspace, 0);
        let logs = engine.run(&workspace, &["logs", "latest", "s"]).expect_code(0).stdout;
        assert!(logs.contains("bad \u{fffd}\u{fffd} bytes"), "{}", &logs[..200]);
        assert_eq!(logs.chars().filter(|c| *c == 'x').count(), 3_000_000);
        assert!(logs.contains("no end of line"));
    }

    /// What is written just before the end, or by a process that the step leaves behind, is not lost.
    fn the_last_words(engine) {
        for _ in 0..5 {
            let workspace = one_step("(sleep 0.1; echo late) & echo early; wait; printf 'last words'; exit 3", "");
            let seen = super::ran(engine, &workspace, 1);
            for word in ["early", "late", "last words"] {
                assert!(seen.stdout.contains(word), "{word}: {}", seen.snapshot());
            }
        }
    }

    /// A secret that a container prints, however it is cut into writes, appears nowhere.
    fn secrets_are_masked(engine) {
        let secret = "s3cr3t/Pa+ss-word-of-the-container";
        let text = workflow(
            "secrets: { TOKEN: { from: env:THE_TOKEN } }",
            "t=$(cat token.txt)\necho \"raw $t\"\nprintf '%s' \"$t\" | base64 -w0; echo\nprintf 's3cr3t/'; sleep 0.2; printf 'Pa+ss-word-of-the-container\\n'\n\
             echo \"stderr $t\" >&2\nprintf '{\"severity\":\"warning\",\"rule\":\"leak\",\"message\":\"%s\"}\\n' \"$t\" >> \"$RUNNER_FINDINGS\"\nfalse",
            "",
        );
        let workspace = Workspace::with_workflow(&text);
        workspace.write("token.txt", secret);
        let mut command = engine.command(&workspace, &["run", "workflow.yml"]);
        let seen: Seen = command.env("THE_TOKEN", secret).output().unwrap().into();
        let seen = seen.expect_code(1);
        let mut places = vec![seen.stdout.clone(), seen.stderr.clone()];
        let mut folders = vec![workspace.path().join(".runner")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    places.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
                }
            }
        }
        // Also as base64.
        for form in [secret, "czNjcjN0L1BhK3NzLXdvcmQtb2YtdGhlLWNvbnRhaW5l"] {
            assert!(!places.iter().any(|text| text.contains(form)), "{form} was written: {}", seen.snapshot());
        }
        assert!(seen.stdout.contains("***"), "{}", seen.snapshot());
    }
}
