//! A clean machine as GitHub gives one to each job, and a small interpreter of `action.yml`'s steps on it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use runner_tests::project;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    commands::{LogCommand, entries, log_commands},
    expression::{fill, holds},
};

/// What started the job.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// `pull_request`, `workflow_run`, …
    pub(crate) name: String,
    /// Its payload.
    pub(crate) payload: Value,
    /// The commit that is checked out.
    pub(crate) sha: String,
    /// `refs/…` of it.
    pub(crate) reference: String,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Success,
    Failure(i32),
    Skipped,
}

/// What came of the action.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Exit code of the first step that failed, else 0.
    pub(crate) code: i32,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) steps: BTreeMap<String, Ended>,
    pub(crate) log: String,
    pub(crate) summary: String,
}

impl Seen {
    /// Fails, showing everything, unless the action ended so.
    pub(crate) fn expect_code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "unexpected exit code: {:#?}\n{}", self.outputs, self.log);
        self
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    pub(crate) fn commands(&self) -> Vec<LogCommand> {
        log_commands(&self.log)
    }
}

/// A machine for one job. What it keeps between jobs is in `caches`, a folder of the test's.
pub(crate) struct Machine {
    folder: TempDir,
    event: Event,
    repository: String,
    api: String,
    token: Option<String>,
    caches: PathBuf,
    variables: BTreeMap<String, String>,
    action: PathBuf,
    as_ordinary_user: bool,
}

/// User and group that own nothing.
pub(crate) const NOBODY: u32 = 65_534;

