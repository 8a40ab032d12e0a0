//! A client of GitHub's API from the variables of a job.

use std::path::Path;

use runner_github::client::{ApiError, Auth, Client, Connection, Patience, Secret};

use super::variables::Variables;

/// The key of an App is a few kilobytes.
const LARGEST_KEY: u64 = 64 * 1024;

/// Connect; an error where there is nothing to connect with.
pub(crate) async fn connect(variables: &Variables) -> Result<Client, ApiError> {
    let repository = variables.repository.clone().filter(|name| is_repository(name)).ok_or_else(|| {
        ApiError::Setup("GITHUB_REPOSITORY does not name a repository as OWNER/NAME".to_owned())
    })?;
    Client::connect(Connection {
        api_url: variables.api_url.clone(),
        auth: auth(variables)?,
        proxies: variables.proxies.clone(),
        repository,
        patience: Patience::default(),
    })
    .await
}

fn is_repository(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
    };
    name.split_once('/').is_some_and(|(owner, name)| {
        plain(owner) && !name.contains("..") && plain(name.trim_start_matches('.'))
    })
}

fn auth(variables: &Variables) -> Result<Auth, ApiError> {
    if let Some(id) = &variables.app_id {
        let id = id
            .trim()
            .parse()
            .map_err(|_| ApiError::Setup("RUNNER_GITHUB_APP_ID is not the number of an App".to_owned()))?;
        let key = match (&variables.app_key, &variables.app_key_file) {
            (Some(key), _) => key.clone(),
            (None, Some(file)) => read_key(file)?,
            (None, None) => {
                let what = "RUNNER_GITHUB_APP_ID needs RUNNER_GITHUB_APP_KEY or RUNNER_GITHUB_APP_KEY_FILE";
                return Err(ApiError::Setup(what.to_owned()));
            }
        };
        return Ok(Auth::App { id, key });
    }
    let token = variables.token.clone().ok_or_else(|| {
        ApiError::Setup("there is no token: set GITHUB_TOKEN, or RUNNER_GITHUB_APP_ID and its key".to_owned())
    })?;
    Ok(Auth::Token(token))
}

fn read_key(file: &Path) -> Result<Secret, ApiError> {
    let fail = |why: String| ApiError::Setup(format!("cannot read the key {}: {why}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| fail(error.to_string()))?.len();
    if size > LARGEST_KEY {
        return Err(fail(format!("it has more than {LARGEST_KEY} bytes")));
    }
    std::fs::read_to_string(file).map(|text| Secret::new(&text)).map_err(|error| fail(error.to_string()))
}
