//! Where engines may be: the variables, contexts and sockets of Docker and Podman, in the order in which their own
//! tools look.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use runner_store::Digest;
use serde::Deserialize;

/// The socket of an engine that the whole machine shares.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// The socket of Podman run by the system.
const PODMAN_SOCKET: &str = "/run/podman/podman.sock";

/// How to reach an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A socket of this machine.
    Unix(PathBuf),
    /// `host:port`, in the clear.
    Tcp(String),
    /// `host:port`, with the certificates in a folder.
    Tls(String, PathBuf),
}

/// A place where an engine may be, or why it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What names it, such as `DOCKER_HOST`.
    pub(super) from: String,
    /// How to reach it.
    pub(super) endpoint: Result<Endpoint, String>,
}

/// What decides where to look.
#[derive(Debug, Clone, Default)]
pub(super) struct Hints<'a> {
    pub(super) env: Option<&'a BTreeMap<String, String>>,
    pub(super) home: Option<&'a Path>,
}

impl Hints<'_> {
    fn var(&self, name: &str) -> Option<&str> {
        self.env?.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Folder of Docker's settings.
    pub(super) fn config_dir(&self) -> Option<PathBuf> {
        let named = self.var("DOCKER_CONFIG").map(PathBuf::from);
        named.or_else(|| self.home.map(|home| home.join(".docker")))
    }

    /// Where to look, best first. What a person named is the only candidate.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        if let Some(host) = self.var("DOCKER_HOST") {
            return vec![Candidate { from: "DOCKER_HOST".to_owned(), endpoint: self.host(host) }];
        }
        if let Some(name) = self.var("DOCKER_CONTEXT")
            && name != "default"
        {
            return vec![self.context(name, "DOCKER_CONTEXT")];
        }
        if let Some(host) = self.var("CONTAINER_HOST") {
            return vec![Candidate { from: "CONTAINER_HOST".to_owned(), endpoint: self.host(host) }];
        }
        if self.var("DOCKER_CONTEXT").is_none()
            && let Some(name) = self.current_context()
        {
            return vec![self.context(&name, "currentContext")];
        }
        let mut sockets = vec![("Docker's socket", PathBuf::from(DOCKER_SOCKET))];
        let runtime = self.var("XDG_RUNTIME_DIR").map(Path::new);
        if let Some(runtime) = runtime {
            sockets.push(("rootless Docker's socket", runtime.join("docker.sock")));
        }
        if let Some(home) = self.home {
            sockets.push(("Docker Desktop's socket", home.join(".docker/run/docker.sock")));
        }
        if let Some(runtime) = runtime {
            sockets.push(("rootless Podman's socket", runtime.join("podman/podman.sock")));
        }
        sockets.push(("Podman's socket", PathBuf::from(PODMAN_SOCKET)));
        let candidate =
            |(from, path): (&str, _)| Candidate { from: from.to_owned(), endpoint: Ok(Endpoint::Unix(path)) };
        sockets.into_iter().map(candidate).collect()
    }

    /// The address in `DOCKER_HOST` and the like.
    fn host(&self, host: &str) -> Result<Endpoint, String> {
        let certificates = || {
            let named = self.var("DOCKER_CERT_PATH").map(PathBuf::from);
            named.or_else(|| self.config_dir()).ok_or("DOCKER_TLS_VERIFY needs DOCKER_CERT_PATH".to_owned())
        };
        match self.var("DOCKER_TLS_VERIFY") {
            Some(_) => endpoint(host, Some(certificates()?)),
            None => endpoint(host, None),
        }
    }

    fn current_context(&self) -> Option<String> {
        let config = fs::read(self.config_dir()?.join("config.json")).ok()?;
        let config: Config = serde_json::from_slice(&config).ok()?;
        config.current_context.filter(|name| !name.is_empty() && name != "default")
    }

    /// The engine of a context. Contexts lie in folders named by the SHA-256 of their name.
    fn context(&self, name: &str, from: &str) -> Candidate {
        let from = format!("the context `{name}` of {from}");
        let Some(folder) = self.config_dir().map(|folder| folder.join("contexts")) else {
            return Candidate {
                from,
                endpoint: Err("there is no home folder to look for contexts in".to_owned()),
            };
        };
        let key = Digest::of_bytes(name.as_bytes()).hex();
        let path = folder.join("meta").join(&key).join("meta.json");
        let endpoint =
            fs::read(&path).map_err(|error| format!("{}: {error}", path.display())).and_then(|text| {
                let context: Context =
                    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
                let docker = context.endpoints.docker.ok_or("it has no endpoint for Docker")?;
                if docker.skip_tls_verify {
                    return Err("it does not verify the engine's certificate, which is refused".to_owned());
                }
                let certificates = folder.join("tls").join(&key).join("docker");
                endpoint(&docker.host, certificates.is_dir().then_some(certificates))
            });
        Candidate { from, endpoint }
    }
}

