//! Installation: only what the release's digests name, and never something else in its place.

use serde_json::json;

use super::{
    machine::{Ended, Event, Machine},
    release::{VERSION, archive_name, download_url, publish},
    repository::Repository,
};
use runner_tests::github::FakeGitHub;

struct Fixture {
    github: FakeGitHub,
    repository: Repository,
    caches: tempfile::TempDir,
    sha: String,
}

impl Fixture {
    fn new() -> Self {
        let repository = Repository::new();
        let sha = repository.commit("main", None, &[("README.md", "nothing")]);
        Self {
            github: FakeGitHub::start("acme/churn"),
            repository,
            caches: tempfile::tempdir().unwrap(),
            sha,
        }
    }

    fn machine(&self) -> Machine {
        let event = Event {
            name: "push".into(),
            payload: json!({ "ref": "refs/heads/main" }),
            sha: self.sha.clone(),
            reference: "refs/heads/main".into(),
        };
        Machine::new(self.repository.path(), "acme/churn", &self.github.url(), event, self.caches.path())
    }
}

#[test]
fn a_release_is_installed_after_its_digest_was_checked() {
    let fixture = Fixture::new();
    publish(&fixture.github);
    let url = download_url(&fixture.github);
    let seen = fixture.machine().run(&[("command", "install"), ("version", VERSION), ("download-url", &url)]);
    let seen = seen.expect_code(0);
    assert_eq!(seen.output("version"), format!("runner {VERSION}"));
    assert_eq!(seen.steps["Run"], Ended::Skipped);
}

#[test]
fn a_changed_archive_is_not_installed() {
    let fixture = Fixture::new();
    publish(&fixture.github);
    let mut changed = super::release::archive().to_vec();
    changed.push(0);
    fixture.github.add_file(&format!("v{VERSION}/{}", archive_name()), changed);
    let url = download_url(&fixture.github);
    let inputs = [("command", "install"), ("version", VERSION), ("download-url", url.as_str())];
    let seen = fixture.machine().run(&inputs).expect_code(1);
    assert!(seen.log.contains("its SHA256SUMS says otherwise: nothing was installed"), "{}", seen.log);
    assert_eq!(seen.output("version"), "");
}

#[test]
fn a_pin_of_ones_own_holds_beside_the_checksums() {
    let fixture = Fixture::new();
    publish(&fixture.github);
    let url = download_url(&fixture.github);
    let other = "f".repeat(64);
    let inputs =
        [("command", "install"), ("version", VERSION), ("download-url", url.as_str()), ("sha256", &other)];
    let seen = fixture.machine().run(&inputs).expect_code(1);
    assert!(seen.log.contains("not the one of the input sha256"), "{}", seen.log);
}

#[test]
fn a_version_that_was_asked_for_is_never_replaced_by_a_build() {
    let fixture = Fixture::new();
    let url = download_url(&fixture.github);
    let inputs = [("command", "install"), ("version", "99.0.0"), ("download-url", url.as_str())];
    let seen = fixture.machine().run(&inputs).expect_code(1);
    assert!(seen.log.contains("there is no release 99.0.0"), "{}", seen.log);
}

#[test]
fn without_a_release_and_without_rust_it_says_what_to_do() {
    let fixture = Fixture::new();
    let machine = fixture.machine().with_variable("PATH", "/usr/bin:/bin");
    let seen = machine.run(&[("command", "install")]);
    // Debian's own cargo would be in /usr/bin: then this machine can build, and there is nothing to show.
    if !std::path::Path::new("/usr/bin/cargo").exists() {
        let seen = seen.expect_code(1);
        assert!(seen.log.contains("no cargo to build it from source: install Rust"), "{}", seen.log);
    }
}

#[test]
fn inputs_that_cannot_work_are_refused_before_anything_is_downloaded() {
    let fixture = Fixture::new();
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("command", "dance")], "must be run, post, approve or install"),
        (&[("command", "run")], "the input workflow is missing"),
        (&[("command", "post")], "the input report-out is missing"),
        (&[("workflow", "w.yml"), ("working-directory", "none")], "names no folder of the checkout"),
        (&[("command", "install"), ("version", "1.0/../../x")], "must be a version such as 1.2.3"),
        (&[("command", "install"), ("download-url", "http://example.com")], "must start with https://"),
    ];
    for (inputs, message) in cases {
        let seen = fixture.machine().run(inputs).expect_code(1);
        assert!(seen.log.contains(message), "{inputs:?}: {}", seen.log);
        assert_eq!(seen.steps["Install"], Ended::Skipped);
    }
    assert!(fixture.github.take_calls().is_empty());
}

#[test]
fn no_input_becomes_code() {
    let fixture = Fixture::new();
    publish(&fixture.github);
    let url = download_url(&fixture.github);
    let hostile = "x\"; touch \"$RUNNER_TEMP/hacked\"; $(touch $RUNNER_TEMP/hacked) `touch $RUNNER_TEMP/hacked` '\nfoo=bar";
    let machine = fixture.machine();
    for input in [
        "workflow",
        "params",
        "args",
        "report",
        "report-out",
        "store",
        "require-report",
        "cache",
        "provenance",
    ] {
        let inputs =
            [("workflow", "w.yml"), ("version", VERSION), ("download-url", url.as_str()), (input, hostile)];
        let seen = machine.run(&inputs);
        assert_ne!(seen.code, 0, "{input}");
        assert!(!machine.temporary("hacked").exists(), "{input}: {}", seen.log);
    }
}
