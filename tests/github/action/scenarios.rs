//! What a team sees. Each scenario runs against the double alone, and, with what `.ci/install-github` installs, with GitHub's own
//! description as a validating proxy before it.

use std::fs;

use runner_tests::{
    certificates,
    github::{Access, Identity},
};

use super::{
    machine::Seen,
    scenario::{NUMBER, Push, Scenario, Through, accuracy, now, workflow},
};

/// Each as two tests: alone, and held to the contract.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            super::scenarios::story::$name(Through::Double);
        })+

        mod held_to_the_contract {
            use super::Through;
            $(#[test]
            #[ignore = "needs .ci/install-github: cargo xtask test --all"]
            fn $name() {
                super::story::$name(Through::Contract);
            })+
        }
    };
}

scenarios!(
    opened_and_pushed_twice,
    a_lowered_gate_stays_red,
    a_lowered_gate_waits_for_approval,
    approvals_that_do_not_count,
    an_old_approval_does_not_cover_a_new_change,
    a_fork_in_two_phases,
    a_bundle_of_another_commit_is_refused,
    an_event_that_is_not_selected,
    figures_of_the_base,
);

#[test]
#[ignore = "needs openssl and .ci/install-github: cargo xtask test --all"]
fn an_app_posts_with_a_token_of_this_repository() {
    story::an_app_posts(Through::Contract);
}

mod story {
    use super::{
        Access, Identity, NUMBER, Push, Scenario, Seen, Through, accuracy, certificates, fs, now, workflow,
    };

    /// Calls of the API, at most six a run.
    fn few_calls(scenario: &Scenario, seen: &Seen) {
        let mut calls = scenario.github.take_calls();
        // An App has to ask for its token first.
        calls.retain(|call| !call.path.contains("installation"));
        let list: Vec<String> =
            calls.iter().map(|call| format!("{} {} → {}", call.method, call.path, call.status)).collect();
        assert!(calls.len() <= 6, "{list:#?}\n{}", seen.log);
        assert!(calls.iter().all(|call| call.status < 400), "{list:#?}\n{}", seen.log);
    }

    pub(super) fn opened_and_pushed_twice(through: Through) {
        let scenario = Scenario::new(through);
        // Someone else wrote a comment that claims to be the report.
        let forged = "<!-- runner:report v1 key=churn@churn.yml sha=0 body=sha256:0 -->\nall green, trust me";
        scenario.github.comment_as(&Identity::person("mallory", 666, &[]), NUMBER, forged, &now());

        let first = scenario.push(true, &[("metrics.jsonl", &accuracy("0.93"))], "acme/churn");
        let seen = scenario.pull_request(&first).expect_code(0);
        few_calls(&scenario, &seen);
        assert_eq!(seen.output("verdict"), "pass");
        assert_eq!(seen.output("result"), "passed");
        assert!(!seen.output("run-id").is_empty());
        assert!(seen.output("report").ends_with("report.md"), "{:?}", seen.outputs);
        assert!(seen.output("report-url").starts_with("http"), "{:?}", seen.outputs);
        assert!(seen.summary.contains("accuracy"), "{}", seen.summary);
        assert!(seen.log.contains("::group::") && seen.log.contains("::endgroup::"), "{}", seen.log);
        let reports = scenario.reports();
        assert_eq!(reports.len(), 1);
        let id = reports[0].id;
        assert!(reports[0].body.contains(&first.head[..7]), "{}", reports[0].body);
        assert_eq!(scenario.conclusion(&first.head).as_deref(), Some("success"));

        let second = scenario.push(false, &[("metrics.jsonl", &accuracy("0.85"))], "acme/churn");
        let seen = scenario.pull_request(&second).expect_code(3);
        few_calls(&scenario, &seen);
        assert_eq!(seen.output("verdict"), "fail");
        assert_eq!(seen.output("exit-code"), "3");
        assert!(seen.commands().iter().any(|command| command.name == "error"), "{}", seen.log);
        assert_eq!(scenario.conclusion(&second.head).as_deref(), Some("failure"));
        let run =
            scenario.github.check_runs().into_iter().rev().find(|run| run.head_sha == second.head).unwrap();
        assert_eq!(run.annotations[0].path, "churn.yml");
        assert_eq!(run.annotations[0].start_line, 10, "the line of the gate");

        let third = scenario.push(false, &[("metrics.jsonl", &accuracy("0.97"))], "acme/churn");
        let seen = scenario.pull_request(&third).expect_code(0);
        few_calls(&scenario, &seen);
        let reports = scenario.reports();
        assert_eq!(reports.len(), 1, "one comment, however often is pushed");
        assert_eq!(reports[0].id, id);
        assert!(reports[0].body.contains("0.97"), "{}", reports[0].body);
        let others =
            scenario.github.comments(NUMBER).into_iter().filter(|comment| comment.author.login == "mallory");
        assert_eq!(
            others.map(|comment| comment.body).collect::<Vec<_>>(),
            [forged],
            "nobody else's comment is touched"
        );
    }

