//! A team's repository with one workflow, a pull request, and the jobs that GitHub would start for it.

use std::path::Path;

use runner_tests::github::{Access, FakeGitHub, Identity, PullRequest, number_of};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    machine::{Event, Machine, Seen},
    release::{VERSION, download_url, publish},
    repository::Repository,
};
use crate::prism::Prism;

/// Name of the pull request's number in all scenarios.
pub(crate) const NUMBER: u64 = 7;

/// Tokens as GitHub marks those of jobs: one that may post, and one of a fork's pull request.
pub(crate) const JOB: &str = "ghs_token_of_the_job";
const FORK: &str = "ghs_token_of_a_fork";

/// Before what the API is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    /// The double alone.
    Double,
    /// GitHub's own description as a validating proxy before it.
    Contract,
}

/// Everything of one scenario.
pub(crate) struct Scenario {
    pub(crate) github: FakeGitHub,
    pub(crate) repository: Repository,
    pub(crate) base: String,
    /// Name of the pull request's branch, as events say it.
    pub(crate) head_ref: String,
    prism: Option<Prism>,
    caches: TempDir,
}

/// A workflow whose one step reports what the commit says, judged by one gate.
pub(crate) fn workflow(gate: &str) -> String {
    format!(
        "name: churn\n\
         on: {{ pull_request: {{}}, push: {{ branches: [main] }} }}\n\
         metrics: {{ accuracy: {{ better: higher, unit: fraction }} }}\n\
         stages:\n\
         \x20 evaluate:\n\
         \x20   steps:\n\
         \x20     - id: score\n\
         \x20       run: echo measured; cat metrics.jsonl >> \"$RUNNER_METRICS\"\n\
         \x20   gates:\n\
         \x20     - {gate}\n\
         report: {{ comment: {{ mode: sticky, on: always }}, check: true, summary: true }}\n"
    )
}

/// What the step reports.
pub(crate) fn accuracy(value: &str) -> String {
    format!("{{\"name\": \"accuracy\", \"value\": {value}}}\n")
}

impl Scenario {
    /// A repository whose main branch has the workflow with `accuracy >= 0.90`.
    pub(crate) fn new(through: Through) -> Self {
        Self::with(through, &workflow("accuracy >= 0.90"))
    }

    /// A repository whose main branch has this workflow.
    pub(crate) fn with(through: Through, workflow: &str) -> Self {
        Self::with_files(through, &[("churn.yml", workflow), ("metrics.jsonl", &accuracy("0.95"))])
    }

    /// A repository whose main branch has these files.
    pub(crate) fn with_files(through: Through, files: &[(&str, &str)]) -> Self {
        let github = FakeGitHub::start("acme/churn");
        publish(&github);
        let job = [
            ("contents", Access::Read),
            ("checks", Access::Write),
            ("pull_requests", Access::Write),
            ("issues", Access::Write),
        ];
        github.add_token(JOB, Identity::github_token(&job));
        // What GitHub gives a job for a fork's pull request, whatever the job asks for.
        github.add_token(FORK, Identity::github_token(&[("contents", Access::Read)]));
        github.add_person("alice", "write");
        github.add_person("mallory", "read");
        let repository = Repository::new();
        let base = repository.commit("main", None, files);
        github.set_branch("main", &base);
        let prism = (through == Through::Contract).then(|| Prism::before(&github));
        Self {
            github,
            repository,
            base,
            head_ref: "topic".into(),
            prism,
            caches: tempfile::tempdir().unwrap(),
        }
    }

    fn api(&self) -> String {
        self.prism.as_ref().map_or_else(|| self.github.url(), |prism| prism.url().to_owned())
    }

