//! Services of a stage: containers beside its steps, on a network of their own, from before the first step until after the
//! last.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bollard::{
    container::LogOutput,
    errors::Error,
    exec::StartExecResults,
    models::{
        ContainerCreateBody, EndpointSettings, ExecConfig, HostConfigLogConfig, NetworkConnectRequest,
        NetworkCreateRequest, NetworkingConfig,
    },
    query_parameters::{InspectContainerOptions, LogsOptionsBuilder, StartContainerOptions},
};
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Shared},
};
use runner_workflow::plan::{Ready, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{Inner, connect::Connection, failure, guard::Guard, spec};
use crate::executor::{ExecutorError, StepRequest};

/// How long a service may take to be ready that says nothing else.
const PATIENCE: Duration = Duration::from_mins(1);
/// Time between two questions whether a service is ready.
const PAUSE: Duration = Duration::from_millis(100);
/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(5);
/// Bytes of a service's output in an error.
const TAIL: usize = 2000;

type Starting = Shared<BoxFuture<'static, Result<Arc<Running>, ExecutorError>>>;

/// Services by the stage they belong to.
#[derive(Default)]
pub(super) struct Services {
    stages: Mutex<HashMap<String, Starting>>,
}

/// The services of a stage and their network.
struct Running {
    network: String,
    connection: Arc<Connection>,
    inner: Arc<Inner>,
    containers: Mutex<Vec<Guard>>,
}

impl Running {
    async fn stop(&self) {
        let guards = std::mem::take(&mut *self.containers.lock().unwrap_or_else(PoisonError::into_inner));
        futures::future::join_all(guards.into_iter().map(Guard::remove)).await;
        if let Err(error) = self.connection.docker.remove_network(&self.network).await
            && !failure::is_missing(&error)
        {
            self.inner.left_behind(&self.network, &failure::chain(&error));
        }
    }
}

/// The network of the stage's services once all of them are ready; none where it has no services. The first step that asks
/// starts them.
pub(super) async fn ready(
    inner: &Arc<Inner>,
    connection: &Arc<Connection>,
    request: &StepRequest,
) -> Result<Option<String>, ExecutorError> {
    if request.services.is_empty() {
        return Ok(None);
    }
    let starting = {
        let mut stages = inner.services.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let known = stages.get(&request.stage).filter(|known| !matches!(known.peek(), Some(Err(_)))).cloned();
        known.unwrap_or_else(|| {
            let (inner, connection) = (Arc::clone(inner), Arc::clone(connection));
            let (services, stage) = (request.services.clone(), request.stage.clone());
            let work = async move { start(inner, connection, services, stage).await };
            let shared = work.boxed().shared();
            stages.insert(request.stage.clone(), shared.clone());
            // Another step may wait for them when this one is stopped.
            tokio::spawn(shared.clone());
            shared
        })
    };
    Ok(Some(starting.await?.network.clone()))
}

/// Stops the services of a stage.
pub(super) async fn stop(inner: &Inner, stage: &str) {
    let starting = inner.services.stages.lock().unwrap_or_else(PoisonError::into_inner).remove(stage);
    if let Some(starting) = starting
        && let Ok(running) = starting.await
    {
        running.stop().await;
    }
}

/// Stops all services.
pub(super) async fn stop_all(inner: &Inner) {
    let stages: Vec<String> = {
        let stages = inner.services.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.keys().cloned().collect()
    };
    futures::future::join_all(stages.iter().map(|stage| stop(inner, stage))).await;
}

/// Lets a container that sees the outside see the services too.
pub(super) async fn join(connection: &Connection, network: &str, name: &str) -> Result<(), ExecutorError> {
    let request = NetworkConnectRequest { container: name.to_owned(), endpoint_config: None };
    let joined = connection.docker.connect_network(network, request).await;
    joined.map_err(|error| failure::engine("connecting the step to its services", &error))
}

async fn start(
    inner: Arc<Inner>,
    connection: Arc<Connection>,
    services: Vec<Service>,
    stage: String,
) -> Result<Arc<Running>, ExecutorError> {
    let network = inner.new_name();
    let request = NetworkCreateRequest {
        name: network.clone(),
        // Nothing outside, in either direction.
        internal: Some(true),
        labels: Some(inner.labels(&stage)),
        ..NetworkCreateRequest::default()
    };
    let created = connection.docker.create_network(request).await;
    created.map_err(|error| failure::engine("creating the network of the services", &error))?;
    let running = Arc::new(Running {
        network,
        connection: Arc::clone(&connection),
        inner: Arc::clone(&inner),
        containers: Mutex::default(),
    });
    let all = services.iter().map(|service| one(&running, service));
    match futures::future::try_join_all(all).await {
        Ok(_) => Ok(running),
        Err(error) => {
            running.stop().await;
            Err(error)
        }
    }
}

/// Starts a service and waits until it is ready.
async fn one(running: &Running, service: &Service) -> Result<(), ExecutorError> {
    let Running { network, connection, inner, .. } = running;
    let name = &service.name;
    let failed =
        |doing: &str, error: &Error| failure::engine(&format!("{doing} the service `{name}`"), error);
    let image = inner.image(&service.container.image, connection).await?;
    let guard = Guard::new(inner, connection);
    let id = guard.name().to_owned();
    let body = body(service, &image.id, network, connection, inner);
    let created = guard.create(body).await;
    running.containers.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
    created.map_err(|error| failed("creating", &error))?;
    if !service.allow.net.is_empty() {
        let outside = if connection.facts.podman { "podman" } else { "bridge" };
        join(connection, outside, &id).await?;
    }
    let started = connection.docker.start_container(&id, None::<StartContainerOptions>).await;
    started.map_err(|error| failed("starting", &error))?;
    let patience = service.ready_within.unwrap_or(PATIENCE);
    let deadline = Instant::now() + patience;
    loop {
        let found = connection.docker.inspect_container(&id, None::<InspectContainerOptions>).await;
        let found = found.map_err(|error| failed("looking at", &error))?;
        if found.state.as_ref().is_none_or(|state| state.running != Some(true)) {
            let code = found.state.and_then(|state| state.exit_code).unwrap_or_default();
            let said = said(connection, &id).await;
            return Err(failure::environment(
                "container::service",
                format!("the service `{name}` ended with code {code} instead of being ready: {said}"),
                "look at its output, and at the variables it needs",
            ));
        }
        let address = found.network_settings.and_then(|settings| settings.networks).and_then(|networks| {
            let endpoint = networks.get(network)?;
            endpoint.ip_address.as_ref()?.parse::<IpAddr>().ok()
        });
        let answer = timeout(QUESTION, is_ready(service, &id, address, connection)).await;
        match answer {
            Ok(Ok(true)) => return Ok(()),
            Ok(Err(error)) if failure::is_gone(&error) => return Err(failed("asking", &error)),
            Ok(Ok(false) | Err(_)) | Err(_) => {}
        }
        if Instant::now() > deadline {
            let said = said(connection, &id).await;
            return Err(failure::environment(
                "container::service",
                format!("the service `{name}` was not ready within {} s: {said}", patience.as_secs()),
                "check `ready`, or give it more time with `within`",
            ));
        }
        sleep(PAUSE).await;
    }
}

fn body(
    service: &Service,
    image: &str,
    network: &str,
    connection: &Connection,
    inner: &Inner,
) -> ContainerCreateBody {
    let mut host =
        spec::confined(&service.allow, &service.limits, &service.resources, &connection.facts, &[]);
    host.network_mode = Some(network.to_owned());
    // Kept by the engine while it runs, for the error if it is never ready; bounded.
    let options =
        [("max-size", "1m"), ("max-file", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    host.log_config = Some(if connection.facts.podman {
        HostConfigLogConfig { typ: Some("k8s-file".to_owned()), config: None }
    } else {
        HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(options.into_iter().collect()) }
    });
    let endpoint =
        EndpointSettings { aliases: Some(vec![service.name.clone()]), ..EndpointSettings::default() };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        hostname: Some(service.name.clone()),
        entrypoint: service.container.entrypoint.clone(),
        cmd: service.command.clone(),
        env: Some(service.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        working_dir: service.container.workdir.clone(),
        user: service.container.user.clone(),
        labels: Some(inner.labels(&format!("service {}", service.name))),
        host_config: Some(host),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.to_owned(), endpoint)])),
        }),
        ..ContainerCreateBody::default()
    }
}