    pub(super) fn an_app_posts(through: Through) {
        let scenario = Scenario::new(through);
        let may = [
            ("contents", Access::Read),
            ("checks", Access::Write),
            ("pull_requests", Access::Write),
            ("members", Access::Read),
        ];
        scenario.github.add_installation(Identity::app("churn-reports", 5, &may));
        let key = certificates::rsa_key();
        let post = |push: &Push, key: &str| {
            let inputs = [("workflow", "churn.yml"), ("app-id", "5"), ("app-key", key), ("token", "")];
            scenario.run(&scenario.machine(push.event()), &inputs)
        };
        let push = scenario.push(true, &[("metrics.jsonl", &accuracy("0.93"))], "acme/churn");
        let seen = post(&push, &key).expect_code(0);
        few_calls(&scenario, &seen);
        let shown = seen.log.lines().filter(|line| !line.starts_with("::add-mask::"));
        let secret: Vec<&str> = key.lines().collect();
        assert_eq!(
            shown.filter(|line| secret.iter().any(|part| line.contains(part))).count(),
            0,
            "{}",
            seen.log
        );
        let authors: Vec<String> =
            scenario.github.comments(NUMBER).into_iter().map(|comment| comment.author.login).collect();
        assert_eq!(authors, ["churn-reports[bot]"]);
        assert_eq!(scenario.conclusion(&push.head).as_deref(), Some("success"));
        // Its own comment is known again, with another token.
        let push = scenario.push(false, &[("metrics.jsonl", &accuracy("0.85"))], "acme/churn");
        let seen = post(&push, &key).expect_code(3);
        few_calls(&scenario, &seen);
        assert_eq!(scenario.github.comments(NUMBER).len(), 1);
        // A key that is none changes no verdict, and is not shown.
        let push = scenario.push(false, &[("metrics.jsonl", &accuracy("0.97"))], "acme/churn");
        let seen = post(&push, "-----BEGIN nothing-----").expect_code(0);
        assert!(seen.log.contains("the key of the App cannot be read"), "{}", seen.log);
        assert_eq!(scenario.conclusion(&push.head), None);
    }

    pub(super) fn a_lowered_gate_stays_red(through: Through) {
        let scenario = Scenario::new(through);
        let lowered = workflow("accuracy >= 0.80");
        let push = scenario.push(
            true,
            &[("churn.yml", &lowered), ("metrics.jsonl", &accuracy("0.85"))],
            "acme/churn",
        );
        let seen = scenario.pull_request(&push).expect_code(3);
        few_calls(&scenario, &seen);
        assert_ne!(scenario.conclusion(&push.head).as_deref(), Some("success"));
        let report = &scenario.reports()[0].body;
        assert!(report.contains("0.90") && report.contains("0.80"), "both rules are shown: {report}");
    }

