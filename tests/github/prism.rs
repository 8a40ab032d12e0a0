//! GitHub's own `OpenAPI` description as a proxy before the double: a request that GitHub would not understand is refused (422), and
//! an answer that GitHub would not give is a server error (500), so that neither side drifts.

use std::{
    fs::File,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use runner_tests::github::FakeGitHub;
use serde_json::Value;
use tempfile::TempDir;

use crate::{http::request, tools::tool};

/// A running proxy. It ends with this value.
pub(crate) struct Prism {
    process: Child,
    url: String,
    log: TempDir,
}

impl Prism {
    /// Starts it before the double, and waits until it answers.
    pub(crate) fn before(github: &FakeGitHub) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = tempfile::tempdir().unwrap();
        let file = File::create(log.path().join("log")).unwrap();
        let mut command = Command::new("node");
        command
            .arg(tool("node_modules/@stoplight/prism-cli/dist/index.js"))
            .arg("proxy")
            .arg(tool("api.json"));
        command.args([&github.url(), "-h", "127.0.0.1", "-p", &port.to_string(), "--errors"]);
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let process = command.spawn().expect("node starts");
        let mut prism = Self { process, url: format!("http://127.0.0.1:{port}"), log };
        let deadline = Instant::now() + Duration::from_mins(3);
        while !prism.answers() {
            assert!(prism.process.try_wait().unwrap().is_none(), "the proxy ended:\n{}", prism.log());
            assert!(Instant::now() < deadline, "the proxy does not answer:\n{}", prism.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        github.set_public_url(&prism.url);
        prism
    }

    fn answers(&self) -> bool {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--max-time", "5", "--output", "/dev/null"]);
        curl.arg(format!("{}/zen", self.url)).status().is_ok_and(|status| status.success())
    }

    /// Base address of the validated API.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What it wrote.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path().join("log")).unwrap_or_default()
    }

    /// Sends a request through it.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> crate::http::Reply {
        request(&self.url, method, path, token, body)
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