/// Whether a service answers. Where this machine can reach it, it is asked from here; otherwise from within, with what its
/// image has.
async fn is_ready(
    service: &Service,
    id: &str,
    address: Option<IpAddr>,
    connection: &Connection,
) -> Result<bool, Error> {
    let near = address.filter(|_| connection.facts.local && !connection.facts.rootless);
    match &service.ready {
        None => Ok(true),
        Some(Ready::Command(command)) => exec(connection, id, command.clone()).await,
        Some(Ready::Tcp(port)) => match near {
            Some(address) => Ok(TcpStream::connect((address, *port)).await.is_ok()),
            None => exec(connection, id, listens(*port)).await,
        },
        Some(Ready::Http { port, path }) => {
            if let Some(address) = near {
                return Ok(get(address, *port, path).await.unwrap_or(false));
            }
            let url = format!("http://127.0.0.1:{port}{path}");
            let script = "wget -q -T 2 -O /dev/null \"$1\" || curl -fsS -m 2 -o /dev/null \"$1\"";
            exec(connection, id, ["/bin/sh", "-c", script, "sh", &url].map(str::to_owned).to_vec()).await
        }
    }
}

/// Whether something listens on the port, as the kernel lists it: addresses in hexadecimal, state 0A.
fn listens(port: u16) -> Vec<String> {
    let script = format!("grep -qi ':{port:04X} [0-9A-F:]* 0A ' /proc/net/tcp /proc/net/tcp6 2>/dev/null");
    ["/bin/sh", "-c", &script].map(str::to_owned).to_vec()
}