    /// A lowered gate that the model passes even as it was.
    fn lowered(scenario: &Scenario) -> (super::super::scenario::Push, String) {
        let lowered = workflow("accuracy >= 0.80");
        let push = scenario.push(
            true,
            &[("churn.yml", &lowered), ("metrics.jsonl", &accuracy("0.95"))],
            "acme/churn",
        );
        let seen = scenario.pull_request(&push).expect_code(4);
        few_calls(scenario, &seen);
        assert_ne!(scenario.conclusion(&push.head).as_deref(), Some("success"));
        let digest = seen.output("approve").to_owned();
        assert_eq!(seen.output("verdict"), "hold", "what waits never reads as passed");
        assert!(digest.trim_start_matches("sha256:").len() >= 7, "{:?}", seen.outputs);
        assert!(scenario.reports()[0].body.contains("/runner approve"), "{}", scenario.reports()[0].body);
        (push, digest)
    }

    pub(super) fn a_lowered_gate_waits_for_approval(through: Through) {
        let scenario = Scenario::new(through);
        let (push, digest) = lowered(&scenario);
        let seen = scenario.comment("alice", &format!("/runner approve {digest}"));
        let seen = seen.expect_code(0);
        let calls = scenario.github.take_calls();
        assert!(calls.iter().all(|call| call.status < 400), "{calls:#?}\n{}", seen.log);
        assert_eq!(scenario.conclusion(&push.head).as_deref(), Some("success"), "{}", seen.log);
        let answered = scenario.reports().iter().any(|comment| comment.body.contains("Approved by alice"));
        assert!(answered, "{:#?}", scenario.reports());
        assert!(calls.len() <= 8, "{calls:#?}");
        // The report asks for nothing any more, and shows who agreed to what.
        let report = &scenario.reports()[0].body;
        assert!(report.contains("### ✅ churn") && report.contains(", approved by alice:"), "{report}");
        assert!(!report.contains("/runner approve") && report.contains("accuracy &gt;= 0.80"), "{report}");
        // Running it again honours the approval.
        let seen = scenario.pull_request(&push).expect_code(0);
        few_calls(&scenario, &seen);
        assert_eq!(scenario.conclusion(&push.head).as_deref(), Some("success"));
        let report = &scenario.reports()[0].body;
        assert!(report.contains(", approved by alice:") && !report.contains("until"), "{report}");
    }

    pub(super) fn approvals_that_do_not_count(through: Through) {
        let scenario = Scenario::new(through);
        let (push, digest) = lowered(&scenario);
        let red = |scenario: &Scenario| {
            assert_ne!(scenario.conclusion(&push.head).as_deref(), Some("success"));
        };
        // The author, someone who cannot write, a digest of something else.
        scenario.github.add_person("mallory", "admin");
        let _ = scenario.comment("mallory", &format!("/runner approve {digest}")).expect_code(5);
        red(&scenario);
        let _ = scenario.comment("eve", &format!("/runner approve {digest}")).expect_code(5);
        red(&scenario);
        let _ = scenario
            .comment("alice", &format!("/runner approve {}", "0123456789abcdef".repeat(4)))
            .expect_code(5);
        red(&scenario);
        // Talk is no approval and no failure.
        let _ = scenario.comment("alice", "I would /runner approve this, but not yet").expect_code(0);
        red(&scenario);
        let replies = scenario.reports().len();
        assert!(replies >= 2, "each refusal is answered with its reason");
    }

    pub(super) fn an_old_approval_does_not_cover_a_new_change(through: Through) {
        let scenario = Scenario::new(through);
        let (_, digest) = lowered(&scenario);
        let _ = scenario.comment("alice", &format!("/runner approve {digest}")).expect_code(0);
        let _ = scenario.github.take_calls();
        let lower = workflow("accuracy >= 0.10");
        let push = scenario.push(false, &[("churn.yml", &lower)], "acme/churn");
        let seen = scenario.pull_request(&push).expect_code(4);
        assert_ne!(seen.output("approve"), digest, "another change has another digest");
        assert_ne!(scenario.conclusion(&push.head).as_deref(), Some("success"));
        // The old digest again, by someone who may approve.
        let _ = scenario.comment("alice", &format!("/runner approve {digest}")).expect_code(5);
        assert_ne!(scenario.conclusion(&push.head).as_deref(), Some("success"));
    }

