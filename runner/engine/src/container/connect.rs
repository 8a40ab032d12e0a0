//! Finding an engine that answers, and what it is able to do.

use std::{fs, os::unix::fs::MetadataExt, time::Duration};

use bollard::{
    API_DEFAULT_VERSION, Docker,
    models::{SystemInfo, SystemInfoCgroupVersionEnum, SystemVersion},
};

use super::{
    address::{Candidate, Endpoint},
    failure,
};
use crate::executor::ExecutorError;

/// How long an engine may take to answer.
const ANSWER: u64 = 120;
/// How long it may take to say who it is.
const GREETING: Duration = Duration::from_secs(10);
/// The oldest API that is spoken: Docker 20.10 and Podman 4.
const OLDEST: (usize, usize) = (1, 41);

/// An engine that answers.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// For requests that are answered soon.
    pub(super) docker: Docker,
    /// For those that are not: waiting, pulling, building.
    pub(super) patient: Docker,
    /// What it is able to do.
    pub(super) facts: Facts,
}

/// What matters about an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each asked for by name")]
pub(super) struct Facts {
    /// `Docker 20.10.24` or `Podman 4.3.1`.
    pub(super) name: String,
    pub(super) podman: bool,
    /// It runs as an ordinary user: its root is that user.
    pub(super) rootless: bool,
    /// It gives containers other user ids than they think they have.
    pub(super) remapped: bool,
    /// It runs on this machine.
    pub(super) local: bool,
    /// Whether it can cap memory, processes and processors.
    pub(super) limits: bool,
    /// Whether it hands out GPUs.
    pub(super) gpus: bool,
    pub(super) processors: u64,
    pub(super) memory: u64,
}

/// The first engine that answers. The error tells of all that were tried.
pub(super) async fn connect(candidates: Vec<Candidate>) -> Result<Connection, ExecutorError> {
    let mut tried = Vec::new();
    for candidate in candidates {
        let place = match &candidate.endpoint {
            Ok(Endpoint::Unix(path)) => format!("{} ({})", candidate.from, path.display()),
            Ok(Endpoint::Tcp(address) | Endpoint::Tls(address, _)) => {
                format!("{} ({address})", candidate.from)
            }
            Err(_) => candidate.from.clone(),
        };
        let endpoint = match candidate.endpoint {
            Ok(endpoint) => endpoint,
            Err(why) => {
                tried.push(format!("{place}: {why}"));
                continue;
            }
        };
        match tokio::time::timeout(GREETING, greet(&endpoint)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(why)) => tried.push(format!("{place}: {why}")),
            Err(_) => tried.push(format!("{place}: no answer within {} s", GREETING.as_secs())),
        }
    }
    Err(failure::environment(
        "container::no-engine",
        format!("no container engine answers; tried {}", tried.join("; ")),
        "start one: `systemctl start docker`, or `systemctl --user start podman.socket`; or name one in DOCKER_HOST",
    ))
}

async fn greet(endpoint: &Endpoint) -> Result<Connection, String> {
    let connected = match endpoint {
        Endpoint::Unix(path) => {
            if let Err(error) = fs::metadata(path) {
                return Err(match error.kind() {
                    std::io::ErrorKind::NotFound => "there is no such socket".to_owned(),
                    _ => error.to_string(),
                });
            }
            Docker::connect_with_unix(&path.to_string_lossy(), ANSWER, API_DEFAULT_VERSION)
        }
        Endpoint::Tcp(address) => {
            Docker::connect_with_http(&format!("tcp://{address}"), ANSWER, API_DEFAULT_VERSION)
        }
        Endpoint::Tls(address, folder) => {
            let file = |name: &str| folder.join(name);
            Docker::connect_with_ssl(
                &format!("tcp://{address}"),
                &file("key.pem"),
                &file("cert.pem"),
                &file("ca.pem"),
                ANSWER,
                API_DEFAULT_VERSION,
            )
        }
    };
    let text = |error: bollard::errors::Error| {
        let text = failure::chain(&error);
        if text.contains("ermission denied") {
            return format!(
                "{text}; join the group of the socket (`usermod -aG docker USER`), or use a rootless engine"
            );
        }
        text
    };
    let docker = connected.map_err(text)?.negotiate_version().await.map_err(text)?;
    let version = docker.client_version();
    if (version.major_version, version.minor_version) < OLDEST {
        return Err(format!(
            "it speaks version {}.{} of the API, and {}.{} is needed: Docker 20.10 or Podman 4",
            version.major_version, version.minor_version, OLDEST.0, OLDEST.1
        ));
    }
    let (version, info) = tokio::join!(docker.version(), docker.info());
    let facts = facts(&version.map_err(text)?, &info.map_err(text)?, endpoint);
    let patient = docker.clone().with_timeout(Duration::from_hours(24 * 30));
    Ok(Connection { docker, patient, facts })
}

fn facts(version: &SystemVersion, info: &SystemInfo, endpoint: &Endpoint) -> Facts {
    let components = version.components.iter().flatten();
    let podman = components.into_iter().any(|component| component.name.starts_with("Podman"));
    let security = |word: &str| info.security_options.iter().flatten().any(|option| option.contains(word));
    // Podman does not say that it is rootless here; its socket belongs to the user that it runs as.
    let owner = match endpoint {
        Endpoint::Unix(path) => fs::metadata(path).map_or(0, |metadata| metadata.uid()),
        _ => 0,
    };
    let rootless = security("name=rootless") || (podman && owner != 0);
    let positive = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
    let old_groups = info.cgroup_version == Some(SystemInfoCgroupVersionEnum::_1);
    Facts {
        name: format!(
            "{} {}",
            if podman { "Podman" } else { "Docker" },
            version.version.as_deref().unwrap_or_default()
        ),
        podman,
        rootless,
        remapped: security("name=userns"),
        local: matches!(endpoint, Endpoint::Unix(_)),
        // An ordinary user has no control groups of the first version.
        limits: info.memory_limit.unwrap_or(false)
            && info.pids_limit.unwrap_or(false)
            && !(rootless && old_groups),
        gpus: info.runtimes.iter().flatten().any(|(name, _)| name == "nvidia")
            || info
                .discovered_devices
                .iter()
                .flatten()
                .any(|device| device.id.as_deref().is_some_and(|id| id.starts_with("nvidia.com/gpu"))),
        processors: positive(info.ncpu),
        memory: positive(info.mem_total),
    }
}