/// Whether `GET` is answered with a status below 400.
async fn get(address: IpAddr, port: u16, path: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((address, port)).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\nUser-Agent: runner\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    // `HTTP/1.1 200`
    Ok(head.starts_with(b"HTTP/1.") && matches!(head[9], b'1'..=b'3'))
}

/// Whether a command in the container succeeds.
async fn exec(connection: &Connection, id: &str, command: Vec<String>) -> Result<bool, Error> {
    let config = ExecConfig {
        cmd: Some(command),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ExecConfig::default()
    };
    let made = connection.docker.create_exec(id, config).await?;
    if let StartExecResults::Attached { mut output, .. } =
        connection.docker.start_exec(&made.id, None).await?
    {
        while output.next().await.is_some() {}
    }
    Ok(connection.docker.inspect_exec(&made.id).await?.exit_code == Some(0))
}

/// The end of what a service wrote.
async fn said(connection: &Connection, id: &str) -> String {
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail("20").build();
    let mut lines = Box::pin(connection.docker.logs(id, Some(options)));
    let mut text = String::new();
    let reading = async {
        while let Some(Ok(piece)) = lines.next().await {
            let piece: LogOutput = piece;
            text.push_str(&String::from_utf8_lossy(&piece.into_bytes()));
        }
    };
    let _ = timeout(QUESTION, reading).await;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return "it wrote nothing".to_owned();
    }
    let start = text.char_indices().rev().map(|(at, _)| at).take(TAIL).last().unwrap_or(0);
    format!("it wrote: {}", &text[start..])
}
