//! Real container engines. Each is asked for by name; without its variable the test fails, and says what starts one.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Seen, Workspace, project};

/// A container engine that answers at a socket.
#[derive(Debug, Clone)]
pub struct Engine {
    /// As in `DOCKER_HOST`.
    pub host: String,
}

impl Engine {
    /// Docker of `.ci/start-engines`.
    #[must_use]
    pub fn docker() -> Self {
        Self::named("RUNNER_TEST_DOCKER_HOST")
    }

    /// Podman of `.ci/start-engines`, with root's rights.
    #[must_use]
    pub fn podman() -> Self {
        Self::named("RUNNER_TEST_PODMAN_HOST")
    }

    /// Podman of an ordinary user, and that user's name.
    #[must_use]
    pub fn rootless() -> (Self, String) {
        (Self::named("RUNNER_TEST_ROOTLESS_HOST"), variable("RUNNER_TEST_ROOTLESS_USER"))
    }

    fn named(name: &str) -> Self {
        Self { host: variable(name) }
    }

    /// `runner` with arguments in a workspace, with this engine as the only one it can find.
    #[must_use]
    pub fn command(&self, workspace: &Workspace, arguments: &[&str]) -> Command {
        let mut command = workspace.command(arguments);
        command.env("DOCKER_HOST", &self.host);
        command
    }

    /// Runs `runner` to its end.
    #[must_use]
    pub fn run(&self, workspace: &Workspace, arguments: &[&str]) -> Seen {
        self.command(workspace, arguments).output().expect("the binary starts").into()
    }

    /// The engine's own command line, which also speaks to Podman.
    #[must_use]
    pub fn cli(&self, arguments: &[&str]) -> Seen {
        let mut command = Command::new("docker");
        command.args(["--host", &self.host]).args(arguments).stdin(Stdio::null());
        command.output().expect("docker's command line is installed").into()
    }

    /// Ids of the containers, running or not, whose settings contain `mark`.
    #[must_use]
    pub fn containers_with(&self, mark: &str) -> Vec<String> {
        let all = self.cli(&["ps", "--all", "--quiet", "--no-trunc"]).expect_code(0).stdout;
        // One that is removed meanwhile cannot be looked at, and is none.
        all.lines().filter(|id| self.cli(&["inspect", id]).stdout.contains(mark)).map(str::to_owned).collect()
    }

    /// Waits until a container with `mark` runs, and gives its id.
    #[must_use]
    pub fn wait_for(&self, mark: &str) -> String {
        let found = wait_until(Duration::from_mins(1), || {
            let running = self.cli(&["ps", "--quiet", "--no-trunc"]).stdout;
            running.lines().find(|id| self.cli(&["inspect", id]).stdout.contains(mark)).map(str::to_owned)
        });
        found.unwrap_or_else(|| panic!("no container with {mark} runs"))
    }
}

/// Asks again and again until there is an answer.
pub fn wait_until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() > limit {
            return None;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: this test needs a real engine; run `eval \"$(.ci/start-engines)\"` as root"
        )
    })
}

/// A Docker of a test's own, to be stopped and started again at will.
pub struct PrivateDocker {
    folder: TempDir,
    daemon: Option<Child>,
    /// Where it also listens, as in `DOCKER_HOST`, if it was given certificates.
    pub address: Option<String>,
    certificates: Option<PathBuf>,
}

impl PrivateDocker {
    /// Starts it, with the image `runner-test/base`.
    #[must_use]
    pub fn start() -> Self {
        Self::start_listening(None)
    }

    /// The same, and it also listens at a port of loopback, to clients whose certificate the same authority signed as the
    /// one in `certificates`.
    #[must_use]
    pub fn start_with_certificates(certificates: &Path) -> Self {
        Self::start_listening(Some(certificates.to_path_buf()))
    }

    fn start_listening(certificates: Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("daemon.json"), "{}").expect("its settings");
        let address = certificates.as_ref().map(|_| {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            format!("tcp://{}", free.local_addr().expect("its address"))
        });
        let mut docker = Self { folder, daemon: None, address, certificates };
        docker.start_again();
        let image = image("base");
        let image = image.to_str().expect("a path of text");
        let path = "ENV PATH=/bin";
        let _ = docker
            .engine()
            .cli(&["import", "--change", path, image, "runner-test/base:latest"])
            .expect_code(0);
        docker
    }

    /// The engine, for `runner` and the command line.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine { host: format!("unix://{}", self.path("docker.sock").display()) }
    }

    /// Ends the daemon at once, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().expect("the daemon runs");
            daemon.wait().expect("the daemon ends");
        }
    }

    /// Ends the daemon as a service manager would: its containers end with it.
    pub fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            terminate(&daemon);
            daemon.wait().expect("the daemon ends");
        }
    }

    /// Starts the daemon once more on what it left.
    pub fn start_again(&mut self) {
        assert!(self.daemon.is_none(), "it runs");
        let log = fs::File::create(self.path("daemon.log")).expect("a log");
        let _ = fs::remove_file(self.path("daemon.pid"));
        let mut command = Command::new("dockerd");
        if let (Some(address), Some(certificates)) = (&self.address, &self.certificates) {
            command.args(["--host", address, "--tlsverify"]);
            for (option, file) in
                [("--tlscacert", "ca.pem"), ("--tlscert", "cert.pem"), ("--tlskey", "key.pem")]
            {
                command.arg(option).arg(certificates.join(file));
            }
        }
        let daemon = command
            .arg("--config-file")
            .arg(self.path("daemon.json"))
            .arg("--data-root")
            .arg(self.path("data"))
            .arg("--exec-root")
            .arg(self.path("exec"))
            .arg("--pidfile")
            .arg(self.path("daemon.pid"))
            .arg("--host")
            .arg(self.engine().host)
            // No network of its own: these engines come and go.
            .args(["--bridge", "none", "--iptables=false", "--ip-forward=false"])
            .args([
                "--containerd-namespace",
                "runner-test",
                "--containerd-plugins-namespace",
                "runner-test-plugins",
            ])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("dockerd is installed and this is root");
        self.daemon = Some(daemon);
        let answers = || (self.engine().cli(&["version"]).code == 0).then_some(());
        if wait_until(Duration::from_mins(1), answers).is_none() {
            let log = fs::read_to_string(self.path("daemon.log")).unwrap_or_default();
            panic!("the engine does not answer:\n{log}");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for PrivateDocker {
    fn drop(&mut self) {
        if self.daemon.is_some() {
            let engine = self.engine();
            for id in engine.cli(&["ps", "--all", "--quiet"]).stdout.lines() {
                let _ = engine.cli(&["rm", "--force", id]);
            }
        }
        self.stop();
        // A daemon that was killed leaves its supervisor behind, and mounts.
        if let Ok(pid) = fs::read_to_string(self.path("exec/containerd/containerd.pid")) {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).stderr(Stdio::null()).status();
        }
        unmount_below(self.folder.path());
    }
}

fn terminate(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the process runs");
}

fn unmount_below(folder: &Path) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut below: Vec<&str> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|path| Path::new(path).starts_with(folder))
        .collect();
    // Deepest first.
    below.sort_unstable();
    for path in below.iter().rev() {
        let _ = Command::new("umount").arg(path).stderr(Stdio::null()).status();
    }
}

/// The tarball of an image of the tests.
#[must_use]
pub fn image(name: &str) -> PathBuf {
    let path = project().join("target/images").join(format!("{name}.tar"));
    assert!(path.exists(), "{} is missing: run .ci/make-images", path.display());
    path
}
