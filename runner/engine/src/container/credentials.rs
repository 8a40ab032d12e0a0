//! Who to be at a registry: the Docker configuration and its helpers, then Podman's.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Stdio, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::{io::AsyncWriteExt, process::Command};

use super::ContainerOptions;

/// Docker's registry, as it is called in configurations.
const HUB: &str = "https://index.docker.io/v1/";
/// How long a helper may take.
const HELPER: Duration = Duration::from_secs(30);
/// What helpers call someone who has a token instead of a password.
const TOKEN: &str = "<token>";

/// The part of `config.json` that is of interest here.
#[derive(Debug, Default, Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "credHelpers", default)]
    helpers: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Auth {
    auth: Option<String>,
    identitytoken: Option<String>,
}

/// The answer of a helper.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// Credentials for a registry; none where nobody logged in. The error says why those that there are cannot be used.
pub(super) async fn find(
    options: &ContainerOptions,
    registry: &str,
) -> Result<Option<DockerCredentials>, String> {
    for path in files(options) {
        let Ok(text) = fs::read(&path) else { continue };
        let config: Config =
            serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let server = if registry == "docker.io" { HUB } else { registry };
        let helper = config.helpers.get(registry).or_else(|| config.helpers.get(server));
        if let Some(helper) = helper.or(config.store.as_ref())
            && let Some(found) = ask(helper, server, options).await?
        {
            return Ok(Some(found));
        }
        let entry =
            config.auths.iter().find(|(name, _)| is_same(name, registry)).map(|(_, auth)| auth.clone());
        if let Some(found) = entry.map(|auth| decode(auth, server)).transpose()?.flatten() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Files that may hold credentials, best first.
fn files(options: &ContainerOptions) -> Vec<PathBuf> {
    let mut files = Vec::new();
    files.extend(options.hints().config_dir().map(|folder| folder.join("config.json")));
    files.extend(options.env.get("REGISTRY_AUTH_FILE").map(PathBuf::from));
    files.extend(
        options.env.get("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("containers/auth.json")),
    );
    files
}

/// Whether an entry of a configuration is about this registry: `https://` and a path do not count.
fn is_same(name: &str, registry: &str) -> bool {
    let plain = name.split_once("://").map_or(name, |(_, rest)| rest);
    let host = plain.split('/').next().unwrap_or(plain);
    let host = if matches!(host, "index.docker.io" | "registry-1.docker.io") { "docker.io" } else { host };
    host == registry
}

fn decode(auth: Auth, server: &str) -> Result<Option<DockerCredentials>, String> {
    let server = Some(server.to_owned());
    if let Some(token) = auth.identitytoken.filter(|token| !token.is_empty()) {
        let found = DockerCredentials {
            identitytoken: Some(token),
            serveraddress: server,
            ..DockerCredentials::default()
        };
        return Ok(Some(found));
    }
    let Some(auth) = auth.auth.filter(|auth| !auth.is_empty()) else { return Ok(None) };
    let unusable = "the credentials in the Docker configuration are not `user:password` in base64";
    let text = STANDARD.decode(auth).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(unusable)?;
    let (user, password) = text.split_once(':').ok_or(unusable)?;
    Ok(Some(DockerCredentials {
        username: Some(user.to_owned()),
        password: Some(password.trim_end_matches('\0').to_owned()),
        serveraddress: server,
        ..DockerCredentials::default()
    }))
}

/// Asks `docker-credential-NAME get`. One that knows nothing says so and fails.
async fn ask(
    helper: &str,
    server: &str,
    options: &ContainerOptions,
) -> Result<Option<DockerCredentials>, String> {
    if helper.is_empty() || helper.contains('/') {
        return Err(format!("`{helper}` is not the name of a credential helper"));
    }
    let program = format!("docker-credential-{helper}");
    let failed = |why: String| format!("the credential helper `{program}` {why}");
    let mut child = Command::new(&program)
        .arg("get")
        .env_clear()
        .envs(&options.env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(server.as_bytes()).await.map_err(|error| failed(error.to_string()))?;
    }
    let ended = tokio::time::timeout(HELPER, child.wait_with_output()).await;
    let output = ended
        .map_err(|_| failed(format!("did not answer within {} s", HELPER.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.to_lowercase().contains("not found") {
            return Ok(None);
        }
        let said = format!("{said}{}", String::from_utf8_lossy(&output.stderr));
        return Err(failed(format!("failed: {}", said.trim())));
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("answered something else than JSON".to_owned()))?;
    let server = Some(server.to_owned());
    Ok(Some(if answer.username == TOKEN {
        DockerCredentials {
            identitytoken: Some(answer.secret),
            serveraddress: server,
            ..DockerCredentials::default()
        }
    } else {
        DockerCredentials {
            username: Some(answer.username),
            password: Some(answer.secret),
            serveraddress: server,
            ..DockerCredentials::default()
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn options(config: &str, home: &std::path::Path) -> ContainerOptions {
        let folder = home.join(".docker");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.json"), config).unwrap();
        let path = format!("{}:{}", home.display(), std::env::var("PATH").unwrap());
        let env = BTreeMap::from([("PATH".to_owned(), path)]);
        ContainerOptions { env, home: Some(home.to_path_buf()), ..ContainerOptions::default() }
    }

    #[tokio::test]
    async fn logins_in_the_file() {
        let home = tempfile::tempdir().unwrap();
        let auth = STANDARD.encode("me:pass:word");
        let config = format!(
            r#"{{"auths": {{"https://reg.example.com/v2/": {{"auth": "{auth}"}}, "{HUB}": {{"identitytoken": "t"}}, "bad": {{"auth": "%"}}}}}}"#
        );
        let options = options(&config, home.path());
        let found = find(&options, "reg.example.com").await.unwrap().unwrap();
        assert_eq!((found.username.as_deref(), found.password.as_deref()), (Some("me"), Some("pass:word")));
        assert_eq!(find(&options, "docker.io").await.unwrap().unwrap().identitytoken.as_deref(), Some("t"));
        assert_eq!(find(&options, "other.example.com").await.unwrap(), None);
        assert!(find(&options, "bad").await.unwrap_err().contains("base64"));
    }

    #[tokio::test]
    async fn helpers_are_asked() {
        let home = tempfile::tempdir().unwrap();
        let helper = home.path().join("docker-credential-test");
        let script = "#!/bin/sh\nread server\nif [ \"$server\" = reg.example.com ]; then echo '{\"Username\":\"me\",\"Secret\":\"s\"}'; else echo credentials not found; exit 1; fi\n";
        fs::write(&helper, script).unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        let config = r#"{"credHelpers": {"reg.example.com": "test", "gone.example.com": "absent"}, "credsStore": "test"}"#;
        let options = options(config, home.path());
        let found = find(&options, "reg.example.com").await.unwrap().unwrap();
        assert_eq!((found.username.as_deref(), found.password.as_deref()), (Some("me"), Some("s")));
        assert_eq!(find(&options, "docker.io").await.unwrap(), None);
        assert!(find(&options, "gone.example.com").await.unwrap_err().contains("docker-credential-absent"));
    }
}