    /// A commit of the pull request's branch, from the base for the first one; the pull request is opened or moved to it.
    pub(crate) fn push(&self, first: bool, files: &[(&str, &str)], head_repository: &str) -> Push {
        let start = first.then_some(self.base.as_str());
        let head = self.repository.commit("topic", start, files);
        let merge = self.repository.merge(&self.base, &head);
        self.github.set_pull_request(PullRequest {
            number: NUMBER,
            author: "mallory".into(),
            state: "open".into(),
            head_ref: self.head_ref.clone(),
            head_sha: head.clone(),
            head_repository: head_repository.into(),
            base_ref: "main".into(),
            base_sha: self.base.clone(),
            files: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
        });
        let side = |reference: &str, sha: &str, repository: &str| {
            let owner = repository.split('/').next().unwrap();
            json!({
                "ref": reference, "sha": sha, "label": format!("{owner}:{reference}"),
                "repo": { "id": number_of(repository), "full_name": repository, "fork": repository != "acme/churn", "owner": { "login": owner } },
            })
        };
        let payload = json!({
            "action": if first { "opened" } else { "synchronize" },
            "number": NUMBER,
            "pull_request": {
                "number": NUMBER, "state": "open", "draft": false, "title": "A change", "body": null,
                "html_url": format!("https://github.com/acme/churn/pull/{NUMBER}"), "user": { "login": "mallory", "id": 666 },
                "head": side(&self.head_ref, &head, head_repository), "base": side("main", &self.base, "acme/churn"),
                "labels": [],
            },
            "repository": { "id": number_of("acme/churn"), "full_name": "acme/churn", "default_branch": "main", "owner": { "login": "acme" } },
            "sender": { "login": "mallory", "id": 666 },
        });
        Push { head, merge, payload }
    }

    /// A machine for the job of an event.
    pub(crate) fn machine(&self, event: Event) -> Machine {
        Machine::new(self.repository.path(), "acme/churn", &self.api(), event, self.caches.path())
    }

    /// The job of `pull_request` with a token.
    pub(crate) fn pull_request(&self, push: &Push) -> Seen {
        self.pull_request_with(push, &[])
    }

    /// The same, with more inputs of the Action.
    pub(crate) fn pull_request_with(&self, push: &Push, inputs: &[(&str, &str)]) -> Seen {
        let all: Vec<_> = [("workflow", "churn.yml")].into_iter().chain(inputs.iter().copied()).collect();
        self.run(&self.machine(push.event()).with_token(JOB), &all)
    }

    /// The job of `push`: the base commit came to main.
    pub(crate) fn pushed_to_main(&self, inputs: &[(&str, &str)]) -> Seen {
        self.run_push(&self.push_to_main(), inputs)
    }

    /// The machine of that job, with a token.
    pub(crate) fn push_to_main(&self) -> Machine {
        let payload = json!({
            "ref": "refs/heads/main", "before": "0".repeat(40), "after": self.base, "forced": false, "deleted": false,
            "created": true, "commits": [], "head_commit": { "id": self.base },
            "repository": { "id": number_of("acme/churn"), "full_name": "acme/churn", "default_branch": "main", "owner": { "login": "acme" } },
            "sender": { "login": "alice", "id": 42 },
        });
        let event = Event {
            name: "push".into(),
            payload,
            sha: self.base.clone(),
            reference: "refs/heads/main".into(),
        };
        self.machine(event).with_token(JOB)
    }

    /// Runs the workflow on it.
    pub(crate) fn run_push(&self, machine: &Machine, inputs: &[(&str, &str)]) -> Seen {
        let all: Vec<_> = [("workflow", "churn.yml")].into_iter().chain(inputs.iter().copied()).collect();
        self.run(machine, &all)
    }

    /// The job of `issue_comment`: someone writes on the pull request.
    pub(crate) fn comment(&self, login: &str, body: &str) -> Seen {
        let now = now();
        let id = self.github.comment_as(&Identity::person(login, 42, &[]), NUMBER, body, &now);
        let payload = json!({
            "action": "created",
            "issue": {
                "number": NUMBER, "state": "open", "user": { "login": "mallory", "id": 666 },
                "pull_request": { "url": format!("{}/repos/acme/churn/pulls/{NUMBER}", self.api()) },
            },
            "comment": {
                "id": id, "body": body, "created_at": now, "updated_at": now, "user": { "login": login, "id": 42, "type": "User" },
                "author_association": "CONTRIBUTOR",
            },
            "repository": { "id": number_of("acme/churn"), "full_name": "acme/churn", "default_branch": "main", "owner": { "login": "acme" } },
            "sender": { "login": login, "id": 42 },
        });
        let event = Event {
            name: "issue_comment".into(),
            payload,
            sha: self.base.clone(),
            reference: "refs/heads/main".into(),
        };
        self.run(&self.machine(event).with_token(JOB), &[("command", "approve"), ("workflow", "churn.yml")])
    }

