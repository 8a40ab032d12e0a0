//! What GitHub Actions tells a job through variables.

use std::{env, path::PathBuf};

use runner_engine::SecretValue;
use runner_github::client::{Proxies, Secret};

/// Variables that hold rights. No step gets to see them, whatever a workflow grants.
pub(crate) const RIGHTS: [&str; 6] = [
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "RUNNER_GITHUB_APP_KEY",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_CACHE_TOKEN",
];

/// The variables of a job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables {
    /// Whether this is a job of GitHub Actions.
    pub(crate) in_actions: bool,
    pub(crate) token: Option<Secret>,
    pub(crate) app_id: Option<String>,
    pub(crate) app_key: Option<Secret>,
    pub(crate) app_key_file: Option<PathBuf>,
    pub(crate) api_url: String,
    pub(crate) server_url: String,
    pub(crate) event_name: Option<String>,
    pub(crate) event_path: Option<PathBuf>,
    pub(crate) repository: Option<String>,
    pub(crate) sha: Option<String>,
    pub(crate) ref_name: Option<String>,
    /// `branch` or `tag`, from `GITHUB_REF`.
    pub(crate) is_tag: bool,
    pub(crate) head_ref: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) run_attempt: Option<String>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) step_summary: Option<PathBuf>,
    pub(crate) proxies: Proxies,
}

impl Variables {
    /// Read them.
    pub(crate) fn read() -> Self {
        let text = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let either = |upper: &str, lower: &str| text(upper).or_else(|| text(lower));
        let path = |name: &str| text(name).map(PathBuf::from);
        let reference = text("GITHUB_REF").unwrap_or_default();
        Self {
            in_actions: text("GITHUB_ACTIONS").as_deref() == Some("true"),
            token: either("GITHUB_TOKEN", "GH_TOKEN").map(|token| Secret::new(&token)),
            app_id: text("RUNNER_GITHUB_APP_ID"),
            app_key: text("RUNNER_GITHUB_APP_KEY").map(|key| Secret::new(&key)),
            app_key_file: path("RUNNER_GITHUB_APP_KEY_FILE"),
            api_url: text("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned()),
            server_url: text("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned()),
            event_name: text("GITHUB_EVENT_NAME"),
            event_path: path("GITHUB_EVENT_PATH"),
            repository: text("GITHUB_REPOSITORY"),
            sha: text("GITHUB_SHA"),
            ref_name: text("GITHUB_REF_NAME"),
            is_tag: reference.starts_with("refs/tags/"),
            head_ref: text("GITHUB_HEAD_REF"),
            run_id: text("GITHUB_RUN_ID"),
            run_attempt: text("GITHUB_RUN_ATTEMPT"),
            output: path("GITHUB_OUTPUT"),
            step_summary: path("GITHUB_STEP_SUMMARY"),
            proxies: Proxies {
                https: either("HTTPS_PROXY", "https_proxy"),
                // The upper-case form can be set by a request to a CGI script, so that curl ignores it; here is no CGI.
                http: either("HTTP_PROXY", "http_proxy"),
                none: either("NO_PROXY", "no_proxy"),
            },
        }
    }

    /// Page of the job.
    pub(crate) fn run_url(&self) -> Option<String> {
        let (repository, run) = (self.repository.as_ref()?, self.run_id.as_ref()?);
        let attempt =
            self.run_attempt.as_ref().map(|attempt| format!("/attempts/{attempt}")).unwrap_or_default();
        Some(format!("{}/{repository}/actions/runs/{run}{attempt}", self.server_url.trim_end_matches('/')))
    }

    /// Whether there is something to talk to GitHub with.
    pub(crate) fn has_credentials(&self) -> bool {
        self.token.is_some()
            || (self.app_id.is_some() && (self.app_key.is_some() || self.app_key_file.is_some()))
    }
}

/// Whether no step gets to see a variable.
pub(crate) fn is_right(name: &str) -> bool {
    RIGHTS.contains(&name)
}

/// The values of those variables, to be masked wherever they turn up.
pub(crate) fn rights() -> Vec<SecretValue> {
    let value = |name: &&str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    RIGHTS
        .iter()
        .filter_map(|name| {
            Some(SecretValue { name: (*name).to_owned(), value: value(name)?.trim().to_owned() })
        })
        .collect()
}
