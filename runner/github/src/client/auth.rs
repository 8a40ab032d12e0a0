//! As whom to talk to GitHub: with a token, or as an App that gets one for this repository.

use std::{fmt, sync::Arc};

use octocrab::{Octocrab, models::AppId};
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Client, Connection, chain};
use crate::event::{Comment, User};

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keep it.
    pub fn new(value: &str) -> Self {
        Self(value.trim().into())
    }

    fn get(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// As whom.
#[derive(Debug, Clone)]
pub enum Auth {
    /// With the token of a job, of an installation or of a person.
    Token(Secret),
    /// As an App: its number, and its private key as PEM.
    App {
        /// Number of the App.
        id: u64,
        /// Its private key.
        key: Secret,
    },
}

/// As whom comments are written, and so which of them are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The job's own token.
    Actions,
    /// An App.
    App(u64),
    /// A person.
    Person(u64),
}

/// The account behind the job's own token. No person can have a name with brackets.
const ACTIONS: &str = "github-actions[bot]";

impl Identity {
    /// Whether a comment is ours: by its author, not by what it says.
    pub fn wrote(&self, comment: &Comment) -> bool {
        let Some(user) = &comment.user else { return false };
        match self {
            Self::Actions => user.login == ACTIONS,
            Self::App(id) => comment.performed_via_github_app.as_ref().is_some_and(|app| app.id == *id),
            Self::Person(id) => user.id == *id,
        }
    }
}

pub(super) async fn connect(connection: Connection) -> Result<Client, ApiError> {
    match connection.auth.clone() {
        Auth::Token(token) => {
            let crab = crab(&connection, &token)?;
            // GitHub marks its tokens; those of jobs and installations cannot ask who they are.
            if token.get().starts_with("ghs_") {
                return Ok(Client::with(connection, crab, Identity::Actions));
            }
            let client = Client::with(connection.clone(), crab.clone(), Identity::Actions);
            match client.get::<User>("/user").await {
                Ok(user) => Ok(Client::with(connection, crab, Identity::Person(user.id))),
                Err(error) if error.is_refusal() => Ok(Client::with(connection, crab, Identity::Actions)),
                Err(error) => Err(error),
            }
        }
        Auth::App { id, key } => installation(connection, id, &key).await,
    }
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct InstallationToken {
    token: String,
    #[serde(default)]
    permissions: serde_json::Map<String, serde_json::Value>,
}

/// What a report may need.
const NEEDED: [&str; 9] = [
    "checks",
    "contents",
    "deployments",
    "issues",
    "members",
    "metadata",
    "pull_requests",
    "statuses",
    "actions",
];

async fn installation(connection: Connection, id: u64, key: &Secret) -> Result<Client, ApiError> {
    let app = builder(&connection)?
        .app_from_rsa_pem(AppId(id), key.get())
        .map_err(|error| ApiError::Setup(format!("the key of the App cannot be read: {}", chain(&error))))?;
    let app =
        app.build_with_reqwest(http_client(&connection)?).map_err(|error| ApiError::Setup(chain(&error)))?;
    let client = Client::with(connection.clone(), app, Identity::App(id));
    let installed: Installation = client.get(&client.repo("installation")).await?;
    let name = connection.repository.split('/').next_back().unwrap_or_default();
    // For this repository alone, whatever else the App is installed on.
    let path = format!("/app/installations/{}/access_tokens", installed.id);
    let token: InstallationToken = client.post(&path, &json!({ "repositories": [name] })).await?;
    let crab = crab(&connection, &Secret::new(&token.token))?;
    let client = Client::with(connection, crab, Identity::App(id));
    let extra: Vec<&str> = token
        .permissions
        .iter()
        .filter(|(name, level)| {
            !NEEDED.contains(&name.as_str())
                || (name.as_str() == "contents" && level.as_str() == Some("write"))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    if !extra.is_empty() {
        client.notice(format!("the App may do more than a report needs: {}", extra.join(", ")));
    }
    Ok(client)
}

type Builder = octocrab::OctocrabBuilder<
    octocrab::NoSvc,
    octocrab::DefaultOctocrabBuilderConfig,
    octocrab::NoAuth,
    octocrab::NotLayerReady,
>;

fn builder(connection: &Connection) -> Result<Builder, ApiError> {
    let address = connection.api_url.trim_end_matches('/');
    if !address.starts_with("https://") && !address.starts_with("http://") {
        return Err(ApiError::Setup(format!("`{address}` is not an address of an API")));
    }
    Octocrab::builder().base_uri(address).and_then(|builder| builder.upload_uri(address)).map_err(|error| {
        ApiError::Setup(format!("`{address}` is not an address of an API: {}", chain(&error)))
    })
}

fn crab(connection: &Connection, token: &Secret) -> Result<Octocrab, ApiError> {
    // It becomes a header.
    if token.get().is_empty() || !token.get().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ApiError::Setup(
            "the token is not one: it is empty or has characters that no token has".to_owned(),
        ));
    }
    let client = http_client(connection)?;
    builder(connection)?
        .personal_token(token.get())
        .build_with_reqwest(client)
        .map_err(|error| ApiError::Setup(chain(&error)))
}

fn http_client(connection: &Connection) -> Result<reqwest::Client, ApiError> {
    let setup = |error: reqwest::Error| ApiError::Setup(chain(&error));
    let none = connection.proxies.none.as_deref().and_then(reqwest::NoProxy::from_string);
    let mut builder = reqwest::Client::builder()
        // Nothing but what was handed over decides where calls go.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connection.patience.answer);
    if let Some(address) = &connection.proxies.https {
        builder = builder.proxy(reqwest::Proxy::https(address).map_err(setup)?.no_proxy(none.clone()));
    }
    if let Some(address) = &connection.proxies.http {
        builder = builder.proxy(reqwest::Proxy::http(address).map_err(setup)?.no_proxy(none));
    }
    builder.build().map_err(setup)
}
