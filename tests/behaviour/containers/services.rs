//! Sidecars of a stage: ready before its first step, reached under their name, on a network that leads nowhere else, gone
//! with the stage.

use std::time::Duration;

use runner_tests::{Workspace, engine::wait_until};

fn workspace(service: &str, image: &str, script: &str) -> Workspace {
    Workspace::with_workflow(&format!(
        "name: t\nstages:\n  one:\n    services:\n      web:\n        image: runner-test/base\n{service}\n    steps:\n      - id: s\n        container: {image}\n        run: |\n          {script}\n"
    ))
}

/// A web server that takes a second until it listens.
fn slow_server(mark: &str) -> String {
    format!(
        "        env: {{ MARK: {mark} }}\n        entrypoint: [/bin/sh, -c, \"sleep 1; echo hello from the service > /tmp/index.html; exec httpd -f -p 8080 -h /tmp\"]\n"
    )
}

on_docker_and_podman! {
    fn a_step_reaches_a_service_that_is_ready(engine) {
        for (number, ready) in ["tcp: 8080", "http: \":8080/index.html\"", "command: [test, -f, /tmp/index.html]"].iter().enumerate() {
            let mark = format!("service-{}-{number}", std::process::id());
            let service = format!("{}        ready: {{ {ready}, within: 30s }}", slow_server(&mark));
                        // The command of the last one is ready a moment before its server is. Busybox, as one static binary, has no names.
            let script = "python3 -c \"import time, urllib.request; time.sleep(1); print(urllib.request.urlopen('http://web:8080/index.html', timeout=5).read().decode())\"";
            let workspace = workspace(&service, "runner-test/python", script);
            let seen = super::ran(engine, &workspace, 0);
            assert!(seen.stdout.contains("hello from the service"), "{ready}: {}", seen.snapshot());
            assert!(engine.containers_with(&mark).is_empty(), "{ready}: the service was left running");
        }
        // Others of these tests may have networks for a moment.
        let networks = || engine.cli(&["network", "ls", "--filter", "label=dev.runner.run", "--quiet"]).stdout;
        let gone = wait_until(Duration::from_mins(1), || networks().trim().is_empty().then_some(()));
        assert!(gone.is_some(), "a network was left: {}", networks());
    }

    fn the_network_of_services_leads_nowhere_else(engine) {
        let mark = format!("closed-{}", std::process::id());
        let service = format!("{}        ready: {{ tcp: 8080, within: 30s }}", slow_server(&mark));
        let script = "wget -T 2 -q -O - http://169.254.169.254/ && exit 0; ping -c 1 -W 1 10.213.0.1 && exit 0; echo closed; exit 5";
        let seen = super::ran(engine, &workspace(&service, "runner-test/base", script), 1);
        assert!(seen.stdout.contains("closed"), "{}", seen.snapshot());
    }

    /// A service that never gets ready: no step runs, and what it said is told.
    fn a_service_that_is_never_ready(engine) {
        let service = "        entrypoint: [/bin/sh, -c, \"echo I cannot start; sleep 60\"]\n        ready: { tcp: 8080, within: 2s }";
        let workspace = workspace(service, "runner-test/base", "echo the step ran");
        let seen = engine.run(&workspace, &["run", "workflow.yml"]).expect_code(6);
        assert!(seen.stdout.contains("I cannot start"), "{}", seen.snapshot());
        assert!(!seen.stdout.contains("the step ran"), "{}", seen.snapshot());
    }
}