    /// The job of `workflow_run` after a fork's pull request ran: posts the bundle in `folder`.
    pub(crate) fn post(&self, push: &Push, folder: &Path) -> Seen {
        let payload = json!({
            "action": "completed",
            "workflow_run": {
                "id": 99, "event": "pull_request", "conclusion": "failure", "head_sha": push.head, "head_branch": self.head_ref,
                "head_repository": { "id": number_of("mallory/churn"), "full_name": "mallory/churn", "owner": { "login": "mallory" } },
                "repository": { "id": number_of("acme/churn"), "full_name": "acme/churn" },
                // GitHub leaves this empty for forks.
                "pull_requests": [],
            },
            "repository": { "id": number_of("acme/churn"), "full_name": "acme/churn", "default_branch": "main", "owner": { "login": "acme" } },
            "sender": { "login": "mallory", "id": 666 },
        });
        let event = Event {
            name: "workflow_run".into(),
            payload,
            sha: self.base.clone(),
            reference: "refs/heads/main".into(),
        };
        let folder = folder.display().to_string();
        self.run(
            &self.machine(event).with_token(JOB),
            &[("command", "post"), ("workflow", "churn.yml"), ("report-out", &folder)],
        )
    }

    /// The untrusted half of a fork's pull request: reads only, and writes the bundle into the folder `bundle`.
    pub(crate) fn untrusted(&self, value: &str) -> (Push, TempDir) {
        let push = self.push(true, &[("metrics.jsonl", &accuracy(value))], "mallory/churn");
        let folder = tempfile::tempdir().unwrap();
        let machine = self.machine(push.event()).with_token(FORK);
        let out = folder.path().join("bundle").display().to_string();
        let seen = self.run(&machine, &[("workflow", "churn.yml"), ("report-out", &out)]);
        let expected = if value.parse::<f64>().unwrap() >= 0.9 { 0 } else { 3 };
        let seen = seen.expect_code(expected);
        assert!(self.github.take_calls().is_empty(), "nothing is called without a token: {}", seen.log);
        (push, folder)
    }

    /// The action with these inputs, installed from the release.
    pub(crate) fn run(&self, machine: &Machine, inputs: &[(&str, &str)]) -> Seen {
        let url = download_url(&self.github);
        let mut all = vec![("version", VERSION), ("download-url", url.as_str())];
        all.extend(inputs);
        machine.run(&all)
    }

    /// The comments that `runner` wrote.
    pub(crate) fn reports(&self) -> Vec<runner_tests::github::Comment> {
        let own = |comment: &runner_tests::github::Comment| comment.author.login == "github-actions[bot]";
        self.github.comments(NUMBER).into_iter().filter(own).collect()
    }

    /// Conclusion of the newest check run of a commit.
    pub(crate) fn conclusion(&self, sha: &str) -> Option<String> {
        self.github.check_runs().into_iter().rev().find(|run| run.head_sha == sha)?.conclusion
    }
}

/// A commit of the pull request.
pub(crate) struct Push {
    pub(crate) head: String,
    merge: String,
    payload: Value,
}

impl Push {
    /// The event that it starts.
    pub(crate) fn event(&self) -> Event {
        Event {
            name: "pull_request".into(),
            payload: self.payload.clone(),
            sha: self.merge.clone(),
            reference: format!("refs/pull/{NUMBER}/merge"),
        }
    }
}

/// The present as GitHub writes it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