/// Reads an address: `unix:///run/docker.sock`, `tcp://host:2376`.
fn endpoint(host: &str, certificates: Option<PathBuf>) -> Result<Endpoint, String> {
    let Some((scheme, rest)) = host.split_once("://") else {
        return Err(format!("`{host}` is not an address: write `unix:///path` or `tcp://host:port`"));
    };
    let rest = if scheme == "unix" { rest } else { rest.trim_end_matches('/') };
    if rest.is_empty() {
        return Err(format!("`{host}` names nothing"));
    }
    match scheme {
        "unix" => Ok(Endpoint::Unix(PathBuf::from(rest))),
        "tcp" | "http" | "https" => {
            let secure = scheme == "https" || certificates.is_some();
            let port = if secure { 2376 } else { 2375 };
            let has_port = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            let address = if has_port { rest.to_owned() } else { format!("{rest}:{port}") };
            match certificates {
                Some(folder) => Ok(Endpoint::Tls(address, folder)),
                None if secure => {
                    Err(format!("`{host}` needs certificates: set DOCKER_CERT_PATH and DOCKER_TLS_VERIFY"))
                }
                None => Ok(Endpoint::Tcp(address)),
            }
        }
        "ssh" => Err(format!(
            "`{host}`: ssh is not spoken here; forward the socket (`ssh -NL /tmp/docker.sock:/var/run/docker.sock …`) and name it"
        )),
        _ => Err(format!("`{host}`: `{scheme}` is not spoken here; `unix` and `tcp` are")),
    }
}

/// The part of `config.json` that is of interest here.
#[derive(Deserialize)]
struct Config {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct Context {
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<DockerEndpoint>,
}

#[derive(Deserialize)]
struct DockerEndpoint {
    #[serde(rename = "Host")]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn found(pairs: &[(&str, &str)], home: Option<&Path>) -> Vec<(String, Result<Endpoint, String>)> {
        let env = variables(pairs);
        let hints = Hints { env: Some(&env), home };
        hints.candidates().into_iter().map(|candidate| (candidate.from, candidate.endpoint)).collect()
    }

    fn one(pairs: &[(&str, &str)]) -> Result<Endpoint, String> {
        let mut found = found(pairs, Some(Path::new("/h")));
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0).1
    }

    #[test]
    fn addresses() {
        let unix = |path: &str| Ok(Endpoint::Unix(PathBuf::from(path)));
        assert_eq!(one(&[("DOCKER_HOST", "unix:///run/x.sock")]), unix("/run/x.sock"));
        assert_eq!(one(&[("CONTAINER_HOST", "unix:///run/p.sock")]), unix("/run/p.sock"));
        assert_eq!(one(&[("DOCKER_HOST", "tcp://h")]), Ok(Endpoint::Tcp("h:2375".into())));
        assert_eq!(one(&[("DOCKER_HOST", "tcp://h:99/")]), Ok(Endpoint::Tcp("h:99".into())));
        let tls = [("DOCKER_HOST", "tcp://h"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/c")];
        assert_eq!(one(&tls), Ok(Endpoint::Tls("h:2376".into(), "/c".into())));
        assert_eq!(one(&tls[..2]), Ok(Endpoint::Tls("h:2376".into(), "/h/.docker".into())));
        for bad in ["ssh://u@h", "npipe:////./pipe/x", "h:2375", "unix://", "https://h"] {
            assert!(one(&[("DOCKER_HOST", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_person_names_wins() {
        let both = [("DOCKER_HOST", "unix:///d"), ("CONTAINER_HOST", "unix:///p"), ("DOCKER_CONTEXT", "x")];
        assert_eq!(one(&both), Ok(Endpoint::Unix("/d".into())));
        let found = found(&[("XDG_RUNTIME_DIR", "/run/user/7"), ("DOCKER_HOST", "")], Some(Path::new("/h")));
        let paths: Vec<_> = found.into_iter().map(|(_, endpoint)| endpoint.unwrap()).collect();
        let expected = [
            "/var/run/docker.sock",
            "/run/user/7/docker.sock",
            "/h/.docker/run/docker.sock",
            "/run/user/7/podman/podman.sock",
            "/run/podman/podman.sock",
        ];
        assert_eq!(paths, expected.map(|path| Endpoint::Unix(path.into())));
    }

    #[test]
    fn contexts() {
        let home = tempfile::tempdir().unwrap();
        let key = Digest::of_bytes(b"lab").hex();
        let meta = home.path().join(".docker/contexts/meta").join(&key);
        fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"lab","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://lab:2376","SkipTLSVerify":false}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        fs::write(home.path().join(".docker/config.json"), r#"{"currentContext":"lab","auths":{}}"#).unwrap();
        let current = found(&[], Some(home.path()));
        assert_eq!(current[0].1, Ok(Endpoint::Tcp("lab:2376".into())));
        assert!(current[0].0.contains("`lab`"));
        let certificates = home.path().join(".docker/contexts/tls").join(&key).join("docker");
        fs::create_dir_all(&certificates).unwrap();
        let named = found(&[("DOCKER_CONTEXT", "lab")], Some(home.path()));
        assert_eq!(named[0].1, Ok(Endpoint::Tls("lab:2376".into(), certificates)));
        // `default` is no context, whatever the file says.
        assert_eq!(found(&[("DOCKER_CONTEXT", "default")], Some(home.path())).len(), 3);
        assert!(found(&[("DOCKER_CONTEXT", "none")], Some(home.path()))[0].1.is_err());
    }
}