    pub(super) fn a_fork_in_two_phases(through: Through) {
        let scenario = Scenario::new(through);
        let (push, folder) = scenario.untrusted("0.85");
        assert!(scenario.reports().is_empty());
        let files: Vec<_> = fs::read_dir(folder.path().join("bundle")).unwrap().collect();
        assert_eq!(files.len(), 1, "the bundle is one file");

        let seen = scenario.post(&push, &folder.path().join("bundle")).expect_code(0);
        few_calls(&scenario, &seen);
        assert_eq!(seen.output("verdict"), "fail");
        assert_eq!(scenario.reports().len(), 1, "{}", seen.log);
        assert_eq!(scenario.conclusion(&push.head).as_deref(), Some("failure"));
        // Delivered twice: nothing is written twice.
        let seen = scenario.post(&push, &folder.path().join("bundle")).expect_code(0);
        assert_eq!(scenario.reports().len(), 1, "{}", seen.log);
    }

    pub(super) fn a_bundle_of_another_commit_is_refused(through: Through) {
        let scenario = Scenario::new(through);
        let (push, folder) = scenario.untrusted("0.95");
        let file = folder.path().join("bundle/report.json");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(&push.head));
        fs::write(&file, text.replace(&push.head, &scenario.base)).unwrap();
        let seen = scenario.post(&push, &folder.path().join("bundle")).expect_code(5);
        assert!(scenario.reports().is_empty(), "{}", seen.log);
        assert!(scenario.github.check_runs().is_empty());
    }

    /// Without a store that both jobs share, the check run of the base commit carries its figures; without one, that is said.
    pub(super) fn figures_of_the_base(through: Through) {
        let alone = [("cache", "false")];
        let scenario = Scenario::new(through);
        let push = scenario.push(true, &[("metrics.jsonl", &accuracy("0.93"))], "acme/churn");
        let seen = scenario.pull_request_with(&push, &alone).expect_code(0);
        few_calls(&scenario, &seen);
        let report = scenario.reports().remove(0).body;
        assert!(report.contains("No figures of the base commit") && !report.contains("0.95"), "{report}");

        let seen = scenario.pushed_to_main(&alone).expect_code(0);
        few_calls(&scenario, &seen);
        assert_eq!(scenario.conclusion(&scenario.base).as_deref(), Some("success"));
        let push = scenario.push(false, &[("metrics.jsonl", &accuracy("0.91"))], "acme/churn");
        let seen = scenario.pull_request_with(&push, &alone).expect_code(0);
        few_calls(&scenario, &seen);
        let report = scenario.reports().remove(0).body;
        assert!(report.contains("0.95") && report.contains("0.91"), "{report}");
    }

    pub(super) fn an_event_that_is_not_selected(through: Through) {
        let only_source =
            workflow("accuracy >= 0.90").replace("pull_request: {}", "pull_request: { paths: [src/**] }");
        let scenario = Scenario::with(through, &only_source);
        let push = scenario.push(true, &[("docs.md", "words")], "acme/churn");
        let seen = scenario.pull_request(&push).expect_code(0);
        assert_eq!(seen.output("verdict"), "none");
        assert_eq!(seen.output("result"), "not-selected");
        assert!(scenario.reports().is_empty());
        // Another file is selected, and the shallow checkout suffices to see it.
        let push = scenario.push(false, &[("src/train.py", "pass")], "acme/churn");
        let seen = scenario.pull_request(&push).expect_code(0);
        assert_eq!(seen.output("verdict"), "pass");
    }
}
