//! Who calls, and what the token may do.

use std::collections::BTreeMap;

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// May look.
    Read,
    /// May change.
    Write,
}

/// Permissions by GitHub's names (`checks`, `issues`, `pull_requests`, `contents`, `statuses`, `deployments`, `members`).
pub type Permissions = BTreeMap<&'static str, Access>;

/// An account, with the App it acts for if it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Login; a bot's ends with `[bot]`.
    pub login: String,
    /// Number of the account.
    pub id: u64,
    /// Slug and number of the App whose installation token was used. Only such tokens may write checks.
    pub app: Option<(String, u64)>,
    /// What the token may do.
    pub permissions: Permissions,
}

impl Identity {
    /// The `GITHUB_TOKEN` of a job with these `permissions:`.
    #[must_use]
    pub fn github_token(permissions: &[(&'static str, Access)]) -> Self {
        Self {
            login: "github-actions[bot]".into(),
            id: 41_898_282,
            app: Some(("github-actions".into(), 15_368)),
            permissions: permissions.iter().copied().collect(),
        }
    }

    /// An installation token of an App.
    #[must_use]
    pub fn app(slug: &str, id: u64, permissions: &[(&'static str, Access)]) -> Self {
        Self {
            login: format!("{slug}[bot]"),
            id: 900_000 + id,
            app: Some((slug.into(), id)),
            permissions: permissions.iter().copied().collect(),
        }
    }

    /// A personal access token.
    #[must_use]
    pub fn person(login: &str, id: u64, permissions: &[(&'static str, Access)]) -> Self {
        Self { login: login.into(), id, app: None, permissions: permissions.iter().copied().collect() }
    }

    /// Whether the token reaches far enough in one of the named permissions.
    #[must_use]
    pub fn may(&self, names: &[&str], access: Access) -> bool {
        names.iter().any(|name| self.permissions.get(name).is_some_and(|granted| *granted >= access))
    }
}
