//! What a job's token is safe from: steps on the host, which are processes of the same user as the runner.

use std::{fs, process::Command};

use super::{
    machine::{give_away, without_privileges},
    scenario::{JOB, Scenario, Through, accuracy, workflow},
};

/// Looks at what each process from itself up to the first was started with. Says how many it can read, and how many of them
/// were given the token.
const LOOK: &str = r#"pid=$$ readable=0 holding=0
while [ "${pid:-0}" -gt 0 ]; do
  if started=$(tr '\0' '\n' < "/proc/$pid/environ") 2> /dev/null; then
    readable=$((readable + 1))
    case $started in *TOKEN_OF_THE_JOB*) holding=$((holding + 1)) ;; esac
  fi
  pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
done
if [ "$readable" -gt 0 ]; then echo "looked around: $holding hold it"; fi
"#;

fn look() -> String {
    LOOK.replace("TOKEN_OF_THE_JOB", JOB)
}

#[test]
fn no_step_reads_the_token_from_a_process_above_it() {
    let step = format!("sh look.sh; {}", r#"cat metrics.jsonl >> "$RUNNER_METRICS""#);
    let text = workflow("accuracy >= 0.90")
        .replace(r#"echo measured; cat metrics.jsonl >> "$RUNNER_METRICS""#, &step);
    let scenario = Scenario::with_files(
        Through::Double,
        &[("churn.yml", &text), ("metrics.jsonl", &accuracy("0.95")), ("look.sh", &look())],
    );
    // Until there is a pull request, the double knows no commits.
    let _ = scenario.push(true, &[], "acme/churn");
    let machine = scenario.push_to_main().for_ordinary_user();
    let seen = scenario.run_push(&machine, &[("cache", "false")]).expect_code(0);
    assert!(seen.log.contains("looked around: 0 hold it"), "{}", seen.log);
    // It had the token.
    assert_eq!(scenario.conclusion(&scenario.base).as_deref(), Some("success"), "{}", seen.log);
}

/// The look finds what there is to find: a shell that waits for its command shows the token.
#[test]
fn a_shell_that_waits_shows_what_it_was_started_with() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("look.sh"), look()).unwrap();
    give_away(folder.path());
    for (script, expected) in [("sh look.sh; true", true), ("unset GITHUB_TOKEN; sh look.sh; true", true)] {
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(folder.path()).env("GITHUB_TOKEN", JOB);
        without_privileges(&mut command);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(!said.contains(": 0 hold it"), expected, "{script}: {said}");
        assert!(said.contains("looked around"), "{said}");
    }
}
