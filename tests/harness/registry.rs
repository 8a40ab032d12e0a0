//! A registry of images on this machine that asks for a password.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::engine::{Engine, wait_until};

/// Who may use the registry.
pub const USER: &str = "trainer";
/// The password.
pub const PASSWORD: &str = "correct horse battery";

/// A running registry.
pub struct Registry {
    folder: TempDir,
    server: Child,
    /// `127.0.0.1:PORT`, as it stands before the name of an image.
    pub address: String,
}

impl Registry {
    /// Starts one on a free port.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let passwords = folder.path().join("passwords");
        let made = Command::new("htpasswd")
            .args(["-Bbc", passwords.to_str().expect("a path of text"), USER, PASSWORD])
            .output()
            .expect("htpasswd is installed: .ci/install-containers");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = {
            // Free now, and with luck still free in a moment.
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("its address").port()
        };
        let address = format!("127.0.0.1:{port}");
        let settings = format!(
            "version: 0.1\nlog: {{ level: warn }}\nstorage:\n  filesystem: {{ rootdirectory: {} }}\n  delete: {{ enabled: true }}\n\
             http: {{ addr: \"{address}\" }}\nauth:\n  htpasswd: {{ realm: runner-test, path: {} }}\n",
            folder.path().join("images").display(),
            passwords.display(),
        );
        fs::write(folder.path().join("config.yml"), settings).expect("its settings");
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(folder.path().join("config.yml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("docker-registry is installed: .ci/install-containers");
        let registry = Self { folder, server, address };
        let answers = || TcpStream::connect(&registry.address).ok();
        if wait_until(Duration::from_secs(30), answers).is_none() {
            let log = fs::read_to_string(registry.folder.path().join("log")).unwrap_or_default();
            panic!("the registry does not answer:\n{log}");
        }
        registry
    }

    /// Puts an image of the engine into the registry under this name, and takes the name from the engine again.
    pub fn push(&self, engine: &Engine, image: &str, name: &str) {
        let target = format!("{}/{name}", self.address);
        let settings = self.folder.path().join("client");
        fs::create_dir_all(&settings).expect("a folder");
        fs::write(settings.join("config.json"), self.client_settings()).expect("its settings");
        let settings = settings.to_str().expect("a path of text");
        for arguments in [
            &["tag", image, &target] as &[&str],
            &["--config", settings, "push", "--quiet", &target],
            &["rmi", &target],
        ] {
            let _ = engine.cli(arguments).expect_code(0);
        }
    }

    /// `config.json` of a user who has logged in.
    #[must_use]
    pub fn client_settings(&self) -> String {
        format!(
            "{{\"auths\": {{\"{}\": {{\"auth\": \"{}\"}}}}}}",
            self.address,
            base64(&format!("{USER}:{PASSWORD}"))
        )
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// By the machine's own tool, so that no encoder of the project is in question.
fn base64(text: &str) -> String {
    let command = Command::new("sh").args(["-c", "printf '%s' \"$1\" | base64 -w0", "sh", text]).output();
    String::from_utf8(command.expect("base64 is installed").stdout).expect("base64 is text")
}
