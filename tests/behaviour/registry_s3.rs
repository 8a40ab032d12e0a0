//! The registry in a bucket: two machines share it, and many promote at once.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use runner_tests::{Seen, Workspace, project};

/// An S3-compatible server. Ends with its standard input.
struct Server {
    process: Child,
    endpoint: String,
}

impl Server {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let python =
            std::env::var_os("RUNNER_TEST_PYTHON").expect("RUNNER_TEST_PYTHON names a Python with moto");
        let mut process = Command::new(python)
            .arg(project().join("tests/s3/server.py"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let endpoint = format!("http://127.0.0.1:{}", port.trim());
        Self { process, endpoint }
    }

    fn command(&self, workspace: &Workspace, arguments: &[&str]) -> Command {
        let mut command = workspace.command(arguments);
        command
            .env("RUNNER_REGISTRY", "s3://models/team")
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1");
        command
    }

    fn run(&self, workspace: &Workspace, arguments: &[&str]) -> Seen {
        self.command(workspace, arguments).output().unwrap().into()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Both trust one key.
fn share_key(from: &Workspace, to: &Workspace) {
    to.write(".config/runner/keys/friend.pub", from.read(".config/runner/keys/signing.pub"));
}

const WORKFLOW: &str = "workflows/champion-challenger.yml";

#[test]
#[ignore = "needs Python with tests/s3/requirements.txt as RUNNER_TEST_PYTHON: cargo xtask test --all"]
fn another_machine_compares_with_verifies_and_rolls_back_what_this_one_promoted() {
    let server = Server::start();
    let (here, there) = (Workspace::with_examples(), Workspace::with_examples());
    let _ = server.run(&here, &["run", WORKFLOW, "-p", "c=0.01"]).expect_code(0);
    assert!(!here.path().join(".runner/registry/tumours").exists(), "the registry is in the bucket");
    share_key(&here, &there);
    // The champion's bytes come from the bucket.
    let better = server.run(&there, &["run", WORKFLOW, "-p", "c=1.0"]).expect_code(0);
    assert!(better.stdout.contains("score@baseline"), "{}", better.snapshot());
    share_key(&there, &here);
    let listed = server.run(&here, &["model", "ls"]).expect_code(0);
    assert!(listed.stdout.contains("2 versions"), "{}", listed.snapshot());
    let verified = server.run(&here, &["verify", "registry:tumours@champion", "--replay"]).expect_code(0);
    assert!(verified.stdout.contains("bit for bit"), "{}", verified.snapshot());
    let _ = server
        .run(&here, &["model", "rollback", "tumours@champion", "--why", "complaints of the clinic"])
        .expect_code(0);
    let history = server.run(&there, &["model", "history", "tumours@champion"]).expect_code(0);
    assert!(history.stdout.contains("complaints of the clinic"), "{}", history.snapshot());
}

#[test]
#[ignore = "needs Python with tests/s3/requirements.txt as RUNNER_TEST_PYTHON: cargo xtask test --all"]
fn an_approval_goes_where_the_evidence_goes() {
    let server = Server::start();
    let (here, there) = (Workspace::with_examples(), Workspace::with_examples());
    let held = here.read(WORKFLOW).replace("accuracy >= 0.85", "accuracy >= 0.999 else hold");
    here.write(WORKFLOW, held);
    let held = server.run(&here, &["run", WORKFLOW, "-p", "c=0.01"]).expect_code(4);
    let digest = held.stdout.split_whitespace().find(|word| word.starts_with("sha256:") && word.len() == 71);
    let approve = ["approve", "latest", "--evidence", digest.unwrap(), "--why", "good enough for the pilot"];
    let _ = server.run(&here, &approve).expect_code(0);
    share_key(&here, &there);
    let verified = server.run(&there, &["verify", "registry:tumours@champion", "--replay"]).expect_code(0);
    assert!(verified.stdout.contains("good enough for the pilot"), "{}", verified.snapshot());
    // It is no baseline that lacks anything, either.
    let better = server.run(&there, &["run", WORKFLOW, "-p", "c=1.0"]).expect_code(0);
    assert!(better.stdout.contains("score@baseline"), "{}", better.snapshot());
    let _ = server.run(&there, &["model", "rollback", "tumours@champion", "--why", "x"]).expect_code(0);
}

#[test]
#[ignore = "needs Python with tests/s3/requirements.txt as RUNNER_TEST_PYTHON: cargo xtask test --all"]
fn of_many_who_promote_at_once_each_has_its_place_and_nobody_is_lost() {
    let server = Server::start();
    let workspaces: Vec<Workspace> = (0..8).map(|_| Workspace::with_examples()).collect();
    let runs: Vec<_> = workspaces
        .iter()
        .enumerate()
        .map(|(index, workspace)| {
            // The quickstart compares with nothing, so the last one wins.
            let c = format!("c={}", 1.0 + f64::from(u8::try_from(index).unwrap()));
            let mut command = server.command(workspace, &["run", "workflows/race.yml", "-p", &c]);
            workspace.write("workflows/race.yml", RACE);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for run in runs {
        let seen: Seen = run.wait_with_output().unwrap().into();
        let _ = seen.expect_code(0);
    }
    let history = server.run(&workspaces[0], &["model", "history", "race@champion", "--json"]).expect_code(0);
    let history: serde_json::Value = serde_json::from_str(&history.stdout).unwrap();
    let changes = history[0]["changes"].as_array().unwrap();
    let numbers: Vec<u64> = changes.iter().map(|change| change["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8], "exactly one order");
    let versions: BTreeSet<u64> = changes.iter().map(|change| change["version"].as_u64().unwrap()).collect();
    assert_eq!(versions.len(), 8, "nobody is lost");
    for pair in changes.windows(2) {
        assert_eq!(pair[1]["previous"], pair[0]["version"], "each knows the one before");
    }
}

#[test]
#[ignore = "needs Python with tests/s3/requirements.txt as RUNNER_TEST_PYTHON: cargo xtask test --all"]
fn two_challengers_of_one_champion_cannot_both_replace_it() {
    let server = Server::start();
    let workspaces: Vec<Workspace> = (0..4).map(|_| Workspace::with_examples()).collect();
    let _ = server.run(&workspaces[0], &["run", WORKFLOW, "-p", "c=0.01"]).expect_code(0);
    let runs: Vec<_> = workspaces
        .iter()
        .zip(["c=0.5", "c=0.6", "c=0.7", "c=0.8"])
        .map(|(workspace, c)| {
            let mut command = server.command(workspace, &["run", WORKFLOW, "-p", c]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let ends: Vec<Seen> = runs.into_iter().map(|run| run.wait_with_output().unwrap().into()).collect();
    for seen in &ends {
        // Promoted; or somebody else moved the alias since the comparison; or the new champion, seen in time, is better.
        assert!([0, 3, 5].contains(&seen.code), "{}", seen.snapshot());
    }
    let promoted = ends.iter().filter(|seen| seen.code == 0).count();
    assert!(promoted >= 1);
    let history = server.run(&workspaces[0], &["model", "history", "tumours@champion", "--json"]);
    let history: serde_json::Value = serde_json::from_str(&history.expect_code(0).stdout).unwrap();
    let changes = history[0]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1 + promoted, "every promotion that was answered is there, and no other");
}

#[test]
#[ignore = "needs Python with tests/s3/requirements.txt as RUNNER_TEST_PYTHON: cargo xtask test --all"]
fn a_store_without_conditional_writes_is_refused() {
    let server = Server::start_with(&["--forgetful"]);
    let workspace = Workspace::with_examples();
    let seen = server.run(&workspace, &["run", WORKFLOW]).expect_code(6);
    assert!(seen.stdout.contains("two create the same record"), "{}", seen.snapshot());
    let listed = server.run(&workspace, &["model", "ls"]).expect_code(0);
    assert!(listed.stdout.contains("no models yet"), "{}", listed.snapshot());
}

#[test]
#[ignore = "needs Python with tests/s3/requirements.txt as RUNNER_TEST_PYTHON: cargo xtask test --all"]
fn a_large_model_of_several_files_goes_through_the_bucket() {
    let server = Server::start();
    let (here, there) = (Workspace::empty(), Workspace::empty());
    here.write("large.yml", LARGE);
    let _ = server.run(&here, &["run", "large.yml"]).expect_code(0);
    share_key(&here, &there);
    let _ = there.run(&["key", "new"]).expect_code(0);
    let verified = server.run(&there, &["verify", "registry:large@champion", "--json"]).expect_code(0);
    assert!(verified.stdout.contains("sha256-tree:"), "{}", verified.snapshot());
    let objects = there.path().join(".runner/objects/sha256");
    let sizes = std::fs::read_dir(objects).unwrap().flat_map(|folder| {
        std::fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len())
    });
    assert_eq!(sizes.max(), Some(20_000_001), "the large file came whole");
}

#[test]
fn a_bucket_that_cannot_be_reached_is_said_and_nothing_is_promoted() {
    let workspace = Workspace::with_examples();
    let mut command = workspace.command(&["run", "workflows/quickstart.yml", "--registry", "s3://models"]);
    command
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    let seen: Seen = command.output().unwrap().into();
    let seen = seen.expect_code(6);
    assert!(seen.stdout.contains("in the registry"), "{}", seen.snapshot());
    let bad = workspace.run(&["model", "ls", "--registry", "gs://models"]).expect_code(2);
    assert!(bad.stderr.contains("is not a place of a registry"), "{}", bad.snapshot());
}

const LARGE: &str = r#"
name: large
stages:
  train:
    steps:
      - id: fit
        run: |
          mkdir "$RUNNER_OUT_MODEL"
          head -c 20000001 /dev/zero > "$RUNNER_OUT_MODEL/weights"
          echo '{"layers": 3}' > "$RUNNER_OUT_MODEL/config.json"
          echo '{"name": "loss", "value": 0.5}' >> "$RUNNER_METRICS"
        out: { model: { path: model, kind: model } }
    gates:
      - loss <= 1
    promote: { model: fit.model, to: "registry:large@champion" }
"#;

const RACE: &str = r#"
name: race
params: { c: 1.0 }
data:
  train: { path: workflows/data/breast-cancer/train.csv, id: id, label: label }
stages:
  train:
    steps:
      - id: fit
        uses: builtin:logistic-train
        in: { train: data.train }
        with: { label: label, id: id, positive: 1, c: "${{ params.c }}" }
        out: { model: { path: model.onnx, kind: model } }
    gates:
      - train_log_loss <= 1
    promote: { model: fit.model, to: "registry:race@champion" }
"#;
