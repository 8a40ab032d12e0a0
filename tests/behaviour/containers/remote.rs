//! An engine that listens to the network, with certificates on both sides; named by variables and by a context.

use std::{fs, path::Path, process::Command};

use runner_tests::{Seen, Workspace, certificates, engine::PrivateDocker};

/// The engine, and the folder of a client's certificates.
fn engine(folder: &Path) -> (PrivateDocker, String) {
    let (authority, server, client) =
        (folder.join("authority"), folder.join("server"), folder.join("client"));
    certificates::issue(&authority, &server, "engine");
    certificates::issue(&authority, &client, "client");
    let docker = PrivateDocker::start_with_certificates(&server);
    let address = docker.address.clone().expect("it listens");
    (docker, address)
}

fn run(workspace: &Workspace, variables: &[(&str, &str)]) -> Seen {
    let mut command = workspace.command(&["run", "workflow.yml"]);
    command.envs(variables.iter().copied());
    command.output().unwrap().into()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
#[ignore = "needs dockerd and root: cargo xtask test --all"]
fn certificates_of_both_sides_are_needed_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (_docker, address) = engine(folder.path());
    let workspace = super::one_step("echo over TLS", "");
    let client = folder.path().join("client");
    let secured = |certificates: &Path| {
        let variables = [
            ("DOCKER_HOST", address.as_str()),
            ("DOCKER_TLS_VERIFY", "1"),
            ("DOCKER_CERT_PATH", text(certificates)),
        ];
        run(&workspace, &variables)
    };
    let _ = secured(&client).expect_code(0);

    // An engine that another authority vouches for is not believed, and neither is a client of it.
    let (elsewhere, stranger) = (folder.path().join("elsewhere"), folder.path().join("stranger"));
    certificates::issue(&elsewhere, &stranger, "stranger");
    let seen = secured(&stranger).expect_code(6);
    assert!(seen.stdout.contains("certificate"), "{}", seen.snapshot());
    fs::copy(client.join("ca.pem"), stranger.join("ca.pem")).unwrap();
    let _ = secured(&stranger).expect_code(6);

    // In the clear, the engine does not answer at all.
    let _ = run(&workspace, &[("DOCKER_HOST", &address)]).expect_code(6);
}

#[test]
#[ignore = "needs dockerd and root: cargo xtask test --all"]
fn a_context_of_dockers_own_tool_names_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let (docker, address) = engine(folder.path());
    let client = folder.path().join("client");
    let config = folder.path().join("config");
    let tool = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        let seen: Seen = command.env("DOCKER_CONFIG", &config).args(arguments).output().unwrap().into();
        let _ = seen.expect_code(0);
    };
    let file = |name: &str| text(&client.join(name)).to_owned();
    let secured =
        format!("host={address},ca={},cert={},key={}", file("ca.pem"), file("cert.pem"), file("key.pem"));
    tool(&["context", "create", "secured", "--docker", &secured]);
    tool(&["context", "create", "near", "--docker", &format!("host={}", docker.engine().host)]);

    let workspace = super::one_step("echo by a context", "");
    for context in ["secured", "near"] {
        let _ =
            run(&workspace, &[("DOCKER_CONFIG", text(&config)), ("DOCKER_CONTEXT", context)]).expect_code(0);
        tool(&["context", "use", context]);
        let _ = run(&workspace, &[("DOCKER_CONFIG", text(&config))]).expect_code(0);
    }
    let seen =
        run(&workspace, &[("DOCKER_CONFIG", text(&config)), ("DOCKER_CONTEXT", "absent")]).expect_code(6);
    assert!(seen.stdout.contains("the context `absent` of DOCKER_CONTEXT"), "{}", seen.snapshot());
}