/// Runs a command as a user who is not root, also where the tests are.
pub(crate) fn without_privileges(command: &mut Command) {
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

/// Gives a folder, with all that it holds, to the user that [`without_privileges`] stands for.
pub(crate) fn give_away(folder: &Path) {
    if rustix::process::geteuid().is_root() {
        let owner = format!("{NOBODY}:{NOBODY}");
        let status = Command::new("chown").args(["-R", &owner]).arg(folder).status().unwrap();
        assert!(status.success(), "{} can be given away", folder.display());
    }
}

impl Machine {
    /// A machine on which a repository was checked out at the event's commit, shallow, without credentials.
    pub(crate) fn new(origin: &Path, repository: &str, api: &str, event: Event, caches: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "temp", "workspace"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let machine = Self {
            folder,
            event,
            repository: repository.into(),
            api: api.into(),
            token: None,
            caches: caches.to_path_buf(),
            variables: BTreeMap::new(),
            action: project(),
            as_ordinary_user: false,
        };
        machine.git(&["init", "--quiet"]);
        machine.git(&["remote", "add", "origin", &format!("file://{}", origin.display())]);
        machine.git(&["fetch", "--quiet", "--no-tags", "--depth=1", "origin", &machine.event.sha]);
        machine.git(&["checkout", "--quiet", "--detach", &machine.event.sha]);
        machine
    }

    /// Gives the job a token.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets a variable of the job.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Runs the steps as a user who is not root, as GitHub's machines do. The action is where that user can read it.
    pub(crate) fn for_ordinary_user(mut self) -> Self {
        self.action = self.folder.path().join("action");
        for folder in ["runner", "wit", "plugins/dist", ".github"] {
            fs::create_dir_all(self.action.join(folder)).unwrap();
        }
        for file in ["Cargo.toml", "Cargo.lock", "action.yml"] {
            fs::copy(project().join(file), self.action.join(file)).unwrap();
        }
        copy(&project().join(".github/action"), &self.action.join(".github/action"));
        self.as_ordinary_user = true;
        self
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// A file of the folder for temporary files.
    pub(crate) fn temporary(&self, name: &str) -> PathBuf {
        self.folder.path().join("temp").join(name)
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(self.workspace()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = git.output().unwrap();
        assert!(output.status.success(), "{git:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The variables that every step sees.
    fn environment(&self) -> BTreeMap<String, String> {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let event = self.folder.path().join("event.json");
        fs::write(&event, self.event.payload.to_string()).unwrap();
        let mut environment = self.variables.clone();
        let head = &self.event.payload["pull_request"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let entries = [
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_ACTION_PATH", self.action.display().to_string()),
            ("GITHUB_API_URL", self.api.clone()),
            ("GITHUB_BASE_REF", text(&head["base"]["ref"])),
            ("GITHUB_EVENT_NAME", self.event.name.clone()),
            ("GITHUB_EVENT_PATH", event.display().to_string()),
            ("GITHUB_HEAD_REF", text(&head["head"]["ref"])),
            ("GITHUB_REF", self.event.reference.clone()),
            ("GITHUB_REF_NAME", self.event.reference.rsplit('/').next().unwrap().to_owned()),
            ("GITHUB_REPOSITORY", self.repository.clone()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_RUN_ID", "4711".to_owned()),
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GITHUB_SHA", self.event.sha.clone()),
            ("GITHUB_WORKSPACE", at("workspace")),
            ("HOME", at("home")),
            ("LANG", "C.UTF-8".to_owned()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
            ("PATH", self.variables.get("PATH").cloned().unwrap_or_else(|| std::env::var("PATH").unwrap())),
            ("RUNNER_OS", "Linux".to_owned()),
            ("RUNNER_TEMP", at("temp")),
        ];
        environment.extend(entries.map(|(name, value)| (name.to_owned(), value)));
        environment
    }

    /// Interprets the action's steps with these inputs.
    pub(crate) fn run(&self, inputs: &[(&str, &str)]) -> Seen {
        let action: Value =
            serde_saphyr::from_str(&fs::read_to_string(project().join("action.yml")).unwrap()).unwrap();
        let mut contexts = json!({
            "github": {
                "token": self.token.clone().unwrap_or_default(), "event": self.event.payload,
                "event_name": self.event.name, "run_id": "4711", "run_attempt": "1", "action_ref": "", "action_repository": "",
            },
            "inputs": {}, "steps": {}, "success": true,
        });
        for (name, input) in action["inputs"].as_object().unwrap() {
            let default = fill(input["default"].as_str().unwrap_or_default(), &contexts);
            contexts["inputs"][name] = json!(default);
        }
        for (name, value) in inputs {
            assert!(action["inputs"].get(name).is_some(), "the action has no input {name}");
            contexts["inputs"][*name] = json!(value);
        }
        let mut environment = self.environment();
        let mut seen = Seen {
            code: 0,
            outputs: BTreeMap::new(),
            steps: BTreeMap::new(),
            log: String::new(),
            summary: String::new(),
        };
        for step in action["runs"]["steps"].as_array().unwrap() {
            let name = step["name"].as_str().expect("every step has a name");
            let ended = if holds(step["if"].as_str(), &contexts) {
                self.step(step, &mut contexts, &mut environment, &mut seen)
            } else {
                Ended::Skipped
            };
            if let Ended::Failure(code) = ended
                && step["continue-on-error"] != true
            {
                contexts["success"] = json!(false);
                if seen.code == 0 {
                    seen.code = code;
                }
            }
            seen.steps.insert(name.to_owned(), ended);
        }
        for (name, output) in action["outputs"].as_object().unwrap() {
            seen.outputs.insert(name.clone(), fill(output["value"].as_str().unwrap(), &contexts));
        }
        seen
    }

    fn step(
        &self,
        step: &Value,
        contexts: &mut Value,
        environment: &mut BTreeMap<String, String>,
        seen: &mut Seen,
    ) -> Ended {
        let mut outputs = BTreeMap::new();
        let ended = if let Some(uses) = step["uses"].as_str() {
            outputs = self.cache(uses, &step["with"], contexts);
            Ended::Success
        } else {
            assert_eq!(step["shell"], "bash", "a composite step names its shell");
            self.script(step, contexts, environment, seen, &mut outputs)
        };
        if let Some(id) = step["id"].as_str() {
            let outcome = if ended == Ended::Success { "success" } else { "failure" };
            contexts["steps"][id] = json!({ "outputs": outputs, "outcome": outcome });
        }
        ended
    }

    fn script(
        &self,
        step: &Value,
        contexts: &Value,
        environment: &mut BTreeMap<String, String>,
        seen: &mut Seen,
        outputs: &mut BTreeMap<String, String>,
    ) -> Ended {
        let files = tempfile::tempdir_in(self.folder.path()).unwrap();
        let script = files.path().join("script.sh");
        fs::write(&script, step["run"].as_str().unwrap()).unwrap();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&script);
        command.current_dir(self.workspace()).env_clear().envs(&*environment).stdin(Stdio::null());
        for name in ["OUTPUT", "ENV", "PATH", "STEP_SUMMARY"] {
            let file = files.path().join(name);
            fs::write(&file, "").unwrap();
            command.env(format!("GITHUB_{name}"), file);
        }
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, fill(value.as_str().unwrap_or_default(), contexts));
        }
        // One stream, in the order of writing, as the log on GitHub.
        let log = fs::File::create(files.path().join("log")).unwrap();
        if self.as_ordinary_user {
            give_away(self.folder.path());
            without_privileges(&mut command);
        }
        let status = command.stdout(log.try_clone().unwrap()).stderr(log).status().unwrap();
        let read =
            |name: &str| String::from_utf8_lossy(&fs::read(files.path().join(name)).unwrap()).into_owned();
        seen.log.push_str(&read("log"));
        seen.summary.push_str(&read("STEP_SUMMARY"));
        *outputs = entries(&read("OUTPUT"));
        environment.extend(entries(&read("ENV")));
        for folder in read("PATH").lines() {
            let path = environment.entry("PATH".into()).or_default();
            *path = format!("{folder}:{path}");
        }
        match status.code() {
            Some(0) => Ended::Success,
            code => Ended::Failure(code.unwrap_or(128)),
        }
    }

    /// `actions/cache` as folders: a key is written once, and restored whole or by the newest of a prefix.
    fn cache(&self, uses: &str, with: &Value, contexts: &Value) -> BTreeMap<String, String> {
        let value = |name: &str| fill(with[name].as_str().unwrap_or_default(), contexts);
        let paths: Vec<PathBuf> = value("path").lines().map(PathBuf::from).collect();
        let entry = self.caches.join(value("key"));
        let mut outputs = BTreeMap::new();
        if uses.starts_with("actions/cache/save@") {
            if !entry.exists() {
                fs::create_dir_all(&entry).unwrap();
                for (number, path) in paths.iter().enumerate().filter(|(_, path)| path.exists()) {
                    copy(path, &entry.join(number.to_string()));
                }
            }
            return outputs;
        }
        assert!(uses.starts_with("actions/cache/restore@"), "`{uses}` is not understood");
        let mut found = entry.exists().then_some(entry);
        if found.is_none() && !value("restore-keys").is_empty() {
            let mut entries: Vec<PathBuf> = fs::read_dir(&self.caches)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| {
                    path.file_name().unwrap().to_string_lossy().starts_with(value("restore-keys").trim())
                })
                .collect();
            entries.sort();
            found = entries.pop();
        }
        if let Some(found) = found {
            for (number, path) in paths.iter().enumerate() {
                let kept = found.join(number.to_string());
                if kept.exists() {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    copy(&kept, path);
                }
            }
            outputs.insert("cache-hit".into(), "true".into());
        }
        outputs
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg("-T").arg(from).arg(to).status().unwrap();
    assert!(status.success(), "cannot copy {} to {}", from.display(), to.display());
}
